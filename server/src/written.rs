//! Commits of sessions that the log has: by them a retry is recognised that follows a crash.
//!
//! A commit has the session and the number of its command as [trailers](TRAILERS). The commits of the last
//! minutes of a branch are read once after the start of the server, when a session that it does not know
//! sends a write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon_core::model::{BranchName, CommitMeta, Lsn, ProjectName};
use argon_core::{Branch, Store};
use bson::DateTime;
use data_encoding::HEXLOWER;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::failure::Result;
use crate::sessions::SessionId;

/// How long after a crash a retry is recognised.
const RECENT: Duration = Duration::from_mins(5);
/// The most commits of a branch that are read.
const MOST: usize = 100_000;

/// The trailers by which a retry is recognised: the session, its number, and the position of the statement,
/// in a commit of one statement of several.
pub(crate) const TRAILERS: [&str; 3] = ["session", "txn", "statement"];

/// A commit of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrittenCommit {
    pub(crate) lsn: Lsn,
    /// The statement of the command; `None` for all of its statements.
    pub(crate) statement: Option<usize>,
}

/// The commits of each session and number, oldest first.
type Commits = HashMap<(SessionId, i64), Vec<WrittenCommit>>;

/// The commits of a branch, read at the first use.
type OfBranch = Arc<OnceCell<Commits>>;

/// The commits from before the start of the server.
pub(crate) struct Written {
    started: Instant,
    branches: Mutex<HashMap<(ProjectName, BranchName), OfBranch>>,
}

impl Default for Written {
    fn default() -> Self {
        Self { started: Instant::now(), branches: Mutex::default() }
    }
}

impl Written {
    /// The commits on a branch, from before the start of the server, of a session and number.
    pub(crate) async fn before(
        &self,
        branch: &Branch,
        session: SessionId,
        number: i64,
    ) -> Result<Vec<WrittenCommit>> {
        if self.started.elapsed() > RECENT {
            return Ok(Vec::new());
        }
        let key = (branch.project().name().clone(), branch.name().clone());
        let cell = self
            .branches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key)
            .or_default()
            .clone();
        let commits = cell.get_or_try_init(|| read(branch)).await?;
        Ok(commits.get(&(session, number)).cloned().unwrap_or_default())
    }

    /// The commits on a branch of a session and number, up to now.
    pub(crate) async fn now(
        branch: &Branch,
        session: SessionId,
        number: i64,
    ) -> Result<Vec<WrittenCommit>> {
        Ok(read(branch).await?.remove(&(session, number)).unwrap_or_default())
    }

    /// Whether any branch has a commit, from before the start of the server, of a session and number: a
    /// `commitTransaction` does not say of which branch its transaction was.
    pub(crate) async fn is_anywhere(
        &self,
        store: &Store,
        session: SessionId,
        number: i64,
    ) -> Result<bool> {
        if self.started.elapsed() > RECENT {
            return Ok(false);
        }
        let since = since(store.environment().now());
        for project in store.projects().await? {
            let project = store.project(&project.name).await?;
            for info in project.branches().await? {
                if info.name.is_backup() || info.head.time < since {
                    continue;
                }
                let branch = project.branch(&info.name).await?;
                if !self.before(&branch, session, number).await?.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Forgets what no retry follows any more.
    pub(crate) fn expire(&self) {
        if self.started.elapsed() > RECENT {
            self.branches.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

fn since(now: DateTime) -> DateTime {
    let recent = i64::try_from(RECENT.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(now.timestamp_millis().saturating_sub(recent))
}

/// Reads the last commits of a branch, without their documents.
async fn read(branch: &Branch) -> Result<Commits> {
    let head = branch.head().await?;
    let since = since(branch.environment().now());
    let mut headers = argon_core::log::headers(&head).take(MOST);
    let mut commits = Commits::new();
    while let Some(commit) = headers.try_next().await? {
        if commit.meta.time < since {
            break;
        }
        if let Some((session, number, statement)) = origin(&commit.meta) {
            let written = WrittenCommit { lsn: commit.meta.lsn, statement };
            commits.entry((session, number)).or_default().push(written);
        }
    }
    for written in commits.values_mut() {
        written.reverse();
    }
    Ok(commits)
}

/// The session, the number and the statement in the trailers of a commit.
pub(crate) fn origin(meta: &CommitMeta) -> Option<(SessionId, i64, Option<usize>)> {
    let [session, number, statement] = TRAILERS.map(|name| meta.trailers.get(name));
    let session = HEXLOWER.decode(session?.as_bytes()).ok()?;
    let statement = statement.and_then(|statement| statement.parse().ok());
    Some((session.try_into().ok()?, number?.parse().ok()?, statement))
}
