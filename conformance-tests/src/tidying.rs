//! Operations of several writes, of which one fails after what was asked is done: the answer says that
//! it is done, and the next who looks finishes the rest.

use argon_core::model::{Lsn, Message};
use argon_core::plan::{Plan, PlanStatus, Rules, SavedPlan};
use argon_core::{ErrorKind, Store, restore};

use crate::Subject;
use crate::case::{Case, cases};
use crate::faults::Faulty;
use crate::faulty::Fault;
use crate::make::branch as name;

pub(crate) fn cases() -> Vec<Case> {
    cases!["tidying":
        a_renaming_that_was_cut_off_is_finished_by_who_looks_next,
        a_renaming_that_did_not_begin_can_be_tried_again,
        a_plan_whose_commit_is_made_was_applied_and_is_closed_by_the_next,
        a_reset_is_done_though_its_hold_stays,
        a_deleted_project_is_deleted_though_its_branches_stay,
    ]
}

async fn a_renaming_that_was_cut_off_is_finished_by_who_looks_next(subject: Subject) {
    for cut in [Fault::Before, Fault::LostCall, Fault::LostAnswer] {
        let faulty = Faulty::new(&subject).await;
        faulty.commit("a").await.unwrap();
        // The end of the timeline, the note, the new name; then the old one stays.
        faulty.plan.next([Fault::None, Fault::None, Fault::None, cut]);
        let (old, new) = (faulty.branch.name().clone(), name("other"));
        let renamed = faulty.branch.project().rename_branch(&old, &new).await;
        assert_eq!(renamed.unwrap_err().kind(), ErrorKind::Indeterminate, "{cut:?}");

        let project = faulty.place.project_again(faulty.backend.clone()).await;
        assert_eq!(project.branch(&old).await.unwrap_err().kind(), ErrorKind::NotFound);
        let left: Vec<_> =
            project.branches().await.unwrap().into_iter().map(|info| info.name).collect();
        assert_eq!(left, std::slice::from_ref(&new), "{cut:?}");
        assert_eq!(project.branch(&new).await.unwrap().head().await.unwrap().lsn(), Lsn::new(1));
    }
}

async fn a_renaming_that_did_not_begin_can_be_tried_again(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    faulty.plan.next([Fault::None, Fault::None, Fault::Before]);
    let (old, new) = (faulty.branch.name().clone(), name("other"));
    let project = faulty.branch.project();
    assert!(project.rename_branch(&old, &new).await.is_err());
    project.rename_branch(&old, &new).await.unwrap();
    assert_eq!(project.branch(&new).await.unwrap().head().await.unwrap().lsn(), Lsn::new(1));
}

async fn a_plan_whose_commit_is_made_was_applied_and_is_closed_by_the_next(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    let (main, project) = (&faulty.branch, faulty.branch.project());
    let fork = project.create_branch(&name("fork"), &main.head().await.unwrap(), None).await;
    let fork = fork.unwrap();
    let request = crate::concurrency::named_request(&fork, "b");
    fork.commit(request).await.unwrap().committed().unwrap();
    let theirs = fork.head().await.unwrap();
    let plan = Plan::merge(main, "fork", &theirs, Rules::default()).await.unwrap();
    let mut stored = SavedPlan::create(plan, &Message::default()).await.unwrap();
    let result = stored.plan().compute().await.unwrap();
    faulty.plan.next([Fault::None, Fault::Before]);
    let lsn = stored.apply(&result, None, None).await.unwrap();
    assert!(stored.left_open().is_some());

    let id = stored.id().clone();
    let mut again = SavedPlan::open(project, &id).await.unwrap();
    assert_eq!(again.info().unwrap().status, PlanStatus::Open);
    assert_eq!(again.apply(&result, None, None).await.unwrap(), lsn, "it commits nothing more");
    assert_eq!(again.info().unwrap().status, PlanStatus::Applied(lsn));
    assert_eq!(main.head().await.unwrap().lsn(), lsn);
}

async fn a_reset_is_done_though_its_hold_stays(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    faulty.commit("b").await.unwrap();
    let target = faulty.branch.at(Lsn::new(1)).await.unwrap();
    // The hold, the end of the timeline, the backup, the branch; then the hold again.
    faulty.plan.next([Fault::None, Fault::None, Fault::None, Fault::None, Fault::Before]);
    let reset = restore::reset(&faulty.branch, &target).await.unwrap();
    assert_eq!((reset.from, reset.to), (Lsn::new(2), Lsn::new(1)));
    assert_eq!(faulty.plan.met(), 1, "the fault was met");
}

async fn a_deleted_project_is_deleted_though_its_branches_stay(subject: Subject) {
    let faulty = Faulty::new(&subject).await;
    faulty.commit("a").await.unwrap();
    let store: Store = faulty.place.store(faulty.plan.decorate(faulty.backend.clone()));
    let project = faulty.branch.project().name();
    // The end of the timeline, the record of the deletion, the copy of the branch, the project; then its
    // branch stays.
    let before = [const { Fault::None }; 4];
    faulty.plan.next(before.into_iter().chain([Fault::Before]));
    store.delete_project(project).await.unwrap();
    assert_eq!(faulty.plan.met(), 1, "the fault was met");
    assert_eq!(store.project(project).await.unwrap_err().kind(), ErrorKind::NotFound);
}
