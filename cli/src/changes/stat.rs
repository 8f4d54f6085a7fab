//! How much differs, in numbers.

use std::collections::BTreeMap;

use argon_core::diff::{CollectionDiff, DocumentDiff};
use argon_core::model::CollectionName;
use argon_service::changes::{self, Shown};
use serde::{Serialize, Serializer};

use crate::output::{Cells, count, grouped};

/// The numbers of each collection that differs.
#[derive(Debug, Default)]
pub(crate) struct Stat {
    collections: BTreeMap<CollectionName, Numbers>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Numbers {
    added: u64,
    changed: u64,
    removed: u64,
    /// What happened to the collection itself.
    facts: &'static str,
}

/// A collection's line.
pub(crate) struct StatRow<'a> {
    collection: &'a CollectionName,
    numbers: Numbers,
}

impl Stat {
    pub(crate) const COLUMNS: &'static [&'static str] =
        &["COLLECTION", "ADDED", "CHANGED", "REMOVED", ""];

    pub(super) fn collection(&mut self, diff: &CollectionDiff, documents: u64) {
        let (info, facts) = match diff {
            CollectionDiff::Created(info) => (info, "created"),
            CollectionDiff::Dropped(info) => (info, "dropped"),
            CollectionDiff::Changed { before, after } if before.name != after.name => {
                (after, "renamed")
            }
            CollectionDiff::Changed { after, .. } => (after, "options or indexes"),
        };
        let numbers = self.collections.entry(info.name.clone()).or_default();
        numbers.facts = facts;
        match diff {
            CollectionDiff::Created(_) => numbers.added += documents,
            CollectionDiff::Dropped(_) => numbers.removed += documents,
            CollectionDiff::Changed { .. } => {}
        }
    }

    pub(super) fn document(&mut self, diff: &DocumentDiff) {
        let numbers = self.collections.entry(diff.collection.clone()).or_default();
        match (&diff.before, &diff.after) {
            (None, Some(_)) => numbers.added += 1,
            (_, None) => numbers.removed += 1,
            (Some(_), Some(_)) => numbers.changed += 1,
        }
    }

    /// Whether nothing differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.collections.is_empty()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = StatRow<'_>> {
        self.collections
            .iter()
            .map(|(collection, numbers)| StatRow { collection, numbers: *numbers })
    }

    /// All in one line.
    pub(crate) fn summary(&self) -> String {
        let total =
            |number: fn(&Numbers) -> u64| grouped(self.collections.values().map(number).sum());
        format!(
            "{} added, {} changed, {} removed in {}",
            total(|numbers| numbers.added),
            total(|numbers| numbers.changed),
            total(|numbers| numbers.removed),
            count(self.collections.len() as u64, "collection")
        )
    }
}

impl Serialize for StatRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Numbers { added, changed, removed, facts } = self.numbers;
        let numbers = changes::Numbers {
            collection: self.collection.to_string(),
            added,
            changed,
            removed,
            collection_change: Some(facts.to_owned()).filter(|facts| !facts.is_empty()),
        };
        Shown::Numbers(numbers).serialize(serializer)
    }
}

impl Cells for StatRow<'_> {
    fn cells(&self) -> Vec<String> {
        let Numbers { added, changed, removed, facts } = self.numbers;
        vec![
            self.collection.to_string(),
            added.to_string(),
            changed.to_string(),
            removed.to_string(),
            facts.to_owned(),
        ]
    }
}
