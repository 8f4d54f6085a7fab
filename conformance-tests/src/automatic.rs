//! Snapshots that the core makes by itself.

use std::sync::Arc;
use std::time::Duration;

use argon_core::fsck::fsck;
use argon_core::model::Lsn;
use argon_core::storage::{Backend, KeyRange, Materialize, SnapshotPolicy};
use argon_core::{Branch, LogMaterializer, Store, snapshot};
use bson::rawdoc;
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::counted::Counts;
use crate::make::collection;
use crate::materialize::NoSnapshots;
use crate::subject::{StoreLocation, first_branch};

pub(crate) fn cases() -> Vec<Case> {
    cases!["automatic":
        a_policy_of_ten_commits_leaves_snapshots,
        a_policy_of_bytes_leaves_snapshots,
        without_a_policy_there_are_none,
        a_store_whose_snapshots_fail_keeps_committing_and_tries_less_and_less,
        no_writer_waits_for_a_snapshot,
        two_stores_make_their_snapshots_side_by_side,
        a_snapshot_cut_off_at_any_write_leaves_a_store_that_reads,
    ]
}

const EVERY_TEN: SnapshotPolicy =
    SnapshotPolicy { after_commits: Some(10), ..SnapshotPolicy::BY_HAND };

/// A store with this policy, read from log and snapshots, and its first branch.
struct Fixture {
    place: StoreLocation,
    /// As the backend gives it.
    plain: Backend,
    store: Store,
    branch: Branch,
    counts: Arc<Counts>,
}

impl Fixture {
    async fn new(subject: &Subject, policy: SnapshotPolicy) -> Self {
        let (place, plain) = subject.backend().await;
        place.project(plain.clone()).await;
        let counts = Counts::new();
        let counted = counts.decorate(Backend { snapshot_policy: policy, ..plain.clone() });
        let store = place.store(counted);
        let branch = branch_of(&store).await;
        Self { place, plain, store, branch, counts }
    }

    async fn snapshots(&self) -> Vec<Lsn> {
        let points = self.plain.snapshots.list().await.unwrap();
        points.into_iter().map(|point| point.lsn).collect()
    }

    /// What is read from snapshots, old and new, is what the log says.
    async fn reads_agree(&self) {
        let Backend { wal, snapshots, .. } = &self.plain;
        let alone = LogMaterializer::new(wal.clone(), Arc::new(NoSnapshots));
        let both = LogMaterializer::new(wal.clone(), snapshots.clone());
        let head = self.branch.head().await.unwrap();
        let id = head.collection(&collection("c")).unwrap().info().id;
        for back in [0, 1, 3, 9, 30] {
            let view = head.view().at(head.lsn().back(back).unwrap_or_default());
            let mut answers = Vec::new();
            for reader in [&alone, &both] {
                let scan = reader.scan(&view, id, KeyRange::default());
                answers.push(scan.try_collect::<Vec<_>>().await.unwrap());
            }
            assert!(answers[0] == answers[1], "{back} before the head");
        }
        let report = fsck(&self.place.store(self.plain.clone()), false, &|_| {}).await.unwrap();
        assert_eq!(report.problems, []);
    }
}

async fn branch_of(store: &Store) -> Branch {
    let project = argon_core::model::ProjectName::new("shop").unwrap();
    first_branch(&store.project(&project).await.unwrap()).await
}

async fn write(branch: &Branch, ids: std::ops::Range<i64>) {
    for id in ids {
        let text = "x".repeat(500);
        let document = rawdoc! { "_id": id % 37, "number": id, "text": text };
        branch.collection(&collection("c")).put(document).await.unwrap();
    }
}

async fn a_policy_of_ten_commits_leaves_snapshots(subject: Subject) {
    let all = Fixture::new(&subject, EVERY_TEN).await;
    write(&all.branch, 0..9).await;
    all.store.settle().await;
    assert_eq!(all.snapshots().await, [], "it is not time yet");
    write(&all.branch, 9..100).await;
    all.store.settle().await;
    let made = all.snapshots().await;
    assert!((1..=10).contains(&made.len()), "{made:?}");
    assert!(made.last().unwrap().get() > 90, "{made:?}");
    assert!(made.windows(2).all(|pair| pair[1].get() - pair[0].get() >= 10), "{made:?}");
    all.reads_agree().await;

    // Another process counts from the last one on.
    let again = all.place.store(Backend { snapshot_policy: EVERY_TEN, ..all.plain.clone() });
    let last = made.last().unwrap().get();
    let left = i64::try_from(last + 10 - 100).unwrap();
    write(&branch_of(&again).await, 0..left - 1).await;
    again.settle().await;
    assert_eq!(all.snapshots().await, made);
    write(&branch_of(&again).await, 0..1).await;
    again.settle().await;
    assert_eq!(all.snapshots().await.last(), Some(&Lsn::new(last + 10)));
    all.reads_agree().await;
}

