//! Merges of branches in every relation.

use argon_core::merge::Choice;
use argon_core::model::Lsn;
use argon_core::plan::{Plan, Rules};
use argon_core::write::CollectionChange;
use argon_core::{Branch, ErrorKind};
use bson::{RawDocumentBuf, doc, rawdoc};

use super::{all, always, commit, conflicts, contents, delete, fork, get, merge, plan, put};
use crate::Subject;
use crate::case::{Case, cases};
use crate::make::collection;

pub(super) fn cases() -> Vec<Case> {
    cases!["plans":
        what_both_sides_changed_in_different_fields_is_merged,
        an_unchanged_side_takes_the_other_as_it_is,
        merging_twice_brings_only_what_is_new,
        what_has_been_merged_is_not_offered_again,
        siblings_and_grandchildren_merge_either_way,
        branches_that_were_merged_into_each_other_merge_again,
        a_change_after_contradicting_merges_is_not_lost,
        a_sum_of_branches_that_were_merged_into_each_other_counts_once,
        a_merge_through_a_third_branch_counts,
        each_contradiction_is_a_conflict_and_the_rest_is_merged,
        a_merge_that_takes_nothing_over_is_remembered,
        collections_that_one_side_made_dropped_or_renamed_follow,
        a_collection_that_one_side_dropped_and_the_other_changed_is_a_conflict,
        a_collection_that_comes_back_holds_what_theirs_holds,
        a_collection_that_both_made_is_one,
        two_collections_that_would_have_one_name_are_a_conflict,
        a_conflict_of_names_is_decided_without_loss,
        a_commit_is_refused_when_the_branch_has_moved_on,
        a_merge_of_many_documents_is_one_commit,
    ]
}

async fn what_both_sides_changed_in_different_fields_is_merged(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 1, "in": { "x": 1, "y": 1 }, "list": [1] }).await;
    let fork = fork(&main, "fork").await;
    put(&main, rawdoc! { "_id": 1, "a": 2, "in": { "x": 2, "y": 1 }, "list": [1] }).await;
    put(&fork, rawdoc! { "_id": 1, "a": 1, "in": { "x": 1, "y": 2 }, "list": [1, 2], "b": 1 })
        .await;
    put(&fork, rawdoc! { "_id": 2 }).await;
    let plan = plan(&fork, &main, Rules::default()).await;
    let result = commit(&plan).await;
    assert_eq!((result.counts.added, result.counts.changed, result.counts.removed), (1, 1, 0));
    let merged = rawdoc! { "_id": 1, "a": 2, "in": { "x": 2, "y": 2 }, "list": [1, 2], "b": 1 };
    assert_eq!(all(&main).await, [merged, rawdoc! { "_id": 2 }]);
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::new(3), "a merge is one commit");
}

async fn an_unchanged_side_takes_the_other_as_it_is(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 1 }).await;
    put(&main, rawdoc! { "_id": 2, "a": 1 }).await;
    let fork = fork(&main, "fork").await;
    put(&fork, rawdoc! { "a": 2, "_id": 1.0 }).await;
    delete(&fork, 2).await;
    let create = CollectionChange::Create { name: collection("new") };
    fork.change_collection(create).await.unwrap();
    merge(&fork, &main).await;
    let heads = [main.head().await.unwrap(), fork.head().await.unwrap()];
    assert_eq!(contents(&heads[0]).await, contents(&heads[1]).await);
}

async fn merging_twice_brings_only_what_is_new(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 0, "b": 0 }).await;
    let fork = fork(&main, "fork").await;
    put(&fork, rawdoc! { "_id": 1, "a": 1, "b": 0 }).await;
    merge(&fork, &main).await;
    // Against the fork point, both would have changed `a` since, differently.
    put(&main, rawdoc! { "_id": 1, "a": 5, "b": 0 }).await;
    put(&fork, rawdoc! { "_id": 1, "a": 1, "b": 2 }).await;
    let plan = plan(&fork, &main, Rules::default()).await;
    let result = commit(&plan).await;
    assert_eq!(result.counts.changed, 1);
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 5, "b": 2 });
}

