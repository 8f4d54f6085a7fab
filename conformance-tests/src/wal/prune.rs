//! Pruning and dropping.
//!
//! A backend without an index gets a snapshot of each state that is kept, as core makes them; it may
//! keep more than it is asked to, and some keep the log of the last hour.

use std::collections::BTreeMap;
use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::{CollectionId, Commit, Lsn, TimelineId};
use argon_core::storage::{
    Append, Backend, Direction, KeyRange, Materialize, Reclaimed, RetainedStates, Version,
};
use argon_core::write::Precondition;
use argon_core::{Branch, LogMaterializer, snapshot};
use bson::rawdoc;
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::Random;
use crate::make::{Chain, checked, collection, everything, key};
use crate::subject::first_branch;
use crate::wal::append::{read_all, state};

pub(crate) fn cases() -> Vec<Case> {
    cases!["wal":
        kept_states_read_the_same_after_pruning,
        the_log_above_the_floor_is_whole_and_the_floor_never_goes_back,
        what_would_be_freed_is_told_and_nothing_changed,
        appends_and_seals_go_on_after_pruning,
        writers_and_readers_go_on_beside_pruning,
        an_ended_timeline_keeps_its_end,
        what_does_not_exist_is_not_pruned,
        a_dropped_timeline_does_not_exist_and_others_do,
        a_writer_that_comes_after_a_timeline_was_dropped_finds_it_sealed,
    ]
}

fn keep(from: Option<u64>, points: &[u64]) -> RetainedStates {
    RetainedStates {
        from: from.map(Lsn::new),
        points: points.iter().copied().map(Lsn::new).collect(),
    }
}

/// Commits of a branch that write documents over, and delete some.
async fn write(branch: &Branch, count: u64, random: &mut Random) {
    for _ in 0..count {
        let mut request = branch.request();
        for _ in 0..3 {
            let (name, id) = (*random.pick(&["a", "b"]), random.below(6).cast_signed());
            if random.one_in(4) {
                request.delete(collection(name), key(id), Precondition::SkipUnlessPresent);
            } else {
                let document = rawdoc! { "_id": id, "n": random.below(1000).cast_signed() };
                let (key, document) = checked(document);
                request.put(collection(name), key, document, Precondition::Any).unwrap();
            }
        }
        let (key, document) = checked(rawdoc! { "_id": "last", "n": random.next().cast_signed() });
        request.put(collection("a"), key, document, Precondition::Any).unwrap();
        branch.commit(request).await.unwrap().committed().unwrap();
    }
}

type State = Vec<(CollectionId, Key, Version)>;

/// The documents of the states of a branch that are kept, by the backend's own index or from log and
/// snapshots, with nothing in memory.
async fn states(backend: &Backend, branch: &Branch, lsns: &[u64]) -> BTreeMap<u64, State> {
    let log = || Arc::new(LogMaterializer::new(backend.wal.clone(), backend.snapshots.clone()));
    let head = branch.head().await.unwrap();
    let infos = head.collections().map(|info| info.id);
    let ids: Vec<CollectionId> = infos.chain([CollectionId::CATALOG]).collect();
    let mut states = BTreeMap::new();
    for lsn in lsns {
        let reads: Arc<dyn Materialize> = backend.materialize.clone().unwrap_or_else(|| log());
        let view = head.view().at(Lsn::new(*lsn));
        let mut state = State::new();
        for id in &ids {
            let rows: Vec<(Key, Version)> =
                reads.scan(&view, *id, KeyRange::default()).try_collect().await.unwrap();
            let keys = rows.iter().map(|(key, _)| key.clone()).collect();
            let again = reads.get_many(&view, *id, keys).await.unwrap();
            assert!(again.iter().zip(&rows).all(|(found, (_, row))| found.as_ref() == Some(row)));
            state.extend(rows.into_iter().map(|(key, version)| (*id, key, version)));
        }
        states.insert(*lsn, state);
    }
    states
}

/// Does what core does before it prunes.
async fn make_snapshots(backend: &Backend, branch: &Branch, keep: &RetainedStates) {
    if backend.materialize.is_none() {
        for lsn in keep.points.iter().chain(&keep.from).filter(|lsn| **lsn > Lsn::ZERO) {
            snapshot::create(&branch.at(*lsn).await.unwrap()).await.unwrap();
        }
    }
}

