//! Appending: compare-and-set, whole commits, any size.

use std::sync::Arc;

use argon_core::model::{Change, Image};
use argon_core::model::{Commit, Digest, Head, MAX_DOCUMENT_BYTES, TimelineId};
use argon_core::storage::{Append, TimelineState, Wal};
use futures::TryStreamExt;
use futures::future::join_all;

use crate::Subject;
use crate::case::{Case, cases};
use crate::make::{COLLECTION, Chain, document_of_size, everything, of_every_type, put};

pub(crate) fn cases() -> Vec<Case> {
    cases!["wal":
        an_append_that_expects_the_head_moves_it,
        of_two_appends_expecting_the_same_head_one_wins,
        of_many_racing_appends_exactly_one_wins,
        an_append_that_expects_another_digest_loses,
        a_lost_append_changes_nothing,
        nothing_is_known_of_a_timeline_before_its_first_append,
        the_first_append_records_the_base,
        timelines_do_not_see_each_other,
        commits_of_one_append_are_all_there,
        thousands_of_commits_come_back_in_order,
        a_commit_of_five_thousand_changes_comes_back_whole,
        documents_of_sixteen_mebibytes_come_back_byte_for_byte,
        every_bson_type_comes_back_byte_for_byte,
        a_commit_without_changes_keeps_its_place,
    ]
}

pub(super) async fn state(wal: &dyn Wal, timeline: TimelineId) -> TimelineState {
    wal.state(timeline).await.unwrap().expect("the timeline exists")
}

pub(super) async fn read_all(wal: &dyn Wal, timeline: TimelineId) -> Vec<Commit> {
    wal.read(timeline, everything()).try_collect().await.unwrap()
}

async fn an_append_that_expects_the_head_moves_it(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    for _ in 0..3 {
        chain.grow(&*backend.wal, 1).await;
        let state = state(&*backend.wal, chain.id()).await;
        assert_eq!(state.head, chain.head, "the head is the commit that was just acknowledged");
        assert!(!state.sealed);
    }
}

async fn of_two_appends_expecting_the_same_head_one_wins(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    chain.grow(&*backend.wal, 3).await;
    let (before, mut other) = (chain.head, chain.clone());
    chain.grow(&*backend.wal, 1).await;
    let late = other.next(vec![put(1, "late")]);
    let answer = backend.wal.append(&other.timeline, &before, [late].into(), None).await.unwrap();
    assert_eq!(answer, Append::HeadMoved(chain.head), "the loser is told the actual head");
}

async fn of_many_racing_appends_exactly_one_wins(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    for round in 0..4 {
        let before = chain.head;
        let rivals: Vec<(Chain, Commit)> = (0..16)
            .map(|writer| {
                let mut rival = chain.clone();
                let commit = rival.next(vec![put(writer, "mine")]);
                (rival, commit)
            })
            .collect();
        let appends = rivals.iter().map(|(rival, commit)| {
            let (wal, timeline) = (backend.wal.clone(), rival.timeline);
            let commits: Arc<[Commit]> = [commit.clone()].into();
            tokio::spawn(
                async move { wal.append(&timeline, &before, commits, None).await.unwrap() },
            )
        });
        let answers = join_all(appends).await;
        let winners: Vec<&Chain> = answers
            .iter()
            .zip(&rivals)
            .filter(|(answer, _)| *answer.as_ref().unwrap() == Append::Done)
            .map(|(_, (rival, _))| rival)
            .collect();
        assert_eq!(winners.len(), 1, "round {round}: {answers:?}");
        chain = winners[0].clone();
        assert_eq!(state(&*backend.wal, chain.id()).await.head, chain.head);
        for answer in answers.into_iter().map(Result::unwrap) {
            assert!(answer == Append::Done || answer == Append::HeadMoved(chain.head));
        }
    }
    assert_eq!(read_all(&*backend.wal, chain.id()).await.len(), 4);
}

async fn an_append_that_expects_another_digest_loses(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    chain.grow(&*backend.wal, 2).await;
    let mut other = chain.clone();
    other.head = Head { digest: Digest::of(b"another history"), ..chain.head };
    let expected = other.head;
    let commit = other.next(vec![put(1, "x")]);
    let answer =
        backend.wal.append(&chain.timeline, &expected, [commit].into(), None).await.unwrap();
    assert_eq!(answer, Append::HeadMoved(chain.head));
}

async fn a_lost_append_changes_nothing(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let commits = chain.grow(&*backend.wal, 3).await;
    let mut late = Chain::root(1);
    late.head = commits[1].head();
    let expected = late.head;
    let commits_of_late = late.many(5);
    let answer =
        backend.wal.append(&late.timeline, &expected, commits_of_late, None).await.unwrap();
    assert_eq!(answer, Append::HeadMoved(chain.head));
    assert_eq!(read_all(&*backend.wal, chain.id()).await, commits.to_vec());
    assert_eq!(state(&*backend.wal, chain.id()).await.head, chain.head);
}

