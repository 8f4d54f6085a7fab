//! Prints what differs between two states.

use argon_core::State;
use argon_core::diff::{CollectionDiff, Diff, DocumentDiff};
use argon_core::model::CollectionName;
use futures::TryStreamExt;

use super::{Detail, Printer, Stat};
use crate::exit::CommandResult;
use crate::output::Output;

/// Prints a diff of `before` and `after`, collection by collection: what differs of the collection
/// itself, then its documents.
pub(crate) async fn print_diff(
    output: &Output,
    diff: &Diff,
    [before, after]: [&State; 2],
    detail: Detail,
) -> CommandResult<Stat> {
    let mut printer = Printer::new(output, detail);
    let mut collections = diff.collections.iter().peekable();
    let mut documents = diff.documents();
    loop {
        let document: Option<DocumentDiff> = documents.try_next().await?;
        let upto = document.as_ref().map(|document| &document.collection);
        while let Some(next) =
            collections.next_if(|next| upto.is_none_or(|upto| name_of(next) <= upto))
        {
            printer.collection(next, documents_of(next, before, after).await?)?;
        }
        match document {
            Some(document) => printer.document(&document)?,
            None => return printer.finish(),
        }
    }
}

fn name_of(diff: &CollectionDiff) -> &CollectionName {
    match diff {
        CollectionDiff::Created(info) | CollectionDiff::Dropped(info) => &info.name,
        CollectionDiff::Changed { after, .. } => &after.name,
    }
}

/// How many documents came or went with the collection.
async fn documents_of(
    diff: &CollectionDiff,
    before: &State,
    after: &State,
) -> CommandResult<Option<u64>> {
    Ok(match diff {
        CollectionDiff::Created(info) => Some(after.collection(&info.name)?.count().await?),
        CollectionDiff::Dropped(info) => Some(before.collection(&info.name)?.count().await?),
        CollectionDiff::Changed { .. } => None,
    })
}
