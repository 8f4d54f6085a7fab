//! The contract of `Snapshots`, and what the core makes of it.

use std::collections::HashSet;
use std::sync::Arc;

use argon_core::model::{CollectionId, Digest, Lsn, Point, TimelineId};
use argon_core::snapshot::{self, ChunkEntry, CollectionChunks, Manifest};
use argon_core::storage::{Backend, KeyRange, Materialize, Snapshots};
use argon_core::write::{CollectionChange, Precondition, WriteRequest};
use argon_core::{ErrorKind, LogMaterializer, State};
use bson::rawdoc;
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::counted::Counts;
use crate::environment::{Random, time};
use crate::make::{collection, document_of_size, key, noise};
use crate::materialize::NoSnapshots;
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["snapshots":
        a_chunk_comes_back_however_often_it_was_stored,
        a_chunk_that_was_never_stored_is_not_there,
        a_manifest_replaces_the_one_of_the_same_point,
        the_latest_manifest_is_the_last_at_or_below,
        points_are_listed_by_timeline_and_position,
        a_removed_manifest_uncovers_the_one_before,
        a_second_snapshot_of_a_state_is_the_first,
        snapshots_of_nearly_equal_states_share_chunks,
        a_snapshot_made_from_the_one_before_is_the_one_made_from_all,
        a_snapshot_after_few_changes_moves_few_chunks,
        a_read_that_needs_a_missing_chunk_says_so,
        a_sweep_keeps_live_chunks_and_frees_no_more_than_it_says,
    ]
}

fn point(timeline: u8, lsn: u64) -> Point {
    Point { timeline: TimelineId::from_bytes([timeline; 16]), lsn: Lsn::new(lsn) }
}

/// A manifest with `chunks` chunks, which need not be stored.
fn manifest(point: Point, chunks: u64) -> Manifest {
    let entry = |number: u64| ChunkEntry {
        digest: Digest::of(&number.to_le_bytes()),
        first: key(i64::try_from(2 * number).unwrap()),
        last: key(i64::try_from(2 * number + 1).unwrap()),
        documents: 2,
        bytes: 100,
    };
    let chunks = CollectionChunks {
        collection: CollectionId::new(99),
        chunks: (0..chunks).map(entry).collect(),
    };
    Manifest { point, created: time(0), collections: vec![chunks] }
}

async fn latest(backend: &Backend, at: Point) -> Option<Manifest> {
    backend.snapshots.latest_manifest(at.timeline, at.lsn).await.unwrap()
}

async fn a_chunk_comes_back_however_often_it_was_stored(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    for size in [1, 1000, 16 * 1024, 3 * 1024 * 1024] {
        let bytes = noise(size, 7);
        let digest = Digest::of(&bytes);
        for _ in 0..3 {
            backend.snapshots.put_chunk(digest, bytes.clone()).await.unwrap();
            assert!(backend.snapshots.get_chunk(digest).await.unwrap().as_ref() == Some(&bytes));
        }
    }
}

async fn a_chunk_that_was_never_stored_is_not_there(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    backend.snapshots.put_chunk(Digest::of(b"a"), b"a".to_vec()).await.unwrap();
    assert_eq!(backend.snapshots.get_chunk(Digest::of(b"b")).await.unwrap(), None);
}

async fn a_manifest_replaces_the_one_of_the_same_point(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    // The sizes make some engines keep a manifest in one record, and some in several.
    for chunks in [1, 700, 300, 2] {
        let manifest = manifest(point(1, 5), chunks);
        backend.snapshots.put_manifest(&manifest).await.unwrap();
        assert!(latest(&backend, point(1, 5)).await == Some(manifest), "{chunks} chunks");
    }
    assert_eq!(backend.snapshots.list().await.unwrap(), [point(1, 5)]);
    let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
    assert_eq!(findings, [], "nothing is left of those that were replaced");
}

async fn the_latest_manifest_is_the_last_at_or_below(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    for at in [point(1, 5), point(1, 300), point(2, 7), point(1, 20)] {
        backend.snapshots.put_manifest(&manifest(at, 1)).await.unwrap();
    }
    for (asked, expected) in [
        (point(1, 0), None),
        (point(1, 4), None),
        (point(1, 5), Some(point(1, 5))),
        (point(1, 19), Some(point(1, 5))),
        (point(1, 20), Some(point(1, 20))),
        (point(1, 299), Some(point(1, 20))),
        (point(1, Lsn::MAX.get()), Some(point(1, 300))),
        (point(2, 6), None),
        (point(2, 1000), Some(point(2, 7))),
        (point(3, 1000), None),
    ] {
        let found = latest(&backend, asked).await.map(|manifest| manifest.point);
        assert_eq!(found, expected, "asked for {asked:?}");
    }
}

