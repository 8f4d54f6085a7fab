//! Collections as documents: the catalog is itself a versioned collection, so a past state has its
//! own collections, and diff and restore need no second mechanism.
//!
//! Each collection has one catalog document, `{_id: <number>, name, options, indexes, dropped?}`. A
//! drop marks the document and keeps the collection's documents, so it costs one change; the next
//! collection of that name gets another number.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError, RwLock};

use bson::{Bson, Document as BsonDocument, RawDocumentBuf, doc};
use futures::TryStreamExt;

use crate::document::definition::{identical, identical_lists};
use crate::document::key::Key;
use crate::engine::capped::CappedLimits;
use crate::model::{
    Change, CollectionId, CollectionName, Document, Image, Lsn, Point, TimelineId, View,
};
use crate::storage::{KeyRange, Materialize};
use crate::{Error, Result};

/// The metadata of a collection. Equal if the bytes are: the order of an index's keys counts.
#[derive(Debug, Clone)]
pub struct CollectionInfo {
    /// The identifier, which renames keep.
    pub id: CollectionId,
    /// The name.
    pub name: CollectionName,
    /// The options in MongoDB's format, including the validator; Argon stores and returns them.
    pub options: BsonDocument,
    /// The index definitions in MongoDB's format; Argon stores and returns them. Empty if none were
    /// set; [`listed_indexes`](Self::listed_indexes) returns the indexes that the collection has in
    /// MongoDB.
    pub indexes: Vec<BsonDocument>,
}

impl PartialEq for CollectionInfo {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.name == other.name
            && identical(&self.options, &other.options)
            && identical_lists(&self.indexes, &other.indexes)
    }
}

impl CollectionInfo {
    /// The index definitions, including the one of `_id` that MongoDB gives every collection except
    /// views and time series.
    pub fn listed_indexes(&self) -> Cow<'_, [BsonDocument]> {
        let without = ["viewOn", "timeseries", "clusteredIndex"];
        if self.indexes.is_empty() && !without.iter().any(|name| self.options.contains_key(name)) {
            return Cow::Owned(vec![id_index()]);
        }
        Cow::Borrowed(&self.indexes)
    }

    /// The bounds of the collection, if it is capped.
    pub fn capped(&self) -> Option<CappedLimits> {
        CappedLimits::of(&self.options)
    }

    /// The index definitions that distinguish collections: empty if the index of `_id` is the only
    /// one.
    pub(crate) fn distinctive_indexes(&self) -> &[BsonDocument] {
        match self.indexes.as_slice() {
            [only] if *only == id_index() => &[],
            indexes => indexes,
        }
    }
}

/// MongoDB's definition of the index of `_id`.
pub(crate) fn id_index() -> BsonDocument {
    doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" }
}

/// The collections of one state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    live: BTreeMap<CollectionName, Arc<CollectionInfo>>,
    /// Every number ever assigned on this chain.
    numbers: HashMap<CollectionId, CollectionSlot>,
}

/// The collection of a number.
#[derive(Debug, Clone, PartialEq)]
struct CollectionSlot {
    /// The name, or the last one if the collection was dropped.
    name: CollectionName,
    dropped: bool,
}

impl Catalog {
    /// Loads the catalog of a view. O(collections).
    pub(crate) async fn load(materialize: &dyn Materialize, view: &View) -> Result<Self> {
        Ok(Self::load_with_change(materialize, view).await?.0)
    }

    /// The catalog of a view, and the last commit that changed it.
    async fn load_with_change(materialize: &dyn Materialize, view: &View) -> Result<(Self, Lsn)> {
        let (mut catalog, mut changed) = (Self::default(), Lsn::ZERO);
        let mut entries = materialize.scan(view, CollectionId::CATALOG, KeyRange::default());
        while let Some((_, version)) = entries.try_next().await? {
            let (info, dropped) = decode(&version.document)?;
            catalog.insert(info, dropped);
            changed = changed.max(version.lsn);
        }
        Ok((catalog, changed))
    }

