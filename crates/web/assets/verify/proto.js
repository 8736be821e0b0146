// Canonical protobuf: the one byte string that stands for a message, and nothing else.
//
// proto/README.md has the seven rules. They are checked while reading, so nothing is encoded again:
// fields in ascending order and known, each at most once, no default written out, varints as short
// as they can be, repeated numbers packed, of a oneof at most one.

import { Fault, textOf, thousands } from "./bytes.js";
import { MESSAGES } from "./schema.js";

const VARINT = 0;
const LENGTH = 2;

/**
 * Reads a canonical message of a type of the schema. Fields that are absent have their default;
 * 64-bit numbers are BigInt. `$bytes` holds the message's own bytes, `$event` the name of the one
 * field that is present of a oneof.
 *
 * Throws `Fault` when the bytes are not canonical; `what` says what they should have been.
 */
export function decode(type, bytes, what) {
  return new Reader(bytes, what).message(type, 0, bytes.length);
}

class Reader {
  constructor(bytes, what) {
    this.bytes = bytes;
    this.what = what;
    this.at = 0;
  }

  fail(why) {
    throw new Fault(`${this.what} is not canonical: ${why}, at byte ${thousands(this.at)}`);
  }

  message(type, start, end) {
    const fields = MESSAGES[type];
    const message = blank(fields);
    message.$bytes = this.bytes.subarray(start, end);
    let last = 0;
    this.at = start;
    while (this.at < end) {
      const tag = this.varint(end);
      const number = Number(tag >> 3n);
      const wire = Number(tag & 7n);
      const field = fields.get(number);
      if (field === undefined) this.fail(`field ${number} of ${type} is not known`);
      if (number < last) this.fail(`field ${number} of ${type} comes after field ${last}`);
      if (number === last && !(field.repeated && wire === LENGTH && !field.packed)) {
        this.fail(`field ${field.name} of ${type} is there twice`);
      }
      last = number;
      this.field(type, message, field, wire, end);
    }
    return message;
  }

  field(type, message, field, wire, end) {
    if (field.oneof) {
      if (message.$event !== null) this.fail(`${type} says two things, ${message.$event} and ${field.name}`);
      message.$event = field.name;
    }
    const wanted = field.packed || field.long ? LENGTH : VARINT;
    if (wire !== wanted) this.fail(`field ${field.name} of ${type} has wire type ${wire}`);
    if (wire === VARINT) {
      const value = this.number(field, end);
      if (Number(value) === 0 && !field.oneof) this.fail(`field ${field.name} of ${type} writes its default out`);
      message[field.name] = value;
      return;
    }
    const length = this.varint(end);
    if (length > BigInt(end - this.at)) this.fail(`field ${field.name} of ${type} is cut short`);
    const until = this.at + Number(length);
    if (field.packed) {
      if (length === 0n) this.fail(`field ${field.name} of ${type} is empty`);
      while (this.at < until) message[field.name].push(this.number(field, until));
      return;
    }
    const value = this.long(field, until);
    if (field.repeated) message[field.name].push(value);
    else if (length === 0n && !field.message && !field.oneof) this.fail(`field ${field.name} of ${type} writes its default out`);
    else message[field.name] = value;
  }

  long(field, until) {
    const start = this.at;
    if (field.message) {
      const message = this.message(field.message, start, until);
      this.at = until;
      return message;
    }
    this.at = until;
    const bytes = this.bytes.subarray(start, until);
    if (field.kind === "bytes") return bytes;
    const text = textOf(bytes);
    if (text === null) this.fail(`field ${field.name} is not UTF-8`);
    return text;
  }

  number(field, end) {
    const value = this.varint(end);
    switch (field.kind) {
      case "uint64":
        return value;
      case "uint32":
        if (value >= 1n << 32n) this.fail(`field ${field.name} is above 32 bits`);
        return Number(value);
      case "sint32":
        if (value >= 1n << 32n) this.fail(`field ${field.name} is above 32 bits`);
        return Number((value >> 1n) ^ -(value & 1n));
      case "bool":
        if (value > 1n) this.fail(`field ${field.name} is neither true nor false`);
        return value === 1n;
      default: {
        // An enum is 32 bits with sign, written as 64 bits.
        const signed = BigInt.asIntN(64, value);
        if (BigInt.asIntN(32, signed) !== signed) this.fail(`field ${field.name} is above 32 bits`);
        return Number(signed);
      }
    }
  }

  varint(end) {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= end) this.fail("the bytes end within a number");
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0n) this.fail("a number is longer than it needs to be");
        if (value >= 1n << 64n) this.fail("a number is above 64 bits");
        return value;
      }
    }
    return this.fail("a number has more than ten bytes");
  }
}

function blank(fields) {
  const message = { $event: null };
  for (const field of fields.values()) message[field.name] = field.oneof ? null : defaultOf(field);
  return message;
}

function defaultOf(field) {
  if (field.repeated) return [];
  if (field.message) return null;
  if (field.kind === "string") return "";
  if (field.kind === "bytes") return new Uint8Array(0);
  if (field.kind === "uint64") return 0n;
  return field.kind === "bool" ? false : 0;
}
