// Bytes: text, hexadecimal, base64, SHA-256. One value has one spelling, as the formats ask.
//
// Everything here is total: bytes and texts from outside give a value or null, never an exception,
// except for `Fault`, which is how a check says what was wrong.

/** What was wrong, in words for people. The only thing a check may throw on purpose. */
export class Fault extends Error {
  constructor(message) {
    super(message);
    this.name = "Fault";
  }
}

/** There is more than is taken up: nothing was found wrong, and nothing is verified. */
export class Limit extends Fault {}

/** Text of UTF-8 bytes, or null when they are no UTF-8. */
export function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** UTF-8 bytes of a text. */
export function bytesOf(text) {
  return new TextEncoder().encode(text);
}

/** Lower-case hexadecimal. */
export function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Bytes of hexadecimal text in either case, or null. */
export function fromHex(text) {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Standard base64 with padding. */
export function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const three = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const left = bytes.length - at;
    text += BASE64[three >> 18] + BASE64[(three >> 12) & 63];
    text += left > 1 ? BASE64[(three >> 6) & 63] : "=";
    text += left > 2 ? BASE64[three & 63] : "=";
  }
  return text;
}

/** Bytes of padded standard base64, or null for any other spelling. */
export function fromBase64(text) {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let out = 0;
  for (let at = 0; at < text.length; at += 4) {
    let four = 0;
    for (let i = 0; i < 4; i++) {
      const digit = BASE64.indexOf(text[at + i]);
      four = (four << 6) | (digit < 0 ? 0 : digit);
    }
    for (let shift = 16; shift >= 0 && out < bytes.length; shift -= 8) bytes[out++] = (four >> shift) & 255;
  }
  // Stray bits in the last digit would be a second spelling of the same bytes.
  return base64(bytes) === text ? bytes : null;
}

/** A decimal of 64 bits without sign or leading zeros as BigInt, or null. */
export function decimal(text) {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return null;
  const value = BigInt(text);
  return value < 1n << 64n ? value : null;
}

/** Whether two byte strings are equal. Nothing here is secret, so time does not matter. */
export function same(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** One piece of several. */
export function joined(...pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** SHA-256. */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** A whole number with thousands separated, for people. */
export function thousands(number) {
  return number.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}
