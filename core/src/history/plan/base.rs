//! The merge base.

use bson::{RawBson, RawBsonRef};

use crate::Result;
use crate::document::Path;
use crate::document::key::Key;
use crate::engine::catalog::Catalog;
use crate::history::diff::{Touch, checked_versions};
use crate::history::merge::{
    Choice, FieldConflict, Merged, Policy, Resolutions, Versions, merge_definition, merge_document,
};
use crate::model::{CollectionId, Document};
use crate::store::State;

/// The state with which both sides of a merge are compared.
#[derive(Debug, Clone)]
pub(super) enum Base {
    /// The sides have no common history.
    Empty,
    /// A state.
    State(State),
    /// The result of merging several states, none of which descends from another, like git's
    /// "recursive" strategy.
    Merged(Box<MergedBase>),
}

/// The merge of two bases. Where they conflict, and no strategy combines the values, the base has
/// the value that neither side of the merge has: so there is a conflict unless both sides agree.
#[derive(Debug, Clone)]
pub(super) struct MergedBase {
    first: Base,
    second: State,
    parting: Base,
}

impl Base {
    /// Merges the best common ancestors to one base.
    pub(super) async fn of(states: Vec<State>) -> Result<Self> {
        let mut states = states.into_iter();
        let Some(first) = states.next() else { return Ok(Self::Empty) };
        let mut base = Self::State(first.clone());
        for second in states {
            let fork = first.view().at(first.view().common_lsn(second.view()));
            let parting = match fork.point() {
                Some(_) => Self::State(State::of(first.shared().clone(), fork, None).await?),
                None => Self::Empty,
            };
            base = Self::Merged(Box::new(MergedBase { first: base, second, parting }));
        }
        Ok(base)
    }

    /// All states of the base.
    pub(super) fn states(&self) -> Vec<State> {
        match self {
            Self::Empty => Vec::new(),
            Self::State(state) => vec![state.clone()],
            Self::Merged(merged) => {
                let mut states = merged.first.states();
                states.push(merged.second.clone());
                states
            }
        }
    }

    /// Returns the documents of a collection with these keys, in ascending order, regardless of the
    /// sides.
    pub(super) async fn alone(
        &self,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<Document>>> {
        let policy = Policy::default();
        let seen = MergeSides { policy: &policy, collection: "", ours: &[], theirs: &[] };
        self.get_many(collection, keys, &seen).await
    }

    /// Returns the documents of a collection with these keys, in ascending order, as the base for
    /// the sides of the merge.
    pub(super) async fn get_many(
        &self,
        collection: CollectionId,
        keys: &[Key],
        seen: &MergeSides<'_>,
    ) -> Result<Vec<Option<Document>>> {
        match self {
            Self::Empty => Ok(vec![None; keys.len()]),
            Self::State(state) => documents(state, collection, keys).await,
            Self::Merged(merged) => merged.get_many(collection, keys, seen).await,
        }
    }
}

/// The sides that are compared with the base.
pub(super) struct MergeSides<'a> {
    /// The strategies that also apply to the base, as far as they are
    /// [symmetric](Policy::symmetric), so that the base includes what they add to one side.
    pub(super) policy: &'a Policy,
    /// The name of the collection.
    pub(super) collection: &'a str,
    /// The documents of the two sides, in the order of the keys.
    pub(super) ours: &'a [Option<Document>],
    pub(super) theirs: &'a [Option<Document>],
}

impl MergedBase {
    async fn get_many(
        &self,
        collection: CollectionId,
        keys: &[Key],
        seen: &MergeSides<'_>,
    ) -> Result<Vec<Option<Document>>> {
        let first = Box::pin(self.first.get_many(collection, keys, seen)).await?;
        let second = documents(&self.second, collection, keys).await?;
        if first == second {
            return Ok(first);
        }
        let parting = Box::pin(self.parting.get_many(collection, keys, seen)).await?;
        let policy = seen.policy.symmetric();
        let mut merged = Vec::with_capacity(keys.len());
        for (at, parting) in parting.iter().enumerate() {
            let versions = Versions {
                base: parting.as_ref().map(Document::as_raw),
                ours: first[at].as_ref().map(Document::as_raw),
                theirs: second[at].as_ref().map(Document::as_raw),
                times: None,
            };
            let sides = [seen.ours, seen.theirs].map(|side| side.get(at).and_then(Option::as_ref));
            let merge = |decided: &Resolutions| match collection {
                CollectionId::CATALOG => merge_definition(&versions, None, decided),
                _ => merge_document(seen.collection, &versions, &policy, decided),
            };
            merged.push(one_base(merge, sides)?);
        }
        Ok(merged)
    }
}

/// Merges the versions of one document in two bases, for the document on the two sides of the
/// merge.
fn one_base(
    merge: impl Fn(&Resolutions) -> Result<Merged>,
    sides: [Option<&Document>; 2],
) -> Result<Option<Document>> {
    let merged = merge(&Resolutions::NONE)?;
    if merged.conflicts.is_empty() {
        return Ok(merged.document);
    }
    let unlike_both = merged.conflicts.into_iter().map(|conflict| {
        let choice = unlike_both(&conflict, &sides.map(|side| value_at(side, &conflict.path)));
        (conflict.path, choice)
    });
    let decided: Resolutions = unlike_both.collect();
    Ok(merge(&decided)?.document)
}

/// Returns which of the three values, all of which differ, neither side has.
fn unlike_both(conflict: &FieldConflict, sides: &[Option<RawBson>; 2]) -> Choice {
    if !sides.contains(&conflict.base) {
        Choice::Base
    } else if !sides.contains(&conflict.ours) {
        Choice::Ours
    } else {
        Choice::Theirs
    }
}

/// The value at a path; `None` in an array, because an element's path is not a name there.
fn value_at(document: Option<&Document>, path: &Path) -> Option<RawBson> {
    let mut value = RawBsonRef::Document(document?.as_raw());
    for name in path.names() {
        value = value.as_document()?.get(name).ok()??;
    }
    Some(value.into())
}

/// Returns documents of a state; none of a collection that does not exist or was dropped.
pub(super) async fn documents(
    state: &State,
    collection: CollectionId,
    keys: &[Key],
) -> Result<Vec<Option<Document>>> {
    if !is_there(state.catalog(), collection) {
        return Ok(vec![None; keys.len()]);
    }
    let found = state.materialize().get_many(state.view(), collection, keys.to_vec()).await?;
    Ok(found.into_iter().map(|found| found.map(|version| version.document)).collect())
}

/// Like [`documents`], for documents that commits touched last, as given.
///
/// # Errors
/// `Corrupt` if one differs from the version that its commit wrote.
pub(super) async fn touched_documents<'a>(
    state: &State,
    collection: CollectionId,
    documents: impl Iterator<Item = (&'a Key, Option<Touch>)> + Clone,
) -> Result<Vec<Option<Document>>> {
    if !is_there(state.catalog(), collection) {
        return Ok(vec![None; documents.count()]);
    }
    let found = checked_versions(state, collection, documents).await?;
    Ok(found.into_iter().map(|found| found.map(|version| version.document)).collect())
}

/// Returns whether a collection can have documents: it is the catalog, or listed in it.
pub(super) fn is_there(catalog: &Catalog, collection: CollectionId) -> bool {
    collection == CollectionId::CATALOG || catalog.by_id(collection).is_some()
}
