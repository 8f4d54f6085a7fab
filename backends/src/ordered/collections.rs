//! The short numbers of collections.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError, RwLock};

use argon_core::model::CollectionId;
use argon_core::{Error, Result};

use crate::ordered::engine::{Direction, Engine, Write};
use crate::ordered::keys::{self, Short};

/// Collections and their numbers, all in memory: a store has few collections.
pub(super) struct CollectionNumbers {
    known: RwLock<Known>,
    /// Held while a number is given out, so that it is on disk before anyone uses it.
    giving: Mutex<()>,
}

#[derive(Default)]
struct Known {
    shorts: HashMap<CollectionId, Short>,
    ids: Vec<CollectionId>,
}

impl CollectionNumbers {
    pub(super) fn load(engine: &dyn Engine) -> Result<Self> {
        let mut found: Vec<(Short, CollectionId)> = Vec::new();
        let (from, to) = ([keys::NUMBER, b'c'], [keys::NUMBER, b'd']);
        let mut malformed = false;
        engine.visit(&from, &to, Direction::Ascending, &mut |key, value| {
            match (key[2..].try_into(), value.try_into()) {
                (Ok(id), Ok(short)) => {
                    let id = CollectionId::new(u64::from_be_bytes(id));
                    found.push((Short::from_le_bytes(short), id));
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
        Ok(Self { known: RwLock::new(Known { shorts, ids }), giving: Mutex::default() })
    }

    /// The number of a collection, if it has one.
    pub(super) fn find(&self, id: CollectionId) -> Option<Short> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).shorts.get(&id).copied()
    }

    /// The collection with this number.
    pub(super) fn id(&self, short: Short) -> Result<CollectionId> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.ids.get(short as usize).copied().ok_or_else(|| {
            Error::corrupt("a stored commit names a collection that the store does not know")
        })
    }

    /// The number of a collection; a new one is written durably first.
    pub(super) fn find_or_give(&self, engine: &dyn Engine, id: CollectionId) -> Result<Short> {
        if let Some(short) = self.find(id) {
            return Ok(short);
        }
        let _giving = self.giving.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(short) = self.find(id) {
            return Ok(short);
        }
        let next = self.known.read().unwrap_or_else(PoisonError::into_inner).ids.len();
        let short = Short::try_from(next)
            .map_err(|_| Error::unsupported("the store has four thousand million collections"))?;
        let (key, value) = (keys::collection_number(id), short.to_le_bytes().to_vec());
        engine.apply(vec![Write::Put { key, value }])?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.shorts.insert(id, short);
        known.ids.push(id);
        Ok(short)
    }
}
