//! The changes of entries, and the check of unique values, commit by commit.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::document::key::Key;
use crate::document::{Entries, Index};
use crate::engine::catalog::{Catalog, CollectionInfo};
use crate::engine::index::KeptIndexes;
use crate::engine::index::kept::{KeptIndex, determining};
use crate::engine::rules::{KnownRules, Rules, duplicate};
use crate::engine::write::Enforced;
use crate::model::{Change, CollectionId, Digest, Document, Image, Lsn};
use crate::storage::{BuildId, BuildStatus, Entry, EntryChange, IndexBuild, IndexChanges};
use crate::{Error, Result};

/// The documents that an append may change, before it; only of collections with indexes or rules.
pub(super) type Images = HashMap<CollectionId, HashMap<Key, Option<Document>>>;

/// The documents that have a value of a unique index, by collection and index.
pub(super) type Holders = HashMap<(CollectionId, Digest), HashMap<Vec<u8>, Vec<Key>>>;

/// The entries of an append as its commits are sequenced.
pub(crate) struct Indexing {
    kept: KeptIndexes,
    rules: KnownRules,
    /// As of the last sequenced commit.
    images: Images,
    holders: Holders,
    /// The numbers of the builds that the append may begin.
    numbers: Range<u32>,
    changes: IndexChanges,
}

/// A document before and after a commit.
struct Step<'a> {
    id: &'a Key,
    before: Option<&'a Document>,
    after: Option<&'a Document>,
}

impl Indexing {
    pub(super) fn new(
        kept: KeptIndexes,
        rules: KnownRules,
        images: Images,
        holders: Holders,
        numbers: Range<u32>,
    ) -> Self {
        let changes = IndexChanges { builds: kept.builds.clone(), ..IndexChanges::default() };
        Self { kept, rules, images, holders, numbers, changes }
    }

    /// Adds the entries that the changes of a commit make, if they meet the rules.
    ///
    /// # Errors
    /// `AlreadyExists` for a second document with a unique value; `Invalid` for a document that an
    /// index can't take. Then nothing is added.
    pub(crate) fn add(
        &mut self,
        lsn: Lsn,
        changes: &[Change],
        before: &Catalog,
        after: &Catalog,
        enforced: Enforced,
    ) -> Result<()> {
        let begun = self.begun(lsn, changes, before, after)?;
        let mut kept = None;
        if !begun.is_empty() {
            let with_begun = kept.insert(self.kept.clone());
            begun.iter().try_for_each(|build| with_begun.begin(build))?;
        }
        let kept = kept.as_ref().unwrap_or(&self.kept);
        let (mut entries, mut multikey, mut held) = (Vec::new(), BTreeSet::new(), Vec::new());
        let unchecked = Rules::default();
        for change in changes.iter().filter(|change| change.collection != CollectionId::CATALOG) {
            let indexes = kept.of_collection(change.collection);
            let info = after.by_id(change.collection);
            let rules =
                info.map(|info| self.rules.of(info)).filter(|_| enforced != Enforced::Nothing);
            let rules = rules.as_deref().unwrap_or(&unchecked);
            if indexes.is_empty() && rules.is_empty() {
                continue;
            }
            let known = self.images.get(&change.collection).and_then(|all| all.get(&change.key));
            let step = Step {
                id: &change.key,
                before: known.and_then(Option::as_ref),
                after: document_of(&change.image),
            };
            for index in indexes {
                let is_multikey = step.entries(index, lsn, &mut entries)?;
                if is_multikey && !index.multikey {
                    multikey.insert(index.build);
                }
            }
            if let Some(info) = info {
                if let Some(after) = step.after.filter(|_| enforced == Enforced::All) {
                    rules.validate(info, step.id, step.before, after)?;
                }
                step.values(info, rules, &mut held)?;
            }
        }
        self.hold(&held, after)?;
        self.accept(changes, after, begun, multikey);
        self.changes.entries.extend(entries);
        Ok(())
    }

    /// The builds that a commit begins: those of the indexes of collections that it creates.
    fn begun(
        &mut self,
        lsn: Lsn,
        changes: &[Change],
        before: &Catalog,
        after: &Catalog,
    ) -> Result<Vec<IndexBuild>> {
        let mut begun = Vec::new();
        if self.numbers.is_empty() {
            return Ok(begun);
        }
        let new = after.iter().filter(|info| !info.indexes.is_empty());
        for info in new.filter(|info| !before.has_existed(info.id)) {
            debug_assert!(changes.iter().any(|c| c.collection == CollectionId::CATALOG));
            for definition in &info.indexes {
                let compiled = Index::compile(definition, &info.options);
                if compiled.map_or(true, |index| index.is_id_index()) {
                    continue;
                }
                let number = self.numbers.next().ok_or_else(|| {
                    Error::internal("a commit begins more builds than were reserved")
                })?;
                begun.push(IndexBuild {
                    id: BuildId(number),
                    collection: info.id,
                    definition: Arc::new(determining(definition, &info.options)),
                    status: BuildStatus::Maintained { from: lsn },
                    inherited: false,
                    multikey: false,
                });
            }
        }
        Ok(begun)
    }