async fn a_policy_of_bytes_leaves_snapshots(subject: Subject) {
    let policy = SnapshotPolicy { after_bytes: Some(10_000), ..SnapshotPolicy::BY_HAND };
    let all = Fixture::new(&subject, policy).await;
    write(&all.branch, 0..15).await;
    all.store.settle().await;
    assert_eq!(all.snapshots().await, [], "it is not time yet");
    write(&all.branch, 15..20).await;
    all.store.settle().await;
    assert_eq!(all.snapshots().await.len(), 1);
    all.reads_agree().await;
}

async fn without_a_policy_there_are_none(subject: Subject) {
    let all = Fixture::new(&subject, SnapshotPolicy::BY_HAND).await;
    write(&all.branch, 0..50).await;
    all.store.settle().await;
    assert_eq!(all.snapshots().await, []);
}

async fn a_store_whose_snapshots_fail_keeps_committing_and_tries_less_and_less(subject: Subject) {
    let all = Fixture::new(&subject, EVERY_TEN).await;
    all.counts.fail_from(1);
    for ids in (0..200).step_by(10) {
        write(&all.branch, ids..ids + 10).await;
        all.store.settle().await;
    }
    assert_eq!(all.snapshots().await, []);
    let tried = all.counts.take().puts;
    assert!((4..=6).contains(&tried), "it was tried {tried} times in 200 commits");
    all.reads_agree().await;
    all.counts.fail_from(0);
    write(&all.branch, 200..400).await;
    all.store.settle().await;
    assert_ne!(all.snapshots().await, []);
    all.reads_agree().await;
}

async fn no_writer_waits_for_a_snapshot(subject: Subject) {
    let all = Fixture::new(&subject, EVERY_TEN).await;
    all.counts.hold();
    write(&all.branch, 0..50).await;
    assert_eq!(all.branch.head().await.unwrap().lsn(), Lsn::new(50));
    let settled = tokio::time::timeout(Duration::from_millis(50), all.store.settle()).await;
    assert!(settled.is_err(), "a snapshot is on its way");
    assert_eq!(all.counts.take().puts, 1, "one at a time");
    all.counts.release();
    all.store.settle().await;
    assert_eq!(all.snapshots().await.len(), 2, "the one that was held, and one of the rest");
    all.reads_agree().await;
}

async fn two_stores_make_their_snapshots_side_by_side(subject: Subject) {
    let all = Fixture::new(&subject, EVERY_TEN).await;
    let backend = Backend { snapshot_policy: EVERY_TEN, materialize: None, ..all.plain.clone() };
    let other = all.place.store(backend);
    let branch = branch_of(&other).await;
    futures::join!(write(&all.branch, 0..100), write(&branch, 0..100));
    futures::join!(all.store.settle(), other.settle());
    let made = all.snapshots().await;
    assert!(made.len() >= 2 && made.last().unwrap().get() > 180, "{made:?}");
    all.reads_agree().await;
}

async fn a_snapshot_cut_off_at_any_write_leaves_a_store_that_reads(subject: Subject) {
    let writes = subject.scaled(40, 15);
    for number in 1.. {
        let all = Fixture::new(&subject, SnapshotPolicy::BY_HAND).await;
        write(&all.branch, 0..writes).await;
        snapshot::create(&all.branch.head().await.unwrap()).await.unwrap();
        write(&all.branch, 0..writes).await;
        all.counts.take();
        all.counts.fail_from(number);
        let made = snapshot::create(&all.branch.head().await.unwrap()).await;
        all.reads_agree().await;
        let snapshots = all.snapshots().await.len();
        assert_eq!(snapshots, if made.is_ok() { 2 } else { 1 });
        if made.is_ok() {
            assert!(number > 2, "there are at least a chunk and a manifest");
            break;
        }
    }
}
