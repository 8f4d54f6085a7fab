//! Pins: states that keep their name and content, whatever becomes of the branches.

use argon_core::model::{Lsn, PinName};
use argon_core::pins::{NewPin, Pin};
use argon_core::{Branch, ErrorKind, Result, Revision, State, restore};

use crate::Subject;
use crate::case::{Case, cases};
use crate::concurrency::named_request;
use crate::make::{branch as name, collection};
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["pins":
        a_pin_is_a_state_wherever_one_is_named,
        a_pin_stays_when_its_branch_is_reset_and_deleted,
        a_pin_says_what_it_was_made_of,
        a_name_is_a_pin_s_or_a_branch_s,
        a_branch_comes_before_a_pin_that_was_made_in_the_same_moment,
        a_pin_of_the_empty_state_is_empty,
        of_two_pins_of_one_name_one_is_made,
        a_deleted_pin_is_not_found_and_its_name_is_free,
        a_name_that_is_nothing_is_answered_with_what_there_is,
        the_pins_of_a_deleted_project_go_with_it,
    ]
}

pub(crate) async fn commit(branch: &Branch, message: &str) {
    branch.commit(named_request(branch, message)).await.unwrap().committed().unwrap();
}

pub(crate) fn pin_name(name: &str) -> PinName {
    PinName::new(name).unwrap()
}

pub(crate) async fn pin(branch: &Branch, called: &str, state: &State) -> Result<Pin> {
    let new = NewPin { branch: branch.name(), note: "a note", key: None };
    branch.project().create_pin(&pin_name(called), state, new).await
}

pub(crate) async fn resolve(branch: &Branch, revision: &str) -> Result<State> {
    let revision: Revision = revision.parse().unwrap();
    revision.resolve(branch.project(), branch.name()).await
}

async fn kind(branch: &Branch, revision: &str) -> ErrorKind {
    resolve(branch, revision).await.unwrap_err().kind()
}

async fn a_pin_is_a_state_wherever_one_is_named(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for message in ["1", "2", "3"] {
        commit(&main, message).await;
    }
    let second = main.at(Lsn::new(2)).await.unwrap();
    pin(&main, "release/v1", &second).await.unwrap();
    commit(&main, "4").await;
    for (revision, lsn) in [("release/v1", 2), ("pin:release/v1", 2), ("release/v1~1", 1)] {
        let state = resolve(&main, revision).await.unwrap();
        assert_eq!(state.view(), main.at(Lsn::new(lsn)).await.unwrap().view(), "{revision}");
    }
    let state = resolve(&main, "release/v1").await.unwrap();
    assert_eq!(state.collection(&collection("c")).unwrap().count().await.unwrap(), 6);
    let fork = main.project().create_branch(&name("fork"), &state, None).await.unwrap();
    commit(&fork, "3 of fork").await;
    assert_eq!(fork.head().await.unwrap().lsn().get(), 3);
    for revision in ["release/v1@1", "pin:release/v1@2026-01-01", "release/v1@{0}"] {
        assert_eq!(kind(&main, revision).await, ErrorKind::Invalid, "{revision}");
    }
}

async fn a_pin_stays_when_its_branch_is_reset_and_deleted(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    let project = main.project();
    commit(&main, "1").await;
    let head = main.head().await.unwrap();
    let side = project.create_branch(&name("side"), &head, None).await.unwrap();
    commit(&side, "2").await;
    pin(&side, "v2", &side.head().await.unwrap()).await.unwrap();
    restore::reset(&side, &side.at(Lsn::new(1)).await.unwrap()).await.unwrap();
    project.delete_branch(side.name()).await.unwrap();
    let other = first_branch(&place.project_again(backend).await).await;
    for branch in [main, other] {
        let state = resolve(&branch, "v2").await.unwrap();
        assert_eq!(state.collection(&collection("c")).unwrap().count().await.unwrap(), 6);
    }
}

