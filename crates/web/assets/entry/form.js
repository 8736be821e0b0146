// From inputs to the JSON of a record in people's words; the node's importer reads it as it reads JSON Lines.

/** Sets a value at a path such as "transform.inputs[0].lot". */
export function setAt(whole, path, value) {
  const steps = path.split(/[.[]/).map((step) => (step.endsWith("]") ? Number(step.slice(0, -1)) : step));
  let at = whole;
  steps.forEach((step, depth) => {
    if (depth === steps.length - 1) at[step] = value;
    else at = at[step] ??= typeof steps[depth + 1] === "number" ? [] : {};
  });
}

/** Contents such as "Ta2O5 39.7 % ± 0.4 %; U < 50 ppm", by name. A piece without an amount is left for the importer to name. */
export function contents(text) {
  const found = {};
  for (const piece of text.split(";").map((piece) => piece.trim()).filter((piece) => piece !== "")) {
    const [, name, amount] = /^(\S+)\s*(.*)$/.exec(piece);
    found[name in found ? `${name} ` : name] = amount || "?";
  }
  return found;
}

/** A local date and time with its offset from UTC, as RFC 3339. */
export function timeWithOffset(local) {
  const date = new Date(local);
  if (Number.isNaN(date.getTime())) return "";
  const minutes = -date.getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const hours = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day}T${hours}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/** Degrees such as "59.3556" in ten-millionths; what is no such decimal is left for the importer to name. */
export function tenMillionths(text) {
  const found = /^([-+]?)(\d{1,3})(?:\.(\d{1,7}))?$/.exec(text.trim());
  if (found === null) return text;
  const [, sign, whole, decimals = ""] = found;
  return Number(`${sign === "-" ? "-" : ""}${whole}${decimals.padEnd(7, "0")}`);
}

/** The record that a form says. */
export function recordOf(form) {
  const record = {};
  for (const input of form.querySelectorAll("input[name], select[name]")) {
    const { name, value } = input;
    if (name === "author" || value.trim() === "") continue;
    const kind = name === "event_time" ? "time" : input.dataset.kind;
    const read = { contents, list: (text) => text.split(",").map((one) => one.trim()), degrees: tenMillionths, time: timeWithOffset };
    setAt(record, name, (read[kind] ?? ((text) => text))(value));
  }
  // A unit alone is no mass.
  for (const unit of form.querySelectorAll("select[name$='.unit']")) {
    const mass = unit.name.slice(0, -".unit".length);
    if (form.elements[`${mass}.value`].value.trim() === "") setAt(record, mass, null);
  }
  return record;
}

/** The input that a fault is about: the one of this path, or the nearest below or above it. */
export function inputOf(form, path) {
  const inputs = [...form.querySelectorAll("input[name], select[name]")];
  for (let at = path; at !== ""; at = at.includes(".") ? at.slice(0, at.lastIndexOf(".")) : "") {
    const found = inputs.find(({ name }) => name === at) ?? inputs.find(({ name }) => name.startsWith(`${at}.`));
    if (found !== undefined && at.includes(".")) return found;
    if (found !== undefined && at === path) return found;
  }
  const last = path.split(".").at(-1);
  return inputs.find(({ name }) => last !== "" && name.split(".").at(-1) === last) ?? null;
}