async fn what_has_been_merged_is_not_offered_again(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = fork(&main, "fork").await;
    put(&fork, rawdoc! { "_id": 1 }).await;
    merge(&fork, &main).await;
    let theirs = fork.head().await.unwrap();
    let error = Plan::merge(&main, "fork", &theirs, Rules::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("nothing to merge"), "{error}");
    let back = main.head().await.unwrap();
    assert!(Plan::merge(&fork, "main", &back, Rules::default()).await.is_ok());
    merge(&main, &fork).await;
}

async fn siblings_and_grandchildren_merge_either_way(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 0 }).await;
    let (left, right) = (fork(&main, "left").await, fork(&main, "right").await);
    put(&left, rawdoc! { "_id": 1 }).await;
    let grandchild = fork(&left, "grandchild").await;
    put(&grandchild, rawdoc! { "_id": 2 }).await;
    put(&right, rawdoc! { "_id": 3 }).await;
    merge(&grandchild, &right).await;
    assert_eq!(all(&right).await.len(), 4);
    merge(&right, &grandchild).await;
    merge(&grandchild, &main).await;
    let heads = [&main, &right, &grandchild];
    for branch in heads {
        assert_eq!(all(branch).await.len(), 4, "{}", branch.name());
    }
}

async fn branches_that_were_merged_into_each_other_merge_again(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "x": 0, "y": 0 }).await;
    let fork = fork(&main, "fork").await;
    put(&main, rawdoc! { "_id": 1, "x": 1, "y": 0 }).await;
    put(&fork, rawdoc! { "_id": 1, "x": 0, "y": 1 }).await;
    let (before, plan_into_fork) =
        (fork.head().await.unwrap(), plan(&main, &fork, Rules::default()).await);
    let plan_into_main = Plan::merge(&main, "fork", &before, Rules::default()).await.unwrap();
    commit(&plan_into_fork).await;
    commit(&plan_into_main).await;
    // Two best common ancestors now: against one of them alone, `x` would have changed on both sides.
    put(&fork, rawdoc! { "_id": 1, "x": 2, "y": 1 }).await;
    put(&main, rawdoc! { "_id": 1, "x": 1, "y": 3 }).await;
    merge(&fork, &main).await;
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "x": 2, "y": 3 });
}

/// Two branches of `users` 1 that were merged into each other: main by one strategy, the fork by another.
async fn crossed(
    subject: &Subject,
    [base, ours, theirs]: [RawDocumentBuf; 3],
    [into_main, into_fork]: [&str; 2],
) -> (crate::subject::StoreLocation, Branch, Branch) {
    let (place, main) = subject.branch().await;
    put(&main, base).await;
    let fork = fork(&main, "fork").await;
    put(&main, ours).await;
    put(&fork, theirs).await;
    let plan_into_fork = plan(&main, &fork, always(into_fork)).await;
    let plan_into_main = plan(&fork, &main, always(into_main)).await;
    commit(&plan_into_fork).await;
    commit(&plan_into_main).await;
    (place, main, fork)
}

async fn a_change_after_contradicting_merges_is_not_lost(subject: Subject) {
    let document = |n: i32, m: i32| rawdoc! { "_id": 1, "n": n, "m": m };
    let before = || [document(0, 0), document(5, 7), document(3, 0)];
    let settled = ["ours", "theirs"];
    let (_place, main, fork) = crossed(&subject, before(), settled).await;
    assert_eq!(
        [get(&main, 1).await, get(&fork, 1).await],
        [Some(document(5, 7)), Some(document(5, 7))]
    );
    put(&fork, document(5, 0)).await;
    merge(&fork, &main).await;
    assert_eq!(get(&main, 1).await.unwrap(), document(5, 0), "what is contradicted is one field");
    // Back to where they parted: nobody can tell whether that was before or after main's change.
    let (_place, main, fork) = crossed(&subject, before(), settled).await;
    put(&fork, document(0, 7)).await;
    let plan = plan(&fork, &main, Rules::default()).await;
    assert_eq!(conflicts(&plan.compute().await.unwrap()), ["users 1 n"]);
}

