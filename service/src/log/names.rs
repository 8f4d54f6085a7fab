//! The names of collections that commits changed.

use std::collections::{BTreeMap, HashMap};

use argon_core::key::Key;
use argon_core::model::{CollectionId, Commit, Lsn, Touched};
use argon_core::{ErrorKind, Result, State};
use bson::Bson;

use crate::json::ChangedCollection;

/// Names collections as they are called in a state, or, if they are not there any more, as they
/// were called when a commit changed them.
pub(super) struct CollectionNames {
    state: State,
    known: HashMap<CollectionId, String>,
}

impl CollectionNames {
    /// The names in `state`.
    pub(super) fn new(state: &State) -> Self {
        let mut names = Self { state: state.clone(), known: HashMap::new() };
        names.adopt(state);
        names
    }

    /// The name of a collection, if it is known by now.
    pub(super) fn known(&self, id: CollectionId) -> Option<&str> {
        self.known.get(&id).map(String::as_str)
    }

    fn adopt(&mut self, state: &State) {
        for info in state.collections() {
            self.known.entry(info.id).or_insert_with(|| info.name.to_string());
        }
    }

    /// Takes up the names of an earlier state, unless it was collected.
    async fn take_up_at(&mut self, lsn: Lsn) -> Result<()> {
        match self.state.at(lsn).await {
            Ok(state) => self.adopt(&state),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The collections that a commit changed, and how many documents of each.
    pub(super) async fn changed_by(
        &mut self,
        commit: &Commit<Touched>,
    ) -> Result<Vec<ChangedCollection>> {
        let mut documents: BTreeMap<CollectionId, u64> = BTreeMap::new();
        for change in &commit.changes {
            match change.collection {
                CollectionId::CATALOG => {
                    documents.extend(described(&change.key).map(|collection| (collection, 0)));
                }
                collection => *documents.entry(collection).or_default() += 1,
            }
        }
        if documents.keys().any(|collection| !self.known.contains_key(collection)) {
            self.take_up_at(commit.meta.lsn).await?;
            // One that this commit dropped has its name before it only.
            if let Some(before) = commit.meta.lsn.back(1) {
                self.take_up_at(before).await?;
            }
        }
        let mut named: Vec<ChangedCollection> = documents
            .into_iter()
            .map(|(collection, documents)| {
                let name = self.known.get(&collection).cloned();
                let collection = name.unwrap_or_else(|| collection.to_string());
                ChangedCollection { collection, documents }
            })
            .collect();
        named.sort_by(|one, other| one.collection.cmp(&other.collection));
        Ok(named)
    }
}

/// The collection whose metadata a document of the catalog holds: its `_id` is the collection's number.
fn described(key: &Key) -> Option<CollectionId> {
    match key.to_bson() {
        Bson::Int64(number) => u64::try_from(number).ok().map(CollectionId::new),
        Bson::Int32(number) => u64::try_from(number).ok().map(CollectionId::new),
        _ => None,
    }
}
