//! Which document of a refused batch was there already.

use argon_core::key::Key;
use argon_core::write::Conflict;
use argon_core::{Branch, Error, Result};
use argon_formats::BadRecord;

use super::plan::Item;
use super::reader::Entry;
use crate::Failure;

/// The place in the batch of the document whose `_id` was there already: in the store, or earlier
/// in the batch.
pub(super) async fn find(
    branch: &Branch,
    item: &Item,
    entries: &[Entry],
    key: &Key,
) -> Result<Option<usize>> {
    let mut places = entries.iter().enumerate().filter(|(_, entry)| entry.key == *key);
    let (first, second) = (places.next(), places.next());
    let stored = branch.collection(&item.collection).get(key).await?.is_some();
    Ok(if stored { first } else { second }.map(|(place, _)| place))
}

/// The refusal of a document, with the place where it stands in its file.
pub(super) fn failure(item: &Item, duplicate: Option<&Entry>, conflict: &Conflict) -> Failure {
    let place = duplicate.map(|entry| BadRecord {
        path: item.input.source().into(),
        position: entry.position,
        reason: conflict.to_string(),
        resumable: true,
    });
    let context = place.map_or_else(|| conflict.to_string(), |place| place.to_string());
    Error::already_exists(context).into()
}
