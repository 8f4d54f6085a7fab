//! The last changes of documents that this process appended, without the documents.
//!
//! A writer with preconditions asks before each append which documents exist. An import of small
//! documents appends more than the cached log holds before the next snapshot is due; each of its
//! appends would then pass over all headers since the last snapshot. Keys and positions take a
//! fraction of the memory of documents.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::document::key::Key;
use crate::engine::lru::Lru;
use crate::model::{Change, CollectionId, Commit, Image, Lsn, TimelineId};

/// The approximate memory of a change besides the bytes of its key.
const OVERHEAD: usize = 96;

/// The last change of a document: its commit, and whether it was a deletion.
pub(super) type LastChange = (Lsn, bool);

/// The last changes of documents.
pub(super) type LastChanges = Vec<(CollectionId, Key, LastChange)>;

/// The last changes of documents by timeline, for the heads to which this process has appended.
pub(super) struct RecentChanges {
    timelines: Mutex<Lru<TimelineId, Arc<Mutex<TimelineChanges>>>>,
}

/// The last changes of a timeline above a position, up to one that advances.
struct TimelineChanges {
    above: Lsn,
    upto: Lsn,
    changes: HashMap<CollectionId, HashMap<Key, LastChange>>,
    bytes: usize,
}

impl RecentChanges {
    /// Creates an empty one that takes at most about `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { timelines: Mutex::new(Lru::new(most_bytes)) }
    }

    /// Adds commits that were just appended. If they do not follow those before, these are dropped.
    ///
    /// `cached` gives the last changes up to a position and the position above which they begin; it is
    /// called for the first commits of a timeline.
    pub(super) fn appended(
        &self,
        timeline: TimelineId,
        commits: &[Commit],
        cached: impl FnOnce(Lsn) -> Option<(Lsn, LastChanges)>,
    ) {
        let (Some(first), Some(last)) = (commits.first(), commits.last()) else { return };
        let before = first.meta.lsn.back(1).unwrap_or_default();
        let known = self.timelines().get(&timeline).unwrap_or_else(|| {
            let (above, changes) = cached(before).unwrap_or((before, Vec::new()));
            let mut made = TimelineChanges::new(above, before);
            for (collection, key, change) in changes {
                made.put(collection, key, change);
            }
            Arc::new(Mutex::new(made))
        });
        let bytes = {
            let mut known = lock(&known);
            if known.upto != before {
                *known = TimelineChanges::new(before, before);
            }
            for commit in commits {
                for Change { collection, key, image } in &commit.changes {
                    let change = (commit.meta.lsn, matches!(image, Image::Deleted));
                    known.put(*collection, key.clone(), change);
                }
            }
            known.upto = last.meta.lsn;
            known.bytes
        };
        self.timelines().insert(timeline, known, bytes);
    }

    /// Drops the changes up to `upto`, which a snapshot has.
    pub(super) fn forget_up_to(&self, timeline: TimelineId, upto: Lsn) {
        let Some(known) = self.timelines().get(&timeline) else { return };
        let bytes = {
            let mut known = lock(&known);
            known.forget_up_to(upto);
            known.bytes
        };
        self.timelines().weigh(&timeline, bytes);
    }

    /// Returns the last changes of documents above `above` at the head `upto`; `None` for a document
    /// without a change there. `None` as a whole if they are not known.
    pub(super) fn of(
        &self,
        timeline: TimelineId,
        above: Lsn,
        upto: Lsn,
        collection: CollectionId,
        keys: &[Key],
    ) -> Option<Vec<Option<LastChange>>> {
        let known = self.timelines().get(&timeline)?;
        let known = lock(&known);
        if known.upto != upto || known.above > above {
            return None;
        }
        let changes = known.changes.get(&collection);
        // A change that the snapshot has too is still the last one.
        Some(keys.iter().map(|key| changes.and_then(|changes| changes.get(key)).copied()).collect())
    }

    fn timelines(&self) -> MutexGuard<'_, Lru<TimelineId, Arc<Mutex<TimelineChanges>>>> {
        self.timelines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(known: &Mutex<TimelineChanges>) -> MutexGuard<'_, TimelineChanges> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TimelineChanges {
    fn new(above: Lsn, upto: Lsn) -> Self {
        Self { above, upto, changes: HashMap::new(), bytes: 0 }
    }

    fn put(&mut self, collection: CollectionId, key: Key, change: LastChange) {
        let bytes = weight(&key);
        if self.changes.entry(collection).or_default().insert(key, change).is_none() {
            self.bytes += bytes;
        }
    }

    fn forget_up_to(&mut self, upto: Lsn) {
        if upto <= self.above || upto > self.upto {
            return;
        }
        let mut bytes = 0;
        for changes in self.changes.values_mut() {
            changes.retain(|_, (lsn, _)| *lsn > upto);
            changes.shrink_to_fit();
            bytes += changes.keys().map(weight).sum::<usize>();
        }
        (self.above, self.bytes) = (upto, bytes);
    }
}

