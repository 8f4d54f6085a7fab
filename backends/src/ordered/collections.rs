//! The short numbers of collections.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use argon_core::model::CollectionId;
use argon_core::{Error, Result};

use crate::ordered::engine::{Direction, Write};
use crate::ordered::keys::{self, Short};
use crate::ordered::rows::Rows;
use crate::ordered::value;

/// The numbers of all collections, in memory: a store has few collections.
pub(super) struct CollectionNumbers {
    rows: Arc<Rows>,
    known: RwLock<NumberTable>,
    /// Held while a number is assigned, so that it is on disk before its first use.
    assigning: Mutex<()>,
}

#[derive(Default)]
struct NumberTable {
    shorts: HashMap<CollectionId, Short>,
    ids: Vec<CollectionId>,
}

impl CollectionNumbers {
    pub(super) fn load(rows: Arc<Rows>) -> Result<Self> {
        let mut found: Vec<(Short, CollectionId)> = Vec::new();
        let (from, to) = ([keys::NUMBER, b'c'], [keys::NUMBER, b'd']);
        let mut malformed = false;
        rows.engine().visit(&from, &to, Direction::Ascending, &mut |key, value| {
            match (key[2..].try_into(), decode(key, value)) {
                (Ok(id), Some(short)) => {
                    found.push((short, CollectionId::new(u64::from_be_bytes(id))));
                }
                _ => malformed = true,
            }
            ControlFlow::Continue(())
        })?;
        found.sort_unstable();
        if malformed || !found.iter().enumerate().all(|(at, (short, _))| *short as usize == at) {
            return Err(Error::corrupt("the store's table of collections is damaged"));
        }
        let ids: Vec<CollectionId> = found.iter().map(|(_, id)| *id).collect();
        let shorts = found.iter().map(|(short, id)| (*id, *short)).collect();
        let known = RwLock::new(NumberTable { shorts, ids });
        Ok(Self { rows, known, assigning: Mutex::default() })
    }

    /// The number of a collection, if it has one.
    pub(super) fn find(&self, id: CollectionId) -> Option<Short> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).shorts.get(&id).copied()
    }

    /// The collection with this number.
    pub(super) fn id(&self, short: Short) -> Result<CollectionId> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .ids
            .get(short as usize)
            .copied()
            .ok_or_else(|| Error::corrupt("a stored commit names an unknown collection"))
    }

    /// The number of a collection; a new one is written durably first.
    pub(super) fn find_or_assign(&self, id: CollectionId) -> Result<Short> {
        if let Some(short) = self.find(id) {
            return Ok(short);
        }
        let _assigning = self.assigning.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(short) = self.find(id) {
            return Ok(short);
        }
        let next = self.known.read().unwrap_or_else(PoisonError::into_inner).ids.len();
        let short = Short::try_from(next).map_err(|_| {
            Error::unsupported(
                "the store has the most collections that it can number: 4,294,967,296",
            )
        })?;
        let key = keys::collection_number(id);
        let value = encode(&key, short);
        self.rows.apply(vec![Write::Put { key, value }])?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.shorts.insert(id, short);
        known.ids.push(id);
        Ok(short)
    }
}

/// The number and its checksum.
fn encode(key: &[u8], short: Short) -> Vec<u8> {
    let short = short.to_le_bytes();
    [short, value::checksum(key, &[&short]).to_le_bytes()].concat()
}

/// Reads what [`encode`] wrote, or the bare number of format 1; `None` if it is neither.
fn decode(key: &[u8], stored: &[u8]) -> Option<Short> {
    let (short, found) = stored.split_first_chunk()?;
    let right = value::checksum(key, &[short]).to_le_bytes();
    (found.is_empty() || *found == right).then(|| Short::from_le_bytes(*short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_damaged_or_under_another_key_is_refused_and_one_of_format_1_taken() {
        let stored = encode(b"Ic12345678", 300);
        assert_eq!(decode(b"Ic12345678", &stored), Some(300));
        assert_eq!(decode(b"Ic12345679", &stored), None);
        assert_eq!(decode(b"Ic12345678", &300_u32.to_le_bytes()), Some(300));
        for at in 0..stored.len() {
            let mut changed = stored.clone();
            changed[at] ^= 1;
            assert_eq!(decode(b"Ic12345678", &changed), None, "byte {at}");
        }
        for length in [0, 3, 5, 7] {
            assert_eq!(decode(b"Ic12345678", &stored[..length]), None, "cut to {length}");
        }
    }
}
