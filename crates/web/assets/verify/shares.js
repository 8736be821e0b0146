// The shares once more, from the records alone, and how they compare with the claim.
//
// Well mixed: every output of a transformation carries the mean of its inputs' shares, weighted by
// the mass of the element that was taken from each. In the order of the log, in parts of 10^36, each
// step rounded down; a claim may differ by 10^-12, which is what a million steps of the engine may lose.

import { Fault, hex, thousands } from "./bytes.js";
import { PPB, oxide, rounded, symbolOf } from "./elements.js";
import { headOf, pastKey } from "./trail.js";

const WHOLE = 10n ** 36n;
const CLAIM_WHOLE = 10n ** 18n;
const TOLERANCE = 10n ** 6n;

// Enum numbers of record.proto and bundle.proto.
const COMMISSION = { extracted: 1, collectedScrap: 2 };
const ORIGIN = { mine: 1, unknown: 2, scrap: 3 };
const ROUTE = { primary: 1, preConsumer: 2, postConsumer: 3 };
const RECYCLING = { internal: 1, preConsumer: 2, postConsumer: 3 };
const CONTENT = { measured: 1, declared: 2, belowDetection: 3 };
const PROCESS_RECYCLING = 12;
const STAGE = { umpire: 5, final: 6 };

/** Shares of `element` in `target` as it stood at `head`: a map from origin to parts of 10^36. Throws `Fault`. */
export function recount(target, head, element, trail, records) {
  const made = new Map();
  for (const [key, past] of trail.pasts) {
    const lot = key.slice(key.indexOf("\n") + 1);
    made.set(pastKey(lot, past.at(-1)), { lot, maker: records.get(past.at(-1)) });
  }
  const inOrder = [...made.values()].sort((a, b) => (a.maker.leaf < b.maker.leaf ? -1 : a.maker.leaf > b.maker.leaf ? 1 : 0));
  const known = new Map();
  for (const { lot, maker } of inOrder) {
    const shares =
      maker.record.$event === "commission"
        ? new Map([[originOf(maker.record.commission), WHOLE]])
        : mixed(lot, maker, element, trail, records, known);
    known.set(pastKey(lot, maker.id), shares);
  }
  return known.get(pastKey(target, trail.pasts.get(pastKey(target, head)).at(-1)));
}

/** An origin as a key that compares by value. */
function originKey({ kind, source, country, route, generation }) {
  return JSON.stringify([kind, source, country, route, generation]);
}

function originOf(commission) {
  const scrap = commission.kind === COMMISSION.collectedScrap;
  const kind = scrap ? ORIGIN.scrap : commission.kind === COMMISSION.extracted ? ORIGIN.mine : ORIGIN.unknown;
  const preConsumer = [RECYCLING.internal, RECYCLING.preConsumer].includes(commission.scrap_class);
  const route = !scrap ? ROUTE.primary : preConsumer ? ROUTE.preConsumer : ROUTE.postConsumer;
  const stated = kind === ORIGIN.unknown ? "" : (commission.lot?.origin_country ?? "");
  return originKey({ kind, source: commission.lot?.facility ?? "", country: stated || "ZZ", route, generation: 0 });
}

/** Recycling sets the route and counts a generation; run-around scrap is not recycled (ISO 14021). */
function recycled(key, transform) {
  const route = { [RECYCLING.preConsumer]: ROUTE.preConsumer, [RECYCLING.postConsumer]: ROUTE.postConsumer };
  const next = transform.process === PROCESS_RECYCLING ? route[transform.recycling_class] : undefined;
  if (next === undefined) return key;
  const [kind, source, country, , generation] = JSON.parse(key);
  return originKey({ kind, source, country, route: next, generation: generation + 1 });
}

function mixed(lot, maker, element, trail, records, known) {
  const transform = maker.record.transform;
  const sums = new Map();
  let total = 0n;
  for (const input of transform.inputs) {
    if (input.lot === null) continue;
    const past = trail.pasts.get(pastKey(input.lot.lot, headOf(input.lot)));
    if (past === undefined) continue;
    const ppb = input.composition === null
      ? contentAt(input.lot.lot, past, element, records)
      : ppbOf(input.composition, element, maker.id);
    const weight = (input.mass?.dry_mg ?? 0n) * ppb;
    const shares = known.get(pastKey(input.lot.lot, past.at(-1)));
    if (weight === 0n || shares === undefined) continue;
    total += weight;
    for (const [origin, share] of shares) {
      const key = recycled(origin, transform);
      sums.set(key, (sums.get(key) ?? 0n) + weight * share);
    }
  }
  if (total === 0n) throw new Fault(`no input of record ${maker.id} contains the element, so lot ${lot} has no share to state`);
  return new Map([...sums].map(([origin, sum]) => [origin, sum / total]));
}

