//! Resume tokens: `{_data: "<hex>"}`.
//!
//! The bytes, numbers big endian: the version (1); the time from which branches count that have no position,
//! in milliseconds (8); the number of positions (2); each position: timeline (16), LSN (8), the last one being
//! that of the event; the number of the change in that commit (4), all ones for the whole commit; the
//! fragment of a split event (4), all ones for the whole event; 1 for an event that ended the stream (1).

use argon_core::model::{Lsn, Point, TimelineId};
use bson::DateTime;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::rawdoc;
use data_encoding::{HEXUPPER, HEXUPPER_PERMISSIVE};

use crate::failure::{CommandError, Result};

const VERSION: u8 = 1;
/// A number that stands for all.
const ALL: u32 = u32::MAX;

/// A position in a change stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Branches without a position are followed from this time.
    pub(super) since: DateTime,
    /// The last commits of branches; the latest is the last.
    pub(super) positions: Vec<Point>,
    /// What was given of the latest commit.
    pub(super) given: Given,
    /// Whether the event ended its stream.
    pub(super) is_end: bool,
}

/// What was given of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Given {
    /// All of it.
    #[default]
    All,
    /// The events up to a number.
    Events(u32),
    /// The events before a number, and the fragments of that event up to one.
    Fragments(u32, u32),
}

impl Given {
    /// Whether an event was given whole.
    pub(super) fn has(self, number: u32) -> bool {
        match self {
            Self::All => true,
            Self::Events(last) => number <= last,
            Self::Fragments(event, _) => number < event,
        }
    }

    /// The number of fragments of an event that were given.
    pub(super) fn fragments_of(self, number: u32) -> usize {
        match self {
            Self::Fragments(event, last) if event == number => last as usize + 1,
            _ => 0,
        }
    }
}

impl Token {
    pub(super) fn encode(&self) -> RawDocumentBuf {
        let mut bytes = vec![VERSION];
        bytes.extend(self.since.timestamp_millis().to_be_bytes());
        let count = u16::try_from(self.positions.len()).unwrap_or(u16::MAX);
        bytes.extend(count.to_be_bytes());
        // More branches than fit are followed by their time.
        let skipped = self.positions.len() - usize::from(count);
        for point in &self.positions[skipped..] {
            bytes.extend(point.timeline.as_bytes());
            bytes.extend(point.lsn.get().to_be_bytes());
        }
        let (change, fragment) = match self.given {
            Given::All => (ALL, ALL),
            Given::Events(change) => (change, ALL),
            Given::Fragments(change, fragment) => (change, fragment),
        };
        bytes.extend(change.to_be_bytes());
        bytes.extend(fragment.to_be_bytes());
        bytes.push(u8::from(self.is_end));
        rawdoc! { "_data": HEXUPPER.encode(&bytes) }
    }

    /// Reads a token.
    ///
    /// # Errors
    /// `InvalidResumeToken` if it is none of this server.
    pub(super) fn decode(document: &RawDocument) -> Result<Self> {
        let invalid = || {
            CommandError::new(
                260,
                "invalid resume token: expected the _id of an event, or the postBatchResumeToken of a change \
                 stream of this server",
            )
        };
        let Ok(Some(RawBsonRef::String(data))) = document.get("_data") else {
            return Err(invalid());
        };
        let bytes = HEXUPPER_PERMISSIVE.decode(data.as_bytes()).map_err(|_| invalid())?;
        Reader(&bytes).token().ok_or_else(invalid)
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn token(&mut self) -> Option<Token> {
        let [VERSION] = self.take()? else { return None };
        let since = DateTime::from_millis(i64::from_be_bytes(self.take()?));
        let count = u16::from_be_bytes(self.take()?);
        let mut positions = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let timeline = TimelineId::from_bytes(self.take()?);
            let lsn = u64::from_be_bytes(self.take()?);
            // An LSN has 63 bits.
            positions.push(Point { timeline, lsn: (lsn < 1 << 63).then(|| Lsn::new(lsn))? });
        }
        let (change, fragment) =
            (u32::from_be_bytes(self.take()?), u32::from_be_bytes(self.take()?));
        let given = match (change, fragment) {
            (ALL, ALL) => Given::All,
            (change, ALL) => Given::Events(change),
            (change, fragment) => Given::Fragments(change, fragment),
        };
        let is_end = match self.take()? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        self.0.is_empty().then_some(Token { since, positions, given, is_end })
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(given: Given, positions: u64) -> Token {
        let position =
            |lsn| Point { timeline: TimelineId::from_bytes([7; 16]), lsn: Lsn::new(lsn) };
        Token {
            since: DateTime::from_millis(1_783_000_000_123),
            positions: (1..=positions).map(position).collect(),
            given,
            is_end: positions == 2,
        }
    }

    #[test]
    fn a_token_is_read_as_it_is_written() {
        for given in [Given::All, Given::Events(0), Given::Events(8), Given::Fragments(8, 2)] {
            for positions in [0, 1, 2, 300] {
                let token = token(given, positions);
                assert_eq!(Token::decode(&token.encode()).unwrap(), token);
            }
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let good = token(Given::Events(3), 2).encode().get_str("_data").unwrap().to_owned();
        let mut bad: Vec<_> = (0..good.len()).map(|end| good[..end].to_owned()).collect();
        bad.extend([
            format!("{good}00"),
            good.replacen("01", "02", 1),
            "8263A1".into(),
            "zz".into(),
        ]);
        for data in bad {
            assert_eq!(
                Token::decode(&rawdoc! { "_data": data.as_str() }).unwrap_err().code(),
                260,
                "{data}"
            );
        }
        assert_eq!(Token::decode(&rawdoc! { "_data": 1 }).unwrap_err().code(), 260);
        assert_eq!(Token::decode(&rawdoc! {}).unwrap_err().code(), 260);
    }

    #[test]
    fn events_after_the_token_were_not_given() {
        assert!(Given::All.has(9));
        assert_eq!([7, 8, 9].map(|event| Given::Events(8).has(event)), [true, true, false]);
        assert_eq!([7, 8, 9].map(|event| Given::Fragments(8, 1).has(event)), [true, false, false]);
        assert_eq!([7, 8].map(|event| Given::Fragments(8, 1).fragments_of(event)), [0, 2]);
    }
}
