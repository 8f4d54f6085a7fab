//! Building blocks of the binary formats: variable-length numbers and length-prefixed bytes.

use crate::model::Lsn;
use crate::{Error, Result};

/// Appends `number` as LEB128: seven bits a byte, least significant first; 1 to 10 bytes.
pub fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends the length of `bytes` as a [varint](put_varint), then `bytes`.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads the output of the `put_…` functions. It never reads past its end, and never allocates by
/// an unchecked length.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Creates a reader of `bytes`; `what` names them in errors.
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, what }
    }

    /// An error of kind `Corrupt` about these bytes.
    pub fn corrupt(&self, problem: &str) -> Error {
        Error::corrupt(format!("a stored {} {problem}", self.what))
    }

    /// Reads the next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.corrupt("is truncated"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads the next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.corrupt("is truncated"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Reads the next byte.
    pub fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads a number of [`put_varint`].
    pub fn varint(&mut self) -> Result<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.corrupt("has a number of more than 64 bits"))
    }

    /// Reads a position of [`put_varint`]; refuses one that no log can have.
    pub fn lsn(&mut self) -> Result<Lsn> {
        let lsn = Lsn::new(self.varint()?);
        if lsn <= Lsn::MAX { Ok(lsn) } else { Err(self.corrupt("has an invalid position")) }
    }

    /// Reads bytes of [`put_bytes`].
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.varint()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Reads text of [`put_bytes`].
    pub fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| self.corrupt("has text that is not UTF-8"))
    }

    /// The remaining bytes.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses remaining bytes.
    pub fn finish(self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.corrupt("has extra bytes after its end"))
        }
    }
}

/// Calls `look` with damaged variants of `bytes`: truncated anywhere, and at each position a byte
/// changed in several ways or replaced by the largest numbers. For tests of decoders, which must
/// return an error or any value.
#[doc(hidden)]
pub fn for_each_damage(bytes: &[u8], mut look: impl FnMut(&[u8])) {
    let numbers = [1_u64 << 31, 1 << 48, u64::MAX >> 1, u64::MAX].map(|number| {
        let mut out = Vec::new();
        put_varint(&mut out, number);
        out
    });
    for at in 0..bytes.len() {
        look(&bytes[..at]);
        let (before, after) = (&bytes[..at], &bytes[at + 1..]);
        for byte in [0, 1, bytes[at] ^ 1, bytes[at] ^ 0x80, 0x7f, 0xff] {
            look(&[before, &[byte], after].concat());
        }
        for number in &numbers {
            look(&[before, number, after].concat());
        }
    }
    look(&[bytes, &[0]].concat());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_bytes_come_back(number: u64, bytes: Vec<u8>) {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            put_bytes(&mut out, &bytes);
            let mut reader = Reader::new("test", &out);
            prop_assert_eq!(reader.varint().unwrap(), number);
            prop_assert_eq!(reader.bytes().unwrap(), bytes);
            prop_assert!(reader.finish().is_ok());
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut reader = Reader::new("test", &bytes);
            let _ = reader.varint();
            let _ = reader.bytes();
            let _ = reader.text();
        }
    }
}
