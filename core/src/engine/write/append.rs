//! Appends with resolution of ambiguous answers.

use std::sync::Arc;

use futures::TryStreamExt;

use crate::model::backoff::Backoff;
use crate::model::environment::Environment;
use crate::model::{Commit, Head, Timeline};
use crate::storage::{Append, Direction, IndexChanges, Wal};
use crate::{Error, ErrorKind, Result};

/// The attempts of an append whose answers are lost. The backend repeats requests too, so each attempt
/// may take as long as its timeouts.
const ATTEMPTS: u32 = 3;

/// Appends, and resolves an ambiguous answer.
///
/// Repeating the same append is safe, because it is a compare-and-set: if the first attempt was
/// applied, the second finds the head moved, to a commit with our digest. The digest covers a
/// random nonce, so no other writer's commit has it.
///
/// # Errors
/// `Indeterminate` if the store does not answer often enough to resolve it; any other kind means
/// that nothing was appended.
pub(crate) async fn append(
    wal: &dyn Wal,
    timeline: &Timeline,
    expected: &Head,
    commits: &Arc<[Commit]>,
    entries: Option<Arc<IndexChanges>>,
    environment: &Environment,
) -> Result<Append> {
    let mut doubt: Option<Error> = None;
    let mut backoff = Backoff::new(environment).at_most(ATTEMPTS);
    while backoff.attempt().await {
        let answer = wal.append(timeline, expected, commits.clone(), entries.clone()).await;
        match answer {
            Ok(Append::HeadMoved(head)) if doubt.is_some() => {
                let ours = is_ours(wal, timeline, &head, commits).await;
                let ours = ours.map_err(|error| in_doubt(doubt.take(), error))?;
                return Ok(if ours { Append::Done } else { Append::HeadMoved(head) });
            }
            Ok(Append::Sealed(head)) if doubt.is_some() => {
                let ours = is_ours(wal, timeline, &head, commits).await;
                let ours = ours.map_err(|error| in_doubt(doubt.take(), error))?;
                return Ok(if ours { Append::Done } else { Append::Sealed(head) });
            }
            Ok(answer) => return Ok(answer),
            Err(error) if error.kind() == ErrorKind::Indeterminate => {
                // The first error has the cause; later ones may only say that there was one.
                doubt.get_or_insert(error);
            }
            Err(error) if doubt.is_some() => return Err(in_doubt(doubt, error)),
            Err(error) => return Err(error),
        }
    }
    Err(doubt.unwrap_or_else(|| Error::internal("an append was never attempted")))
}

/// Returns whether the last of our commits is in the log.
async fn is_ours(
    wal: &dyn Wal,
    timeline: &Timeline,
    head: &Head,
    commits: &[Commit],
) -> Result<bool> {
    let Some(last) = commits.last() else { return Ok(true) };
    let lsn = last.meta.lsn;
    if head.lsn <= lsn {
        return Ok(head.digest == last.digest);
    }
    let mut found = wal.read_headers(timeline.id, lsn..=lsn, Direction::Ascending);
    Ok(found.try_next().await?.is_some_and(|commit| commit.digest == last.digest))
}

/// The error for an unresolvable append: its source is the first error.
fn in_doubt(first: Option<Error>, then: Error) -> Error {
    Error::indeterminate("the store failed while a commit was being written")
        .with_source(first.unwrap_or(then))
}