async fn points_are_listed_by_timeline_and_position(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    assert_eq!(backend.snapshots.list().await.unwrap(), []);
    let mut points =
        [point(9, 1), point(2, 300), point(2, 20), point(255, 7), point(2, 255), point(0, 256)];
    for at in points {
        backend.snapshots.put_manifest(&manifest(at, 1)).await.unwrap();
    }
    points.sort_unstable_by_key(|point| (point.timeline, point.lsn));
    assert_eq!(backend.snapshots.list().await.unwrap(), points);
}

async fn a_removed_manifest_uncovers_the_one_before(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    for at in [point(1, 5), point(1, 20)] {
        backend.snapshots.put_manifest(&manifest(at, 600)).await.unwrap();
    }
    let found = async || latest(&backend, point(1, 100)).await.map(|manifest| manifest.point);
    assert_eq!(found().await, Some(point(1, 20)));
    backend.snapshots.remove_manifest(point(1, 20)).await.unwrap();
    assert_eq!(found().await, Some(point(1, 5)));
    backend.snapshots.remove_manifest(point(1, 20)).await.unwrap();
    backend.snapshots.remove_manifest(point(1, 5)).await.unwrap();
    assert_eq!(found().await, None);
    assert_eq!(backend.snapshots.list().await.unwrap(), []);
}

/// A branch with `documents` documents of about 8 KiB in one commit, as a state. Chunks are cut by bytes,
/// and servers take their time by the document, so there are few large ones.
pub(crate) async fn filled(
    subject: &Subject,
    documents: i64,
) -> (crate::subject::StoreLocation, Backend, State) {
    let (place, backend) = subject.backend().await;
    let branch = first_branch(&place.project(backend.clone()).await).await;
    let mut request = branch.request();
    for id in 0..documents {
        let bytes = noise(8000, u64::try_from(id).unwrap());
        let binary = bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes };
        let (key, document) = crate::make::checked(rawdoc! { "_id": id, "data": binary });
        request.put(collection("c"), key, document, argon_core::write::Precondition::Any).unwrap();
    }
    branch.commit(request).await.unwrap().committed().unwrap();
    let state = branch.head().await.unwrap();
    (place, backend, state)
}

async fn a_second_snapshot_of_a_state_is_the_first(subject: Subject) {
    let (place, backend, state) = filled(&subject, 100).await;
    let first = snapshot::create(&state).await.unwrap();
    place.clock.set(1000);
    assert_eq!(snapshot::create(&state).await.unwrap(), first);
    assert_eq!(first.documents(), 100);
    assert_eq!(backend.snapshots.list().await.unwrap(), [state.view().point().unwrap()]);
}

async fn snapshots_of_nearly_equal_states_share_chunks(subject: Subject) {
    let (place, backend, state) = filled(&subject, 750).await;
    let branch = first_branch(&place.project_again(backend).await).await;
    let first = snapshot::create(&state).await.unwrap();
    let users = branch.collection(&collection("c"));
    users.put(rawdoc! { "_id": 375, "data": "changed" }).await.unwrap();
    users.put(rawdoc! { "_id": 100_000, "data": "new" }).await.unwrap();
    let second = snapshot::create(&branch.head().await.unwrap()).await.unwrap();
    let old: Vec<Digest> = first.chunks().map(|chunk| chunk.digest).collect();
    let new = second.chunks().filter(|chunk| !old.contains(&chunk.digest)).count();
    assert!(old.len() >= 5, "the state makes {} chunks, too few to tell", old.len());
    assert!(new <= 3, "{new} of {} chunks are new after two changes", second.chunks().count());
}

/// The manifest that reading all of a state gives, from the log alone.
async fn from_all(backend: &Backend, state: &State, made: &Manifest) -> Manifest {
    let log = LogMaterializer::new(backend.wal.clone(), Arc::new(NoSnapshots));
    // Collections that were dropped are in it too.
    let stored = made.collections.iter().map(|chunks| chunks.collection);
    let collections = state.collections().map(|info| info.id).chain(stored).collect();
    let created = made.created;
    let point = state.view().point().unwrap();
    let level = backend.snapshot_policy.level;
    let nowhere: Arc<dyn Snapshots> = Arc::new(NoSnapshots);
    snapshot::write(&nowhere, &log, state.view(), point, collections, created, level).await.unwrap()
}

/// Changes around a place, of a kind that `random` draws.
fn changes(random: &mut Random, request: &mut WriteRequest) {
    let name = collection(if random.one_in(2) { "a" } else { "b" });
    let (from, step) = (random.below(500).cast_signed() - 25, *random.pick(&[1, 1, 7, 50]));
    let (count, size) = *random.pick(&[(1, 50), (1, 900_000), (20, 1200), (40, 9000), (250, 7200)]);
    let deletes = random.one_in(3);
    for number in 0..count {
        let id = from + number * step;
        if deletes {
            request.delete(name.clone(), key(id), Precondition::SkipUnlessPresent);
        } else {
            let (key, document) = document_of_size(id, size + usize::from(random.one_in(2)));
            request.put(name.clone(), key, document, Precondition::Any).unwrap();
        }
    }
}

