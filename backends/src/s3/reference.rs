//! The stored form of a ref.
//!
//! Besides the value, an object has the nonce of its write and those of the writes before. So a writer
//! whose answer was lost can resolve its write even if others have written since.

use argon_core::codec::{Reader, put_bytes};
use argon_core::{Error, Result};

const MAGIC: &[u8; 8] = b"argonref";
const VERSION: u8 = 1;

/// The number of earlier writes in an object.
const MOST_BEFORE: usize = 16;

const REMOVED: u8 = 0;
const VALUE: u8 = 1;

/// Identifies a write.
pub(super) type WriteNonce = [u8; 16];

/// A stored ref. A removed one stays without a value, as some servers can't remove objects on a
/// condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) nonce: WriteNonce,
    /// The nonces of the writes before, newest first: all, or the last [`MOST_BEFORE`].
    before: Vec<WriteNonce>,
    pub(super) value: Option<Vec<u8>>,
}

impl Reference {
    /// The write of `value` after `previous`.
    pub(super) fn after(
        previous: Option<&Reference>,
        nonce: WriteNonce,
        value: Option<Vec<u8>>,
    ) -> Self {
        let before = previous.into_iter().flat_map(Reference::history).take(MOST_BEFORE).collect();
        Self { nonce, before, value }
    }

    /// The nonces of this write and of those before it.
    fn history(&self) -> impl Iterator<Item = WriteNonce> {
        std::iter::once(self.nonce).chain(self.before.iter().copied())
    }

    /// Whether the write with this nonce led to this one; `None` if it may be too old to be listed.
    /// `previous` is the nonce of the write that it follows.
    pub(super) fn follows(
        &self,
        nonce: &WriteNonce,
        previous: Option<&WriteNonce>,
    ) -> Option<bool> {
        if self.history().any(|known| known == *nonce) {
            return Some(true);
        }
        let complete = self.before.len() < MOST_BEFORE;
        let reaches_back =
            previous.is_some_and(|previous| self.history().any(|known| known == *previous));
        (complete || reaches_back).then_some(false)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        out.extend_from_slice(&self.nonce);
        put_bytes(&mut out, self.before.as_flattened());
        match &self.value {
            None => out.push(REMOVED),
            Some(value) => {
                out.push(VALUE);
                out.extend_from_slice(value);
            }
        }
        // The backends have no CRC of their own, and a ref is small.
        let digest = argon_core::model::Digest::of(&out);
        out.extend_from_slice(&digest.as_bytes()[..4]);
        out
    }

    /// Reads what [`encode`](Self::encode) wrote; `name` is the ref's.
    ///
    /// # Errors
    /// `Corrupt`, or `Unsupported` for a newer version.
    pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        Self::decode_content(bytes).map_err(|source| {
            Error::new(source.kind(), format!("the ref '{name}' can't be read")).with_source(source)
        })
    }

    fn decode_content(bytes: &[u8]) -> Result<Self> {
        let whole = Reader::new("ref", bytes);
        let (content, checksum) =
            bytes.split_last_chunk::<4>().ok_or_else(|| whole.corrupt("ends too early"))?;
        if argon_core::model::Digest::of(content).as_bytes()[..4] != *checksum {
            return Err(whole.corrupt("does not match its checksum"));
        }
        let mut reader = Reader::new("ref", content);
        if reader.array()? != *MAGIC {
            return Err(reader.corrupt("does not begin as a ref"));
        }
        match reader.byte()? {
            VERSION => {}
            newer => {
                return Err(Error::unsupported(format!(
                    "it has format {newer}; this version of Argon reads {VERSION}"
                )));
            }
        }
        let nonce = reader.array()?;
        let (before, rest) = reader.bytes()?.as_chunks();
        if !rest.is_empty() {
            return Err(reader.corrupt("has a broken history"));
        }
        let value = match reader.byte()? {
            VALUE => Some(reader.rest().to_vec()),
            REMOVED if reader.rest().is_empty() => None,
            _ => return Err(reader.corrupt("has neither a value nor the mark of a removal")),
        };
        Ok(Self { nonce, before: before.to_vec(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_comes_back_and_its_bytes_do_not_change_between_versions() {
        let first = Reference::after(None, [1; 16], Some(b"value".to_vec()));
        let second = Reference::after(Some(&first), [2; 16], None);
        for reference in [first, second.clone()] {
            let bytes = reference.encode();
            assert_eq!(Reference::decode("a", &bytes).unwrap(), reference);
            for at in 0..bytes.len() {
                let mut broken = bytes.clone();
                broken[at] ^= 4;
                assert!(Reference::decode("a", &broken).is_err(), "byte {at}");
                assert!(Reference::decode("a", &bytes[..at]).is_err(), "cut at {at}");
            }
        }
        let hex: String = second.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        let golden = format!("6172676f6e72656601{}10{}00", "02".repeat(16), "01".repeat(16));
        assert_eq!(hex[..hex.len() - 8], golden);
    }

    #[test]
    fn a_write_is_found_behind_those_that_came_after_it() {
        let mut last = Reference::after(None, [0; 16], None);
        for nonce in 1..=10 {
            last = Reference::after(Some(&last), [nonce; 16], None);
        }
        assert_eq!(last.follows(&[4; 16], Some(&[3; 16])), Some(true));
        assert_eq!(last.follows(&[99; 16], Some(&[3; 16])), Some(false));
        for nonce in 11..=30 {
            last = Reference::after(Some(&last), [nonce; 16], None);
        }
        assert_eq!(last.follows(&[14; 16], Some(&[13; 16])), Some(true));
        assert_eq!(last.follows(&[99; 16], Some(&[14; 16])), Some(false));
        assert_eq!(last.follows(&[99; 16], Some(&[2; 16])), None, "too long ago to tell");
        assert_eq!(last.follows(&[99; 16], None), None);
    }
}
