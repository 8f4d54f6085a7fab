//! Projects that are deleted, brought back, and collected.

use std::time::Duration;

use argon_core::gc::collect;
use argon_core::model::{Message, ProjectName};
use argon_core::pins::NewPin;
use argon_core::plan::{self, Rules, SavedPlan};
use argon_core::{Error, ErrorKind};

use super::{NOTHING, Stage, kept_for, readable, version};
use crate::Subject;
use crate::case::{Case, cases};
use crate::faulty::{Fault, Plan};
use crate::make::branch as name;
use crate::pins::pin_name;

const WEEK: Duration = Duration::from_hours(168);

pub(super) fn cases() -> Vec<Case> {
    cases!["gc":
        a_deleted_project_is_brought_back_as_it_was,
        a_deleted_project_is_kept_for_the_retention_time_and_goes_with_all_that_it_held,
        a_name_that_is_taken_meanwhile_is_not_overwritten,
        a_deletion_that_fails_anywhere_loses_nothing,
    ]
}

fn project(text: &str) -> ProjectName {
    ProjectName::new(text).unwrap()
}

/// A project with a branch, a protected one, a pin and an open plan.
async fn filled(stage: &Stage) {
    stage.write(&stage.main, 1..=4).await;
    let state = stage.main.head().await.unwrap();
    let shop = stage.main.project();
    let fork = shop.create_branch(&name("fork"), &state, Some(stage.main.name())).await.unwrap();
    let new = NewPin { branch: stage.main.name(), note: "", key: None };
    shop.create_pin(&pin_name("v1"), &state, new).await.unwrap();
    drop(state);
    stage.write(&fork, 5..=6).await;
    shop.set_protected(&name("fork"), true).await.unwrap();
    let theirs = fork.head().await.unwrap();
    let plan = plan::Plan::merge(&stage.main, "fork", &theirs, Rules::default()).await.unwrap();
    SavedPlan::create(plan, &Message::default()).await.unwrap();
}

/// What the refs of the project's kinds hold.
async fn counts(stage: &Stage) -> [usize; 4] {
    let mut counts = [0; 4];
    for (count, prefix) in counts.iter_mut().zip(["branch/", "pin/", "plan/", "deleted/"]) {
        *count = stage.backend.refs.list(prefix).await.unwrap().len();
    }
    counts
}

async fn a_deleted_project_is_brought_back_as_it_was(subject: Subject) {
    let stage = Stage::new(&subject).await;
    filled(&stage).await;
    let before = counts(&stage).await;
    let branches = stage.main.project().branches().await.unwrap();
    stage.store.delete_project(&project("shop")).await.unwrap();
    assert_eq!(
        stage.store.project(&project("shop")).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(stage.store.deleted_projects().await.unwrap()[0].name, project("shop"));
    stage.collect(WEEK).await;
    stage.check().await;
    let back =
        stage.store.undelete_project(&project("shop"), Some(&project("again"))).await.unwrap();
    assert_eq!(back.branches().await.unwrap(), branches);
    assert_eq!(counts(&stage).await, before);
    assert_eq!(stage.store.deleted_projects().await.unwrap(), []);
    let main = back.branch(&name("main")).await.unwrap();
    assert_eq!(readable(&main).await, [1, 2, 3, 4]);
    stage.write(&main, 5..=5).await;
    assert_eq!(version(&main.head().await.unwrap()).await, 5);
    let again = stage.store.undelete_project(&project("shop"), None).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NotFound);
    stage.check().await;
}

async fn a_deleted_project_is_kept_for_the_retention_time_and_goes_with_all_that_it_held(
    subject: Subject,
) {
    let stage = Stage::new(&subject).await;
    filled(&stage).await;
    stage.store.delete_project(&project("shop")).await.unwrap();
    stage.collect(WEEK).await;
    assert_eq!(stage.store.deleted_projects().await.unwrap().len(), 1);
    stage.collect(NOTHING).await;
    assert_eq!(counts(&stage).await, [0; 4]);
    let error = stage.store.undelete_project(&project("shop"), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    if stage.drops_at_once() {
        assert_eq!(stage.backend.wal.timelines().await.unwrap(), []);
    }
    stage.check().await;
}

async fn a_name_that_is_taken_meanwhile_is_not_overwritten(subject: Subject) {
    let stage = Stage::new(&subject).await;
    filled(&stage).await;
    stage.store.delete_project(&project("shop")).await.unwrap();
    stage.store.create_project(&project("shop")).await.unwrap();
    let error = stage.store.undelete_project(&project("shop"), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    stage.store.delete_project(&project("shop")).await.unwrap();
    assert_eq!(stage.store.deleted_projects().await.unwrap().len(), 2);
}

async fn a_deletion_that_fails_anywhere_loses_nothing(subject: Subject) {
    for fault in [Fault::Before, Fault::LostAnswer, Fault::LostCall] {
        for calls in 0..subject.scaled(60, 3) {
            let (place, backend) = subject.backend().await;
            let plan = Plan::new();
            let stage = Stage::over(place, plan.decorate(backend)).await;
            filled(&stage).await;
            plan.next((0..calls).map(|_| Fault::None).chain([fault]));
            let shop = project("shop");
            let deleted = stage.store.delete_project(&shop).await;
            let collected = collect(&stage.store, &kept_for(WEEK)).await;
            let back = stage.store.undelete_project(&shop, None).await;
            let met = plan.met() > 0;
            if !met {
                deleted.unwrap();
                collected.unwrap();
                back.unwrap();
                break;
            }
            let found = match stage.store.project(&shop).await {
                Ok(found) => Ok::<_, Error>(found),
                Err(_) => stage.store.undelete_project(&shop, None).await,
            };
            let main = found.unwrap().branch(&name("main")).await.unwrap();
            assert_eq!(readable(&main).await, [1, 2, 3, 4], "{fault:?} after {calls}");
            stage.check().await;
        }
    }
}
