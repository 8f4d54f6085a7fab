//! Patches: what differs between two states, applied elsewhere and taken back.

use argon_core::checks::Check;
use argon_core::diff::diff;
use argon_core::document::Path;
use argon_core::model::{Lsn, Origin};
use argon_core::patch::{
    Already, Applied, Conflict, ConflictReason, DocumentChange, MisfitReason, Patch, SectionChange,
    apply, apply_with, check, check_with,
};
use argon_core::write::{CollectionChange, Precondition};
use argon_core::{Branch, State};
use bson::{RawBson, RawDocumentBuf, doc, rawdoc};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::{self, Random};
use crate::make::{branch as name, checked, collection, key, of_every_type};

pub(crate) fn cases() -> Vec<Case> {
    cases!["patch":
        a_patch_of_all_that_can_change_gives_the_other_state_and_back,
        patches_of_random_documents_give_the_other_state_byte_for_byte_and_back,
        what_does_not_fit_is_named_and_nothing_is_changed,
        what_is_there_already_is_left_out,
        a_patch_that_breaks_rules_of_its_collections_is_refused,
        collections_may_exchange_their_names,
        a_collection_with_a_document_that_the_patch_does_not_know_is_not_dropped,
        a_writer_in_between_is_taken_into_account,
        of_many_who_apply_one_patch_strictly_one_is_told_that_it_is_done,
    ]
}

async fn put(branch: &Branch, to: &str, documents: impl IntoIterator<Item = RawDocumentBuf>) {
    let mut request = branch.request();
    for document in documents {
        let (key, document) = checked(document);
        request.put(collection(to), key, document, Precondition::Any).unwrap();
    }
    branch.commit(request).await.unwrap().committed().unwrap();
}

async fn fork(main: &Branch, called: &str) -> Branch {
    let head = main.head().await.unwrap();
    main.project().create_branch(&name(called), &head, None).await.unwrap()
}

async fn patch_of(before: &State, after: &State) -> Patch {
    Patch::of(&diff(before, after).await.unwrap()).await.unwrap()
}

async fn done(patch: &Patch, branch: &Branch) -> usize {
    match apply(patch, branch, branch.request()).await.unwrap() {
        Applied::Done { skipped, .. } => skipped,
        refused => panic!("{refused:?}"),
    }
}

/// Digests of all collections with their names.
async fn digests(branch: &Branch) -> Vec<String> {
    let head = branch.head().await.unwrap();
    let mut digests = Vec::new();
    for info in head.collections() {
        let digest = head.collection(&info.name).unwrap().digest().await.unwrap();
        digests.push(format!("{} {digest}", info.name));
    }
    digests
}

async fn change(branch: &Branch, change: CollectionChange) {
    branch.change_collection(change).await.unwrap();
}

async fn rename(branch: &Branch, from: &str, to: &str) {
    let (from, to) = (collection(from), collection(to));
    change(branch, CollectionChange::Rename { from, to }).await;
}

async fn a_patch_of_all_that_can_change_gives_the_other_state_and_back(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, "a", (0..300).map(|id| rawdoc! { "_id": id, "n": id })).await;
    put(&main, "old", (0..200).map(|id| rawdoc! { "_id": id })).await;
    put(&main, "moved", [rawdoc! { "_id": 1 }]).await;
    let (copy, changed) = (fork(&main, "copy").await, fork(&main, "changed").await);
    put(&changed, "a", (100..400).map(|id| rawdoc! { "new": 1, "_id": id, "n": id + id % 2 }))
        .await;
    put(&changed, "a", [of_every_type().1.into_raw()]).await;
    for id in 0..50 {
        changed.collection(&collection("a")).delete(&key(id)).await.unwrap();
    }
    change(&changed, CollectionChange::Drop { name: collection("old") }).await;
    put(&changed, "old", [rawdoc! { "_id": "again" }]).await;
    rename(&changed, "moved", "there").await;
    let options = doc! { "capped": true };
    change(&changed, CollectionChange::SetOptions { name: collection("there"), options }).await;
    let indexes = vec![doc! { "key": { "n": 1 }, "name": "n_1" }];
    change(&changed, CollectionChange::SetIndexes { name: collection("a"), indexes }).await;
    put(&changed, "there", [rawdoc! { "_id": 1, "x": 1 }]).await;

    let patch = patch_of(&main.head().await.unwrap(), &changed.head().await.unwrap()).await;
    assert_eq!(done(&patch, &copy).await, 0);
    assert_eq!(digests(&copy).await, digests(&changed).await);
    done(&patch.reversed(), &copy).await;
    assert_eq!(digests(&copy).await, digests(&main).await);
}

