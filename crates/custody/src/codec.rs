//! Values of the store: fixed-width big-endian numbers and length-prefixed bytes, nothing clever.
//!
//! Reading never panics: a short or odd value is a [`Garbled`].

use alloc::vec::Vec;

/// A value that is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Garbled;

pub(crate) type Read<T> = Result<T, Garbled>;

#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// At most 65,535 bytes: every text and list of a record is shorter.
    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        debug_assert!(value.len() <= usize::from(u16::MAX));
        self.0.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// To the end of the value.
    pub(crate) fn rest(&mut self, value: &[u8]) -> &mut Self {
        self.0.extend_from_slice(value);
        self
    }
}

pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Garbled)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        Ok(self.take::<1>()?[0])
    }

    pub(crate) fn flag(&mut self) -> Read<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Garbled),
        }
    }

    pub(crate) fn u32(&mut self) -> Read<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Read<u64> {
        self.take().map(u64::from_be_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = usize::from(u16::from_be_bytes(self.take()?));
        let (head, rest) = self.0.split_at_checked(length).ok_or(Garbled)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn text(&mut self) -> Read<&'a str> {
        core::str::from_utf8(self.bytes()?).map_err(|_| Garbled)
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// A closed enum of the protos.
    pub(crate) fn choice<T: TryFrom<i32>>(&mut self) -> Read<T> {
        T::try_from(self.u8()?.into()).map_err(|_| Garbled)
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Read<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Garbled) }
    }
}

/// A number in seven bits a byte, as protobuf has it.
pub(crate) fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number that [`varint`] wrote in this process.
///
/// # Panics
/// When it did not.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first().expect("written by varint");
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}
