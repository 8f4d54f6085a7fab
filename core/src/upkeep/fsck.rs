//! Verifies a store: the log against its hash chain, and derived data against the log.

mod entries;
mod named;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::TryStreamExt;

use crate::engine::catalog::Catalog;
use crate::engine::replay::LogMaterializer;
use crate::engine::snapshot::{self, SnapshotReader, Without};
use crate::model::{
    Change, CollectionId, Commit, Digest, Lsn, Point, ProjectId, ProjectName, Timeline, TimelineId,
    View,
};
use crate::storage::{Backend, Direction, KeyRange, Manifest, Materialize, TimelineState, Wal};
use crate::store::records::{self, BranchRecord, ProjectRecord};
use crate::store::{Store, kept};
use crate::{Error, Result};

/// The number of commits between two progress reports.
const STRIDE: u64 = 256;

/// A problem in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The problem, and its location.
    pub what: String,
    /// The branches that read the damaged data, as `project/branch`.
    pub affects: Vec<String>,
    /// Whether it was repaired; only data that is derived from the log can be.
    pub repaired: bool,
}

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of projects.
    pub projects: u64,
    /// The number of branches, including backups.
    pub branches: u64,
    /// The number of pins.
    pub pins: u64,
    /// The number of plans, including closed ones.
    pub plans: u64,
    /// The number of timelines.
    pub timelines: u64,
    /// The number of commits whose digests were recomputed.
    pub commits: u64,
    /// The number of images of documents in those commits.
    pub images: u64,
    /// The number of snapshots that were compared with the log.
    pub snapshots: u64,
    /// The number of indexes whose entries were compared with documents.
    pub indexes: u64,
    /// The problems.
    pub problems: Vec<Problem>,
}

/// A branch and the timelines that it reads.
struct Reader {
    name: String,
    view: View,
}

struct Check<'a> {
    store: &'a Store,
    projects: Vec<(ProjectName, ProjectId)>,
    readers: Vec<Reader>,
    report: Report,
    rebuild: bool,
}

/// Checks a whole store: O(data), in bounded memory. With `rebuild`, damaged snapshots are made
/// again from the log, and entries of indexes from documents. `progress` receives the number of checked commits from time to time.
///
/// Reads and writes may continue concurrently; their changes may or may not be checked.
///
/// # Errors
/// Only if the store can't be read at all; damage is reported, not returned as an error.
#[tracing::instrument(level = "info", skip_all)]
pub async fn fsck(store: &Store, rebuild: bool, progress: &(dyn Fn(u64) + Sync)) -> Result<Report> {
    let (projects, readers) = (Vec::new(), Vec::new());
    let mut check = Check { store, projects, readers, report: Report::default(), rebuild };
    check.refs().await?;
    check.pins_and_plans().await?;
    let mut timelines = store.shared.backend.wal.timelines().await?;
    timelines.sort_unstable();
    for timeline in timelines {
        check.timeline(timeline, progress).await;
    }
    check.snapshots().await?;
    check.entries().await?;
    let mut findings = store.shared.backend.maintenance.verify();
    while let Some(finding) = findings.try_next().await? {
        check.problem(finding.problem, Vec::new());
    }
    Ok(check.report)
}

