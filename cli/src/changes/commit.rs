//! Prints what one commit changed.

use std::collections::HashMap;

use argon_core::diff::{CollectionDiff, DocumentDiff};
use argon_core::model::{Change, CollectionId, Commit};
use argon_core::{CollectionInfo, State};
use argon_service::changes::ShownCommit;

use super::{Detail, Printer, Stat};
use crate::exit::CommandResult;
use crate::output::Output;

/// Prints the commit of `branch`, for programs, and its changes, between `before` and `after`: those of collections first, then
/// those of documents in the order of the commit.
pub(crate) async fn print_commit(
    output: &Output,
    commit: Commit,
    branch: &str,
    [before, after]: [&State; 2],
    detail: Detail,
) -> CommandResult<Stat> {
    let (old, new) = (by_id(before), by_id(after));
    let mut printer = Printer::new(output, detail);
    if !output.is_table() {
        printer.commit(ShownCommit::of(&commit, branch))?;
    }
    for diff in collections(&old, &new) {
        // The documents of a collection that was created follow one by one.
        let documents = match &diff {
            CollectionDiff::Dropped(info) => Some(before.collection(&info.name)?.count().await?),
            _ => None,
        };
        printer.collection(&diff, documents)?;
    }
    for Change { collection, key, image } in commit.changes {
        if collection == CollectionId::CATALOG {
            continue;
        }
        let Some(info) = new.get(&collection).or_else(|| old.get(&collection)) else { continue };
        let earlier = match old.get(&collection) {
            Some(info) => before.collection(&info.name)?.get(&key).await?,
            None => None,
        };
        let (collection, after) = (info.name.clone(), image.into_document());
        printer.document(&DocumentDiff { collection, key, before: earlier, after })?;
    }
    printer.finish()
}

fn by_id(state: &State) -> HashMap<CollectionId, &CollectionInfo> {
    state.collections().map(|info| (info.id, info)).collect()
}

fn collections(
    old: &HashMap<CollectionId, &CollectionInfo>,
    new: &HashMap<CollectionId, &CollectionInfo>,
) -> Vec<CollectionDiff> {
    let mut found: Vec<(&CollectionInfo, CollectionDiff)> = Vec::new();
    for (id, &before) in old {
        match new.get(id) {
            None => found.push((before, CollectionDiff::Dropped(before.clone()))),
            Some(&after) if after != before => {
                let (before, now) = (before.clone(), after.clone());
                found.push((after, CollectionDiff::Changed { before, after: now }));
            }
            Some(_) => {}
        }
    }
    let created = new.iter().filter(|(id, _)| !old.contains_key(id));
    found.extend(created.map(|(_, &after)| (after, CollectionDiff::Created(after.clone()))));
    found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    found.into_iter().map(|(_, diff)| diff).collect()
}
