//! Pruning and dropping timelines, and sweeping chunks, cut off anywhere.

use std::collections::HashSet;

use argon_core::model::{BranchName, CollectionName, ProjectName, View};
use argon_core::storage::{KeyRange, Materialize, Reclaimed, RetainedStates, Version};
use argon_core::{Branch, LogMaterializer, Store, snapshot};
use argon_test_servers::stub_s3::Reaction;

use super::*;

const HOUR: i64 = 3600;

fn keep(from: Option<u64>, points: &[u64]) -> RetainedStates {
    RetainedStates {
        from: from.map(Lsn::new),
        points: points.iter().copied().map(Lsn::new).collect(),
    }
}

async fn floor(backend: &Backend, chain: &Chain) -> u64 {
    backend.wal.state(chain.timeline.id).await.unwrap().unwrap().floor.get()
}

/// Checks that a timeline reads as its commits above the floor, in all ways.
async fn check_pruned(backend: &Backend, chain: &Chain, written: &[Commit], floor: u64) {
    let state = backend.wal.state(chain.timeline.id).await.unwrap().unwrap();
    assert_eq!((state.floor.get(), state.head), (floor, chain.head));
    assert_eq!(state.timeline, chain.timeline);
    let above = &written[usize::try_from(floor).unwrap()..];
    assert!(read(&*backend.wal, chain, 0..=u64::MAX).await == above, "above {floor}");
    let last = written.len() as u64;
    for range in [1..=last, floor.max(2) - 1..=last, floor + 1..=last] {
        let lsns = Lsn::new(*range.start())..=Lsn::new(*range.end());
        for direction in [Direction::Ascending, Direction::Descending] {
            let headers = backend.wal.read_headers(chain.timeline.id, lsns.clone(), direction);
            let headers: Vec<_> = headers.try_collect().await.unwrap();
            assert_eq!(headers.len(), above.len(), "{range:?} {direction:?}");
        }
    }
    let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
    assert_eq!(findings, []);
}

#[tokio::test]
async fn what_is_below_goes_and_the_log_above_stays() {
    for (kept, expected) in [
        (keep(Some(7), &[2]), 6),
        (keep(Some(10), &[]), 9),
        (keep(Some(99), &[]), 9),
        (keep(None, &[3]), 9),
        (keep(Some(1), &[]), 0),
        (RetainedStates::all(), 0),
    ] {
        let stub = StubS3::start();
        let backend = create(&stub).await;
        let mut chain = Chain::new(1);
        let mut written = chain.grow(&*backend.wal, 10).await;
        let id = chain.timeline.id;
        assert_eq!(
            backend.wal.prune(id, &kept).await.unwrap(),
            Reclaimed::default(),
            "all is young"
        );
        check_pruned(&backend, &chain, &written, 0).await;
        stub.pass(HOUR + 2);
        let before = stub.names("").len();
        let told = backend.wal.prunable(id, &kept).await.unwrap();
        assert_eq!(stub.names("").len(), before);
        let freed = backend.wal.prune(id, &kept).await.unwrap();
        assert_eq!(freed, told);
        assert_eq!((freed.commits, freed.bytes > 0), (expected, expected > 0), "{kept:?}");
        let marks = usize::from(expected > 0);
        let left = 10 - usize::try_from(expected).unwrap();
        assert_eq!(stub.names("/log/").len(), left + marks, "{kept:?}");
        for backend in [&backend, &open(&stub).await] {
            check_pruned(backend, &chain, &written, expected).await;
        }
        written.extend(chain.grow(&*backend.wal, 2).await);
        let again = backend.wal.prune(id, &kept).await.unwrap().commits;
        let follows_head = kept.from.is_none_or(|from| from > Lsn::new(10));
        assert_eq!(again, u64::from(follows_head), "all but what is young: {kept:?}");
        let expected = expected + again;
        backend.wal.prune(id, &keep(Some(3), &[])).await.unwrap();
        let expected = expected.max(2);
        check_pruned(&open(&stub).await, &chain, &written, expected).await;
        stub.pass(HOUR + 2);
        backend.wal.prune(id, &keep(Some(11), &[])).await.unwrap();
        check_pruned(&open(&stub).await, &chain, &written, 10).await;
        assert_eq!(stub.names("/log/").len(), 2 + 1, "one mark is left");
    }
}

