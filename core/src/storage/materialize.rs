//! Reading what a view holds.

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::Result;
use crate::document::key::Key;
use crate::model::{CollectionId, Document, Image, Lsn, View};

/// A document as a view holds it, and the commit that gave it this content.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The commit.
    pub lsn: Lsn,
    /// The document.
    pub document: Document,
}

/// A [`Version`] without the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionStamp {
    /// The commit that last changed the document.
    pub lsn: Lsn,
}

/// Versions of a collection in key order.
pub type VersionStream = BoxStream<'static, Result<(Key, Version)>>;

/// A range of keys: `from <= key`, and `key < to`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that counts; `None` for the beginning.
    pub from: Option<Key>,
    /// The first key that does not count any more; `None` for the end.
    pub to: Option<Key>,
}

impl KeyRange {
    /// Whether a key is inside.
    pub fn contains(&self, key: &Key) -> bool {
        self.from.as_ref().is_none_or(|from| from <= key)
            && self.to.as_ref().is_none_or(|to| key < to)
    }
}

/// Answers what a view holds.
///
/// # Behavior
/// 1. The answers are a function of the log alone: every implementation, on every backend, with
///    snapshots and without, gives the same.
/// 2. A view reads the same for ever, whatever is appended meanwhile.
/// 3. Collections are named by id, whether the catalog of the view lists them or not. The
///    documents of a collection that was dropped may or may not be given.
#[async_trait]
pub trait Materialize: Send + Sync {
    /// The document with this key, or `None`.
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>>;

    /// The documents with these keys, which are in ascending order; one answer a key.
    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>>;

    /// Which of these keys, in ascending order, have a document, and since which commit.
    ///
    /// Keys in a range that holds nothing cost no lookup each: a bulk insert into a fresh range
    /// pays for one seek.
    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>>;

    /// The documents with keys in `range`, in key order, in bounded memory.
    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream;

    /// Every image that a document had on this chain, newest first, with its commit; none of commits
    /// that were [pruned](crate::storage::Wal::prune), though what they wrote may be read.
    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>>;
}
