//! A readable state.

use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::document::key::Key;
use crate::engine::active_states::StateGuard;
use crate::engine::catalog::{Catalog, CollectionInfo};
use crate::model::environment::Environment;
use crate::model::{CollectionId, CollectionName, Digest, Document, Head, Image, Lsn, Point, View};
use crate::storage::{KeyRange, Materialize, Predicate, Version, VersionStream};
use crate::store::mask::{Mask, Masked};
use crate::store::{Session, kept};
use crate::{DetailKey, Error, Hint, Result};

/// Documents in the order of their `_id`s.
pub type DocumentStream = BoxStream<'static, Result<Document>>;

/// A state of a branch, past or present. Every read returns the same forever. Cheap to clone.
#[derive(Clone)]
pub struct State {
    shared: Arc<Session>,
    /// Answers all reads, through the mask if there is one.
    materialize: Arc<dyn Materialize>,
    mask: Option<Mask>,
    view: View,
    catalog: Arc<Catalog>,
    /// The last commit, if it is already known.
    head: Option<Head>,
    /// Protects the state against garbage collection in this process.
    held: StateGuard,
}

impl State {
    /// Creates a state that is known to be retained during this call, such as the head of a branch.
    /// Its reads go through `mask`, if given.
    ///
    /// # Errors
    /// `NotFound` if the state was collected in this process.
    pub(crate) async fn of(shared: Arc<Session>, view: View, mask: Option<Mask>) -> Result<Self> {
        let held = shared.open.acquire(&view)?;
        Self::holding(shared, view, mask, held).await
    }

    /// Creates a state that may have been collected; `None` if it was.
    pub(crate) async fn kept(
        shared: Arc<Session>,
        view: View,
        mask: Option<Mask>,
    ) -> Result<Option<Self>> {
        let Ok(held) = shared.open.acquire(&view) else { return Ok(None) };
        if !kept::is_kept(&shared, &view).await? {
            return Ok(None);
        }
        Self::holding(shared, view, mask, held).await.map(Some)
    }

    async fn holding(
        shared: Arc<Session>,
        view: View,
        mask: Option<Mask>,
        held: StateGuard,
    ) -> Result<Self> {
        let catalog = shared.catalogs.of(&*shared.materialize, &view).await?;
        let stored = shared.materialize.clone();
        let materialize: Arc<dyn Materialize> = match &mask {
            Some(mask) => Arc::new(Masked::new(stored, mask.clone())),
            None => stored,
        };
        Ok(Self { shared, materialize, mask, view, catalog, head: None, held })
    }

    /// The state of the same history at `lsn`, through the same mask; `None` if it was
    /// [collected](crate::gc).
    pub(crate) async fn kept_earlier(&self, lsn: Lsn) -> Result<Option<Self>> {
        Self::kept(self.shared.clone(), self.view.at(lsn), self.mask.clone()).await
    }

    /// The same state through a mask that treats all of its content as originals.
    pub(crate) async fn through(self, mask: &Mask) -> Result<Self> {
        let mask = mask.onto(&self.catalog, self.lsn());
        Self::of(self.shared, self.view, Some(mask)).await
    }

    pub(crate) fn held(&self) -> &StateGuard {
        &self.held
    }

    /// Caches the last commit of the state.
    pub(crate) fn ending_with(self, head: Head) -> Self {
        debug_assert_eq!(self.lsn(), head.lsn);
        Self { head: Some(head), ..self }
    }

    /// The head on which the next commit builds: cached for the head of a branch, otherwise one
    /// lookup.
    pub(crate) async fn last(&self) -> Result<Head> {
        match self.head {
            Some(head) => Ok(head),
            None => kept::head_of(&self.shared, &self.view).await,
        }
    }

    /// The digest of the last commit, for [`WriteRequest::set_after`](crate::write::WriteRequest::set_after):
    /// known for the head of a branch, otherwise one lookup.
    pub async fn last_digest(&self) -> Result<Digest> {
        Ok(self.last().await?.digest)
    }

