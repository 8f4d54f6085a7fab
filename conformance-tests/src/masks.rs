//! Masked branches: no read gives an original, whatever is made of the branch.

use std::sync::{Arc, Mutex};

use argon_core::diff::diff;
use argon_core::mask::{CollectionPolicy, FieldPolicy, MaskPolicy, Transform, refuse_masked};
use argon_core::model::{Image, Lsn};
use argon_core::write::CollectionChange;
use argon_core::{Branch, ErrorKind, State, log, restore, snapshot};
use bson::{doc, rawdoc};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::make::{branch as name, collection, key};

/// Stands in every original that must not be seen.
const SECRET: &str = "SECRET";

pub(crate) fn cases() -> Vec<Case> {
    cases!["masks":
        no_read_of_a_masked_branch_gives_an_original,
        a_masked_branch_is_one_record_and_no_commit,
        what_is_made_of_a_masked_branch_is_masked,
        what_is_written_on_a_masked_branch_is_given_as_it_was_written,
        a_rename_of_a_collection_does_not_take_its_mask_off,
        a_reset_to_newer_originals_masks_them_too,
        a_snapshot_of_a_masked_state_leaves_the_originals_to_others,
        a_document_that_is_not_shown_has_no_history,
        what_a_mask_can_not_stand_is_refused,
        a_masked_branch_does_not_tell_whether_an_original_has_a_value,
        a_mask_is_there_after_opening_again,
    ]
}

fn policy() -> MaskPolicy {
    let field = |path: &str, with| FieldPolicy { path: path.to_owned(), with, fake: None };
    let users = CollectionPolicy {
        name: "users".to_owned(),
        keep: Some(doc! { "shown": true }),
        fields: vec![field("email", Transform::Hash), field("deep.*.note", Transform::Redact)],
        ..CollectionPolicy::default()
    };
    MaskPolicy { collections: vec![users], ..MaskPolicy::default() }
}

fn user(id: i32, shown: bool, email: &str) -> bson::RawDocumentBuf {
    let secret = format!("{SECRET} {email}");
    let title = if shown { "shown".to_owned() } else { secret.clone() };
    rawdoc! {
        "_id": id, "shown": shown, "title": title, "email": secret.clone(),
        "deep": [{ "note": secret }],
    }
}

/// Five commits on main: users of whom one is not shown, changes of two, another collection.
async fn originals(main: &Branch) {
    let users = main.collection(&collection("users"));
    users.put(user(1, true, "one")).await.unwrap();
    users.put(user(2, false, "two")).await.unwrap();
    users.put(user(1, true, "one again")).await.unwrap();
    users.put(user(3, true, "three")).await.unwrap();
    let others = main.collection(&collection("others"));
    others.put(rawdoc! { "_id": 1, "text": SECRET }).await.unwrap();
}

async fn masked(main: &Branch, called: &str) -> Branch {
    let head = main.head().await.unwrap();
    let project = main.project();
    project.create_masked_branch(&name(called), &head, Some(main.name()), policy()).await.unwrap()
}

/// All that the reads of a state give, as text.
async fn all_reads(state: &State) -> String {
    let mut out = String::new();
    for info in state.collections() {
        let view = state.collection(&info.name).unwrap();
        let found: Vec<_> = view.scan().try_collect().await.unwrap();
        assert_eq!(view.count().await.unwrap(), found.len() as u64);
        out += &format!("{found:?}");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let by_predicate = seen.clone();
        let all = view.scan_with(Arc::new(move |document| {
            by_predicate.lock().unwrap().push(format!("{document:?}"));
            Ok(true)
        }));
        let all: Vec<_> = all.map_ok(|(_, version)| version.document).try_collect().await.unwrap();
        assert_eq!(all, found, "a predicate selects masked documents");
        out += &seen.lock().unwrap().concat();
        for id in 1..=9 {
            let got = view.get(&key(id)).await.unwrap();
            let scanned =
                found.iter().find(|document| document.as_raw().get_i32("_id").ok() == Some(id));
            assert_eq!(got.as_ref(), scanned, "a lookup gives what a scan gives");
            let images: Vec<_> = view.history(&key(id)).try_collect().await.unwrap();
            out += &format!("{images:?}");
        }
    }
    if let Some(commit) = log::last_commit(state).await.unwrap() {
        out += &format!("{:?}", commit.changes);
    }
    out
}

