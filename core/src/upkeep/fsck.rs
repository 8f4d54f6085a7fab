//! Proving a store: the log against its hash chain, and all that is derived against the log.

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

/// How many commits are checked between two reports of progress.
const STRIDE: u64 = 256;

/// Something wrong in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, and where.
    pub what: String,
    /// The branches that read what is damaged, as `project/branch`.
    pub affects: Vec<String>,
    /// Whether it was mended; only what is derived from the log can be.
    pub mended: bool,
}

/// What a check looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Projects read.
    pub projects: u64,
    /// Branches read, backups among them.
    pub branches: u64,
    /// Pins read.
    pub pins: u64,
    /// Plans read, closed ones among them.
    pub plans: u64,
    /// Timelines walked.
    pub timelines: u64,
    /// Commits whose digests were computed again.
    pub commits: u64,
    /// Images of documents in those commits.
    pub images: u64,
    /// Snapshots compared with the log.
    pub snapshots: u64,
    /// What is wrong.
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

/// Checks a whole store: O(data), in bounded memory. With `rebuild`, snapshots that are damaged are
/// made again from the log. `progress` is told the number of commits checked from time to time.
///
/// Readers and writers may go on meanwhile; what they add may or may not be checked.
///
/// # Errors
/// Only if the store can't be read at all; damage is reported, not returned.
#[tracing::instrument(level = "info", skip_all)]
pub async fn fsck(store: &Store, rebuild: bool, progress: &dyn Fn(u64)) -> Result<Report> {
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
    let mut findings = store.shared.backend.maintenance.verify();
    while let Some(finding) = findings.try_next().await? {
        check.problem(finding.problem, Vec::new());
    }
    Ok(check.report)
}

impl Check<'_> {
    fn problem(&mut self, what: String, affects: Vec<String>) {
        self.report.problems.push(Problem { what, affects, mended: false });
    }

    /// The branches that read the commit at `lsn` of a timeline.
    fn readers_of(&self, timeline: TimelineId, lsn: Lsn) -> Vec<String> {
        self.readers
            .iter()
            .filter(|reader| {
                reader.view.segment_of(lsn).is_some_and(|segment| segment.timeline == timeline)
            })
            .map(|reader| reader.name.clone())
            .collect()
    }

    /// Reads every project and branch, and resolves what each branch reads.
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
                self.problem(format!("the ref '{name}' has no project"), Vec::new());
                continue;
            };
            // A branch of no project is what a creation or deletion that was cut off leaves.
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

    /// The view of a branch, after comparing what its record says of its base with the log.
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

    /// Walks a timeline and computes every digest again.
    async fn timeline(&mut self, id: TimelineId, progress: &dyn Fn(u64)) {
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
            self.stretch(id, &mut next, state.head.lsn, &mut previous, progress).await;
            if next > state.head.lsn {
                break;
            }
            // Something from here on can't be read: take commits one by one until it is met.
            while next <= state.head.lsn {
                let Err(error) = self.single(id, next, &mut previous).await else {
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
            self.problem(format!("timeline {id}: its head is not its last commit"), affects);
        }
    }

    /// Checks commits from `next` on, until the end or one that can't be read.
    async fn stretch(
        &mut self,
        id: TimelineId,
        next: &mut Lsn,
        upto: Lsn,
        previous: &mut Option<Digest>,
        progress: &dyn Fn(u64),
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

    /// Checks one commit, or gives why it can't be read.
    async fn single(
        &mut self,
        id: TimelineId,
        lsn: Lsn,
        previous: &mut Option<Digest>,
    ) -> Result<()> {
        let found = self.store.shared.backend.wal.read(id, lsn..=lsn).try_next().await?;
        let commit = found.ok_or_else(|| Error::corrupt("it is missing from the log"))?;
        self.commit(id, &commit, *previous);
        *previous = Some(commit.digest);
        Ok(())
    }

    /// Where a timeline can be read again after a commit that can't, by the commits that there are,
    /// not by all positions up to the head: that may be damaged, and be any number.
    async fn resumes(&self, id: TimelineId, unreadable: Lsn, head: Lsn) -> Lsn {
        /// More commits in a row that can't be read are taken for all that follow.
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

    /// One problem for all commits from one that can't be read up to where it goes on.
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

    /// What a timeline is, and the digest on which its first commit that is left builds, if it is
    /// known.
    async fn start(&self, id: TimelineId) -> Result<Option<(TimelineState, Option<Digest>)>> {
        let shared = &self.store.shared;
        let Some(state) = shared.backend.wal.state(id).await? else { return Ok(None) };
        let given_up = kept::read(&*shared.backend.refs, id).await?;
        if given_up.is_some_and(|stored| stored.record.keep().is_empty()) {
            // A collection that was cut off has not removed it yet, and perhaps its base.
            return Ok(None);
        }
        let Timeline { base, .. } = state.timeline;
        if state.floor > state.timeline.base_lsn() {
            // The commit before the first that is left is gone, and its digest with it.
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

    /// Checks a commit against its predecessor's digest, if that is known.
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

    /// Compares every snapshot with what the log gives for its state.
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
            let mended = self.rebuild && self.remake(point).await.is_ok();
            self.report.problems.push(Problem { what, affects: Vec::new(), mended });
        }
        Ok(())
    }

    async fn snapshot(&self, point: Point) -> Result<()> {
        let shared = &self.store.shared;
        let found = shared.backend.snapshots.latest_manifest(point.timeline, point.lsn).await?;
        let manifest = found
            .filter(|manifest| manifest.point == point)
            .ok_or_else(|| Error::corrupt("its manifest is missing"))?;
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
                    return Err(Error::corrupt("it does not hold what the log gives"));
                }
                if stored.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads that don't rest on the snapshot of this point: the backend's index, or the log and the
    /// snapshots before it, which were checked already.
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

    /// Whether what a snapshot holds can be had without it. Where reads go to log and snapshots, the
    /// one below which the log was collected is all that there is.
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
            .ok_or_else(|| Error::corrupt("its timeline is missing"))?;
        shared.timelines.view(state.timeline, point.lsn).await
    }

    /// Makes a snapshot again from what does not rest on it, taking over nothing of others.
    async fn remake(&self, point: Point) -> Result<Manifest> {
        let shared = &self.store.shared;
        let Backend { snapshots, snapshot_policy, .. } = &shared.backend;
        if !self.can_be_made_again(&self.view(point).await?, point).await? {
            return Err(Error::corrupt("the log from which it was made was collected"));
        }
        snapshots.remove_manifest(point).await?;
        if let Some(replay) = &shared.replay {
            replay.forget_snapshots();
        }
        let (view, independent) = (self.view(point).await?, self.independent_of(point));
        let catalog = Catalog::load(&*independent, &view).await?;
        let collections = catalog.all_ids();
        let (now, level) = (shared.environment.now(), snapshot_policy.level);
        snapshot::write(&**snapshots, &*independent, &view, point, collections, now, level).await
    }
}

/// Whether a commit can be read with its documents.
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