async fn a_snapshot_made_from_the_one_before_is_the_one_made_from_all(subject: Subject) {
    let mut reused = 0;
    for history in 0..u64::from(crate::environment::cases(subject.scaled(2, 1))) {
        let mut random = Random::new(history);
        let (place, backend) = subject.backend().await;
        let mut branch = first_branch(&place.project(backend.clone()).await).await;
        let mut known: HashSet<Digest> = HashSet::new();
        for round in 0..10 {
            for _ in 0..*random.pick(&[1, 1, 2, 5]) {
                let mut request = branch.request();
                changes(&mut random, &mut request);
                if random.one_in(20) {
                    let drop = CollectionChange::Drop { name: collection("a") };
                    request.change_collection(drop);
                }
                branch.commit(request).await.unwrap();
            }
            let state = branch.head().await.unwrap();
            if state.lsn() == Lsn::ZERO {
                continue;
            }
            let made = snapshot::create(&state).await.unwrap();
            let all = from_all(&backend, &state, &made).await;
            assert!(made == all, "round {round} of history {history}: {made:?} is not {all:?}");
            reused += made.chunks().filter(|chunk| known.contains(&chunk.digest)).count();
            known.extend(made.chunks().map(|chunk| chunk.digest));
            if random.one_in(4) {
                let lsn = Lsn::new(random.below(state.lsn().get()) + 1);
                let name = crate::make::branch(&format!("fork/{round}"));
                let from = branch.at(lsn).await.unwrap();
                branch = branch.project().create_branch(&name, &from, None).await.unwrap();
            }
        }
    }
    assert!(reused > 10, "only {reused} chunks were in two snapshots");
}

async fn a_snapshot_after_few_changes_moves_few_chunks(subject: Subject) {
    let (place, backend, state) = filled(&subject, 1000).await;
    let first = snapshot::create(&state).await.unwrap();
    let counts = Counts::new();
    let store = place.project_again(counts.decorate(backend.clone())).await;
    let branch = first_branch(&store).await;
    let users = branch.collection(&collection("c"));
    users.put(rawdoc! { "_id": 375, "data": "changed" }).await.unwrap();
    let head = branch.head().await.unwrap();
    counts.take();
    let second = snapshot::create(&head).await.unwrap();
    let asked = counts.take();
    assert!(first.chunks().count() > 6, "too few chunks to tell");
    assert!(asked.chunks <= 2 && asked.puts <= 3, "{asked:?} for one document");
    assert_eq!(asked.reads, 0, "the writer knows what it wrote");
    assert_eq!(second.documents(), 1000);
}

async fn a_sweep_keeps_live_chunks_and_frees_no_more_than_it_says(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let snapshots = &backend.snapshots;
    let mut chunks = Vec::new();
    for number in 0..40 {
        let bytes = noise(if number == 7 { 400_000 } else { 500 }, number);
        let digest = Digest::of(&bytes);
        snapshots.put_chunk(digest, bytes.clone()).await.unwrap();
        chunks.push((digest, bytes));
    }
    let live: HashSet<Digest> = chunks.iter().step_by(2).map(|(digest, _)| *digest).collect();
    let told = snapshots.sweep_chunks(&live, true).await.unwrap();
    for (digest, bytes) in &chunks {
        assert!(snapshots.get_chunk(*digest).await.unwrap().as_ref() == Some(bytes), "dry run");
    }
    let freed = snapshots.sweep_chunks(&live, false).await.unwrap();
    assert_eq!(freed, told);
    assert_eq!((freed.versions, freed.commits), (0, 0));
    let mut gone = 0;
    for (digest, bytes) in &chunks {
        let found = snapshots.get_chunk(*digest).await.unwrap();
        assert!(!live.contains(digest) || found.is_some(), "a live chunk is gone");
        gone += u64::from(found.is_none());
        snapshots.put_chunk(*digest, bytes.clone()).await.unwrap();
        assert!(snapshots.get_chunk(*digest).await.unwrap().as_ref() == Some(bytes));
    }
    assert_eq!(gone, freed.chunks);
    // What others may be about to list stays.
    let expected = if backend.capabilities.shared { 0 } else { 20 };
    assert_eq!(gone, expected);
}

async fn a_read_that_needs_a_missing_chunk_says_so(subject: Subject) {
    let (_place, backend, state) = filled(&subject, 10).await;
    let mut manifest = snapshot::create(&state).await.unwrap();
    for chunks in &mut manifest.collections {
        chunks.chunks[0].digest = Digest::of(b"lost");
    }
    backend.snapshots.put_manifest(&manifest).await.unwrap();
    let log = LogMaterializer::new(backend.wal.clone(), backend.snapshots.clone());
    let id = state.collection(&collection("c")).unwrap().info().id;
    let error = log.get(state.view(), id, &key(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let scan = log.scan(state.view(), id, KeyRange::default());
    assert_eq!(scan.try_collect::<Vec<_>>().await.unwrap_err().kind(), ErrorKind::Corrupt);
}