/// A document with some of a few fields, in any order.
fn random_document(random: &mut Random, id: i32) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    let mut names = vec!["_id", "a", "b", "c", "d"];
    while !names.is_empty() {
        let at = usize::try_from(random.below(names.len() as u64)).unwrap();
        let name = names.swap_remove(at);
        let field = bson::raw::CString::try_from(name).unwrap();
        let number = i32::try_from(random.below(3)).unwrap();
        match random.below(5) {
            _ if name == "_id" => document.append(field, id),
            0 => {}
            1 => document.append(field, number),
            2 => document.append(field, i64::from(number)),
            3 => document.append(field, rawdoc! { "x": number, "y": [number, "s", number] }),
            _ => document.append(field, rawdoc! { "y": [number], "z": f64::NAN, "x": 1 }),
        }
    }
    document
}

async fn patches_of_random_documents_give_the_other_state_byte_for_byte_and_back(subject: Subject) {
    let mut random = Random::new(77);
    let (_place, main) = subject.branch().await;
    for round in 0..environment::cases(subject.scaled(6, 2)) {
        put(&main, "a", (0..40).map(|id| random_document(&mut random, id))).await;
        let copy = fork(&main, &format!("copy/{round}")).await;
        let before = main.head().await.unwrap();
        put(&main, "a", (20..60).map(|id| random_document(&mut random, id))).await;
        let patch = patch_of(&before, &main.head().await.unwrap()).await;
        done(&patch, &copy).await;
        assert_eq!(digests(&copy).await, digests(&main).await, "round {round}");
        done(&patch.reversed(), &copy).await;
        let head = copy.head().await.unwrap();
        let found: Vec<_> =
            head.collection(&collection("a")).unwrap().scan().try_collect().await.unwrap();
        let expected: Vec<_> =
            before.collection(&collection("a")).unwrap().scan().try_collect().await.unwrap();
        assert_eq!(found, expected, "round {round}");
    }
}

/// A patch that changes document 1, removes 2 and adds 3 in `a`.
async fn small(main: &Branch) -> Patch {
    put(main, "a", [rawdoc! { "_id": 1, "x": 1 }, rawdoc! { "_id": 2, "x": 1 }]).await;
    let before = main.head().await.unwrap();
    let changed = fork(main, "changed").await;
    put(&changed, "a", [rawdoc! { "_id": 1, "x": 2 }, rawdoc! { "_id": 3 }]).await;
    changed.collection(&collection("a")).delete(&key(2)).await.unwrap();
    patch_of(&before, &changed.head().await.unwrap()).await
}

