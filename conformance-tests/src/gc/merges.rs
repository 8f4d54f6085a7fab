//! What was merged is known after the commits that merged it are gone, to the states that have it.

use argon_core::plan::{Plan, Rules};
use bson::rawdoc;

use super::{NOTHING, Stage};
use crate::Subject;
use crate::case::{Case, cases};
use crate::make::{branch as name, collection, key};
use crate::plans::{USERS, fork, get, merge, put};

pub(super) fn cases() -> Vec<Case> {
    cases!["gc":
        a_merge_after_a_fork_does_not_count_for_the_fork_when_it_is_collected,
        a_merge_before_a_fork_counts_for_the_fork_when_it_is_collected,
        each_kept_state_knows_the_merges_below_it_after_several_collections,
    ]
}

async fn a_merge_after_a_fork_does_not_count_for_the_fork_when_it_is_collected(subject: Subject) {
    let stage = Stage::new(&subject).await;
    let main = &stage.main;
    put(main, rawdoc! { "_id": 1 }).await;
    let x = fork(main, "x").await;
    for id in [10, 11] {
        put(&x, rawdoc! { "_id": id }).await;
    }
    put(main, rawdoc! { "_id": 2 }).await;
    let b = fork(main, "b").await;
    merge(&x, main).await;
    put(main, rawdoc! { "_id": 3 }).await;
    put(&b, rawdoc! { "_id": 4 }).await;
    stage.collect(NOTHING).await;
    merge(&x, &b).await;
    for id in [1, 2, 4, 10, 11] {
        assert!(get(&b, id).await.is_some(), "{id}");
    }
    stage.check().await;
}

async fn a_merge_before_a_fork_counts_for_the_fork_when_it_is_collected(subject: Subject) {
    let stage = Stage::new(&subject).await;
    let main = &stage.main;
    put(main, rawdoc! { "_id": 1 }).await;
    let x = fork(main, "x").await;
    put(&x, rawdoc! { "_id": 10, "of": "x" }).await;
    merge(&x, main).await;
    put(main, rawdoc! { "_id": 2 }).await;
    let b = fork(main, "b").await;
    put(&b, rawdoc! { "_id": 10, "of": "b" }).await;
    put(main, rawdoc! { "_id": 10, "of": "main" }).await;
    stage.collect(NOTHING).await;
    let theirs = x.head().await.unwrap();
    for target in [main, &b] {
        let error = Plan::merge(target, "x", &theirs, Rules::default()).await.unwrap_err();
        assert!(error.to_string().contains("nothing to merge"), "{error}");
    }
    drop(theirs);
    put(&x, rawdoc! { "_id": 11 }).await;
    for (target, of) in [(main, "main"), (&b, "b")] {
        merge(&x, target).await;
        assert!(get(target, 11).await.is_some());
        assert_eq!(get(target, 10).await.unwrap().get_str("of").unwrap(), of);
    }
    stage.check().await;
}

async fn each_kept_state_knows_the_merges_below_it_after_several_collections(subject: Subject) {
    let stage = Stage::new(&subject).await;
    let main = &stage.main;
    put(main, rawdoc! { "_id": 1 }).await;
    let x = fork(main, "x").await;
    for number in 0..4 {
        put(&x, rawdoc! { "_id": 10 + number }).await;
        merge(&x, main).await;
        put(main, rawdoc! { "_id": 1, "number": number }).await;
        fork(main, &format!("after-{number}")).await;
        put(main, rawdoc! { "_id": 2, "number": number }).await;
        stage.collect(NOTHING).await;
    }
    put(&x, rawdoc! { "_id": 14 }).await;
    for number in 0..4 {
        let branch = main.project().branch(&name(&format!("after-{number}"))).await.unwrap();
        // What x had when it was merged is not offered again, even if it was deleted since.
        let had = key(10 + number);
        branch.collection(&collection(USERS)).delete(&had).await.unwrap();
        merge(&x, &branch).await;
        for id in 10..=14 {
            assert_eq!(get(&branch, id).await.is_some(), id != 10 + number, "{id} after {number}");
        }
    }
    stage.check().await;
}
