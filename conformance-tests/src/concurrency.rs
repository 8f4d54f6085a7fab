//! Many writers of one branch.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use argon_core::model::{Commit, Message};
use argon_core::write::{ConflictReason, Outcome, Precondition, Receipt, WriteRequest};
use argon_core::{Branch, ErrorKind, log};
use bson::rawdoc;
use futures::future::join_all;
use futures::{FutureExt, TryStreamExt};

use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::Random;
use crate::make::{checked, collection, document, key};
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["concurrency":
        thirty_two_writers_lose_nothing_and_double_nothing,
        of_writers_that_read_the_same_version_one_wins,
        of_inserts_with_the_same_id_one_wins,
        increments_that_try_again_after_a_conflict_lose_nothing,
        commits_take_their_places_in_the_order_of_submission,
        requests_in_turn_end_with_the_first_that_is_refused,
        an_answer_never_comes_before_those_of_earlier_requests,
        a_writer_that_goes_away_leaves_a_whole_commit_or_none,
        two_handles_of_one_store_take_turns,
        writers_beside_a_reset_lose_nothing,
        a_version_that_a_reset_took_away_is_not_written_over,
        a_writer_goes_on_after_the_runtime_of_another_ended,
        branches_of_one_project_do_not_wait_for_each_other,
    ]
}

/// A request that writes three documents of its own, named by its message.
pub(crate) fn named_request(branch: &Branch, name: &str) -> WriteRequest {
    let mut request = branch.request();
    request.set_message(Message::new(name).unwrap());
    for part in 0..3 {
        let (key, document) = checked(rawdoc! { "_id": format!("{name}/{part}"), "by": name });
        request.put(collection("c"), key, document, Precondition::Absent).unwrap();
    }
    request
}

/// The commits of a branch by message, after checking that their positions are dense and that no
/// message is there twice.
pub(crate) async fn by_message(branch: &Branch) -> BTreeMap<String, Receipt> {
    let head = branch.head().await.unwrap();
    let mut commits: Vec<Commit<_>> = log::headers(&head).try_collect().await.unwrap();
    commits.reverse();
    let mut found = BTreeMap::new();
    for (expected, commit) in (1..).zip(commits) {
        assert_eq!(commit.meta.lsn.get(), expected, "positions are dense");
        let receipt = Receipt {
            lsn: commit.meta.lsn,
            time: commit.meta.time,
            digest: commit.digest,
            changed: 3,
            skipped: 0,
        };
        let name = commit.meta.message.to_string();
        assert_eq!(found.insert(name.clone(), receipt), None, "'{name}' is there twice");
    }
    found
}

async fn thirty_two_writers_lose_nothing_and_double_nothing(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let writers = (0..32).map(|writer| {
        let branch = branch.clone();
        tokio::spawn(async move {
            let mut receipts = Vec::new();
            for round in 0..12 {
                let name = format!("{writer}/{round}");
                let outcome = branch.commit(named_request(&branch, &name)).await.unwrap();
                receipts.push((name, outcome.committed().unwrap()));
            }
            receipts
        })
    });
    let acknowledged: BTreeMap<String, Receipt> =
        join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(acknowledged.len(), 32 * 12);
    assert_eq!(by_message(&branch).await, acknowledged);
    let head = branch.head().await.unwrap();
    assert_eq!(head.collection(&collection("c")).unwrap().count().await.unwrap(), 32 * 12 * 3);
}

async fn of_writers_that_read_the_same_version_one_wins(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let users = branch.collection(&collection("c"));
    for round in 0..4 {
        users.put(rawdoc! { "_id": 1, "by": "nobody" }).await.unwrap();
        let read = users.version(&key(1)).await.unwrap().unwrap();
        let writers = (0..16).map(|writer| {
            let (users, read) = (users.clone(), read.changed_by);
            tokio::spawn(
                async move { users.replace_if(rawdoc! { "_id": 1, "by": writer }, read).await },
            )
        });
        let answers: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
        let won = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(won, 1, "round {round}: {answers:?}");
        for error in answers.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        }
    }
}

