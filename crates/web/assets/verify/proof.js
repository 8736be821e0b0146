// Entries of the log, and files that show one in it: the record's envelope, and C2SP tlog-proof.

import { Fault, bytesOf, decimal, fromBase64, hex, joined, sha256, thousands } from "./bytes.js";
import { readCheckpoint } from "./note.js";
import { decode } from "./proto.js";

/** First line of a proof file. */
export const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const MAX_ENTRY_BYTES = 65535;
const MAX_PROOF_HASHES = 65;
const RECORD_CONTEXT = bytesOf("\0oreledger/record/v1\0");

/** An entry: its record, id and signature; `where` names it. Throws `Fault`. */
export async function readEntry(bytes, where) {
  if (bytes.length > MAX_ENTRY_BYTES) throw new Fault(`${where} has ${thousands(bytes.length)} bytes, the limit is 65,535`);
  const envelope = decode("SignedRecord", bytes, `the envelope of ${where}`);
  const record = decode("Record", envelope.record, `the record of ${where}`);
  if (record.$event === null) throw new Fault(`${where} has no event`);
  const isSeal = record.$event === "block_seal";
  if (isSeal && (envelope.signature.length > 0 || record.author !== "" || record.author_key.length > 0)) {
    throw new Fault(`${where}: a block seal has no author, no key and no signature`);
  }
  if (!isSeal && envelope.signature.length !== 64) throw new Fault(`${where}: the signature has ${envelope.signature.length} bytes, not 64`);
  const signed = joined(RECORD_CONTEXT, envelope.record);
  return { record, isSeal, signed, signature: envelope.signature, id: hex(await sha256(signed)) };
}

/** A C2SP tlog-proof: index, path, checkpoint, and the entry as extra data. Throws `Fault`. */
export function readProofFile(text) {
  const cut = text.indexOf("\n\n");
  if (cut < 0) throw new Fault("a proof file has a blank line before the checkpoint");
  const lines = text.slice(0, cut).split("\n");
  if (lines.shift() !== PROOF_HEADER) throw new Fault(`a proof file starts with the line ${PROOF_HEADER}`);
  let extra = null;
  if (lines[0]?.startsWith("extra ")) {
    extra = fromBase64(lines.shift().slice("extra ".length));
    if (extra === null) throw new Fault("the extra line holds padded standard base64");
  }
  const index = /^index (.*)$/.exec(lines.shift() ?? "");
  const number = index === null ? null : decimal(index[1]);
  if (number === null) throw new Fault("the index line holds a decimal without leading zeros");
  if (lines.length > MAX_PROOF_HASHES) throw new Fault(`a proof file has at most ${MAX_PROOF_HASHES} path lines`);
  const path = lines.map(fromBase64);
  const bad = path.findIndex((hash) => hash?.length !== 32);
  if (bad >= 0) throw new Fault(`path line ${bad + 1} is not 32 bytes of base64`);
  return { extra, index: number, path, checkpoint: readCheckpoint(text.slice(cut + 2)) };
}