async fn timeline(branch: &Branch) -> TimelineId {
    branch.head().await.unwrap().view().point().unwrap().timeline
}

async fn kept_states_read_the_same_after_pruning(subject: Subject) {
    let (count, later) = subject.scaled((40, 35), (20, 17));
    let kept = subject.scaled(
        [(30, &[][..]), (30, &[1, 7, 29]), (25, &[24]), (40, &[12])],
        [(15, &[]), (15, &[1, 4, 14]), (12, &[11]), (20, &[6])],
    );
    let kept = kept.map(|(from, points)| keep(Some(from), points));
    let all = [keep(Some(1), &[]), RetainedStates::all()];
    for (number, kept) in kept.into_iter().chain(all).enumerate() {
        let (place, backend) = subject.backend().await;
        let branch = first_branch(&place.project(backend.clone()).await).await;
        write(&branch, count, &mut Random::new(number as u64)).await;
        let id = timeline(&branch).await;
        let lsns: Vec<u64> = (1..=count).filter(|lsn| kept.contains(Lsn::new(*lsn))).collect();
        make_snapshots(&backend, &branch, &kept).await;
        let before = states(&backend, &branch, &lsns).await;
        for _ in 0..2 {
            backend.wal.prune(id, &kept).await.unwrap();
            assert!(states(&backend, &branch, &lsns).await == before, "{kept:?}");
        }
        let less: Vec<u64> = lsns.into_iter().filter(|lsn| *lsn >= later).collect();
        let kept = RetainedStates {
            from: kept.from.max(Some(Lsn::new(later))),
            ..RetainedStates::default()
        };
        make_snapshots(&backend, &branch, &kept).await;
        backend.wal.prune(id, &kept).await.unwrap();
        let after = states(&backend, &branch, &less).await;
        assert!(after.iter().all(|(lsn, state)| before[lsn] == *state), "{kept:?}");
        let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
        assert_eq!(findings, [], "{kept:?}");
    }
}

/// Checks that what is above the floor is all there, and gives the floor.
async fn check_log(backend: &Backend, chain: &Chain, written: &[Commit]) -> Lsn {
    let state = state(&*backend.wal, chain.id()).await;
    assert_eq!((state.head, state.timeline), (chain.head, chain.timeline));
    let base = chain.timeline.base_lsn();
    assert!(base <= state.floor && state.floor <= state.head.lsn);
    let above: Vec<&Commit> =
        written.iter().filter(|commit| commit.meta.lsn > state.floor).collect();
    let range = state.floor.next()..=Lsn::MAX;
    let read: Vec<Commit> =
        backend.wal.read(chain.id(), range.clone()).try_collect().await.unwrap();
    assert!(read.iter().eq(above.iter().copied()), "above {}", state.floor);
    for direction in [Direction::Ascending, Direction::Descending] {
        for range in [range.clone(), everything()] {
            let headers = backend.wal.read_headers(chain.id(), range, direction);
            let headers: Vec<_> = headers.try_collect().await.unwrap();
            let above_floor = headers.iter().filter(|commit| commit.meta.lsn > state.floor);
            assert_eq!(above_floor.count(), above.len(), "{direction:?}");
        }
    }
    state.floor
}

async fn the_log_above_the_floor_is_whole_and_the_floor_never_goes_back(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let mut root = Chain::root(1);
    let mut all = root.grow(&*backend.wal, 5).await.to_vec();
    let mut chain = root.fork(2);
    let mut written = chain.grow(&*backend.wal, 600).await.to_vec();
    let mut before = chain.timeline.base_lsn();
    for from in [0, 3, 5, 6, 100, 40, 590, 605, 604] {
        backend.wal.prune(chain.id(), &keep(Some(from), &[])).await.unwrap();
        let floor = check_log(&backend, &chain, &written).await;
        assert!(before <= floor, "{floor} is below {before}");
        assert!(floor < Lsn::new(from) || floor == before, "{floor} of {from}");
        let exact = backend.materialize.is_some() && from > before.get() + 1;
        assert!(!exact || floor.next() == Lsn::new(from), "{floor} of {from}");
        before = floor;
        written.extend(chain.grow(&*backend.wal, 1).await.iter().cloned());
    }
    all.extend(root.grow(&*backend.wal, 2).await.iter().cloned());
    assert_eq!(check_log(&backend, &root, &all).await, Lsn::ZERO, "another timeline");
    if subject.capabilities().durable {
        drop(backend);
        let backend = place.open().await;
        assert_eq!(check_log(&backend, &chain, &written).await, before);
    }
}