impl Check<'_> {
    fn problem(&mut self, what: String, affects: Vec<String>) {
        self.report.problems.push(Problem { what, affects, repaired: false });
    }

    /// Returns the branches that read the commit at `lsn` of a timeline.
    fn readers_of(&self, timeline: TimelineId, lsn: Lsn) -> Vec<String> {
        self.readers
            .iter()
            .filter(|reader| {
                reader.view.segment_of(lsn).is_some_and(|segment| segment.timeline == timeline)
            })
            .map(|reader| reader.name.clone())
            .collect()
    }

    /// Reads every project and branch, and resolves the views of branches.
    async fn refs(&mut self) -> Result<()> {
        let refs = &self.store.shared.backend.refs;
        let mut projects: BTreeMap<String, String> = BTreeMap::new();
        for (name, stored) in refs.list(records::PROJECTS).await? {
            match records::decode::<ProjectRecord>(&name, stored) {
                Ok(project) => {
                    self.report.projects += 1;
                    let short = name.trim_start_matches(records::PROJECTS).to_owned();
                    if let Ok(name) = ProjectName::new(&*short) {
                        self.projects.push((name, project.record.id));
                    }
                    projects.insert(project.record.id.to_string(), short);
                }
                Err(error) => self.problem(error.to_string(), Vec::new()),
            }
        }
        for (name, stored) in refs.list("branch/").await? {
            let mut parts = name.splitn(3, '/').skip(1);
            let (Some(project), Some(branch)) = (parts.next(), parts.next()) else {
                self.problem(format!("the ref '{name}' belongs to no project"), Vec::new());
                continue;
            };
            // A branch without a project is the leftover of an interrupted creation or deletion.
            let Some(project) = projects.get(project) else { continue };
            let label = format!("{project}/{branch}");
            self.report.branches += 1;
            let read = match records::decode::<BranchRecord>(&name, stored) {
                Ok(stored) => self.branch(&stored.record).await,
                Err(error) => Err(error),
            };
            match read {
                Ok(view) => self.readers.push(Reader { name: label, view }),
                Err(error) => {
                    self.problem(format!("branch {label}: {}", error.in_full()), vec![label]);
                }
            }
        }
        Ok(())
    }

    /// Returns the view of a branch, after comparing the base in its record with the log.
    async fn branch(&self, record: &BranchRecord) -> Result<View> {
        let shared = &self.store.shared;
        let state = shared.backend.wal.state(record.timeline).await?;
        let head = state.map_or_else(|| record.base_head(), |state| state.head);
        let view = shared.timelines.view(record.timeline(), head.lsn).await?;
        let base = record.base_head();
        if base.lsn > Lsn::ZERO {
            let found = kept::head_of(shared, &view.at(base.lsn)).await?;
            if found.digest != base.digest {
                return Err(Error::corrupt(format!(
                    "it builds on commit {} with digest {}, but the log has {}",
                    base.lsn,
                    base.digest.short(),
                    found.digest.short()
                )));
            }
        }
        Ok(view)
    }

    /// Walks a timeline and recomputes every digest.
    async fn timeline(&mut self, id: TimelineId, progress: &(dyn Fn(u64) + Sync)) {
        self.report.timelines += 1;
        let (state, mut previous) = match self.start(id).await {
            Ok(Some(start)) => start,
            Ok(None) => return,
            Err(error) => {
                let affects = self.readers_of_any(id);
                return self.problem(format!("timeline {id}: {}", error.in_full()), affects);
            }
        };
        let mut next = state.floor.next();
        while next <= state.head.lsn {
            self.check_commits(id, &mut next, state.head.lsn, &mut previous, progress).await;
            if next > state.head.lsn {
                break;
            }
            // Some commit from here on can't be read: read commits one by one until it is found.
            while next <= state.head.lsn {
                let Err(error) = self.check_commit(id, next, &mut previous).await else {
                    next = next.next();
                    continue;
                };
                let resumed = self.resumes(id, next, state.head.lsn).await;
                self.unreadable(id, next, resumed, &error);
                previous = None;
                next = resumed;
                break;
            }
        }
        if previous.is_some_and(|digest| digest != state.head.digest) {
            let affects = self.readers_of(id, state.head.lsn);
            self.problem(format!("timeline {id}: its head differs from its last commit"), affects);
        }
    }

    /// Checks commits from `next` on, until the end or an unreadable one.
    async fn check_commits(
        &mut self,
        id: TimelineId,
        next: &mut Lsn,
        upto: Lsn,
        previous: &mut Option<Digest>,
        progress: &(dyn Fn(u64) + Sync),
    ) {
        let mut commits = self.store.shared.backend.wal.read(id, *next..=upto);
        while let Ok(Some(commit)) = commits.try_next().await {
            if commit.meta.lsn != *next {
                return;
            }
            self.commit(id, &commit, *previous);
            *previous = Some(commit.digest);
            *next = next.next();
            if next.get().is_multiple_of(STRIDE) {
                progress(self.report.commits);
            }
        }
    }

    /// Checks one commit, or returns the reason why it can't be read.
    async fn check_commit(
        &mut self,
        id: TimelineId,
        lsn: Lsn,
        previous: &mut Option<Digest>,
    ) -> Result<()> {
        let found = self.store.shared.backend.wal.read(id, lsn..=lsn).try_next().await?;
        let commit = found.ok_or_else(|| Error::corrupt("the commit is missing from the log"))?;
        self.commit(id, &commit, *previous);
        *previous = Some(commit.digest);
        Ok(())
    }

    /// Returns where a timeline can be read again after an unreadable commit, by the commits in the
    /// log instead of all positions up to the head: a damaged head may be any number.
    async fn resumes(&self, id: TimelineId, unreadable: Lsn, head: Lsn) -> Lsn {
        /// If more consecutive commits are unreadable, all following ones are considered
        /// unreadable.
        const MOST: u32 = 10_000;
        let wal = &self.store.shared.backend.wal;
        let mut from = unreadable.next();
        for _ in 0..MOST {
            if from > head {
                break;
            }
            let mut headers = wal.read_headers(id, from..=head, Direction::Ascending);
            match headers.try_next().await {
                Ok(Some(commit)) if wal_has(&**wal, id, commit.meta.lsn).await => {
                    return commit.meta.lsn;
                }
                Ok(Some(commit)) => from = commit.meta.lsn.next(),
                Ok(None) => break,
                Err(_) => from = from.next(),
            }
        }
        head.next()
    }

    /// Reports one problem for a range of unreadable commits.
    fn unreadable(&mut self, id: TimelineId, first: Lsn, resumed: Lsn, error: &Error) {
        let last = Lsn::new(resumed.get().saturating_sub(1));
        let mut affects = self.readers_of(id, first);
        affects.extend(self.readers_of(id, last));
        affects.sort();
        affects.dedup();
        let which = if first == last {
            format!("commit {first}")
        } else {
            format!("commits {first} to {last}")
        };
        self.problem(format!("{which} of timeline {id}: {}", error.in_full()), affects);
    }

    /// Returns the state of a timeline, and the digest on which its first remaining commit builds,
    /// if known.
    async fn start(&self, id: TimelineId) -> Result<Option<(TimelineState, Option<Digest>)>> {
        let shared = &self.store.shared;
        let Some(state) = shared.backend.wal.state(id).await? else { return Ok(None) };
        let given_up = kept::read(&*shared.backend.refs, id).await?;
        if given_up.is_some_and(|stored| stored.record.keep().is_empty()) {
            // The leftover of an interrupted collection, whose base may already be removed.
            return Ok(None);
        }
        let Timeline { base, .. } = state.timeline;
        if state.floor > state.timeline.base_lsn() {
            // The commit before the first remaining one was collected, and its digest with it.
            return Ok(Some((state, None)));
        }
        let digest = match base {
            None => Digest::ZERO,
            Some(base) => {
                let view = shared.timelines.view(state.timeline, base.lsn).await?;
                kept::head_of(shared, &view).await?.digest
            }
        };
        Ok(Some((state, Some(digest))))
    }

    /// Checks a commit against its predecessor's digest, if known.
    fn commit(&mut self, id: TimelineId, commit: &Commit, previous: Option<Digest>) {
        self.report.commits += 1;
        self.report.images += commit.changes.len() as u64;
        if previous.is_none_or(|previous| commit.compute_digest(&previous) == commit.digest) {
            return;
        }
        let lsn = commit.meta.lsn;
        let affects = self.readers_of(id, lsn);
        let touched = touched(&commit.changes);
        self.problem(
            format!(
                "commit {lsn} of timeline {id} does not match its digest; it changed {touched}"
            ),
            affects,
        );
    }

    fn readers_of_any(&self, id: TimelineId) -> Vec<String> {
        self.readers
            .iter()
            .filter(|reader| reader.view.segments().iter().any(|segment| segment.timeline == id))
            .map(|reader| reader.name.clone())
            .collect()
    }

    /// Compares every snapshot with the state that the log gives.
    async fn snapshots(&mut self) -> Result<()> {
        for point in self.store.shared.backend.snapshots.list().await? {
            self.report.snapshots += 1;
            let Err(error) = self.snapshot(point).await else { continue };
            let what = format!(
                "the snapshot at LSN {} of timeline {}: {}",
                point.lsn,
                point.timeline,
                error.in_full()
            );
            let repaired = self.rebuild && self.remake(point).await.is_ok();
            self.report.problems.push(Problem { what, affects: Vec::new(), repaired });
        }
        Ok(())
    }

    async fn snapshot(&self, point: Point) -> Result<()> {
        let shared = &self.store.shared;
        let found = shared.backend.snapshots.latest_manifest(point.timeline, point.lsn).await?;
        let manifest = found
            .filter(|manifest| manifest.point == point)
            .ok_or_else(|| Error::corrupt("the manifest is missing"))?;
        let view = self.view(point).await?;
        if !self.can_be_made_again(&view, point).await? {
            return self.read_through(manifest).await;
        }
        let independent = self.independent_of(point);
        let mut collections: BTreeSet<CollectionId> =
            manifest.collections.iter().map(|chunks| chunks.collection).collect();
        collections.insert(CollectionId::CATALOG);
        collections.extend(Catalog::load(&*independent, &view).await?.iter().map(|info| info.id));
        let reader = SnapshotReader::new(shared.backend.snapshots.clone(), manifest);
        for collection in collections {
            let mut expected = independent.scan(&view, collection, KeyRange::default());
            let mut stored = reader.scan(collection, KeyRange::default());
            loop {
                let (expected, stored) = (expected.try_next().await?, stored.try_next().await?);
                if expected != stored {
                    return Err(Error::corrupt("the content differs from the log"));
                }
                if stored.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads that do not depend on the snapshot at this point: the backend's index, or the log and
    /// earlier snapshots, which are already checked.
    fn independent_of(&self, point: Point) -> Arc<dyn Materialize> {
        let Backend { wal, snapshots, materialize, .. } = &self.store.shared.backend;
        match materialize {
            Some(index) => index.clone(),
            None => {
                let others = Arc::new(Without::new(snapshots.clone(), point));
                Arc::new(LogMaterializer::new(wal.clone(), others))
            }
        }
    }

    /// Returns whether the content of a snapshot can be read without it. If reads use log and
    /// snapshots, a snapshot below which the log was collected is the only source.
    async fn can_be_made_again(&self, view: &View, point: Point) -> Result<bool> {
        let Backend { wal, snapshots, materialize, .. } = &self.store.shared.backend;
        if materialize.is_some() {
            return Ok(true);
        }
        let before = snapshot::latest(&Without::new(snapshots.clone(), point), view).await?;
        let above = before.map_or(Lsn::ZERO, |manifest| manifest.point.lsn);
        for segment in crate::log::walk::above_of(view, above) {
            let state = wal.state(segment.timeline).await?;
            if state.is_some_and(|state| state.floor > segment.above) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads all chunks of a snapshot, each of which is named by its digest.
    async fn read_through(&self, manifest: Manifest) -> Result<()> {
        let collections: Vec<_> = manifest.collections.iter().map(|c| c.collection).collect();
        let reader = SnapshotReader::new(self.store.shared.backend.snapshots.clone(), manifest);
        for collection in collections {
            let mut versions = reader.scan(collection, KeyRange::default());
            while versions.try_next().await?.is_some() {}
        }
        Ok(())
    }

    async fn view(&self, point: Point) -> Result<View> {
        let shared = &self.store.shared;
        let state = shared
            .backend
            .wal
            .state(point.timeline)
            .await?
            .ok_or_else(|| Error::corrupt("the timeline is missing"))?;
        shared.timelines.view(state.timeline, point.lsn).await
    }

    /// Makes a snapshot again from data that does not depend on it, without reusing chunks.
    async fn remake(&self, point: Point) -> Result<Manifest> {
        let shared = &self.store.shared;
        let Backend { snapshots, snapshot_policy, .. } = &shared.backend;
        if !self.can_be_made_again(&self.view(point).await?, point).await? {
            return Err(Error::corrupt("the log that it requires was collected"));
        }
        snapshots.remove_manifest(point).await?;
        if let Some(replay) = &shared.replay {
            replay.forget_snapshots();
        }
        let (view, independent) = (self.view(point).await?, self.independent_of(point));
        let catalog = Catalog::load(&*independent, &view).await?;
        let collections = catalog.all_ids();
        let (now, level) = (shared.environment.now(), snapshot_policy.level);
        snapshot::write(snapshots, &*independent, &view, point, collections, now, level).await
    }
}

/// Returns whether a commit can be read with its documents.
async fn wal_has(wal: &dyn Wal, id: TimelineId, lsn: Lsn) -> bool {
    matches!(wal.read(id, lsn..=lsn).try_next().await, Ok(Some(_)))
}

fn touched(changes: &[Change]) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = changes
        .iter()
        .take(SHOWN)
        .map(|change| format!("{} in collection {}", change.key, change.collection))
        .collect();
    if changes.len() > SHOWN {
        names.push(format!("{} more", changes.len() - SHOWN));
    }
    names.join(", ")
}
