//! Prints what a plan would change.

use argon_core::State;
use argon_core::diff::CollectionDiff;
use argon_core::plan::MergeResult;
use argon_formats::extjson::Mode;
use futures::TryStreamExt;

use super::print::{changed_document, collection_json};
use super::{Detail, Printer, Stat};
use crate::exit::CommandResult;
use crate::output::{Json, Output};

/// Prints the changes that a plan makes to `before`: those of collections first, then those of
/// documents by collection and `_id`.
pub(crate) async fn print_merge_result(
    output: &Output,
    result: &MergeResult,
    before: &State,
    detail: Detail,
) -> CommandResult<Stat> {
    let mut printer = Printer::new(output, detail);
    for diff in result.collections() {
        printer.collection(&diff, gone_with(&diff, before).await?)?;
    }
    let mut documents = result.documents();
    while let Some(document) = documents.try_next().await? {
        printer.document(&document)?;
    }
    printer.finish()
}

/// The same for programs, as `argon diff` has it. O(changes), as the plan itself is.
pub(crate) async fn merge_result_json(
    result: &MergeResult,
    before: &State,
    mode: Mode,
) -> CommandResult<Json> {
    let mut changes = Vec::new();
    for diff in result.collections() {
        changes.push(collection_json(&diff, gone_with(&diff, before).await?)?);
    }
    let mut documents = result.documents();
    while let Some(document) = documents.try_next().await? {
        changes.push(changed_document(&document, mode)?);
    }
    Ok(Json::Array(changes))
}

/// How many documents go with a collection that is dropped. Those of one that is made are listed one
/// by one.
async fn gone_with(diff: &CollectionDiff, before: &State) -> CommandResult<Option<u64>> {
    Ok(match diff {
        CollectionDiff::Dropped(info) => Some(before.collection(&info.name)?.count().await?),
        CollectionDiff::Created(_) | CollectionDiff::Changed { .. } => None,
    })
}
