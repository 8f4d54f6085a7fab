//! Commits the result of a plan.

use crate::engine::write::{Enforced, Outcome, Receipt};
use crate::history::plan::record::SourceRecord;
use crate::history::plan::result::MergeResult;
use crate::history::plan::source::Source;
use crate::model::{Actor, Message};
use crate::store::Branch;
use crate::{Error, Result};

/// Commits a result in one commit if the branch is still at the state for which it was computed;
/// `None` if it has moved. `plan` is the plan's identifier, empty for a plan that was never saved.
///
/// # Errors
/// `Conflict` if unresolved conflicts remain; the errors of [`Branch::commit`].
pub(super) async fn commit(
    branch: &Branch,
    source: &Source,
    result: &MergeResult,
    plan: &str,
    actor: &Actor,
    message: &Message,
) -> Result<Option<Receipt>> {
    if !result.conflicts.is_empty() {
        return Err(Error::conflict(format!(
            "{} conflicts remain to be decided in {} documents",
            result.counts.conflicts,
            result.conflicts.len()
        )));
    }
    let mut request = branch.request_as(Some(actor.clone()));
    request.set_message(match message.as_str() {
        "" => Message::new(SourceRecord::of(source)?.describe())?,
        _ => message.clone(),
    });
    request.set_origin(source.origin(plan).await?);
    request.set_after(result.ours.last().await?.digest);
    // The policy of the plan says whether validators count, and its checks have looked.
    request.set_enforced(Enforced::Unique);
    for change in result.changes() {
        request.push_exact(change)?;
    }
    match branch.commit(request).await? {
        Outcome::Moved { .. } => Ok(None),
        outcome => outcome.committed().map(Some),
    }
}