async fn what_would_be_freed_is_told_and_nothing_changed(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let written = chain.grow(&*backend.wal, 50).await;
    let kept = keep(Some(41), &[20]);
    let told = backend.wal.prunable(chain.id(), &kept).await.unwrap();
    assert_eq!(check_log(&backend, &chain, &written).await, Lsn::ZERO);
    assert_eq!(backend.wal.prunable(chain.id(), &kept).await.unwrap(), told);
    assert_eq!(backend.wal.prune(chain.id(), &kept).await.unwrap(), told);
    if backend.materialize.is_some() {
        assert_eq!(told.commits, 40);
        assert!(told.bytes > 0, "{told:?}");
    }
    assert_eq!(backend.wal.prunable(chain.id(), &kept).await.unwrap(), Reclaimed::default());
    assert_eq!(backend.wal.prune(chain.id(), &kept).await.unwrap(), Reclaimed::default());
    assert_eq!(
        backend.wal.prunable(chain.id(), &RetainedStates::all()).await.unwrap(),
        Reclaimed::default()
    );
}

async fn appends_and_seals_go_on_after_pruning(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let mut written = chain.grow(&*backend.wal, 20).await.to_vec();
    for _ in 0..5 {
        let head = chain.head;
        backend.wal.prune(chain.id(), &keep(Some(head.lsn.get()), &[2])).await.unwrap();
        written.extend(chain.grow(&*backend.wal, 3).await.iter().cloned());
        check_log(&backend, &chain, &written).await;
        let late = chain.clone().next(Vec::new());
        let answer = backend.wal.append(&chain.timeline, &head, [late].into(), None).await.unwrap();
        assert_eq!(answer, Append::HeadMoved(chain.head));
    }
    assert_eq!(backend.wal.seal(&chain.timeline, &chain.head).await.unwrap(), Append::Done);
    backend.wal.prune(chain.id(), &keep(Some(chain.head.lsn.get()), &[])).await.unwrap();
    check_log(&backend, &chain, &written).await;
    assert!(state(&*backend.wal, chain.id()).await.sealed);
}

async fn writers_and_readers_go_on_beside_pruning(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let branch = first_branch(&place.project(backend.clone()).await).await;
    write(&branch, 20, &mut Random::new(1)).await;
    let kept = keep(Some(15), &[5]);
    make_snapshots(&backend, &branch, &kept).await;
    let before = states(&backend, &branch, &[5, 15, 20]).await;
    let (writing, count) = (branch.clone(), subject.scaled(100, 20));
    let writer = tokio::spawn(async move { write(&writing, count, &mut Random::new(2)).await });
    let id = timeline(&branch).await;
    let mut rounds = 0;
    while !writer.is_finished() || rounds < 3 {
        backend.wal.prune(id, &kept).await.unwrap();
        assert!(states(&backend, &branch, &[5, 15, 20]).await == before);
        rounds += 1;
    }
    writer.await.unwrap();
    let head = branch.head().await.unwrap();
    assert_eq!(head.lsn().get(), 20 + count);
    let log: Vec<Commit> =
        backend.wal.read(id, Lsn::new(15)..=Lsn::MAX).try_collect().await.unwrap();
    assert_eq!(log.len() as u64, 6 + count);
}

