//! What garbage collection keeps, and what it may not take.

mod deleted;
mod merges;
mod races;
mod reports;
mod snapshots;

use std::time::Duration;

use argon_core::fsck::fsck;
use argon_core::gc::{HolderKind, Options, Report, collect};
use argon_core::model::Lsn;
use argon_core::storage::{Backend, Reclaimed};
use argon_core::{Branch, ErrorKind, Revision, State, Store, log, snapshot};
use bson::{doc, rawdoc};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, block_on, cases};
use crate::environment::time;
use crate::faulty::{Fault, Plan};
use crate::make::{branch as name, collection, key};
use crate::semantics::{Machine, for_programs};
use crate::subject::{StoreLocation, first_branch};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = cases!["gc":
        a_state_that_was_collected_is_refused_with_what_is_kept,
        states_of_the_retention_time_are_kept_and_earlier_ones_are_not,
        a_fork_holds_the_state_on_which_it_builds,
        a_pin_holds_its_state,
        an_open_plan_holds_its_states_and_a_closed_one_goes,
        an_open_state_is_held_until_it_and_its_streams_are_dropped,
        a_deleted_branch_goes_after_the_retention_time,
        a_renamed_branch_keeps_its_past,
        snapshots_of_states_that_are_not_kept_go,
        a_branch_is_made_of_a_single_state_and_written,
        a_collection_that_fails_anywhere_is_finished_by_the_next,
    ];
    cases.extend(
        [deleted::cases(), merges::cases(), races::cases(), reports::cases(), snapshots::cases()]
            .into_iter()
            .flatten(),
    );
    // What was collected with an index can't be read without: the second is of a backend that has none.
    cases.push(Case {
        area: "gc",
        name: "kept_states_read_as_before_and_others_are_refused",
        run: |subject| kept_states(subject, true),
        durable: false,
    });
    cases.push(Case {
        area: "gc",
        name: "kept_states_read_as_before_without_an_index",
        run: |subject| kept_states(subject, false),
        durable: false,
    });
    cases
}

const NOTHING: Duration = Duration::ZERO;

fn kept_for(retention: Duration) -> Options {
    Options { retention, dry_run: false }
}

/// Collects, and compares the report with that of a dry run right before. The backend does nothing in
/// the background meanwhile.
async fn collect_as_previewed(backend: &Backend, store: &Store, retention: Duration) -> Report {
    if let Some(deferred) = &backend.deferred {
        deferred.quiesce().await;
    }
    let dry = collect(store, &Options { retention, dry_run: true }).await.unwrap();
    let report = collect(store, &kept_for(retention)).await.unwrap();
    assert_eq!(dry, report);
    report
}

/// A store with its first branch; documents are written a second apart.
struct Stage {
    place: StoreLocation,
    backend: Backend,
    store: Store,
    main: Branch,
}

impl Stage {
    async fn new(subject: &Subject) -> Self {
        let (place, backend) = subject.backend().await;
        Self::over(place, backend).await
    }

    async fn over(place: StoreLocation, backend: Backend) -> Self {
        let main = first_branch(&place.project(backend.clone()).await).await;
        let store = place.store(backend.clone());
        // The same handles, so that what this process has open is known to the collection.
        let main = store.project(main.project().name()).await.unwrap().branch(main.name()).await;
        Self { place, backend, store, main: main.unwrap() }
    }

    /// Commits versions `versions` of document 1 on a branch, a second after each other.
    async fn write(&self, branch: &Branch, versions: std::ops::RangeInclusive<i32>) {
        for version in versions {
            self.place.clock.set(i64::from(version) * 1000);
            branch
                .collection(&collection("c"))
                .put(rawdoc! { "_id": 1, "version": version })
                .await
                .unwrap();
        }
    }

    /// Collects, after all that was acknowledged has come to where it stays.
    async fn collect(&self, retention: Duration) -> Report {
        self.store.flush().await.unwrap();
        collect_as_previewed(&self.backend, &self.store, retention).await
    }

    /// The same while others write, so that a preview may differ.
    async fn collect_beside_others(&self, retention: Duration) -> Report {
        self.store.flush().await.unwrap();
        collect(&self.store, &kept_for(retention)).await.unwrap()
    }

    /// Whether all goes that may go, and at once; a backend without an index removes whole objects, and
    /// may keep the log of the last hour.
    fn drops_at_once(&self) -> bool {
        self.backend.materialize.is_some()
    }

    async fn check(&self) {
        let report = fsck(&self.store, false, &|_| {}).await.unwrap();
        assert_eq!(report.problems, []);
    }

