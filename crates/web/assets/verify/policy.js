// Policies: which logs, which witnesses, and how many of them make a checkpoint worth believing.
//
// C2SP tlog-policy. Names are defined before they are used and belong to at most one group, so no
// witness counts twice, and one pass over the groups decides the quorum.

import { Fault, bytesOf, decimal } from "./bytes.js";
import { COSIGNER_KEY, LOG_KEY, readKey, sameKey, signersOf } from "./note.js";

const MAX_POLICY_BYTES = 256 << 10;
const MAX_DEFINITIONS = 256;

/** Reads a policy's text. Throws `Fault`, naming the line. */
export async function readPolicy(text) {
  const policy = empty();
  if (bytesOf(text).length > MAX_POLICY_BYTES) throw new Fault("a policy has at most 262,144 bytes");
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Fault("each line of a policy ends in a newline");
  for (const [position, line] of lines.entries()) {
    try {
      await readLineInto(policy, line);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new Fault(`policy line ${position + 1}: ${error.message}`);
    }
  }
  if (policy.quorum === undefined) throw new Fault("a policy has one quorum line, this one has none");
  return policy;
}

function empty() {
  return { logs: [], witnesses: [], groups: [], quorum: undefined };
}

/** The policy of these logs, where `least` of the witnesses, each called as its key, must have cosigned. Throws `Fault`. */
export function kOfN(logs, witnesses, least) {
  const policy = empty();
  for (const key of logs) addKey(policy, policy.logs, key, LOG_KEY);
  for (const key of witnesses) {
    if (/[\u0000-\u0020\u007f]/.test(key.name)) throw new Fault("a policy's names are of visible characters");
    addWitness(policy, key.name, key);
  }
  let group = "quorum";
  while (isDefined(policy, group)) group += "_";
  addGroup(policy, group, String(least), ...witnesses.map((key) => key.name));
  setQuorum(policy, group);
  return policy;
}

async function readLineInto(policy, line) {
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) throw new Fault("a policy has no control character but tab and newline");
  const items = line.split(/[ \t]+/).filter((item) => item !== "");
  if (items.length === 0 || items[0].startsWith("#")) return;
  const [keyword, ...rest] = items;
  if (keyword === "log" && (rest.length === 1 || rest.length === 2)) {
    addKey(policy, policy.logs, await readKey(rest[0]), LOG_KEY);
  } else if (keyword === "witness" && (rest.length === 2 || rest.length === 3)) {
    addWitness(policy, rest[0], await readKey(rest[1]));
  } else if (keyword === "group" && rest.length >= 3) {
    addGroup(policy, ...rest);
  } else if (keyword === "quorum" && rest.length === 1) {
    setQuorum(policy, rest[0]);
  } else {
    throw new Fault("expected log, witness, group or quorum with its items");
  }
}

function addKey(policy, list, key, type) {
  room(list);
  if (key.type !== type) throw new Fault("a log key has type 0x01, a witness key type 0x04");
  if (list.some((other) => sameKey(other, key))) throw new Fault("this public key is listed before");
  const all = [...policy.logs, ...policy.witnesses];
  if (all.some((other) => other.name === key.name && other.id === key.id)) throw new Fault("keys that cannot be told apart");
  list.push(key);
}

function addWitness(policy, name, key) {
  requireNew(policy, name);
  addKey(policy, policy.witnesses, { ...key, witness: name }, COSIGNER_KEY);
}

function addGroup(policy, name, threshold, ...members) {
  room(policy.groups);
  requireNew(policy, name);
  const least = threshold === "all" ? members.length : threshold === "any" ? 1 : Number(decimal(threshold) ?? 0n);
  if (least < 1 || least > members.length) throw new Fault("a group threshold is all, any or a decimal from 1 to the number of members");
  const taken = policy.groups.flatMap((group) => group.members);
  members.forEach((member, at) => {
    requireDefined(policy, member);
    if (taken.includes(member) || members.indexOf(member) < at) throw new Fault(`the name ${member} is a group member already`);
  });
  policy.groups.push({ name, least, members });
}

function setQuorum(policy, name) {
  if (policy.quorum !== undefined) throw new Fault("a policy has one quorum line, this is another");
  if (name !== "none") requireDefined(policy, name);
  policy.quorum = name === "none" ? null : name;
}

function room(list) {
  if (list.length >= MAX_DEFINITIONS) throw new Fault("a policy has at most 256 of each kind of line");
}

function isDefined(policy, name) {
  return policy.witnesses.some((key) => key.witness === name) || policy.groups.some((group) => group.name === name);
}

function requireNew(policy, name) {
  if (name === "none") throw new Fault("the name none is reserved");
  if (isDefined(policy, name)) throw new Fault(`the name ${name} is defined before`);
}

function requireDefined(policy, name) {
  if (!isDefined(policy, name)) throw new Fault(`the name ${name} is not defined on an earlier line`);
}

/** Believes a checkpoint: `{ logs, cosigned }`, how many of each signed. Throws `Fault`. */
export async function believe(policy, checkpoint) {
  const logs = policy.logs.filter((key) => key.name === checkpoint.origin);
  if (logs.length === 0) throw new Fault(`the checkpoint does not satisfy the policy: no log of it has the origin ${checkpoint.origin}`);
  const signers = await signersOf(checkpoint.note, [...logs, ...policy.witnesses]);
  const signedBy = signers.filter((key) => key.type === LOG_KEY);
  if (signedBy.length === 0) throw new Fault(`no signature by a listed key of log ${checkpoint.origin}`);
  const cosigned = signers.filter((key) => key.type === COSIGNER_KEY).map((key) => key.witness);
  if (policy.quorum !== null) {
    const holding = new Set(cosigned);
    for (const group of policy.groups) {
      if (group.members.filter((member) => holding.has(member)).length >= group.least) holding.add(group.name);
    }
    if (!holding.has(policy.quorum)) {
      throw new Fault(`cosignatures by ${cosigned.length} of ${policy.witnesses.length} witnesses do not satisfy quorum ${policy.quorum}`);
    }
  }
  return { logs: signedBy.length, cosigned: cosigned.length };
}
