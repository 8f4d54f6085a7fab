//! Plans that are kept in the store.

use argon_core::document::Path;
use argon_core::merge::Choice;
use argon_core::model::{Lsn, Message};
use argon_core::plan::{Plan, PlanId, PlanStatus, Rules, SavedPlan};
use argon_core::{Branch, ErrorKind, Project};
use bson::{doc, rawdoc};

use super::{conflicts, fork, get, plan, put};
use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::time;
use crate::hooked::{Hooks, Moment};
use crate::make::{collection, key};
use crate::subject::first_branch;

pub(super) fn cases() -> Vec<Case> {
    cases!["plans":
        a_plan_is_kept_with_its_decisions,
        a_plan_is_applied_exactly_once,
        a_plan_is_not_applied_by_the_commit_of_another,
        a_commit_that_names_no_plan_applies_those_that_come_to_the_same,
        a_plan_applied_by_many_at_once_makes_one_commit,
        a_plan_whose_branch_has_moved_on_is_refused_until_it_is_renewed,
        decisions_about_what_has_changed_since_are_taken_back,
        decisions_under_a_name_that_theirs_gave_are_taken_back_likewise,
        a_plan_goes_with_its_branch_to_another_name,
        a_plan_that_comes_to_nothing_is_closed,
        a_plan_that_can_not_be_renewed_stays_as_it_was,
        an_aborted_plan_is_closed,
        two_people_who_decide_at_once_do_not_overwrite_each_other,
        every_kind_of_plan_can_be_kept,
    ]
}

/// A fork that contradicts its parent in the fields `a` and `b` of document 1.
async fn contradicting(main: &Branch) -> Branch {
    put(main, rawdoc! { "_id": 1, "a": 0, "b": 0 }).await;
    let fork = fork(main, "fork").await;
    put(main, rawdoc! { "_id": 1, "a": 1, "b": 1 }).await;
    put(&fork, rawdoc! { "_id": 1, "a": 2, "b": 2 }).await;
    fork
}

async fn kept(source: &Branch, target: &Branch) -> SavedPlan {
    let plan = plan(source, target, Rules::default()).await;
    SavedPlan::create(plan, &Message::new("please").unwrap()).await.unwrap()
}

fn decide(stored: &mut SavedPlan, path: &str, choice: Choice) {
    let path: Path = path.parse().unwrap();
    stored.plan_mut().decide(collection(super::USERS), Some(key(1)), path, choice);
}

async fn again(project: &Project, id: &PlanId) -> SavedPlan {
    SavedPlan::open(project, id).await.unwrap()
}

async fn a_plan_is_kept_with_its_decisions(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    let project = main.project();
    let mut stored = kept(&fork, &main).await;
    decide(&mut stored, "a", Choice::Theirs);
    stored.save().await.unwrap();
    // What happens on the source afterwards is not part of it.
    put(&fork, rawdoc! { "_id": 1, "a": 7, "b": 7 }).await;

    let short: PlanId = stored.id().to_string()[..6].parse().unwrap();
    let mut stored = again(project, &short).await;
    assert_eq!(conflicts(&stored.plan().compute().await.unwrap()), ["users 1 b"]);
    decide(&mut stored, "b", Choice::Value(bson::RawBson::Int32(9)));
    stored.save().await.unwrap();
    let mut stored = again(project, &short).await;
    let result = stored.plan().compute().await.unwrap();
    let lsn = stored.apply(&result, None, None).await.unwrap();
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 2, "b": 9 });
    let listed = SavedPlan::list(project).await.unwrap();
    assert_eq!(listed[0].status, PlanStatus::Applied(lsn));
    assert_eq!((listed[0].message.as_str(), listed[0].decisions), ("please", 2));
}

async fn a_plan_is_applied_exactly_once(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = fork(&main, "fork").await;
    put(&fork, rawdoc! { "_id": 1 }).await;
    let mut first = kept(&fork, &main).await;
    let result = first.plan().compute().await.unwrap();
    // One who has read the plan before it was applied by another.
    let mut second = again(main.project(), first.id()).await;
    let lsn = first.apply(&result, None, None).await.unwrap();
    assert_eq!(second.apply(&result, None, None).await.unwrap(), lsn);
    let error = first.apply(&result, None, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = again(main.project(), first.id()).await.apply(&result, None, None).await;
    assert!(error.unwrap_err().to_string().contains("already applied, as LSN 1"));
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::new(1));
}

/// A plan to cherry-pick the last commit of the fork, with a decision about document 1.
async fn picking(main: &Branch, fork: &Branch, choice: Choice) -> SavedPlan {
    let picked = vec![fork.head().await.unwrap()];
    let plan = Plan::cherry_pick(main, picked, Rules::default()).await.unwrap();
    let mut stored = SavedPlan::create(plan, &Message::default()).await.unwrap();
    decide(&mut stored, "(document)", choice);
    stored.save().await.unwrap();
    stored
}