/// Reads every state of a branch, and what differs between them.
async fn read_all_states(branch: &Branch) -> String {
    let head = branch.head().await.unwrap();
    let mut out = all_reads(&head).await;
    let mut before = branch.at(Lsn::ZERO).await.unwrap();
    for lsn in 1..=head.lsn().get() {
        let state = branch.at(Lsn::new(lsn)).await.unwrap();
        assert!(state.is_masked());
        out += &all_reads(&state).await;
        let documents: Vec<_> =
            diff(&before, &state).await.unwrap().documents().try_collect().await.unwrap();
        out += &format!("{documents:?}");
        before = state;
    }
    out
}

async fn assert_masked(branch: &Branch) {
    assert!(branch.is_masked() && branch.info().await.unwrap().masked);
    let out = read_all_states(branch).await;
    assert!(!out.contains(SECRET), "{} gives an original: {out}", branch.name());
    assert!(out.contains("[redacted]"), "documents that are shown are there");
}

async fn no_read_of_a_masked_branch_gives_an_original(subject: Subject) {
    let (_place, main) = subject.branch().await;
    originals(&main).await;
    let shared = masked(&main, "shared").await;
    assert_masked(&shared).await;
    let users = shared.head().await.unwrap().collection(&collection("users")).unwrap();
    assert_eq!(users.count().await.unwrap(), 2, "one does not match");
    let again = masked(&main, "again").await.head().await.unwrap();
    let again = again.collection(&collection("users")).unwrap();
    assert_ne!(users.digest().await.unwrap(), again.digest().await.unwrap(), "each has its key");
    assert_eq!(
        shared
            .collection(&collection("others"))
            .scan()
            .await
            .unwrap()
            .try_collect::<Vec<_>>()
            .await
            .unwrap(),
        []
    );
}

async fn a_masked_branch_is_one_record_and_no_commit(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let project = place.project(backend.clone()).await;
    let main = crate::subject::first_branch(&project).await;
    originals(&main).await;
    let before = backend.wal.timelines().await.unwrap().len();
    let shared = masked(&main, "shared").await;
    assert_masked(&shared).await;
    assert_eq!(backend.wal.timelines().await.unwrap().len(), before);
    let (mine, theirs) = (shared.head().await.unwrap(), main.head().await.unwrap());
    assert_eq!(mine.view(), theirs.view());
}

async fn what_is_made_of_a_masked_branch_is_masked(subject: Subject) {
    let (_place, main) = subject.branch().await;
    originals(&main).await;
    let shared = masked(&main, "shared").await;
    let project = main.project();
    shared
        .collection(&collection("users"))
        .put(rawdoc! { "_id": 9, "email": "own" })
        .await
        .unwrap();
    let head = shared.head().await.unwrap();
    let fork = project.create_branch(&name("fork"), &head, Some(shared.name())).await.unwrap();
    assert_masked(&fork).await;
    let past = shared.at(Lsn::new(3)).await.unwrap();
    let low = project.create_branch(&name("low"), &past, None).await.unwrap();
    assert_masked(&low).await;
    project.set_protected(shared.name(), true).await.unwrap();
    project.set_protected(shared.name(), false).await.unwrap();
    let renamed = project.rename_branch(shared.name(), &name("renamed")).await.unwrap();
    assert_masked(&renamed).await;
    let reset = restore::reset(&renamed, &renamed.at(Lsn::new(4)).await.unwrap()).await.unwrap();
    assert_masked(&renamed).await;
    assert_masked(&project.branch(&reset.backup).await.unwrap()).await;
    let backup = project.delete_branch(&name("fork")).await.unwrap().unwrap();
    assert_masked(&project.branch(&backup).await.unwrap()).await;
}

async fn what_is_written_on_a_masked_branch_is_given_as_it_was_written(subject: Subject) {
    let (_place, main) = subject.branch().await;
    originals(&main).await;
    let shared = masked(&main, "shared").await;
    let users = shared.collection(&collection("users"));
    let own = rawdoc! { "_id": 1, "shown": false, "email": "own" };
    users.put(own.clone()).await.unwrap();
    assert_eq!(users.get(&key(1)).await.unwrap().unwrap().as_raw(), &*own);
    let low = shared.at(Lsn::new(2)).await.unwrap();
    restore::reset(&shared, &low).await.unwrap();
    users.put(own.clone()).await.unwrap();
    let kept = users.get(&key(1)).await.unwrap().unwrap();
    assert_eq!(kept.as_raw(), &*own, "also where originals were before");
}

async fn a_rename_of_a_collection_does_not_take_its_mask_off(subject: Subject) {
    let (_place, main) = subject.branch().await;
    originals(&main).await;
    let shared = masked(&main, "shared").await;
    for (from, to) in [("users", "people"), ("others", "users")] {
        let (from, to) = (collection(from), collection(to));
        shared.change_collection(CollectionChange::Rename { from, to }).await.unwrap();
    }
    assert_masked(&shared).await;
}

