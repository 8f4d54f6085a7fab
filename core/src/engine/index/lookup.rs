//! What must be read before commits are sequenced, so that sequencing does no I/O.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bson::Document as BsonDocument;
use futures::TryStreamExt;

use crate::document::key::Key;
use crate::engine::catalog::{Catalog, CollectionInfo, decode};
use crate::engine::index::KeptIndexes;
use crate::engine::index::indexing::{Holders, Images, Indexing};
use crate::engine::rules::{KnownRules, Rules, UniqueIndex};
use crate::engine::write::{CollectionChange, Operation, Precondition, WriteRequest};
use crate::model::{CollectionId, Document, Image, View};
use crate::storage::{BuildId, Indexes, KeyRange, Materialize};
use crate::{Error, Result};

/// The state that requests are sequenced after.
pub(crate) struct StateBefore<'a> {
    pub(crate) view: &'a View,
    pub(crate) catalog: &'a Arc<Catalog>,
    pub(crate) kept: &'a KeptIndexes,
    pub(crate) rules: &'a KnownRules,
}

/// The writes of documents of a collection.
#[derive(Default)]
struct Writes<'r> {
    /// The documents that may exist before.
    changed: BTreeSet<&'r Key>,
    written: Vec<&'r Document>,
}

/// Reads the documents that requests change or displace in collections with indexes, and the holders of the
/// unique values that they write.
pub(crate) async fn prepare(
    requests: &[WriteRequest],
    displaced: &[(CollectionId, Key)],
    before: StateBefore<'_>,
    materialize: &dyn Materialize,
    indexes: Option<&dyn Indexes>,
) -> Result<Indexing> {
    let StateBefore { view, catalog, kept, rules } = before;
    let mut rules = rules.clone();
    let writes = writes(requests, displaced, catalog, kept, &mut rules);
    let (mut images, mut holders) = (Images::new(), Holders::new());
    for (collection, writes) in writes {
        let keys: Vec<Key> = writes.changed.iter().copied().cloned().collect();
        let found = if keys.is_empty() {
            Vec::new()
        } else {
            materialize.get_many(view, collection, keys.clone()).await?
        };
        let found = found.into_iter().map(|version| version.map(|version| version.document));
        let known: HashMap<Key, Option<Document>> = keys.into_iter().zip(found).collect();
        if let Some(info) = catalog.by_id(collection) {
            let reader = HolderReader { view, info, kept, known: &known, materialize, indexes };
            reader.read(&rules.of(info), &writes, &mut holders).await?;
        }
        images.insert(collection, known);
    }
    let numbers = reserve(requests, catalog, indexes).await?;
    Ok(Indexing::new(kept.clone(), rules, images, holders, numbers))
}

/// The writes to collections that have indexes to keep or rules to meet.
fn writes<'r>(
    requests: &'r [WriteRequest],
    displaced: &'r [(CollectionId, Key)],
    catalog: &Catalog,
    kept: &KeptIndexes,
    rules: &mut KnownRules,
) -> HashMap<CollectionId, Writes<'r>> {
    let mut tracked = |info: &Arc<CollectionInfo>| {
        !kept.of_collection(info.id).is_empty() || !rules.of(info).is_empty()
    };
    let mut found: HashMap<CollectionId, Writes<'r>> = HashMap::new();
    let mut add = |collection, key: &'r Key, image: &'r Image, condition: Precondition| {
        let writes = found.entry(collection).or_default();
        if !matches!(condition, Precondition::Absent | Precondition::SkipUnlessAbsent) {
            writes.changed.insert(key);
        }
        if let Image::Document(document) = image {
            writes.written.push(document);
        }
    };
    // After a rename, a name can refer to any collection.
    let operations = || requests.iter().flat_map(|request| &request.operations);
    let renames = operations().any(|operation| {
        matches!(operation, Operation::Collection(CollectionChange::Rename { .. }))
    });
    for operation in operations() {
        match operation {
            Operation::Document { collection, key, image, condition } => {
                let meant = catalog.get(collection).filter(|_| !renames);
                let may_be_meant = catalog.iter().filter(|_| renames);
                for info in meant.into_iter().chain(may_be_meant) {
                    if tracked(info) {
                        add(info.id, key, image, *condition);
                    }
                }
            }
            Operation::Exact(change) if change.collection != CollectionId::CATALOG => {
                let live = catalog.by_id(change.collection).is_some_and(&mut tracked);
                if live || !kept.of_collection(change.collection).is_empty() {
                    add(change.collection, &change.key, &change.image, Precondition::Any);
                }
            }
            Operation::Exact(_) | Operation::Collection(_) => {}
        }
    }
    for (collection, key) in displaced {
        if catalog.by_id(*collection).is_some_and(&mut tracked) {
            found.entry(*collection).or_default().changed.insert(key);
        }
    }
    found
}