fn of_99() -> Choice {
    Choice::Value(bson::RawBson::Document(rawdoc! { "_id": 1, "a": 99, "b": 99 }))
}

async fn a_plan_is_not_applied_by_the_commit_of_another(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    let mut theirs = picking(&main, &fork, Choice::Theirs).await;
    let mut value = picking(&main, &fork, of_99()).await;
    let result = theirs.plan().compute().await.unwrap();
    theirs.apply(&result, None, None).await.unwrap();
    assert_eq!(value.find_commit().await.unwrap(), None);
    let result = value.plan().compute().await.unwrap();
    let refused = value.apply(&result, None, None).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
}

async fn a_commit_that_names_no_plan_applies_those_that_come_to_the_same(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    let theirs = picking(&main, &fork, Choice::Theirs).await;
    let value = picking(&main, &fork, of_99()).await;
    let result = theirs.plan().compute().await.unwrap();
    let made = theirs.plan().commit(&result, None, &Message::default()).await.unwrap();
    assert_eq!(theirs.find_commit().await.unwrap(), Some(made.lsn));
    assert_eq!(value.find_commit().await.unwrap(), None);
}

async fn a_plan_applied_by_many_at_once_makes_one_commit(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = fork(&main, "fork").await;
    put(&fork, rawdoc! { "_id": 1 }).await;
    let id = kept(&fork, &main).await.id().clone();
    let many = (0..8).map(|_| {
        let (project, id) = (main.project().clone(), id.clone());
        tokio::spawn(async move {
            let mut stored = again(&project, &id).await;
            let result = stored.plan().compute().await.unwrap();
            stored.apply(&result, None, None).await
        })
    });
    for applied in futures::future::join_all(many.collect::<Vec<_>>()).await {
        match applied.unwrap() {
            Ok(lsn) => assert_eq!(lsn, Lsn::new(1)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid, "{error}"),
        }
    }
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::new(1));
}

async fn a_plan_whose_branch_has_moved_on_is_refused_until_it_is_renewed(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    let mut stored = kept(&fork, &main).await;
    decide(&mut stored, "a", Choice::Theirs);
    decide(&mut stored, "b", Choice::Ours);
    stored.save().await.unwrap();
    put(&main, rawdoc! { "_id": 2 }).await;
    let result = stored.plan().compute().await.unwrap();
    let refused = stored.apply(&result, None, None).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 1, "b": 1 });

    let rebased = stored.rebase().await.unwrap();
    assert_eq!((rebased.kept, rebased.taken_back), (2, vec![]));
    let mut stored = again(main.project(), stored.id()).await;
    let result = stored.plan().compute().await.unwrap();
    stored.apply(&result, None, None).await.unwrap();
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 2, "b": 1 });
}

async fn decisions_about_what_has_changed_since_are_taken_back(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    let mut stored = kept(&fork, &main).await;
    decide(&mut stored, "a", Choice::Theirs);
    stored.save().await.unwrap();
    put(&main, rawdoc! { "_id": 1, "a": 5, "b": 1 }).await;
    let rebased = stored.rebase().await.unwrap();
    assert_eq!(rebased.taken_back, [(collection(super::USERS), Some(key(1)))]);
    let result = stored.plan().compute().await.unwrap();
    assert_eq!(conflicts(&result), ["users 1 a", "users 1 b"]);
}

async fn decisions_under_a_name_that_theirs_gave_are_taken_back_likewise(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 2, "a": 0 }).await;
    let fork = contradicting(&main).await;
    put(&main, rawdoc! { "_id": 2, "a": 1 }).await;
    put(&fork, rawdoc! { "_id": 2, "a": 2 }).await;
    let (from, to) = (collection(super::USERS), collection("renamed"));
    let rename = argon_core::write::CollectionChange::Rename { from, to: to.clone() };
    fork.change_collection(rename).await.unwrap();
    let mut stored = kept(&fork, &main).await;
    for id in 1..=2 {
        let path = Path::DOCUMENT;
        stored.plan_mut().decide(to.clone(), Some(key(id)), path, Choice::Theirs);
    }
    stored.save().await.unwrap();
    put(&main, rawdoc! { "_id": 1, "a": 5, "b": 1 }).await;
    let rebased = stored.rebase().await.unwrap();
    assert_eq!((rebased.kept, rebased.taken_back), (1, vec![(to, Some(key(1)))]));
}

async fn a_plan_goes_with_its_branch_to_another_name(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    let (project, to) = (main.project(), crate::make::branch("other"));
    let mut stored = kept(&main, &fork).await;
    decide(&mut stored, "(document)", Choice::Theirs);
    stored.save().await.unwrap();
    project.rename_branch(fork.name(), &to).await.unwrap();
    let mut stored = again(project, stored.id()).await;
    assert_eq!(stored.info().unwrap().branch, to);
    assert!(stored.plan().is_current().await.unwrap());
    let result = stored.plan().compute().await.unwrap();
    stored.apply(&result, None, None).await.unwrap();
    let renamed = project.branch(&to).await.unwrap();
    assert_eq!(get(&renamed, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 1, "b": 1 });
}

