//! The changes of a patch to the collections of a state.

use std::collections::{HashMap, HashSet};

use super::check::{Already, Conflict, ConflictReason};
use super::{CollectionMetadata, Patch, SectionChange};
use crate::Result;
use crate::document::Path;
use crate::document::definition::{identical, identical_lists};
use crate::engine::catalog::{self, CollectionInfo};
use crate::model::{Change, CollectionId, CollectionName};
use crate::store::State;

/// The collection of a section's documents in the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// An existing collection.
    There(CollectionId),
    /// A collection that the patch creates.
    New(CollectionId),
    /// A collection that the patch drops.
    Going(CollectionId),
    /// None: the collection is already dropped, or a conflict was recorded.
    None,
}

/// The resulting collections.
#[derive(Default)]
pub(super) struct Collections {
    /// One per section of the patch.
    pub(super) targets: Vec<Target>,
    /// Changes of the catalog.
    pub(super) changes: Vec<Change>,
    pub(super) skipped: usize,
    pub(super) conflicts: Vec<Conflict>,
}

/// Applies the collection changes of a patch to a state, and finds conflicts.
pub(super) fn collections(patch: &Patch, state: &State, already: Already) -> Result<Collections> {
    let mut work = Work {
        state,
        already,
        leaving: leaving(patch),
        kept: HashMap::new(),
        dropped: vec![],
        found: Collections::default(),
    };
    for section in patch.sections() {
        let target = match section.change() {
            SectionChange::Same(name) => work.same(name),
            SectionChange::Created(metadata) => work.created(metadata),
            SectionChange::Dropped(metadata) => work.dropped(metadata),
            SectionChange::Changed { before, after } => work.changed(before, after),
        };
        work.found.targets.push(target);
    }
    work.finish()
}

/// The names that the patch takes from collections.
fn leaving(patch: &Patch) -> HashSet<&CollectionName> {
    let names = patch.sections().iter().filter_map(|section| match section.change() {
        SectionChange::Dropped(metadata) => Some(&metadata.name),
        SectionChange::Changed { before, after } if before.name != after.name => Some(&before.name),
        _ => None,
    });
    names.collect()
}

struct Work<'a> {
    state: &'a State,
    already: Already,
    leaving: HashSet<&'a CollectionName>,
    /// Created or changed collections, with their new metadata.
    kept: HashMap<CollectionId, CollectionInfo>,
    dropped: Vec<CollectionInfo>,
    found: Collections,
}

impl Work<'_> {
    fn same(&mut self, name: &CollectionName) -> Target {
        match self.state.catalog().get(name) {
            Some(info) => Target::There(info.id),
            None => self.conflict(name, "", ConflictReason::Missing),
        }
    }

    fn created(&mut self, metadata: &CollectionMetadata) -> Target {
        let catalog = self.state.catalog();
        match catalog.get(&metadata.name).filter(|_| !self.leaving.contains(&metadata.name)) {
            Some(info) if CollectionMetadata::from(&**info) == *metadata => {
                let target = Target::There(info.id);
                self.is_already(&metadata.name, "");
                target
            }
            Some(_) => self.conflict(&metadata.name, "", ConflictReason::Exists),
            None => {
                let CollectionMetadata { name, options, indexes } = metadata.clone();
                let id = catalog.new_collection(name.clone()).id;
                self.kept.insert(id, CollectionInfo { id, name, options, indexes });
                Target::New(id)
            }
        }
    }

    fn dropped(&mut self, metadata: &CollectionMetadata) -> Target {
        let Some(info) = self.state.catalog().get(&metadata.name).cloned() else {
            self.is_already(&metadata.name, "");
            return Target::None;
        };
        if !identical(&info.options, &metadata.options) {
            self.conflict(&metadata.name, "options", ConflictReason::Differs);
        }
        if !identical_lists(&info.indexes, &metadata.indexes) {
            self.conflict(&metadata.name, "indexes", ConflictReason::Differs);
        }
        let id = info.id;
        self.dropped.push((*info).clone());
        Target::Going(id)
    }

    fn changed(&mut self, before: &CollectionMetadata, after: &CollectionMetadata) -> Target {
        let catalog = self.state.catalog();
        let Some(info) = catalog.get(&before.name).or_else(|| catalog.get(&after.name)) else {
            return self.conflict(&before.name, "", ConflictReason::Missing);
        };
        let mut then = CollectionInfo { name: after.name.clone(), ..(**info).clone() };
        if !identical(&before.options, &after.options) {
            if identical(&info.options, &before.options) {
                then.options.clone_from(&after.options);
            } else if !identical(&info.options, &after.options) {
                self.conflict(&before.name, "options", ConflictReason::Differs);
            }
        }
        if !identical_lists(&before.indexes, &after.indexes) {
            if identical_lists(&info.indexes, &before.indexes) {
                then.indexes.clone_from(&after.indexes);
            } else if !identical_lists(&info.indexes, &after.indexes) {
                self.conflict(&before.name, "indexes", ConflictReason::Differs);
            }
        }
        let id = info.id;
        if then == **info {
            self.is_already(&after.name, "");
        } else {
            self.kept.insert(id, then);
        }
        Target::There(id)
    }

    /// Records a change that is already present.
    fn is_already(&mut self, name: &CollectionName, fact: &str) {
        match self.already {
            Already::Skip => self.found.skipped += 1,
            Already::Refuse => drop(self.conflict(name, fact, ConflictReason::Already)),
        }
    }

    /// Records a conflict; there are no documents to check then.
    fn conflict(&mut self, name: &CollectionName, fact: &str, reason: ConflictReason) -> Target {
        let path = Path::new(Some(fact).filter(|fact| !fact.is_empty()));
        let collection = name.clone();
        let conflict = Conflict { collection, key: None, path, reason };
        self.found.conflicts.push(conflict);
        Target::None
    }

    /// Checks that names stay unique, and creates the changes.
    fn finish(mut self) -> Result<Collections> {
        let going: HashSet<CollectionId> = self.dropped.iter().map(|info| info.id).collect();
        let untouched = self
            .state
            .collections()
            .filter(|info| !going.contains(&info.id) && !self.kept.contains_key(&info.id));
        let mut names: HashSet<CollectionName> = untouched.map(|info| info.name.clone()).collect();
        let mut kept: Vec<CollectionInfo> = std::mem::take(&mut self.kept).into_values().collect();
        kept.sort_by(|a, b| a.name.cmp(&b.name));
        for info in &kept {
            if !names.insert(info.name.clone()) {
                self.conflict(&info.name, "", ConflictReason::Exists);
            }
        }
        let gone = self.dropped.iter().map(|info| catalog::change(info, true));
        let changed = kept.iter().map(|info| catalog::change(info, false));
        self.found.changes = gone.chain(changed).collect::<Result<_>>()?;
        Ok(self.found)
    }
}
