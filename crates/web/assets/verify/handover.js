// Handovers: from the validators of the trust root to those of today, with nobody believed on the way.
//
// A set of validators is a leaf of the roster tree. A handover shows that leaf under the state root of a block's seal,
// and the seal under a checkpoint that a quorum of the set *before* believes. crates/verify/README.md has the rules,
// the head of a handover's file is in crates/verify/src/handover.rs.

import { Fault, bytesOf, fromBase64, hex, joined, same, sha256, textOf } from "./bytes.js";
import { hashLeaf, rootFromInclusion } from "./merkle.js";
import { COSIGNER_KEY, LOG_KEY, keyOf, noteText } from "./note.js";
import { believe, kOfN } from "./policy.js";
import { readEntry, readProofFile } from "./proof.js";
import { decode } from "./proto.js";

const HANDOVER_HEADER = "oreledger handover v1";
const MAX_HANDOVER_BYTES = 4 << 20;
const MAX_HANDOVERS = 1000;
const MAX_PATH_HASHES = 64;

/**
 * The trust root, then that of each later set of a file (Uint8Array), in order. Throws `Fault`: a file that cannot be read, or
 * `handover N: ...` for the first that is broken; nothing after it is believed.
 */
export async function follow(trust, file) {
  const roots = [trust];
  let last = null;
  for (const [position, handover] of readHandovers(file).entries()) {
    try {
      const { policy, leaf } = await checkHandover(handover, trust.origin, roots.at(-1).policy);
      if (last !== null && (handover.index <= last.index || leaf <= last.leaf)) throw new Fault("it is not later than the one before");
      last = { index: handover.index, leaf };
      roots.push({ ...trust, policy });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new Fault(`handover ${position + 1}: ${error.message}`);
    }
  }
  return roots;
}

/** The handovers of a file, one after the other; an empty one has none. */
function readHandovers(file) {
  const text = textOf(file);
  if (text === null) throw malformed("text");
  const [before, ...parts] = text.split(HANDOVER_HEADER);
  if (/\P{White_Space}/u.test(before)) throw malformed("header");
  if (parts.length > MAX_HANDOVERS) throw malformed("number");
  return parts.map((part) => readHandover(`${HANDOVER_HEADER}${part}`));
}

function malformed(what) {
  return new Fault(`${what} of the handover is absent or malformed`);
}

function readHandover(text) {
  if (bytesOf(text).length > MAX_HANDOVER_BYTES) throw malformed("length");
  // A line ends in a newline, with or without a carriage return before it; one at the very end of the file is no end.
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  if (lines.at(-1) === "") lines.pop();
  let at = 0;
  const next = () => lines[at++];
  const field = (name) => {
    const line = next();
    if (line === undefined || !line.startsWith(`${name} `)) throw malformed(name);
    return line.slice(name.length + 1);
  };
  const bytes = (name) => {
    const found = fromBase64(field(name));
    if (found === null) throw malformed(name);
    return found;
  };
  if (next() !== HANDOVER_HEADER) throw malformed("header");
  const seal = sealOf(bytes("seal"));
  const headRoot = bytes("head-root");
  const roster = /^\+?([0-9]+) \+?([0-9]+)$/.exec(field("roster"));
  if (roster === null) throw malformed("roster");
  const [index, size] = roster.slice(1).map(BigInt);
  if (index >> 64n > 0n || size >> 64n > 0n) throw malformed("roster");
  const leaf = bytes("leaf");
  const path = bytes("path");
  if (path.length % 32 !== 0 || path.length / 32 > MAX_PATH_HASHES || at < lines.length) throw malformed("path");
  if (headRoot.length !== 32) throw malformed("head-root");
  const hashes = Array.from({ length: path.length / 32 }, (_, place) => path.subarray(place * 32, place * 32 + 32));
  return { seal, headRoot, index, size, leaf, path: hashes };
}

function sealOf(bytes) {
  try {
    return readProofFile(noteText(bytes));
  } catch (error) {
    throw error instanceof Fault ? malformed("seal") : error;
  }
}

/** The policy of the set that a handover shows, once `before` believes it, and the leaf of its seal in the log. */
async function checkHandover(handover, origin, before) {
  const { seal } = handover;
  const entry = seal.extra === null ? null : await quietly(() => readEntry(seal.extra, "the entry"));
  if (!entry?.isSeal) throw new Fault("its entry is no block's seal");
  await because("the validators before do not vouch for it", async () => {
    await believe(before, seal.checkpoint);
    const { root, size } = seal.checkpoint;
    const found = await rootFromInclusion(await hashLeaf(seal.extra), seal.index, size, seal.path);
    if (!same(found, root)) throw new Fault(`the inclusion proof leads to root ${hex(found)}, expected ${hex(root)}`);
  });
  const leaf = await hashLeaf(handover.leaf);
  const roster = await because("the roster's path", () => rootFromInclusion(leaf, handover.index, handover.size, handover.path));
  const state = await sha256(joined(Uint8Array.of(1), handover.headRoot, roster));
  if (!same(state, entry.record.block_seal.state_root)) throw new Fault("the seal commits to another roster");
  const set = await quietly(() => decode("RosterState", handover.leaf, "the leaf"));
  if (set?.$event !== "validators") throw new Fault("the leaf is no set of validators");
  return { policy: await because("the new set's keys", () => policyOf(origin, set.validators.validators)), leaf: seal.index };
}

/** What it gives, or null where a `Fault` is thrown. */
async function quietly(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}

async function because(what, work) {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Fault ? new Fault(`${what}: ${error.message}`) : error;
  }
}

/** More than two thirds of a set, each by its cosigner key, under any of its log keys. */
async function policyOf(origin, validators) {
  const [logs, witnesses] = [[], []];
  for (const { member, log_key: log, cosigner_key: cosigner } of validators) {
    logs.push(await keyOf(origin, LOG_KEY, log));
    witnesses.push(await keyOf(`${origin}/${member}`, COSIGNER_KEY, cosigner));
  }
  return kOfN(logs, witnesses, validators.length - Math.floor((validators.length - 1) / 3));
}
