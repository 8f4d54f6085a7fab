//! What reads from log and snapshots cost a backend.

use std::sync::Arc;

use argon_core::model::{CollectionId, Lsn};
use argon_core::snapshot::{self, Manifest};
use argon_core::storage::{Backend, KeyRange, Materialize, RetainedStates};
use argon_core::write::Precondition;
use argon_core::{Branch, LogMaterializer, State};
use bson::rawdoc;
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::counted::{Asked, Counts};
use crate::make::{collection, document, key};
use crate::snapshots::filled;
use crate::subject::{StoreLocation, first_branch};

pub(crate) fn cases() -> Vec<Case> {
    cases!["replay":
        a_first_read_costs_a_lookup_and_a_chunk,
        a_head_that_moved_costs_the_commits_between,
        reads_of_a_fresh_range_fetch_no_chunk,
        a_chunk_is_fetched_once_for_all_who_wait,
        a_scan_fetches_each_chunk_once_and_little_ahead,
        history_reads_the_commits_that_touched_the_document,
        a_writer_does_not_read_back_what_it_wrote,
        a_read_goes_on_when_its_snapshot_was_dropped,
        reads_go_on_when_the_log_that_they_rested_on_was_collected,
    ]
}

/// How many documents the state of a [`Fixture`] has, whose `_id`s begin with 0.
const DOCUMENTS: i64 = 500;

/// A state with a snapshot of several chunks, and a reader that knows nothing yet.
struct Fixture {
    place: StoreLocation,
    backend: Backend,
    state: State,
    manifest: Manifest,
    id: CollectionId,
    counts: Arc<Counts>,
    reader: LogMaterializer,
}

impl Fixture {
    async fn new(subject: &Subject) -> Self {
        let (place, backend, state) = filled(subject, DOCUMENTS).await;
        let manifest = snapshot::create(&state).await.unwrap();
        let id = state.collection(&collection("c")).unwrap().info().id;
        assert!(manifest.chunks_of(id).len() > 2, "too few chunks to tell");
        let counts = Counts::new();
        let counted = counts.decorate(backend.clone());
        let reader = LogMaterializer::new(counted.wal, counted.snapshots);
        Self { place, backend, state, manifest, id, counts, reader }
    }

    async fn branch(&self) -> Branch {
        first_branch(&self.place.project_again(self.backend.clone()).await).await
    }

    async fn get(&self, state: &State, id: i64) -> Option<Lsn> {
        let found = self.reader.get(state.view(), self.id, &key(id)).await.unwrap();
        found.map(|version| version.lsn)
    }

    fn chunks(&self) -> u64 {
        self.manifest.chunks_of(self.id).len() as u64
    }
}

async fn a_first_read_costs_a_lookup_and_a_chunk(subject: Subject) {
    let all = Fixture::new(&subject).await;
    assert_eq!(all.get(&all.state, 5).await, Some(Lsn::new(1)));
    assert_eq!(all.counts.take(), Asked { lookups: 1, chunks: 1, ..Asked::default() });
    assert_eq!(all.get(&all.state, 5).await, Some(Lsn::new(1)));
    assert_eq!(all.get(&all.state, 6).await, Some(Lsn::new(1)));
    assert_eq!(all.counts.take(), Asked::default(), "all of it is known");
    assert_eq!(all.get(&all.state, DOCUMENTS - 1).await, Some(Lsn::new(1)));
    assert_eq!(all.counts.take(), Asked { chunks: 1, ..Asked::default() });
}

async fn a_head_that_moved_costs_the_commits_between(subject: Subject) {
    let all = Fixture::new(&subject).await;
    let branch = all.branch().await;
    let write = async |id: i64| {
        branch.collection(&collection("c")).put(rawdoc! { "_id": id }).await.unwrap();
        branch.head().await.unwrap()
    };
    let second = write(5).await;
    assert_eq!(all.get(&second, 5).await, Some(Lsn::new(2)));
    assert_eq!(all.counts.take(), Asked { lookups: 1, reads: 1, commits: 1, ..Asked::default() });
    let third = write(6).await;
    assert_eq!(all.get(&third, 6).await, Some(Lsn::new(3)));
    assert_eq!(all.counts.take(), Asked { reads: 1, commits: 1, ..Asked::default() });
    assert_eq!(all.get(&third, 5).await, Some(Lsn::new(2)));
    assert_eq!(all.get(&second, 5).await, Some(Lsn::new(2)));
    assert_eq!(all.counts.take(), Asked::default(), "both heads are known");
    assert_eq!(all.get(&second, 6).await, Some(Lsn::new(1)), "the past stays as it was");
    assert_eq!(all.counts.take(), Asked { chunks: 1, ..Asked::default() });
}

async fn reads_of_a_fresh_range_fetch_no_chunk(subject: Subject) {
    let all = Fixture::new(&subject).await;
    let keys = (10_000..10_200).map(key).collect();
    let stamps = all.reader.stamps(all.state.view(), all.id, keys).await.unwrap();
    assert!(stamps.iter().all(Option::is_none));
    assert_eq!(all.counts.take(), Asked { lookups: 1, ..Asked::default() });

    let counted = all.counts.decorate(all.backend.clone());
    let branch = first_branch(&all.place.project_again(counted).await).await;
    let insert = async |from: i64| {
        let mut request = branch.request();
        for id in from..from + 200 {
            let (key, document) = document(id, "new");
            request.put(collection("c"), key, document, Precondition::Absent).unwrap();
        }
        branch.commit(request).await.unwrap().committed().unwrap();
    };
    insert(10_000).await;
    assert_eq!(all.counts.take().chunks, 1, "the catalog's");
    insert(20_000).await;
    // Beside the writers, a policy of automatic snapshots looks once for the last one.
    assert_eq!(Asked { lookups: 0, ..all.counts.take() }, Asked::default());
}

