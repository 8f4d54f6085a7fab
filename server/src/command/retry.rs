//! Writes that a client may send again: they are applied once.
//!
//! While the server runs, a session keeps the reply of its last write, if there is room for it. Without it, after a
//! crash, and after a commit without a result, the log says what an earlier attempt has done.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::Branch;
use argon_core::model::{BranchName, ProjectName};

use super::dispatch::limited;
use super::{Call, Reply};
use crate::failure::{CommandError, Result};
use crate::sessions::{SessionId, Work};
use crate::written::{Written, WrittenCommit};

/// What a command has done already, if it is a retry.
#[derive(Clone, Default)]
pub(crate) struct Retry(Option<Arc<Earlier>>);

/// The commits of an earlier attempt.
struct Earlier {
    attempt: Attempt,
    /// Those that no part of the command has claimed yet.
    commits: Mutex<HashMap<(ProjectName, BranchName), VecDeque<WrittenCommit>>>,
}

/// What is known of an earlier attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// It may have been made before this run of the server.
    Before,
    /// It was made by this run, and has ended without a result.
    Unknown,
    /// It has succeeded, and its reply is not kept.
    Succeeded,
}

impl Earlier {
    /// The commits of the attempt on a branch.
    async fn read(
        &self,
        call: &Call<'_>,
        branch: &Branch,
        session: SessionId,
        number: i64,
    ) -> Result<Vec<WrittenCommit>> {
        let commits = match self.attempt {
            Attempt::Before => call.shared.written.before(branch, session, number).await?,
            Attempt::Unknown | Attempt::Succeeded => Written::now(branch, session, number).await?,
        };
        if commits.is_empty() && self.attempt == Attempt::Succeeded {
            return Err(CommandError::new(
                217,
                "the write was done, and what it answered is not known any more: look at the documents before you \
                 repeat it",
            ));
        }
        Ok(commits)
    }
}

impl Retry {
    fn after(attempt: Attempt) -> Self {
        Self(Some(Arc::new(Earlier { attempt, commits: Mutex::default() })))
    }

    /// Whether an earlier attempt of the command has committed to a branch.
    pub(super) async fn has_commits(&self, call: &Call<'_>, branch: &Branch) -> Result<bool> {
        let (Some(earlier), Some(session), Some(number)) = (&self.0, &call.session, call.number)
        else {
            return Ok(false);
        };
        Ok(!earlier.read(call, branch, session.id, number).await?.is_empty())
    }

    /// The commits of the next statements on a branch, which are taken from the retry: one for all of them,
    /// or some for single ones.
    pub(super) async fn take(
        &self,
        call: &Call<'_>,
        branch: &Branch,
    ) -> Result<Vec<WrittenCommit>> {
        let Some(earlier) = &self.0 else { return Ok(Vec::new()) };
        let (Some(session), Some(number)) = (&call.session, call.number) else {
            return Ok(Vec::new());
        };
        let key = (branch.project().name().clone(), branch.name().clone());
        let is_read =
            earlier.commits.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key);
        if !is_read {
            let commits = earlier.read(call, branch, session.id, number).await?;
            let mut all = earlier.commits.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(key.clone(), commits.into());
        }
        let mut all = earlier.commits.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.get_mut(&key).map(next_group).unwrap_or_default())
    }
}

/// The first commit, and those that follow it for later statements of the same list.
fn next_group(commits: &mut VecDeque<WrittenCommit>) -> Vec<WrittenCommit> {
    let mut group: Vec<WrittenCommit> = Vec::new();
    while let Some(next) = commits.front() {
        let follows = match group.last() {
            None => true,
            Some(last) => last.statement.is_some() && next.statement > last.statement,
        };
        if !follows {
            break;
        }
        group.extend(commits.pop_front());
    }
    group
}

/// Runs a write that the client may send again: the second time, the reply is the same. A retry that
/// arrives while the first attempt is running waits for it.
pub(super) async fn run_once(call: &mut Call<'_>, number: i64) -> Result<Reply> {
    let Some(session) = call.session.clone() else {
        return Err(CommandError::new(
            72,
            "Transaction numbers are only allowed with a session (lsid)",
        ));
    };
    let mut state = session.state.lock().await;
    let before = state.number;
    state.advance(number)?;
    // The session is new to this run, or the last attempt has ended without a result.
    if before.is_none_or(|before| before == number) {
        let unknown = if before.is_some() { Attempt::Unknown } else { Attempt::Before };
        call.retry = Retry::after(unknown);
    }
    match &state.work {
        Work::Written(reply) => match reply.body() {
            Some(body) => return Ok(Reply::raw(body)),
            None => call.retry = Retry::after(Attempt::Succeeded),
        },
        Work::None => {}
        _ => {
            return Err(CommandError::new(
                117,
                format!(
                    "the number {number} is that of a transaction of the session, and not of a write"
                ),
            ));
        }
    }
    let reply = limited(call).await.map_err(retryable)?;
    state.work = Work::Written(call.shared.sessions.replies.keep(reply.body.clone()));
    Ok(reply)
}

/// Adds the label by which drivers send a write again.
fn retryable(error: CommandError) -> CommandError {
    let is_retryable = matches!(error.code(), 6 | 64 | 91 | 11600);
    if is_retryable { error.with_label("RetryableWriteError") } else { error }
}

#[cfg(test)]
mod tests {
    use argon_core::model::Lsn;

    use super::*;

    #[test]
    fn each_list_of_statements_takes_its_own_commits() {
        let commit = |lsn, statement| WrittenCommit { lsn: Lsn::new(lsn), statement };
        let mut commits: VecDeque<_> = [
            commit(1, None),
            commit(2, Some(0)),
            commit(5, Some(2)),
            commit(6, Some(0)),
            commit(7, None),
        ]
        .into();
        let mut next = || -> Vec<u64> {
            next_group(&mut commits).iter().map(|commit| commit.lsn.get()).collect()
        };
        assert_eq!([next(), next(), next(), next()], [vec![1], vec![2, 5], vec![6], vec![7]]);
        assert!(next().is_empty());
    }
}
