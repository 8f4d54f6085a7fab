//! Times of commits, and states by time.

use argon_core::model::Lsn;
use argon_core::{Branch, ErrorKind, Revision};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::concurrency::named_request;
use crate::environment::time;

pub(crate) fn cases() -> Vec<Case> {
    cases!["time":
        times_on_a_timeline_never_go_back,
        a_fork_is_never_earlier_than_its_parent,
        a_time_names_the_last_commit_that_is_not_later,
        of_commits_with_equal_times_the_last_counts,
        a_time_before_the_first_commit_names_no_state,
        a_clock_before_1970_is_taken_as_1970,
        a_time_is_found_through_forks,
    ]
}

async fn commit(branch: &Branch, millis: i64, place: &crate::subject::StoreLocation) {
    place.clock.set(millis);
    let message = format!("{millis} {}", branch.head().await.unwrap().lsn());
    branch.commit(named_request(branch, &message)).await.unwrap().committed().unwrap();
}

async fn times(branch: &Branch) -> Vec<i64> {
    let head = branch.head().await.unwrap();
    let headers: Vec<_> = argon_core::log::headers(&head).try_collect().await.unwrap();
    let since_start = |time: bson::DateTime| {
        time.timestamp_millis() - crate::environment::time(0).timestamp_millis()
    };
    headers.iter().rev().map(|commit| since_start(commit.meta.time)).collect()
}

async fn at(branch: &Branch, millis: i64) -> Option<u64> {
    match branch.at_time(time(millis)).await {
        Ok(state) => Some(state.lsn().get()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            None
        }
    }
}

async fn times_on_a_timeline_never_go_back(subject: Subject) {
    let (place, branch) = subject.branch().await;
    for millis in [10, 5, 20, 0, -100, 21] {
        commit(&branch, millis, &place).await;
    }
    assert_eq!(times(&branch).await, [10, 10, 20, 20, 20, 21]);
}

async fn a_fork_is_never_earlier_than_its_parent(subject: Subject) {
    let (place, main) = subject.branch().await;
    commit(&main, 100, &place).await;
    let state = main.head().await.unwrap();
    let name = crate::make::branch("fork");
    let fork = main.project().create_branch(&name, &state, None).await.unwrap();
    commit(&fork, 50, &place).await;
    commit(&fork, 150, &place).await;
    assert_eq!(times(&fork).await, [100, 100, 150]);
    argon_core::restore::reset(&fork, &state).await.unwrap();
    commit(&fork, 60, &place).await;
    assert_eq!(times(&fork).await, [100, 100]);
}

async fn a_time_names_the_last_commit_that_is_not_later(subject: Subject) {
    let (place, branch) = subject.branch().await;
    for millis in [10, 20, 30] {
        commit(&branch, millis, &place).await;
    }
    for (millis, expected) in
        [(9, None), (10, Some(1)), (19, Some(1)), (20, Some(2)), (30, Some(3)), (9999, Some(3))]
    {
        assert_eq!(at(&branch, millis).await, expected, "at {millis}");
    }
}

async fn of_commits_with_equal_times_the_last_counts(subject: Subject) {
    let (place, branch) = subject.branch().await;
    for millis in [10, 20, 20, 20, 30, 30] {
        commit(&branch, millis, &place).await;
    }
    for (millis, expected) in [(19, Some(1)), (20, Some(4)), (29, Some(4)), (30, Some(6))] {
        assert_eq!(at(&branch, millis).await, expected, "at {millis}");
    }
}

async fn a_time_before_the_first_commit_names_no_state(subject: Subject) {
    let (place, branch) = subject.branch().await;
    assert_eq!(at(&branch, 10).await, None);
    commit(&branch, 10, &place).await;
    assert_eq!(at(&branch, 9).await, None);
    let revision: Revision = "main@1999-01-01".parse().unwrap();
    let error = revision.resolve(branch.project(), branch.name()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn a_clock_before_1970_is_taken_as_1970(subject: Subject) {
    let (place, branch) = subject.branch().await;
    commit(&branch, -3_000_000_000_000, &place).await;
    let head = branch.head().await.unwrap();
    let headers: Vec<_> = argon_core::log::headers(&head).try_collect().await.unwrap();
    assert_eq!(headers[0].meta.time.timestamp_millis(), 0);
}

async fn a_time_is_found_through_forks(subject: Subject) {
    let (place, main) = subject.branch().await;
    for millis in [10, 20, 30] {
        commit(&main, millis, &place).await;
    }
    let name = crate::make::branch("fork");
    let past = main.at(Lsn::new(2)).await.unwrap();
    let fork = main.project().create_branch(&name, &past, None).await.unwrap();
    for millis in [40, 50] {
        commit(&fork, millis, &place).await;
    }
    for (millis, expected) in
        [(9, None), (15, Some(1)), (30, Some(2)), (39, Some(2)), (40, Some(3)), (60, Some(4))]
    {
        assert_eq!(at(&fork, millis).await, expected, "at {millis}");
    }
    let revision: Revision = "fork@2026-01-01T00:00:00.045Z~1".parse().unwrap();
    let state = revision.resolve(main.project(), main.name()).await.unwrap();
    assert_eq!(state.lsn().get(), 2);
}