/**
 * The element's fraction in a lot at the newest record of its past, in ppb: the newest final or umpire
 * assay that was not withdrawn, else what the lot came into being with.
 */
function contentAt(lot, past, element, records) {
  const withdrawn = new Set();
  for (const id of past) {
    const { record } = records.get(id);
    const event = record[record.$event];
    if (withdrawn.has(id)) continue;
    switch (record.$event) {
      case "withdraw":
        withdrawn.add(hex(event.record));
        break;
      case "assay":
        if ([STAGE.umpire, STAGE.final].includes(event.composition?.stage) && event.commitment.length === 0) {
          return ppbOf(event.composition, element, id);
        }
        break;
      case "commission":
        return ppbOf(event.lot?.composition ?? null, element, id);
      case "transform": {
        const made = event.outputs.find((output) => output.lot !== null && output.lot.lot === lot);
        if (made !== undefined) return ppbOf(made.lot.composition, element, id);
        break;
      }
      default:
    }
  }
  return 0n;
}

function ppbOf(composition, element, id) {
  const content = composition?.contents.find((content) => content.element === element);
  if (content === undefined) return 0n;
  const bad = (why) => new Fault(`composition in record ${id}: ${why}`);
  const symbol = symbolOf(element);
  if (symbol === undefined) throw bad(`there is no element with atomic number ${element}`);
  if (BigInt(content.ppb) > PPB || BigInt(content.uncertainty_ppb) > PPB) throw bad(`${symbol} is stated above the whole`);
  let factor = PPB;
  if (content.oxide !== "") {
    const known = oxide(content.oxide);
    if (known === null) throw bad(`oxide ${content.oxide} is not in the table`);
    if (known.element !== element) throw bad(`${content.oxide} is no oxide of ${symbol}`);
    factor = known.factor;
  }
  switch (content.kind) {
    case CONTENT.measured:
    case CONTENT.declared:
      return rounded(BigInt(content.ppb) * factor, PPB);
    case CONTENT.belowDetection:
      return 0n;
    default:
      throw bad(`the content of ${symbol} does not say whether it was measured, declared or below detection`);
  }
}

/** Holds a claim's shares against the recount. Throws `Fault`, naming the origin. */
export function compareShares(claimed, recounted) {
  const sum = claimed.reduce((sum, share) => sum + share.value, 0n);
  if (sum !== CLAIM_WHOLE) throw new Fault(`the claimed shares sum to ${thousands(sum)} x 10^-18, not to one`);
  const rest = new Map(recounted);
  const seen = new Set();
  for (const share of claimed) {
    const key = originKey(share);
    if (!(share.lower <= share.value && share.value <= share.upper && share.upper <= CLAIM_WHOLE)) {
      throw new Fault(`the claimed share of ${describe(key)} is outside its own interval`);
    }
    if (seen.has(key)) throw new Fault(`the claim names ${describe(key)} twice`);
    seen.add(key);
    requireNear(key, share.value, rest.get(key) ?? 0n);
    rest.delete(key);
  }
  for (const [key, value] of rest) requireNear(key, 0n, value);
}

function requireNear(key, claimed, value) {
  const found = value / (WHOLE / CLAIM_WHOLE);
  const apart = found > claimed ? found - claimed : claimed - found;
  if (apart > TOLERANCE) {
    throw new Fault(`the claim says ${thousands(claimed)} x 10^-18 from ${describe(key)}, the records give ${thousands(found)} x 10^-18`);
  }
}

function describe(key) {
  const [kind, source, country, route, generation] = JSON.parse(key);
  const what = { [ORIGIN.mine]: "mine", [ORIGIN.scrap]: "scrap collection" }[kind] ?? "unknown origin";
  const how = { [ROUTE.preConsumer]: "pre-consumer", [ROUTE.postConsumer]: "post-consumer" }[route] ?? "primary";
  return `${what} ${source} (${country}, ${how}, generation ${generation})`;
}