    async fn put_ref(&self, kind: &str, short: &str, record: &bson::Document) {
        let id = self.project_id().await;
        let value = Some(bson::serialize_to_vec(record).unwrap());
        let reference = format!("{kind}/{id}/{short}");
        self.backend.refs.compare_and_set(&reference, None, value).await.unwrap();
    }

    async fn project_id(&self) -> String {
        let reference = format!("project/{}", self.main.project().name());
        let stored = self.backend.refs.get(&reference).await.unwrap().unwrap();
        let record: bson::Document = bson::deserialize_from_slice(&stored.value).unwrap();
        record.get_str("id").unwrap().to_owned()
    }
}

async fn version(state: &State) -> i32 {
    let found = state.collection(&collection("c")).unwrap().get(&key(1)).await.unwrap();
    found.unwrap().as_raw().get_i32("version").unwrap()
}

async fn version_at(branch: &Branch, lsn: u64) -> Option<i32> {
    match branch.at(Lsn::new(lsn)).await {
        Ok(state) => Some(version(&state).await),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
            None
        }
    }
}

/// The states of a branch that can be read, of those from 1 on.
async fn readable(branch: &Branch) -> Vec<u64> {
    let head = branch.head().await.unwrap().lsn().get();
    let mut found = Vec::new();
    for lsn in 1..=head {
        if let Some(version) = version_at(branch, lsn).await {
            assert_eq!(u64::try_from(version).unwrap(), lsn, "the state at {lsn}");
            found.push(lsn);
        }
    }
    found
}

fn kept_states(subject: &Subject, indexed: bool) {
    for_programs(subject.scaled(16, 2), 30, |program| {
        block_on(async {
            let mut machine = Machine::new(subject).await;
            if !indexed {
                machine.without_index().await;
            }
            for (number, step) in (1..).zip(&program.steps) {
                machine.set_clock(number * 1000);
                machine.step(step).await;
            }
            let times = machine.times().await;
            let steps = i64::try_from(program.steps.len()).unwrap();
            machine.compare_kept(&times, time(-1)).await;
            for kept in [steps * 2 / 3, steps / 3, 0] {
                let (store, retention) =
                    (machine.place.store(machine.backend.clone()), kept * 1000);
                let retention = Duration::from_millis(retention.unsigned_abs());
                let report = collect_as_previewed(&machine.backend, &store, retention).await;
                machine.compare_kept(&times, report.cutoff).await;
                let again = collect_as_previewed(&machine.backend, &store, retention).await;
                assert_eq!((again.freed, again.snapshots), (Reclaimed::default(), 0));
                let problems = fsck(&store, false, &|_| {}).await.unwrap().problems;
                assert_eq!(problems, []);
            }
        });
    });
}

async fn a_state_that_was_collected_is_refused_with_what_is_kept(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=9).await;
    stage.collect(Duration::from_secs(3)).await;
    assert_eq!(readable(&stage.main).await, [6, 7, 8, 9]);
    let error = stage.main.at(Lsn::new(2)).await.unwrap_err();
    let said =
        "main@2 was collected: states of 'main' are retained from LSN 6 (2026-01-01T00:00:06Z) on";
    assert_eq!(error.to_string(), said);
    for revision in ["main@2026-01-01T00:00:03Z", "main~7", "main@7~3"] {
        let revision: Revision = revision.parse().unwrap();
        let error = revision.resolve(stage.main.project(), stage.main.name()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("was collected"), "{error}");
    }
    let state = stage.main.at_time(time(7500)).await.unwrap();
    assert_eq!(state.lsn().get(), 7);
    stage.check().await;
}

async fn states_of_the_retention_time_are_kept_and_earlier_ones_are_not(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=20).await;
    for (retention, from) in [(30, 1), (10, 10), (20, 10), (5, 15), (0, 20)] {
        stage.collect(Duration::from_secs(retention)).await;
        assert_eq!(readable(&stage.main).await, (from..=20).collect::<Vec<_>>(), "{retention}");
        stage.check().await;
    }
    stage.write(&stage.main, 21..=22).await;
    assert_eq!(readable(&stage.main).await, [20, 21, 22]);
}

