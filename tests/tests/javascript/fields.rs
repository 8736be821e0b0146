//! Messages bent field by field, at any depth: what a flipped bit seldom reaches, for it breaks the frame first.

use crate::bent::Dice;

/// A field as it is written: its tag, and what follows.
#[derive(Clone)]
struct Field {
    tag: u64,
    value: Value,
}

#[derive(Clone)]
enum Value {
    /// A whole number, already written.
    Number(Vec<u8>),
    /// Eight or four bytes as they are.
    Fixed(Vec<u8>),
    /// Bytes behind their length: a text, bytes, or a message.
    Bytes(Vec<u8>),
}

/// The bytes with one field changed, left out, doubled, moved or renamed; of no message, with other bytes.
pub(crate) fn mutated(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let mut fields = match parsed(bytes) {
        Some(fields) if !fields.is_empty() => fields,
        _ => return scrambled(dice, bytes),
    };
    let (at, other) = (dice.below(fields.len()), dice.below(fields.len()));
    match dice.below(12) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(other, fields[at].clone()),
        2 => fields.swap(at, other),
        3 => fields[at].tag ^= 1 << (3 + dice.below(4)),
        _ => fields[at].value = other_value(dice, &fields[at].value),
    }
    written(&fields)
}

fn other_value(dice: &mut Dice, value: &Value) -> Value {
    match value {
        Value::Number(_) => Value::Number(match dice.below(7) {
            0 => varint(0),
            1 => varint(1),
            2 => varint(dice.below(200) as u64),
            3 => varint(u64::MAX),
            4 => varint(1 << 63),
            // The same numbers in a spelling that is not the shortest.
            5 => vec![0x81, 0x00],
            _ => vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02],
        }),
        Value::Fixed(bytes) => Value::Fixed(bytes.iter().map(|byte| byte ^ 1).collect()),
        Value::Bytes(bytes) => Value::Bytes(mutated(dice, bytes)),
    }
}

fn scrambled(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match dice.below(4) {
        0 => bytes.clear(),
        1 => bytes.truncate(dice.below(bytes.len() + 1)),
        2 => bytes.push([0, b' ', b'\n', 0x80, 0xff][dice.below(5)]),
        _ => {
            if !bytes.is_empty() {
                let at = dice.below(bytes.len());
                bytes[at] ^= 1 << dice.below(8);
            }
        }
    }
    bytes
}

fn parsed(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (tag, length) = number(bytes)?;
        bytes = &bytes[length..];
        let (value, length) = match (tag & 7, tag >> 3) {
            (_, 0) => return None,
            (0, _) => {
                let (_, length) = number(bytes)?;
                (Value::Number(bytes[..length].to_vec()), length)
            }
            (1, _) => (Value::Fixed(bytes.get(..8)?.to_vec()), 8),
            (5, _) => (Value::Fixed(bytes.get(..4)?.to_vec()), 4),
            (2, _) => {
                let (count, length) = number(bytes)?;
                let end = length.checked_add(usize::try_from(count).ok()?)?;
                (Value::Bytes(bytes.get(length..end)?.to_vec()), end)
            }
            _ => return None,
        };
        bytes = &bytes[length..];
        fields.push(Field { tag, value });
    }
    Some(fields)
}

fn written(fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        out.extend(varint(field.tag));
        match &field.value {
            Value::Number(bytes) | Value::Fixed(bytes) => out.extend(bytes),
            Value::Bytes(bytes) => {
                out.extend(varint(bytes.len() as u64));
                out.extend(bytes);
            }
        }
    }
    out
}

/// A number at the front, and how many bytes it takes.
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
