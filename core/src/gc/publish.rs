//! Writing down what is kept, before anything is removed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bson::DateTime;

use crate::api::Shared;
use crate::gc::kept;
use crate::gc::merges::Merges;
use crate::gc::plan::Plan;
use crate::gc::roots::{Cutoffs, Graph, Roots};
use crate::model::{Head, Lsn, Point, TimelineId};
use crate::records::{self, KeptPoint, KeptRecord, Stored};
use crate::storage::{Keep, RefVersion, Swap};
use crate::{Error, Result};

/// How often what is kept is written again before the collection is given up for now: each time,
/// somebody has taken hold of a state that was about to go.
const ATTEMPTS: usize = 64;

/// What is kept of a timeline from which something goes.
pub(super) struct Cut {
    /// What is kept now, as the record says.
    pub(super) keep: Keep,
    /// What could be kept at most: all that the record had not given up when it was found.
    most: Keep,
    record: Option<KeptRecord>,
    version: Option<RefVersion>,
}

/// A collection that is being decided on.
pub(super) struct Decision {
    pub(super) graph: Graph,
    pub(super) merges: Merges,
    pub(super) roots: Roots,
    pub(super) plan: Plan,
    pub(super) cuts: BTreeMap<TimelineId, Cut>,
    cutoffs: Cutoffs,
}

impl Decision {
    /// Decides what is to be kept, and writes nothing.
    pub(super) async fn new(shared: &Arc<Shared>, cutoffs: Cutoffs) -> Result<Self> {
        let graph = Graph::read(shared).await?;
        let kept = |timeline| graph.kept.get(timeline).map(|stored| &stored.record);
        let states = graph.states.iter().map(|(timeline, state)| (state, kept(timeline)));
        let merges = Merges::read(&*shared.backend.wal, states).await?;
        let roots = Roots::list(shared, cutoffs).await?;
        let plan = Plan::of(shared, &graph, &roots, &merges, cutoffs.retention).await?;
        let mut cuts = BTreeMap::new();
        for (timeline, state) in &graph.states {
            let stored = graph.kept.get(timeline);
            let most = stored.map_or_else(Keep::all, |stored| stored.record.keep());
            let keep = most.intersection(&plan.keep(*timeline));
            let all = keep.from.is_some_and(|from| from <= state.timeline.base_lsn());
            if !all && !plan.frozen.contains(timeline) {
                let (record, version) = split(stored.cloned());
                cuts.insert(*timeline, Cut { keep, most, record, version });
            }
        }
        Ok(Self { graph, merges, roots, plan, cuts, cutoffs })
    }

    /// Writes down what is kept, and takes back into it what somebody has taken hold of meanwhile.
    /// When it returns, nobody opens what is left out.
    pub(super) async fn publish(&mut self, shared: &Arc<Shared>) -> Result<()> {
        let timelines: Vec<TimelineId> = self.cuts.keys().copied().collect();
        for timeline in timelines {
            self.write(shared, timeline).await?;
        }
        for _ in 0..ATTEMPTS {
            self.roots = Roots::list(shared, self.cutoffs).await?;
            let retention = self.cutoffs.retention;
            self.plan = Plan::of(shared, &self.graph, &self.roots, &self.merges, retention).await?;
            let mut written = false;
            for timeline in self.taken_back() {
                self.write(shared, timeline).await?;
                written = true;
            }
            if !written {
                return Ok(());
            }
        }
        Err(Error::conflict(
            "states that are to be collected are opened again and again; try again later",
        ))
    }

    /// The timelines of which more is held now than was written down.
    fn taken_back(&mut self) -> Vec<TimelineId> {
        let mut more = Vec::new();
        for (timeline, cut) in &mut self.cuts {
            let wanted = cut.most.intersection(&self.plan.keep(*timeline));
            if !cut.keep.covers(&wanted) {
                cut.keep = cut.keep.union(&wanted);
                more.push(*timeline);
            }
        }
        more
    }

    /// Writes the record of a timeline. If another collector has written it, what that has given up
    /// is given up here too.
    async fn write(&mut self, shared: &Shared, timeline: TimelineId) -> Result<()> {
        let reference = records::kept_ref(timeline);
        loop {
            let Some(cut) = self.cuts.get(&timeline) else { return Ok(()) };
            let record = self.record(shared, timeline, cut).await?;
            shared.open.keep_only(timeline, cut.keep.clone());
            let value = Some(records::encode(&record)?);
            let refs = &shared.backend.refs;
            let swap = refs.compare_and_set(&reference, cut.version.as_ref(), value).await?;
            let Some(cut) = self.cuts.get_mut(&timeline) else { return Ok(()) };
            match swap {
                Swap::Done(version) => {
                    (cut.version, cut.record) = (version, Some(record));
                    return Ok(());
                }
                Swap::Moved(found) => {
                    let found = found.map(|stored| records::decode(&reference, stored));
                    (cut.record, cut.version) = split(found.transpose()?);
                    let theirs = cut.record.as_ref().map_or_else(Keep::all, KeptRecord::keep);
                    cut.most = cut.most.intersection(&theirs);
                    cut.keep = cut.keep.intersection(&theirs);
                }
            }
        }
    }

    async fn record(&self, shared: &Shared, timeline: TimelineId, cut: &Cut) -> Result<KeptRecord> {
        let mut points = Vec::with_capacity(cut.keep.points.len());
        for lsn in &cut.keep.points {
            let Head { digest, time, .. } = self.head(shared, timeline, *lsn, cut).await?;
            points.push(KeptPoint { lsn: lsn.get().cast_signed(), digest, time });
        }
        let from = cut.keep.from;
        let now: DateTime = shared.environment.now();
        Ok(KeptRecord {
            from: from.map(|lsn| lsn.get().cast_signed()),
            points,
            merged: self.merges.below(timeline, &cut.keep, cut.record.as_ref()),
            at: now,
        })
    }

    /// The last commit of a state: as the record knows it, or a ref, or the log.
    async fn head(
        &self,
        shared: &Shared,
        timeline: TimelineId,
        lsn: Lsn,
        cut: &Cut,
    ) -> Result<Head> {
        let known = cut.record.as_ref().and_then(|record| record.head_at(lsn));
        let named = || self.roots.heads.get(&Point { timeline, lsn }).copied();
        if let Some(head) = known.or_else(named) {
            return Ok(head);
        }
        let Some(state) = self.graph.states.get(&timeline) else {
            return Err(Error::internal("a timeline that was not listed is pruned"));
        };
        let view = shared.timelines.view(state.timeline, lsn).await?;
        kept::head_of(shared, &view).await
    }
}

fn split(stored: Option<Stored<KeptRecord>>) -> (Option<KeptRecord>, Option<RefVersion>) {
    stored.map_or((None, None), |stored| (Some(stored.record), Some(stored.version)))
}