    /// A digest of what is read: that of the last commit, and of the [mask](crate::mask) through which it is read. States
    /// of which it is equal show the same documents. One lookup at most.
    pub async fn shown_digest(&self) -> Result<Digest> {
        let last = self.last_digest().await?;
        match &self.mask {
            Some(mask) => mask.digest(last),
            None => Ok(last),
        }
    }

    /// The timelines of the state.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The position.
    pub fn lsn(&self) -> Lsn {
        self.view.lsn()
    }

    /// The state of the same history at `lsn`.
    ///
    /// # Errors
    /// `NotFound` if `lsn` is above this state, or the state was [collected](crate::gc).
    pub async fn at(&self, lsn: Lsn) -> Result<Self> {
        if lsn > self.lsn() {
            return Err(Error::not_found(format!(
                "LSN {lsn} does not exist; the last LSN of this state is {}",
                self.lsn()
            ))
            .with_detail(DetailKey::Lsn, lsn.get()));
        }
        self.kept_earlier(lsn).await?.ok_or_else(|| {
            Error::not_found(format!("the state at LSN {lsn} was collected"))
                .with_detail(DetailKey::Lsn, lsn.get())
                .with_hint(Hint::ListRetainedStates)
        })
    }

    /// The collections, by name.
    pub fn collections(&self) -> impl Iterator<Item = &CollectionInfo> {
        self.catalog.iter().map(|info| &**info)
    }

    /// The clock, the source of identifiers and the counters of this process.
    pub fn environment(&self) -> &Environment {
        &self.shared.environment
    }

    /// Whether reads go through a [mask](crate::mask).
    pub fn is_masked(&self) -> bool {
        self.mask.is_some()
    }

    pub(crate) fn mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(crate) fn materialize(&self) -> &Arc<dyn Materialize> {
        &self.materialize
    }

    /// The documents of a collection as they are stored, also behind a mask.
    pub(crate) fn unmasked_scan(&self, collection: CollectionId) -> VersionStream {
        let rows = self.shared.materialize.scan(&self.view, collection, KeyRange::default());
        self.held.during(rows)
    }

    pub(crate) fn shared(&self) -> &Arc<Session> {
        &self.shared
    }

    /// The properties of a collection; `None` if the state does not have it.
    pub fn info(&self, name: &CollectionName) -> Option<&CollectionInfo> {
        self.catalog.get(name).map(|info| &**info)
    }

    /// Returns a collection of the state; `None` if the state does not have it.
    pub fn find_collection(&self, name: &CollectionName) -> Option<CollectionView> {
        let info = self.catalog.get(name)?.clone();
        Some(CollectionView { state: self.clone(), info })
    }

    /// Returns a collection of the state.
    ///
    /// # Errors
    /// `NotFound`, with a list of the known collections.
    pub fn collection(&self, name: &CollectionName) -> Result<CollectionView> {
        match self.find_collection(name) {
            Some(collection) => Ok(collection),
            None => {
                let known: Vec<&str> = self.collections().map(|info| info.name.as_str()).collect();
                Err(Error::not_found(match known.as_slice() {
                    [] => format!(
                        "unknown collection '{name}' at LSN {}: the state has no collections",
                        self.lsn()
                    ),
                    known => format!(
                        "unknown collection '{name}' at LSN {}; known collections: {}",
                        self.lsn(),
                        known.join(", ")
                    ),
                })
                .with_detail(DetailKey::Lsn, self.lsn().get())
                .with_detail(DetailKey::Collection, name.as_str()))
            }
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("view", &self.view).finish_non_exhaustive()
    }
}

/// A document, and the commit that last changed it.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionedDocument {
    /// The commit, for [`Collection::replace_if`](crate::Collection::replace_if) and
    /// [`Precondition::ChangedBy`](crate::write::Precondition::ChangedBy).
    pub changed_by: Point,
    /// The document.
    pub document: Document,
}

/// A collection in a [`State`].
#[derive(Clone, Debug)]
pub struct CollectionView {
    state: State,
    info: Arc<CollectionInfo>,
}

impl CollectionView {
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The options, indexes and identifier.
    pub fn info(&self) -> &CollectionInfo {
        &self.info
    }

