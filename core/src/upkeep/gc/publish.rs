//! Records the retained states before anything is removed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::backoff::Backoff;
use crate::model::{Head, Lsn, Point, TimelineId};
use crate::storage::{CasResult, RefVersion, RetainedStates};
use crate::store::records::{self, KeptPoint, KeptRecord, KeptStates, VersionedRecord};
use crate::store::{Session, Shared, kept};
use crate::upkeep::gc::merges::Merges;
use crate::upkeep::gc::plan::Plan;
use crate::upkeep::gc::roots::{Cutoffs, Graph, Roots};
use crate::{Error, Result};

/// The stage of a timeline's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// To be written.
    Due,
    /// Written, and other states may still be added.
    Published,
    /// Final: other states stay collected.
    Removing,
}

/// The retained states of a timeline that loses states.
pub(super) struct TimelineCut {
    /// The states that the record retains.
    pub(super) keep: RetainedStates,
    /// The upper bound: all states that no collector may be removing.
    most: RetainedStates,
    stage: Stage,
    record: Option<KeptRecord>,
    version: Option<RefVersion>,
}

impl TimelineCut {
    fn new(keep: RetainedStates, stored: Option<VersionedRecord<KeptRecord>>) -> Self {
        let most = RetainedStates::all();
        let mut cut = Self { keep, most, stage: Stage::Due, record: None, version: None };
        cut.adopt(stored);
        cut
    }

    /// Adopts the existing record.
    fn adopt(&mut self, stored: Option<VersionedRecord<KeptRecord>>) {
        (self.record, self.version) = split(stored);
        self.stage = Stage::Due;
        let Some(record) = &self.record else { return };
        self.most = self.most.intersection(&record.most());
        self.keep = self.keep.intersection(&self.most);
        if record.keep() == self.keep {
            self.stage = if record.removing { Stage::Removing } else { Stage::Published };
        }
    }

    /// Adopts the record that another collector wrote concurrently. Its states are retained here
    /// too, so that both agree.
    fn moved(&mut self, stored: Option<VersionedRecord<KeptRecord>>) {
        if let Some(VersionedRecord { record, .. }) = &stored {
            self.keep = self.keep.union(&record.keep());
        }
        self.adopt(stored);
    }
}

/// A collection that is being decided.
pub(super) struct Decision {
    pub(super) graph: Graph,
    pub(super) merges: Merges,
    pub(super) roots: Roots,
    pub(super) plan: Plan,
    pub(super) cuts: BTreeMap<TimelineId, TimelineCut>,
    cutoffs: Cutoffs,
}

impl Decision {
    /// Decides the retained states, without writing.
    pub(super) async fn new(shared: &Arc<Session>, cutoffs: Cutoffs) -> Result<Self> {
        let graph = Graph::read(shared).await?;
        let kept = |timeline| graph.kept.get(timeline).map(|stored| &stored.record);
        let states = graph.states.iter().map(|(timeline, state)| (state, kept(timeline)));
        let merges = Merges::read(&*shared.backend.wal, states).await?;
        let roots = Roots::list(shared, cutoffs).await?;
        let plan = Plan::of(shared, &graph, &roots, &merges, cutoffs.retention).await?;
        let mut cuts = BTreeMap::new();
        for (timeline, state) in &graph.states {
            let stored = graph.kept.get(timeline);
            let cut = TimelineCut::new(plan.keep(*timeline), stored.cloned());
            let all = cut.keep.from.is_some_and(|from| from <= state.timeline.base_lsn());
            // A collection that was interrupted before it removed anything may have excluded too
            // much.
            let known = stored.is_none_or(|stored| stored.record.keep().covers(&cut.keep));
            let is_whole = all && known;
            if !is_whole && !plan.frozen.contains(timeline) {
                cuts.insert(*timeline, cut);
            }
        }
        Ok(Self { graph, merges, roots, plan, cuts, cutoffs })
    }

    /// Writes the records of retained states, and adds states that are used concurrently. When it
    /// returns, nobody opens other states, and no collector adds them again.
    pub(super) async fn publish(&mut self, shared: &Arc<Session>) -> Result<()> {
        // First in this process, whose readers of heads read no record.
        for (timeline, cut) in &self.cuts {
            shared.open.keep_only(*timeline, cut.keep.clone());
        }
        // Each further attempt means that a state that was about to be removed was opened.
        let mut backoff = Backoff::new(&shared.environment);
        while backoff.attempt().await {
            loop {
                let due = self.at(Stage::Due);
                if due.is_empty() {
                    break;
                }
                for timeline in due {
                    self.write(shared, timeline, Stage::Published).await?;
                }
            }
            // After the records: a ref that is created concurrently is either in this list, or its creator
            // reads the records.
            self.roots = Roots::list(shared, self.cutoffs).await?;
            let retention = self.cutoffs.retention;
            self.plan = Plan::of(shared, &self.graph, &self.roots, &self.merges, retention).await?;
            self.take_back();
            if !self.at(Stage::Due).is_empty() {
                continue;
            }
            for timeline in self.at(Stage::Published) {
                self.write(shared, timeline, Stage::Removing).await?;
            }
            if self.cuts.values().all(|cut| cut.stage == Stage::Removing) {
                return Ok(());
            }
        }
        Err(Error::conflict("states to collect keep being opened; try again later"))
    }

