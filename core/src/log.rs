//! Walking the log of a view.

use bson::DateTime;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::mask::Mask;
use crate::model::{Change, Commit, Head, Image, Lsn, Segment, TimelineId, Touched, View};
use crate::storage::{Direction, HeaderStream, Wal};
use crate::{Error, Result, State};

/// The commits of a state without their documents, newest first, as far back as the log has them
/// without a gap (see [`floor`]). In a masked state, the changes of originals in collections of which
/// no document is shown are left out.
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
    // Where a timeline's commits end above its base, the log of the state ends.
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

/// The position up to which the commits of a state were [collected](crate::gc), so that its log
/// begins after it; [`Lsn::ZERO`] if it is whole.
pub async fn floor(state: &State) -> Result<Lsn> {
    let wal = &state.shared().backend.wal;
    for segment in state.view().segments() {
        let floor = wal.state(segment.timeline).await?.map_or(Lsn::ZERO, |found| found.floor);
        if floor > segment.above {
            return Ok(floor.min(segment.upto));
        }
    }
    Ok(Lsn::ZERO)
}

/// The position from which on every state of a history can be read; [`Lsn::ZERO`] if all can. Below it
/// there may be single states that something holds.
pub async fn kept_from(state: &State) -> Result<Lsn> {
    crate::gc::kept::from(state.shared(), state.view()).await
}

/// The last commit of a state with its documents; `None` for the empty state. In a masked state its
/// images are masked too, and what looks absent before it and after is left out.
///
/// # Errors
/// `NotFound` if it was [collected](crate::gc), as its state may be kept without it; `Corrupt` if it is
/// missing from the log.
pub async fn last_commit(state: &State) -> Result<Option<Commit<Change>>> {
    let Some(point) = state.view().point() else { return Ok(None) };
    let wal = &state.shared().backend.wal;
    let mut commits = wal.read(point.timeline, point.lsn..=point.lsn);
    match (commits.try_next().await?, state.mask()) {
        (Some(commit), None) => Ok(Some(commit)),
        (Some(commit), Some(mask)) => masked(state, mask, commit).await.map(Some),
        (None, _) => Err(gone(&**wal, point.timeline, point.lsn).await?),
    }
}

/// The last commit of a masked state as its mask shows it.
async fn masked(state: &State, mask: &Mask, mut commit: Commit) -> Result<Commit> {
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

/// The commit at `lsn` of a state without its documents.
///
/// # Errors
/// `NotFound` if it was [collected](crate::gc); `Corrupt` if it is missing from the log.
pub async fn commit_at(state: &State, lsn: Lsn) -> Result<Commit<Touched>> {
    header(&*state.shared().backend.wal, state.view(), lsn).await
}

/// The commits of a view above `above` without their documents, oldest first.
pub(crate) fn headers_above(
    wal: std::sync::Arc<dyn Wal>,
    view: &View,
    above: Lsn,
) -> BoxStream<'static, Result<Commit<Touched>>> {
    let segments = above_of(view, above);
    stream::iter(segments)
        .flat_map(move |segment| {
            let range = segment.above.next()..=segment.upto;
            wal.read_headers(segment.timeline, range, Direction::Ascending)
        })
        .boxed()
}

/// The documents that the commits of a view above `above` touched, oldest commit first, if the log has all of these
/// commits; `None` if some were collected.
pub(crate) async fn touched_above(
    wal: &std::sync::Arc<dyn Wal>,
    view: &View,
    above: Lsn,
    mut touch: impl FnMut(Lsn, Touched),
) -> Result<Option<()>> {
    let mut expected = above.next();
    let mut commits = headers_above(wal.clone(), view, above);
    while let Some(commit) = commits.try_next().await? {
        if commit.meta.lsn != expected {
            break;
        }
        expected = expected.next();
        let lsn = commit.meta.lsn;
        commit.changes.into_iter().for_each(|change| touch(lsn, change));
    }
    if expected > view.lsn() {
        return Ok(Some(()));
    }
    // Gone, or missing?
    header_unless_collected(&**wal, view, expected).await?;
    Ok(None)
}

/// The parts of a view's segments that lie above `above`, root first.
pub(crate) fn above_of(view: &View, above: Lsn) -> Vec<Segment> {
    view.segments()
        .iter()
        .rev()
        .filter(|segment| segment.upto > above)
        .map(|segment| Segment { above: segment.above.max(above), ..*segment })
        .collect()
}

/// The commit at `lsn` of a view without its documents.
pub(crate) async fn header(wal: &dyn Wal, view: &View, lsn: Lsn) -> Result<Commit<Touched>> {
    header_unless_collected(wal, view, lsn).await?.ok_or_else(|| collected(lsn))
}

async fn find(wal: &dyn Wal, segment: &Segment, lsn: Lsn) -> Result<Option<Commit<Touched>>> {
    wal.read_headers(segment.timeline, lsn..=lsn, Direction::Ascending).try_next().await
}

/// The header at `lsn` of a view; `None` if it was collected.
async fn header_unless_collected(
    wal: &dyn Wal,
    view: &View,
    lsn: Lsn,
) -> Result<Option<Commit<Touched>>> {
    let segment = view.segment_of(lsn).ok_or_else(|| missing(lsn))?;
    match find(wal, segment, lsn).await? {
        Some(commit) => Ok(Some(commit)),
        None if is_collected(wal, segment.timeline, lsn).await? => Ok(None),
        None => Err(missing(lsn)),
    }
}

async fn is_collected(wal: &dyn Wal, timeline: TimelineId, lsn: Lsn) -> Result<bool> {
    Ok(wal.state(timeline).await?.is_some_and(|state| lsn <= state.floor))
}

/// Why a commit is not in the log.
async fn gone(wal: &dyn Wal, timeline: TimelineId, lsn: Lsn) -> Result<Error> {
    let collected_it = is_collected(wal, timeline, lsn).await?;
    Ok(if collected_it { collected(lsn) } else { missing(lsn) })
}

/// What the next commit after a view builds on.
pub(crate) async fn head_of(wal: &dyn Wal, view: &View) -> Result<Head> {
    let Some(point) = view.point() else { return Ok(Head::EMPTY) };
    match wal.state(point.timeline).await? {
        Some(state) if state.head.lsn == point.lsn => Ok(state.head),
        _ => Ok(header(wal, view, point.lsn).await?.head()),
    }
}

/// The last commit of a view that is not later than `time`, by binary search: times never go back
/// along a chain. `None` if all commits are later; O(log commits) reads. Commits that were collected
/// count as not later, so that what is found may be one of them.
pub(crate) async fn last_not_after(
    wal: &dyn Wal,
    view: &View,
    time: DateTime,
) -> Result<Option<Lsn>> {
    let (mut low, mut high) = (0, view.lsn().get());
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let commit = header_unless_collected(wal, view, Lsn::new(middle)).await?;
        if commit.is_none_or(|commit| commit.meta.time <= time) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok((low > 0).then(|| Lsn::new(low)))
}

fn collected(lsn: Lsn) -> Error {
    Error::not_found(format!(
        "commit {lsn} was collected; states are kept without the commits that led to them"
    ))
}

fn missing(lsn: Lsn) -> Error {
    Error::corrupt(format!("commit {lsn} is missing from the log; run `argon fsck`"))
}