#[tokio::test]
async fn an_unpruned_and_a_pruned_head_cost_the_same_single_listing() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    chain.grow(&*backend.wal, 6).await;
    stub.pass(HOUR + 2);
    backend.wal.prune(chain.timeline.id, &keep(Some(5), &[])).await.unwrap();
    assert_eq!(floor(&backend, &chain).await, 4);
    stub.requests();
    assert_eq!(floor(&backend, &chain).await, 4);
    assert_eq!(stub.requests().len(), 1);
    chain.grow(&*backend.wal, 3).await;
    assert_eq!(stub.requests().len(), 3);
    assert_eq!(read(&*backend.wal, &chain, 6..=9).await.len(), 4);
    let lists = stub.requests().iter().filter(|request| request.key.is_empty()).count();
    assert!(lists <= 2, "segments and packs: {lists}");
}

#[tokio::test]
async fn packs_go_and_stay_as_wholes() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let mut written = Vec::new();
    for _ in 0..2 {
        written.extend(chain.grow(&*backend.wal, 9).await);
        for _ in 0..2 {
            backend.maintenance.compact().await.unwrap();
            stub.pass(HOUR + 2);
        }
    }
    let id = chain.timeline.id;
    let packs = stub.names("/packs/").len();
    let freed = backend.wal.prune(id, &keep(Some(18), &[])).await.unwrap();
    assert!(freed.commits > 0 && stub.names("/packs/").len() < packs, "{freed:?}");
    for backend in [&backend, &open(&stub).await] {
        check_pruned(backend, &chain, &written, freed.commits).await;
    }
    written.extend(chain.grow(&*backend.wal, 5).await);
    backend.maintenance.compact().await.unwrap();
    stub.pass(HOUR + 2);
    let before = floor(&backend, &chain).await;
    backend.wal.prune(id, &keep(Some(20), &[])).await.unwrap();
    assert!(floor(&backend, &chain).await >= before);
    check_pruned(&open(&stub).await, &chain, &written, floor(&backend, &chain).await).await;
}

/// Lets so many requests that change something through, and refuses the others.
fn cut_off_after(stub: &StubS3, changes: usize) {
    let mut left = changes;
    stub.script(move |request| {
        if matches!(request.method.as_str(), "PUT" | "DELETE") {
            if left == 0 {
                return Some(Reaction::Answer(403, "AccessDenied"));
            }
            left -= 1;
        }
        None
    });
}

#[tokio::test]
async fn a_prune_cut_off_after_any_step_reads_right_and_goes_on() {
    for steps in 0..12 {
        let stub = StubS3::start();
        let backend = create(&stub).await;
        let mut chain = Chain::new(1);
        let mut written = chain.grow(&*backend.wal, 6).await;
        backend.maintenance.compact().await.unwrap();
        written.extend(chain.grow(&*backend.wal, 6).await);
        stub.pass(HOUR + 2);
        let (id, kept) = (chain.timeline.id, keep(Some(9), &[3]));
        cut_off_after(&stub, steps);
        let cut_off = backend.wal.prune(id, &kept).await.is_err();
        assert_eq!(cut_off, steps < 10, "a mark, eight segments and a pack: {steps}");
        stub.behave();
        for reader in [&backend, &open(&stub).await] {
            let floor = floor(reader, &chain).await;
            assert_eq!(floor, if steps == 0 { 0 } else { 8 });
            let found = read(&*reader.wal, &chain, 0..=u64::MAX).await;
            assert!(written.ends_with(&found) && found.len() as u64 >= 12 - floor, "{steps}");
            assert!(read(&*reader.wal, &chain, 9..=12).await == written[8..], "{steps}");
            let findings: Vec<_> = reader.maintenance.verify().try_collect().await.unwrap();
            assert_eq!(findings, [], "{steps}");
        }
        written.extend(chain.grow(&*backend.wal, 1).await);
        open(&stub).await.wal.prune(id, &kept).await.unwrap();
        check_pruned(&open(&stub).await, &chain, &written, 8).await;
    }
}