/// Reads which documents have the values that are written to unique indexes.
struct HolderReader<'a> {
    view: &'a View,
    info: &'a Arc<CollectionInfo>,
    kept: &'a KeptIndexes,
    known: &'a HashMap<Key, Option<Document>>,
    materialize: &'a dyn Materialize,
    indexes: Option<&'a dyn Indexes>,
}

impl HolderReader<'_> {
    async fn read(&self, rules: &Rules, writes: &Writes<'_>, holders: &mut Holders) -> Result<()> {
        for unique in &rules.unique {
            let mut keys: BTreeSet<Vec<u8>> = BTreeSet::new();
            for document in &writes.written {
                // A document that can't be indexed is refused when its commit is sequenced.
                if let Ok(entries) = unique.index.entries_of(document.as_raw()) {
                    keys.extend(entries.keys);
                }
            }
            let mut kept = self.kept.of_collection(self.info.id).iter();
            let build = kept.find(|kept| kept.index.identity() == unique.identity);
            let found = match (build, self.indexes) {
                (Some(kept), Some(indexes)) => {
                    self.by_entries(indexes, kept.build, unique, keys).await?
                }
                _ => self.by_scan(unique, keys).await?,
            };
            holders.insert((self.info.id, unique.identity), found);
        }
        Ok(())
    }

    /// Candidates from entries, compared with their documents.
    async fn by_entries(
        &self,
        indexes: &dyn Indexes,
        build: BuildId,
        unique: &UniqueIndex,
        keys: BTreeSet<Vec<u8>>,
    ) -> Result<HashMap<Vec<u8>, Vec<Key>>> {
        let mut found = empty(&keys);
        if keys.is_empty() {
            return Ok(found);
        }
        let candidates = indexes.holders(self.view, build, keys.into_iter().collect()).await?;
        let mut ids: Vec<Key> = candidates
            .iter()
            .filter(|entry| !self.known.contains_key(&entry.id))
            .map(|entry| entry.id.clone())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let documents = if ids.is_empty() {
            Vec::new()
        } else {
            self.materialize.get_many(self.view, self.info.id, ids.clone()).await?
        };
        let documents = documents.into_iter().map(|version| version.map(|found| found.document));
        let read: HashMap<Key, Option<Document>> = ids.into_iter().zip(documents).collect();
        for entry in candidates {
            let document = self.known.get(&entry.id).or_else(|| read.get(&entry.id));
            let Some(Some(document)) = document else { continue };
            if unique.index.entries_of(document.as_raw())?.keys.contains(&entry.key) {
                found.entry(entry.key).or_default().push(entry.id);
            }
        }
        Ok(found)
    }

    /// Without entries, one scan. O(documents).
    async fn by_scan(
        &self,
        unique: &UniqueIndex,
        keys: BTreeSet<Vec<u8>>,
    ) -> Result<HashMap<Vec<u8>, Vec<Key>>> {
        let mut found = empty(&keys);
        if keys.is_empty() {
            return Ok(found);
        }
        let mut rows = self.materialize.scan(self.view, self.info.id, KeyRange::default());
        while let Some((id, version)) = rows.try_next().await? {
            // What was stored before the index was defined may not fit it.
            let Ok(entries) = unique.index.entries_of(version.document.as_raw()) else { continue };
            for key in entries.keys {
                if let Some(holders) = found.get_mut(&key) {
                    holders.push(id.clone());
                }
            }
        }
        Ok(found)
    }
}

fn empty(keys: &BTreeSet<Vec<u8>>) -> HashMap<Vec<u8>, Vec<Key>> {
    keys.iter().map(|key| (key.clone(), Vec::new())).collect()
}

/// Reserves the numbers of the builds that requests may begin: one for each index of a collection
/// that they may create.
async fn reserve(
    requests: &[WriteRequest],
    catalog: &Catalog,
    indexes: Option<&dyn Indexes>,
) -> Result<std::ops::Range<u32>> {
    let Some(indexes) = indexes else { return Ok(0..0) };
    let mut count = 0;
    let mut add = |definitions: &[BsonDocument]| count += definitions.len();
    for operation in requests.iter().flat_map(|request| &request.operations) {
        match operation {
            Operation::Collection(CollectionChange::SetIndexes { name, indexes })
                if catalog.get(name).is_none() =>
            {
                add(indexes);
            }
            Operation::Exact(change) if change.collection == CollectionId::CATALOG => {
                if let Image::Document(document) = &change.image {
                    let (info, _) = decode(document)?;
                    if !catalog.has_existed(info.id) {
                        add(&info.indexes);
                    }
                }
            }
            _ => {}
        }
    }
    let count = u32::try_from(count)
        .map_err(|_| Error::invalid(format!("a commit creates {count} indexes")))?;
    if count == 0 {
        return Ok(0..0);
    }
    let BuildId(first) = indexes.reserve(count).await?;
    Ok(first..first + count)
}
