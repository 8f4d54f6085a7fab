//! Watches of branches: every commit once, in order, whoever makes it.

use std::time::Duration;

use argon_core::model::Lsn;
use argon_core::watch::{WatchFrom, WatchStream, WatchedCommit};
use argon_core::{Branch, ErrorKind, restore};
use futures::future::join;
use futures::{StreamExt, TryStreamExt};

use crate::Subject;
use crate::case::{Case, cases};
use crate::fsck::{Damage, Kind};
use crate::pins::commit;
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["watch":
        a_watch_has_each_commit_of_many_writers_once_and_in_order,
        a_watch_finds_the_commits_of_another_store_by_asking,
        a_reset_ends_a_watch_after_the_last_commit_before_it,
        a_watch_ends_where_commits_were_collected_or_are_damaged,
    ]
}

/// Longer than any pause of a watch.
const LONG: Duration = Duration::from_mins(1);

async fn next(commits: &mut WatchStream) -> WatchedCommit {
    let next = tokio::time::timeout(LONG, commits.try_next()).await;
    next.expect("in time").unwrap().expect("a watch ends with an error only")
}

async fn end(commits: &mut WatchStream) -> ErrorKind {
    let next = tokio::time::timeout(LONG, commits.try_next()).await;
    let kind = next.expect("in time").unwrap_err().kind();
    assert!(commits.next().await.is_none(), "the error is the end");
    kind
}

async fn messages(commits: &mut WatchStream, count: usize) -> Vec<String> {
    let mut messages = Vec::new();
    for _ in 0..count {
        messages.push(next(commits).await.meta.message.to_string());
    }
    messages
}

async fn a_watch_has_each_commit_of_many_writers_once_and_in_order(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let (writers, each) = (4, subject.scaled(8, 3));
    let mut commits = main.watch(WatchFrom::Head).await.unwrap();
    let tasks = (0..writers).map(|writer| {
        let main = main.clone();
        tokio::spawn(async move {
            for number in 0..each {
                commit(&main, &format!("{writer}.{number}")).await;
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut seen = Vec::new();
    for number in 1..=writers * each {
        let commit = next(&mut commits).await;
        assert_eq!(commit.meta.lsn, Lsn::new(number), "in order, without a gap");
        seen.push(commit);
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut again = main.watch(seen[2].point).await.unwrap();
    for commit in &seen[3..] {
        assert_eq!(next(&mut again).await, *commit, "the same from a token");
    }
}

async fn a_watch_finds_the_commits_of_another_store_by_asking(subject: Subject) {
    // Two stores over one backend share nothing but that, as two processes do.
    let (place, mut backend) = subject.backend().await;
    backend.capabilities.shared = true;
    let ours = first_branch(&place.project(backend.clone()).await).await;
    let theirs = first_branch(&place.project_again(backend).await).await;
    commit(&ours, "1").await;
    let mut commits = theirs.watch(WatchFrom::Head).await.unwrap();
    let later = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        commit(&ours, "2").await;
        commit(&ours, "3").await;
    };
    let (seen, ()) = join(messages(&mut commits, 2), later).await;
    assert_eq!(seen, ["2", "3"]);

    let moved = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        restore::reset(&ours, &ours.at(Lsn::ZERO).await.unwrap()).await.unwrap();
    };
    let (kind, ()) = join(end(&mut commits), moved).await;
    assert_eq!(kind, ErrorKind::Conflict);
}

async fn a_reset_ends_a_watch_after_the_last_commit_before_it(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for message in ["1", "2", "3"] {
        commit(&main, message).await;
    }
    let mut commits = main.watch(Lsn::new(1)).await.unwrap();
    restore::reset(&main, &main.at(Lsn::new(1)).await.unwrap()).await.unwrap();
    commit(&main, "4").await;
    assert_eq!(messages(&mut commits, 2).await, ["2", "3"]);
    assert_eq!(end(&mut commits).await, ErrorKind::Conflict);
    let mut now = main.watch(Lsn::ZERO).await.unwrap();
    assert_eq!(messages(&mut now, 2).await, ["1", "4"]);
}

async fn a_watch_ends_where_commits_were_collected_or_are_damaged(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    for message in ["1", "2", "3"] {
        commit(&main, message).await;
    }
    let timeline = main.head().await.unwrap().view().point().unwrap().timeline;
    for (kind, expected) in
        [(Kind::Collected, ErrorKind::NotFound), (Kind::Missing, ErrorKind::Corrupt)]
    {
        let damage = Damage { timeline, lsn: Lsn::new(2), kind };
        let branch: Branch = first_branch(&place.project_again(damage.to(&backend)).await).await;
        let mut commits = branch.watch(Lsn::new(1)).await.unwrap();
        assert_eq!(end(&mut commits).await, expected);
    }
}