    /// Moves unique values from documents to others. All are given up before any is taken, so that
    /// documents of one commit can swap them.
    fn hold(&mut self, values: &[Value], catalog: &Catalog) -> Result<()> {
        for value in values.iter().filter(|value| !value.taken) {
            if let Some(ids) =
                self.holders.get_mut(&value.index).and_then(|i| i.get_mut(&value.key))
            {
                ids.retain(|id| *id != value.id);
            }
        }
        for (at, value) in values.iter().enumerate().filter(|(_, value)| value.taken) {
            let ids = self.holders.entry(value.index).or_default().entry(value.key.clone());
            let ids = ids.or_default();
            let other = ids.iter().find(|id| **id != value.id).cloned();
            if !ids.contains(&value.id) {
                ids.push(value.id.clone());
            }
            if let Some(other) = other {
                self.undo(values, at);
                return Err(self.duplicate(value, &other, catalog));
            }
        }
        Ok(())
    }

    /// Takes back a [`hold`](Self::hold) that failed at a value.
    fn undo(&mut self, values: &[Value], failed: usize) {
        for value in values[..=failed].iter().filter(|value| value.taken) {
            if let Some(ids) =
                self.holders.get_mut(&value.index).and_then(|i| i.get_mut(&value.key))
            {
                ids.retain(|id| *id != value.id);
            }
        }
        for value in values.iter().filter(|value| !value.taken) {
            if let Some(ids) =
                self.holders.get_mut(&value.index).and_then(|i| i.get_mut(&value.key))
            {
                ids.push(value.id.clone());
            }
        }
    }

    fn duplicate(&mut self, value: &Value, other: &Key, catalog: &Catalog) -> Error {
        let (collection, identity) = value.index;
        let Some(info) = catalog.by_id(collection) else {
            return Error::internal("a collection with a unique index is not in the catalog");
        };
        let rules = self.rules.of(info);
        match rules.unique.iter().find(|unique| unique.identity == identity) {
            Some(unique) => duplicate(info, &unique.index, &value.id, other),
            None => Error::internal("a unique index is not in the catalog"),
        }
    }

    /// Makes the state after a commit the one before the next.
    fn accept(
        &mut self,
        changes: &[Change],
        after: &Catalog,
        begun: Vec<IndexBuild>,
        multikey: BTreeSet<BuildId>,
    ) {
        for build in &begun {
            // It was compiled before.
            let _ = self.kept.begin(build);
        }
        self.changes.begun.extend(begun);
        for change in changes {
            let rules = after.by_id(change.collection).map(|info| self.rules.of(info));
            let indexes = self.kept.of_collection_mut(change.collection);
            if indexes.is_empty() && rules.is_none_or(|rules| rules.is_empty()) {
                continue;
            }
            for index in indexes.iter_mut().filter(|index| multikey.contains(&index.build)) {
                index.multikey = true;
            }
            let image = document_of(&change.image).cloned();
            let images = self.images.entry(change.collection).or_default();
            images.insert(change.key.clone(), image);
        }
        self.changes.multikey.extend(multikey);
    }

    /// The changes of entries by the append, and the indexes and rules after it.
    pub(crate) fn finish(self) -> (IndexChanges, KeptIndexes, KnownRules) {
        let kept = self.kept.after(&self.changes.begun);
        (self.changes, kept, self.rules)
    }
}

/// A unique value that a document takes or gives up.
struct Value {
    index: (CollectionId, Digest),
    key: Vec<u8>,
    id: Key,
    taken: bool,
}

impl Step<'_> {
    /// Adds the entries that differ. Returns whether the document has an array in the index now.
    fn entries(&self, kept: &KeptIndex, lsn: Lsn, out: &mut Vec<EntryChange>) -> Result<bool> {
        let KeptIndex { build, index, .. } = kept;
        let [before, after] = [self.before, self.after].map(|image| keys_of(index, image));
        let (before, after) = (before?, after?);
        let change = |key: &Vec<u8>, held| {
            let entry = Entry { key: key.clone(), id: self.id.clone() };
            EntryChange { build: *build, lsn, entry, held }
        };
        out.extend(before.keys.difference(&after.keys).map(|key| change(key, false)));
        out.extend(after.keys.difference(&before.keys).map(|key| change(key, true)));
        Ok(after.multikey)
    }

    /// Adds the unique values that differ.
    fn values(&self, info: &CollectionInfo, rules: &Rules, out: &mut Vec<Value>) -> Result<()> {
        for unique in &rules.unique {
            let [before, after] =
                [self.before, self.after].map(|image| keys_of(&unique.index, image));
            // What was stored before the index was defined may not fit it.
            let (before, after) = (before.unwrap_or_default(), after?);
            let value = |key: &Vec<u8>, taken| Value {
                index: (info.id, unique.identity),
                key: key.clone(),
                id: self.id.clone(),
                taken,
            };
            out.extend(before.keys.difference(&after.keys).map(|key| value(key, false)));
            out.extend(after.keys.difference(&before.keys).map(|key| value(key, true)));
        }
        Ok(())
    }
}

fn keys_of(index: &Index, image: Option<&Document>) -> Result<Entries> {
    image.map_or_else(|| Ok(Entries::default()), |document| index.entries_of(document.as_raw()))
}

fn document_of(image: &Image) -> Option<&Document> {
    match image {
        Image::Document(document) => Some(document),
        Image::Deleted => None,
    }
}
