// The page that verifies: takes a file that was dropped or chosen, and shows each check as it is made.
//
// The checks are in ./verify; nothing here decides anything. The file stays in the browser.

import { BUNDLE_CHECKS, RECEIPT_CHECKS, verify } from "./verify/verify.js";
import { bytesOf, hex, sha256 } from "./verify/bytes.js";
import { symbolOf } from "./verify/elements.js";

const page = document.getElementById("verify");
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const word = (name) => page.querySelector("[data-words]").dataset[name];
/** A pause that lets people see one step after the other; none for those who want no motion. */
const STEP_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 45;
/** Largest file that is taken up, as the verifier's own limit. */
const MAX_FILE_BYTES = 256 << 20;
/** Largest file of handovers. */
const MAX_HANDOVERS_BYTES = 64 << 20;

let trust = null;
/** Changes of the validators since the trust root; empty: none are needed. */
let handovers = new Uint8Array();
/** The file that was looked at last: with another trust root or other handovers it is checked again. */
let last = null;
let running = 0;

function say(where, text, kind = "") {
  where.textContent = text;
  where.className = kind;
  where.hidden = text === "";
}

async function useTrust(text, from) {
  trust = text;
  const digest = hex(await sha256(bytesOf(text)));
  const origin = /^origin *= *"([^"]*)"/m.exec(text)?.[1] ?? "?";
  say(part("trust-said"), `${from}: ${origin}, SHA-256 ${digest.slice(0, 16)}…`);
}

async function loadTrust() {
  const kept = document.getElementById("trust-root");
  if (kept !== null) return useTrust(kept.textContent, word("trustKept"));
  try {
    const answer = await fetch(page.dataset.trust);
    if (!answer.ok) throw new Error(String(answer.status));
    await useTrust(await answer.text(), word("trustNode"));
  } catch {
    say(part("trust-said"), word("trustNone"), "note warn");
  }
}

function blankSteps(kind) {
  const list = part("steps");
  list.replaceChildren();
  for (const check of ["trust root", ...(handovers.length === 0 ? [] : ["handovers"]), ...(kind === "receipt" ? RECEIPT_CHECKS : BUNDLE_CHECKS)]) {
    const item = document.createElement("li");
    item.dataset.check = check;
    item.dataset.state = "waiting";
    for (const [name, text] of [["mark", "…"], ["check", stepName(check)], ["detail", ""]]) {
      const span = document.createElement("span");
      span.className = name;
      span.textContent = text;
      item.append(span);
    }
    list.append(item);
  }
}

function stepName(check) {
  return word(`step${check.replace(/(^| )([a-z])/g, (_, __, letter) => letter.toUpperCase())}`) ?? check;
}

function showStep({ check, ok, limit, detail }) {
  const item = [...part("steps").children].find((item) => item.dataset.check === check);
  const state = ok ? "passed" : limit ? "limit" : "failed";
  item.dataset.state = state;
  item.querySelector(".mark").textContent = { passed: "✓", limit: "‖", failed: "✗" }[state];
  item.querySelector(".mark").setAttribute("aria-label", word(state));
  item.querySelector(".mark").setAttribute("role", "img");
  item.querySelector(".detail").textContent = detail;
}

async function check(file) {
  const turn = ++running;
  last = file;
  say(part("verdict"), "");
  part("result").replaceChildren();
  part("outcome").hidden = false;
  part("name").textContent = file.name;
  if (trust === null) return say(part("verdict"), word("trustNone"), "note bad");
  if (file.size > MAX_FILE_BYTES) {
    blankSteps("bundle");
    return say(part("verdict"), word("tooLarge"), "note warn");
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (turn !== running) return;
  blankSteps(new TextDecoder().decode(bytes.subarray(0, 8)) === "c2sp.org" ? "receipt" : "bundle");
  const answer = await verify(bytes, trust, async (step) => {
    if (turn !== running) return;
    showStep(step);
    await new Promise((done) => setTimeout(done, STEP_MS));
  }, handovers);
  if (turn !== running) return;
  showVerdict(answer);
}

function showVerdict(answer) {
  if (answer.limit) return say(part("verdict"), word("tooLarge"), "note warn");
  if (!answer.verified) {
    say(part("verdict"), `${word("notVerified")}: ${stepName(answer.failed)}`, "note bad");
    return;
  }
  say(part("verdict"), word("verified"), "note good");
  const result = part("result");
  for (const remark of answer.remarks) result.append(paragraph(`${word("remark")}: ${remark}`, "note warn"));
  if (answer.claim !== null) result.append(...claim(answer.claim));
  else result.append(paragraph(`${answer.receipt.event.replaceAll("_", " ")} · ${answer.receipt.author} · ${answer.receipt.id}`, "mono"));
}

function paragraph(text, kind) {
  const p = document.createElement("p");
  p.textContent = text;
  p.className = kind;
  return p;
}

/** Percent of a share in parts of 10^18, to two decimals, from whole numbers. */
export function percent(value) {
  const hundredths = (value * 10000n + 5n * 10n ** 17n) / 10n ** 18n;
  return `${hundredths / 100n}.${(hundredths % 100n).toString().padStart(2, "0")} %`;
}

/** The proven statement: one row an origin, the largest first, recycling passes added up. */
function claim({ lot, element, tree_size, shares }) {
  const rows = new Map();
  for (const { kind, source, country, value } of shares) {
    const key = `${kind} ${source} ${country}`;
    const name = [undefined, source, `${word("unknownAt")} ${source}`, `${word("scrapOf")} ${source}`][kind] ?? source;
    rows.set(key, { name, country, value: (rows.get(key)?.value ?? 0n) + value });
  }
  const sorted = [...rows.values()].sort((a, b) => (a.value < b.value ? 1 : -1));
  const table = document.createElement("table");
  const caption = table.createCaption();
  caption.textContent = `${symbolOf(element) ?? "?"} · ${lot} · ${word("asOf")} ${tree_size}`;
  const head = table.createTHead().insertRow();
  for (const [name, kind] of [["source", ""], ["country", ""], ["share", "n"]]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = word(name);
    cell.className = kind;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const { name, country, value } of sorted) {
    const row = body.insertRow();
    row.insertCell().textContent = name;
    row.insertCell().textContent = country;
    const share = row.insertCell();
    share.className = "n";
    share.textContent = percent(value);
  }
  const heading = document.createElement("h2");
  heading.textContent = word("proven");
  return [heading, table];
}

const drop = part("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length > 0) check(event.dataTransfer.files[0]);
});
part("file").addEventListener("change", (event) => {
  if (event.target.files.length > 0) check(event.target.files[0]);
});
part("trust-file").addEventListener("change", async (event) => {
  if (event.target.files.length === 0) return;
  await useTrust(await event.target.files[0].text(), word("trustOwn"));
  if (last !== null) check(last);
});
part("handovers-file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  const tooLong = file?.size > MAX_HANDOVERS_BYTES;
  say(part("handovers-said"), tooLong ? word("handoversTooLong") : "", "note bad");
  // Those that were chosen before are not meant any more, whatever this file is.
  handovers = file === undefined || tooLong ? new Uint8Array() : new Uint8Array(await file.arrayBuffer());
  if (last !== null) check(last);
});
await loadTrust();
page.dataset.ready = "yes";
