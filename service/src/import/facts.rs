//! A collection's options and indexes as a dump has them.

use argon_core::model::CollectionName;
use argon_core::write::CollectionChange;
use argon_core::{CollectionInfo, Error};
use argon_formats::Metadata;

use crate::{Failure, Hint, Result};

use super::plan::Item;
use super::{OnDuplicate, definitions};

/// What is to be changed of the collection before the first document is written; `present` is how
/// it is now, if it is there.
///
/// # Errors
/// `AlreadyExists` if it is there with other options or indexes, and nobody said what to do then.
pub(super) fn changes(
    item: &Item,
    present: Option<&CollectionInfo>,
    on_duplicate: OnDuplicate,
    drop: bool,
) -> Result<Vec<CollectionChange>> {
    let name = item.collection.clone();
    let Some(present) = present.filter(|_| !drop) else {
        let dropped = present.map(|_| CollectionChange::Drop { name: name.clone() });
        let mut changes = Vec::from_iter(dropped);
        changes.push(CollectionChange::Create { name: name.clone() });
        if let Some(metadata) = &item.metadata {
            changes.extend(set(&name, metadata));
        }
        return Ok(changes);
    };
    let Some(metadata) = &item.metadata else { return Ok(Vec::new()) };
    let differences = definitions::differences(present, metadata);
    if differences.is_empty() {
        return Ok(Vec::new());
    }
    match on_duplicate {
        OnDuplicate::Skip => Ok(Vec::new()),
        OnDuplicate::Replace => Ok(set(&name, metadata).into()),
        OnDuplicate::Error => {
            let error = Error::already_exists(format!(
                "collection '{name}' is there already, with other options or indexes than in the \
                 dump ({})",
                differences.join("; ")
            ));
            Err(Failure::from(error).hint(Hint::DefinitionsDiffer))
        }
    }
}

/// The names of the indexes that changes take from a collection: those of the store that the dump does not
/// have, or has with another meaning. The one of `_id` stays.
pub(super) fn dropped(
    present: Option<&CollectionInfo>,
    changes: &[CollectionChange],
) -> Vec<String> {
    let Some(present) = present else { return Vec::new() };
    let mut kept = None;
    for change in changes {
        match change {
            CollectionChange::Drop { .. } => kept = Some(Vec::new()),
            CollectionChange::SetIndexes { indexes, .. } => kept = Some(indexes.clone()),
            _ => {}
        }
    }
    let Some(kept) = kept else { return Vec::new() };
    definitions::missing(&present.indexes, &kept)
}

fn set(name: &CollectionName, metadata: &Metadata) -> [CollectionChange; 2] {
    let (name, options) = (name.clone(), metadata.options.clone());
    let indexes = metadata.indexes.iter().map(definitions::normalised).collect();
    [
        CollectionChange::SetOptions { name: name.clone(), options },
        CollectionChange::SetIndexes { name, indexes },
    ]
}