async fn a_reset_to_newer_originals_masks_them_too(subject: Subject) {
    let (_place, main) = subject.branch().await;
    originals(&main).await;
    let shared = masked(&main, "shared").await;
    main.collection(&collection("users")).put(user(4, true, "four")).await.unwrap();
    main.collection(&collection("new")).put(rawdoc! { "_id": 1, "text": SECRET }).await.unwrap();
    restore::reset(&shared, &main.head().await.unwrap()).await.unwrap();
    assert_masked(&shared).await;
    assert!(shared.collection(&collection("users")).get(&key(4)).await.unwrap().is_some());
}

async fn a_snapshot_of_a_masked_state_leaves_the_originals_to_others(subject: Subject) {
    let (_place, main) = subject.branch().await;
    originals(&main).await;
    let users = collection("users");
    let before = main.head().await.unwrap().collection(&users).unwrap().digest().await.unwrap();
    let shared = masked(&main, "shared").await;
    snapshot::create(&shared.head().await.unwrap()).await.unwrap();
    let after = main.head().await.unwrap().collection(&users).unwrap().digest().await.unwrap();
    assert_eq!(before, after);
    assert_masked(&shared).await;
}

async fn a_document_that_is_not_shown_has_no_history(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let users = main.collection(&collection("users"));
    for shown in [false, true, false, false] {
        users.put(user(1, shown, "one")).await.unwrap();
    }
    users.delete(&key(1)).await.unwrap();
    let shared = masked(&main, "shared").await;
    let view = shared.head().await.unwrap().collection(&collection("users")).unwrap();
    let images: Vec<_> = view.history(&key(1)).try_collect().await.unwrap();
    let seen: Vec<_> =
        images.iter().map(|(lsn, image)| (lsn.get(), *image == Image::Deleted)).collect();
    assert_eq!(seen, [(3, true), (2, false)]);
    for (lsn, changes) in [(1, 0), (2, 1), (3, 1), (4, 0), (5, 0)] {
        let state = shared.at(Lsn::new(lsn)).await.unwrap();
        let commit = log::last_commit(&state).await.unwrap().unwrap();
        let of_users = commit.changes.iter().filter(|change| change.key == key(1)).count();
        assert_eq!(of_users, changes, "at {lsn}");
    }
}

async fn what_a_mask_can_not_stand_is_refused(subject: Subject) {
    let (_place, main) = subject.branch().await;
    originals(&main).await;
    let shared = masked(&main, "shared").await;
    let (project, head) = (main.project(), shared.head().await.unwrap());
    let twice = project.create_masked_branch(&name("twice"), &head, None, policy()).await;
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(refuse_masked(&head, "merge").unwrap_err().kind(), ErrorKind::Denied);
    refuse_masked(&main.head().await.unwrap(), "merge").unwrap();
    main.collection(&collection("users")).put(user(5, true, "five")).await.unwrap();
    let error = restore::reset(&main, &head).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "main does not become masked unasked");
    let other = masked(&main, "other").await;
    let error = restore::reset(&other, &head).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "each has a key of its own");
    let mut of_id = policy();
    "_id".clone_into(&mut of_id.collections[0].fields[0].path);
    let state = main.head().await.unwrap();
    let error = project.create_masked_branch(&name("id"), &state, None, of_id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(project.branch(&name("id")).await.is_err(), "nothing was made");
}

async fn a_mask_is_there_after_opening_again(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let project = place.project(backend.clone()).await;
    let main = crate::subject::first_branch(&project).await;
    originals(&main).await;
    let before = read_all_states(&masked(&main, "shared").await).await;
    // Another store over the same backend has nothing in memory.
    let again = place.project_again(backend).await;
    let shared = again.branch(&name("shared")).await.unwrap();
    assert_masked(&shared).await;
    assert_eq!(read_all_states(&shared).await, before);
}

async fn a_masked_branch_does_not_tell_whether_an_original_has_a_value(subject: Subject) {
    let (_place, main) = subject.branch().await;
    originals(&main).await;
    let users = collection("users");
    let definition = doc! { "key": { "email": 1 }, "unique": true };
    main.create_index(&users, definition.clone(), &main.request()).await.unwrap();
    let taken = main.collection(&users).put(user(90, true, "one again")).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    let masked = masked(&main, "masked").await;
    masked.collection(&users).put(user(90, true, "one again")).await.unwrap();
    let view = masked.head().await.unwrap().collection(&users).unwrap();
    assert!(view.indexes().await.unwrap().readable.is_empty());
    let again = doc! { "key": { "email": -1 }, "unique": true };
    let refused = masked.create_index(&users, again, &masked.request()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
}
