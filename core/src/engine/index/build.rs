//! Makes the entries of a state, and those of the commits since.
//!
//! A build first writes the entries of the head. Then it adds those of the commits that were made
//! meanwhile, until the timeline still has the head that they were added up to; from that state on
//! every append keeps the entries. Writers are not blocked until the last step.

use std::collections::BTreeSet;

use bson::Document as BsonDocument;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::document::Index;
use crate::document::key::Key;
use crate::engine::index::kept;
use crate::log::timelines::Timelines;
use crate::model::{CollectionId, Document, Head, Timeline, View};
use crate::storage::{
    Append, BuildId, Direction, Entry, EntryRange, Indexes, KeyRange, Materialize, Wal,
};
use crate::{Error, Result};

/// About how many entries, and bytes of them, are written at a time.
const BATCH_ENTRIES: usize = 2_000;
const BATCH_BYTES: usize = 256 * 1024;

/// How many documents of commits are read at a time.
const BATCH_DOCUMENTS: usize = 500;

/// The parts of a store that a build reads and writes.
#[derive(Clone, Copy)]
pub(crate) struct BuildContext<'a> {
    pub(crate) indexes: &'a dyn Indexes,
    pub(crate) wal: &'a dyn Wal,
    pub(crate) materialize: &'a dyn Materialize,
    pub(crate) timelines: &'a Timelines,
}

/// A build in progress.
pub(crate) struct Build<'a> {
    context: BuildContext<'a>,
    timeline: Timeline,
    collection: CollectionId,
    index: Index,
    id: BuildId,
    /// The state whose entries are written.
    at: Head,
    multikey: bool,
    unchecked: Unchecked,
}

/// The entries that may be those of two documents with one value.
enum Unchecked {
    All,
    /// Those with these keys, which were added since the last check.
    Keys(BTreeSet<Vec<u8>>),
}

/// Two documents with one value of a unique index.
pub(crate) struct Duplicate {
    pub(crate) key: Vec<u8>,
    pub(crate) id: Key,
    pub(crate) other: Key,
}

impl<'a> Build<'a> {
    /// Begins a build on a timeline at its head, and writes the entries of that state.
    ///
    /// # Errors
    /// `Invalid` for a document that the index can't take.
    pub(crate) async fn begin(
        context: BuildContext<'a>,
        timeline: Timeline,
        head: Head,
        collection: CollectionId,
        definition: &BsonDocument,
    ) -> Result<Self> {
        let index = kept::compile(definition)?;
        let id = context.indexes.begin(&timeline, &head, collection, definition).await?;
        let mut build = Self {
            context,
            timeline,
            collection,
            index,
            id,
            at: head,
            multikey: false,
            unchecked: Unchecked::All,
        };
        match build.write_state().await {
            Ok(()) => Ok(build),
            Err(error) => {
                build.abandon().await?;
                Err(error)
            }
        }
    }

    pub(crate) fn timeline(&self) -> Timeline {
        self.timeline
    }

    async fn write_state(&mut self) -> Result<()> {
        let view = self.view(&self.at).await?;
        let context = self.context;
        let mut rows = context.materialize.scan(&view, self.collection, KeyRange::default());
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some((id, version)) = rows.try_next().await? {
            for key in self.keys_of(&version.document, &id)? {
                bytes += key.len() + id.as_bytes().len();
                batch.push(Entry { key, id: id.clone() });
            }
            if batch.len() >= BATCH_ENTRIES || bytes >= BATCH_BYTES {
                self.fill(std::mem::take(&mut batch), Vec::new()).await?;
                bytes = 0;
            }
        }
        self.fill(batch, Vec::new()).await
    }