async fn what_does_not_fit_is_named_and_nothing_is_changed(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let patch = small(&main).await;
    let documents = [
        rawdoc! { "_id": 1, "x": 7 },
        rawdoc! { "_id": 2, "x": 1, "more": 1 },
        rawdoc! { "_id": 3, "other": 1 },
    ];
    put(&main, "a", documents).await;
    let before = main.head().await.unwrap().lsn();
    let Applied::Conflicts(conflicts) = apply(&patch, &main, main.request()).await.unwrap() else {
        panic!("it fits");
    };
    let field = |id: i32, path: &str, expected, found| Conflict {
        collection: collection("a"),
        key: Some(key(id)),
        path: Path::new([path]),
        reason: ConflictReason::Field { expected, found, reason: MisfitReason::Value },
    };
    let number = |number| Some(RawBson::Int32(number));
    assert_eq!(
        conflicts,
        [
            field(1, "x", number(1), number(7)),
            field(2, "more", None, number(1)),
            Conflict {
                collection: collection("a"),
                key: Some(key(3)),
                path: Path::DOCUMENT,
                reason: ConflictReason::Exists,
            },
        ]
    );
    assert_eq!(main.head().await.unwrap().lsn(), before);
    main.collection(&collection("a")).delete(&key(1)).await.unwrap();
    let found = check(&patch, &main.head().await.unwrap()).await.unwrap();
    assert_eq!(found.conflicts[0].reason, ConflictReason::Missing);
    change(&main, CollectionChange::Drop { name: collection("a") }).await;
    let found = check(&patch, &main.head().await.unwrap()).await.unwrap();
    assert_eq!((found.conflicts.len(), &found.conflicts[0].key), (1, &None));
}

async fn what_is_there_already_is_left_out(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let patch = small(&main).await;
    put(&main, "a", [rawdoc! { "mine": 0, "_id": 1, "x": 2 }]).await;
    let mut request = main.request();
    request.set_origin(Origin::Patch { source: "it".into() });
    let applied = apply(&patch, &main, request).await.unwrap();
    let Applied::Done { receipt: Some(receipt), skipped: 1, .. } = applied else {
        panic!("{applied:?}");
    };
    assert_eq!((receipt.lsn, receipt.changed), (Lsn::new(3), 2));
    let head = main.head().await.unwrap();
    let last = argon_core::log::headers(&head).try_next().await.unwrap().unwrap();
    assert_eq!(last.meta.origin, Origin::Patch { source: "it".into() });
    assert_eq!(done(&patch, &main).await, 3, "all of it");
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::new(3), "and no commit is made");
}

async fn a_patch_that_breaks_rules_of_its_collections_is_refused(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, "a", [rawdoc! { "_id": 1, "x": 1 }]).await;
    let (name, fork) = (collection("a"), fork(&main, "fork").await);
    let schema = bson::doc! { "properties": { "x": { "maximum": 5 } } };
    let options = bson::doc! { "validator": { "$jsonSchema": schema } };
    change(&main, CollectionChange::SetOptions { name: name.clone(), options }).await;
    let indexes = vec![bson::doc! { "name": "x", "key": { "x": 1 }, "unique": true }];
    change(&main, CollectionChange::SetIndexes { name, indexes }).await;
    let base = fork.head().await.unwrap();
    for (document, broken) in [
        (rawdoc! { "_id": 2, "x": 9 }, Check::Schema),
        (rawdoc! { "_id": 2, "x": 1 }, Check::Unique),
    ] {
        put(&fork, "a", [document]).await;
        let patch = patch_of(&base, &fork.head().await.unwrap()).await;
        let before = main.head().await.unwrap().lsn();
        let applied = apply(&patch, &main, main.request()).await.unwrap();
        let Applied::Violations(found) = applied else { panic!("{applied:?}") };
        assert_eq!((found.len(), found[0].check), (1, broken));
        assert_eq!(main.head().await.unwrap().lsn(), before);
    }
}

async fn collections_may_exchange_their_names(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, "a", [rawdoc! { "_id": "from a" }]).await;
    put(&main, "b", [rawdoc! { "_id": "from b" }]).await;
    let (copy, changed) = (fork(&main, "copy").await, fork(&main, "changed").await);
    for (from, to) in [("a", "c"), ("b", "a"), ("c", "b")] {
        rename(&changed, from, to).await;
    }
    let patch = patch_of(&main.head().await.unwrap(), &changed.head().await.unwrap()).await;
    assert!(patch.sections().iter().all(|s| matches!(s.change(), SectionChange::Changed { .. })));
    done(&patch, &copy).await;
    assert_eq!(digests(&copy).await, digests(&changed).await);
    put(&copy, "a", [rawdoc! { "_id": "more" }]).await;
    let head = copy.head().await.unwrap();
    let a = head.collection(&collection("a")).unwrap();
    assert_eq!(a.count().await.unwrap(), 2, "the writer's catalog has the names too");
    assert!(a.get(&key("from b")).await.unwrap().is_some());
}

