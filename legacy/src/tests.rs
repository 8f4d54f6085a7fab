//! The queue under a manual clock, and workers that crash after every step.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use argon_core::model::{Actor, Commit, Lsn, ProjectName, TimelineId};
use argon_core::storage::{
    Backend, CasResult, Direction, ObjectInfo, Objects, OpenOptions, RefName, RefVersion, Refs,
    StoreInfo, StoreUrl, VersionedRef,
};
use argon_core::{Clock, Environment, Error, Ids, Result, Store};
use async_trait::async_trait;
use bson::{DateTime, rawdoc};
use futures::TryStreamExt;
use tempfile::TempDir;

use crate::directory::Directory;
use crate::engine::LegacyEngine;
use crate::index::covering;
use crate::jobs::{Job, JobKind, JobStatus};
use crate::settings::Settings;
use crate::timelines::batch_id;

#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> DateTime {
        DateTime::from_millis(1_700_000_000_000 + self.0.load(Ordering::Relaxed))
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Ids for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// Lets N changes happen, and none after them, as if the process was killed.
#[derive(Clone)]
struct Budget(Arc<AtomicI64>);

impl Budget {
    fn spend(&self) -> Result<()> {
        if self.0.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(());
        }
        Err(Error::unavailable("killed"))
    }
}

struct Limited<T>(T, Budget);

#[async_trait]
impl Refs for Limited<Arc<dyn Refs>> {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.0.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        self.0.list(prefix).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        self.1.spend()?;
        self.0.compare_and_set(name, expected, value).await
    }
}

#[async_trait]
impl Objects for Limited<Directory> {
    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        self.1.spend()?;
        self.0.put(name, bytes).await
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.0.get(name).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.0.list(prefix).await
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.1.spend()?;
        self.0.delete(name).await
    }

    fn location(&self) -> String {
        self.0.location()
    }
}

/// A store without workers, whose jobs a test runs itself.
struct Stage {
    engine: Arc<LegacyEngine>,
    clock: Arc<SetClock>,
    budget: Budget,
    _place: TempDir,
}

const ENOUGH: i64 = i64::MAX / 2;

impl Stage {
    async fn new(parameters: &str) -> Self {
        let (place, clock) = (tempfile::tempdir().unwrap(), Arc::<SetClock>::default());
        let environment = Environment::new(clock.clone(), Arc::<Counted>::default());
        let registry = argon_backends::registry();
        let (url, options) = ("memory:".parse().unwrap(), OpenOptions::default());
        let factory = registry.factory(&url).unwrap();
        let mut queue = factory.create(&url, &options, &environment).await.unwrap();
        let budget = Budget(Arc::new(AtomicI64::new(ENOUGH)));
        queue.refs = Arc::new(Limited(queue.refs.clone(), budget.clone()));
        let objects = Limited(Directory::new(place.path().to_owned()), budget.clone());
        let url = StoreUrl::new("legacy+file", format!("x?{parameters}"));
        let info = StoreInfo {
            engine: "legacy+file".into(),
            format: 1,
            id: "0".repeat(32),
            created: None,
            location: "x".into(),
            recovered: None,
        };
        let settings = Settings::parse(&url).unwrap();
        let engine = LegacyEngine::new(Arc::new(objects), queue, settings, environment, info, None);
        Self { engine: Arc::new(engine), clock, budget, _place: place }
    }

    fn backend(&self) -> Backend {
        let engine = &self.engine;
        Backend {
            wal: engine.clone(),
            refs: engine.clone(),
            snapshots: engine.clone(),
            materialize: None,
            indexes: None,
            ..engine.queue.clone()
        }
    }

    /// Writes commits of one document each; the timeline that has them.
    async fn write(&self, count: i32) -> TimelineId {
        let store =
            Store::new(self.backend(), self.engine.environment.clone(), Actor::new("ada").unwrap());
        let name = ProjectName::new("shop").unwrap();
        let project = match store.project(&name).await {
            Ok(project) => project,
            Err(_) => store.create_project(&name).await.unwrap(),
        };
        let main = project.branch("main").await.unwrap();
        for _ in 0..count {
            main.collection(&"c".parse().unwrap()).insert(rawdoc! { "text": "x" }).await.unwrap();
        }
        main.head().await.unwrap().view().point().unwrap().timeline
    }

    fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// Runs the due jobs, as one worker.
    async fn work(&self) -> Result<()> {
        for claim in self.engine.jobs.due().await? {
            if let Some(claim) = self.engine.jobs.take(&claim, "w").await? {
                self.engine.runner.run(&claim).await?;
            }
        }
        Ok(())
    }

    async fn commits(&self, timeline: TimelineId) -> Vec<Commit> {
        let all = Lsn::new(1)..=Lsn::MAX;
        let commits = self.engine.reader.commits(timeline, all, Direction::Ascending);
        commits.try_collect().await.unwrap()
    }

