// The trail: from the lot's newest record back to every origin, without a gap.
//
// Each record names, for each lot that it touches, the record before it, so a lot's head vouches
// for its whole past. A record that is named and missing is a fault, and so is one that nothing names.

import { Fault, hex } from "./bytes.js";

const CREATED = "created";
const NOWHERE = "00".repeat(32);

/** Events that touch one lot by a field, and those that touch several. */
const ONE_LOT = {
  assay: "lot", seal: "lot", use: "item", hold: "lot", release: "lot", recall: "lot", dispose: "lot",
  footprint: "lot", credit_deposit: "lot", credit_claim: "lot",
};
const SEVERAL_LOTS = new Set(["decline", "cancel_shipment"]);

/**
 * Walks from `head` of `target`. `records` maps ids to { leaf, id, record }. Gives `pasts`, a map
 * from "lot head" to the ids of that lot's past, newest first, and `lots`, the set of all lots.
 * Throws `Fault`, naming the lot and the record.
 */
export function walkTrail(target, head, records) {
  const pasts = new Map();
  const lots = new Set();
  const needed = new Set();
  const waiting = [[target, head]];
  while (waiting.length > 0) {
    const [lot, from] = waiting.pop();
    const key = pastKey(lot, from);
    if (pasts.has(key)) continue;
    const past = pastOf(lot, from, records);
    pasts.set(key, past);
    lots.add(lot);
    past.forEach((id) => needed.add(id));
    waiting.push(...inputsOf(records.get(past.at(-1)).record));
  }
  for (const { id, leaf } of records.values()) {
    if (!needed.has(id)) throw new Fault(`record ${id} at leaf ${leaf} is not on the trail`);
  }
  return { pasts, lots };
}

/** How a past is named: a lot as it stood at a record. No lot's name has a newline that another could share. */
export function pastKey(lot, head) {
  return `${head}\n${lot}`;
}

/** Lots that a record turned into others, each with the head at which it was taken. */
export function inputsOf(record) {
  if (record.$event !== "transform") return [];
  return record.transform.inputs.filter((input) => input.lot !== null).map(({ lot }) => [lot.lot, headOf(lot)]);
}

/** Id of the record that a reference names. */
export function headOf(reference) {
  return reference.head.length === 32 ? hex(reference.head) : NOWHERE;
}

function pastOf(lot, head, records) {
  const past = [];
  let next = head;
  let before = null;
  for (;;) {
    const found = records.get(next);
    if (found === undefined) throw new Fault(`record ${next} of lot ${lot} is missing from the bundle`);
    if (before !== null && found.leaf >= before) {
      throw new Fault(`record ${next} of lot ${lot} is not earlier in the log than the record that follows it`);
    }
    before = found.leaf;
    past.push(next);
    const previous = previousRecord(found.record, lot);
    if (previous === null) throw new Fault(`record ${next} does not mention lot ${lot}`);
    if (previous === CREATED) return past;
    next = previous;
  }
}

/** The record of the lot before this one, CREATED, or null when this one does not touch it. */
function previousRecord(record, lot) {
  const name = record.$event;
  const event = record[name];
  const among = (references) => {
    const reference = references.find((reference) => reference !== null && reference.lot === lot);
    return reference === undefined ? null : headOf(reference);
  };
  if (name === "commission") return event.lot !== null && event.lot.lot === lot ? CREATED : null;
  if (name === "transform") {
    if (event.outputs.some((output) => output.lot !== null && output.lot.lot === lot)) return CREATED;
    return among(event.inputs.map((input) => input.lot));
  }
  if (name === "ship" || name === "accept") return among(event.lots.map((one) => one.lot));
  if (SEVERAL_LOTS.has(name)) return among(event.lots);
  if (name in ONE_LOT) return among([event[ONE_LOT[name]]]);
  // A withdrawal is accepted only while the withdrawn record is the newest of every lot that it touched.
  if (name === "withdraw") return event.record.length === 32 ? hex(event.record) : null;
  return null;
}
