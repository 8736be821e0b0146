// Forms whose records are signed here: typed, drafted by the node, read back from the bytes, signed, handed in, proven.
//
// What leaves this page: what was typed, the public key, tokens and signed records. Never the key file or its passphrase.

import { base64, fromBase64, hex, same } from "./verify/bytes.js";
import { decode } from "./verify/proto.js";
import { verify } from "./verify/verify.js";
import { inputOf, recordOf } from "./entry/form.js";
import { BadKey, readKey, signRecord, token } from "./entry/key.js";
import { rows } from "./entry/show.js";

const form = document.getElementById("entry");
const words = document.querySelector("[data-words]").dataset;
const part = (name) => document.querySelector(`[data-part="${name}"]`);
const member = () => form.elements.author.value.trim();
/** How often a receipt is asked for, and how long in between. */
const [RECEIPT_TRIES, RECEIPT_MS] = [60, 500];

let key = null;
/** Drafts that were shown: { record, bytes, article }. */
let shown = [];

function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind !== "") made.className = kind;
  return made;
}

function say(where, text, kind = "") {
  where.textContent = text;
  where.className = kind;
  where.hidden = text === "";
}

// ---------------------------------------------------------------- the key

async function takeKey() {
  key = null;
  const [file] = part("key").files;
  if (file === undefined) return;
  if (globalThis.crypto?.subtle === undefined) return say(part("key-said"), words.noCrypto, "note bad");
  const passphrase = part("passphrase").querySelector("input");
  try {
    key = await readKey(await file.text(), passphrase.value);
    passphrase.value = "";
    part("passphrase").hidden = true;
    say(part("key-said"), `${words.keyIs} ${hex(key.public)}`, "note");
  } catch (error) {
    const encrypted = error instanceof BadKey && error.kind === "encrypted";
    part("passphrase").hidden = !encrypted;
    say(part("key-said"), encrypted ? words.encrypted : words.badKey, encrypted ? "note warn" : "note bad");
    if (encrypted) passphrase.focus();
  }
}

part("key").addEventListener("change", () => {
  part("passphrase").querySelector("input").value = "";
  takeKey();
});
part("passphrase").querySelector("input").addEventListener("change", takeKey);

// ---------------------------------------------------------------- drafts