async fn a_sum_of_branches_that_were_merged_into_each_other_counts_once(subject: Subject) {
    let stock = |n: i32| rawdoc! { "_id": 1, "n": n };
    let (_place, main, fork) =
        crossed(&subject, [stock(0), stock(5), stock(3)], ["sum", "sum"]).await;
    assert_eq!([get(&main, 1).await, get(&fork, 1).await], [Some(stock(8)), Some(stock(8))]);
    put(&main, stock(9)).await;
    let plan = plan(&fork, &main, always("sum")).await;
    let result = plan.compute().await.unwrap();
    assert!(result.is_empty() && result.conflicts.is_empty());
    put(&fork, stock(10)).await;
    let plan = self::plan(&fork, &main, always("sum")).await;
    commit(&plan).await;
    assert_eq!(get(&main, 1).await.unwrap(), stock(11));
}

async fn a_merge_through_a_third_branch_counts(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 0 }).await;
    let (feature, staging) = (fork(&main, "feature").await, fork(&main, "staging").await);
    put(&feature, rawdoc! { "_id": 1, "a": 1 }).await;
    merge(&feature, &staging).await;
    merge(&staging, &main).await;
    put(&main, rawdoc! { "_id": 1, "a": 2 }).await;
    put(&feature, rawdoc! { "_id": 2 }).await;
    // What came through staging is known, so main's own change of it is no conflict.
    merge(&feature, &main).await;
    assert_eq!(all(&main).await, [rawdoc! { "_id": 1, "a": 2 }, rawdoc! { "_id": 2 }]);
}

/// Two branches that contradict each other in every way.
async fn contradicting(subject: &Subject) -> (crate::subject::StoreLocation, Branch, Branch) {
    let (place, main) = subject.branch().await;
    for id in 1..=4 {
        put(&main, rawdoc! { "_id": id, "a": 0, "b": 0 }).await;
    }
    let fork = fork(&main, "fork").await;
    put(&main, rawdoc! { "_id": 1, "a": 1, "b": 1 }).await;
    put(&fork, rawdoc! { "_id": 1, "a": 2, "b": 0 }).await;
    put(&main, rawdoc! { "_id": 2, "a": 1, "b": 0 }).await;
    delete(&fork, 2).await;
    delete(&main, 3).await;
    put(&fork, rawdoc! { "_id": 3, "a": 1, "b": 0 }).await;
    put(&fork, rawdoc! { "_id": 4, "a": 0, "b": 4 }).await;
    put(&main, rawdoc! { "_id": 5, "by": "main" }).await;
    put(&fork, rawdoc! { "_id": 5, "by": "fork" }).await;
    (place, main, fork)
}

async fn each_contradiction_is_a_conflict_and_the_rest_is_merged(subject: Subject) {
    let (_place, main, fork) = contradicting(&subject).await;
    let undecided = plan(&fork, &main, Rules::default()).await;
    let result = undecided.compute().await.unwrap();
    let expected = ["users 1 a", "users 2 (document)", "users 3 (document)", "users 5 (document)"];
    assert_eq!(conflicts(&result), expected);
    let refused = undecided.commit(&result, None, &argon_core::model::Message::default()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);

    let theirs = plan(&fork, &main, always("theirs")).await;
    let result = commit(&theirs).await;
    assert_eq!(result.counts.decided, 4);
    let merged = [
        rawdoc! { "_id": 1, "a": 2, "b": 1 },
        rawdoc! { "_id": 3, "a": 1, "b": 0 },
        rawdoc! { "_id": 4, "a": 0, "b": 4 },
        rawdoc! { "_id": 5, "by": "fork" },
    ];
    assert_eq!(all(&main).await, merged);
}

