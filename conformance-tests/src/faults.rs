//! What must hold when the store fails: every acknowledged commit is there once, and an error says
//! the truth about what was changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argon_core::storage::Backend;
use argon_core::write::Outcome;
use argon_core::{Branch, ErrorKind, Result, restore};
use futures::future::join_all;

use crate::Subject;
use crate::case::{Case, cases};
use crate::concurrency::{by_message, named_request};
use crate::faulty::{Fault, Plan};
use crate::make;
use crate::subject::{StoreLocation, first_branch};

pub(crate) fn cases() -> Vec<Case> {
    cases!["faults":
        a_commit_whose_answer_was_lost_is_found_and_acknowledged_once,
        a_commit_that_was_lost_on_its_way_is_written_once,
        a_first_commit_whose_answer_was_lost_is_found,
        an_answer_lost_before_another_writer_came_is_found_too,
        a_commit_that_failed_before_changes_nothing,
        an_error_after_doubt_leaves_the_doubt,
        a_batch_that_fails_fails_for_all_and_the_next_goes_on,
        a_server_that_is_gone_for_a_while_loses_nothing,
        random_faults_lose_and_double_nothing,
        a_reset_that_is_cut_off_anywhere_loses_nothing,
        a_deletion_that_is_cut_off_anywhere_loses_nothing,
        a_rename_that_is_cut_off_anywhere_loses_nothing,
        a_rename_that_a_writer_beats_leaves_no_second_branch,
        a_branch_creation_whose_answer_was_lost_says_so,
    ]
}

/// A branch over a backend with faults, and the same branch without.
pub(crate) struct Faulty {
    pub(crate) plan: Arc<Plan>,
    pub(crate) branch: Branch,
    pub(crate) sound: Branch,
    pub(crate) backend: Backend,
    pub(crate) place: StoreLocation,
}

impl Faulty {
    pub(crate) async fn new(subject: &Subject) -> Self {
        let (place, backend) = subject.backend().await;
        let plan = Plan::new();
        let sound = first_branch(&place.project(backend.clone()).await).await;
        let faulty = place.project_again(plan.decorate(backend.clone())).await;
        let branch = first_branch(&faulty).await;
        Self { plan, branch, sound, backend, place }
    }

    pub(crate) async fn commit(&self, name: &str) -> Result<(), ErrorKind> {
        match self.branch.commit(named_request(&self.branch, name)).await {
            Ok(outcome) => {
                let receipt = outcome.committed().unwrap();
                assert_eq!(by_message(&self.sound).await.get(name), Some(&receipt));
                Ok(())
            }
            Err(error) => Err(error.kind()),
        }
    }

    /// Submits `count` requests so that they come into one batch, which meets `faults`.
    async fn batch(&self, label: &str, count: usize, faults: Vec<Fault>) -> Vec<Result<Outcome>> {
        let branch = &self.branch;
        self.plan.next([Fault::Held]);
        let opener = tokio::spawn({
            let (branch, label) = (branch.clone(), label.to_owned());
            async move { branch.commit(named_request(&branch, &format!("before {label}"))).await }
        });
        // While the first append is held, all that is submitted waits for the next.
        self.plan.all_met().await;
        self.plan.next(faults);
        let requests = (0..count)
            .map(|number| branch.commit(named_request(branch, &format!("{label} {number}"))));
        let release = async { self.plan.release() };
        let (answers, ()) = futures::join!(join_all(requests), release);
        opener.await.unwrap().unwrap();
        answers
    }

    /// The messages of all commits that the main branch holds.
    async fn names(&self) -> Vec<String> {
        let mut found: Vec<_> = by_message(&self.sound).await.into_iter().collect();
        found.sort_by_key(|(_, receipt)| receipt.lsn);
        found.into_iter().map(|(name, _)| name).collect()
    }
}

async fn a_commit_whose_answer_was_lost_is_found_and_acknowledged_once(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    for lost in 1..=2 {
        faulty.plan.next(vec![Fault::LostAnswer; lost]);
        faulty.commit(&format!("lost {lost}")).await.unwrap();
    }
    faulty.commit("z").await.unwrap();
    assert_eq!(faulty.names().await, ["a", "lost 1", "lost 2", "z"]);
}

async fn a_commit_that_was_lost_on_its_way_is_written_once(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.plan.next([Fault::LostCall]);
    faulty.commit("a").await.unwrap();
    faulty.plan.next([Fault::LostCall, Fault::LostAnswer]);
    faulty.commit("b").await.unwrap();
    assert_eq!(faulty.names().await, ["a", "b"]);
}

