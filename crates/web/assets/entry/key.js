// A member's key in the browser: read from its file, used by WebCrypto, never sent and never stored.
//
// PKCS#8 PEM as `oreledger key new` and OpenSSL write it. An encrypted file (PBES2 with scrypt or PBKDF2, AES-256-CBC)
// is opened with its passphrase here. WebCrypto signs; nothing of ours ever computes with the secret.

import { base64, bytesOf, fromBase64, hex, joined } from "../verify/bytes.js";
import { scrypt } from "./scrypt.js";

/** id-Ed25519 with a seed of 32 bytes, as RFC 8410 writes a private key without its public half. */
const PLAIN_PREFIX = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const RECORD_CONTEXT = bytesOf("\0oreledger/record/v1\0");

/** Why a file is no key that can be used; `kind` is "encrypted" when only the passphrase is missing or wrong. */
export class BadKey extends Error {
  constructor(kind) {
    super(kind);
    this.kind = kind;
  }
}

/** Reads a key file. Gives `{ public, sign(bytes) }`, the public half as 32 bytes. Throws `BadKey`. */
export async function readKey(pem, passphrase) {
  const found = /-----BEGIN (ENCRYPTED )?PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(pem);
  let der = found === null ? null : fromBase64(found[2].replace(/\s/g, ""));
  if (der === null) throw new BadKey("malformed");
  if (found[1] !== undefined) der = await opened(der, passphrase);
  if (der.length < 48 || !startsAsKey(der)) throw new BadKey("malformed");
  const pkcs8 = joined(Uint8Array.from(PLAIN_PREFIX), der.subarray(16, 48));
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  // From here on the secret cannot be read back out of the key.
  const locked = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, false, ["sign"]);
  pkcs8.fill(0);
  der.fill(0);
  const sign = async (bytes) => new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, locked, bytes));
  return { public: fromBase64(`${x.replaceAll("-", "+").replaceAll("_", "/")}=`), sign };
}

/** PrivateKeyInfo of version 0 or 1 with Ed25519 and a seed; what follows the seed is left alone. */
function startsAsKey(der) {
  const same = (at) => der[at] === PLAIN_PREFIX[at];
  return PLAIN_PREFIX.every((_, at) => at === 1 || at === 4 || same(at)) && der[4] <= 1;
}

/** The entry for a record's canonical bytes: the signed envelope. */
export async function signRecord(key, record) {
  const signature = await key.sign(joined(RECORD_CONTEXT, record));
  return joined(Uint8Array.of(0x0a), varint(record.length), record, Uint8Array.of(0x12, 64), signature);
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value >>= 7) bytes.push((value & 127) | 128);
  return Uint8Array.from([...bytes, value]);
}

/** A token by which the node knows who asks, good for ten minutes. */
export async function token(key, member, origin) {
  const part = (json) => url(bytesOf(JSON.stringify(json)));
  const now = Math.floor(Date.now() / 1000);
  const header = part({ alg: "EdDSA", kid: hex(key.public), typ: "JWT" });
  const text = `${header}.${part({ iss: member, aud: origin, iat: now, exp: now + 600 })}`;
  return `${text}.${url(await key.sign(bytesOf(text)))}`;
}

function url(bytes) {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// ---------------------------------------------------------------- encrypted files (RFC 8018, RFC 7914)

const OID = {
  pbes2: "2a864886f70d01050d",
  pbkdf2: "2a864886f70d01050c",
  scrypt: "2b06010401da47040b",
  aes256: "60864801650304012a",
  sha256: "2a864886f70d0209",
};

async function opened(der, passphrase) {
  if (!passphrase) throw new BadKey("encrypted");
  const [algorithm, data] = items(items(der)[0].body);
  const [scheme, parameters] = items(algorithm.body);
  const [derivation, cipher] = items(parameters?.body ?? new Uint8Array(0));
  const [cipherName, iv] = items(cipher?.body ?? new Uint8Array(0));
  if (hex(scheme.body) !== OID.pbes2 || hex(cipherName?.body ?? []) !== OID.aes256) throw new BadKey("malformed");
  const key = await derived(derivation, bytesOf(passphrase));
  const secret = await crypto.subtle.importKey("raw", key, { name: "AES-CBC" }, false, ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv: iv.body }, secret, data.body));
  } catch {
    throw new BadKey("encrypted");
  }
}

async function derived(derivation, passphrase) {
  const [name, parameters] = items(derivation.body);
  const fields = items(parameters.body);
  const number = (item) => item.body.reduce((sum, byte) => sum * 256 + byte, 0);
  if (hex(name.body) === OID.scrypt) {
    const [salt, n, r, p] = fields;
    const cost = [n, r, p].map(number);
    if (cost[0] * cost[1] * 128 > 256 << 20 || cost[2] > 16) throw new BadKey("malformed");
    return scrypt(passphrase, salt.body, ...cost, 32);
  }
  if (hex(name.body) !== OID.pbkdf2) throw new BadKey("malformed");
  const [salt, iterations, ...rest] = fields;
  const prf = rest.find((item) => item.tag === 0x30);
  if (prf === undefined || hex(items(prf.body)[0].body) !== OID.sha256) throw new BadKey("malformed");
  const base = await crypto.subtle.importKey("raw", passphrase, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: salt.body, iterations: number(iterations) };
  return new Uint8Array(await crypto.subtle.deriveBits(how, base, 256));
}

/** The items of a DER sequence. Throws `BadKey` where the lengths do not fit. */
function items(der) {
  const found = [];
  for (let at = 0; at < der.length; ) {
    const tag = der[at];
    let [length, start] = [der[at + 1] ?? 0, at + 2];
    if (length > 0x82) throw new BadKey("malformed");
    if (length >= 0x80) {
      const count = length - 0x80;
      length = der.subarray(start, start + count).reduce((sum, byte) => sum * 256 + byte, 0);
      start += count;
    }
    if (start + length > der.length) throw new BadKey("malformed");
    found.push({ tag, body: der.subarray(start, start + length) });
    at = start + length;
  }
  if (found.length === 0) throw new BadKey("malformed");
  return found;
}