async fn a_fork_holds_the_state_on_which_it_builds(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=10).await;
    let project = stage.main.project();
    for lsn in [3, 6] {
        let from = stage.main.at(Lsn::new(lsn)).await.unwrap();
        project.create_branch(&name(&format!("at-{lsn}")), &from, None).await.unwrap();
    }
    let written = project.branch(&name("at-6")).await.unwrap();
    stage.write(&written, 7..=12).await;
    let report = stage.collect(NOTHING).await;
    let freed = report.freed.versions > 0 && report.freed.commits > 0;
    assert_eq!(freed, stage.drops_at_once(), "{report:?}");
    assert_eq!(readable(&stage.main).await, [3, 6, 10]);
    assert_eq!(readable(&written).await, [3, 6, 12]);
    assert_eq!(readable(&project.branch(&name("at-3")).await.unwrap()).await, [3]);
    let error = stage.main.at(Lsn::new(5)).await.unwrap_err();
    assert!(error.to_string().ends_with("on, and at LSN 6, 3"), "{error}");
    stage.check().await;
}

async fn a_pin_holds_its_state(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=10).await;
    let state = stage.main.at(Lsn::new(4)).await.unwrap();
    let (point, last) = (state.view().point().unwrap(), log::headers(&state).try_next().await);
    let last = last.unwrap().unwrap();
    drop(state);
    let digest = last.digest.to_string();
    let record = doc! {
        "state": { "timeline": point.timeline.to_string(), "lsn": 4_i64, "digest": digest, "time": last.meta.time },
        "branch": "main", "created": time(0), "actor": "tester",
    };
    stage.put_ref("pin", "release-1", &record).await;
    let report = stage.collect(NOTHING).await;
    assert_eq!(readable(&stage.main).await, [4, 10]);
    let held = &report.timelines[0].points[0];
    let holder = held.holders.first().unwrap();
    assert_eq!((holder.kind, holder.name.as_str()), (HolderKind::Pin, "shop/release-1"));
    let error = stage.main.at(Lsn::new(5)).await.unwrap_err();
    assert!(error.to_string().ends_with(", and at LSN 4 (pin release-1)"), "{error}");
    stage.check().await;
}

async fn an_open_plan_holds_its_states_and_a_closed_one_goes(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=10).await;
    let timeline = stage.main.head().await.unwrap().view().point().unwrap().timeline.to_string();
    let plan = |lsn: i64, open| doc! { "points": [{ "timeline": &timeline, "lsn": lsn }], "open": open, "created": time(0), "other": 1 };
    stage.put_ref("plan", "open", &plan(2, true)).await;
    stage.put_ref("plan", "closed", &plan(5, false)).await;
    let report = stage.collect(NOTHING).await;
    assert_eq!(readable(&stage.main).await, [2, 10]);
    assert!(report.refs.len() == 1 && report.refs[0].ends_with("/closed"), "{:?}", report.refs);
}

async fn an_open_state_is_held_until_it_and_its_streams_are_dropped(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=5).await;
    let state = stage.main.at(Lsn::new(2)).await.unwrap();
    let mut scan = state.collection(&collection("c")).unwrap().scan();
    stage.collect(NOTHING).await;
    assert_eq!(version(&state).await, 2);
    drop(state);
    stage.collect(NOTHING).await;
    let document = scan.try_next().await.unwrap().unwrap();
    assert_eq!(document.as_raw().get_i32("version").unwrap(), 2);
    drop(scan);
    stage.collect(NOTHING).await;
    assert_eq!(readable(&stage.main).await, [5]);
}

async fn a_deleted_branch_goes_after_the_retention_time(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=3).await;
    let (project, head) = (stage.main.project(), stage.main.head().await.unwrap());
    let fork = project.create_branch(&name("fork"), &head, None).await.unwrap();
    stage.write(&fork, 4..=8).await;
    drop(head);
    let timeline = fork.head().await.unwrap().view().point().unwrap().timeline;
    let backup = project.delete_branch(&name("fork")).await.unwrap().unwrap();
    stage.place.clock.set(8000 + 9_999);
    stage.collect(Duration::from_secs(10)).await;
    assert_eq!(version(&project.branch(&backup).await.unwrap().head().await.unwrap()).await, 8);
    stage.place.clock.set(8000 + 10_000);
    let report = stage.collect(Duration::from_secs(10)).await;
    assert!(report.refs[0].ends_with(backup.as_str()), "{:?}", report.refs);
    let gone = report.timelines.iter().find(|gone| gone.timeline == timeline).unwrap();
    assert!(gone.dropped || !stage.drops_at_once());
    let left = stage.backend.wal.timelines().await.unwrap().contains(&timeline);
    assert_eq!(left, !gone.dropped);
    assert_eq!(project.branch(&backup).await.unwrap_err().kind(), ErrorKind::NotFound);
    // As long as it is there, the record says that nothing of it is kept.
    let kept = stage.backend.refs.list("kept/").await.unwrap();
    assert_eq!(kept.iter().any(|(name, _)| name.contains(&timeline.to_string())), left, "{kept:?}");
    if stage.drops_at_once() {
        assert_eq!((report.freed.versions, report.freed.commits), (2, 2), "{:?}", report.freed);
    }
    assert_eq!(version(&stage.main.head().await.unwrap()).await, 3);
    stage.check().await;
}

