//! The commits of a timeline in memory, by document.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use futures::TryStreamExt;

use crate::document::key::Key;
use crate::engine::replay::limits::Room;
use crate::engine::replay::recent_changes::LastChanges;
use crate::engine::snapshot::DOCUMENT_OVERHEAD;
use crate::model::{Change, CollectionId, Commit, Image, Lsn, TimelineId};
use crate::storage::Wal;
use crate::{Error, Result};

/// A document, or with `None` the position before all documents of a collection.
pub(super) type DocumentPosition = (CollectionId, Option<Key>);

/// A changed document, its last commit and image.
pub(crate) type Changed = (DocumentPosition, (Lsn, Image));

/// Changed documents in order, and whether more may follow.
pub(super) type Page = (Vec<Changed>, bool);

/// The images of a document with their commits, the lowest first.
type Images = Vec<(Lsn, Image)>;

/// The commits of a timeline above a position, up to one that advances, so that any position in
/// between can be read. Its content at a position never changes.
pub(super) struct CachedLog {
    timeline: TimelineId,
    index: RwLock<DocumentIndex>,
    /// Held while commits are read from the log, so that each is read once.
    loading: tokio::sync::Mutex<()>,
}

struct DocumentIndex {
    upto: Lsn,
    documents: BTreeMap<DocumentPosition, Images>,
    bytes: usize,
}

/// Commits of a timeline: `above < lsn <= upto`.
#[derive(Clone, Copy)]
pub(super) struct Lsns {
    pub(super) above: Lsn,
    pub(super) upto: Lsn,
}

/// The result of loading commits.
pub(super) enum LoadResult {
    /// They are in memory.
    Loaded,
    /// They do not fit besides the other parts of the view.
    NoRoom,
    /// The commits up to this one do not fit even alone.
    TooLarge(Lsn),
}

impl CachedLog {
    /// Creates an empty one that begins above `above`.
    pub(super) fn new(timeline: TimelineId, above: Lsn) -> Self {
        let index = DocumentIndex { upto: above, documents: BTreeMap::new(), bytes: 0 };
        Self { timeline, index: RwLock::new(index), loading: tokio::sync::Mutex::default() }
    }

    /// The approximate memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.index().bytes
    }

    /// Loads missing commits up to `upto`.
    ///
    /// # Errors
    /// `Corrupt` if a commit is missing; the errors of the log.
    pub(super) async fn load(&self, wal: &dyn Wal, upto: Lsn, room: &Room) -> Result<LoadResult> {
        if self.upto() >= upto {
            return Ok(if room.take(self.bytes()) {
                LoadResult::Loaded
            } else {
                LoadResult::NoRoom
            });
        }
        let _loading = self.loading.lock().await;
        let mut next = self.upto().next();
        if !room.take(self.bytes()) {
            return Ok(LoadResult::NoRoom);
        }
        if next > upto {
            return Ok(LoadResult::Loaded);
        }
        let mut commits = wal.read(self.timeline, next..=upto);
        while let Some(commit) = commits.try_next().await? {
            if commit.meta.lsn != next {
                return Err(missing(next));
            }
            let before = self.bytes();
            self.extend(next, commit.changes);
            if !room.take(self.bytes() - before) {
                let alone = self.bytes() > room.of();
                return Ok(if alone { LoadResult::TooLarge(next) } else { LoadResult::NoRoom });
            }
            next = next.next();
        }
        if next > upto { Ok(LoadResult::Loaded) } else { Err(missing(next)) }
    }

    /// Adds commits that were just appended, if they follow directly and fit into `most` bytes;
    /// returns whether they were added.
    pub(super) fn appended(&self, commits: &[Commit], most: usize) -> bool {
        // A concurrent load reads them from the log.
        let Ok(_loading) = self.loading.try_lock() else { return false };
        let follows = |first: &Commit| first.meta.lsn == self.index().upto.next();
        let more: usize = commits.iter().flat_map(|commit| &commit.changes).map(weight).sum();
        if !commits.first().is_some_and(follows) || self.bytes() + more > most {
            return false;
        }
        for commit in commits {
            self.extend(commit.meta.lsn, commit.changes.iter().cloned());
        }
        true
    }

    /// Returns the last image of a document in `lsns`, if it was changed there.
    pub(super) fn image(&self, place: &DocumentPosition, lsns: Lsns) -> Option<(Lsn, Image)> {
        self.index().documents.get(place).and_then(|images| last_in(images, lsns)).cloned()
    }

    /// Returns the next documents after `from` that were changed in `lsns`, with their last images:
    /// at most `most`, and whether more may follow.
    pub(super) fn page(
        &self,
        from: Bound<&DocumentPosition>,
        to: Bound<&DocumentPosition>,
        lsns: Lsns,
        most: usize,
    ) -> Page {
        let index = self.index();
        let mut found = index.documents.range::<DocumentPosition, _>((from, to)).filter_map(
            |(place, images)| last_in(images, lsns).map(|image| (place.clone(), image.clone())),
        );
        let page: Vec<_> = found.by_ref().take(most).collect();
        let more = page.len() == most;
        (page, more)
    }

    /// The last change of each document, and whether it was a deletion.
    pub(super) fn last_changes(&self) -> LastChanges {
        let index = self.index();
        let changes = index.documents.iter().filter_map(|((collection, key), images)| {
            let (lsn, image) = images.last()?;
            Some((*collection, key.clone()?, (*lsn, *image == Image::Deleted)))
        });
        changes.collect()
    }

    /// The last commit in memory.
    pub(super) fn upto(&self) -> Lsn {
        self.index().upto
    }

    fn extend(&self, lsn: Lsn, changes: impl IntoIterator<Item = Change>) {
        let mut index = self.write();
        for change in changes {
            index.bytes += weight(&change);
            let images = index.documents.entry((change.collection, Some(change.key))).or_default();
            images.push((lsn, change.image));
        }
        index.upto = lsn;
    }

    fn index(&self) -> RwLockReadGuard<'_, DocumentIndex> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, DocumentIndex> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error for a commit that a view has but the log lacks.
pub(super) fn missing(lsn: Lsn) -> Error {
    Error::corrupt(format!("commit {lsn} is missing from the log"))
}

fn last_in(images: &Images, lsns: Lsns) -> Option<&(Lsn, Image)> {
    let before = images.partition_point(|(lsn, _)| *lsn <= lsns.upto);
    images[..before].last().filter(|(lsn, _)| *lsn > lsns.above)
}

/// The approximate memory of a change in bytes.
pub(super) fn weight(change: &Change) -> usize {
    let document = match &change.image {
        Image::Document(document) => document.as_bytes().len(),
        Image::Deleted => 0,
    };
    change.key.as_bytes().len() + document + DOCUMENT_OVERHEAD
}
