// What a record says, read from its bytes by this page's own decoder: not the node's word, but what is signed.

import { hex, thousands } from "../verify/bytes.js";
import { symbolOf } from "../verify/elements.js";
import { ENUMS, MESSAGES } from "../verify/schema.js";

/** Fields that no person needs to compare. */
const LEFT_OUT = new Set(["nonce", "author_key", "origin", "head", "utc_offset_minutes"]);

/** Rows of [path, text] for every field that is stated, in the record's order. */
export function rows(message, type = "Record", path = "") {
  const found = [];
  for (const field of MESSAGES[type].values()) {
    const value = message[field.name];
    if (!isStated(value) || LEFT_OUT.has(field.name)) continue;
    const at = path === "" ? field.name : `${path}.${field.name}`;
    if (!field.repeated) found.push(...one(field, value, at));
    else if (!field.message || field.message === "Content") found.push([at, value.map((item) => plain(field, item)).join("; ")]);
    else value.forEach((item, place) => found.push(...one(field, item, `${at}[${place + 1}]`)));
  }
  return found;
}

function isStated(value) {
  if (value === null || value === "" || value === 0 || value === 0n || value === false) return false;
  return value.length === undefined || value.length > 0;
}

function one(field, value, at) {
  if (field.message === "LotRef") return [[at, value.lot]];
  if (field.message === "Mass") return [[at, mass(value)]];
  return field.message ? rows(value, field.message, at) : [[at, plain(field, value)]];
}

function plain(field, value) {
  if (field.message === "Content") {
    const limit = value.kind === 3 ? "< " : "";
    const spread = value.uncertainty_ppb === 0 ? "" : ` ± ${percent(value.uncertainty_ppb)}`;
    return `${value.oxide || symbolOf(value.element)} ${limit}${percent(value.ppb)}${spread}`;
  }
  if (field.kind in ENUMS) return wordOf(field.kind, value);
  if (field.kind === "bytes") return hex(value);
  if (field.name.endsWith("_ms")) return new Date(Number(value)).toISOString();
  if (field.name === "element") return symbolOf(value) ?? String(value);
  if (field.name.endsWith("_e7")) return (value / 1e7).toFixed(7);
  return typeof value === "bigint" ? thousands(value) : String(value);
}

/** An enum's word: its name without what all names of the enum begin with. */
export function wordOf(kind, value) {
  const names = ENUMS[kind];
  const prefix = names.get(0).replace("UNSPECIFIED", "");
  return (names.get(value) ?? String(value)).replace(prefix, "").toLowerCase().replaceAll("_", " ");
}

function mass({ dry_mg, wet_mg, moisture_ppm, unit }) {
  const dry = `${kilograms(dry_mg)} dry`;
  return wet_mg === 0n ? `${dry} (${unit})` : `${dry}, ${kilograms(wet_mg)} wet at ${decimal(moisture_ppm, 4)} % (${unit})`;
}

/** Milligrams as kilograms, exactly. */
export function kilograms(mg) {
  const part = (mg % 1000000n).toString().padStart(6, "0").replace(/0+$/, "");
  return `${thousands(mg / 1000000n)}${part === "" ? "" : `.${part}`} kg`;
}

function percent(ppb) {
  return `${decimal(ppb, 7)} %`;
}

function decimal(value, places) {
  const digits = String(value).padStart(places + 1, "0");
  const part = digits.slice(-places).replace(/0+$/, "");
  return digits.slice(0, -places) + (part === "" ? "" : `.${part}`);
}