#[tokio::test]
async fn a_reader_that_is_overtaken_leaves_out_what_is_gone() {
    for direction in [Direction::Ascending, Direction::Descending] {
        for taken in [0, 1, 20] {
            let stub = StubS3::start();
            let backend = create(&stub).await;
            let mut chain = Chain::new(1);
            chain.grow(&*backend.wal, 60).await;
            let reader = open(&stub).await;
            let all = Lsn::ZERO..=Lsn::MAX;
            let mut headers = reader.wal.read_headers(chain.timeline.id, all, direction);
            for _ in 0..taken {
                headers.try_next().await.unwrap().unwrap();
            }
            stub.pass(HOUR + 2);
            backend.wal.prune(chain.timeline.id, &keep(Some(55), &[])).await.unwrap();
            let left: Vec<_> = headers.try_collect().await.unwrap();
            let lsns: Vec<u64> = left.iter().map(|commit| commit.meta.lsn.get()).collect();
            match direction {
                Direction::Ascending => assert!(lsns.ends_with(&[58, 59, 60]), "{lsns:?}"),
                Direction::Descending => assert!(lsns.is_sorted_by(|a, b| a > b), "{lsns:?}"),
            }
        }
    }
}

#[tokio::test]
async fn an_append_that_came_too_late_for_a_pruned_name_is_taken_back() {
    let stub = StubS3::start();
    let clock = Arc::new(SetClock::default());
    let stale = create_with(&stub, "", &clock).await.unwrap();
    let mut chain = Chain::new(1);
    let mut written = chain.grow(&*stale.wal, 3).await;
    let mut known = chain.clone();
    let other = open(&stub).await;
    written.extend(chain.grow(&*other.wal, 5).await);
    stub.pass(HOUR + 2);
    other.wal.prune(chain.timeline.id, &keep(Some(8), &[])).await.unwrap();
    // The machine sleeps while the request is on its way.
    stub.script(move |request| {
        if request.is_put_to("/log/") {
            clock.pass(HOUR + 2);
        }
        None
    });
    let answer = known.try_append(&*stale.wal).await.unwrap();
    assert_eq!(answer, Append::HeadMoved(chain.head));
    check_pruned(&stale, &chain, &written, 7).await;
    check_pruned(&open(&stub).await, &chain, &written, 7).await;
}

#[tokio::test]
async fn a_sealed_timeline_still_says_where_it_ended_and_began() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let written = chain.grow(&*backend.wal, 5).await;
    backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
    stub.pass(HOUR + 2);
    backend.wal.prune(chain.timeline.id, &keep(None, &[2])).await.unwrap();
    let reader = open(&stub).await;
    check_pruned(&reader, &chain, &written, 4).await;
    assert!(reader.wal.state(chain.timeline.id).await.unwrap().unwrap().sealed);
    let late = chain.clone().try_append(&*reader.wal).await.unwrap();
    assert_eq!(late, Append::Sealed(chain.head));
}