async fn nothing_is_known_of_a_timeline_before_its_first_append(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    assert_eq!(backend.wal.state(chain.id()).await.unwrap(), None);
    assert_eq!(read_all(&*backend.wal, chain.id()).await, []);
    assert_eq!(backend.wal.timelines().await.unwrap(), []);
    chain.grow(&*backend.wal, 1).await;
    assert_eq!(backend.wal.timelines().await.unwrap(), [chain.id()]);
}

async fn the_first_append_records_the_base(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut parent = Chain::root(1);
    parent.grow(&*backend.wal, 4).await;
    let mut fork = parent.fork(2);
    parent.grow(&*backend.wal, 2).await;
    fork.grow(&*backend.wal, 2).await;
    let (old, new) =
        (state(&*backend.wal, parent.id()).await, state(&*backend.wal, fork.id()).await);
    assert_eq!((old.timeline, old.head), (parent.timeline, parent.head));
    assert_eq!((new.timeline, new.head), (fork.timeline, fork.head));
    let lsns: Vec<u64> =
        read_all(&*backend.wal, fork.id()).await.iter().map(|c| c.meta.lsn.get()).collect();
    assert_eq!(lsns, [5, 6], "a fork continues the count of its parent");
}

async fn timelines_do_not_see_each_other(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chains: Vec<Chain> = (0..20).map(Chain::root).collect();
    let mut written = vec![Vec::new(); chains.len()];
    for round in 0..3 {
        for (chain, written) in chains.iter_mut().zip(&mut written) {
            written.extend(chain.grow(&*backend.wal, round + 1).await.iter().cloned());
        }
    }
    for (chain, written) in chains.iter().zip(written) {
        assert_eq!(read_all(&*backend.wal, chain.id()).await, written);
    }
    let mut listed = backend.wal.timelines().await.unwrap();
    listed.sort_unstable();
    assert_eq!(listed, chains.iter().map(Chain::id).collect::<Vec<_>>());
}

async fn commits_of_one_append_are_all_there(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let commits = chain.grow(&*backend.wal, 1000).await;
    assert_eq!(state(&*backend.wal, chain.id()).await.head, chain.head);
    assert_eq!(read_all(&*backend.wal, chain.id()).await, commits.to_vec());
}

async fn thousands_of_commits_come_back_in_order(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let mut written = Vec::new();
    for _ in 0..subject.scaled(20, 14) {
        written.extend(chain.grow(&*backend.wal, 150).await.iter().cloned());
    }
    let read = read_all(&*backend.wal, chain.id()).await;
    let (count, found) = (written.len(), read.len());
    assert!(read == written, "{count} commits came back as {found} or in another order");
}

async fn a_commit_of_five_thousand_changes_comes_back_whole(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let changes = (0..5000).map(|id| put(id, "one of many")).collect();
    let commit = chain.write(&*backend.wal, changes).await;
    let read = read_all(&*backend.wal, chain.id()).await;
    assert!(read == [commit], "the commit came back changed");
}

async fn documents_of_sixteen_mebibytes_come_back_byte_for_byte(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let sizes = [4095, 16 * 1024, 16 * 1024 + 1, 300_000, MAX_DOCUMENT_BYTES];
    let changes = (0..).zip(sizes).map(|(id, size)| {
        let (key, document) = document_of_size(id, size);
        Change { collection: COLLECTION, key, image: Image::Document(document) }
    });
    let commit = chain.write(&*backend.wal, changes.collect()).await;
    chain.grow(&*backend.wal, 1).await;
    let read = read_all(&*backend.wal, chain.id()).await;
    assert_eq!(read.len(), 2);
    for (read, written) in read[0].changes.iter().zip(&commit.changes) {
        assert!(read == written, "the document with _id {} came back changed", written.key);
    }
    assert_eq!(read[0].compute_digest(&Digest::ZERO), commit.digest);
}

async fn every_bson_type_comes_back_byte_for_byte(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let (key, document) = of_every_type();
    let bytes = document.as_bytes().to_vec();
    let change = Change { collection: COLLECTION, key, image: Image::Document(document) };
    chain.write(&*backend.wal, vec![change]).await;
    let read = read_all(&*backend.wal, chain.id()).await;
    match &read[0].changes[0].image {
        Image::Document(document) => assert_eq!(document.as_bytes(), bytes),
        Image::Deleted => panic!("the document came back as a deletion"),
    }
}

async fn a_commit_without_changes_keeps_its_place(subject: Subject) {
    let (_place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let empty = chain.write(&*backend.wal, Vec::new()).await;
    chain.grow(&*backend.wal, 1).await;
    let read = read_all(&*backend.wal, chain.id()).await;
    assert_eq!((read.len(), &read[0]), (2, &empty));
}