    /// The collections, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<CollectionInfo>> {
        self.live.values()
    }

    /// Returns the collection of this name.
    pub fn get(&self, name: &CollectionName) -> Option<&Arc<CollectionInfo>> {
        self.live.get(name)
    }

    /// Returns the collection with this identifier, unless it was dropped.
    pub fn by_id(&self, id: CollectionId) -> Option<&Arc<CollectionInfo>> {
        let numbered = self.numbers.get(&id).filter(|numbered| !numbered.dropped)?;
        self.live.get(&numbered.name)
    }

    /// Every collection that ever existed on this chain, with its name or last name.
    pub(crate) fn last_names(&self) -> impl Iterator<Item = (CollectionId, &CollectionName)> {
        self.numbers.iter().map(|(id, numbered)| (*id, &numbered.name))
    }

    /// The name of a collection, or its last name if it was dropped.
    pub(crate) fn name_of(&self, id: CollectionId) -> Option<&CollectionName> {
        self.numbers.get(&id).map(|numbered| &numbered.name)
    }

    pub(crate) fn all_ids(&self) -> Vec<CollectionId> {
        self.numbers.keys().copied().collect()
    }

    /// Whether a collection exists or existed.
    pub(crate) fn has_existed(&self, id: CollectionId) -> bool {
        self.numbers.contains_key(&id)
    }

    /// Whether a collection existed and was dropped.
    pub(crate) fn is_dropped(&self, id: CollectionId) -> bool {
        self.numbers.get(&id).is_some_and(|numbered| numbered.dropped)
    }

    /// Creates the metadata of a new collection; the caller has checked that the name is unused.
    pub(crate) fn new_collection(&self, name: CollectionName) -> CollectionInfo {
        let mut id = CollectionId::derive(name.as_str(), 0);
        for incarnation in 1.. {
            if !self.numbers.contains_key(&id) {
                break;
            }
            id = CollectionId::derive(name.as_str(), incarnation);
        }
        CollectionInfo { id, name, options: BsonDocument::new(), indexes: Vec::new() }
    }

    /// Inserts or updates a collection.
    pub(crate) fn insert(&mut self, info: CollectionInfo, dropped: bool) {
        // Another collection may have taken the name already, if two collections swap names.
        if let Some(CollectionSlot { name, dropped: false }) = self.numbers.get(&info.id)
            && self.live.get(name).is_some_and(|known| known.id == info.id)
        {
            self.live.remove(name);
        }
        self.numbers.insert(info.id, CollectionSlot { name: info.name.clone(), dropped });
        if !dropped {
            self.live.insert(info.name.clone(), Arc::new(info));
        }
    }
}

/// The last known catalog of each timeline, and the positions for which it is valid, so that reads
/// and writes at the head don't load it again.
#[derive(Default)]
pub(crate) struct Catalogs {
    known: RwLock<HashMap<TimelineId, CachedCatalog>>,
}

/// A catalog and the positions for which it is valid.
type CachedCatalog = (RangeInclusive<Lsn>, Arc<Catalog>);

impl Catalogs {
    /// The maximum number of cached timelines.
    const MOST: usize = 256;

    /// Returns the catalog of a view, from the cache or the store.
    pub(crate) async fn of(
        &self,
        materialize: &dyn Materialize,
        view: &View,
    ) -> Result<Arc<Catalog>> {
        let Some(point) = view.point() else { return Ok(Arc::default()) };
        if let Some(catalog) = self.remembered(point) {
            return Ok(catalog);
        }
        let (catalog, changed) = Catalog::load_with_change(materialize, view).await?;
        let catalog = Arc::new(catalog);
        // No document of the catalog is ever deleted, so its last change shows in one of them.
        let above = view.segments().first().map_or(Lsn::ZERO, |leaf| leaf.above);
        self.keep(point.timeline, changed.max(above.next())..=point.lsn, &catalog);
        Ok(catalog)
    }