async fn a_pin_says_what_it_was_made_of(subject: Subject) {
    let (place, main) = subject.branch().await;
    commit(&main, "1").await;
    place.clock.set(1000);
    let made = pin(&main, "v1", &main.head().await.unwrap()).await.unwrap();
    assert_eq!(made.head, main.info().await.unwrap().head);
    assert_eq!((made.branch.as_str(), made.note.as_str()), ("main", "a note"));
    assert_eq!((made.actor.as_str(), made.created), ("tester", crate::environment::time(1000)));
    assert_eq!(made.signed_by, None);
    assert_eq!(main.project().pins().await.unwrap(), [made]);
    let note = "x".repeat(argon_core::pins::MAX_NOTE_BYTES + 1);
    let new = NewPin { branch: main.name(), note: &note, key: None };
    let head = main.head().await.unwrap();
    let error = main.project().create_pin(&pin_name("v2"), &head, new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

async fn a_name_is_a_pin_s_or_a_branch_s(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let head = main.head().await.unwrap();
    let project = main.project();
    let error = pin(&main, "main", &head).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(project.pins().await.unwrap(), [], "what was refused is not there");
    pin(&main, "v1", &head).await.unwrap();
    let error = project.create_branch(&name("v1"), &head, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let error = project.rename_branch(main.name(), &name("v1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(project.branches().await.unwrap().len(), 1, "what was refused is not there");
    assert!(PinName::new("backup/x").is_err());
}

/// A pin's creation looks for a branch after it was written, so that this can only happen to one that
/// is created at the same time; here its record is copied to where the branch is.
async fn a_branch_comes_before_a_pin_that_was_made_in_the_same_moment(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    commit(&main, "1").await;
    pin(&main, "v1", &main.head().await.unwrap()).await.unwrap();
    commit(&main, "2").await;
    let (reference, stored) = backend.refs.list("pin/").await.unwrap().remove(0);
    let twin = reference.replace("/v1", "/main");
    backend.refs.compare_and_set(&twin, None, Some(stored.value)).await.unwrap();
    assert_eq!(resolve(&main, "main").await.unwrap().lsn().get(), 2);
    assert_eq!(resolve(&main, "pin:main").await.unwrap().lsn().get(), 1);
}

async fn a_pin_of_the_empty_state_is_empty(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let made = pin(&main, "nothing", &main.head().await.unwrap()).await.unwrap();
    assert_eq!((made.point, made.head.lsn), (None, Lsn::ZERO));
    commit(&main, "1").await;
    let state = resolve(&main, "nothing").await.unwrap();
    assert_eq!((state.lsn(), state.collections().count()), (Lsn::ZERO, 0));
    assert_eq!(kind(&main, "nothing~1").await, ErrorKind::NotFound);
}

async fn of_two_pins_of_one_name_one_is_made(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let states = [main.at(Lsn::ZERO).await.unwrap(), main.head().await.unwrap()];
    let made = futures::future::join_all(states.iter().map(|state| pin(&main, "v1", state))).await;
    let won: Vec<&Pin> = made.iter().flatten().collect();
    assert_eq!(won.len(), 1, "{made:?}");
    let lost = made.iter().find_map(|made| made.as_ref().err()).unwrap();
    assert_eq!(lost.kind(), ErrorKind::AlreadyExists);
    assert_eq!(main.project().pins().await.unwrap(), [won[0].clone()]);
}

async fn a_deleted_pin_is_not_found_and_its_name_is_free(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let head = main.head().await.unwrap();
    let project = main.project();
    let made = pin(&main, "v1", &head).await.unwrap();
    assert_eq!(project.delete_pin(&pin_name("v1")).await.unwrap(), made);
    for revision in ["v1", "pin:v1"] {
        assert_eq!(kind(&main, revision).await, ErrorKind::NotFound);
    }
    let error = project.delete_pin(&pin_name("v1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    project.create_branch(&name("v1"), &head, None).await.unwrap();
}

async fn a_name_that_is_nothing_is_answered_with_what_there_is(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    pin(&main, "v1", &main.head().await.unwrap()).await.unwrap();
    let error = resolve(&main, "v2").await.unwrap_err().to_string();
    assert!(error.contains("branches: main") && error.contains("pins: v1"), "{error}");
    let error = resolve(&main, "pin:main").await.unwrap_err().to_string();
    assert!(error.contains("pins: v1"), "{error}");
}

async fn the_pins_of_a_deleted_project_go_with_it(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    pin(&main, "v1", &main.head().await.unwrap()).await.unwrap();
    let project = main.project();
    place.store(backend.clone()).delete_project(project.name()).await.unwrap();
    assert_eq!(backend.refs.list("pin/").await.unwrap(), []);
    let head = main.at(Lsn::ZERO).await;
    assert_eq!(head.unwrap_err().kind(), ErrorKind::NotFound);
}