#[tokio::test]
async fn a_drop_cut_off_after_any_step_is_done_by_calling_again() {
    for steps in 0..20 {
        let stub = StubS3::start();
        let backend = create(&stub).await;
        let mut other = Chain::new(2);
        other.grow(&*backend.wal, 1).await;
        let mut chain = Chain::new(1);
        chain.grow(&*backend.wal, 4).await;
        backend.maintenance.compact().await.unwrap();
        backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
        let point = argon_core::model::Point { timeline: chain.timeline.id, lsn: Lsn::new(3) };
        let created = DateTime::from_millis(0);
        let manifest = snapshot::Manifest { point, created, collections: Vec::new() };
        backend.snapshots.put_manifest(&manifest).await.unwrap();
        stub.pass(HOUR + 2);
        cut_off_after(&stub, steps);
        let done = backend.wal.drop_timeline(chain.timeline.id).await;
        assert_eq!(done.is_err(), steps < 9, "{steps}: {done:?}");
        stub.behave();
        for reader in [&backend, &open(&stub).await] {
            let findings: Vec<_> = reader.maintenance.verify().try_collect().await.unwrap();
            assert_eq!(findings, [], "{steps}");
            read(&*reader.wal, &chain, 0..=u64::MAX).await;
        }
        if let Ok(freed) = done {
            assert!(freed.commits == 4 && freed.bytes > 0, "{freed:?}");
        }
        backend.wal.drop_timeline(chain.timeline.id).await.unwrap();
        for reader in [&backend, &open(&stub).await] {
            assert_eq!(reader.wal.state(chain.timeline.id).await.unwrap(), None);
            assert_eq!(reader.wal.timelines().await.unwrap(), [other.timeline.id]);
        }
        assert_eq!(stub.names(&chain.timeline.id.to_string()), [""; 0]);
        let again = backend.wal.drop_timeline(chain.timeline.id).await.unwrap();
        assert_eq!(again, Reclaimed::default());
        // Nothing of what this process knew is left.
        let mut anew = Chain::new(1);
        let written = anew.grow(&*backend.wal, 5).await;
        check(&backend, &anew, &written).await;
    }
}

#[tokio::test]
async fn a_timeline_goes_when_it_was_sealed_for_the_grace_time() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    chain.grow(&*backend.wal, 3).await;
    let (id, stale) = (chain.timeline.id, open(&stub).await);
    for pass in [HOUR + 2, HOUR - 2, 4] {
        stub.pass(pass);
        let freed = backend.wal.drop_timeline(id).await.unwrap();
        let found = stale.wal.state(id).await.unwrap();
        assert_eq!(
            found.map(|state| (state.head, state.sealed)),
            match pass {
                4 => None,
                _ => Some((chain.head, true)),
            }
        );
        assert_eq!(freed.commits, if pass == 4 { 3 } else { 0 });
        for backend in [&backend, &stale, &open(&stub).await] {
            let late = chain.clone().try_append(&*backend.wal).await.unwrap();
            assert_eq!(late, Append::Sealed(chain.head), "{pass}");
            let sealed = backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
            assert_eq!(sealed, Append::Done, "{pass}");
        }
    }
    assert_eq!(stub.names(&id.to_string()), [""; 0]);
}

async fn branch(backend: Backend) -> Branch {
    let store = Store::new(backend, environment(&Arc::default()), Actor::new("tester").unwrap());
    let name = ProjectName::new("shop").unwrap();
    let project = store.create_project(&name).await.unwrap();
    project.branch(&BranchName::new(Store::FIRST_BRANCH).unwrap()).await.unwrap()
}

type Rows = Vec<(Key, Version)>;

/// The documents of states, read by what knows nothing yet.
async fn states(stub: &StubS3, view: &View, id: CollectionId, lsns: &[u64]) -> Vec<Rows> {
    let backend = open(stub).await;
    let mut states = Vec::new();
    for lsn in lsns {
        let log = LogMaterializer::new(backend.wal.clone(), backend.snapshots.clone());
        let scan = log.scan(&view.at(Lsn::new(*lsn)), id, KeyRange::default());
        states.push(scan.try_collect().await.unwrap());
    }
    states
}

