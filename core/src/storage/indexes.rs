//! The entries of indexes, beside the documents that they lead to.
//!
//! An **entry** is a key that a document has in an index, and the document's `_id`. Entries are
//! derived from the log: they are in no digest, and a build makes them again at any time.
//!
//! The entries of one index on a chain of timelines are a **build**. A timeline continues the
//! builds that are complete at its base, so a fork costs nothing.

use std::sync::Arc;

use async_trait::async_trait;
use bson::Document as BsonDocument;
use futures::stream::BoxStream;

use crate::document::key::Key;
use crate::model::{CollectionId, Head, Lsn, Timeline, TimelineId, View};
use crate::storage::{Append, Direction, RetainedStates};
use crate::{Error, Result};

/// The number of a build, unique in a store and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildId(pub u32);

/// The states of a timeline for which the entries of a build are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildStatus {
    /// None yet: the entries are being written.
    Building,
    /// The states from this one on; every append adds to them.
    Maintained {
        /// The first state.
        from: Lsn,
    },
    /// These states; later appends do not add to them.
    Closed {
        /// The first state.
        from: Lsn,
        /// The last state.
        until: Lsn,
    },
}

impl BuildStatus {
    /// Whether appends add to the entries.
    pub fn is_maintained(self) -> bool {
        matches!(self, Self::Maintained { .. })
    }

    /// Whether the entries of a state are complete.
    pub fn covers(self, lsn: Lsn) -> bool {
        match self {
            Self::Building => false,
            Self::Maintained { from } => from <= lsn,
            Self::Closed { from, until } => from <= lsn && lsn <= until,
        }
    }

    /// Whether a retained state has entries of the build, or a later one will have.
    pub fn is_needed(self, keep: &RetainedStates) -> bool {
        match self {
            Self::Building | Self::Maintained { .. } => true,
            Self::Closed { from, until } => keep.needs(from, Some(until.next())),
        }
    }

    /// The status after maintenance ends at the head `until`.
    pub fn closed(self, until: Lsn) -> Self {
        match self {
            Self::Maintained { from } => Self::Closed { from, until },
            other => other,
        }
    }
}

impl BuildId {
    /// The error for a build that is not there any more.
    pub fn gone(self) -> Error {
        Error::conflict(format!("build {} of an index was removed concurrently", self.0))
    }

    /// The error for a build that does not cover the state that is read by it.
    pub fn not_covering(self) -> Error {
        Error::not_found(format!("build {} of an index does not cover the state", self.0))
    }
}

/// A build as a timeline has it.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexBuild {
    /// The number.
    pub id: BuildId,
    /// The collection.
    pub collection: CollectionId,
    /// The definition of the index in MongoDB's format, as far as it determines the entries.
    pub definition: Arc<BsonDocument>,
    /// The states whose entries are complete.
    pub status: BuildStatus,
    /// Whether the timeline continues the build of its base: the entries of documents that it did
    /// not change are those of the base.
    pub inherited: bool,
    /// Whether a document had an array in the index, at any time.
    pub multikey: bool,
}

/// Returns the builds that a timeline continues whose base has `builds` and is at `base`.
pub fn inherited(builds: &[IndexBuild], base: Lsn) -> Vec<IndexBuild> {
    let covering = builds.iter().filter(|build| build.status.covers(base));
    let status = BuildStatus::Maintained { from: base };
    covering.map(|build| IndexBuild { status, inherited: true, ..build.clone() }).collect()
}

/// The numbers of the builds that an append to a timeline with `builds` maintains, ascending.
pub fn maintained(builds: &[IndexBuild]) -> Vec<BuildId> {
    let kept = builds.iter().filter(|build| build.status.is_maintained());
    let mut numbers: Vec<BuildId> = kept.map(|build| build.id).collect();
    numbers.sort_unstable();
    numbers
}

