//! Forks of forks, and branches that are moved, renamed and removed.

use std::collections::BTreeMap;

use argon_core::model::{BranchName, Lsn};
use argon_core::storage::{Append, Direction};
use argon_core::write::Precondition;
use argon_core::{Branch, ErrorKind, State, log, restore};
use bson::rawdoc;
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::concurrency::{by_message, named_request};
use crate::environment::Random;
use crate::make::{branch as name, collection, document, key};
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["ancestry":
        forks_sixty_four_deep_read_through_all_of_them,
        documents_of_many_forks_are_read_alike_however_often,
        two_hundred_forks_of_one_state_stay_apart,
        a_fork_of_a_fork_below_its_fork_point_skips_it,
        a_branch_of_an_empty_branch_begins_with_nothing,
        a_branch_of_a_past_state_holds_that_state,
        every_position_of_a_chain_is_a_state,
        positions_above_the_head_are_not_found,
        a_renamed_branch_goes_on_under_its_new_name_only,
        a_deleted_branch_is_kept_as_a_backup,
        a_reset_keeps_what_it_leaves_behind_as_a_backup,
        a_branch_may_be_reset_to_the_empty_state_and_forward_again,
        a_backup_takes_no_commits_and_stays_as_it_is,
        a_protected_branch_can_not_be_moved_but_written,
        a_handle_follows_its_branch_after_a_reset,
        a_branch_on_a_sealed_timeline_goes_on_in_a_fork,
        a_branch_without_commits_on_a_sealed_timeline_goes_on,
        the_longest_branch_name_can_be_reset_and_deleted,
        the_digest_chain_goes_through_forks,
    ]
}

async fn commit(branch: &Branch, message: &str) {
    branch.commit(named_request(branch, message)).await.unwrap().committed().unwrap();
}

async fn fork(from: &State, branch: &Branch, called: &str) -> Branch {
    branch.project().create_branch(&name(called), from, Some(branch.name())).await.unwrap()
}

/// The messages of the commits of a branch, oldest first.
async fn messages(branch: &Branch) -> Vec<String> {
    let mut found: Vec<_> = by_message(branch).await.into_iter().collect();
    found.sort_by_key(|(_, receipt)| receipt.lsn);
    found.into_iter().map(|(name, _)| name).collect()
}

async fn forks_sixty_four_deep_read_through_all_of_them(subject: Subject) {
    let (_place, mut branch) = subject.branch().await;
    for depth in 1..=64 {
        commit(&branch, &depth.to_string()).await;
        let put = rawdoc! { "_id": "same", "depth": depth };
        branch.collection(&collection("c")).put(put).await.unwrap();
        branch = fork(&branch.head().await.unwrap(), &branch, &format!("fork/{depth}")).await;
    }
    let head = branch.head().await.unwrap();
    assert_eq!((head.view().segments().len(), head.lsn().get()), (64, 128));
    let users = head.collection(&collection("c")).unwrap();
    assert_eq!(users.count().await.unwrap(), 64 * 3 + 1);
    for depth in 1..=64 {
        let found = users.version(&key(format!("{depth}/0"))).await.unwrap().unwrap();
        assert_eq!(found.changed_by.lsn.get(), 2 * depth - 1);
    }
    let history: Vec<_> = users.history(&key("same")).try_collect().await.unwrap();
    let lsns: Vec<u64> = history.iter().map(|(lsn, _)| lsn.get()).collect();
    assert_eq!(lsns, (1..=64).rev().map(|depth| 2 * depth).collect::<Vec<u64>>());
}

/// A backend may remember which of many segments hold a document, so reads are repeated, with commits and
/// other forks between them.
async fn documents_of_many_forks_are_read_alike_however_often(subject: Subject) {
    const DOCUMENTS: i64 = 20;
    let (_place, mut branch) = subject.branch().await;
    let mut random = Random::new(29);
    let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
    let mut left_behind = Vec::new();
    for depth in 0..subject.scaled(12, 6) {
        let mut request = branch.request();
        for id in 0..DOCUMENTS {
            let key = key(id);
            match random.below(if depth == 0 { 1 } else { 6 }) {
                0 => {
                    let (key, document) = document(id, &format!("{depth}"));
                    request.put(collection("c"), key, document, Precondition::Any).unwrap();
                    expected.insert(id, depth);
                }
                1 => {
                    request.delete(collection("c"), key, Precondition::Any);
                    expected.remove(&id);
                }
                _ => {}
            }
        }
        branch.commit(request).await.unwrap();
        let head = branch.head().await.unwrap();
        left_behind.push((head.clone(), expected.clone()));
        branch = fork(&head, &branch, &format!("fork/{depth}")).await;
    }
    let last = left_behind.len() - 1;
    for round in 0..6 {
        commit(&branch, &format!("another {round}")).await;
        for at in [last, last / 2] {
            let state =
                if at == last { branch.head().await.unwrap() } else { left_behind[at].0.clone() };
            let documents = state.collection(&collection("c")).unwrap();
            for id in 0..DOCUMENTS {
                let found = documents.get(&key(id)).await.unwrap();
                let found =
                    found.map(|document| document.as_raw().get_str("text").unwrap().to_owned());
                assert_eq!(
                    found,
                    left_behind[at].1.get(&id).map(ToString::to_string),
                    "{id} at {at}"
                );
            }
        }
        // Whether a document is there is looked up by the same segments.
        for id in left_behind[last].1.keys() {
            let mut request = branch.request();
            let (key, document) = document(*id, "new");
            request.put(collection("c"), key, document, Precondition::Absent).unwrap();
            assert!(branch.commit(request).await.unwrap().committed().is_err(), "{id}");
        }
    }
}