    fn remembered(&self, point: Point) -> Option<Arc<Catalog>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (range, catalog) = known.get(&point.timeline)?;
        range.contains(&point.lsn).then(|| catalog.clone())
    }

    /// Records that `catalog` is valid at `lsns`; if it is already cached, also at all positions in
    /// between.
    pub(crate) fn keep(
        &self,
        timeline: TimelineId,
        lsns: RangeInclusive<Lsn>,
        catalog: &Arc<Catalog>,
    ) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(&timeline) {
            Some((range, same)) if Arc::ptr_eq(same, catalog) => {
                *range = *lsns.start().min(range.start())..=*lsns.end().max(range.end());
            }
            Some((range, _)) if range.end() > lsns.end() => {}
            _ => {
                if known.len() >= Self::MOST {
                    known.clear();
                }
                known.insert(timeline, (lsns, catalog.clone()));
            }
        }
    }
}

/// Creates the change that sets a collection's catalog document to `info`.
pub(crate) fn change(info: &CollectionInfo, dropped: bool) -> Result<Change> {
    let indexes = info.indexes.iter().cloned().map(Bson::Document).collect::<Vec<_>>();
    let mut document = doc! {
        "_id": info.id.get().cast_signed(),
        "name": info.name.as_str(),
        "options": info.options.clone(),
        "indexes": indexes,
    };
    if dropped {
        document.insert("dropped", true);
    }
    let raw = RawDocumentBuf::try_from(&document).map_err(|source| {
        Error::invalid(format!("failed to encode the options of collection '{}'", info.name))
            .with_source(source)
    })?;
    let (key, document) = Document::checked(raw)?;
    Ok(Change { collection: CollectionId::CATALOG, key, image: Image::Document(document) })
}

/// The key of a collection's catalog document.
pub(crate) fn key_of_collection(id: CollectionId) -> Result<Key> {
    Key::of(&Bson::Int64(id.get().cast_signed()))
        .map_err(|source| Error::internal("failed to encode a number as a key").with_source(source))
}

/// The collection of a catalog document's key.
pub(crate) fn collection_of_key(key: &Key) -> Option<CollectionId> {
    match key.to_bson() {
        Bson::Int64(number) => Some(CollectionId::new(number.cast_unsigned())),
        Bson::Int32(number) => u64::try_from(number).ok().map(CollectionId::new),
        _ => None,
    }
}