/// Returns the build of a timeline by which a segment up to `upto` is read. Only the builder itself
/// reads one that is not complete.
pub fn serving(builds: &[IndexBuild], build: BuildId, upto: Lsn) -> Option<&IndexBuild> {
    builds.iter().find(|known| {
        known.id == build && (known.status == BuildStatus::Building || known.status.covers(upto))
    })
}

/// Returns the builds of a timeline after an append above `head` that ends the maintenance of those in
/// `ended`; `None` if the changes are not for exactly the maintained builds. Without changes, the
/// append ends the maintenance of all.
pub fn after_append(
    before: &Arc<[IndexBuild]>,
    changes: Option<&IndexChanges>,
    head: Lsn,
    ended: &[BuildId],
) -> Option<Arc<[IndexBuild]>> {
    let close =
        |build: &IndexBuild| IndexBuild { status: build.status.closed(head), ..build.clone() };
    let Some(changes) = changes else {
        return Some(before.iter().map(close).collect());
    };
    if changes.builds != maintained(before) {
        return None;
    }
    if changes.multikey.is_empty() && changes.begun.is_empty() && ended.is_empty() {
        return Some(before.clone());
    }
    let kept = before
        .iter()
        .map(|build| if ended.contains(&build.id) { close(build) } else { build.clone() });
    let begun = changes.begun.iter().filter(|build| !ended.contains(&build.id)).cloned();
    let multikey = |mut build: IndexBuild| {
        build.multikey |= changes.multikey.contains(&build.id);
        build
    };
    Some(kept.chain(begun).map(multikey).collect())
}

/// A key that a document gets or loses in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryChange {
    /// The build.
    pub build: BuildId,
    /// The commit.
    pub lsn: Lsn,
    /// The entry.
    pub entry: Entry,
    /// Whether the document has the key from this commit on.
    pub held: bool,
}

/// The changes of entries by an append.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexChanges {
    /// The builds that the changes are complete for, ascending.
    pub builds: Vec<BuildId>,
    /// The builds that begin with a commit of the append, of collections that it creates.
    pub begun: Vec<IndexBuild>,
    /// Those in which a document has an array for the first time.
    pub multikey: Vec<BuildId>,
    /// The changes, by ascending LSN. A commit changes an entry once at most.
    pub entries: Vec<EntryChange>,
}

/// A range of keys of an index: `from <= key < to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRange {
    /// The first key.
    pub from: Vec<u8>,
    /// The first key after the range; `None` for the end.
    pub to: Option<Vec<u8>>,
}

/// A key that a document has in an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The key: at most [`MOST_KEY_BYTES`](crate::document::MOST_KEY_BYTES).
    pub key: Vec<u8>,
    /// The document.
    pub id: Key,
}

/// Entries in order.
pub type EntryStream = BoxStream<'static, Result<Entry>>;

/// The entries of indexes.
///
/// # Behavior
/// 1. [`Wal::append`](crate::storage::Wal::append) refuses changes of entries that are not for
///    exactly the maintained builds of the timeline, as [`Append::HeadMoved`]. So no commit goes
///    round an index.
/// 2. For a state that a build covers, [`scan`](Self::scan) returns each key that a document has
///    in that state. It may also return keys that a document had in an earlier timeline of the
///    view, so a reader compares with the document.
/// 3. Entries that no retained state needs are removed when
///    [`Wal::prune`](crate::storage::Wal::prune) and
///    [`Wal::drop_timeline`](crate::storage::Wal::drop_timeline) remove documents.
#[async_trait]
pub trait Indexes: Send + Sync {
    /// The builds of a timeline; none for a timeline that does not exist. See [`inherited`] for
    /// those that its first append makes it continue.
    async fn builds(&self, timeline: TimelineId) -> Result<Arc<[IndexBuild]>>;

    /// Reserves `count` consecutive numbers for builds, and returns the first.
    async fn reserve(&self, count: u32) -> Result<BuildId>;

