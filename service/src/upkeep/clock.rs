//! Protection against a wrong clock on stores that have no server's clock.

use std::time::Duration;

use argon_core::gc::{self, Options};
use argon_core::sandbox::{self, Outcome};
use argon_core::{Environment, Error, Hint, Project, Store};
use bson::DateTime;

use crate::duration::duration_text;
use crate::words::time;
use crate::{Failure, Result};

/// The idle time of a store, beyond the retention time, after which the clock is in doubt.
const FAR: Duration = Duration::from_hours(30 * 24);

/// Refuses a collection that would remove something if the newest commit of the store is so old that a clock far
/// ahead is as likely as an unused store. A store on a network uses the clock of its server.
///
/// # Errors
/// `Invalid`, with [`Hint::TrustClock`].
pub(super) async fn check_collection(
    store: &Store,
    environment: &Environment,
    options: &Options,
) -> Result {
    if options.dry_run || store.is_remote() {
        return Ok(());
    }
    let (now, newest) = (environment.now(), newest(store).await?);
    let idle = now.saturating_duration_since(newest);
    if idle <= options.retention.saturating_add(FAR) {
        return Ok(());
    }
    let report = gc::collect(store, &Options { dry_run: true, ..*options }).await?;
    if report.refs.is_empty() && report.freed.versions == 0 && report.freed.commits == 0 {
        return Ok(());
    }
    Err(refusal(now, newest, "young data would be removed"))
}

/// Refuses to sweep sandboxes under the same condition.
///
/// # Errors
/// `Invalid`, with [`Hint::TrustClock`].
pub async fn check_sweep(store: &Store, project: &Project, environment: &Environment) -> Result {
    if store.is_remote() {
        return Ok(());
    }
    let due = sandbox::sweep(project, true).await?.into_iter();
    let due = due.filter(|swept| swept.outcome == Outcome::Due).map(|swept| swept.ended);
    let Some(ended) = due.max() else { return Ok(()) };
    let (now, newest) = (environment.now(), newest(store).await?);
    if now.saturating_duration_since(newest.max(ended)) <= FAR {
        return Ok(());
    }
    Err(refusal(now, newest, "sandboxes in use would be removed"))
}

fn refusal(now: DateTime, newest: DateTime, consequence: &str) -> Failure {
    let error = Error::invalid(format!(
        "this machine's clock shows {}, {} after the newest commit of the store ({}); if it is ahead, \
         {consequence}",
        time(now),
        duration_text(now.saturating_duration_since(newest)),
        time(newest),
    ));
    Failure::from(error).hint(Hint::TrustClock)
}

/// Returns the time of the newest commit or branch of the store.
async fn newest(store: &Store) -> Result<DateTime> {
    let mut newest = store.info().created.unwrap_or(DateTime::MIN);
    for project in store.projects().await? {
        for branch in store.project(&project.name).await?.branches().await? {
            newest = newest.max(branch.head.time).max(branch.created);
        }
    }
    Ok(newest)
}
