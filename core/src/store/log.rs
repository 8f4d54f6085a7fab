//! The log of a state, through its mask.

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::Result;
use crate::log::walk;
use crate::model::{Change, Commit, Image, Lsn, Segment, Touched};
use crate::storage::{Direction, HeaderStream};
use crate::store::mask::Mask;
use crate::store::{State, kept};

/// The commits of a state without their documents, newest first, as far back as the log has them
/// without a gap (see [`floor`]). In a masked state, changes of originals in hidden collections are
/// omitted.
///
/// ```
/// # use bson::rawdoc;
/// # use futures::TryStreamExt;
/// # use argon_core::model::CollectionName;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let branch = argon_backends::memory_branch().await?;
/// let users = branch.collection(&CollectionName::new("users")?);
/// users.insert(rawdoc! { "_id": 1 }).await?;
/// users.insert(rawdoc! { "_id": 2 }).await?;
///
/// let head = branch.head().await?;
/// let lsns: Vec<u64> = argon_core::log::headers(&head)
///     .map_ok(|commit| commit.meta.lsn.get())
///     .try_collect()
///     .await?;
/// assert_eq!(lsns, [2, 1]);
/// # Ok(())
/// # }
/// ```
pub fn headers(state: &State) -> HeaderStream {
    let wal = state.shared().backend.wal.clone();
    let segments: Vec<Segment> = state.view().segments().to_vec();
    let headers = stream::iter(segments).flat_map(move |segment| {
        let range = segment.above.next()..=segment.upto;
        wal.read_headers(segment.timeline, range, Direction::Descending)
    });
    // If the commits of a timeline end above its base, the log of the state ends there.
    let mut expected = state.lsn();
    let unbroken = headers.try_take_while(move |commit: &Commit<Touched>| {
        let follows = commit.meta.lsn == expected;
        expected = commit.meta.lsn.back(1).unwrap_or_default();
        std::future::ready(Ok(follows))
    });
    let mask = state.mask().cloned();
    let shown = unbroken.map_ok(move |mut commit| {
        if let Some(mask) = &mask {
            let lsn = commit.meta.lsn;
            commit.changes.retain(|change| !mask.hides(change.collection, lsn));
        }
        commit
    });
    state.held().during(shown.boxed())
}

/// Returns the position up to which the commits of a state were [collected](crate::gc), so that its
/// log begins after it; [`Lsn::ZERO`] if the log is complete.
pub async fn floor(state: &State) -> Result<Lsn> {
    walk::floor(&*state.shared().backend.wal, state.view()).await
}

/// Returns the position from which every state of a history can be read; [`Lsn::ZERO`] if all can.
/// Single states below it may be retained.
pub async fn kept_from(state: &State) -> Result<Lsn> {
    kept::from(state.shared(), state.view()).await
}

/// Returns the last commit of a state with its documents; `None` for the empty state. In a masked
/// state, its images are masked too, and changes that are invisible before and after are omitted.
///
/// # Errors
/// `NotFound` if the commit was [collected](crate::gc), because its state may be retained without
/// it; `Corrupt` if it is missing from the log.
pub async fn last_commit(state: &State) -> Result<Option<Commit<Change>>> {
    let Some(point) = state.view().point() else { return Ok(None) };
    let wal = &state.shared().backend.wal;
    let mut commits = wal.read(point.timeline, point.lsn..=point.lsn);
    match (commits.try_next().await?, state.mask()) {
        (Some(commit), None) => Ok(Some(commit)),
        (Some(commit), Some(mask)) => masked(state, mask, commit).await.map(Some),
        (None, _) => Err(walk::missing_commit(&**wal, point.timeline, point.lsn).await?),
    }
}

/// Applies the mask to the last commit of a masked state.
pub(crate) async fn masked(state: &State, mask: &Mask, mut commit: Commit) -> Result<Commit> {
    let lsn = commit.meta.lsn;
    let before = state.view().at(lsn.back(1).unwrap_or_default());
    let mut changes = Vec::with_capacity(commit.changes.len());
    for Change { collection, key, image } in std::mem::take(&mut commit.changes) {
        let shown = match image {
            Image::Document(document) => mask.shown(collection, lsn, document)?,
            Image::Deleted => None,
        };
        let image = match shown {
            Some(document) => Image::Document(document),
            None if !mask.filters(collection) => Image::Deleted,
            None if state.materialize().get(&before, collection, &key).await?.is_none() => continue,
            None => Image::Deleted,
        };
        changes.push(Change { collection, key, image });
    }
    Ok(Commit { changes, ..commit })
}

/// Returns the commit at `lsn` of a state without its documents.
///
/// # Errors
/// `NotFound` if the commit was [collected](crate::gc); `Corrupt` if it is missing from the log.
pub async fn commit_at(state: &State, lsn: Lsn) -> Result<Commit<Touched>> {
    walk::header(&*state.shared().backend.wal, state.view(), lsn).await
}
