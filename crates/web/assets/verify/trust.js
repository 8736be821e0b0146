// The trust root: what is taken on trust, and nothing else. It comes from consortium.toml.
//
// Only the three fields that an offline verifier needs are read: origin, genesis and policy, in the
// form in which the program writes them. A file that says one of them twice is refused.

import { Fault, fromHex } from "./bytes.js";
import { readPolicy } from "./policy.js";

const MAX_TRUST_BYTES = 1 << 20;

/** Reads consortium.toml. Throws `Fault`, saying which field is missing or wrong. */
export async function readTrust(text) {
  if (text.length > MAX_TRUST_BYTES) throw new Fault("the trust root is longer than 1 MiB");
  const fields = topLevel(text.replace(/\r\n/g, "\n"));
  const field = (name) => {
    if (!fields.has(name)) throw new Fault(`the trust root has no ${name}: it is a file consortium.toml`);
    return fields.get(name);
  };
  const genesis = fromHex(field("genesis"));
  if (genesis?.length !== 32) throw new Fault("genesis of the trust root must be 64 hexadecimal digits");
  return { origin: field("origin"), genesis, policy: await readPolicy(field("policy")) };
}

/** The texts above the first table: `name = "..."` and `name = """..."""`. */
function topLevel(text) {
  const fields = new Map();
  let rest = text;
  while (rest !== "") {
    const line = rest.slice(0, (rest + "\n").indexOf("\n"));
    if (/^\s*\[/.test(line)) break;
    const long = /^([a-z_]+) *= *"""\n?([^]*?)"""[ \t]*(?:#[^\n]*)?(?:\n|$)/.exec(rest);
    const short = /^([a-z_]+) *= *"((?:[^"\\\n]|\\.)*)"[ \t]*(?:#[^\n]*)?$/.exec(line);
    const found = long ?? short;
    if (found !== null) {
      if (fields.has(found[1])) throw new Fault(`the trust root says ${found[1]} twice`);
      fields.set(found[1], unescaped(found[2]));
    }
    rest = rest.slice(long !== null ? long[0].length : line.length + 1);
  }
  return fields;
}

function unescaped(text) {
  const known = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", '"': '"', "\\": "\\" };
  return text.replace(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^])/g, (_, code) => {
    if (code in known) return known[code];
    const point = code.length > 1 ? parseInt(code.slice(1), 16) : NaN;
    if (!(point <= 0x10ffff)) throw new Fault(`the trust root has an escape \\${code} that TOML has not`);
    return String.fromCodePoint(point);
  });
}
