//! Branches that take no commits.

use argon_core::model::Lsn;
use argon_core::{Branch, ErrorKind, Hint, restore};
use bson::rawdoc;

use crate::Subject;
use crate::case::{Case, cases};
use crate::make::{branch as name, collection};

pub(crate) fn cases() -> Vec<Case> {
    cases!["read_only":
        a_writer_that_has_the_branch_open_is_refused_from_then_on,
        a_branch_that_was_made_read_only_takes_commits_once_it_may,
    ]
}

async fn insert(branch: &Branch, id: i32) -> argon_core::Result<()> {
    branch.collection(&collection("a")).insert(rawdoc! { "_id": id }).await.map(drop)
}

async fn refused(branch: &Branch) {
    let error = insert(branch, 99).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let branch = branch.name().to_string();
    assert_eq!(error.hint(), Some(Hint::AllowWrites { branch }), "{error}");
}

async fn a_writer_that_has_the_branch_open_is_refused_from_then_on(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let project = main.project().clone();
    insert(&main, 1).await.unwrap();
    insert(&main, 2).await.unwrap();
    project.set_read_only(main.name(), true).await.unwrap();
    let again = project.branch(main.name()).await.unwrap();
    for branch in [&main, &again] {
        refused(branch).await;
        assert_eq!(branch.head().await.unwrap().lsn(), Lsn::new(2), "it can be read");
    }
    assert!(main.info().await.unwrap().read_only);
    let error = restore::reset(&main, &main.at(Lsn::new(1)).await.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let renamed = project.rename_branch(main.name(), &name("kept")).await.unwrap();
    refused(&renamed).await;
    project.set_read_only(renamed.name(), false).await.unwrap();
    insert(&renamed, 3).await.unwrap();
    assert_eq!(renamed.head().await.unwrap().lsn(), Lsn::new(3));
    assert!(!renamed.info().await.unwrap().read_only);
}

async fn a_branch_that_was_made_read_only_takes_commits_once_it_may(subject: Subject) {
    let (_place, main) = subject.branch().await;
    insert(&main, 1).await.unwrap();
    let head = main.head().await.unwrap();
    let made = main.project().create_read_only_branch(&name("still"), &head, None).await.unwrap();
    refused(&made).await;
    // What is made of it is a branch like any other.
    let state = made.head().await.unwrap();
    let of_it = main.project().create_branch(&name("moving"), &state, None).await.unwrap();
    insert(&of_it, 2).await.unwrap();
    main.project().set_read_only(made.name(), false).await.unwrap();
    insert(&made, 2).await.unwrap();
    assert_eq!(made.head().await.unwrap().lsn(), Lsn::new(2));
}
