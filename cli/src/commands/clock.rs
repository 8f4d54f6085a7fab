//! Whether the clock of this machine may decide what is old in a store that has no other.

use std::time::Duration;

use argon_core::gc::{self, Options};
use argon_core::sandbox::{self, Outcome};
use argon_core::{Error, Project, Result, Store};
use argon_service::duration::duration_text;
use bson::DateTime;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output;

/// How long nothing may have happened in the store, beyond the time for which things are kept, before
/// somebody has to say that the clock is right.
const FAR: Duration = Duration::from_hours(30 * 24);

/// Refuses a collection if the newest commit of the whole store is so old that a clock that is far
/// ahead is as likely as a store that nobody used, and the collection would remove something. The
/// clock of a server needs no such check: it is that of the server.
pub(super) async fn check_collection(
    context: &Context,
    store: &Store,
    options: &Options,
) -> CommandResult {
    if options.dry_run || store.capabilities().shared {
        return Ok(());
    }
    let (now, newest) = (context.environment.now(), newest(store).await?);
    let idle = now.saturating_duration_since(newest);
    if idle <= options.retention.saturating_add(FAR) {
        return Ok(());
    }
    let report = gc::collect(store, &Options { dry_run: true, ..*options }).await?;
    if report.refs.is_empty() && report.freed.versions == 0 && report.freed.commits == 0 {
        return Ok(());
    }
    Err(refusal(now, newest, "what is young would be removed"))
}

/// Refuses likewise to sweep sandboxes whose time has been over for as long.
pub(super) async fn check_sweep(
    context: &Context,
    store: &Store,
    project: &Project,
) -> CommandResult {
    if store.capabilities().shared {
        return Ok(());
    }
    let due = sandbox::sweep(project, true).await?.into_iter();
    let due = due.filter(|swept| swept.outcome == Outcome::Due).map(|swept| swept.ended);
    let Some(ended) = due.max() else { return Ok(()) };
    let (now, newest) = (context.environment.now(), newest(store).await?);
    if now.saturating_duration_since(newest.max(ended)) <= FAR {
        return Ok(());
    }
    Err(refusal(now, newest, "sandboxes that are in use would be removed"))
}

fn refusal(now: DateTime, newest: DateTime, consequence: &str) -> Failure {
    let error = Error::invalid(format!(
        "this machine's clock shows {}, {} after the newest commit of the store ({}); if it is ahead, \
         {consequence}",
        output::time(now),
        duration_text(now.saturating_duration_since(newest)),
        output::time(newest),
    ));
    Failure::from(error).hint("set the clock; if it is right, add --trust-clock")
}

/// When something was last committed or made in the store.
async fn newest(store: &Store) -> Result<DateTime> {
    let mut newest = store.info().created.unwrap_or(DateTime::MIN);
    for project in store.projects().await? {
        for branch in store.project(&project.name).await?.branches().await? {
            newest = newest.max(branch.head.time).max(branch.created);
        }
    }
    Ok(newest)
}
