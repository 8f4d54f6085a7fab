//! Which document of a refused batch was there already.

use argon_core::key::Key;
use argon_core::{Branch, Result};

use super::plan::Item;
use super::reader::Entry;

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
