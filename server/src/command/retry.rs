//! Writes that a client may send again: they are applied once.
//!
//! While the server runs, a session keeps the reply of its last write. After a crash, and after a commit
//! without a result, the log says what an earlier attempt has done.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::Branch;
use argon_core::model::{BranchName, ProjectName};
use bson::Document;

use super::dispatch::limited;
use super::{Call, Reply};
use crate::failure::{CommandError, Result};
use crate::sessions::Work;
use crate::written::{Written, WrittenCommit};

/// What a command has done already, if it is a retry.
#[derive(Clone, Default)]
pub(crate) struct Retry(Option<Arc<Earlier>>);

/// The commits of an earlier attempt.
struct Earlier {
    /// Whether the attempt was made while this server ran.
    is_of_this_run: bool,
    /// Those that no part of the command has claimed yet.
    commits: Mutex<HashMap<(ProjectName, BranchName), VecDeque<WrittenCommit>>>,
}

impl Retry {
    fn possible(is_of_this_run: bool) -> Self {
        Self(Some(Arc::new(Earlier { is_of_this_run, commits: Mutex::default() })))
    }

    /// Whether an earlier attempt of the command has committed to a branch.
    pub(super) async fn has_commits(&self, call: &Call<'_>, branch: &Branch) -> Result<bool> {
        let (Some(earlier), Some(session), Some(number)) = (&self.0, &call.session, call.number)
        else {
            return Ok(false);
        };
        let commits = if earlier.is_of_this_run {
            Written::now(branch, session.id, number).await?
        } else {
            call.shared.written.before(branch, session.id, number).await?
        };
        Ok(!commits.is_empty())
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
            let commits = if earlier.is_of_this_run {
                Written::now(branch, session.id, number).await?
            } else {
                call.shared.written.before(branch, session.id, number).await?
            };
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
    match &state.work {
        Work::Written(reply) => return Reply::of(reply),
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
    // The session is new to this run, or the last attempt has ended without a result.
    if before.is_none_or(|before| before == number) {
        call.retry = Retry::possible(before.is_some());
    }
    let reply = limited(call).await.map_err(retryable)?;
    state.work = Work::Written(Document::try_from(reply.body.as_ref())?);
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
