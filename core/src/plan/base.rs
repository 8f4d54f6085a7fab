//! What two sides had in common before they parted.

use crate::catalog::Catalog;
use crate::key::Key;
use crate::merge::{Policy, Resolutions, Versions, merge_document};
use crate::model::{CollectionId, Document};
use crate::{Result, State};

/// The state with which both sides of a merge are compared.
#[derive(Debug, Clone)]
pub(super) enum Base {
    /// They have nothing in common.
    Empty,
    /// A state.
    State(State),
    /// Several states, none of which descends from another: what merging them gives, as git's
    /// "recursive" strategy has it.
    Merged(Box<MergedBase>),
}

/// The merge of two bases. A document in which they contradict each other counts as it was where they
/// part: then it differs on both sides, and is not taken from either unseen.
#[derive(Debug, Clone)]
pub(super) struct MergedBase {
    first: Base,
    second: State,
    parting: Base,
}

impl Base {
    /// The base that the best common ancestors make together.
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

    /// All states that it is made of.
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

    /// The documents of a collection with these keys, in ascending order.
    pub(super) async fn get_many(
        &self,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<Document>>> {
        match self {
            Self::Empty => Ok(vec![None; keys.len()]),
            Self::State(state) => documents(state, collection, keys).await,
            Self::Merged(merged) => merged.get_many(collection, keys).await,
        }
    }
}

impl MergedBase {
    async fn get_many(
        &self,
        collection: CollectionId,
        keys: &[Key],
    ) -> Result<Vec<Option<Document>>> {
        let first = Box::pin(self.first.get_many(collection, keys)).await?;
        let second = documents(&self.second, collection, keys).await?;
        if first == second {
            return Ok(first);
        }
        let parting = Box::pin(self.parting.get_many(collection, keys)).await?;
        let sides = parting.into_iter().zip(first.into_iter().zip(second));
        sides
            .map(|(parting, (first, second))| merged(parting, first.as_ref(), second.as_ref()))
            .collect()
    }
}

fn merged(
    parting: Option<Document>,
    first: Option<&Document>,
    second: Option<&Document>,
) -> Result<Option<Document>> {
    let versions = Versions {
        base: parting.as_ref().map(Document::as_raw),
        ours: first.map(Document::as_raw),
        theirs: second.map(Document::as_raw),
        times: None,
    };
    let merged = merge_document("", &versions, &Policy::default(), &Resolutions::NONE)?;
    Ok(if merged.conflicts.is_empty() { merged.document } else { parting })
}

/// Documents of a state; none of a collection that is not there or was dropped.
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

/// Whether a collection has documents: it is the catalog, or in it.
pub(super) fn is_there(catalog: &Catalog, collection: CollectionId) -> bool {
    collection == CollectionId::CATALOG || catalog.by_id(collection).is_some()
}