    async fn statuses(&self) -> Vec<(JobKind, JobStatus, i32)> {
        let jobs = self.engine.jobs.list().await.unwrap();
        jobs.iter().map(|job| (job.kind, job.status, job.failures)).collect()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_batch_becomes_a_delta_when_it_is_full_or_five_seconds_old() {
    let stage = Stage::new("batch_changes=3").await;
    let timeline = stage.write(4).await;
    stage.work().await.unwrap();
    let deltas = async || stage.engine.index.of(timeline).await.unwrap().len();
    // The collection is a change as well.
    assert_eq!(deltas().await, 1);
    stage.pass(SECOND * 4);
    stage.work().await.unwrap();
    assert_eq!(deltas().await, 1);
    stage.pass(SECOND);
    stage.work().await.unwrap();
    assert_eq!(deltas().await, 2);
    assert_eq!(stage.commits(timeline).await.len(), 4);
}

#[tokio::test]
async fn a_worker_that_is_cut_off_after_any_step_loses_and_doubles_nothing() {
    let mut steps = 0;
    loop {
        let stage = Stage::new("batch_changes=3").await;
        let timeline = stage.write(8).await;
        let before = stage.commits(timeline).await;
        stage.pass(SECOND * 6);
        stage.budget.0.store(steps, Ordering::Relaxed);
        let cut = stage.work().await.is_err();
        stage.budget.0.store(ENOUGH, Ordering::Relaxed);
        assert_eq!(stage.commits(timeline).await, before, "after {steps} steps");
        // The next worker finds a job that nobody ends, or one that failed.
        for _ in 0..3 {
            stage.pass(Duration::from_mins(10));
            stage.work().await.unwrap();
        }
        assert_eq!(stage.commits(timeline).await, before, "{steps} steps, and done again");
        let deltas = stage.engine.index.of(timeline).await.unwrap();
        for commit in &before {
            let lsn = commit.meta.lsn;
            let having = deltas.iter().filter(|delta| delta.record.covers(lsn)).count();
            assert_eq!(having, 1, "commit {lsn} after {steps} steps");
        }
        let wal = &stage.engine.queue.wal;
        for batch in 0..4 {
            let id = batch_id(timeline, batch);
            let Some(state) = wal.state(id).await.unwrap() else { continue };
            assert!(state.floor.next() >= state.head.lsn, "batch {batch} after {steps} steps");
        }
        assert!(stage.engine.jobs.active().await.unwrap().is_empty(), "after {steps} steps");
        let objects = stage.engine.objects.list("projects/").await.unwrap();
        let named = |name: &str| deltas.iter().any(|delta| delta.record.object == name);
        assert!(objects.iter().all(|object| named(&object.name)), "{objects:?}");
        if !cut && steps > 5 {
            break;
        }
        steps += 1;
    }
    assert!(steps > 10, "{steps}");
}

#[tokio::test]
async fn two_workers_on_one_job_make_one_delta() {
    let stage = Stage::new("batch_changes=3").await;
    let timeline = stage.write(3).await;
    let claims = stage.engine.jobs.due().await.unwrap();
    let one = stage.engine.jobs.take(&claims[0], "one").await.unwrap().unwrap();
    assert!(stage.engine.jobs.take(&claims[0], "two").await.unwrap().is_none());
    stage.pass(Duration::from_mins(10));
    let again = stage.engine.jobs.due().await.unwrap();
    let same = again.iter().find(|claim| claim.job.id == one.job.id).unwrap();
    let two = stage.engine.jobs.take(same, "two").await.unwrap().unwrap();
    let (first, second) =
        futures::join!(stage.engine.runner.run(&one), stage.engine.runner.run(&two));
    first.unwrap();
    second.unwrap();
    assert_eq!(stage.engine.index.of(timeline).await.unwrap().len(), 1);
    assert_eq!(stage.commits(timeline).await.len(), 3);
}

#[tokio::test]
async fn a_job_that_fails_waits_longer_each_time_and_is_given_up_after_three_retries() {
    let stage = Stage::new("batch_changes=3").await;
    let now = stage.engine.environment.now();
    let bad = Job {
        timeline: None,
        ..Job::about(JobKind::Cleanup, TimelineId::from_bytes([1; 16]), now)
    };
    stage.engine.jobs.add(&bad).await.unwrap();
    for (failures, delay) in [(1, 30), (2, 60), (3, 120)] {
        stage.work().await.unwrap();
        assert_eq!(stage.statuses().await, [(JobKind::Cleanup, JobStatus::Retrying, failures)]);
        stage.pass(SECOND * (delay - 1));
        stage.work().await.unwrap();
        assert_eq!(stage.statuses().await[0].2, failures, "it is too early");
        stage.pass(SECOND);
    }
    stage.work().await.unwrap();
    assert_eq!(stage.statuses().await, [(JobKind::Cleanup, JobStatus::Failed, 4)]);
    let dead = stage.engine.jobs.dead().await.unwrap();
    assert!(dead[0].error.as_ref().unwrap().contains("has no timeline"), "{dead:?}");
    stage.engine.jobs.retry(&dead[0].id).await.unwrap();
    assert_eq!(stage.statuses().await, [(JobKind::Cleanup, JobStatus::Pending, 0)]);
    assert!(stage.engine.jobs.retry(&dead[0].id).await.is_err(), "it is not given up now");
}

#[tokio::test]
async fn purging_forgets_all_but_jobs_whose_changes_are_nowhere_else() {
    let stage = Stage::new("").await;
    let (now, timeline) = (stage.engine.environment.now(), TimelineId::from_bytes([1; 16]));
    let sync = Job::sync(timeline, 0, argon_core::model::Head::EMPTY, (now, now));
    for job in [sync, Job::about(JobKind::Compression, timeline, now)] {
        stage.engine.jobs.add(&job).await.unwrap();
        for _ in 0..4 {
            stage.pass(Duration::from_mins(5));
            let claims = stage.engine.jobs.due().await.unwrap();
            let claim = stage.engine.jobs.take(&claims[0], "w").await.unwrap().unwrap();
            stage.engine.jobs.fail(&claim, &Error::unavailable("no")).await.unwrap();
        }
    }
    assert_eq!(stage.engine.jobs.purge().await.unwrap(), (1, 1));
    assert_eq!(stage.engine.jobs.dead().await.unwrap()[0].kind, JobKind::Sync);
}

#[tokio::test]
async fn urgent_jobs_come_first() {
    let stage = Stage::new("").await;
    let (now, timeline) = (stage.engine.environment.now(), TimelineId::from_bytes([1; 16]));
    for kind in [JobKind::Cleanup, JobKind::Compression] {
        stage.engine.jobs.add(&Job::about(kind, timeline, now)).await.unwrap();
    }
    let head = argon_core::model::Head::EMPTY;
    for batch in [2, 1] {
        let due = DateTime::from_millis(now.timestamp_millis() - batch);
        stage.engine.jobs.add(&Job::sync(timeline, batch, head, (now, due))).await.unwrap();
    }
    let due = stage.engine.jobs.due().await.unwrap();
    let order: Vec<_> = due.iter().map(|claim| (claim.job.kind, claim.job.batch)).collect();
    let expected =
        [(JobKind::Sync, 2), (JobKind::Sync, 1), (JobKind::Compression, 0), (JobKind::Cleanup, 0)];
    assert_eq!(order, expected);
}

#[tokio::test]
async fn compression_joins_small_deltas_and_reads_stay_the_same_after_every_step() {
    let mut steps = 0;
    loop {
        let stage = Stage::new("batch_changes=2&ratio=1").await;
        let timeline = stage.write(13).await;
        stage.work().await.unwrap();
        stage.pass(SECOND * 6);
        stage.work().await.unwrap();
        let before = stage.commits(timeline).await;
        let many = stage.engine.index.of(timeline).await.unwrap().len();
        stage.budget.0.store(steps, Ordering::Relaxed);
        let cut = stage.engine.writer.compress(timeline).await.is_err();
        stage.budget.0.store(ENOUGH, Ordering::Relaxed);
        stage.engine.index.forget(timeline);
        assert_eq!(stage.commits(timeline).await, before, "after {steps} steps");
        stage.engine.writer.compress(timeline).await.unwrap();
        assert_eq!(stage.commits(timeline).await, before, "{steps} steps, and done again");
        let deltas = stage.engine.index.of(timeline).await.unwrap();
        assert!(many > 5 && deltas.len() == 1, "{many} became {}", deltas.len());
        assert!(covering(&deltas, Lsn::new(13)).is_some());
        if !cut {
            break;
        }
        steps += 1;
    }
    assert!(steps > 5, "{steps}");
}

#[tokio::test]
async fn traces_are_cleaned_after_a_day_and_reads_stay_the_same() {
    let stage = Stage::new("batch_changes=3").await;
    let timeline = stage.write(8).await;
    stage.pass(SECOND * 6);
    stage.work().await.unwrap();
    let before = stage.commits(timeline).await;
    stage.engine.pruner.clean_daily().await.unwrap();
    assert!(!stage.statuses().await.is_empty(), "a day has not passed");
    stage.pass(Duration::from_hours(25));
    stage.engine.pruner.clean_daily().await.unwrap();
    assert_eq!(stage.statuses().await, []);
    let batches = stage.engine.queue.wal.timelines().await.unwrap();
    assert!(batches.len() <= 1, "{batches:?}");
    stage.engine.index.forget(timeline);
    stage.write(1).await;
    assert_eq!(stage.commits(timeline).await[..8], before);
    assert_eq!(stage.commits(timeline).await.len(), 9);
}
