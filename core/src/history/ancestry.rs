//! The common ancestors of two states, along forks and merges.
//!
//! A commit descends from those before it on its chain, and a merge also from the merged commits. A
//! merge names everything that its chain gains ([`Merged::parents`](crate::model::Merged)), so the
//! commits of a state's own chain determine its whole ancestry, even when merged branches are gone.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use crate::Result;
use crate::log::walk::{above_of, headers_above};
use crate::model::{Lsn, Origin, Point, Segment, TimelineId, View};
use crate::store::mask::refuse_masked;
use crate::store::records::{self, KeptRecord, VersionedRecord};
use crate::store::{Shared, State};

/// The commits from which a state descends: a position on each timeline. Below the position down to
/// which it was gathered, only forks are followed.
struct Ancestry {
    last: BTreeMap<TimelineId, Lsn>,
}

impl Ancestry {
    /// Gathers the ancestry of a view from its commits above `above`. O(those commits).
    async fn of(shared: &Shared, view: &View, above: Lsn) -> Result<Self> {
        let mut ancestry = Self { last: BTreeMap::new() };
        for segment in view.segments() {
            ancestry.add(Point { timeline: segment.timeline, lsn: segment.upto });
        }
        for segment in above_of(view, above) {
            ancestry.add_collected(shared, segment).await?;
        }
        let mut commits = headers_above(shared.backend.wal.clone(), view, above);
        while let Some(commit) = commits.try_next().await? {
            if let Origin::Merge(merged) = commit.meta.origin {
                merged.parents.into_iter().for_each(|parent| ancestry.add(parent));
            }
        }
        Ok(ancestry)
    }

    /// Adds the points that collected commits had merged.
    async fn add_collected(&mut self, shared: &Shared, segment: Segment) -> Result<()> {
        if let Some(kept) = kept(shared, segment.timeline).await? {
            let inside = |at: Lsn| segment.above < at && at <= segment.upto;
            let merges = kept.merges().filter(|(at, _)| inside(*at));
            merges.for_each(|(_, parent)| self.add(parent));
        }
        Ok(())
    }

    fn add(&mut self, point: Point) {
        let last = self.last.entry(point.timeline).or_default();
        *last = point.lsn.max(*last);
    }

    fn contains(&self, point: Point) -> bool {
        self.last.get(&point.timeline).is_some_and(|last| point.lsn <= *last)
    }

    /// The last common commits of each timeline.
    fn common<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Point> + 'a {
        self.last.iter().filter_map(|(timeline, last)| {
            let lsn = *other.last.get(timeline)?.min(last);
            Some(Point { timeline: *timeline, lsn })
        })
    }
}

/// The relation of two states of one project.
pub(crate) struct Relation {
    /// The best common ancestors: those from which no other common ancestor descends, the latest
    /// first. Empty if only the empty state is common; several if each had been merged into the
    /// other before ("criss-cross").
    pub(crate) bases: Vec<State>,
    /// The points that the first state would gain by merging the second: first the second itself,
    /// then its other ancestors. Empty if the first state already has all of them.
    pub(crate) gained: Vec<Point>,
}

/// Computes the relation of two states, like git's merge base.
///
/// O(commits since the fork of the two chains). A collected common ancestor is replaced by an
/// earlier one.
pub(crate) async fn relate(ours: &State, theirs: &State) -> Result<Relation> {
    let shared = ours.shared();
    let fork = ours.view().common_lsn(theirs.view());
    let mine = Ancestry::of(shared, ours.view(), fork).await?;
    let other = Ancestry::of(shared, theirs.view(), fork).await?;

    // All commits before the fork on both chains are ancestors of the fork.
    let chain = ours.view().at(fork);
    let before_fork = |point: &Point| {
        point.lsn < fork
            && chain.segment_of(point.lsn).is_some_and(|found| found.timeline == point.timeline)
    };
    let mut candidates: Vec<(State, Ancestry)> = Vec::new();
    for point in mine.common(&other).filter(|point| !before_fork(point)) {
        if let Some(state) = readable(ours, point).await? {
            let above = fork.min(state.view().common_lsn(ours.view()));
            let ancestry = Ancestry::of(shared, state.view(), above).await?;
            candidates.push((state, ancestry));
        }
    }
    let best = |(state, _): &&(State, Ancestry)| {
        let Some(point) = state.view().point() else { return false };
        !candidates
            .iter()
            .any(|(other, ancestry)| other.view() != state.view() && ancestry.contains(point))
    };
    let mut bases: Vec<State> =
        candidates.iter().filter(best).map(|(state, _)| state.clone()).collect();
    bases.sort_by_key(|state| std::cmp::Reverse(state.lsn()));
    bases.dedup_by(|a, b| a.view() == b.view());
    Ok(Relation { bases, gained: gained(&mine, &other, theirs.view()) })
}

impl State {
    /// Returns whether this state already descends from another, along forks and merges.
    ///
    /// O(commits since the fork of the two chains).
    pub async fn has_merged(&self, other: &State) -> Result<bool> {
        Ok(relate(self, other).await?.gained.is_empty())
    }

    /// Returns the last position of another state's chain whose commits this state has, along forks and
    /// merges.
    ///
    /// O(commits since the fork of the two chains).
    pub async fn merged_lsn(&self, other: &State) -> Result<Lsn> {
        let fork = self.view().common_lsn(other.view());
        let mine = Ancestry::of(self.shared(), self.view(), fork).await?;
        let last = |segment: &Segment| {
            let last = *mine.last.get(&segment.timeline)?.min(&segment.upto);
            (last > segment.above).then_some(last)
        };
        Ok(other.view().segments().iter().filter_map(last).fold(fork, Lsn::max))
    }

    /// Returns the state at a point of the same store, such as one that a commit merged; `None` if it
    /// does not exist any more.
    ///
    /// # Errors
    /// `Denied` for a masked state, whose merged commits have originals.
    pub async fn at_point(&self, point: Point) -> Result<Option<State>> {
        refuse_masked(self, "follow the merges of")?;
        readable(self, point).await
    }
}

fn gained(mine: &Ancestry, other: &Ancestry, theirs: &View) -> Vec<Point> {
    let Some(merged) = theirs.point().filter(|point| !mine.contains(*point)) else {
        return Vec::new();
    };
    let besides = other.last.iter().map(|(&timeline, &lsn)| Point { timeline, lsn });
    let besides = besides.filter(|point| *point != merged && !mine.contains(*point));
    [merged].into_iter().chain(besides).collect()
}

/// Returns the state at a point in the store of another state, if it still exists.
pub(crate) async fn readable(near: &State, point: Point) -> Result<Option<State>> {
    let shared = near.shared();
    let Some(found) = shared.backend.wal.state(point.timeline).await? else { return Ok(None) };
    if point.lsn > found.head.lsn {
        return Ok(None);
    }
    let view = shared.timelines.view(found.timeline, point.lsn).await?;
    State::kept(shared.clone(), view, None).await
}

async fn kept(shared: &Shared, timeline: TimelineId) -> Result<Option<KeptRecord>> {
    let name = records::kept_ref(timeline);
    let Some(stored) = shared.backend.refs.get(&name).await? else { return Ok(None) };
    let stored: VersionedRecord<KeptRecord> = records::decode(&name, stored)?;
    Ok(Some(stored.record))
}