/// Decodes a catalog document: the collection, and whether it was dropped.
pub(crate) fn decode(document: &Document) -> Result<(CollectionInfo, bool)> {
    let corrupt = || Error::corrupt(format!("malformed catalog document {document:?}"));
    let entry = document.to_bson()?;
    let info = CollectionInfo {
        id: CollectionId::new(entry.get_i64("_id").map_err(|_| corrupt())?.cast_unsigned()),
        name: CollectionName::new(entry.get_str("name").map_err(|_| corrupt())?)
            .map_err(|_| corrupt())?,
        options: entry.get_document("options").map_err(|_| corrupt())?.clone(),
        indexes: entry
            .get_array("indexes")
            .map_err(|_| corrupt())?
            .iter()
            .map(|index| index.as_document().cloned().ok_or_else(corrupt))
            .collect::<Result<_>>()?,
    };
    Ok((info, entry.get_bool("dropped").unwrap_or(false)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures::stream::{self, BoxStream, StreamExt};

    use super::*;
    use crate::model::Segment;
    use crate::storage::{Version, VersionStamp, VersionStream};

    fn with(options: BsonDocument, indexes: Vec<BsonDocument>) -> CollectionInfo {
        let name = CollectionName::new("boats").unwrap();
        CollectionInfo { options, indexes, ..Catalog::default().new_collection(name) }
    }

    #[test]
    fn collections_are_equal_if_their_definitions_are_the_same_bytes() {
        let index = |key| vec![doc! { "key": key, "name": "i" }];
        let first = with(doc! {}, index(doc! { "a": 1, "b": 1 }));
        assert_eq!(first, first.clone());
        assert_ne!(first, with(doc! {}, index(doc! { "b": 1, "a": 1 })));
        let pipeline = |stage: BsonDocument| with(doc! { "pipeline": [stage] }, Vec::new());
        assert_ne!(
            pipeline(doc! { "$sort": { "a": 1, "b": 1 } }),
            pipeline(doc! { "$sort": { "b": 1, "a": 1 } })
        );
        let nan = with(doc! { "expireAfterSeconds": f64::NAN }, Vec::new());
        assert_eq!(nan, nan.clone(), "NaN is equal to itself");
    }

    #[test]
    fn every_collection_of_documents_lists_the_index_of_its_ids() {
        let mut info = Catalog::default().new_collection(CollectionName::new("a").unwrap());
        assert_eq!(*info.listed_indexes(), [id_index()]);
        let (unset, other) = (info.distinctive_indexes().len(), doc! { "v": 2, "name": "x" });
        info.indexes = vec![id_index()];
        assert_eq!((unset, info.distinctive_indexes().len()), (0, 0));
        info.indexes = vec![id_index(), other];
        assert_eq!(*info.listed_indexes(), info.indexes);
        assert_eq!(info.distinctive_indexes().len(), 2);
        info.indexes.clear();
        for option in ["viewOn", "timeseries", "clusteredIndex"] {
            info.options = doc! { option: 1 };
            assert!(info.listed_indexes().is_empty(), "{option}");
        }
    }

    /// Gives the catalog documents that were changed by these commits, and counts the scans.
    struct Stored(Vec<u64>, AtomicUsize);

    #[async_trait]
    impl Materialize for Stored {
        async fn get(&self, _: &View, _: CollectionId, _: &Key) -> Result<Option<Version>> {
            unreachable!()
        }

        async fn get_many(
            &self,
            _: &View,
            _: CollectionId,
            _: Vec<Key>,
        ) -> Result<Vec<Option<Version>>> {
            unreachable!()
        }

        async fn stamps(
            &self,
            _: &View,
            _: CollectionId,
            _: Vec<Key>,
        ) -> Result<Vec<Option<VersionStamp>>> {
            unreachable!()
        }

        fn scan(&self, view: &View, _: CollectionId, _: KeyRange) -> VersionStream {
            self.1.fetch_add(1, Ordering::Relaxed);
            let upto = view.lsn().get();
            let versions = self.0.iter().filter(|lsn| **lsn <= upto).map(|lsn| {
                let name = CollectionName::new(format!("c{lsn}")).unwrap();
                let info = Catalog::default().new_collection(name);
                let Change { key, image, .. } = change(&info, false).unwrap();
                let document = image.into_document().unwrap();
                Ok((key, Version { lsn: Lsn::new(*lsn), document }))
            });
            stream::iter(versions.collect::<Vec<_>>()).boxed()
        }

        fn history(
            &self,
            _: &View,
            _: CollectionId,
            _: &Key,
        ) -> BoxStream<'static, Result<(Lsn, Image)>> {
            unreachable!()
        }
    }

    #[tokio::test]
    async fn a_catalog_is_read_once_for_all_states_since_its_last_change() {
        let (stored, catalogs) = (Stored(vec![3, 5], AtomicUsize::new(0)), Catalogs::default());
        let segment = |timeline: u8, above, upto| Segment {
            timeline: TimelineId::from_bytes([timeline; 16]),
            above: Lsn::new(above),
            upto: Lsn::new(upto),
        };
        let root = View::new([segment(1, 0, 20)]);
        let read = async |view: &View| {
            let catalog = catalogs.of(&stored, view).await.unwrap();
            (catalog.iter().count(), stored.1.load(Ordering::Relaxed))
        };
        assert_eq!(read(&root).await, (2, 1));
        assert_eq!(read(&root.at(Lsn::new(5))).await, (2, 1), "it was changed there");
        assert_eq!(read(&root.at(Lsn::new(4))).await, (1, 2), "and was another before");
        assert_eq!(read(&root.at(Lsn::new(20))).await, (2, 2), "the newer one stays known");
        let fork = View::new([segment(2, 10, 30), segment(1, 0, 10)]);
        assert_eq!(read(&fork).await, (2, 3));
        assert_eq!(read(&fork.at(Lsn::new(11))).await, (2, 3), "from the fork on");
    }
}
