use std::time::Duration;

use argon_core::gc::{self, Options};
use argon_core::{Environment, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CompactStore, CompactedStore, StateHolder, clock, compact};
use crate::json::Time;
use crate::settings::Settings;
use crate::{Result, duration};

/// Remove data that is older than the retention time and that nothing holds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CollectGarbage {
    /// How far back every state of a branch is kept, such as `90m`, `24h` or `30d`; default: the setting
    /// `retention`.
    #[serde(default, deserialize_with = "duration::from_optional_text")]
    #[schemars(with = "Option<String>")]
    pub retention: Option<Duration>,
    /// Whether to report what would be removed, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether to compact the store afterwards.
    #[serde(default)]
    pub compact: bool,
    /// Whether the clock is right although the newest commit is much older.
    #[serde(default)]
    pub trust_clock: bool,
}

/// What a garbage collection removed, or would remove.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CollectedGarbage {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Every state of a branch since this time is kept.
    pub cutoff: Time,
    /// The number of removed versions of documents.
    pub versions: u64,
    /// The number of removed commits.
    pub commits: u64,
    /// The number of removed snapshots.
    pub snapshots: u64,
    /// The number of removed chunks.
    pub chunks: u64,
    /// The bytes of all that.
    pub bytes: u64,
    /// The removed refs: old backups and plans, branches of deleted projects.
    pub refs: Vec<String>,
    /// The timelines that lost data.
    pub timelines: Vec<CollectedTimeline>,
    /// The size of the store, if it was compacted.
    #[serde(flatten)]
    pub compacted: Option<CompactedStore>,
}

/// What a garbage collection removed of a timeline.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CollectedTimeline {
    /// The timeline.
    pub timeline: String,
    /// The branches on it, as `project/branch`.
    pub branches: Vec<String>,
    /// Whether nothing of it is kept.
    pub dropped: bool,
    /// Every state from this position is kept; null if only single states are.
    pub from: Option<u64>,
    /// The single states below it that are kept.
    pub points: Vec<HeldState>,
    /// The removed bytes.
    pub bytes: u64,
}

/// A single state that is kept.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HeldState {
    /// Its position.
    pub lsn: u64,
    /// Its holders.
    pub holders: Vec<StateHolder>,
}

impl CollectGarbage {
    async fn options(
        &self,
        store: &Store,
        environment: &Environment,
        settings: &Settings,
    ) -> Result<Options> {
        let retention = self.retention.unwrap_or(settings.retention);
        let options = Options { retention, dry_run: self.dry_run };
        if !self.trust_clock {
            clock::check_collection(store, environment, &options).await?;
        }
        Ok(options)
    }
}

/// Computes what a collection would remove if its retention time is shorter than the setting `retention`, so
/// that a person can confirm it; `None` if it would remove nothing or is a dry run.
///
/// # Errors
/// Those of [`collect`].
pub async fn preview_unusual(
    store: &Store,
    environment: &Environment,
    settings: &Settings,
    request: &CollectGarbage,
) -> Result<Option<CollectedGarbage>> {
    let options = request.options(store, environment, settings).await?;
    if options.dry_run || options.retention >= settings.retention {
        return Ok(None);
    }
    let report = gc::collect(store, &Options { dry_run: true, ..options }).await?;
    let removes_data = report.freed.versions > 0 || report.freed.commits > 0;
    let is_needed = removes_data || !report.refs.is_empty() || report.snapshots > 0;
    Ok(is_needed.then(|| CollectedGarbage::new(report, true)))
}

/// Removes data that is older than the retention time and that nothing holds. Reading and writing may continue
/// meanwhile.
///
/// # Errors
/// `Invalid` if the clock may be wrong; `Unsupported` by a backend that can't collect.
pub async fn collect(
    store: &Store,
    environment: &Environment,
    settings: &Settings,
    request: &CollectGarbage,
) -> Result<CollectedGarbage> {
    let options = request.options(store, environment, settings).await?;
    let report = gc::collect(store, &options).await?;
    let mut collected = CollectedGarbage::new(report, options.dry_run);
    if request.compact && !options.dry_run {
        collected.compacted = Some(compact(store, CompactStore {}).await?);
    }
    Ok(collected)
}

impl CollectedGarbage {
    fn new(report: gc::Report, dry_run: bool) -> Self {
        let gc::Report { cutoff, freed, refs, snapshots, timelines } = report;
        Self {
            dry_run,
            cutoff: Time(cutoff),
            versions: freed.versions,
            commits: freed.commits,
            snapshots,
            chunks: freed.chunks,
            bytes: freed.bytes,
            refs,
            timelines: timelines.into_iter().map(CollectedTimeline::from).collect(),
            compacted: None,
        }
    }
}

impl From<gc::TimelineReport> for CollectedTimeline {
    fn from(report: gc::TimelineReport) -> Self {
        let gc::TimelineReport { timeline, branches, dropped, from, points, freed } = report;
        Self {
            timeline: timeline.to_string(),
            branches,
            dropped,
            from: from.map(argon_core::model::Lsn::get),
            points: points.into_iter().map(HeldState::from).collect(),
            bytes: freed.bytes,
        }
    }
}

impl From<gc::KeptState> for HeldState {
    fn from(kept: gc::KeptState) -> Self {
        let holders = kept.holders.into_iter().map(StateHolder::from);
        Self { lsn: kept.lsn.get(), holders: holders.collect() }
    }
}
