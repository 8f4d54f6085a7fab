//! Writers of one document take turns.
//!
//! A change of a document is repeated if others change it meanwhile. Many clients that change one document
//! would repeat theirs again and again, so those of this server wait for each other instead. Commits of
//! different documents still share their way to the disk.

use std::hash::{DefaultHasher, Hash, Hasher};

use argon_core::Branch;
use argon_core::model::CollectionName;
use argon_query::find::Access;
use bson::Document;
use tokio::sync::{Mutex, MutexGuard};

/// How many documents can be waited for, at most. Several documents may share a place.
const PLACES: usize = 256;

/// The places in which writers wait.
pub(crate) struct Turns(Vec<Mutex<()>>);

/// A turn, until it is dropped.
pub(crate) type Turn<'t> = MutexGuard<'t, ()>;

impl Turns {
    pub(crate) fn new() -> Self {
        Self((0..PLACES).map(|_| Mutex::default()).collect())
    }

    /// Waits for the turn to change the one document that a filter names by its `_id`; `None` if it names none.
    pub(crate) async fn of_document(
        &self,
        branch: &Branch,
        collection: &CollectionName,
        filter: &Document,
    ) -> Option<Turn<'_>> {
        match Access::of(filter, None) {
            Access::Points(keys) if keys.len() == 1 => {
                Some(self.turn(branch, collection, Some(&keys[0])).await)
            }
            _ => None,
        }
    }

    /// Waits for the turn to change documents of a collection that are found by something else.
    pub(crate) async fn of_collection(
        &self,
        branch: &Branch,
        collection: &CollectionName,
    ) -> Turn<'_> {
        self.turn(branch, collection, None::<&()>).await
    }

    async fn turn(
        &self,
        branch: &Branch,
        collection: &CollectionName,
        what: Option<&impl Hash>,
    ) -> Turn<'_> {
        let mut hasher = DefaultHasher::new();
        branch.project().name().hash(&mut hasher);
        branch.name().hash(&mut hasher);
        collection.hash(&mut hasher);
        what.hash(&mut hasher);
        let place = hasher.finish() % PLACES as u64;
        self.0[usize::try_from(place).unwrap_or(0)].lock().await
    }
}
