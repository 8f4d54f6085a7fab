//! Sealing, which fences off writers.

use argon_core::model::{Head, Lsn};
use argon_core::storage::Append;

use crate::Subject;
use crate::case::{Case, cases};
use crate::make::{Chain, put};
use crate::wal::append::{read_all, state};

pub(crate) fn cases() -> Vec<Case> {
    cases!["wal":
        a_sealed_timeline_takes_no_commit,
        a_timeline_without_commits_can_be_sealed,
        sealing_again_at_the_head_is_done,
        a_seal_that_expects_another_head_changes_nothing,
        what_was_written_before_the_seal_stays_readable,
        of_an_append_and_a_seal_that_race_one_wins,
    ]
}

async fn a_sealed_timeline_takes_no_commit(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    chain.grow(&*backend.wal, 3).await;
    let head = chain.head;
    assert_eq!(backend.wal.seal(&chain.timeline, &head).await.unwrap(), Append::Done);
    assert!(state(&*backend.wal, chain.id()).await.sealed);
    for expected in [head, Head::EMPTY] {
        let commit = chain.clone().next(vec![put(1, "late")]);
        let answer =
            backend.wal.append(&chain.timeline, &expected, [commit].into(), None).await.unwrap();
        assert_eq!(answer, Append::Sealed(head));
    }
    assert_eq!(read_all(&*backend.wal, chain.id()).await.len(), 3);
}

async fn a_timeline_without_commits_can_be_sealed(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut parent = Chain::root(1);
    parent.grow(&*backend.wal, 3).await;
    for mut chain in [Chain::root(2), parent.fork(3)] {
        let base = chain.head;
        assert_eq!(backend.wal.seal(&chain.timeline, &base).await.unwrap(), Append::Done);
        let state = state(&*backend.wal, chain.id()).await;
        assert_eq!((state.timeline, state.head, state.sealed), (chain.timeline, base, true));
        let first = chain.next(vec![put(1, "late")]);
        let answer =
            backend.wal.append(&chain.timeline, &base, [first].into(), None).await.unwrap();
        assert_eq!(answer, Append::Sealed(base));
        assert_eq!(read_all(&*backend.wal, chain.id()).await, []);
    }
}

async fn sealing_again_at_the_head_is_done(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    chain.grow(&*backend.wal, 2).await;
    let empty = Chain::root(2);
    for chain in [&chain, &empty] {
        for _ in 0..3 {
            let answer = backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
            assert_eq!(answer, Append::Done);
        }
    }
}

async fn a_seal_that_expects_another_head_changes_nothing(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let commits = chain.grow(&*backend.wal, 3).await;
    let earlier = commits[1].head();
    let answer = backend.wal.seal(&chain.timeline, &earlier).await.unwrap();
    assert_eq!(answer, Append::HeadMoved(chain.head));
    assert!(!state(&*backend.wal, chain.id()).await.sealed);
    chain.grow(&*backend.wal, 1).await;
    assert_eq!(backend.wal.seal(&chain.timeline, &chain.head).await.unwrap(), Append::Done);
    let answer = backend.wal.seal(&chain.timeline, &earlier).await.unwrap();
    assert_eq!(answer, Append::Sealed(chain.head));
}

async fn what_was_written_before_the_seal_stays_readable(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let commits = chain.grow(&*backend.wal, 10).await;
    backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
    assert_eq!(read_all(&*backend.wal, chain.id()).await, commits.to_vec());
    let mut fork = chain.fork(2);
    fork.grow(&*backend.wal, 1).await;
    assert_eq!(fork.head.lsn, Lsn::new(11), "others may build on it");
}

async fn of_an_append_and_a_seal_that_race_one_wins(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    for number in 0..20 {
        let mut chain = Chain::root(number);
        if number % 2 == 0 {
            chain.grow(&*backend.wal, 2).await;
        }
        let before = chain.head;
        let commits = chain.many(1);
        let (wal, timeline) = (backend.wal.clone(), chain.timeline);
        let append =
            tokio::spawn(async move { wal.append(&timeline, &before, commits, None).await });
        let wal = backend.wal.clone();
        let seal = tokio::spawn(async move { wal.seal(&timeline, &before).await });
        let answers = (append.await.unwrap().unwrap(), seal.await.unwrap().unwrap());
        let state = state(&*backend.wal, chain.id()).await;
        match answers {
            (Append::Done, Append::HeadMoved(head)) => {
                assert_eq!((head, state.head, state.sealed), (chain.head, chain.head, false));
            }
            (Append::Sealed(head), Append::Done) => {
                assert_eq!((head, state.head, state.sealed), (before, before, true));
            }
            other => panic!("both or none won: {other:?}"),
        }
    }
}