    /// The document with this `_id`, or `None`.
    pub async fn get(&self, id: &Key) -> Result<Option<Document>> {
        Ok(self.version(id).await?.map(|found| found.document))
    }

    /// The document with this `_id` and the commit that last changed it, or `None`.
    pub async fn version(&self, id: &Key) -> Result<Option<VersionedDocument>> {
        let State { materialize, view, .. } = &self.state;
        let Some(Version { lsn, document }) = materialize.get(view, self.info.id, id).await? else {
            return Ok(None);
        };
        Ok(Some(VersionedDocument { changed_by: self.point_of(lsn)?, document }))
    }

    /// The commit at a position of the state, with its timeline: [`scan_range`](Self::scan_range)
    /// gives positions.
    ///
    /// # Errors
    /// `Corrupt` if the state has no such commit.
    pub fn point_of(&self, lsn: Lsn) -> Result<Point> {
        let segment = self.state.view.segment_of(lsn).ok_or_else(|| {
            Error::corrupt(format!(
                "a document was changed by commit {lsn}, which is not in the view"
            ))
        })?;
        Ok(Point { timeline: segment.timeline, lsn })
    }

    /// Returns the documents with these `_id`s, which must be in ascending order; one result per
    /// `_id`. Takes one lookup.
    pub async fn get_many(&self, ids: Vec<Key>) -> Result<Vec<Option<Document>>> {
        let found = self.versions(ids).await?;
        Ok(found.into_iter().map(|version| version.map(|version| version.document)).collect())
    }

    /// [`get_many`](Self::get_many) with the position of the commit that last changed each document.
    pub async fn versions(&self, ids: Vec<Key>) -> Result<Vec<Option<Version>>> {
        let State { materialize, view, .. } = &self.state;
        materialize.get_many(view, self.info.id, ids).await
    }

    /// All documents in the order of their `_id`s, in bounded memory.
    pub fn scan(&self) -> DocumentStream {
        self.scan_range(KeyRange::default()).map_ok(|(_, version)| version.document).boxed()
    }

    /// The documents with `_id`s in `range`, in order, each with the commit that last changed it.
    pub fn scan_range(&self, range: KeyRange) -> VersionStream {
        let State { materialize, view, held, .. } = &self.state;
        held.during(materialize.scan(view, self.info.id, range))
    }

    /// All documents for which `predicate` is true, in the order of their `_id`s, each with the
    /// commit that last changed it. Behind a mask, the predicate sees the masked documents. See
    /// [`Materialize::scan_with`](crate::storage::Materialize::scan_with).
    pub fn scan_with(&self, predicate: Predicate) -> VersionStream {
        let State { materialize, view, held, .. } = &self.state;
        held.during(materialize.scan_with(view, self.info.id, KeyRange::default(), predicate))
    }

    /// The number of documents. O(documents).
    pub async fn count(&self) -> Result<u64> {
        self.scan().try_fold(0, |count, _| async move { Ok(count + 1) }).await
    }

    /// Every image of a document on this chain, newest first, with its commit; as far back as the
    /// log reaches (see [`log::floor`](crate::log::floor)).
    pub fn history(&self, id: &Key) -> BoxStream<'static, Result<(Lsn, Image)>> {
        let State { materialize, view, held, .. } = &self.state;
        held.during(materialize.history(view, self.info.id, id))
    }

    /// A digest of the collection's name, options, indexes and documents: equal digests mean equal
    /// collections, whatever the store and the history. An index on `_id` alone is ignored, because
    /// every collection has it. O(documents).
    pub async fn digest(&self) -> Result<Digest> {
        let mut hasher = blake3::Hasher::new_derive_key("argon 1 collection content");
        let facts = bson::doc! {
            "name": self.info.name.as_str(),
            "options": self.info.options.clone(),
            "indexes": self.info.distinctive_indexes().to_vec(),
        };
        let facts = bson::serialize_to_vec(&facts).map_err(|source| {
            Error::internal("failed to encode the options of a collection").with_source(source)
        })?;
        hasher.update(&facts);
        let mut documents = self.scan();
        while let Some(document) = documents.try_next().await? {
            hasher.update(document.as_bytes());
        }
        Ok(hasher.finalize().into())
    }
}