async fn a_first_commit_whose_answer_was_lost_is_found(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.plan.next([Fault::LostAnswer]);
    faulty.commit("a").await.unwrap();
    assert_eq!(faulty.names().await, ["a"]);
}

async fn an_answer_lost_before_another_writer_came_is_found_too(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    // The second attempt is slow enough for another writer to come between.
    faulty.plan.next([Fault::LostAnswer, Fault::Slow]);
    let other = async {
        while !by_message(&faulty.sound).await.contains_key("mine") {
            tokio::task::yield_now().await;
        }
        faulty.sound.commit(named_request(&faulty.sound, "other")).await.unwrap();
    };
    let (mine, ()) = futures::join!(faulty.commit("mine"), other);
    mine.unwrap();
    assert_eq!(faulty.names().await, ["a", "mine", "other"]);
}

async fn a_commit_that_failed_before_changes_nothing(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    faulty.plan.next([Fault::Before]);
    assert_eq!(faulty.commit("b").await, Err(ErrorKind::Unavailable));
    assert_eq!(faulty.names().await, ["a"]);
    faulty.commit("b").await.unwrap();
    assert_eq!(faulty.names().await, ["a", "b"]);
}

async fn an_error_after_doubt_leaves_the_doubt(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.plan.next([Fault::LostAnswer, Fault::Before]);
    assert_eq!(faulty.commit("a").await, Err(ErrorKind::Indeterminate));
    faulty.plan.next([Fault::LostCall, Fault::Before]);
    assert_eq!(faulty.commit("b").await, Err(ErrorKind::Indeterminate));
    faulty.plan.next([Fault::LostCall; 3]);
    assert_eq!(faulty.commit("c").await, Err(ErrorKind::Indeterminate));
    faulty.commit("d").await.unwrap();
    assert_eq!(faulty.names().await, ["a", "d"], "looking at the log decides");
}

async fn a_batch_that_fails_fails_for_all_and_the_next_goes_on(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    for (fault, kind, there) in [
        (vec![Fault::Before], ErrorKind::Unavailable, false),
        (vec![Fault::LostAnswer, Fault::Before], ErrorKind::Indeterminate, true),
        (vec![Fault::LostCall, Fault::Before], ErrorKind::Indeterminate, false),
    ] {
        let label = format!("{fault:?}");
        for answer in faulty.batch(&label, 20, fault).await {
            assert_eq!(answer.unwrap_err().kind(), kind, "{label}");
        }
        let found = faulty.names().await;
        let count = found.iter().filter(|name| name.starts_with(&label)).count();
        assert_eq!(count, if there { 20 } else { 0 }, "a batch is whole or absent after {label}");
        faulty.commit(&format!("after {label}")).await.unwrap();
    }
}

async fn a_server_that_is_gone_for_a_while_loses_nothing(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    let mut acknowledged = Vec::new();
    for round in 0..12 {
        faulty.plan.set_gone(round % 3 == 1);
        let name = round.to_string();
        match faulty.branch.commit(named_request(&faulty.branch, &name)).await {
            Ok(_) => acknowledged.push(name),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
        }
        let gone = faulty.branch.head().await.is_err();
        assert_eq!(gone, round % 3 == 1, "reads fail while the server is gone, and only then");
    }
    assert_eq!(faulty.names().await, acknowledged);
}

async fn random_faults_lose_and_double_nothing(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.plan.at_random(5, 3);
    let writers = (0..8).map(|writer| {
        let branch = faulty.branch.clone();
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for round in 0..25 {
                let name = format!("{writer}/{round}");
                let answer = branch.commit(named_request(&branch, &name)).await;
                answers.push((name, answer.map(|outcome| outcome.committed().unwrap())));
            }
            answers
        })
    });
    let answers: BTreeMap<_, _> =
        join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    let found = by_message(&faulty.sound).await;
    for (name, answer) in &answers {
        match answer {
            Ok(receipt) => assert_eq!(found.get(name), Some(receipt), "'{name}' was acknowledged"),
            Err(error) if error.kind() == ErrorKind::Indeterminate => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                assert!(!found.contains_key(name), "'{name}' failed, and is there");
            }
        }
    }
    assert!(faulty.plan.met() > 0, "there were no faults");
}

