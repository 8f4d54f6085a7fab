//! The decisions on the conflicts of a plan.

use std::collections::BTreeMap;

use bson::Bson;
use serde::{Deserialize, Deserializer, Serialize};

use crate::document::key::Key;
use crate::history::merge::Resolutions;
use crate::model::CollectionName;
use crate::{Error, Result};

/// Decisions by collection and document; those without a key concern a collection itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions(BTreeMap<(CollectionName, Option<Key>), Resolutions>);

/// The decisions on one document, in a plan's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DecisionRecord {
    collection: CollectionName,
    /// Absent for the collection itself; `null` is an `_id` too.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    id: Option<Bson>,
    decisions: Resolutions,
}

fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Bson>, D::Error> {
    Bson::deserialize(input).map(Some)
}

static NONE: Resolutions = Resolutions::NONE;

impl Decisions {
    /// The decisions on a document.
    pub fn of(&self, collection: &CollectionName, key: Option<&Key>) -> &Resolutions {
        self.0.get(&(collection.clone(), key.cloned())).unwrap_or(&NONE)
    }

    /// The decisions on a document, for changes.
    pub fn entry(&mut self, collection: CollectionName, key: Option<Key>) -> &mut Resolutions {
        self.0.entry((collection, key)).or_default()
    }

    /// The number of decisions.
    pub fn len(&self) -> usize {
        self.0.values().map(Resolutions::len).sum()
    }

    /// Whether there are no decisions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops the decisions on a document.
    pub(super) fn remove(&mut self, collection: &CollectionName, key: Option<&Key>) {
        self.0.remove(&(collection.clone(), key.cloned()));
    }

    /// Drops the decisions on documents for which `keep` returns false.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&CollectionName, Option<&Key>) -> bool) {
        self.0.retain(|(collection, key), _| keep(collection, key.as_ref()));
    }

    /// The decisions, by collection and document.
    pub fn iter(&self) -> impl Iterator<Item = (&CollectionName, Option<&Key>, &Resolutions)> {
        self.0.iter().map(|((collection, key), found)| (collection, key.as_ref(), found))
    }

    pub(super) fn to_records(&self) -> Vec<DecisionRecord> {
        self.iter()
            .map(|(collection, key, decisions)| DecisionRecord {
                collection: collection.clone(),
                id: key.map(Key::to_bson),
                decisions: decisions.clone(),
            })
            .collect()
    }

    pub(super) fn from_records(records: Vec<DecisionRecord>) -> Result<Self> {
        let entries = records.into_iter().map(|record| {
            let key = record.id.as_ref().map(Key::of).transpose().map_err(|source| {
                Error::corrupt("malformed plan: a decision has an invalid _id").with_source(source)
            })?;
            Ok(((record.collection, key), record.decisions))
        });
        Ok(Self(entries.collect::<Result<_>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Path;
    use crate::history::merge::Choice;

    #[test]
    fn a_decision_on_the_document_with_the_id_null_is_not_one_on_the_collection() {
        let collection = CollectionName::new("c").unwrap();
        let mut decisions = Decisions::default();
        for key in [None, Some(Key::of(&Bson::Null).unwrap())] {
            decisions.entry(collection.clone(), key).insert(Path::DOCUMENT, Choice::Ours);
        }
        let records = bson::serialize_to_bson(&decisions.to_records()).unwrap();
        let records = bson::deserialize_from_bson(records).unwrap();
        assert_eq!(Decisions::from_records(records).unwrap(), decisions);
    }
}
