//! What the commits of timelines have merged.

use std::collections::{BTreeMap, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::Result;
use crate::model::{Lsn, Origin, Point, TimelineId, View};
use crate::records::{KeptRecord, PointRecord};
use crate::storage::{Direction, TimelineState, Wal};

/// How many timelines are read at once.
const AT_ONCE: usize = 8;

/// The last state of each timeline.
pub(super) type Last = BTreeMap<TimelineId, Lsn>;

/// The merges of a timeline: of commits that are gone, and in the log.
#[derive(Debug, Default)]
struct OfTimeline {
    gone: Last,
    logged: Vec<(Lsn, Vec<Point>)>,
}

/// The merges of all timelines, as far as they were there when they were read.
#[derive(Debug, Default)]
pub(super) struct Merges {
    by_timeline: HashMap<TimelineId, OfTimeline>,
}

impl Merges {
    /// Reads the merges of timelines. One pass over the headers of the log.
    pub(super) async fn read<'a>(
        wal: &dyn Wal,
        states: impl Iterator<Item = (&'a TimelineState, Option<&'a KeptRecord>)>,
    ) -> Result<Self> {
        let states: Vec<(TimelineState, Last)> =
            states.map(|(state, kept)| (*state, kept.map(gone).unwrap_or_default())).collect();
        let by_timeline = stream::iter(states)
            .map(|(state, gone)| async move {
                let logged = logged(wal, &state).await?;
                Ok::<_, crate::Error>((state.timeline.id, OfTimeline { gone, logged }))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Self { by_timeline })
    }

    /// What the commits of a view have merged.
    pub(super) fn of_view(&self, view: &View) -> Last {
        let mut last = Last::new();
        for segment in view.segments() {
            let Some(merges) = self.by_timeline.get(&segment.timeline) else { continue };
            take_up(&mut last, merges.gone.iter().map(|(timeline, lsn)| (*timeline, *lsn)));
            let counts = |merge: &&(Lsn, Vec<Point>)| merge.0 <= segment.upto;
            for (_, parents) in merges.logged.iter().take_while(counts) {
                take_up(&mut last, parents.iter().map(|parent| (parent.timeline, parent.lsn)));
            }
        }
        last
    }

    /// What the commits of a timeline below `from` have merged.
    pub(super) fn below(&self, timeline: TimelineId, from: Option<Lsn>) -> Vec<PointRecord> {
        let Some(merges) = self.by_timeline.get(&timeline) else { return Vec::new() };
        let mut last = merges.gone.clone();
        for (_, parents) in
            merges.logged.iter().filter(|(lsn, _)| from.is_none_or(|from| *lsn < from))
        {
            take_up(&mut last, parents.iter().map(|parent| (parent.timeline, parent.lsn)));
        }
        last.into_iter().map(|(timeline, lsn)| Point { timeline, lsn }.into()).collect()
    }
}

fn gone(record: &KeptRecord) -> Last {
    let mut last = Last::new();
    let merged = record.merged.iter().map(|point| Point::from(*point));
    take_up(&mut last, merged.map(|point| (point.timeline, point.lsn)));
    last
}

async fn logged(wal: &dyn Wal, state: &TimelineState) -> Result<Vec<(Lsn, Vec<Point>)>> {
    let range = state.floor.next()..=state.head.lsn;
    let mut found = Vec::new();
    if range.is_empty() {
        return Ok(found);
    }
    let mut headers = wal.read_headers(state.timeline.id, range, Direction::Ascending);
    while let Some(commit) = headers.try_next().await? {
        if let Origin::Merge(merged) = commit.meta.origin {
            found.push((commit.meta.lsn, merged.parents));
        }
    }
    Ok(found)
}

fn take_up(last: &mut Last, points: impl Iterator<Item = (TimelineId, Lsn)>) {
    for (timeline, lsn) in points {
        let known = last.entry(timeline).or_default();
        *known = lsn.max(*known);
    }
}
