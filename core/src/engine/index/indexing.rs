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
        let with_begun = self.kept.with(&begun)?;
        let kept = with_begun.as_ref().unwrap_or(&self.kept);
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
            let mut differences = Vec::with_capacity(indexes.len());
            for index in indexes {
                let difference = step.difference(&index.index)?;
                if difference.multikey && !index.multikey {
                    multikey.insert(index.build);
                }
                step.entries(index.build, lsn, &difference, &mut entries);
                differences.push(difference);
            }
            if let Some(info) = info {
                if let Some(after) = step.after.filter(|_| enforced == Enforced::All) {
                    rules.validate(info, step.id, step.before, after)?;
                }
                step.values(info, rules, indexes, &differences, &mut held)?;
            }
        }
        self.hold(&held, after)?;
        if let Some(with_begun) = with_begun {
            self.kept = with_begun;
        }
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
            if let Some(ids) = self.holders_of(value) {
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
            if let Some(ids) = self.holders_of(value) {
                ids.retain(|id| *id != value.id);
            }
        }
        for value in values.iter().filter(|value| !value.taken) {
            if let Some(ids) = self.holders_of(value) {
                ids.push(value.id.clone());
            }
        }
    }

    /// The documents that have a value, if that was looked up.
    fn holders_of(&mut self, value: &Value) -> Option<&mut Vec<Key>> {
        self.holders.get_mut(&value.index)?.get_mut(&value.key)
    }

    fn duplicate(&mut self, value: &Value, other: &Key, catalog: &Catalog) -> Error {
        let (collection, identity) = value.index;
        let Some(info) = catalog.by_id(collection) else {
            return Error::internal("a collection with a unique index is not in the catalog");
        };
        let rules = self.rules.of(info);
        match rules.unique.iter().find(|unique| unique.identity == identity) {
            Some(unique) => duplicate(info, &unique.index, &value.key, &value.id, other),
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

/// The keys of a document in an index that a commit changes.
struct Difference {
    lost: Vec<Vec<u8>>,
    gained: Vec<Vec<u8>>,
    /// Whether the document has an array in the index now.
    multikey: bool,
}

impl Step<'_> {
    fn difference(&self, index: &Index) -> Result<Difference> {
        let keys = |document| {
            keys_of(index, document)
                .map_err(|error: Error| error.about(format_args!("document {}", self.id)))
        };
        Ok(Difference::of(&keys(self.before)?, &keys(self.after)?))
    }

    /// Adds the entries that differ.
    fn entries(
        &self,
        build: BuildId,
        lsn: Lsn,
        difference: &Difference,
        out: &mut Vec<EntryChange>,
    ) {
        out.extend(difference.changes().map(|(key, held)| {
            let entry = Entry { key: key.clone(), id: self.id.clone() };
            EntryChange { build, lsn, entry, held }
        }));
    }

    /// Adds the unique values that differ. `differences` are those in the kept indexes.
    fn values(
        &self,
        info: &CollectionInfo,
        rules: &Rules,
        kept: &[KeptIndex],
        differences: &[Difference],
        out: &mut Vec<Value>,
    ) -> Result<()> {
        for unique in &rules.unique {
            let own;
            let mut known = kept.iter().zip(differences);
            let difference = match known.find(|(kept, _)| kept.index.identity() == unique.identity)
            {
                Some((_, difference)) => difference,
                None => {
                    // What was stored before the index was defined may not fit it.
                    let before = keys_of(&unique.index, self.before).unwrap_or_default();
                    own = Difference::of(&before, &keys_of(&unique.index, self.after)?);
                    &own
                }
            };
            out.extend(difference.changes().map(|(key, taken)| Value {
                index: (info.id, unique.identity),
                key: key.clone(),
                id: self.id.clone(),
                taken,
            }));
        }
        Ok(())
    }
}

impl Difference {
    fn of(before: &Entries, after: &Entries) -> Self {
        Self {
            lost: before.keys.difference(&after.keys).cloned().collect(),
            gained: after.keys.difference(&before.keys).cloned().collect(),
            multikey: after.multikey,
        }
    }

    /// The keys, each with whether the document has it now.
    fn changes(&self) -> impl Iterator<Item = (&Vec<u8>, bool)> {
        let lost = self.lost.iter().map(|key| (key, false));
        lost.chain(self.gained.iter().map(|key| (key, true)))
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
