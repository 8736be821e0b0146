// The second verifier: bundles and receipts, checked where they are read, by code that shares
// nothing with the first (crates/verify) but the specification.
//
// `verify(file, trust)` is the door. It makes one check after another in the order that
// crates/verify/README.md gives, tells `onStep` about each as soon as it is made, and stops at the
// first that fails. It asks nobody anything. Whatever bytes it is given, it answers; an answer is
// `{ verified, steps, failed, fault, limit, remarks, ... }` with `failed` the name of the failing check, and `limit`
// true when it failed because there is more than is taken up: nothing was found wrong then.

import { Fault, Limit, bytesOf, base64, hex, joined, same, sha256, thousands } from "./bytes.js";
import { zip215 } from "./ed25519.js";
import { symbolOf } from "./elements.js";
import { follow } from "./handover.js";
import { checkMultiproof, hashLeaf, rootFromInclusion } from "./merkle.js";
import { noteText, readCheckpoint, readNote, signersOf } from "./note.js";
import { believe } from "./policy.js";
import { PROOF_HEADER, readEntry, readProofFile } from "./proof.js";
import { decode } from "./proto.js";
import { compareShares, recount } from "./shares.js";
import { walkTrail } from "./trail.js";
import { readTrust } from "./trust.js";

const MAX_BUNDLE_BYTES = 256 << 20;
const MAX_BUNDLE_ENTRIES = 200000;
const STATUS = { held: 3, recalled: 4, void: 7 };
/** Signatures that are checked at the same time. */
const AT_ONCE = 32;

/** The checks of a bundle, in order, as the command line names them. */
export const BUNDLE_CHECKS = ["file", "ledger", "checkpoint", "claim", "seal", "records", "inclusion", "keys", "heads", "trail", "shares"];
/** The checks of a receipt, in order. */
export const RECEIPT_CHECKS = ["file", "ledger", "signature", "checkpoint", "inclusion"];

/**
 * Checks a bundle or a receipt (Uint8Array) against a trust root (the text of consortium.toml).
 * `onStep(step)` is told `{ check, ok, limit, detail }` after each check; it may return a promise.
 *
 * `handovers` are the bytes of a file of changes of the validators; with it the file is held against the newest of the
 * sets that signed it, as by the command line. What none of them signed is told as the newest sees it.
 */