    /// Records durably that a build is being made on a timeline, which is created after `head` if
    /// it does not exist.
    async fn begin(
        &self,
        timeline: &Timeline,
        head: &Head,
        collection: CollectionId,
        definition: &BsonDocument,
    ) -> Result<BuildId>;

    /// Changes entries of a build that is being made: they count from `from` on. Not atomic; durable
    /// when [`complete`](Self::complete) returns.
    async fn fill(
        &self,
        timeline: TimelineId,
        build: BuildId,
        from: Lsn,
        added: Vec<Entry>,
        removed: Vec<Entry>,
    ) -> Result<()>;

    /// Makes a build maintained from `head` on, if that is the head of the timeline.
    async fn complete(
        &self,
        timeline: &Timeline,
        build: BuildId,
        head: &Head,
        multikey: bool,
    ) -> Result<Append>;

    /// Ends the maintenance of a build; the states up to now keep their entries. A build that is not
    /// complete is removed with its entries.
    async fn close(&self, timeline: TimelineId, build: BuildId) -> Result<()>;

    /// Reads a range of a build that covers the view, in the order of keys and `_id`s or reversed,
    /// each entry once, in bounded memory.
    fn scan(
        &self,
        view: &View,
        build: BuildId,
        range: EntryRange,
        direction: Direction,
    ) -> EntryStream;

    /// Reads the entries of a build with one of these keys, which are ascending and differ. Keys in
    /// an empty range cost no lookup each.
    async fn holders(&self, view: &View, build: BuildId, keys: Vec<Vec<u8>>) -> Result<Vec<Entry>>;

    /// Returns those of these entries that a build lacks in a view, in any order.
    async fn missing(&self, view: &View, build: BuildId, entries: Vec<Entry>)
    -> Result<Vec<Entry>>;

    /// The number of entries of a build that a timeline stores, for all states, and their bytes.
    async fn stored(&self, timeline: TimelineId, build: BuildId) -> Result<StoredEntries>;
}

/// The size of a build on one timeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredEntries {
    /// The entries of the last state.
    pub held: u64,
    /// The entries of past states only.
    pub past: u64,
    /// The bytes of both.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(id: u32, status: BuildStatus) -> IndexBuild {
        IndexBuild {
            id: BuildId(id),
            collection: CollectionId::new(7),
            definition: Arc::default(),
            status,
            inherited: false,
            multikey: false,
        }
    }

    #[test]
    fn an_append_is_for_exactly_the_maintained_builds() {
        let kept = BuildStatus::Maintained { from: Lsn::new(2) };
        let before: Arc<[IndexBuild]> =
            [build(1, kept), build(2, BuildStatus::Building), build(3, kept)].into();
        let changes = |builds: &[u32]| IndexChanges {
            builds: builds.iter().copied().map(BuildId).collect(),
            multikey: vec![BuildId(3)],
            begun: vec![build(9, BuildStatus::Maintained { from: Lsn::new(8) })],
            ..IndexChanges::default()
        };
        let after = |builds: &[u32], ended: &[BuildId]| {
            after_append(&before, Some(&changes(builds)), Lsn::new(7), ended)
        };
        assert!(after(&[1], &[]).is_none() && after(&[1, 2, 3], &[]).is_none());
        let found = after(&[1, 3], &[]).unwrap();
        assert_eq!(maintained(&found), [1, 3, 9].map(BuildId));
        assert_eq!(found.iter().filter(|build| build.multikey).count(), 1);
        let closed = BuildStatus::Closed { from: Lsn::new(2), until: Lsn::new(7) };
        let found = after(&[1, 3], &[BuildId(1), BuildId(9)]).unwrap();
        assert_eq!((found.len(), found[0].status), (3, closed));
        let none = after_append(&before, None, Lsn::new(7), &[]).unwrap();
        assert_eq!(maintained(&none), []);
        assert_eq!(none[1].status, BuildStatus::Building);
    }
}
