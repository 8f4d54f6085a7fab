//! The points that the commits of timelines have merged.

use std::collections::{BTreeMap, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::Result;
use crate::model::{Lsn, Origin, Point, TimelineId, View};
use crate::storage::{Direction, RetainedStates, TimelineState, Wal};
use crate::store::records::{KeptRecord, MergedRecord};

/// The number of timelines that are read concurrently.
const AT_ONCE: usize = 8;

/// The last state of each timeline.
pub(super) type Last = BTreeMap<TimelineId, Lsn>;

/// A merge: the position of the commit, and the merged point.
type Merge = (Lsn, Point);

/// The merges of a timeline: of collected commits, and of those in the log.
#[derive(Debug, Default)]
struct TimelineMerges {
    gone: Vec<Merge>,
    logged: Vec<Merge>,
}

/// The merges of all timelines at the time of reading.
#[derive(Debug, Default)]
pub(super) struct Merges {
    by_timeline: HashMap<TimelineId, TimelineMerges>,
}

impl Merges {
    /// Reads the merges of timelines. One pass over the headers of the log.
    pub(super) async fn read<'a>(
        wal: &dyn Wal,
        states: impl Iterator<Item = (&'a TimelineState, Option<&'a KeptRecord>)>,
    ) -> Result<Self> {
        let gone = |kept: &KeptRecord| kept.merges().collect();
        let states: Vec<(TimelineState, Vec<Merge>)> =
            states.map(|(state, kept)| (*state, kept.map(gone).unwrap_or_default())).collect();
        let by_timeline = stream::iter(states)
            .map(|(state, gone)| async move {
                let logged = logged(wal, &state).await?;
                Ok::<_, crate::Error>((state.timeline.id, TimelineMerges { gone, logged }))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Self { by_timeline })
    }

    /// Returns the points that the commits of a view have merged.
    pub(super) fn of_view(&self, view: &View) -> Last {
        let mut last = Last::new();
        for segment in view.segments() {
            let Some(merges) = self.by_timeline.get(&segment.timeline) else { continue };
            let all = merges.gone.iter().chain(&merges.logged);
            for (_, parent) in all.filter(|(at, _)| *at <= segment.upto) {
                let known = last.entry(parent.timeline).or_default();
                *known = parent.lsn.max(*known);
            }
        }
        last
    }

    /// Returns the points that the commits of a timeline below `from` have merged; `found` is the
    /// record of the previous collection. Between two states in `keep`, only the last merge of each
    /// timeline is kept.
    pub(super) fn below(
        &self,
        timeline: TimelineId,
        from: Option<Lsn>,
        keep: &RetainedStates,
        found: Option<&KeptRecord>,
    ) -> Vec<MergedRecord> {
        let known = self.by_timeline.get(&timeline);
        let gone = known.into_iter().flat_map(|merges| merges.gone.iter().copied());
        let gone = gone.chain(found.into_iter().flat_map(KeptRecord::merges));
        let logged = known.into_iter().flat_map(|merges| merges.logged.iter().copied());
        let goes = |(at, _): &Merge| from.is_none_or(|from| *at < from);
        last_of_each(keep, gone.chain(logged.filter(goes)))
    }
}

fn last_of_each(keep: &RetainedStates, merges: impl Iterator<Item = Merge>) -> Vec<MergedRecord> {
    let mut last: BTreeMap<(Lsn, TimelineId), (Lsn, Lsn)> = BTreeMap::new();
    for (at, parent) in merges {
        let point = keep.points.range(at..).next().copied();
        let next = point.or(keep.from.filter(|from| at <= *from));
        let seen_by = next.unwrap_or(if keep.from.is_none() { Lsn::MAX } else { at });
        let (known_at, lsn) = last.entry((seen_by, parent.timeline)).or_default();
        (*known_at, *lsn) = (at.max(*known_at), parent.lsn.max(*lsn));
    }
    let record = |((_, timeline), (at, lsn)): ((Lsn, TimelineId), (Lsn, Lsn))| MergedRecord {
        timeline,
        lsn: lsn.get().cast_signed(),
        at: (at < Lsn::MAX).then(|| at.get().cast_signed()),
    };
    last.into_iter().map(record).collect()
}

async fn logged(wal: &dyn Wal, state: &TimelineState) -> Result<Vec<Merge>> {
    let range = state.floor.next()..=state.head.lsn;
    let mut found = Vec::new();
    if range.is_empty() {
        return Ok(found);
    }
    let mut headers = wal.read_headers(state.timeline.id, range, Direction::Ascending);
    while let Some(commit) = headers.try_next().await? {
        if let Origin::Merge(merged) = commit.meta.origin {
            found.extend(merged.parents.into_iter().map(|parent| (commit.meta.lsn, parent)));
        }
    }
    Ok(found)
}
