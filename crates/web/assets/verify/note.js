// Signed notes and checkpoints: C2SP signed-note, tlog-checkpoint, tlog-cosignature.
//
// Signatures by unknown keys are ignored; a bad signature under a known name and id condemns the
// whole note. A key counts once, however many lines it has.

import { Fault, bytesOf, decimal, fromBase64, hex, joined, same, sha256, textOf, thousands } from "./bytes.js";
import { ofSmallOrder, strict } from "./ed25519.js";

const MAX_NOTE_BYTES = 1 << 20;
const MAX_SIGNATURES = 100;
const LINE_START = "\u2014 ";

/** A key's signature states: the note's text. */
export const LOG_KEY = 0x01;
/** A key's signature states: this checkpoint was the largest consistent one that was seen, at a time. */
export const COSIGNER_KEY = 0x04;

/** Whether a text can name a key. */
function isKeyName(name) {
  return name !== "" && bytesOf(name).length <= 1024 && !/[\p{White_Space}+\u0000-\u001f]/u.test(name);
}

/** A verifier key as policies write it: `name+id+base64(type || public key)`. Throws `Fault`. */
export async function readKey(text) {
  const [name, id, ...rest] = text.split("+");
  if (id === undefined || rest.length === 0) throw new Fault("a verifier key is written name+id+base64");
  if (!/^[0-9a-f]{8}$/.test(id)) throw new Fault("a key id is written as eight hexadecimal digits");
  const bytes = fromBase64(rest.join("+"));
  if (bytes === null) throw new Fault("a verifier key is written in padded standard base64");
  const key = await keyOf(name, bytes[0], bytes.subarray(1));
  if (key.id !== id) throw new Fault(`key id ${id} does not belong to this key`);
  return key;
}

/** The verifier key of a name, a type and a public key, with its id. Throws `Fault`. */
export async function keyOf(name, type, key) {
  if (!isKeyName(name)) throw new Fault("a key name has 1 to 1,024 bytes without spaces, control characters and '+'");
  if (type !== LOG_KEY && type !== COSIGNER_KEY) throw new Fault("a verifier key has type 0x01 or 0x04");
  if (key.length !== 32) throw new Fault(`an Ed25519 public key has 32 bytes, this one has ${key.length}`);
  if (ofSmallOrder(key)) throw new Fault("the public key is not a usable Ed25519 point");
  const digest = await sha256(joined(bytesOf(`${name}\n`), Uint8Array.of(type), key));
  return { name, id: hex(digest.subarray(0, 4)), type, key };
}

/** A note's text and its signature lines. Throws `Fault`. */
export function readNote(text) {
  const length = bytesOf(text).length;
  if (length > MAX_NOTE_BYTES) throw new Fault(`the note has ${thousands(length)} bytes, the limit is 1,048,576`);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw new Fault("a note has no control character but newline");
  const cut = text.lastIndexOf("\n\n");
  if (cut < 0) throw new Fault("a note has a blank line between text and signatures");
  const block = text.slice(cut + 2);
  if (block === "") throw new Fault("a note has at least one signature line");
  if (!block.endsWith("\n")) throw new Fault("a note ends in a newline");
  const lines = block.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw new Fault(`a note has at most ${MAX_SIGNATURES} signature lines`);
  return { text: text.slice(0, cut + 1), lines: lines.map(readLine) };
}

function readLine(line, position) {
  const bad = new Fault(`signature line ${position + 1} is not written as em dash, key name, base64`);
  if (!line.startsWith(LINE_START)) throw bad;
  const [name, ...rest] = line.slice(LINE_START.length).split(" ");
  const bytes = rest.length === 1 ? fromBase64(rest[0]) : null;
  if (!isKeyName(name) || bytes === null || bytes.length < 5) throw bad;
  return { name, id: hex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

/** The trusted keys that signed a note, each once. Throws `Fault` on a bad signature, or on none. */
export async function signersOf(note, keys) {
  const signers = [];
  for (const line of note.lines) {
    const key = keys.find((key) => key.name === line.name && key.id === line.id);
    if (key === undefined || signers.includes(key)) continue;
    if (!(await signed(key, note.text, line.signature))) throw new Fault(`the signature of ${key.name} does not verify`);
    signers.push(key);
  }
  if (signers.length === 0) throw new Fault("no signature by a trusted key");
  return signers;
}

async function signed(key, text, signature) {
  if (key.type === LOG_KEY) return strict(key.key, bytesOf(text), signature);
  if (signature.length !== 72) return false;
  const time = signature.subarray(0, 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (time >= 1n << 63n) return false;
  return strict(key.key, bytesOf(`cosignature/v1\ntime ${time}\n${text}`), signature.subarray(8));
}

/** A checkpoint within its note: origin, size, root. Throws `Fault`. */
export function readCheckpoint(text) {
  const note = readNote(text);
  const [origin, size, root, ...extensions] = note.text.slice(0, -1).split("\n");
  if (root === undefined) throw new Fault("a checkpoint has an origin line, a size line and a root line");
  if (origin === "") throw new Fault("a checkpoint's origin is not empty");
  const checkpoint = { note, origin, size: decimal(size), root: fromBase64(root) };
  if (checkpoint.size === null) throw new Fault("a checkpoint's size is a decimal without leading zeros");
  if (checkpoint.root?.length !== 32) throw new Fault("a checkpoint's root is 32 bytes of base64");
  if (extensions.includes("")) throw new Fault("a checkpoint has no empty line");
  return checkpoint;
}

/** A note's text from bytes. Throws `Fault`. */
export function noteText(bytes) {
  const text = textOf(bytes);
  if (text === null) throw new Fault("a note is valid UTF-8");
  return text;
}

/** Whether two keys are one public key. */
export function sameKey(a, b) {
  return same(a.key, b.key);
}
