//! Refs in memory, with those that are absent. A state that is found by its position asks for the same ref
//! each time, mostly an absent one.
//!
//! This process is the only one that writes the store, so the cache is right until it writes. A write
//! empties the cache before and after, and nothing is kept meanwhile: a reader may find the new value in
//! the engine before it is durable, and no reader may find the old one after that.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use argon_core::Result;
use argon_core::storage::{RefName, VersionedRef};

/// How many refs are kept, and the largest value that is.
const MOST_REFS: usize = 1024;
const MOST_VALUE_BYTES: usize = 4096;

#[derive(Default)]
pub(super) struct RefCache(RwLock<Cached>);

#[derive(Default)]
struct Cached {
    refs: HashMap<RefName, Option<VersionedRef>>,
    /// How often a write began or ended; odd while one is under way.
    turns: u64,
}

impl RefCache {
    /// The ref, from memory or by `read`.
    pub(super) fn get(
        &self,
        name: &str,
        read: impl FnOnce() -> Result<Option<VersionedRef>>,
    ) -> Result<Option<VersionedRef>> {
        let turn = {
            let cached = self.cached();
            if let Some(found) = cached.refs.get(name) {
                return Ok(found.clone());
            }
            cached.turns
        };
        let found = read()?;
        let bytes = found.as_ref().map_or(0, |found| found.value.len());
        if turn.is_multiple_of(2) && bytes <= MOST_VALUE_BYTES {
            let mut cached = self.cached_mut();
            if cached.turns == turn {
                if cached.refs.len() >= MOST_REFS {
                    cached.refs.clear();
                }
                cached.refs.insert(name.to_owned(), found.clone());
            }
        }
        Ok(found)
    }

    /// Writes refs. Two writes must not overlap.
    pub(super) fn write<T>(&self, write: impl FnOnce() -> T) -> T {
        self.turn();
        let written = write();
        self.turn();
        written
    }

    fn turn(&self) {
        let mut cached = self.cached_mut();
        cached.turns += 1;
        cached.refs.clear();
    }

    fn cached(&self) -> RwLockReadGuard<'_, Cached> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached_mut(&self) -> RwLockWriteGuard<'_, Cached> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use argon_core::storage::RefVersion;

    use super::*;

    fn stored(value: &[u8]) -> VersionedRef {
        VersionedRef { version: RefVersion("1".into()), value: value.to_vec() }
    }

    fn unread() -> Result<Option<VersionedRef>> {
        panic!("it is in memory")
    }

    #[test]
    fn a_ref_or_its_absence_is_read_once_until_the_next_write() {
        let cache = RefCache::default();
        assert_eq!(cache.get("a", || Ok(None)).unwrap(), None);
        assert_eq!(cache.get("a", unread).unwrap(), None);
        cache.write(|| ());
        assert_eq!(cache.get("a", || Ok(Some(stored(b"x")))).unwrap(), Some(stored(b"x")));
        assert_eq!(cache.get("a", unread).unwrap(), Some(stored(b"x")));
    }

    #[test]
    fn nothing_is_kept_that_was_read_while_a_write_was_under_way() {
        let cache = RefCache::default();
        let read_before = cache.get("a", || {
            cache.write(|| {
                assert_eq!(cache.get("b", || Ok(Some(stored(b"y")))).unwrap(), Some(stored(b"y")));
            });
            Ok(Some(stored(b"x")))
        });
        assert_eq!(read_before.unwrap(), Some(stored(b"x")));
        assert_eq!(cache.get("a", || Ok(None)).unwrap(), None);
        assert_eq!(cache.get("b", || Ok(None)).unwrap(), None);
    }

    #[test]
    fn large_values_are_not_kept_and_the_number_is_bounded() {
        let cache = RefCache::default();
        let large = Some(stored(&[0; MOST_VALUE_BYTES + 1]));
        cache.get("large", || Ok(large)).unwrap();
        for number in 0..=MOST_REFS {
            cache.get(&number.to_string(), || Ok(None)).unwrap();
        }
        assert_eq!(cache.cached().refs.len(), 1, "it was emptied when it was full");
    }
}
