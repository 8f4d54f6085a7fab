//! Walks the log of a view, which may begin later than the view, because commits are collected.

use std::sync::Arc;

use bson::DateTime;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::log::steps::missing;
use crate::model::{Commit, Head, Lsn, Segment, TimelineId, Touched, View};
use crate::storage::{Direction, Wal};
use crate::{DetailKey, Error, Result};

/// The commits of a view above `above` without their documents, oldest first.
pub(crate) fn headers_above(
    wal: Arc<dyn Wal>,
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

/// Returns the documents that the commits of a view above `above` touched, oldest commit first, if
/// the log has all of these commits; `None` if some were collected.
pub(crate) async fn touched_above(
    wal: &Arc<dyn Wal>,
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
    // A gap is either a collected commit, or damage.
    header_unless_collected(&**wal, view, expected).await?;
    Ok(None)
}

/// The parts of a view's segments above `above`, root first.
pub(crate) fn above_of(view: &View, above: Lsn) -> Vec<Segment> {
    view.segments()
        .iter()
        .rev()
        .filter(|segment| segment.upto > above)
        .map(|segment| Segment { above: segment.above.max(above), ..*segment })
        .collect()
}

/// Returns the commit at `lsn` of a view without its documents.
pub(crate) async fn header(wal: &dyn Wal, view: &View, lsn: Lsn) -> Result<Commit<Touched>> {
    header_unless_collected(wal, view, lsn).await?.ok_or_else(|| collected(lsn))
}

async fn find(wal: &dyn Wal, segment: &Segment, lsn: Lsn) -> Result<Option<Commit<Touched>>> {
    wal.read_headers(segment.timeline, lsn..=lsn, Direction::Ascending).try_next().await
}

/// Returns the header at `lsn` of a view; `None` if it was collected.
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

/// Returns the position up to which the commits of a view were collected; [`Lsn::ZERO`] if none were.
pub(crate) async fn floor(wal: &dyn Wal, view: &View) -> Result<Lsn> {
    for segment in view.segments() {
        let floor = wal.state(segment.timeline).await?.map_or(Lsn::ZERO, |found| found.floor);
        if floor > segment.above {
            return Ok(floor.min(segment.upto));
        }
    }
    Ok(Lsn::ZERO)
}

async fn is_collected(wal: &dyn Wal, timeline: TimelineId, lsn: Lsn) -> Result<bool> {
    Ok(wal.state(timeline).await?.is_some_and(|state| lsn <= state.floor))
}

/// Returns the reason why a commit is not in the log.
pub(crate) async fn missing_commit(wal: &dyn Wal, timeline: TimelineId, lsn: Lsn) -> Result<Error> {
    let collected_it = is_collected(wal, timeline, lsn).await?;
    Ok(if collected_it { collected(lsn) } else { missing(lsn) })
}

/// Returns the head on which the next commit after a view builds.
pub(crate) async fn head_of(wal: &dyn Wal, view: &View) -> Result<Head> {
    let Some(point) = view.point() else { return Ok(Head::EMPTY) };
    match wal.state(point.timeline).await? {
        // The usual case, which reads no commit.
        Some(state) if state.head.lsn == point.lsn => Ok(state.head),
        _ => Ok(header(wal, view, point.lsn).await?.head()),
    }
}

/// Returns the last commit of a view that is not later than `time`, by binary search: times never
/// decrease along a chain. `None` if all commits are later; O(log commits) reads. Collected commits
/// count as not later, so the result may be one of them.
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
        "commit {lsn} was collected; states are retained without their commits"
    ))
    .with_detail(DetailKey::Lsn, lsn.get())
}
