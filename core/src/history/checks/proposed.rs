//! A state with uncommitted changes on top.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;

use futures::stream::{self, BoxStream, Peekable, StreamExt, TryStreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::engine::catalog::{self, Catalog};
use crate::model::{Change, CollectionId, Document, Image};
use crate::storage::{KeyRange, Materialize, VersionStream};
use crate::store::State;

/// Changes by collection and key.
pub(crate) type Changes = BTreeMap<CollectionId, BTreeMap<Key, Image>>;

/// Documents of a collection in key order, with their keys.
pub type KeyedDocuments = BoxStream<'static, Result<(Key, Document)>>;

/// A state with uncommitted changes on top, as it would be after a commit. Cheap to clone.
#[derive(Clone)]
pub struct Proposed {
    state: State,
    catalog: Arc<Catalog>,
    changes: Arc<Changes>,
}

impl Proposed {
    /// Creates a state with changes on top; `catalog` already includes the changes.
    pub(crate) fn new(state: State, catalog: Arc<Catalog>, changes: Changes) -> Self {
        Self { state, catalog, changes: Arc::new(changes) }
    }

    /// Creates a state with changes on top, including changes of the catalog. Of several changes of
    /// one document, the last applies.
    ///
    /// # Errors
    /// `Corrupt` for a malformed change of the catalog.
    pub fn of(state: State, changes: impl IntoIterator<Item = Change>) -> Result<Self> {
        let mut catalog = Catalog::clone(state.catalog());
        let mut by_collection = Changes::new();
        for Change { collection, key, image } in changes {
            if let (CollectionId::CATALOG, Image::Document(entry)) = (collection, &image) {
                let (info, dropped) = catalog::decode(entry)?;
                catalog.insert(info, dropped);
            }
            by_collection.entry(collection).or_default().insert(key, image);
        }
        Ok(Self::new(state, Arc::new(catalog), by_collection))
    }

    /// The state below the changes.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The collections after the changes.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The changes, by collection and key.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The changes to the documents of a collection, by key.
    pub fn changed(&self, collection: CollectionId) -> impl Iterator<Item = (&Key, &Image)> {
        self.changes.get(&collection).into_iter().flatten()
    }

    /// The documents of a collection that the changes write, by key.
    pub fn written(&self, collection: CollectionId) -> impl Iterator<Item = (&Key, &Document)> {
        self.changed(collection).filter_map(|(key, image)| match image {
            Image::Document(document) => Some((key, document)),
            Image::Deleted => None,
        })
    }

    /// The change of one document; `None` if it is unchanged.
    pub fn image(&self, collection: CollectionId, key: &Key) -> Option<&Image> {
        self.changes.get(&collection)?.get(key)
    }

    /// The document with this key, or `None`.
    pub async fn get(&self, collection: CollectionId, key: &Key) -> Result<Option<Document>> {
        Ok(self.get_many(collection, vec![key.clone()]).await?.pop().flatten())
    }

    /// Returns the documents with these keys, which must be in ascending order; one result per key.
    pub async fn get_many(
        &self,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Document>>> {
        let image = |key: &Key| self.image(collection, key);
        let unchanged = keys.iter().filter(|key| image(key).is_none()).cloned().collect();
        let mut below = self.below(collection, unchanged).await?.into_iter();
        Ok(keys
            .iter()
            .map(|key| match image(key) {
                Some(image) => image.clone().into_document(),
                None => below.next().flatten(),
            })
            .collect())
    }

    /// Returns the documents with these keys before the changes; one result per key.
    pub(super) async fn below(
        &self,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Document>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let versions = self.materialize().get_many(self.state.view(), collection, keys).await?;
        Ok(versions.into_iter().map(|found| found.map(|version| version.document)).collect())
    }

    /// All documents of a collection in key order, in bounded memory besides that of the changes.
    pub fn scan(&self, collection: CollectionId) -> KeyedDocuments {
        if self.catalog.by_id(collection).is_none() {
            return stream::empty().boxed();
        }
        let stored = self.materialize().scan(self.state.view(), collection, KeyRange::default());
        let overlay = Overlay::new(self.changes.clone(), collection, stored);
        stream::try_unfold(overlay, |mut overlay| async move {
            Ok(overlay.next().await?.map(|entry| (entry, overlay)))
        })
        .boxed()
    }

    fn materialize(&self) -> &Arc<dyn Materialize> {
        self.state.materialize()
    }
}

impl std::fmt::Debug for Proposed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let changes: usize = self.changes.values().map(BTreeMap::len).sum();
        f.debug_struct("Proposed")
            .field("state", &self.state)
            .field("changes", &changes)
            .finish_non_exhaustive()
    }
}

/// A scan of stored documents with the changes on top.
struct Overlay {
    changes: Arc<Changes>,
    collection: CollectionId,
    /// The next change that was not merged yet.
    change: Option<(Key, Image)>,
    stored: Pin<Box<Peekable<VersionStream>>>,
}

impl Overlay {
    fn new(changes: Arc<Changes>, collection: CollectionId, stored: VersionStream) -> Self {
        let stored = Box::pin(stored.peekable());
        let mut overlay = Self { changes, collection, change: None, stored };
        overlay.change = overlay.change_after(None);
        overlay
    }

    async fn next(&mut self) -> Result<Option<(Key, Document)>> {
        loop {
            let stored_to_changed = match (self.stored.as_mut().peek().await, &self.change) {
                (_, None) | (Some(Err(_)), _) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok((stored, _))), Some((changed, _))) => stored.cmp(changed),
            };
            if stored_to_changed.is_lt() {
                let stored = self.stored.try_next().await?;
                return Ok(stored.map(|(key, version)| (key, version.document)));
            }
            if stored_to_changed.is_eq() {
                self.stored.try_next().await?;
            }
            let Some((key, image)) = self.change.take() else { continue };
            self.change = self.change_after(Some(&key));
            if let Image::Document(document) = image {
                return Ok(Some((key, document)));
            }
        }
    }

    fn change_after(&self, key: Option<&Key>) -> Option<(Key, Image)> {
        let after = key.map_or(Bound::Unbounded, Bound::Excluded);
        let changes = self.changes.get(&self.collection)?;
        let (key, image) = changes.range::<Key, _>((after, Bound::Unbounded)).next()?;
        Some((key.clone(), image.clone()))
    }
}
