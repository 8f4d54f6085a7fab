//! Reading: ranges, directions, headers, and what a reader beside a writer sees.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use argon_core::model::{Commit, Lsn, TimelineId, Touched};
use argon_core::storage::{Direction, Wal};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::make::{Chain, deletion, everything, put};

pub(crate) fn cases() -> Vec<Case> {
    cases!["wal":
        a_range_is_read_in_either_direction,
        positions_outside_the_timeline_are_left_out,
        headers_say_what_the_full_read_says,
        a_reader_beside_a_writer_sees_no_gap_and_no_part,
        the_head_never_goes_back,
        a_stream_may_be_dropped_half_read,
    ]
}

async fn lsns(wal: &dyn Wal, timeline: TimelineId, range: RangeInclusive<u64>) -> Vec<u64> {
    let range = Lsn::new(*range.start())..=Lsn::new(*range.end());
    let read: Vec<Commit> = wal.read(timeline, range).try_collect().await.unwrap();
    read.iter().map(|commit| commit.meta.lsn.get()).collect()
}

async fn header_lsns(
    wal: &dyn Wal,
    timeline: TimelineId,
    range: RangeInclusive<u64>,
    direction: Direction,
) -> Vec<u64> {
    let range = Lsn::new(*range.start())..=Lsn::new(*range.end());
    let headers: Vec<_> = wal.read_headers(timeline, range, direction).try_collect().await.unwrap();
    headers.iter().map(|commit| commit.meta.lsn.get()).collect()
}

async fn a_range_is_read_in_either_direction(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let wal = &*backend.wal;
    let mut chain = Chain::root(1);
    let last = subject.scaled(1500, 1100);
    chain.grow(wal, last).await;
    for range in [1..=last, 7..=7, 3..=5, 500..=1100, 1..=512, 513..=1024, last - 100..=last] {
        let ascending: Vec<u64> = range.clone().collect();
        let descending: Vec<u64> = range.clone().rev().collect();
        assert_eq!(lsns(wal, chain.id(), range.clone()).await, ascending);
        let headers = header_lsns(wal, chain.id(), range.clone(), Direction::Ascending).await;
        assert_eq!(headers, ascending);
        let headers = header_lsns(wal, chain.id(), range, Direction::Descending).await;
        assert_eq!(headers, descending);
    }
}

#[expect(clippy::reversed_empty_ranges, reason = "an empty range is one of the cases")]
async fn positions_outside_the_timeline_are_left_out(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let wal = &*backend.wal;
    let mut parent = Chain::root(1);
    parent.grow(wal, 5).await;
    let mut fork = parent.fork(2);
    fork.grow(wal, 3).await;
    let most = Lsn::MAX.get();
    for (chain, range, expected) in [
        (&parent, 0..=2, vec![1, 2]),
        (&parent, 4..=9, vec![4, 5]),
        (&parent, 0..=0, vec![]),
        (&parent, 6..=9, vec![]),
        (&parent, 0..=most, vec![1, 2, 3, 4, 5]),
        (&parent, 3..=2, vec![]),
        (&parent, most..=u64::MAX, vec![]),
        (&parent, 2..=u64::MAX, vec![2, 3, 4, 5]),
        (&fork, 1..=most, vec![6, 7, 8]),
        (&fork, 1..=5, vec![]),
        (&fork, 5..=6, vec![6]),
    ] {
        assert_eq!(lsns(wal, chain.id(), range.clone()).await, expected, "{range:?}");
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut headers = header_lsns(wal, chain.id(), range.clone(), direction).await;
            headers.sort_unstable();
            assert_eq!(headers, expected, "{range:?} {direction:?}");
        }
    }
}

async fn headers_say_what_the_full_read_says(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    chain.grow(&*backend.wal, 20).await;
    chain.write(&*backend.wal, vec![deletion(3), put(4, "x"), deletion(1)]).await;
    chain.write(&*backend.wal, Vec::new()).await;
    let full: Vec<Commit> = backend.wal.read(chain.id(), everything()).try_collect().await.unwrap();
    let headers: Vec<Commit<Touched>> = backend
        .wal
        .read_headers(chain.id(), everything(), Direction::Ascending)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(full.into_iter().map(Commit::without_documents).collect::<Vec<_>>(), headers);
}

async fn a_reader_beside_a_writer_sees_no_gap_and_no_part(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (wal, id, done) = (backend.wal.clone(), chain.id(), done.clone());
            tokio::spawn(async move {
                let mut rounds = 0;
                while !done.load(Ordering::SeqCst) || rounds == 0 {
                    whole_prefix(&*wal, id).await;
                    rounds += 1;
                }
            })
        })
        .collect();
    for round in 0..subject.scaled(40, 12) {
        let before = chain.head;
        let commits: Arc<[Commit]> = (0..3)
            .map(|_| chain.next((0..20).map(|id| put(id, &format!("round {round}"))).collect()))
            .collect();
        backend.wal.append(&chain.timeline, &before, commits, None).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}

/// Reads all commits and checks that they are the first ones, each one whole.
async fn whole_prefix(wal: &dyn Wal, id: TimelineId) {
    let head = wal.state(id).await.unwrap().map_or(Lsn::ZERO, |state| state.head.lsn);
    let mut previous = argon_core::model::Digest::ZERO;
    let mut expected = Lsn::ZERO;
    let mut commits = wal.read(id, everything());
    while let Some(commit) = commits.try_next().await.unwrap() {
        expected = expected.next();
        assert_eq!(commit.meta.lsn, expected, "a commit without the one before it");
        assert_eq!(commit.changes.len(), 20, "a part of a commit");
        assert_eq!(commit.compute_digest(&previous), commit.digest);
        previous = commit.digest;
    }
    assert!(expected >= head, "the head said {head}, but the log ends at {expected}");
}

async fn the_head_never_goes_back(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let done = Arc::new(AtomicBool::new(false));
    let (wal, id, stop) = (backend.wal.clone(), chain.id(), done.clone());
    let observer = tokio::spawn(async move {
        let mut seen = Lsn::ZERO;
        while !stop.load(Ordering::SeqCst) {
            let now = wal.state(id).await.unwrap().map_or(Lsn::ZERO, |state| state.head.lsn);
            assert!(now >= seen, "the head was {seen} and is now {now}");
            seen = now;
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..100 {
        chain.grow(&*backend.wal, 1).await;
        let head = backend.wal.state(chain.id()).await.unwrap().unwrap().head;
        assert_eq!(head, chain.head, "an acknowledged commit is the head");
    }
    done.store(true, Ordering::SeqCst);
    observer.await.unwrap();
}

async fn a_stream_may_be_dropped_half_read(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    chain.grow(&*backend.wal, 1200).await;
    for taken in [0, 1, 700] {
        let mut commits = backend.wal.read(chain.id(), everything());
        for _ in 0..taken {
            assert!(commits.try_next().await.unwrap().is_some());
        }
    }
    chain.grow(&*backend.wal, 1).await;
}