async fn an_ended_timeline_keeps_its_end(subject: Subject) {
    for points in [vec![], vec![3], vec![3, 10]] {
        let (_place, backend) = subject.backend().await;
        let mut chain = Chain::root(1).fork(2);
        let written = chain.grow(&*backend.wal, 10).await;
        backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
        backend.wal.prune(chain.id(), &keep(None, &points)).await.unwrap();
        check_log(&backend, &chain, &written).await;
        let state = state(&*backend.wal, chain.id()).await;
        assert!(state.sealed && state.floor < chain.head.lsn);
        assert_eq!(backend.wal.seal(&chain.timeline, &chain.head).await.unwrap(), Append::Done);
    }
    let (_place, backend) = subject.backend().await;
    let empty = Chain::root(1);
    backend.wal.seal(&empty.timeline, &empty.head).await.unwrap();
    let freed = backend.wal.prune(empty.id(), &keep(None, &[])).await.unwrap();
    assert_eq!(freed, Reclaimed::default());
    assert!(state(&*backend.wal, empty.id()).await.sealed);
}

async fn what_does_not_exist_is_not_pruned(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let id = Chain::root(1).id();
    let kept = keep(Some(5), &[]);
    assert_eq!(backend.wal.prunable(id, &kept).await.unwrap(), Reclaimed::default());
    assert_eq!(backend.wal.prune(id, &kept).await.unwrap(), Reclaimed::default());
    assert_eq!(backend.wal.drop_timeline(id).await.unwrap(), Reclaimed::default());
    assert_eq!(backend.wal.state(id).await.unwrap(), None);
    assert_eq!(backend.wal.timelines().await.unwrap(), []);
}

async fn a_dropped_timeline_does_not_exist_and_others_do(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let (mut chain, mut other) = (Chain::root(1), Chain::root(2));
    chain.grow(&*backend.wal, subject.scaled(1500, 1100)).await;
    let written = other.grow(&*backend.wal, 20).await;
    let mut pruned = other.fork(3);
    pruned.grow(&*backend.wal, 20).await;
    backend.wal.prune(pruned.id(), &keep(Some(35), &[])).await.unwrap();
    let mut left = 1;
    for dropped in [&chain, &pruned] {
        backend.wal.seal(&dropped.timeline, &dropped.head).await.unwrap();
        let freed = backend.wal.drop_timeline(dropped.id()).await.unwrap();
        let after = backend.wal.state(dropped.id()).await.unwrap();
        if let (None, Some(after)) = (&backend.materialize, after) {
            // It keeps the log of the last hour.
            assert!(after.sealed);
            left += 1;
            continue;
        }
        assert!(freed.commits > 0 && freed.bytes > 0, "{freed:?}");
        assert_eq!(backend.wal.state(dropped.id()).await.unwrap(), None);
        assert_eq!(read_all(&*backend.wal, dropped.id()).await, []);
        assert_eq!(backend.wal.drop_timeline(dropped.id()).await.unwrap(), Reclaimed::default());
    }
    assert_eq!(backend.wal.timelines().await.unwrap().len(), left);
    check_log(&backend, &other, &written).await;
    let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
    assert_eq!(findings, []);
    if subject.capabilities().durable {
        drop(backend);
        let backend = place.open().await;
        assert_eq!(backend.wal.timelines().await.unwrap().len(), left);
        assert_eq!(read_all(&*backend.wal, other.id()).await, written.to_vec());
    }
}

async fn a_writer_that_comes_after_a_timeline_was_dropped_finds_it_sealed(subject: Subject) {
    let (place, backend) = subject.backend().await;
    // Another process, which was the last to write to them.
    let elsewhere =
        if subject.capabilities().shared { place.open().await } else { backend.clone() };
    for (id, base, sealed) in [(1, 0, true), (2, 0, false), (3, 5, true), (4, 5, false)] {
        let mut chain = Chain::root(id);
        if base > 0 {
            chain.grow(&*elsewhere.wal, base).await;
            chain = chain.fork(id + 10);
        }
        chain.grow(&*elsewhere.wal, 3).await;
        if sealed {
            backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
        }
        backend.wal.drop_timeline(chain.id()).await.unwrap();
        let (expected, commit) = (chain.head, chain.next(Vec::new()));
        for backend in [&backend, &elsewhere] {
            let commits = [commit.clone()].into();
            let answer =
                backend.wal.append(&chain.timeline, &expected, commits, None).await.unwrap();
            assert_eq!(answer, Append::Sealed(expected), "{id}");
        }
        assert!(backend.wal.state(chain.id()).await.unwrap().is_none_or(|state| state.sealed));
    }
}