async fn a_merge_that_takes_nothing_over_is_remembered(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 0 }).await;
    let fork = fork(&main, "fork").await;
    put(&main, rawdoc! { "_id": 1, "a": 1 }).await;
    put(&fork, rawdoc! { "_id": 1, "a": 2 }).await;
    let ours = plan(&fork, &main, always("ours")).await;
    let result = commit(&ours).await;
    assert!(result.is_empty());
    let theirs = fork.head().await.unwrap();
    assert!(Plan::merge(&main, "fork", &theirs, Rules::default()).await.is_err());
    put(&fork, rawdoc! { "_id": 1, "a": 2, "b": 1 }).await;
    merge(&fork, &main).await;
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 1, "b": 1 });
}

async fn change(branch: &Branch, change: CollectionChange) {
    branch.change_collection(change).await.unwrap();
}

async fn insert(branch: &Branch, into: &str, id: i32) {
    branch.collection(&collection(into)).insert(rawdoc! { "_id": id }).await.unwrap();
}

async fn collections_that_one_side_made_dropped_or_renamed_follow(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for (name, id) in [("dropped", 1), ("renamed", 1), ("a", 1), ("b", 2)] {
        insert(&main, name, id).await;
    }
    let fork = fork(&main, "fork").await;
    insert(&fork, "made", 1).await;
    let [a, b, swap] = ["a", "b", "swap"].map(collection);
    for (from, to) in [(&a, &swap), (&b, &a), (&swap, &b)] {
        change(&fork, CollectionChange::Rename { from: from.clone(), to: to.clone() }).await;
    }
    change(&fork, CollectionChange::Drop { name: collection("dropped") }).await;
    let (from, to) = (collection("renamed"), collection("now"));
    change(&fork, CollectionChange::Rename { from, to }).await;
    let (name, options) = (collection("made"), doc! { "capped": false });
    change(&fork, CollectionChange::SetOptions { name, options }).await;
    insert(&main, "renamed", 2).await;
    insert(&main, "other", 1).await;
    merge(&fork, &main).await;
    let head = main.head().await.unwrap();
    let names: Vec<&str> = head.collections().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "made", "now", "other"]);
    let now = head.collection(&collection("now")).unwrap();
    assert_eq!(now.count().await.unwrap(), 2, "documents of ours are found under theirs' name");
    assert!(head.collection(&a).unwrap().get(&crate::make::key(2)).await.unwrap().is_some());
    merge(&main, &fork).await;
    assert_eq!(contents(&head).await, contents(&fork.head().await.unwrap()).await);
}

async fn a_collection_that_one_side_dropped_and_the_other_changed_is_a_conflict(subject: Subject) {
    let (_place, main) = subject.branch().await;
    insert(&main, "c", 1).await;
    insert(&main, "c", 2).await;
    let fork = fork(&main, "fork").await;
    change(&fork, CollectionChange::Drop { name: collection("c") }).await;
    insert(&main, "c", 3).await;
    for (source, target) in [(&fork, &main), (&main, &fork)] {
        let result = plan(source, target, Rules::default()).await.compute().await.unwrap();
        assert_eq!(conflicts(&result), ["c - (document)"]);
    }
    let apart = super::fork(&main, "apart").await;
    commit(&plan(&fork, &apart, always("theirs")).await).await;
    assert_eq!(apart.head().await.unwrap().collections().count(), 0);
    // What comes back is what the other side has, whole.
    commit(&plan(&main, &fork, always("theirs")).await).await;
    assert_eq!(
        contents(&fork.head().await.unwrap()).await,
        contents(&main.head().await.unwrap()).await
    );
}

async fn a_collection_that_comes_back_holds_what_theirs_holds(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 0 }).await;
    let fork = fork(&main, "fork").await;
    let (from, to) = (collection(super::USERS), collection("renamed"));
    change(&fork, CollectionChange::Rename { from, to }).await;
    put(&main, rawdoc! { "_id": 1, "a": 1 }).await;
    put(&main, rawdoc! { "_id": 2 }).await;
    change(&main, CollectionChange::Drop { name: collection(super::USERS) }).await;
    commit(&plan(&fork, &main, always("theirs")).await).await;
    let heads = [main.head().await.unwrap(), fork.head().await.unwrap()];
    assert_eq!(contents(&heads[0]).await, contents(&heads[1]).await);
}