async function ask(path, body) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${await token(key, member(), form.dataset.origin)}` };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(json.detail ?? String(answer.status));
  return json;
}

async function order() {
  const who = { author: member(), key: hex(key.public), lang: document.documentElement.lang };
  if (form.dataset.form !== "sheet") return { ...who, records: [recordOf(form)] };
  const [file] = part("sheet").files;
  if (file === undefined) return null;
  if (!/\.xlsx$/i.test(file.name)) return { ...who, csv: await file.text() };
  return { ...who, xlsx: base64(new Uint8Array(await file.arrayBuffer())) };
}

function missing() {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  const blank = [...form.querySelectorAll("input[required]")].find((input) => input.value.trim() === "");
  if (blank === undefined) return false;
  const label = blank.closest("label").querySelector("span").textContent;
  accuse(blank, `${label}: ${words.required}`);
  return true;
}

function accuse(input, text) {
  input?.setAttribute("aria-invalid", "true");
  openPreview();
  part("drafts").replaceChildren();
  say(part("said"), text, "note bad");
  input?.focus();
}

function openPreview() {
  part("preview").hidden = false;
  part("sign").hidden = true;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  shown = [];
  say(part("said"), "");
  part("drafts").replaceChildren();
  if (missing()) return;
  if (key === null) return accuse(part("key"), words.noKey);
  let asked;
  let answer;
  try {
    asked = await order();
    if (asked === null) return accuse(part("sheet"), words.noSheet);
    answer = await ask("/v1/draft", asked);
  } catch (error) {
    return accuse(null, `${words.failed}: ${error.message}`);
  }
  openPreview();
  part("drafts").replaceChildren();
  try {
    showDrafts(answer.drafts, asked);
  } catch (error) {
    shown = [];
    return accuse(null, `${words.otherLedger}: ${error.message}`);
  }
  part("preview").querySelector("h2").focus();
});

/** Shows each draft as this browser reads its bytes; throws when they are not what was asked for. */
function showDrafts(drafts, asked) {
  const faults = drafts.filter((draft) => draft.record === undefined);
  if (faults.length > 0) showFaults(faults);
  shown = drafts.filter((draft) => draft.record !== undefined).map((draft) => {
    const bytes = fromBase64(draft.record);
    const record = decode("Record", bytes ?? new Uint8Array(0), "the draft");
    requireOwn(record, asked);
    const article = element("article", "", "draft");
    article.append(title(draft, drafts.length), statement(words.nodeWords, list(draft.words)), statement(words.ownWords, table(record)));
    part("drafts").append(article);
    return { bytes, article, id: draft.id, line: draft.line };
  });
  const ready = shown.length === 0 ? "" : `${shown.length} ${words.ready}`;
  say(part("said"), [faults.length > 0 ? `${words.faults}: ${faults.length}` : "", ready].filter(Boolean).join(" · "), faults.length > 0 ? "note bad" : "note");
  part("sign").hidden = shown.length === 0 || faults.length > 0;
}

/** The bytes are this member's, for this ledger and key, and say the kind of thing that the form says. */
function requireOwn(record, asked) {
  const wanted = asked.records === undefined ? record.$event : Object.keys(asked.records[0]).find((name) => name === form.querySelector("[name*='.']")?.name.split(".")[0]);
  if (record.origin !== form.dataset.origin) throw new Error("origin");
  if (record.author !== asked.author) throw new Error("author");
  if (!same(record.author_key, key.public)) throw new Error("author_key");
  if (record.nonce.length !== 16) throw new Error("nonce");
  if (record.$event !== wanted || record.$event === "block_seal") throw new Error("event");
}

// Where a draft stands in the file: a workbook's sheet and cell, or a line.
function placeOf({ place, line, column }) {
  return place ?? `${words.line} ${line}${column ? `, ${words.column} ${column}` : ""}`;
}

function title(draft, many) {
  return element("h3", many > 1 || form.dataset.form === "sheet" ? placeOf(draft) : draft.words[0]);
}

function statement(heading, body) {
  const block = element("div", "", "statement");
  block.append(element("h4", heading), body);
  return block;
}

function list(lines) {
  return element("pre", lines.join("\n"));
}

function table(record) {
  const made = document.createElement("table");
  for (const [path, text] of rows(record)) {
    const row = made.insertRow();
    const head = element("th", path.replace(/_ms$/, "").replaceAll("_", " "));
    head.scope = "row";
    row.append(head);
    row.insertCell().textContent = text;
  }
  return made;
}

function showFaults(faults) {
  const made = element("ul", "", "faults");
  for (const fault of faults) {
    const { field, reason, hint } = fault;
    const where = form.dataset.form === "sheet" ? `${placeOf(fault)}${field ? ` (${field})` : ""}: ` : "";
    const item = element("li", "");
    item.append(element("strong", where), document.createTextNode(reason), element("small", hint ? ` (${words.hint}: ${hint})` : ""));
    made.append(item);
    if (form.dataset.form !== "sheet") {
      const input = inputOf(form, field);
      input?.setAttribute("aria-invalid", "true");
      const label = input?.closest("label")?.querySelector("span")?.textContent;
      if (label) item.prepend(element("strong", `${label}: `));
    }
  }
  part("drafts").append(made);
}

// What was shown is what is signed: a later change must be shown again.
form.addEventListener("input", () => {
  if (shown.length === 0) return;
  shown = [];
  part("sign").hidden = true;
  say(part("said"), words.moved, "note warn");
});

// ---------------------------------------------------------------- signing

part("sign").addEventListener("click", async () => {
  const drafts = shown;
  shown = [];
  part("sign").hidden = true;
  say(part("said"), words.signing, "note");
  try {
    const entries = [];
    for (const { bytes } of drafts) entries.push(base64(await signRecord(key, bytes)));
    const { results = [] } = await ask("/v1/submit", { entries });
    say(part("said"), "");
    await Promise.all(drafts.map((draft, at) => showFate(draft, results[at] ?? {})));
  } catch (error) {
    say(part("said"), `${words.failed}: ${error.message}`, "note bad");
  }
});

async function showFate({ article, id }, { accepted, alreadyThere, rejected, malformed, notTaken }) {
  const place = accepted ?? alreadyThere;
  const fate = element("p", "", "note");
  fate.setAttribute("role", "status");
  article.prepend(fate);
  if (place === undefined) {
    const { rule = "", message = "", nextStep = "" } = rejected ?? malformed ?? notTaken ?? {};
    fate.className = "note bad";
    fate.dataset.fate = "refused";
    fate.textContent = `${rejected ? `${words.refused} ${rule}` : words.failed}: ${message}${nextStep ? ` (${words.hint}: ${nextStep})` : ""}`;
    return;
  }
  const link = element("a", words.look);
  link.href = `/records/${id}`;
  const proof = element("span", words.proving);
  fate.append(`${words.accepted} ${place.leafIndex ?? 0}; `, proof, " · ", link);
  const proven = await prove(id);
  proof.textContent = proven === true ? words.proven : proven || words.unproven;
  fate.className = proven === true ? "note good" : "note warn";
  fate.dataset.fate = proven === true ? "proven" : "accepted";
}

/** Waits for the record's receipt and verifies it here: true, or what is wrong with it, or null for none. */
async function prove(id) {
  const trust = await (await fetch(form.dataset.trust)).text();
  const headers = { authorization: `Bearer ${await token(key, member(), form.dataset.origin)}` };
  for (let tries = 0; tries < RECEIPT_TRIES; tries++) {
    const answer = await fetch(`/v1/records/${id}/receipt`, { headers, cache: "no-store" });
    if (answer.ok) {
      const verdict = await verify(new Uint8Array(await answer.arrayBuffer()), trust);
      return verdict.verified && verdict.receipt.id === id ? true : verdict.fault;
    }
    await new Promise((done) => setTimeout(done, RECEIPT_MS));
  }
  return null;
}

// ---------------------------------------------------------------- repeated parts

/** Numbers the items of a list anew: in their names and in their headings. */
function renumber(card) {
  card.querySelectorAll("fieldset").forEach((item, at) => {
    item.querySelector("[data-part=number]").textContent = at + 1;
    for (const input of item.querySelectorAll("[name]")) {
      input.name = input.name.replace(/\[\d+\]/, `[${at}]`);
    }
  });
}

for (const card of document.querySelectorAll("[data-list]")) {
  card.querySelector("[data-part=more]").addEventListener("click", () => {
    const last = [...card.querySelectorAll("fieldset")].at(-1);
    const copy = last.cloneNode(true);
    for (const input of copy.querySelectorAll("input")) input.value = "";
    last.after(copy);
    renumber(card);
    copy.querySelector("input").focus();
  });
  card.querySelector("[data-part=less]").addEventListener("click", () => {
    const items = card.querySelectorAll("fieldset");
    if (items.length > 1) items[items.length - 1].remove();
  });
}

/** Now, as the input writes it. */
function nowLocal() {
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60000);
  return now.toISOString().slice(0, 19);
}
if (form.elements.event_time && form.elements.event_time.value === "") form.elements.event_time.value = nowLocal();
form.dataset.ready = "yes";
