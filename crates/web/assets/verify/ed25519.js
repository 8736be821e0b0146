// Ed25519 under the two rules that matter: ZIP-215, and strict.
//
// The ledger accepts records by ZIP-215, whose answer depends on no implementation; WebCrypto is
// stricter than that, and browsers differ in details. So WebCrypto is asked first, because it is
// fast; what it refuses, or cannot do, is decided by the arithmetic below, slowly and exactly.
// Whatever WebCrypto accepts, ZIP-215 accepts too: an equation without the cofactor implies the one
// with it. Checkpoints and claims are checked strictly: no key and no commitment of small order.

import { joined } from "./bytes.js";

const P = (1n << 255n) - 19n;
const L = (1n << 252n) + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);
const BASE = decompress(toBytes(mod(4n * inverse(5n))));
const NEUTRAL = { x: 0n, y: 1n, z: 1n, t: 0n };

/** By ZIP-215: `{ accepted, crafted }`; crafted says that strict verifiers refuse it (rule S1). */
export async function zip215(key, message, signature) {
  if (await strict(key, message, signature)) return { accepted: true, crafted: false };
  return { accepted: await holds(key, message, signature, true), crafted: true };
}

/** Strictly: no small order anywhere, no cofactor. What C2SP notes ask for. */
export async function strict(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  if (ofSmallOrder(key) || ofSmallOrder(signature.subarray(0, 32))) return false;
  const quick = await webCrypto(key, message, signature);
  return quick ?? (await holds(key, message, signature, false));
}

/** Whether bytes are a point of small order, for which anybody can sign, or no point at all. */
export function ofSmallOrder(bytes) {
  const point = decompress(bytes);
  return point === null || isNeutral(timesEight(point));
}

/** WebCrypto's answer; null where the browser has no Ed25519. */
async function webCrypto(key, message, signature) {
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    return error?.name === "NotSupportedError" ? null : holds(key, message, signature, false);
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

/** The verification equation itself: [8]SB = [8]R + [8]kA with cofactor, else encode(SB - kA) = R. */
async function holds(key, message, signature, cofactor) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const a = decompress(key);
  const r = decompress(signature.subarray(0, 32));
  const s = fromBytes(signature.subarray(32));
  if (a === null || r === null || s >= L) return false;
  const digest = await crypto.subtle.digest("SHA-512", joined(signature.subarray(0, 32), key, message));
  const k = fromBytes(new Uint8Array(digest)) % L;
  const found = add(multiply(BASE, s), negate(multiply(a, k)));
  if (!cofactor) return compress(found) === fromBytes(signature.subarray(0, 32));
  return isNeutral(timesEight(add(found, negate(r))));
}

function mod(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square)) {
    if (rest & 1n) result = mod(result * square);
  }
  return result;
}

function inverse(value) {
  return power(value, P - 2n);
}

function fromBytes(bytes) {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]);
  return value;
}

function toBytes(value) {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
}

/** A point by RFC 8032 section 5.1.3, but with any encoding of y and of x = 0, as ZIP-215 asks; null: none. */
function decompress(bytes) {
  const whole = fromBytes(bytes);
  const sign = whole >> 255n;
  const y = mod(whole & ((1n << 255n) - 1n));
  const y2 = mod(y * y);
  const u = mod(y2 - 1n);
  const v = mod(D * y2 + 1n);
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n));
  const check = mod(v * x * x);
  if (check === mod(-u)) x = mod(x * ROOT_OF_MINUS_ONE);
  else if (check !== u) return null;
  if ((x & 1n) !== sign) x = mod(-x);
  return { x, y, z: 1n, t: mod(x * y) };
}

function compress({ x, y, z }) {
  const over = inverse(z);
  return mod(y * over) | ((mod(x * over) & 1n) << 255n);
}

/** RFC 8032 section 5.1.4; complete, so it doubles too. */
function add(p, q) {
  const a = mod((p.y - p.x) * (q.y - q.x));
  const b = mod((p.y + p.x) * (q.y + q.x));
  const c = mod(2n * D * p.t * q.t);
  const d = mod(2n * p.z * q.z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) };
}

function negate({ x, y, z, t }) {
  return { x: mod(-x), y, z, t: mod(-t) };
}

function multiply(point, scalar) {
  let sum = NEUTRAL;
  for (let double = point, rest = scalar; rest > 0n; rest >>= 1n, double = add(double, double)) {
    if (rest & 1n) sum = add(sum, double);
  }
  return sum;
}

function timesEight(point) {
  let sum = point;
  for (let times = 0; times < 3; times++) sum = add(sum, sum);
  return sum;
}

function isNeutral({ x, y, z }) {
  return x === 0n && y === z;
}