async fn a_collection_that_both_made_is_one(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = fork(&main, "fork").await;
    insert(&main, "c", 1).await;
    insert(&fork, "c", 2).await;
    let (name, options) = (collection("c"), doc! { "a": 1 });
    change(&fork, CollectionChange::SetOptions { name, options }).await;
    merge(&fork, &main).await;
    let head = main.head().await.unwrap();
    let merged = head.collection(&collection("c")).unwrap();
    assert_eq!(merged.count().await.unwrap(), 2);
    assert_eq!(merged.info().options, doc! { "a": 1 });
}

async fn two_collections_that_would_have_one_name_are_a_conflict(subject: Subject) {
    let (_place, main) = subject.branch().await;
    insert(&main, "a", 1).await;
    let fork = fork(&main, "fork").await;
    insert(&main, "b", 1).await;
    let (from, to) = (collection("a"), collection("b"));
    change(&fork, CollectionChange::Rename { from, to }).await;
    let result = plan(&fork, &main, Rules::default()).await.compute().await.unwrap();
    assert_eq!(conflicts(&result), ["b - name"]);
    assert!(result.conflicts[0].conflicts[0].note.is_some());
}

async fn a_conflict_of_names_is_decided_without_loss(subject: Subject) {
    let (_place, main) = subject.branch().await;
    insert(&main, "a", 1).await;
    let fork = fork(&main, "fork").await;
    insert(&main, "b", 2).await;
    let (from, to) = (collection("a"), collection("b"));
    change(&fork, CollectionChange::Rename { from, to }).await;
    let c = Choice::Value(bson::RawBson::String("c".into()));
    for (choice, expected) in [
        (Choice::Ours, [("a", 1), ("b", 2)]),
        (Choice::Theirs, [("b", 1), ("b.ours", 2)]),
        (c, [("b", 2), ("c", 1)]),
    ] {
        let target = super::fork(&main, expected[1].0).await;
        let mut plan = plan(&fork, &target, Rules::default()).await;
        plan.decide(collection("b"), None, "name".parse().unwrap(), choice);
        commit(&plan).await;
        let head = target.head().await.unwrap();
        assert_eq!(head.collections().count(), 2);
        for (name, id) in expected {
            let found = head.collection(&collection(name)).unwrap();
            let found = found.get(&crate::make::key(id)).await.unwrap();
            assert!(found.is_some(), "{name} {id}");
        }
    }
    let mut plan = plan(&fork, &main, Rules::default()).await;
    for choice in [Choice::Base, Choice::Value(bson::RawBson::String("a\0".into()))] {
        plan.decide(collection("b"), None, "name".parse().unwrap(), choice);
        assert_eq!(plan.compute().await.err().unwrap().kind(), ErrorKind::Invalid);
    }
}

async fn a_commit_is_refused_when_the_branch_has_moved_on(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = fork(&main, "fork").await;
    put(&fork, rawdoc! { "_id": 1 }).await;
    let plan = plan(&fork, &main, Rules::default()).await;
    let result = plan.compute().await.unwrap();
    put(&main, rawdoc! { "_id": 2 }).await;
    let refused = plan.commit(&result, None, &argon_core::model::Message::default()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(all(&main).await, [rawdoc! { "_id": 2 }]);
}

async fn a_merge_of_many_documents_is_one_commit(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = fork(&main, "fork").await;
    let many = subject.scaled(5_000, 1_200);
    let mut request = fork.request();
    for id in 0..many {
        let (key, document) = crate::make::document(id, "x");
        let condition = argon_core::write::Precondition::Any;
        request.put(collection(super::USERS), key, document, condition).unwrap();
    }
    fork.commit(request).await.unwrap().committed().unwrap();
    put(&main, rawdoc! { "_id": "of main" }).await;
    merge(&fork, &main).await;
    assert_eq!(i64::try_from(all(&main).await.len()).unwrap(), many + 1);
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::new(2));
}
