//! A state, for reading.

use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::document::key::Key;
use crate::engine::active_states::StateGuard;
use crate::engine::catalog::{Catalog, CollectionInfo};
use crate::model::{CollectionName, Digest, Document, Head, Image, Lsn, Point, View};
use crate::storage::{KeyRange, Materialize, Version, VersionStream};
use crate::store::mask::{Mask, Masked};
use crate::store::{Session, kept};
use crate::{DetailKey, Error, Hint, Result};

/// Documents in the order of their `_id`s.
pub type DocumentStream = BoxStream<'static, Result<Document>>;

/// A state of a branch, past or present. It reads the same for ever. Cheap to clone.
#[derive(Clone)]
pub struct State {
    shared: Arc<Session>,
    /// What answers its reads, through the mask if there is one: all of them come through here.
    materialize: Arc<dyn Materialize>,
    mask: Option<Mask>,
    view: View,
    catalog: Arc<Catalog>,
    /// Its last commit, if that was seen on the way here.
    head: Option<Head>,
    /// Keeps garbage collection in this process from giving it up.
    held: StateGuard,
}

impl State {
    /// A state that is kept as long as this call takes: the head of a branch, say. Its reads go
    /// through `mask`, if there is one.
    ///
    /// # Errors
    /// `NotFound` if it was given up in this process.
    pub(crate) async fn of(shared: Arc<Session>, view: View, mask: Option<Mask>) -> Result<Self> {
        let held = shared.open.acquire(&view)?;
        Self::holding(shared, view, mask, held).await
    }

    /// A state that may have been given up: `None` if it was.
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

    /// The state of the same history, and through the same mask, as it was at `lsn`; `None` if it was
    /// [collected](crate::gc).
    pub(crate) async fn kept_earlier(&self, lsn: Lsn) -> Result<Option<Self>> {
        Self::kept(self.shared.clone(), self.view.at(lsn), self.mask.clone()).await
    }

    /// The same state through a mask, for which all that is in it is an original.
    pub(crate) async fn through(self, mask: &Mask) -> Result<Self> {
        let mask = mask.onto(&self.catalog, self.lsn());
        Self::of(self.shared, self.view, Some(mask)).await
    }

    pub(crate) fn held(&self) -> &StateGuard {
        &self.held
    }

    /// Notes the last commit of the state, so that nobody has to look it up.
    pub(crate) fn ending_with(self, head: Head) -> Self {
        debug_assert_eq!(self.lsn(), head.lsn);
        Self { head: Some(head), ..self }
    }

    /// What the next commit after the state builds on: from memory for the head of a branch, else
    /// by one lookup.
    pub(crate) async fn last(&self) -> Result<Head> {
        match self.head {
            Some(head) => Ok(head),
            None => kept::head_of(&self.shared, &self.view).await,
        }
    }

    /// The timelines that make it up.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Its position.
    pub fn lsn(&self) -> Lsn {
        self.view.lsn()
    }

    /// The same history, as it was at `lsn`.
    ///
    /// # Errors
    /// `NotFound` if that is above its position, or was [collected](crate::gc).
    pub async fn at(&self, lsn: Lsn) -> Result<Self> {
        if lsn > self.lsn() {
            return Err(Error::not_found(format!(
                "there is no LSN {lsn}; the last of this state is {}",
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

    /// Its collections, by name.
    pub fn collections(&self) -> impl Iterator<Item = &CollectionInfo> {
        self.catalog.iter().map(|info| &**info)
    }

    /// Whether its reads go through a [mask](crate::mask).
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

    pub(crate) fn shared(&self) -> &Arc<Session> {
        &self.shared
    }

    /// One of its collections.
    ///
    /// # Errors
    /// `NotFound`, listing the collections that there are.
    pub fn collection(&self, name: &CollectionName) -> Result<CollectionView> {
        match self.catalog.get(name) {
            Some(info) => Ok(CollectionView { state: self.clone(), info: info.clone() }),
            None => {
                let known: Vec<&str> = self.collections().map(|info| info.name.as_str()).collect();
                Err(Error::not_found(match known.as_slice() {
                    [] => format!(
                        "there is no collection '{name}' at LSN {}, and no other",
                        self.lsn()
                    ),
                    known => format!(
                        "there is no collection '{name}' at LSN {}; there are: {}",
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

/// A document, and the commit that gave it this content.
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
    /// Its options, indexes and identifier.
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
        let segment = view.segment_of(lsn).ok_or_else(|| {
            Error::corrupt(format!(
                "a document was changed by commit {lsn}, which is not in its view"
            ))
        })?;
        Ok(Some(VersionedDocument {
            changed_by: Point { timeline: segment.timeline, lsn },
            document,
        }))
    }

    /// The documents with these `_id`s, which are in ascending order; one answer an `_id`. One
    /// lookup for all of them.
    pub async fn get_many(&self, ids: Vec<Key>) -> Result<Vec<Option<Document>>> {
        let State { materialize, view, .. } = &self.state;
        let found = materialize.get_many(view, self.info.id, ids).await?;
        Ok(found.into_iter().map(|version| version.map(|version| version.document)).collect())
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

    /// How many documents it has. O(documents).
    pub async fn count(&self) -> Result<u64> {
        self.scan().try_fold(0, |count, _| async move { Ok(count + 1) }).await
    }

    /// Every image that a document had on this chain, newest first, with its commit; as far back as
    /// the log reaches (see [`log::floor`](crate::log::floor)).
    pub fn history(&self, id: &Key) -> BoxStream<'static, Result<(Lsn, Image)>> {
        let State { materialize, view, held, .. } = &self.state;
        held.during(materialize.history(view, self.info.id, id))
    }

    /// A digest of the collection's name, options, indexes and documents: equal digests mean equal
    /// collections, on whatever store and by whatever history. The index of `_id` alone counts as none:
    /// every collection has it, whether it was set or not. O(documents).
    pub async fn digest(&self) -> Result<Digest> {
        let mut hasher = blake3::Hasher::new_derive_key("argon 1 collection content");
        let facts = bson::doc! {
            "name": self.info.name.as_str(),
            "options": self.info.options.clone(),
            "indexes": self.info.distinctive_indexes().to_vec(),
        };
        let facts = bson::serialize_to_vec(&facts).map_err(|source| {
            Error::internal("a collection's options could not be encoded").with_source(source)
        })?;
        hasher.update(&facts);
        let mut documents = self.scan();
        while let Some(document) = documents.try_next().await? {
            hasher.update(document.as_bytes());
        }
        Ok(hasher.finalize().into())
    }
}