/// Does `operation` on a branch with three commits, again and again, each time cut off one write
/// later than before, until it is not cut off any more; after each cut all three commits must be
/// on some branch, and if the branch is still there, it must go on.
async fn cut_off_anywhere(subject: &Subject, operation: impl AsyncFn(&Branch) -> Result<()>) {
    let cuts = [Fault::Before, Fault::LostAnswer, Fault::LostCall];
    for cut in cuts {
        let mut writes_before = 0;
        loop {
            assert!(writes_before < 20, "it never ends");
            if whole_after_cut(subject, cut, writes_before, &operation).await {
                break;
            }
            writes_before += 1;
        }
        assert!(writes_before >= 2, "{cut:?}: there were {writes_before} writes to cut off");
    }
}

/// Whether the operation was done before it came to the cut.
async fn whole_after_cut(
    subject: &Subject,
    cut: Fault,
    writes_before: usize,
    operation: &impl AsyncFn(&Branch) -> Result<()>,
) -> bool {
    let faulty = Faulty::new(subject).await;
    for name in ["a", "b", "c"] {
        faulty.commit(name).await.unwrap();
    }
    faulty.plan.next(vec![Fault::None; writes_before].into_iter().chain([cut]));
    let done = operation(&faulty.branch).await;
    let label = format!("{cut:?} after {writes_before} writes: {done:?}");
    let project = faulty.place.project_again(faulty.backend.clone()).await;
    let mut found = BTreeSet::new();
    for info in project.branches().await.unwrap() {
        let branch = project.branch(&info.name).await.unwrap();
        if !info.name.is_backup() {
            let outcome = branch.commit(named_request(&branch, "next")).await.expect(&label);
            outcome.committed().expect(&label);
        }
        found.extend(by_message(&branch).await.into_keys());
    }
    for name in ["a", "b", "c"] {
        assert!(found.contains(name), "{label}: commit '{name}' is on no branch");
    }
    let store = faulty.place.store(faulty.backend.clone());
    let report = argon_core::fsck::fsck(&store, false, &|_| {}).await.unwrap();
    assert_eq!(report.problems, [], "{label}");
    done.is_ok()
}

async fn a_reset_that_is_cut_off_anywhere_loses_nothing(subject: Subject) {
    cut_off_anywhere(&subject, async |branch| {
        let target = branch.at(argon_core::model::Lsn::new(1)).await?;
        restore::reset(branch, &target).await.map(|_| ())
    })
    .await;
}

async fn a_deletion_that_is_cut_off_anywhere_loses_nothing(subject: Subject) {
    cut_off_anywhere(&subject, async |branch| {
        branch.project().delete_branch(branch.name()).await.map(|_| ())
    })
    .await;
}

async fn a_rename_that_is_cut_off_anywhere_loses_nothing(subject: Subject) {
    cut_off_anywhere(&subject, async |branch| {
        branch.project().rename_branch(branch.name(), &make::branch("other")).await.map(|_| ())
    })
    .await;
}

async fn a_rename_that_a_writer_beats_leaves_no_second_branch(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    // Held between making the new name and removing the old one.
    faulty.plan.next([Fault::None, Fault::None, Fault::Held]);
    let project = faulty.branch.project().clone();
    let other = make::branch("other");
    let rename = project.rename_branch(faulty.branch.name(), &other);
    let writer = async {
        faulty.plan.all_met().await;
        faulty.sound.commit(named_request(&faulty.sound, "b")).await.unwrap();
        faulty.plan.release();
    };
    let (renamed, ()) = futures::join!(rename, writer);
    assert_eq!(renamed.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(faulty.names().await, ["a", "b"]);
    let left: Vec<_> =
        project.branches().await.unwrap().into_iter().map(|info| info.name).collect();
    assert_eq!(left, [faulty.branch.name().clone()], "a conflict changes nothing");
}

async fn a_branch_creation_whose_answer_was_lost_says_so(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    let state = faulty.branch.head().await.unwrap();
    let project = faulty.branch.project();
    for (fault, kind, there) in [
        (Fault::Before, ErrorKind::Unavailable, false),
        (Fault::LostCall, ErrorKind::Indeterminate, false),
        (Fault::LostAnswer, ErrorKind::Indeterminate, true),
    ] {
        faulty.plan.next([fault]);
        let name = make::branch("fork");
        let error = project.create_branch(&name, &state, None).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(project.branch(&name).await.is_ok(), there, "{fault:?}");
    }
}
