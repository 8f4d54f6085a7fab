//! Prints what differs between two states.

use argon_core::State;
use argon_core::diff::{CollectionDiff, Diff};
use futures::TryStreamExt;

use super::{Detail, Printer, Stat};
use crate::exit::CommandResult;
use crate::output::Output;

/// Prints a diff of `before` and `after`, collection by collection: what differs of the collection
/// itself, then its documents. Those of a collection that is in one state only are counted, or
/// printed where the detail asks for all.
pub(crate) async fn print_diff(
    output: &Output,
    diff: &Diff,
    [before, after]: [&State; 2],
    detail: Detail,
) -> CommandResult<Stat> {
    let mut printer = Printer::new(output, detail);
    for section in diff.sections() {
        let facts = section.metadata();
        let whole = section.before.is_none() || section.after.is_none();
        if let Some(facts) = &facts {
            let counted = !detail.is_complete();
            let documents = if counted { documents_of(facts, before, after).await? } else { None };
            printer.collection(facts, documents)?;
        }
        if whole && !detail.is_complete() {
            continue;
        }
        let mut documents = diff.documents_of(&section);
        while let Some(document) = documents.try_next().await? {
            printer.document(&document)?;
        }
    }
    printer.finish()
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
