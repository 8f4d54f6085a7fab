//! Copies one timeline.

use futures::TryStreamExt;

use crate::engine::write::append::append;
use crate::model::{Commit, Head, Lsn, Timeline};
use crate::storage::{Append, Direction, TimelineState, Wal};
use crate::store::Store;
use crate::{Error, Result};

/// The maximum number of commits, and bytes of documents, in one append. A single commit may be
/// larger.
const BATCH_COMMITS: usize = 512;
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Returns the last commit of a timeline that both stores have; its base if the target has no
/// commits.
///
/// # Errors
/// `Conflict` if the target has commits of this timeline that the source lacks.
pub(super) async fn common(source: &Store, target: &Store, state: &TimelineState) -> Result<Head> {
    let from = &*source.shared.backend.wal;
    let id = state.timeline.id;
    let Some(there) = target.shared.backend.wal.state(id).await? else {
        return base(source, &state.timeline).await;
    };
    let same = if there.head.lsn == state.timeline.base_lsn() {
        base(source, &state.timeline).await?.digest == there.head.digest
    } else {
        digest_at(from, &state.timeline, there.head.lsn).await? == Some(there.head.digest)
    };
    let fits = there.timeline == state.timeline && there.head.lsn <= state.head.lsn;
    if !(same && fits) || (there.sealed && there.head.lsn < state.head.lsn) {
        return Err(Error::conflict(format!(
            "timeline {id} has diverged in the target: its last commit there, at LSN {}, differs \
             from the source; copy into another store",
            there.head.lsn
        )));
    }
    Ok(there.head)
}

/// Copies missing commits, and the seal. `written` counts commits, and `progress` receives the
/// count.
pub(super) async fn copy(
    source: &Store,
    target: &Store,
    state: &TimelineState,
    written: &mut u64,
    progress: &dyn Fn(u64),
) -> Result<()> {
    let Store { shared } = target;
    let timeline = &state.timeline;
    let mut head = common(source, target, state).await?;
    let range = head.lsn.next()..=state.head.lsn;
    let mut commits = source.shared.backend.wal.read(timeline.id, range);
    while head.lsn < state.head.lsn {
        let batch = batch(&mut commits, &head).await?;
        let Some(last) = batch.last().map(Commit::head) else {
            return Err(missing(timeline, head.lsn.next()));
        };
        let number = batch.len() as u64;
        let (wal, environment) = (&*shared.backend.wal, &shared.environment);
        match append(wal, timeline, &head, &batch.into(), None, environment).await? {
            Append::Done => head = last,
            Append::HeadMoved(other) | Append::Sealed(other) => return Err(written_to(&other)),
        }
        *written += number;
        progress(*written);
    }
    if !state.sealed {
        return Ok(());
    }
    match shared.backend.wal.seal(timeline, &head).await? {
        Append::Done => Ok(()),
        Append::Sealed(other) if other == head => Ok(()),
        Append::HeadMoved(other) | Append::Sealed(other) => Err(written_to(&other)),
    }
}

/// Returns the next commits after `head`, with verified digests; none at the end.
async fn batch(commits: &mut crate::storage::CommitStream, head: &Head) -> Result<Vec<Commit>> {
    let (mut batch, mut bytes, mut previous) = (Vec::new(), 0, *head);
    while batch.len() < BATCH_COMMITS && bytes < BATCH_BYTES {
        let Some(commit) = commits.try_next().await? else { break };
        if commit.meta.lsn != previous.lsn.next() {
            break;
        }
        if commit.compute_digest(&previous.digest) != commit.digest {
            return Err(Error::corrupt(format!(
                "commit {} of the source does not match its digest; check the source",
                commit.meta.lsn
            )));
        }
        previous = commit.head();
        bytes += commit.document_bytes();
        batch.push(commit);
    }
    Ok(batch)
}

/// Returns the head on which the first commit of a timeline builds.
async fn base(source: &Store, timeline: &Timeline) -> Result<Head> {
    let Some(base) = timeline.base else { return Ok(Head::EMPTY) };
    let view = source.shared.timelines.view(*timeline, base.lsn).await?;
    crate::log::walk::head_of(&*source.shared.backend.wal, &view).await
}

async fn digest_at(
    wal: &dyn Wal,
    timeline: &Timeline,
    lsn: Lsn,
) -> Result<Option<crate::model::Digest>> {
    let mut found = wal.read_headers(timeline.id, lsn..=lsn, Direction::Ascending);
    Ok(found.try_next().await?.map(|commit| commit.digest))
}

fn missing(timeline: &Timeline, lsn: Lsn) -> Error {
    Error::corrupt(format!(
        "commit {lsn} of timeline {} is missing from the source; check the source",
        timeline.id
    ))
}

fn written_to(other: &Head) -> Error {
    Error::conflict(format!(
        "the target was written to concurrently (its last commit is at LSN {}); copy again without \
         concurrent writes",
        other.lsn
    ))
}