async fn a_chunk_is_fetched_once_for_all_who_wait(subject: Subject) {
    let all = Fixture::new(&subject).await;
    let reads = (0..20).map(|id| all.get(&all.state, id));
    assert!(futures::future::join_all(reads).await.into_iter().all(|lsn| lsn.is_some()));
    assert_eq!(all.counts.take(), Asked { lookups: 1, chunks: 1, ..Asked::default() });
    let keys = (0..DOCUMENTS).map(key).collect();
    let many = all.reader.get_many(all.state.view(), all.id, keys).await.unwrap();
    assert!(many.iter().all(Option::is_some));
    let rest = all.chunks() - 1;
    assert_eq!(all.counts.take(), Asked { chunks: rest, ..Asked::default() });
}

async fn a_scan_fetches_each_chunk_once_and_little_ahead(subject: Subject) {
    let all = Fixture::new(&subject).await;
    let mut scan =
        all.reader.scan(all.state.view(), all.id, argon_core::storage::KeyRange::default());
    scan.try_next().await.unwrap().unwrap();
    let asked = all.counts.take();
    assert!(asked.chunks <= 3, "{asked:?} for the first document");
    let rest = scan.try_collect::<Vec<_>>().await.unwrap().len();
    assert_eq!(i64::try_from(rest).unwrap(), DOCUMENTS - 1);
    assert_eq!(asked.chunks + all.counts.take().chunks, all.chunks());
}

async fn history_reads_the_commits_that_touched_the_document(subject: Subject) {
    let all = Fixture::new(&subject).await;
    let branch = all.branch().await;
    for id in (0..20).flat_map(|id| [id, 7]) {
        let text = rawdoc! { "_id": id, "text": "changed" };
        branch.collection(&collection("c")).put(text).await.unwrap();
    }
    let head = branch.head().await.unwrap();
    let history: Vec<_> =
        all.reader.history(head.view(), all.id, &key(7)).try_collect().await.unwrap();
    assert_eq!(history.len(), 22);
    assert!(history.is_sorted_by(|a, b| a.0 > b.0), "newest first");
    assert_eq!(all.counts.take(), Asked { reads: 22, commits: 22, ..Asked::default() });
}

async fn a_writer_does_not_read_back_what_it_wrote(subject: Subject) {
    let counts = Counts::new();
    let counted = counts.clone();
    let subject = subject.decorated(move |backend| counted.decorate(backend));
    let (_place, branch) = subject.branch().await;
    let users = branch.collection(&collection("c"));
    users.insert(rawdoc! { "_id": 0 }).await.unwrap();
    users.get(&key(0)).await.unwrap().unwrap();
    counts.take();
    for id in 1..50_i64 {
        users.insert(rawdoc! { "_id": id }).await.unwrap();
        users.insert(rawdoc! { "_id": id }).await.unwrap_err();
        assert!(users.get(&key(id)).await.unwrap().is_some());
        users.delete(&key(id - 1)).await.unwrap().unwrap();
        assert!(users.get(&key(id - 1)).await.unwrap().is_none());
    }
    let asked = counts.take();
    assert_eq!((asked.reads, asked.chunks), (0, 0), "{asked:?}");
    assert!(asked.lookups <= 2, "{asked:?}");
}

async fn a_read_goes_on_when_its_snapshot_was_dropped(subject: Subject) {
    let all = Fixture::new(&subject).await;
    assert_eq!(all.get(&all.state, 5).await, Some(Lsn::new(1)));
    all.counts.lose_chunks(true);
    all.backend.snapshots.remove_manifest(all.manifest.point).await.unwrap();
    assert_eq!(all.get(&all.state, DOCUMENTS - 1).await, Some(Lsn::new(1)));
}

async fn reads_go_on_when_the_log_that_they_rested_on_was_collected(subject: Subject) {
    for scans in [true, false] {
        let (place, backend) = subject.backend().await;
        let branch = first_branch(&place.project(backend.clone()).await).await;
        let things = branch.collection(&collection("c"));
        let reader = LogMaterializer::new(backend.wal.clone(), backend.snapshots.clone());
        for id in 1..=6 {
            things.put(rawdoc! { "_id": id }).await.unwrap();
            let head = branch.head().await.unwrap();
            let info = head.collection(&collection("c")).unwrap().info().id;
            if id == 6 {
                // Another process makes a snapshot, and collects what lies below it.
                let manifest = snapshot::create(&head).await.unwrap();
                let keep = RetainedStates { from: Some(head.lsn()), ..RetainedStates::default() };
                backend.wal.prune(manifest.point.timeline, &keep).await.unwrap();
            } else if id > 3 {
                continue;
            }
            let found = if scans {
                let rows = reader.scan(head.view(), info, KeyRange::default());
                rows.try_collect::<Vec<_>>().await.unwrap().len()
            } else {
                let keys = (1..=6).map(key).collect();
                reader.get_many(head.view(), info, keys).await.unwrap().iter().flatten().count()
            };
            assert_eq!(found, usize::try_from(id).unwrap());
        }
    }
}
