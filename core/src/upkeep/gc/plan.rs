//! Computes the retained states of each timeline from the roots, and their holders.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bson::DateTime;

use crate::Result;
use crate::log::walk;
use crate::model::{Head, Lsn, Point, Segment, TimelineId, View};
use crate::storage::RetainedStates;
use crate::store::Shared;
use crate::upkeep::gc::merges::Merges;
use crate::upkeep::gc::report::{Holder, HolderKind};
use crate::upkeep::gc::roots::{Graph, Root, Roots};

/// A state, or with `None` every state from [`RetainedStates::from`] on.
type RetainedPosition = (TimelineId, Option<Lsn>);

/// The retained states of all timelines.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) keep: BTreeMap<TimelineId, RetainedStates>,
    pub(super) holders: HashMap<RetainedPosition, BTreeSet<Holder>>,
    /// The branches on a timeline.
    pub(super) branches: HashMap<TimelineId, Vec<String>>,
    /// Timelines that are not pruned, because running reads may need any part of them.
    pub(super) frozen: HashSet<TimelineId>,
}

struct Planner<'a> {
    shared: &'a Shared,
    graph: &'a Graph,
    cutoff: DateTime,
    plan: Plan,
}

impl Plan {
    /// Computes the plan. For each branch with commits since `cutoff` it takes O(log commits)
    /// reads.
    pub(super) async fn of(
        shared: &Shared,
        graph: &Graph,
        roots: &Roots,
        merges: &Merges,
        cutoff: DateTime,
    ) -> Result<Self> {
        let mut planner = Planner { shared, graph, cutoff, plan: Plan::default() };
        let mut views: Vec<(Holder, View)> = Vec::new();
        for root in &roots.branches {
            let view = planner.branch(root).await?;
            views.push((root.holder.clone(), view));
        }
        for (point, holder) in &roots.points {
            planner.point(Some(*point), holder);
        }
        planner.merge_bases(&views, merges);
        if shared.replay.is_some() {
            planner.freeze(&roots.open);
        }
        let mut plan = planner.plan;
        for keep in plan.keep.values_mut() {
            let from = keep.from;
            keep.points.retain(|point| from.is_none_or(|from| *point < from));
        }
        Ok(plan)
    }

    pub(super) fn keep(&self, timeline: TimelineId) -> RetainedStates {
        self.keep.get(&timeline).cloned().unwrap_or_default()
    }
}

impl Planner<'_> {
    /// Retains the head of a branch, its states since the cutoff, and their bases.
    async fn branch(&mut self, root: &Root) -> Result<View> {
        let timeline = root.record.timeline();
        let state = self.graph.states.get(&timeline.id);
        let head = state.map_or_else(|| root.record.base_head(), |state| state.head);
        let view = self.shared.timelines.view(timeline, head.lsn).await?;
        self.plan.branches.entry(timeline.id).or_default().push(root.holder.name.clone());
        let cut = self.cut(&view, &head).await?;
        self.from(timeline.id, cut.min(head.lsn).max(timeline.base_lsn()), &root.holder);
        for segment in view.segments() {
            let is_leaf = segment.timeline == timeline.id;
            // An ancestor that ends before the retention period is only needed at the fork.
            if cut >= segment.upto && !is_leaf {
                let Segment { timeline, upto, .. } = *segment;
                self.point(Some(Point { timeline, lsn: upto }), &root.holder);
                break;
            }
            self.from(segment.timeline, cut.min(segment.upto).max(segment.above), &root.holder);
            // The period begins in this segment, so its base is the last state that is needed.
            if cut > segment.above {
                self.point(self.graph.base(segment.timeline), &root.holder);
                break;
            }
        }
        Ok(view)
    }

    /// Returns the last commit that is not later than the cutoff: the first retained state.
    async fn cut(&self, view: &View, head: &Head) -> Result<Lsn> {
        if head.time <= self.cutoff {
            return Ok(head.lsn);
        }
        let found = walk::last_not_after(&*self.shared.backend.wal, view, self.cutoff).await?;
        Ok(found.unwrap_or_default())
    }

    fn from(&mut self, timeline: TimelineId, lsn: Lsn, holder: &Holder) {
        let keep = self.plan.keep.entry(timeline).or_default();
        keep.from = Some(keep.from.map_or(lsn, |from| from.min(lsn)));
        self.plan.holders.entry((timeline, None)).or_default().insert(holder.clone());
    }

    /// Retains a state and those on which its timelines build.
    fn point(&mut self, mut next: Option<Point>, holder: &Holder) {
        while let Some(Point { timeline, lsn }) = next {
            let base = self.graph.base(timeline);
            if lsn == Lsn::ZERO {
                return;
            }
            if lsn <= self.graph.base_lsn(timeline) {
                // The state belongs to the timeline below.
                next = base.map(|base| Point { timeline: base.timeline, lsn });
                continue;
            }
            self.plan.keep.entry(timeline).or_default().points.insert(lsn);
            self.plan.holders.entry((timeline, Some(lsn))).or_default().insert(holder.clone());
            next = base;
        }
    }

    /// Retains for each branch the last states that it merged of timelines that others still write
    /// to.
    fn merge_bases(&mut self, views: &[(Holder, View)], merges: &Merges) {
        let live: HashSet<TimelineId> = views
            .iter()
            .flat_map(|(_, view)| view.segments())
            .map(|segment| segment.timeline)
            .collect();
        for (holder, view) in views {
            let name = holder.name.clone();
            let holder = Holder { kind: HolderKind::MergeBase, name };
            for (timeline, lsn) in merges.of_view(view) {
                if live.contains(&timeline) {
                    self.point(Some(Point { timeline, lsn }), &holder);
                }
            }
        }
    }

    /// Excludes the timelines of open states from pruning: if reads use log and snapshots, a
    /// running one may depend on a snapshot below its state and the log in between.
    fn freeze(&mut self, open: &[Point]) {
        for point in open {
            let mut next = Some(point.timeline);
            while let Some(timeline) = next {
                if self.plan.frozen.insert(timeline) {
                    let lsn = self.graph.base_lsn(timeline);
                    let keep = self.plan.keep.entry(timeline).or_default();
                    keep.from = Some(lsn);
                }
                next = self.graph.base(timeline).map(|base| base.timeline);
            }
        }
    }
}