async fn of_inserts_with_the_same_id_one_wins(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let writers = (0..32).map(|writer| {
        let branch = branch.clone();
        tokio::spawn(async move {
            let mut request = branch.request();
            let (key, document) = document(1, &format!("by {writer}"));
            request.put(collection("c"), key, document, Precondition::Absent).unwrap();
            branch.commit(request).await.unwrap()
        })
    });
    let mut won = 0;
    for outcome in join_all(writers).await {
        match outcome.unwrap() {
            Outcome::Committed(_) => won += 1,
            Outcome::Conflict(conflict) => assert_eq!(conflict.reason, ConflictReason::Exists),
            other => panic!("an insert that was not made is no conflict: {other:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(branch.head().await.unwrap().lsn().get(), 1, "losers leave no commit");
}

async fn increments_that_try_again_after_a_conflict_lose_nothing(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let (writers, each) = (8_i64, 8_i64);
    let counters = branch.collection(&collection("c"));
    counters.insert(rawdoc! { "_id": 1, "count": 0_i64 }).await.unwrap();
    let tasks = (0..writers).map(|_| {
        let counters = counters.clone();
        tokio::spawn(async move {
            let mut done = 0;
            while done < each {
                let read = counters.version(&key(1)).await.unwrap().unwrap();
                let count = read.document.as_raw().get_i64("count").unwrap() + 1;
                match counters
                    .replace_if(rawdoc! { "_id": 1, "count": count }, read.changed_by)
                    .await
                {
                    Ok(_) => done += 1,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
                }
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    let total = counters.get(&key(1)).await.unwrap().unwrap();
    assert_eq!(total.as_raw().get_i64("count").unwrap(), writers * each);
    assert_eq!(branch.head().await.unwrap().lsn().get(), 1 + 64);
}

async fn commits_take_their_places_in_the_order_of_submission(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    // `join_all` polls in order, and a request is submitted when it is polled first.
    let requests =
        (0..200).map(|number| branch.commit(named_request(&branch, &number.to_string())));
    let lsns: Vec<u64> = join_all(requests)
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap().committed().unwrap().lsn.get())
        .collect();
    assert_eq!(lsns, (1..=200).collect::<Vec<u64>>());
}

async fn an_answer_never_comes_before_those_of_earlier_requests(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    // Else tokio would ring a bell itself, to let another task have its turn.
    tokio::task::unconstrained(answers_come_in_order(&branch)).await;
}

async fn answers_come_in_order(branch: &Branch) {
    let mut requests: Vec<_> = (0..100)
        .map(|number| Box::pin(branch.commit(named_request(branch, &number.to_string()))))
        .collect();
    let (rung, mut bells) = tokio::sync::mpsc::unbounded_channel();
    let mut waiting = Vec::new();
    // A request is submitted when it is polled first. One that has its answer by then rings no bell.
    for (number, request) in requests.iter_mut().enumerate() {
        let bell = Waker::from(Arc::new(Bell { number, rung: rung.clone() }));
        if request.as_mut().poll(&mut Context::from_waker(&bell)).is_pending() {
            waiting.push(number);
        }
    }
    for number in waiting {
        assert_eq!(bells.recv().await, Some(number), "the next answer is that of request {number}");
        let outcome = requests[number].as_mut().now_or_never().expect("its bell was rung");
        let lsn = outcome.unwrap().committed().unwrap().lsn;
        let head = branch.head().await.unwrap().lsn();
        assert!(head >= lsn, "who has the answer finds {lsn} in what is read next, not {head}");
    }
}

/// Rung when a request has its answer, by whoever answers.
struct Bell {
    number: usize,
    rung: tokio::sync::mpsc::UnboundedSender<usize>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // Nobody listens any more if the trial has failed.
        let _ = self.rung.send(self.number);
    }
}

async fn a_writer_that_goes_away_leaves_a_whole_commit_or_none(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let mut random = Random::new(32);
    let mut acknowledged = BTreeSet::new();
    for round in 0..6 {
        let writers: Vec<_> = (0..32)
            .map(|writer| {
                let (branch, name) = (branch.clone(), format!("{round}/{writer}"));
                let task = tokio::spawn(async move {
                    let outcome = branch.commit(named_request(&branch, &name)).await.unwrap();
                    outcome.committed().unwrap();
                    name
                });
                (task, random.below(800))
            })
            .collect();
        for (task, micros) in writers {
            if micros < 400 {
                tokio::time::sleep(std::time::Duration::from_micros(micros)).await;
                task.abort();
            }
            acknowledged.extend(task.await.ok());
        }
    }
    // What was taken up before its writer left may still be on its way; this comes after it.
    branch.commit(named_request(&branch, "last")).await.unwrap().committed().unwrap();
    let found = by_message(&branch).await;
    assert!(acknowledged.iter().all(|name| found.contains_key(name)), "an answer was a lie");
    let head = branch.head().await.unwrap();
    let documents = head.collection(&collection("c")).unwrap().count().await.unwrap();
    assert_eq!(documents, 3 * found.len() as u64, "each commit is whole");
}

async fn two_handles_of_one_store_take_turns(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let mine = first_branch(&place.project(backend.clone()).await).await;
    let theirs = first_branch(&place.project_again(backend).await).await;
    let writers = (0..16).map(|writer| {
        let branch = if writer % 2 == 0 { mine.clone() } else { theirs.clone() };
        tokio::spawn(async move {
            for round in 0..10 {
                let name = format!("{writer}/{round}");
                let outcome = branch.commit(named_request(&branch, &name)).await.unwrap();
                outcome.committed().unwrap();
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(by_message(&mine).await.len(), 160);
    assert_eq!(by_message(&theirs).await, by_message(&mine).await);
}

async fn writers_beside_a_reset_lose_nothing(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    branch.commit(named_request(&branch, "first")).await.unwrap();
    let target = branch.head().await.unwrap();
    let writers: Vec<_> =
        (0..8).map(|writer| tokio::spawn(write_fifteen(branch.clone(), writer))).collect();
    let mut resets = 0;
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        match argon_core::restore::reset(&branch, &target).await {
            Ok(_) => resets += 1,
            // Nobody wrote since the last one. A writer who meets the seal waits for the reset, so
            // it is never a conflict.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}"),
        }
    }
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let mut found = BTreeSet::new();
    for info in branch.project().branches().await.unwrap() {
        let branch = branch.project().branch(&info.name).await.unwrap();
        found.extend(by_message(&branch).await.into_keys());
    }
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "in no branch and in no backup after {resets} resets: {lost:?}");
}

/// Writes fifteen commits; gives their names.
async fn write_fifteen(branch: Branch, writer: u32) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for round in 0..5 {
        let three = [0, 1, 2].map(|part| format!("{writer}/{round}/{part}"));
        let requests = three.each_ref().map(|name| named_request(&branch, name));
        let outcomes = branch.commit_in_turn(requests.into()).await;
        assert_eq!(outcomes.len(), 3);
        for outcome in outcomes {
            outcome.unwrap().committed().unwrap();
        }
        names.extend(three);
    }
    names
}

async fn requests_in_turn_end_with_the_first_that_is_refused(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    // More than one append takes, so that some come after the one that has the refused request.
    let names =
        (0..1100).map(|number| if number == 5 { "2".to_owned() } else { number.to_string() });
    let requests = names.map(|name| named_request(&branch, &name)).collect();
    let mut outcomes = branch.commit_in_turn(requests).await;
    assert!(matches!(outcomes.pop(), Some(Ok(Outcome::Conflict(_)))));
    let receipts: Vec<Receipt> =
        outcomes.into_iter().map(|outcome| outcome.unwrap().committed().unwrap()).collect();
    let written = by_message(&branch).await;
    assert_eq!(written.len(), 5, "{written:?}");
    for (number, receipt) in receipts.iter().enumerate() {
        assert_eq!(written[&number.to_string()], *receipt, "in order");
    }
}

async fn branches_of_one_project_do_not_wait_for_each_other(subject: Subject) {
    let (_place, main) = subject.branch().await;
    main.commit(named_request(&main, "base")).await.unwrap();
    let state = main.head().await.unwrap();
    let writers = (0..12).map(|number| {
        let (main, state) = (main.clone(), state.clone());
        tokio::spawn(async move {
            let name = crate::make::branch(&format!("b/{number}"));
            let branch = main.project().create_branch(&name, &state, None).await.unwrap();
            for round in 0..5 {
                branch.commit(named_request(&branch, &round.to_string())).await.unwrap();
            }
            by_message(&branch).await.len()
        })
    });
    for count in join_all(writers).await {
        assert_eq!(count.unwrap(), 6);
    }
    assert_eq!(by_message(&main).await.len(), 1);
}

async fn a_version_that_a_reset_took_away_is_not_written_over(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let users = branch.collection(&collection("c"));
    users.put(rawdoc! { "_id": 1, "by": "first" }).await.unwrap();
    let target = branch.head().await.unwrap();
    users.put(rawdoc! { "_id": 1, "by": "read" }).await.unwrap();
    let read = users.version(&key(1)).await.unwrap().unwrap();
    argon_core::restore::reset(&branch, &target).await.unwrap();
    users.put(rawdoc! { "_id": 1, "by": "another" }).await.unwrap();
    let now = users.version(&key(1)).await.unwrap().unwrap();
    assert_eq!(now.changed_by.lsn, read.changed_by.lsn, "the position is the same");
    let refused = users.replace_if(rawdoc! { "_id": 1, "by": "late" }, read.changed_by).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    users.replace_if(rawdoc! { "_id": 1, "by": "late" }, now.changed_by).await.unwrap();
}

async fn a_writer_goes_on_after_the_runtime_of_another_ended(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let other = branch.clone();
    let ended = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut write = Box::pin(other.commit(named_request(&other, "cut off")));
            // Polled once: submitted, and its task not begun.
            let _ = futures::poll!(&mut write);
        });
    });
    ended.join().unwrap();
    branch.commit(named_request(&branch, "after")).await.unwrap().committed().unwrap();
}
