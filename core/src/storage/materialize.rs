//! Reading the documents of a view.

use std::sync::Arc;

use async_trait::async_trait;
use bson::raw::RawDocument;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, future};

use crate::Result;
use crate::document::key::Key;
use crate::model::{CollectionId, Document, Image, Lsn, View};

/// A document of a view, and the commit that wrote it.
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

/// Tells whether a document is wanted. It runs while an engine reads: it must not wait, nor read the
/// store.
pub type Predicate = Arc<dyn Fn(&RawDocument) -> Result<bool> + Send + Sync>;

/// A range of keys: `from <= key`, and `key < to`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key of the range; `None` for the beginning.
    pub from: Option<Key>,
    /// The first key after the range; `None` for the end.
    pub to: Option<Key>,
}

impl KeyRange {
    /// Returns whether the range has a key.
    pub fn contains(&self, key: &Key) -> bool {
        self.from.as_ref().is_none_or(|from| from <= key)
            && self.to.as_ref().is_none_or(|to| key < to)
    }
}

/// Reads the documents of a view.
///
/// # Behavior
/// 1. The answers are a function of the log alone: every implementation, on every backend, with
///    snapshots and without, gives the same.
/// 2. A view reads the same for ever, independently of appends.
/// 3. Collections are named by id, whether the catalog of the view lists them or not. Reads may
///    include or omit the documents of a dropped collection.
#[async_trait]
pub trait Materialize: Send + Sync {
    /// Returns the document with this key, or `None`.
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>>;

    /// Returns the documents with these keys, which are in ascending order; one answer for each
    /// key.
    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>>;

    /// Returns the commit of the document with each of these keys, which are in ascending order;
    /// `None` for a key without a document.
    ///
    /// Keys in an empty range cost no lookup each: a bulk insert into a fresh range costs one seek.
    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>>;

    /// Reads the documents with keys in `range`, in key order, in bounded memory.
    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream;

    /// [`scan`](Self::scan) of the documents for which `predicate` is true. The stream ends at the
    /// first error of the predicate.
    ///
    /// The predicate is evaluated where the documents are read, before they are copied as far as
    /// possible: on any thread, for documents ahead of those that the stream has returned, and also
    /// for versions that the view hides.
    fn scan_with(
        &self,
        view: &View,
        collection: CollectionId,
        range: KeyRange,
        predicate: Predicate,
    ) -> VersionStream {
        let versions = self.scan(view, collection, range);
        let matching = versions.try_filter_map(move |(key, version)| {
            let matches = predicate(version.document.as_raw());
            future::ready(matches.map(|matches| matches.then_some((key, version))))
        });
        matching.boxed()
    }

    /// Reads every image of a document on this chain, newest first, with its commit. Images of
    /// [pruned](crate::storage::Wal::prune) commits are omitted, even if reads still return them.
    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>>;
}
