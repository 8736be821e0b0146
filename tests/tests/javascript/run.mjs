// Runs the second verifier over the cases of a folder and prints what it answers, for main.rs to compare.
// Usage: node run.mjs FOLDER, in which job.json names the modules, the files and the signatures.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const job = JSON.parse(readFileSync(join(folder, "job.json"), "utf8"));
const load = (name) => import(pathToFileURL(join(job.modules, name)));
const bytes = (name) => new Uint8Array(readFileSync(join(folder, name)));

/** How much a verification asks of WebCrypto: a second run of the same checks would show here. */
let asked = 0;
for (const name of ["digest", "importKey"]) {
  const work = crypto.subtle[name].bind(crypto.subtle);
  crypto.subtle[name] = (...given) => {
    asked += 1;
    return work(...given);
  };
}

const { verify } = await load("verify.js");
const { strict, zip215 } = await load("ed25519.js");
const { oxide } = await load("elements.js");
const { Fault, fromHex } = await load("bytes.js");
const { follow } = await load("handover.js");
const { readTrust } = await load("trust.js");

const handovers = job.handovers === null ? new Uint8Array() : bytes(job.handovers);
const files = [];
for (const { file, trust } of job.files) {
  const told = [];
  asked = 0;
  const answer = await verify(bytes(file), job.trusts[trust], (step) => told.push(step.check), handovers);
  const steps = answer.steps.map(({ check, detail }) => ({ check, detail }));
  if (JSON.stringify(told) !== JSON.stringify(steps.map((step) => step.check))) throw new Error("a step was not told");
  files.push({ verified: answer.verified, failed: answer.failed, fault: answer.fault, steps, remarks: answer.remarks, asked });
}

const chains = [];
for (const chain of job.chains) {
  asked = 0;
  try {
    const roots = await follow(await readTrust(job.trusts[0]), bytes(chain));
    chains.push({ sets: roots.map(({ policy }) => policy.witnesses.map((key) => key.witness)), asked });
  } catch (error) {
    chains.push({ fault: error instanceof Fault ? error.message : `broke off: ${error}` });
  }
}

const signatures = [];
for (const { key, message, signature } of job.signatures) {
  const [k, m, s] = [key, message, signature].map(fromHex);
  const { accepted, crafted } = await zip215(k, m, s);
  signatures.push({ accepted, crafted, strict: await strict(k, m, s) });
}

const factors = job.oxides.map((formula) => {
  const known = oxide(formula);
  return known === null ? null : [known.element, Number(known.factor)];
});

console.log(JSON.stringify({ files, chains, signatures, factors }));