fn weight(key: &Key) -> usize {
    key.as_bytes().len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use bson::{Bson, rawdoc};

    use super::*;
    use crate::model::{
        Actor, CommitMeta, Digest, Document, Head, Message, Nonce, Origin, Trailers,
    };

    const COLLECTION: CollectionId = CollectionId::new(16);

    fn timeline(byte: u8) -> TimelineId {
        TimelineId::from_bytes([byte; 16])
    }

    fn key(id: i32) -> Key {
        Key::of(&Bson::Int32(id)).unwrap()
    }

    fn commit(lsn: u64, puts: impl IntoIterator<Item = i32>, deleted: &[i32]) -> Commit {
        let meta = CommitMeta {
            lsn: Lsn::new(lsn),
            time: Head::EMPTY.time,
            nonce: Nonce(1),
            actor: Actor::new("ada").unwrap(),
            message: Message::default(),
            origin: Origin::Write,
            trailers: Trailers::default(),
        };
        let put = |id| {
            let (key, document) = Document::checked(rawdoc! { "_id": id }).unwrap();
            Change { collection: COLLECTION, key, image: Image::Document(document) }
        };
        let delete =
            |id: &i32| Change { collection: COLLECTION, key: key(*id), image: Image::Deleted };
        let changes = puts.into_iter().map(put).chain(deleted.iter().map(delete)).collect();
        Commit::sealed(meta, &Digest::ZERO, changes)
    }

    fn none(_: Lsn) -> Option<(Lsn, LastChanges)> {
        None
    }

    fn lsns(
        recent: &RecentChanges,
        above: u64,
        upto: u64,
        ids: &[i32],
    ) -> Option<Vec<Option<(u64, bool)>>> {
        let keys: Vec<Key> = ids.iter().copied().map(key).collect();
        let found = recent.of(timeline(1), Lsn::new(above), Lsn::new(upto), COLLECTION, &keys)?;
        let plain = |change: Option<LastChange>| change.map(|(lsn, deleted)| (lsn.get(), deleted));
        Some(found.into_iter().map(plain).collect())
    }

    #[test]
    fn the_last_change_at_the_head_is_known_and_nothing_of_another_position() {
        let recent = RecentChanges::new(1 << 20);
        recent.appended(timeline(1), &[commit(5, 0..3, &[])], none);
        recent.appended(timeline(1), &[commit(6, [1], &[]), commit(7, [], &[2])], none);
        let expected = vec![Some((5, false)), Some((6, false)), Some((7, true)), None];
        assert_eq!(lsns(&recent, 4, 7, &[0, 1, 2, 3]), Some(expected.clone()));
        assert_eq!(lsns(&recent, 6, 7, &[0, 1, 2, 3]), Some(expected), "a later snapshot");
        assert_eq!(lsns(&recent, 3, 7, &[0]), None, "commit 4 is not known");
        assert_eq!(lsns(&recent, 4, 6, &[0]), None, "the past");
        assert_eq!(lsns(&recent, 4, 8, &[0]), None, "another process has appended");
        recent.appended(timeline(1), &[commit(9, [9], &[])], none);
        assert_eq!(lsns(&recent, 4, 9, &[9]), None, "commit 8 is not known");
        assert_eq!(lsns(&recent, 8, 9, &[9, 0]), Some(vec![Some((9, false)), None]));
    }

    #[test]
    fn a_cached_log_before_the_first_append_is_taken_over() {
        let recent = RecentChanges::new(1 << 20);
        let cached = |before: Lsn| {
            assert_eq!(before, Lsn::new(6));
            Some((Lsn::new(2), vec![(COLLECTION, key(1), (Lsn::new(4), false))]))
        };
        recent.appended(timeline(1), &[commit(7, [2], &[])], cached);
        let found = lsns(&recent, 2, 7, &[1, 2, 3]);
        assert_eq!(found, Some(vec![Some((4, false)), Some((7, false)), None]));
    }

    #[test]
    fn memory_is_bounded_and_what_was_dropped_is_not_denied() {
        let recent = RecentChanges::new(100 * (OVERHEAD + 8));
        let mut known = 0;
        for lsn in 1..=100_u64 {
            let id = i32::try_from(lsn).unwrap() * 10;
            recent.appended(timeline(1), &[commit(lsn, id..id + 10, &[])], none);
            if let Some(found) = lsns(&recent, 0, lsn, &[10]) {
                assert_eq!(found, [Some((1, false))]);
                known = lsn;
            }
            if lsn == 5 {
                recent.forget_up_to(timeline(1), Lsn::new(4));
                assert_eq!(lsns(&recent, 4, 5, &[10, 50]), Some(vec![None, Some((5, false))]));
            }
        }
        assert_eq!(known, 5);
        assert_eq!(lsns(&recent, 4, 100, &[10]), None);
    }
}