async fn a_collection_with_a_document_that_the_patch_does_not_know_is_not_dropped(
    subject: Subject,
) {
    let (_place, main) = subject.branch().await;
    put(&main, "a", [rawdoc! { "_id": 1 }]).await;
    let changed = fork(&main, "changed").await;
    change(&changed, CollectionChange::Drop { name: collection("a") }).await;
    let patch = patch_of(&main.head().await.unwrap(), &changed.head().await.unwrap()).await;
    let documents: Vec<_> = patch.sections()[0].documents().collect();
    assert!(matches!(documents[0].1, DocumentChange::Removed(_)));
    put(&main, "a", [rawdoc! { "_id": 2 }]).await;
    let found = check(&patch, &main.head().await.unwrap()).await.unwrap();
    assert_eq!(found.conflicts.len(), 1);
    assert_eq!(found.conflicts[0].reason, ConflictReason::Unknown);
    assert_eq!(found.conflicts[0].key, Some(key(2)));
}

async fn a_writer_in_between_is_taken_into_account(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let patch = small(&main).await;
    // Both at once: whichever order they get, both are in the result.
    let writers = (0..20).map(|id| {
        let main = main.clone();
        async move { put(&main, "b", [rawdoc! { "_id": id }]).await }
    });
    let (skipped, _) =
        futures::future::join(done(&patch, &main), futures::future::join_all(writers)).await;
    assert_eq!(skipped, 0);
    let head = main.head().await.unwrap();
    assert_eq!(head.collection(&collection("b")).unwrap().count().await.unwrap(), 20);
    let a = head.collection(&collection("a")).unwrap();
    assert!(a.get(&key(2)).await.unwrap().is_none());
    assert!(a.get(&key(3)).await.unwrap().is_some());
}

async fn of_many_who_apply_one_patch_strictly_one_is_told_that_it_is_done(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, "jobs", [rawdoc! { "_id": 1, "n": 5, "x": 0 }, rawdoc! { "_id": 2 }]).await;
    let (fork, claims) = (fork(&main, "fork").await, fork(&main, "claims").await);
    put(&fork, "jobs", [rawdoc! { "_id": 1, "n": 6, "x": 0 }, rawdoc! { "_id": 3 }]).await;
    fork.collection(&collection("jobs")).delete(&key(2)).await.unwrap();
    let patch = patch_of(&main.head().await.unwrap(), &fork.head().await.unwrap()).await;
    let writers = (0..8).map(|_| apply_with(&patch, &claims, claims.request(), Already::Refuse));
    let told = futures::future::join_all(writers).await;
    let done = told.iter().filter(|told| matches!(told, Ok(Applied::Done { .. }))).count();
    assert_eq!(done, 1, "{told:?}");
    let Some(Ok(Applied::Conflicts(refused))) =
        told.iter().find(|told| matches!(told, Ok(Applied::Conflicts(_))))
    else {
        panic!("{told:?}")
    };
    let places: Vec<(Option<_>, String)> =
        refused.iter().map(|refused| (refused.key.clone(), refused.path.to_string())).collect();
    let whole = "(document)".to_owned();
    let expected = [(1, "n".to_owned()), (2, whole.clone()), (3, whole)];
    assert_eq!(places, expected.map(|(id, path)| (Some(key(id)), path)));
    assert!(refused.iter().all(|refused| refused.reason == ConflictReason::Already));
    let head = claims.head().await.unwrap();
    assert!(check(&patch, &head).await.unwrap().conflicts.is_empty(), "else it is there already");
    let strict = check_with(&patch, &head, Already::Refuse).await.unwrap();
    assert_eq!(strict.conflicts.len(), 3);
}