async fn a_renamed_branch_keeps_its_past(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=10).await;
    let renamed =
        stage.main.project().rename_branch(stage.main.name(), &name("new")).await.unwrap();
    stage.write(&renamed, 11..=12).await;
    stage.collect(Duration::from_secs(6)).await;
    assert_eq!(readable(&renamed).await, (6..=12).collect::<Vec<_>>());
    stage.collect(NOTHING).await;
    assert_eq!(readable(&renamed).await, [10, 12]);
    stage.check().await;
}

async fn snapshots_of_states_that_are_not_kept_go(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=6).await;
    for lsn in [2, 4, 6] {
        snapshot::create(&stage.main.at(Lsn::new(lsn)).await.unwrap()).await.unwrap();
    }
    let report = stage.collect(Duration::from_secs(2)).await;
    let left = stage.backend.snapshots.list().await.unwrap();
    let left: Vec<u64> = left.iter().map(|point| point.lsn.get()).collect();
    assert_eq!((left, report.snapshots), (vec![4, 6], 1));
    if !stage.backend.capabilities.shared {
        assert!(report.freed.chunks > 0);
    }
    stage.check().await;
}

async fn a_branch_is_made_of_a_single_state_and_written(subject: Subject) {
    for indexed in [true, false] {
        let (place, backend) = subject.backend().await;
        let materialize = backend.materialize.clone().filter(|_| indexed);
        let stage = Stage::over(place, Backend { materialize, ..backend }).await;
        stage.write(&stage.main, 1..=6).await;
        let project = stage.main.project();
        let old = stage.main.at(Lsn::new(3)).await.unwrap();
        project.create_branch(&name("one"), &old, None).await.unwrap();
        drop(old);
        stage.collect(NOTHING).await;
        // The commit at 3 is gone from the log, and what the next one builds on is known all the same.
        let old = stage.main.at(Lsn::new(3)).await.unwrap();
        let two = project.create_branch(&name("two"), &old, None).await.unwrap();
        stage.write(&two, 4..=5).await;
        assert_eq!(version(&two.head().await.unwrap()).await, 5);
        stage.check().await;
    }
}

async fn a_collection_that_fails_anywhere_is_finished_by_the_next(subject: Subject) {
    let failures = [Fault::Before, Fault::LostAnswer, Fault::LostCall];
    let most = subject.scaled(40, 4);
    for fault in failures {
        for calls in 0..most {
            let (place, backend) = subject.backend().await;
            let plan = Plan::new();
            let stage = Stage::over(place, plan.decorate(backend)).await;
            stage.write(&stage.main, 1..=8).await;
            snapshot::create(&stage.main.at(Lsn::new(2)).await.unwrap()).await.unwrap();
            let project = stage.main.project();
            let from = stage.main.at(Lsn::new(4)).await.unwrap();
            project.create_branch(&name("fork"), &from, None).await.unwrap();
            drop(from);
            // Builds on a state that nothing else holds.
            let from = stage.main.at(Lsn::new(6)).await.unwrap();
            let gone = project.create_branch(&name("gone"), &from, None).await.unwrap();
            drop(from);
            stage.write(&gone, 7..=8).await;
            project.delete_branch(&name("gone")).await.unwrap();
            stage.place.clock.set(9000);
            plan.next((0..calls).map(|_| Fault::None).chain([fault]));
            let failed = collect(&stage.store, &kept_for(NOTHING)).await;
            let met = plan.met() > 0;
            if !met {
                failed.unwrap();
                break;
            }
            for lsn in [4, 8] {
                assert_eq!(version_at(&stage.main, lsn).await, i32::try_from(lsn).ok());
            }
            stage.check().await;
            stage.collect(NOTHING).await;
            assert_eq!(readable(&stage.main).await, [4, 8], "{fault:?} after {calls}");
            let timelines = stage.backend.wal.timelines().await.unwrap().len();
            assert!(timelines == 1 || !stage.drops_at_once());
            assert_eq!(stage.backend.refs.list("branch/").await.unwrap().len(), 2);
            stage.check().await;
        }
    }
}