    /// Adds the entries of the commits up to a later head. O(changes).
    pub(crate) async fn catch_up(&mut self, head: Head) -> Result<()> {
        let (before, after) = (self.view(&self.at).await?, self.view(&head).await?);
        let range = self.at.lsn.next()..=head.lsn;
        let mut commits =
            self.context.wal.read_headers(self.timeline.id, range, Direction::Ascending);
        let mut changed: BTreeSet<Key> = BTreeSet::new();
        while let Some(commit) = commits.try_next().await? {
            let own = commit.changes.into_iter().filter(|one| one.collection == self.collection);
            changed.extend(own.map(|change| change.key));
        }
        self.at = head;
        let changed: Vec<Key> = changed.into_iter().collect();
        for keys in changed.chunks(BATCH_DOCUMENTS) {
            let (old, new) = (self.read(&before, keys).await?, self.read(&after, keys).await?);
            let (mut added, mut removed) = (Vec::new(), Vec::new());
            for ((id, old), new) in keys.iter().zip(old).zip(new) {
                let old = old.map_or(Ok(BTreeSet::new()), |old| self.keys_of(&old, id))?;
                let new = new.map_or(Ok(BTreeSet::new()), |new| self.keys_of(&new, id))?;
                let entry = |key: &Vec<u8>| Entry { key: key.clone(), id: id.clone() };
                removed.extend(old.difference(&new).map(entry));
                added.extend(new.difference(&old).map(entry));
            }
            if let Unchecked::Keys(keys) = &mut self.unchecked {
                keys.extend(added.iter().map(|entry| entry.key.clone()));
            }
            self.fill(added, removed).await?;
        }
        Ok(())
    }

    /// Makes the entries those that every append keeps, if the timeline has the head up to which
    /// they are written.
    pub(crate) async fn complete(&self) -> Result<Append> {
        let Self { context, timeline, id, at, multikey, .. } = self;
        context.indexes.complete(timeline, *id, at, *multikey).await
    }

    /// Removes the build.
    pub(crate) async fn abandon(&self) -> Result<()> {
        self.context.indexes.close(self.timeline.id, self.id).await
    }

    /// Two documents with one value, if there are such. O(entries) the first time, and then O(those added since).
    pub(crate) async fn duplicate(&mut self) -> Result<Option<Duplicate>> {
        let view = self.view(&self.at).await?;
        let indexes = self.context.indexes;
        let mut entries = match &mut self.unchecked {
            Unchecked::All => {
                let range = EntryRange { from: Vec::new(), to: None };
                indexes.scan(&view, self.id, range, Direction::Ascending)
            }
            Unchecked::Keys(keys) => {
                let keys = std::mem::take(keys).into_iter().collect();
                let mut holders = indexes.holders(&view, self.id, keys).await?;
                holders.sort_unstable();
                stream::iter(holders.into_iter().map(Ok)).boxed()
            }
        };
        self.unchecked = Unchecked::Keys(BTreeSet::new());
        let mut last: Option<Entry> = None;
        while let Some(entry) = entries.try_next().await? {
            if let Some(last) = last.filter(|last| last.key == entry.key) {
                return Ok(Some(Duplicate { key: last.key, id: last.id, other: entry.id }));
            }
            last = Some(entry);
        }
        Ok(None)
    }

    async fn fill(&self, added: Vec<Entry>, removed: Vec<Entry>) -> Result<()> {
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let Self { context, timeline, id, at, .. } = self;
        context.indexes.fill(timeline.id, *id, at.lsn, added, removed).await
    }

    async fn read(&self, view: &View, keys: &[Key]) -> Result<Vec<Option<Document>>> {
        let found = self.context.materialize.get_many(view, self.collection, keys.to_vec()).await?;
        Ok(found.into_iter().map(|version| version.map(|version| version.document)).collect())
    }

    fn keys_of(&mut self, document: &Document, id: &Key) -> Result<BTreeSet<Vec<u8>>> {
        let entries = self.index.entries_of(document.as_raw());
        let entries = entries.map_err(|error: Error| error.about(format_args!("document {id}")))?;
        self.multikey |= entries.multikey;
        Ok(entries.keys)
    }

    async fn view(&self, head: &Head) -> Result<View> {
        self.context.timelines.view(self.timeline, head.lsn).await
    }
}