async fn a_plan_that_comes_to_nothing_is_closed(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    for (choice, nothing) in [(Choice::Theirs, false), (Choice::Ours, true)] {
        let mut stored = picking(&main, &fork, choice).await;
        let result = stored.plan().compute().await.unwrap();
        assert_eq!(stored.close_if_nothing(&result).await.unwrap(), nothing);
        let status = if nothing { PlanStatus::Nothing } else { PlanStatus::Open };
        let found = again(main.project(), stored.id()).await.info().unwrap().status;
        assert_eq!((found, stored.must_be_open().is_err()), (status, nothing));
    }
    let mut stored = kept(&fork, &main).await;
    decide(&mut stored, "(document)", Choice::Ours);
    let result = stored.plan().compute().await.unwrap();
    assert!(result.is_empty());
    assert!(!stored.close_if_nothing(&result).await.unwrap(), "a merge is committed");
}

async fn a_plan_that_can_not_be_renewed_stays_as_it_was(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let hooks = Hooks::new();
    let main = first_branch(&place.project(hooks.decorate(backend.clone())).await).await;
    let fork = contradicting(&main).await;
    let mut stored = kept(&fork, &main).await;
    put(&main, rawdoc! { "_id": 2 }).await;
    let timeline = main.head().await.unwrap().view().point().unwrap().timeline;
    let before = backend.refs.list("plan/").await.unwrap();
    let refs = backend.refs.clone();
    hooks.at(Moment::Changed("plan/"), async move {
        // A collection gives up all that the branch has.
        let record = doc! { "from": 100_i64, "points": [], "at": time(0) };
        let value = Some(bson::serialize_to_vec(&record).unwrap());
        refs.compare_and_set(&format!("kept/{timeline}"), None, value).await.unwrap();
    });
    let error = stored.rebase().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    let after = backend.refs.list("plan/").await.unwrap();
    assert_eq!((after.len(), &after[0].1.value), (1, &before[0].1.value));
    assert_eq!(stored.info().unwrap().ours, Lsn::new(2));
    stored.save().await.unwrap();
}

async fn an_aborted_plan_is_closed(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    let project = main.project();
    let mut stored = kept(&fork, &main).await;
    let result = stored.plan().compute().await.unwrap();
    SavedPlan::abort(project, stored.id()).await.unwrap();
    assert_eq!(SavedPlan::list(project).await.unwrap()[0].status, PlanStatus::Aborted);
    assert!(SavedPlan::abort(project, stored.id()).await.is_err());
    assert!(again(project, stored.id()).await.apply(&result, None, None).await.is_err());
    decide(&mut stored, "a", Choice::Ours);
    assert_eq!(stored.save().await.unwrap_err().kind(), ErrorKind::Conflict);
    let unknown = "00".parse().unwrap();
    let error = SavedPlan::open(project, &unknown).await.map(drop);
    assert!(error.is_err() || stored.id().to_string().starts_with("00"));
}

async fn two_people_who_decide_at_once_do_not_overwrite_each_other(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = contradicting(&main).await;
    let mut one = kept(&fork, &main).await;
    let mut other = again(main.project(), one.id()).await;
    decide(&mut one, "a", Choice::Ours);
    decide(&mut other, "b", Choice::Ours);
    one.save().await.unwrap();
    assert_eq!(other.save().await.unwrap_err().kind(), ErrorKind::Conflict);
}

async fn every_kind_of_plan_can_be_kept(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 1 }).await;
    put(&main, rawdoc! { "_id": 1, "a": 2 }).await;
    put(&main, rawdoc! { "_id": 1, "a": 3 }).await;
    let (above, upto) = (Lsn::new(1), Lsn::new(2));
    let undo =
        Plan::undo(&main, above, upto, argon_core::plan::Selection::default(), Rules::default())
            .await
            .unwrap();
    let mut stored = SavedPlan::create(undo, &Message::default()).await.unwrap();
    decide(&mut stored, "a", Choice::Theirs);
    stored.save().await.unwrap();
    let mut stored = again(main.project(), stored.id()).await;
    let result = stored.plan().compute().await.unwrap();
    stored.apply(&result, None, None).await.unwrap();
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 1 });

    let picked = vec![main.at(Lsn::new(3)).await.unwrap()];
    let pick = Plan::cherry_pick(&main, picked, Rules::default()).await.unwrap();
    let mut stored = SavedPlan::create(pick, &Message::default()).await.unwrap();
    decide(&mut stored, "(document)", Choice::Theirs);
    stored.save().await.unwrap();
    let mut stored = again(main.project(), stored.id()).await;
    let result = stored.plan().compute().await.unwrap();
    stored.apply(&result, None, None).await.unwrap();
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 3 });
}
