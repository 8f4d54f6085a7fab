//! Finds documents by the values at a path, for `$lookup` and `$graphLookup`.

use argon_core::document::{FieldKind, Index};
use bson::Bson;

use super::candidate::{beginning, limited, merged};
use super::interval::encoded;
use super::{Direction, IndexScan, Plan, ReadableIndex};

/// Returns the plan that reads the documents which have one of the values at a path, or an array
/// with one of them; `None` if there is no index on the path that has all documents, or a value is an
/// array, which indexes have by its elements only. The values are given by their keys.
pub(crate) fn lookup<'k>(
    indexes: &[ReadableIndex],
    path: &str,
    keys: impl Iterator<Item = &'k [u8]>,
) -> Option<Plan> {
    let usable =
        indexes.iter().enumerate().filter(|(_, readable)| is_usable(&readable.index, path));
    let (at, readable) = usable.min_by_key(|(_, readable)| readable.index.fields().len())?;
    let index = readable.index.clone();
    let descending = index.fields()[0].kind() == FieldKind::Descending;
    let array = encoded(&Bson::Array(Vec::new()))?;
    let mut ranges = Vec::new();
    for key in keys {
        if key.first() == array.first() {
            return None;
        }
        let inverted = |byte: &u8| if descending { !byte } else { *byte };
        ranges.push(limited(beginning(&key.iter().map(inverted).collect::<Vec<u8>>())));
    }
    Some(Plan::IndexScan(IndexScan {
        at,
        index,
        multikey: readable.multikey,
        bounds: Vec::new(),
        ranges: merged(ranges),
        direction: Direction::Ascending,
        provides_sort: false,
        covers_filter: false,
    }))
}

/// Whether an index has all documents, in the order of the values at a path.
fn is_usable(index: &Index, path: &str) -> bool {
    let first = &index.fields()[0];
    first.path() == path
        && first.kind().is_ordered()
        && !index.is_hidden()
        && !index.is_sparse()
        && index.filter().is_none()
        // A hashed field leaves out documents with arrays.
        && index.fields().iter().all(|field| field.kind().is_ordered())
}