export async function verify(file, trust, onStep = () => {}, handovers = new Uint8Array()) {
  const answer = unjudged(file);
  let roots = [];
  try {
    await make(answer, onStep, "trust root", async () => {
      if (globalThis.crypto?.subtle === undefined) {
        throw new Fault("this browser checks signatures only on https pages, on localhost or in a file that was saved; open one of them");
      }
      const root = await readTrust(trust);
      roots = [root];
      return `ledger ${root.origin}, ${root.policy.logs.length} log keys, ${root.policy.witnesses.length} cosigners`;
    });
    if (handovers.length > 0) {
      await make(answer, onStep, "handovers", async () => {
        roots = await follow(roots[0], handovers);
        return `${roots.length - 1} changes of the validators, each vouched for by the set before`;
      });
    }
    await (answer.kind === "receipt" ? receipt : bundle)(file, roots, answer, (check, work) => make(answer, onStep, check, work));
    answer.verified = true;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
  return answer;
}

function unjudged(file) {
  const header = bytesOf(PROOF_HEADER);
  const kind = same(file.subarray(0, header.length), header) ? "receipt" : "bundle";
  return { kind, verified: false, steps: [], failed: null, fault: null, limit: false, remarks: [], claim: null, receipt: null };
}

/** Makes one check and tells about it; throws `Fault` when it fails. */
async function make(answer, onStep, check, work) {
  const step = { check, ok: true, limit: false, detail: "" };
  try {
    step.detail = await work();
  } catch (error) {
    [step.ok, step.limit] = [false, error instanceof Limit];
    // Anything but a Fault is a defect of ours: then nothing is verified, and it is said so.
    step.detail = error instanceof Fault ? error.message : `this verifier broke off (${error}); use another one`;
    [answer.failed, answer.fault, answer.limit] = [check, step.detail, step.limit];
  }
  answer.steps.push(step);
  await onStep(step);
  if (!step.ok) throw new Fault(check);
}

/** The newest trust root that believes, all else being equal in all of them; where none does, the newest. */
async function newest(roots, believes) {
  for (const root of roots.length > 1 ? [...roots].reverse() : []) {
    try {
      await believes(root);
      return root;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }
  return roots.at(-1);
}

// ---------------------------------------------------------------- a bundle

async function bundle(file, roots, answer, run) {
  const so = { file, trust: roots.at(-1), answer };
  await run("file", () => readBundle(so));
  await run("ledger", () => {
    requireOrigin(so.claim.origin, so.trust, "the bundle is about");
    return `about ${so.claim.origin}, the ledger of the trust root`;
  });
  await run("checkpoint", async () => {
    so.trust = await newest(roots, async ({ policy }) => {
      await believe(policy, readCheckpoint(so.bundle.checkpoint));
      await signersOf(readNote(so.bundle.claim_note), policy.logs);
    });
    return checkCheckpoint(so);
  });
  await run("claim", () => checkClaim(so));
  await run("seal", () => checkSeal(so));
  await run("records", () => checkRecords(so));
  await run("inclusion", async () => {
    const leaves = so.bundle.entries.map((entry) => ({ index: entry.leaf_index, bytes: entry.entry }));
    await checkMultiproof("log", so.size, leaves, so.bundle.tree_proof, so.root);
    return `all ${thousands(leaves.length)} entries are leaves of the tree with root ${hex(so.root)}`;
  });
  await run("keys", () => checkKeys(so));
  await run("heads", () => checkHeads(so));
  await run("trail", () => checkTrail(so));
  await run("shares", () => {
    const shares = recount(so.claim.lot, so.head, so.claim.element, so.trail, so.records);
    compareShares(so.claim.shares, shares);
    return `${thousands(so.claim.shares.length)} origins of ${symbolOf(so.claim.element) ?? "?"} recounted from the records`;
  });
  answer.claim = so.claim;
}

function requireOrigin(found, trust, what) {
  if (found !== trust.origin) throw new Fault(`${what} ledger "${found}", the trust root is for "${trust.origin}"`);
}

function readBundle(so) {
  if (so.file.length > MAX_BUNDLE_BYTES) throw new Limit(`the file has ${thousands(so.file.length)} bytes, the limit is 268,435,456`);
  so.bundle = decode("Bundle", so.file, "the file");
  so.claim = so.bundle.claim;
  if (so.claim === null) throw new Fault("the bundle has no claim");
  const entries = so.bundle.entries.length;
  if (entries > MAX_BUNDLE_ENTRIES) throw new Limit(`the bundle has ${thousands(entries)} entries, the limit is 200,000`);
  return `canonical bundle of ${thousands(so.file.length)} bytes, ${thousands(entries)} entries`;
}

async function checkCheckpoint(so) {
  const checkpoint = readCheckpoint(so.bundle.checkpoint);
  const { logs, cosigned } = await believe(so.trust.policy, checkpoint);
  requireOrigin(checkpoint.origin, so.trust, "the checkpoint is of");
  if (checkpoint.size !== so.claim.tree_size) {
    throw new Fault(`the claim holds at size ${thousands(so.claim.tree_size)}, the checkpoint is of size ${thousands(checkpoint.size)}`);
  }
  [so.size, so.root] = [checkpoint.size, checkpoint.root];
  const { policy } = so.trust;
  return `log of ${thousands(so.size)} entries, signed by ${logs} of ${policy.logs.length} log keys and cosigned by ${cosigned} of ${policy.witnesses.length} listed`;
}

async function checkClaim(so) {
  const note = readNote(so.bundle.claim_note);
  // The claim's bytes within the file are canonical, so they are what the node hashed.
  const digest = base64(await sha256(so.claim.$bytes));
  if (note.text !== `oreledger claim v1\n${so.claim.origin}\n${digest}\n`) throw new Fault("the claim's note is about another claim");
  const signers = await signersOf(note, so.trust.policy.logs);
  return `answered and signed with ${signers.length} log key(s) of the ledger`;
}

async function checkSeal(so) {
  const last = so.bundle.entries.at(-1);
  if (last === undefined) throw new Fault("the bundle has no entries");
  const entry = last.leaf_index + 1n === so.size ? await readEntry(last.entry, `the entry at leaf ${last.leaf_index}`) : null;
  if (!entry?.isSeal) throw new Fault(`the last entry (leaf ${last.leaf_index}) is not the seal at the end of a log of ${thousands(so.size)} entries`);
  const { head_root, roster_root } = so.bundle;
  if (head_root.length !== 32 || roster_root.length !== 32) throw new Fault("the head root or the roster root is not 32 bytes long");
  const root = await sha256(joined(Uint8Array.of(1), head_root, roster_root));
  so.seal = entry.record.block_seal;
  if (!same(root, so.seal.state_root)) throw new Fault("head root and roster root do not give the state root of the seal");
  return `block ${so.seal.height} seals the state of all lots and members`;
}

async function checkRecords(so) {
  so.records = new Map();
  const entries = so.bundle.entries.slice(0, -1);
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    const batch = await Promise.allSettled(entries.slice(at, at + AT_ONCE).map((entry) => checkRecord(so, entry)));
    for (const { value, reason } of batch) {
      if (reason !== undefined) throw reason;
      if (value.crafted) so.answer.remarks.push(`S1: the signature of record ${value.id} was crafted so that stricter verifiers refuse it`);
      so.records.set(value.id, value);
    }
  }
  return `${thousands(so.records.size)} records decode canonically and their signatures verify`;
}

async function checkRecord(so, { leaf_index: leaf, entry: bytes }) {
  const entry = await readEntry(bytes, `the entry at leaf ${leaf}`);
  if (entry.isSeal) throw new Fault(`the entry at leaf ${leaf} is a seal, but only the last entry may be one`);
  requireOrigin(entry.record.origin, so.trust, `record ${entry.id} at leaf ${leaf} was signed for`);
  const { accepted, crafted } = await zip215(entry.record.author_key, entry.signed, entry.signature);
  if (!accepted) throw new Fault(`record ${entry.id} at leaf ${leaf}: the signature of ${entry.record.author} does not verify under its key`);
  return { ...entry, leaf, crafted };
}

async function checkKeys(so) {
  await proveState(so, "roster", "roster");
  const members = new Map();
  for (const leaf of so.bundle.roster) {
    const state = decode("RosterState", leaf.leaf, `roster leaf ${leaf.index}`);
    const id = state.member?.member?.id ?? "";
    if (state.$event !== "member" || members.has(id)) throw new Fault(`roster leaf ${leaf.index} is no member, or a member that stands there twice`);
    members.set(id, state.member);
  }
  for (const { id, leaf, record } of so.records.values()) {
    const keys = members.get(record.author)?.keys ?? [];
    const could = (key) =>
      same(key.public_key, record.author_key) && key.from_leaf <= leaf && (key.revoked_leaf === 0n || leaf < key.revoked_leaf);
    if (!keys.some(could)) throw new Fault(`record ${id} at leaf ${leaf}: the key is not one that ${record.author} could sign with at that point`);
  }
  return `${thousands(members.size)} authors held their keys when they signed`;
}

function proveState(so, tree, leaves) {
  const [size, root, proof] = tree === "roster"
    ? [so.bundle.roster_size, so.bundle.roster_root, so.bundle.roster_proof]
    : [so.bundle.head_size, so.bundle.head_root, so.bundle.head_proof];
  const proven = so.bundle[leaves].map(({ index, leaf }) => ({ index, bytes: leaf }));
  return checkMultiproof(tree, size, proven, proof, root);
}

async function checkHeads(so) {
  await proveState(so, "head tree", "lots");
  so.states = new Map();
  for (const leaf of so.bundle.lots) {
    const state = decode("LotState", leaf.leaf, `head tree leaf ${leaf.index}`);
    if (so.states.has(state.lot)) throw new Fault(`the state of lot ${state.lot} is in the bundle twice`);
    so.states.set(state.lot, state);
  }
  return `newest state of ${thousands(so.states.size)} lots is what block ${so.seal.height} seals`;
}

function stateOf(so, lot) {
  const state = so.states.get(lot);
  if (state === undefined) throw new Fault(`lot ${lot} is on the trail, but its newest state is not in the bundle exactly once`);
  return state;
}

function checkTrail(so) {
  const { head } = stateOf(so, so.claim.lot);
  if (head.length !== 32) throw new Fault("a lot's head is not 32 bytes long");
  so.head = hex(head);
  so.trail = walkTrail(so.claim.lot, so.head, so.records);
  const { lots } = so.trail;
  for (const lot of so.states.keys()) {
    if (!lots.has(lot)) throw new Fault(`the state of lot ${lot} is in the bundle, but the lot is not on the trail`);
  }
  for (const lot of [...lots].sort()) {
    const { status } = stateOf(so, lot);
    if (status === STATUS.void) throw new Fault(`lot ${lot} is void: the record that made it was withdrawn`);
    if (status === STATUS.recalled) so.answer.remarks.push(`lot ${lot} is recalled`);
    if (status === STATUS.held) so.answer.remarks.push(`lot ${lot} is on hold`);
  }
  return `${thousands(so.records.size)} records join ${thousands(lots.size)} lots without a gap`;
}

// ---------------------------------------------------------------- a receipt

async function receipt(file, roots, answer, run) {
  let trust = roots.at(-1);
  let proof;
  let entry;
  await run("file", async () => {
    proof = readProofFile(noteText(file));
    if (proof.extra === null) throw new Fault("the receipt holds no entry");
    entry = await readEntry(proof.extra, "the entry");
    return `receipt of ${thousands(file.length)} bytes for record ${entry.id}`;
  });
  await run("ledger", () => {
    requireOrigin(entry.record.origin, trust, "the record is for");
    return `for ${entry.record.origin}, the ledger of the trust root`;
  });
  await run("signature", async () => {
    if (entry.isSeal) return "a block seal, which the ledger writes and nobody signs";
    const { accepted, crafted } = await zip215(entry.record.author_key, entry.signed, entry.signature);
    if (!accepted) throw new Fault(`the signature of ${entry.record.author} does not verify under its key`);
    if (crafted) answer.remarks.push(`S1: the signature of record ${entry.id} was crafted so that stricter verifiers refuse it`);
    return `signed by ${entry.record.author}`;
  });
  await run("checkpoint", async () => {
    trust = await newest(roots, ({ policy }) => believe(policy, proof.checkpoint));
    const { logs, cosigned } = await believe(trust.policy, proof.checkpoint);
    return `log of ${thousands(proof.checkpoint.size)} entries, signed by ${logs} of ${trust.policy.logs.length} log keys and cosigned by ${cosigned} of ${trust.policy.witnesses.length} listed`;
  });
  await run("inclusion", async () => {
    const { root, size } = proof.checkpoint;
    const found = await rootFromInclusion(await hashLeaf(proof.extra), proof.index, size, proof.path);
    if (!same(found, root)) throw new Fault(`the inclusion proof leads to root ${hex(found)}, expected ${hex(root)}`);
    return `leaf ${proof.index} is in the tree of ${thousands(size)} leaves with root ${hex(root)}`;
  });
  answer.receipt = { id: entry.id, author: entry.record.author, event: entry.record.$event, leaf: proof.index };
}