async fn two_hundred_forks_of_one_state_stay_apart(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "base").await;
    let state = main.head().await.unwrap();
    let mut forks = Vec::new();
    for number in 0..200 {
        let fork = fork(&state, &main, &format!("fork/{number}")).await;
        if number % 4 == 0 {
            commit(&fork, &format!("of {number}")).await;
        }
        forks.push(fork);
    }
    assert_eq!(main.project().branches().await.unwrap().len(), 201);
    for (number, fork) in forks.iter().enumerate() {
        let own = (number % 4 == 0).then(|| format!("of {number}"));
        let expected: Vec<String> = ["base".to_owned()].into_iter().chain(own).collect();
        assert_eq!(messages(fork).await, expected);
    }
    assert_eq!(main.head().await.unwrap().view(), state.view());
}

async fn a_fork_of_a_fork_below_its_fork_point_skips_it(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for message in ["1", "2", "3", "4"] {
        commit(&main, message).await;
    }
    let first = fork(&main.head().await.unwrap(), &main, "first").await;
    commit(&first, "5 of first").await;
    let low = fork(&first.at(Lsn::new(2)).await.unwrap(), &first, "low").await;
    commit(&low, "3 of low").await;
    let head = low.head().await.unwrap();
    assert_eq!(head.view().segments().len(), 2, "the chain goes to main, not through first");
    assert_eq!(messages(&low).await, ["1", "2", "3 of low"]);
    let unwritten = fork(&first.at(Lsn::new(4)).await.unwrap(), &first, "unwritten").await;
    let above = fork(&unwritten.head().await.unwrap(), &unwritten, "above").await;
    commit(&above, "5 of above").await;
    assert_eq!(above.head().await.unwrap().view().segments().len(), 2);
    assert_eq!(messages(&above).await, ["1", "2", "3", "4", "5 of above"]);
}

async fn a_branch_of_an_empty_branch_begins_with_nothing(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let empty = main.head().await.unwrap();
    assert_eq!((empty.lsn(), empty.collections().count()), (Lsn::ZERO, 0));
    let first = fork(&empty, &main, "first").await;
    let second = fork(&first.head().await.unwrap(), &first, "second").await;
    commit(&second, "of second").await;
    commit(&main, "of main").await;
    assert_eq!(messages(&second).await, ["of second"]);
    assert_eq!(first.head().await.unwrap().lsn(), Lsn::ZERO);
    assert_eq!(
        second.head().await.unwrap().view().common_lsn(main.head().await.unwrap().view()),
        Lsn::ZERO
    );
}

async fn a_branch_of_a_past_state_holds_that_state(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for message in ["1", "2", "3", "4", "5"] {
        commit(&main, message).await;
    }
    for lsn in 0..=5 {
        let past = main.at(Lsn::new(lsn)).await.unwrap();
        let branch = fork(&past, &main, &format!("from/{lsn}")).await;
        assert_eq!(branch.head().await.unwrap().view(), past.view());
        commit(&branch, "own").await;
        let head = branch.head().await.unwrap();
        assert_eq!(head.lsn().get(), lsn + 1);
        let documents = head.collection(&collection("c")).unwrap().count().await.unwrap();
        assert_eq!(documents, 3 * (lsn + 1));
        assert_eq!(branch.info().await.unwrap().forked_at.get(), lsn);
    }
    assert_eq!(messages(&main).await, ["1", "2", "3", "4", "5"]);
}

