//! The engine of `memory:` stores: a sorted map that ends with the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use argon_core::Result;

use crate::ordered::engine::{Batch, Direction, Engine, Visitor, Write};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// The most entries that one hold of the lock copies.
const CHUNK: usize = 256;

/// An [`Engine`] over a [`BTreeMap`]. Durable only as long as it lives.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    map: RwLock<Map>,
}

impl MemoryEngine {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    // A batch is only moved into the map, which can't panic half-way: a poisoned lock holds a
    // whole map.
    fn read(&self) -> RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Map> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies the next entries between the bounds, at most `limit`.
    fn chunk(
        &self,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let map = self.read();
        let entries = map.range::<[u8], _>(bounds).map(|(k, v)| (k.clone(), v.clone()));
        match direction {
            Direction::Ascending => entries.take(limit).collect(),
            Direction::Descending => entries.rev().take(limit).collect(),
        }
    }
}

impl Engine for MemoryEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.read().get(key).cloned())
    }

    /// Copies chunks, so that the lock is free while the visitor runs: a visitor may read.
    fn visit(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        let mut last: Option<Vec<u8>> = None;
        // Most visits want one entry, so the first chunk is one.
        let mut limit = 1;
        loop {
            let bounds = remaining(from, to, direction, last.as_deref());
            if is_empty(bounds) {
                return Ok(());
            }
            let chunk = self.chunk(bounds, direction, limit);
            for (key, value) in &chunk {
                if visitor(key, value).is_break() {
                    return Ok(());
                }
            }
            match chunk.into_iter().next_back() {
                Some((key, _)) => last = Some(key),
                None => return Ok(()),
            }
            limit = (limit * 2).min(CHUNK);
        }
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        let mut map = self.write();
        for write in batch {
            match write {
                Write::Put { key, value } => map.insert(key, value),
                Write::Remove { key } => map.remove(&key),
            };
        }
        Ok(())
    }

    fn disk_bytes(&self) -> Result<u64> {
        Ok(0)
    }
}

/// What is left of a range when all up to `last` has been shown.
fn remaining<'a>(
    from: &'a [u8],
    to: &'a [u8],
    direction: Direction,
    last: Option<&'a [u8]>,
) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
    match (last, direction) {
        (None, _) => (Bound::Included(from), Bound::Excluded(to)),
        (Some(last), Direction::Ascending) => (Bound::Excluded(last), Bound::Excluded(to)),
        (Some(last), Direction::Descending) => (Bound::Included(from), Bound::Excluded(last)),
    }
}

/// Whether nothing can lie between the bounds; `BTreeMap::range` panics on most such bounds.
fn is_empty((lower, upper): (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match (lower, upper) {
        (Bound::Included(l) | Bound::Excluded(l), Bound::Included(u) | Bound::Excluded(u)) => {
            l >= u
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryEngine;
    use crate::engines::contract::contract_tests;

    contract_tests!(|| Box::new(MemoryEngine::new()));
}
