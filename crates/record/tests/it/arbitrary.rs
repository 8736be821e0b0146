//! Arbitrary records of every event, made from the protos' own description.

use std::sync::LazyLock;

use ore_record::{RECORD_DESCRIPTORS, v1};
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(RECORD_DESCRIPTORS).expect("our own descriptors"));

/// A record that uses every kind of field, decided by a seed.
pub(crate) fn record(seed: u64) -> v1::Record {
    let descriptor = POOL.get_message_by_name("oreledger.v1.Record").expect("described");
    let mut dice = Dice(seed);
    let mut message = fill(&descriptor, &mut dice);
    // One event of the oneof, always.
    let events: Vec<FieldDescriptor> = descriptor.oneofs().next().expect("one oneof").fields().collect();
    let chosen = &events[dice.below(events.len() as u64) as usize];
    message.set_field(chosen, value(chosen, &mut dice));
    message.transcode_to().expect("same protos")
}

/// SplitMix64: small, seedable, good enough to choose with.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Small numbers, edges and everything else, equally often.
    fn number(&mut self) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => self.below(300),
            2 => u64::MAX - self.below(2),
            _ => self.next(),
        }
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 16] =
            ['a', 'Z', '0', '/', '-', '.', ' ', '"', '\\', '\n', '\u{0}', 'é', '鉱', '🪨', ',', '%'];
        (0..self.below(9)).map(|_| LETTERS[self.below(16) as usize]).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = [0, 1, 16, 32, 33, 64][self.below(6) as usize];
        (0..length).map(|_| self.next() as u8).collect()
    }
}

fn fill(descriptor: &MessageDescriptor, dice: &mut Dice) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields().filter(|field| field.containing_oneof().is_none()) {
        if dice.below(3) == 0 {
            continue;
        }
        if field.is_list() {
            let items = (0..dice.below(4)).map(|_| value(&field, dice)).collect();
            message.set_field(&field, Value::List(items));
        } else {
            message.set_field(&field, value(&field, dice));
        }
    }
    message
}

fn value(field: &FieldDescriptor, dice: &mut Dice) -> Value {
    match field.kind() {
        Kind::Bool => Value::Bool(dice.below(2) == 0),
        Kind::Uint32 => Value::U32(dice.number() as u32),
        Kind::Uint64 => Value::U64(dice.number()),
        Kind::Sint32 => Value::I32(dice.number() as i32),
        Kind::String => Value::String(dice.text()),
        Kind::Bytes => Value::Bytes(dice.bytes().into()),
        // One past the last: a value of a later version.
        Kind::Enum(kind) => Value::EnumNumber(dice.below(kind.values().len() as u64 + 1) as i32),
        Kind::Message(message) => Value::Message(fill(&message, dice)),
        other => panic!("the protos have no {other:?} yet; teach this generator"),
    }
}
