// The RFC 9162 tree over SHA-256: leaf and node hashes, inclusion proofs, one proof for many leaves.
//
// A proof is a list of hashes; the positions decide the sides, so it cannot contradict itself.

import { Fault, hex, joined, same, sha256, thousands } from "./bytes.js";

/** SHA-256(0x00 || entry). */
export function hashLeaf(entry) {
  return sha256(joined(Uint8Array.of(0), entry));
}

function hashChildren(left, right) {
  return sha256(joined(Uint8Array.of(1), left, right));
}

/** The root to which a leaf and its inclusion proof lead, RFC 9162 section 2.1.3.2. Throws `Fault`. */
export async function rootFromInclusion(leaf, index, size, proof) {
  if (index >= size) throw new Fault(`leaf ${index} is beyond a tree of ${thousands(size)} leaves`);
  let [fn, sn, root] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if (sn === 0n) throw new Fault("the inclusion proof has more hashes than the path from leaf to root");
    if ((fn & 1n) === 1n || fn === sn) {
      root = await hashChildren(sibling, root);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      root = await hashChildren(root, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) throw new Fault("the inclusion proof ends before the root");
  return root;
}

/**
 * Checks that all `leaves` ({ index, bytes }, ascending) are in the tree of `size` leaves with `root`.
 * Throws `Fault`; `tree` names the tree.
 */
export async function checkMultiproof(tree, size, leaves, proof, root) {
  if (proof.some((hash) => hash.length !== 32)) throw new Fault(`${tree}: a hash of the proof is not 32 bytes long`);
  if (leaves.length === 0) throw new Fault(`${tree}: the proof names no leaves`);
  leaves.forEach((leaf, at) => {
    if (leaf.index >= size) throw new Fault(`${tree}: leaf ${leaf.index} is beyond a tree of ${thousands(size)} leaves`);
    if (at > 0 && leaves[at - 1].index >= leaf.index) throw new Fault(`${tree}: leaf ${leaf.index} is out of order or named twice`);
  });
  const hashes = await Promise.all(leaves.map((leaf) => hashLeaf(leaf.bytes)));
  const walk = { tree, leaves, hashes, proof, used: 0 };
  const found = await fold(walk, 0n, size, 0, leaves.length);
  if (walk.used !== proof.length) throw new Fault(`${tree}: the proof has ${thousands(proof.length - walk.used)} hashes too many`);
  if (!same(found, root)) throw new Fault(`${tree}: the proof leads to ${hex(found)}, not to ${hex(root)}`);
}

/** Root of the leaves from..to of the tree, of which first..last of the list are proven. Depth at most 64. */
async function fold(walk, from, to, first, last) {
  if (first === last) {
    if (walk.used === walk.proof.length) {
      throw new Fault(`${walk.tree}: the proof ends too early: subtree of leaves ${from} to ${to - 1n} is missing`);
    }
    return walk.proof[walk.used++];
  }
  if (to - from === 1n) return walk.hashes[first];
  const middle = from + split(to - from);
  let cut = first;
  while (cut < last && walk.leaves[cut].index < middle) cut++;
  const left = await fold(walk, from, middle, first, cut);
  return hashChildren(left, await fold(walk, middle, to, cut, last));
}

/** Largest power of two below `width`, which is at least 2. */
function split(width) {
  return 1n << BigInt((width - 1n).toString(2).length - 1);
}