    /// The timelines whose records are at this stage.
    fn at(&self, stage: Stage) -> Vec<TimelineId> {
        let cuts = self.cuts.iter().filter(|(_, cut)| cut.stage == stage);
        cuts.map(|(timeline, _)| *timeline).collect()
    }

    /// Adds states that are used now but missing from the records.
    fn take_back(&mut self) {
        for (timeline, cut) in &mut self.cuts {
            let wanted = cut.most.intersection(&self.plan.keep(*timeline));
            if !cut.keep.covers(&wanted) {
                cut.keep = cut.keep.union(&wanted);
                cut.stage = Stage::Due;
            }
        }
    }

    /// Writes the record of a timeline, which then is at `stage`. If another collector has written
    /// it concurrently, adopts that record and its stage instead.
    async fn write(&mut self, shared: &Shared, timeline: TimelineId, stage: Stage) -> Result<()> {
        let Some(cut) = self.cuts.get(&timeline) else { return Ok(()) };
        let reference = records::kept_ref(timeline);
        let record = self.record(shared, timeline, cut, stage == Stage::Removing).await?;
        // Before the record, so that this process opens no state that the record excludes.
        shared.open.keep_only(timeline, cut.keep.clone());
        let value = Some(records::encode(&record)?);
        let refs = &shared.backend.refs;
        let swap = refs.compare_and_set(&reference, cut.version.as_ref(), value).await?;
        let Some(cut) = self.cuts.get_mut(&timeline) else { return Ok(()) };
        match swap {
            CasResult::Done(version) => {
                (cut.version, cut.record, cut.stage) = (version, Some(record), stage);
                if stage == Stage::Removing {
                    cut.most = cut.keep.clone();
                }
            }
            CasResult::Moved(found) => {
                let found = found.map(|stored| records::decode(&reference, stored));
                cut.moved(found.transpose()?);
                shared.open.keep_only(timeline, cut.keep.clone());
            }
        }
        Ok(())
    }

    async fn record(
        &self,
        shared: &Shared,
        timeline: TimelineId,
        cut: &TimelineCut,
        removing: bool,
    ) -> Result<KeptRecord> {
        let KeptStates { from, points } = self.states(shared, timeline, cut, &cut.keep).await?;
        let is_bounded = !removing && cut.most != RetainedStates::all();
        let most = if is_bounded {
            Some(self.states(shared, timeline, cut, &cut.most).await?)
        } else {
            None
        };
        let seen_by = if removing { &cut.keep } else { &cut.most };
        let merged = self.merges.below(timeline, cut.keep.from, seen_by, cut.record.as_ref());
        Ok(KeptRecord { from, points, merged, removing, most, at: shared.environment.now() })
    }

    async fn states(
        &self,
        shared: &Shared,
        timeline: TimelineId,
        cut: &TimelineCut,
        keep: &RetainedStates,
    ) -> Result<KeptStates> {
        let mut points = Vec::with_capacity(keep.points.len());
        for lsn in &keep.points {
            let Head { digest, time, .. } = self.head(shared, timeline, *lsn, cut).await?;
            points.push(KeptPoint { lsn: lsn.get().cast_signed(), digest, time });
        }
        Ok(KeptStates { from: keep.from.map(|lsn| lsn.get().cast_signed()), points })
    }

    /// Returns the last commit of a state, from the record, a ref, or the log.
    async fn head(
        &self,
        shared: &Shared,
        timeline: TimelineId,
        lsn: Lsn,
        cut: &TimelineCut,
    ) -> Result<Head> {
        let known = cut.record.as_ref().and_then(|record| record.head_at(lsn));
        let named = || self.roots.heads.get(&Point { timeline, lsn }).copied();
        if let Some(head) = known.or_else(named) {
            return Ok(head);
        }
        let Some(state) = self.graph.states.get(&timeline) else {
            return Err(Error::internal("an unlisted timeline is being pruned"));
        };
        let view = shared.timelines.view(state.timeline, lsn).await?;
        kept::head_of(shared, &view).await
    }
}

fn split(stored: Option<VersionedRecord<KeptRecord>>) -> (Option<KeptRecord>, Option<RefVersion>) {
    stored.map_or((None, None), |stored| (Some(stored.record), Some(stored.version)))
}