#[tokio::test]
async fn kept_states_are_read_from_snapshots_and_the_log_above() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let main = branch(backend.clone()).await;
    let name = CollectionName::new("things").unwrap();
    for round in 0..12 {
        let things = main.collection(&name);
        things.put(rawdoc! { "_id": round % 5, "round": round }).await.unwrap();
    }
    let head = main.head().await.unwrap();
    let (view, id) = (head.view().clone(), head.collection(&name).unwrap().info().id);
    for lsn in [3, 8] {
        snapshot::create(&main.at(Lsn::new(lsn)).await.unwrap()).await.unwrap();
    }
    let kept = [3, 8, 9, 10, 11, 12];
    let before = states(&stub, &view, id, &kept).await;
    assert!(before.iter().all(|rows| rows.len() >= 3));
    // A reader that knows nothing of the snapshots has read the log from its begin.
    stub.pass(HOUR + 2);
    let timeline = view.segments()[0].timeline;
    for steps in (0..12).chain([100]) {
        cut_off_after(&stub, steps);
        let _ = backend.wal.prune(timeline, &keep(Some(8), &[3])).await;
        stub.behave();
        assert!(states(&stub, &view, id, &kept).await == before, "after {steps} steps");
    }
    assert_eq!(backend.wal.state(timeline).await.unwrap().unwrap().floor, Lsn::new(7));
}

#[tokio::test]
async fn old_chunks_that_no_manifest_lists_go_and_those_put_again_stay() {
    let stub = StubS3::start();
    let clock = Arc::new(SetClock::default());
    let backend = create_with(&stub, "", &clock).await.unwrap();
    let put = async |backend: &Backend, text: &str| {
        let digest = Digest::of(text.as_bytes());
        backend.snapshots.put_chunk(digest, text.into()).await.unwrap();
        digest
    };
    let (live, old, again) =
        (put(&backend, "live").await, put(&backend, "old").await, put(&backend, "again").await);
    stub.requests();
    put(&backend, "again").await;
    assert_eq!(stub.requests().len(), 0, "it is young");
    stub.pass(HOUR + 2);
    clock.pass(HOUR + 2);
    put(&backend, "again").await;
    let young = put(&backend, "young").await;
    let all = HashSet::from([live]);
    let expected = Reclaimed { chunks: 1, bytes: 3, ..Reclaimed::default() };
    assert_eq!(backend.snapshots.sweep_chunks(&all, true).await.unwrap(), expected);
    assert_eq!(stub.names("/chunks/").len(), 4);
    assert_eq!(backend.snapshots.sweep_chunks(&all, false).await.unwrap(), expected);
    for (digest, there) in [(live, true), (young, true), (again, true), (old, false)] {
        assert_eq!(backend.snapshots.get_chunk(digest).await.unwrap().is_some(), there);
    }
    put(&backend, "old").await;
    assert!(backend.snapshots.get_chunk(old).await.unwrap().is_some(), "it is written again");
}

#[tokio::test]
async fn a_chunk_that_is_removed_right_after_it_was_put_again_is_missed() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let digest = Digest::of(b"chunk");
    backend.snapshots.put_chunk(digest, b"chunk".to_vec()).await.unwrap();
    let writer = open(&stub).await;
    writer.snapshots.put_chunk(digest, b"chunk".to_vec()).await.unwrap();
    let point =
        argon_core::model::Point { timeline: TimelineId::from_bytes([1; 16]), lsn: Lsn::new(3) };
    let entry =
        snapshot::ChunkEntry { digest, first: key(1), last: key(2), documents: 2, bytes: 5 };
    let chunks =
        snapshot::CollectionChunks { collection: CollectionId::new(9), chunks: vec![entry] };
    let created = DateTime::from_millis(0);
    let manifest = snapshot::Manifest { point, created, collections: vec![chunks] };
    writer.snapshots.put_manifest(&manifest).await.unwrap();
    stub.remove(&stub.names("/chunks/")[0]);
    let error = writer.snapshots.put_manifest(&manifest).await.unwrap_err();
    assert_eq!(error.kind(), argon_core::ErrorKind::Unavailable);
    writer.snapshots.put_chunk(digest, b"chunk".to_vec()).await.unwrap();
    writer.snapshots.put_manifest(&manifest).await.unwrap();
}