async fn every_position_of_a_chain_is_a_state(subject: Subject) {
    let (_place, mut branch) = subject.branch().await;
    for depth in 0..5_u64 {
        for own in 0..4 {
            commit(&branch, &format!("{depth}.{own}")).await;
        }
        branch = fork(&branch.head().await.unwrap(), &branch, &format!("b{depth}")).await;
    }
    for lsn in 1..=20 {
        let state = branch.at(Lsn::new(lsn)).await.unwrap();
        assert_eq!(state.lsn().get(), lsn);
        let users = state.collection(&collection("c")).unwrap();
        assert_eq!(users.count().await.unwrap(), 3 * lsn);
        let depth = (lsn - 1) / 4;
        let last = key(format!("{depth}.{}/2", (lsn - 1) % 4));
        assert_eq!(users.version(&last).await.unwrap().unwrap().changed_by.lsn.get(), lsn);
    }
}

async fn positions_above_the_head_are_not_found(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for lsn in [1, 2, u64::MAX] {
        assert_eq!(main.at(Lsn::new(lsn)).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    commit(&main, "1").await;
    assert!(main.at(Lsn::new(1)).await.is_ok());
    assert_eq!(main.at(Lsn::new(2)).await.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn a_renamed_branch_goes_on_under_its_new_name_only(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let project = main.project();
    let renamed = project.rename_branch(main.name(), &name("trunk")).await.unwrap();
    commit(&renamed, "2").await;
    assert_eq!(messages(&renamed).await, ["1", "2"]);
    assert_eq!(project.branch(main.name()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let late = main.commit(named_request(&main, "late")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound, "the old handle is told");
    let again = project.rename_branch(renamed.name(), renamed.name()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    commit(&renamed, "3").await;
    let names: Vec<BranchName> =
        project.branches().await.unwrap().into_iter().map(|info| info.name).collect();
    assert_eq!(names, [name("trunk")]);
}

async fn a_deleted_branch_is_kept_as_a_backup(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let project = main.project();
    let side = fork(&main.head().await.unwrap(), &main, "side").await;
    commit(&side, "2").await;
    let backup = project.delete_branch(side.name()).await.unwrap().unwrap();
    assert!(backup.is_backup());
    assert_eq!(project.branch(side.name()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let kept = project.branch(&backup).await.unwrap();
    assert_eq!(messages(&kept).await, ["1", "2"]);
    let back = fork(&kept.head().await.unwrap(), &kept, "side").await;
    commit(&back, "3").await;
    assert_eq!(messages(&back).await, ["1", "2", "3"]);
    assert_eq!(project.delete_branch(&backup).await.unwrap(), None);
    assert_eq!(project.branch(&backup).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(messages(&back).await, ["1", "2", "3"], "a branch does not need the backup's name");
}

async fn a_reset_keeps_what_it_leaves_behind_as_a_backup(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for message in ["1", "2", "3"] {
        commit(&main, message).await;
    }
    let mut backups = Vec::new();
    for round in 0..3 {
        let preview = restore::preview(&main, &main.at(Lsn::new(1)).await.unwrap()).await.unwrap();
        let behind = main.head().await.unwrap().lsn().get() - 1;
        assert_eq!(preview.commits_left_behind, behind);
        let reset = restore::reset(&main, &main.at(Lsn::new(1)).await.unwrap()).await.unwrap();
        assert_eq!((reset.from.get(), reset.to.get()), (behind + 1, 1));
        assert_eq!(messages(&main).await, ["1"]);
        backups.push(reset.backup);
        commit(&main, &format!("after {round}")).await;
    }
    let project = main.project();
    let first = project.branch(&backups[0]).await.unwrap();
    assert_eq!(messages(&first).await, ["1", "2", "3"]);
    let last = project.branch(&backups[2]).await.unwrap();
    assert_eq!(messages(&last).await, ["1", "after 1"]);
}

async fn a_branch_may_be_reset_to_the_empty_state_and_forward_again(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let before = main.head().await.unwrap();
    restore::reset(&main, &main.at(Lsn::ZERO).await.unwrap()).await.unwrap();
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::ZERO);
    commit(&main, "other").await;
    restore::reset(&main, &before).await.unwrap();
    assert_eq!(messages(&main).await, ["1"]);
    let again = restore::reset(&main, &main.head().await.unwrap()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Invalid, "there is nothing to reset");
    commit(&main, "2").await;
}

async fn a_backup_takes_no_commits_and_stays_as_it_is(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let empty = main.at(Lsn::ZERO).await.unwrap();
    let backup = restore::reset(&main, &empty).await.unwrap().backup;
    let project = main.project();
    let kept = project.branch(&backup).await.unwrap();
    let denied = kept.commit(named_request(&kept, "x")).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    let denied = restore::reset(&kept, &empty).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    let denied = project.rename_branch(&backup, &name("x")).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    let refused = project.create_branch(&name("backup/x"), &empty, None).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let refused = project.rename_branch(main.name(), &name("backup/x")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    commit(&main, "main goes on").await;
}

async fn a_protected_branch_can_not_be_moved_but_written(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let project = main.project();
    project.set_protected(main.name(), true).await.unwrap();
    let empty = main.at(Lsn::ZERO).await.unwrap();
    let errors = [
        restore::reset(&main, &empty).await.err(),
        project.delete_branch(main.name()).await.err(),
        project.rename_branch(main.name(), &name("x")).await.err(),
    ];
    for error in errors {
        assert_eq!(error.unwrap().kind(), ErrorKind::Denied);
    }
    commit(&main, "2").await;
    project.set_protected(main.name(), false).await.unwrap();
    restore::reset(&main, &empty).await.unwrap();
}

async fn a_handle_follows_its_branch_after_a_reset(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let mine = first_branch(&place.project(backend.clone()).await).await;
    let theirs = first_branch(&place.project_again(backend).await).await;
    commit(&mine, "1").await;
    commit(&theirs, "2").await;
    restore::reset(&theirs, &theirs.at(Lsn::new(1)).await.unwrap()).await.unwrap();
    assert_eq!(mine.head().await.unwrap().lsn().get(), 1, "a read follows");
    restore::reset(&theirs, &theirs.at(Lsn::ZERO).await.unwrap()).await.unwrap();
    commit(&mine, "a write follows").await;
    assert_eq!(messages(&theirs).await, ["a write follows"]);
}

async fn a_branch_on_a_sealed_timeline_goes_on_in_a_fork(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    for message in ["1", "2"] {
        commit(&main, message).await;
    }
    // This is what a reset leaves that was cut off after its first step.
    let timeline = backend.wal.timelines().await.unwrap()[0];
    let state = backend.wal.state(timeline).await.unwrap().unwrap();
    let sealed = backend.wal.seal(&state.timeline, &state.head).await.unwrap();
    assert_eq!(sealed, Append::Done);
    assert_eq!(main.head().await.unwrap().lsn().get(), 2, "it can be read");
    let other = first_branch(&place.project_again(backend).await).await;
    let writers = (0..10).map(|number| {
        let branch = if number % 2 == 0 { main.clone() } else { other.clone() };
        tokio::spawn(async move { commit(&branch, &format!("after {number}")).await })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(messages(&main).await[..2], ["1", "2"]);
    assert_eq!(messages(&main).await.len(), 12);
    assert_eq!(main.project().branches().await.unwrap().len(), 1);
}

async fn a_branch_without_commits_on_a_sealed_timeline_goes_on(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    commit(&main, "1").await;
    let side = fork(&main.head().await.unwrap(), &main, "side").await;
    // A deletion that is cut off after sealing.
    let plan = crate::faulty::Plan::new();
    let faulty = place.project_again(plan.decorate(backend)).await;
    plan.next([crate::faulty::Fault::None, crate::faulty::Fault::Before]);
    faulty.delete_branch(side.name()).await.unwrap_err();
    commit(&side, "2").await;
    assert_eq!(messages(&side).await, ["1", "2"]);
}

async fn the_longest_branch_name_can_be_reset_and_deleted(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let longest = (1..=200)
        .rev()
        .map(|length| "x".repeat(length))
        .find(|text| BranchName::new(text.as_str()).is_ok())
        .unwrap();
    let branch = fork(&main.head().await.unwrap(), &main, &longest).await;
    commit(&branch, "2").await;
    restore::reset(&branch, &branch.at(Lsn::new(1)).await.unwrap()).await.unwrap();
    commit(&branch, "3").await;
    let backup = branch.project().delete_branch(branch.name()).await.unwrap().unwrap();
    let kept = branch.project().branch(&backup).await.unwrap();
    assert_eq!(messages(&kept).await, ["1", "3"]);
}

async fn the_digest_chain_goes_through_forks(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    commit(&main, "1").await;
    let side = fork(&main.head().await.unwrap(), &main, "side").await;
    commit(&side, "2").await;
    let head = side.head().await.unwrap();
    let headers: Vec<_> = log::headers(&head).try_collect().await.unwrap();
    let leaf = head.view().segments()[0];
    let range = leaf.above.next()..=leaf.upto;
    let own: Vec<_> = backend.wal.read(leaf.timeline, range.clone()).try_collect().await.unwrap();
    assert_eq!(own[0].compute_digest(&headers[1].digest), headers[0].digest);
    let direct = backend.wal.read_headers(leaf.timeline, range, Direction::Descending);
    assert_eq!(direct.try_collect::<Vec<_>>().await.unwrap(), headers[..1]);
}
