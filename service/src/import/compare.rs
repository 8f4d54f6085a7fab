//! What is stored of the documents of a batch.

use std::collections::{HashMap, HashSet};

use argon_core::key::Key;
use argon_core::model::{CollectionName, Document};
use argon_core::{Result, State};

use super::reader::Entry;

/// How a document stands to the one that is stored under its `_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is none.
    New,
    /// It is the same to the last byte.
    Equal,
    /// It differs.
    Changed,
}

/// How the documents of a batch stand, in their order. One lookup for all of them.
pub(super) async fn standings(
    state: &State,
    collection: &CollectionName,
    entries: &[Entry],
) -> Result<Vec<Standing>> {
    if state.collections().all(|info| info.name != *collection) {
        return Ok(vec![Standing::New; entries.len()]);
    }
    let mut keys: Vec<Key> = entries.iter().map(|entry| entry.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    let found = state.collection(collection)?.get_many(keys.clone()).await?;
    let stored: HashMap<Key, Option<Document>> = keys.into_iter().zip(found).collect();
    let standing = |entry: &Entry| match stored.get(&entry.key) {
        Some(Some(stored)) if stored.as_bytes() == entry.document.as_bytes() => Standing::Equal,
        Some(Some(_)) => Standing::Changed,
        _ => Standing::New,
    };
    Ok(entries.iter().map(standing).collect())
}

/// The last document of each `_id`: the one that counts if all are written.
pub(super) fn last_of_each(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = HashSet::with_capacity(entries.len());
    let mut last: Vec<Entry> =
        entries.into_iter().rev().filter(|entry| seen.insert(entry.key.clone())).collect();
    last.reverse();
    last
}
