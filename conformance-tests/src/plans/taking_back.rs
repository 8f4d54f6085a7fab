//! Undo and cherry-picks.

use argon_core::model::{Actor, Lsn, Message, Origin};
use argon_core::plan::{Plan, Rules, Selection};
use argon_core::storage::Backend;
use argon_core::write::CollectionChange;
use argon_core::{Branch, ErrorKind, log};
use bson::rawdoc;

use super::{all, always, commit, conflicts, contents, delete, fork, get, put};
use crate::Subject;
use crate::case::{Case, cases};
use crate::make::{collection, key};
use crate::subject::first_branch;

pub(super) fn cases() -> Vec<Case> {
    cases!["plans":
        undo_takes_back_only_the_paths_that_were_changed,
        undo_of_what_was_touched_since_is_a_conflict_by_path,
        undo_of_everything_gives_the_first_state,
        undo_brings_back_what_was_dropped_and_takes_away_what_was_made,
        undo_of_one_actor_leaves_the_others,
        undo_of_one_collection_leaves_the_others,
        undo_of_what_made_a_collection_leaves_the_documents_of_others,
        undo_of_what_made_a_collection_names_the_documents_that_were_changed_since,
        undo_of_a_collection_s_documents_leaves_the_collection,
        undo_of_a_drop_brings_the_documents_back_past_a_snapshot,
        undo_of_a_drop_meets_a_new_collection_of_the_name,
        undo_of_an_undo_does_it_again,
        undo_names_commits_that_there_are,
        a_cherry_pick_does_again_what_a_commit_did,
        several_cherry_picks_are_one_commit,
    ]
}

async fn undo(branch: &Branch, above: u64, upto: u64, selection: Selection) -> Plan {
    let (above, upto) = (Lsn::new(above), Lsn::new(upto));
    Plan::undo(branch, above, upto, selection, Rules::default()).await.unwrap()
}

async fn undo_takes_back_only_the_paths_that_were_changed(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 1, "b": 1 }).await;
    put(&main, rawdoc! { "_id": 1, "a": 2, "b": 1 }).await;
    put(&main, rawdoc! { "_id": 1, "a": 2, "b": 3 }).await;
    put(&main, rawdoc! { "_id": 2 }).await;
    commit(&undo(&main, 1, 2, Selection::default()).await).await;
    assert_eq!(all(&main).await, [rawdoc! { "_id": 1, "a": 1, "b": 3 }, rawdoc! { "_id": 2 }]);
    let head = main.head().await.unwrap();
    let last = log::last_commit(&head).await.unwrap().unwrap();
    let origin = Origin::Undo { above: Lsn::new(1), upto: Lsn::new(2), plan: None };
    assert_eq!((head.lsn(), last.meta.origin), (Lsn::new(5), origin), "nothing is rewritten");
}

async fn undo_of_what_was_touched_since_is_a_conflict_by_path(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 1, "b": 1 }).await;
    put(&main, rawdoc! { "_id": 1, "a": 2, "b": 2 }).await;
    put(&main, rawdoc! { "_id": 1, "a": 3, "b": 2 }).await;
    let undecided = undo(&main, 1, 2, Selection::default()).await;
    assert_eq!(conflicts(&undecided.compute().await.unwrap()), ["users 1 a"]);
    let (above, upto) = (Lsn::new(1), Lsn::new(2));
    let forced =
        Plan::undo(&main, above, upto, Selection::default(), always("theirs")).await.unwrap();
    commit(&forced).await;
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 1, "b": 1 });
}

async fn undo_of_everything_gives_the_first_state(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for id in 1..=3 {
        put(&main, rawdoc! { "_id": id, "a": 0 }).await;
    }
    let before = contents(&main.head().await.unwrap()).await;
    put(&main, rawdoc! { "_id": 1, "a": 1 }).await;
    delete(&main, 2).await;
    put(&main, rawdoc! { "_id": 4 }).await;
    put(&main, rawdoc! { "_id": 1, "new": true }).await;
    commit(&undo(&main, 3, 7, Selection::default()).await).await;
    assert_eq!(contents(&main.head().await.unwrap()).await, before);
    commit(&undo(&main, 0, 8, Selection::default()).await).await;
    assert_eq!(main.head().await.unwrap().collections().count(), 0);
}

async fn undo_brings_back_what_was_dropped_and_takes_away_what_was_made(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for id in 1..=3 {
        put(&main, rawdoc! { "_id": id }).await;
    }
    delete(&main, 2).await;
    let before = contents(&main.head().await.unwrap()).await;
    let drop = CollectionChange::Drop { name: collection(super::USERS) };
    main.change_collection(drop).await.unwrap();
    main.collection(&collection("made")).put(rawdoc! { "_id": 1 }).await.unwrap();
    commit(&undo(&main, 4, 6, Selection::default()).await).await;
    let head = main.head().await.unwrap();
    assert_eq!(contents(&head).await, before);
    // What came back reads the same from a snapshot.
    argon_core::snapshot::create(&head).await.unwrap();
    assert_eq!(contents(&main.head().await.unwrap()).await, before);
}

async fn put_as(branch: &Branch, actor: &str, document: bson::RawDocumentBuf) {
    let actor = Actor::new(actor).unwrap();
    let mut request = branch.request_as(Some(actor));
    let (key, document) = crate::make::checked(document);
    let condition = argon_core::write::Precondition::Any;
    request.put(collection(super::USERS), key, document, condition).unwrap();
    branch.commit(request).await.unwrap().committed().unwrap();
}

async fn undo_of_one_actor_leaves_the_others(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put_as(&main, "ada", rawdoc! { "_id": 1, "a": 0, "b": 0 }).await;
    put_as(&main, "bob", rawdoc! { "_id": 1, "a": 1, "b": 0 }).await;
    put_as(&main, "ada", rawdoc! { "_id": 1, "a": 1, "b": 1 }).await;
    put_as(&main, "bob", rawdoc! { "_id": 1, "a": 2, "b": 1 }).await;
    put_as(&main, "bob", rawdoc! { "_id": 2 }).await;
    let bob = Some(Actor::new("bob").unwrap());
    let selection = Selection { actor: bob, ..Selection::default() };
    commit(&undo(&main, 1, 5, selection).await).await;
    assert_eq!(all(&main).await, [rawdoc! { "_id": 1, "a": 0, "b": 1 }]);
}

async fn undo_of_one_collection_leaves_the_others(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 0 }).await;
    let other = main.collection(&collection("other"));
    let mut request = main.request();
    for name in [super::USERS, "other"] {
        let (key, document) = crate::make::checked(rawdoc! { "_id": 1, "a": 1 });
        let condition = argon_core::write::Precondition::Any;
        request.put(collection(name), key, document, condition).unwrap();
    }
    main.commit(request).await.unwrap().committed().unwrap();
    let selection = Selection { collections: vec![collection(super::USERS)], ..Default::default() };
    commit(&undo(&main, 1, 2, selection).await).await;
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 0 });
    assert!(other.get(&key(1)).await.unwrap().is_some());
}

async fn undo_of_what_made_a_collection_leaves_the_documents_of_others(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put_as(&main, "ada", rawdoc! { "_id": 1 }).await;
    put_as(&main, "bob", rawdoc! { "_id": 2 }).await;
    put_as(&main, "ada", rawdoc! { "_id": 3 }).await;
    let ada = Some(Actor::new("ada").unwrap());
    let selection = Selection { actor: ada, ..Selection::default() };
    let apart = fork(&main, "apart").await;
    let result = commit(&undo(&main, 0, 3, selection.clone()).await).await;
    assert_eq!((result.counts.removed, result.counts.collections), (2, 0));
    assert_eq!(all(&main).await, [rawdoc! { "_id": 2 }]);
    // With nothing of others left in it, it goes, and its documents count.
    delete(&apart, 2).await;
    let result = commit(&undo(&apart, 0, 3, selection).await).await;
    assert_eq!((result.counts.removed, result.counts.collections), (2, 1));
    assert_eq!(apart.head().await.unwrap().collections().count(), 0);
}

async fn undo_of_what_made_a_collection_names_the_documents_that_were_changed_since(
    subject: Subject,
) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 1 }).await;
    put(&main, rawdoc! { "_id": 1, "a": 2 }).await;
    let undecided = undo(&main, 0, 1, Selection::default()).await;
    assert_eq!(conflicts(&undecided.compute().await.unwrap()), ["users 1 (document)"]);
    let range = (Lsn::ZERO, Lsn::new(1));
    let forced =
        Plan::undo(&main, range.0, range.1, Selection::default(), always("theirs")).await.unwrap();
    assert_eq!(commit(&forced).await.counts.removed, 1);
    assert_eq!(main.head().await.unwrap().collections().count(), 0);
}

async fn undo_of_a_collection_s_documents_leaves_the_collection(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1 }).await;
    let selection = Selection { collections: vec![collection(super::USERS)], ..Default::default() };
    let result = commit(&undo(&main, 0, 1, selection).await).await;
    assert_eq!((result.counts.removed, result.counts.collections), (1, 0));
    assert_eq!(all(&main).await, Vec::<bson::RawDocumentBuf>::new());
    assert_eq!(main.head().await.unwrap().collections().count(), 1);
}

async fn undo_of_a_drop_brings_the_documents_back_past_a_snapshot(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    put(&main, rawdoc! { "_id": 1 }).await;
    let before = contents(&main.head().await.unwrap()).await;
    let drop = CollectionChange::Drop { name: collection(super::USERS) };
    main.change_collection(drop).await.unwrap();
    argon_core::snapshot::create(&main.head().await.unwrap()).await.unwrap();
    commit(&undo(&main, 1, 2, Selection::default()).await).await;
    assert_eq!(contents(&main.head().await.unwrap()).await, before);
    let from_snapshots = Backend { materialize: None, ..backend };
    let again = place.project_again(from_snapshots).await.branch(main.name()).await.unwrap();
    assert_eq!(contents(&again.head().await.unwrap()).await, before);
}

async fn undo_of_a_drop_meets_a_new_collection_of_the_name(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1 }).await;
    let drop = CollectionChange::Drop { name: collection(super::USERS) };
    main.change_collection(drop).await.unwrap();
    put(&main, rawdoc! { "_id": 2 }).await;
    let undecided = undo(&main, 1, 2, Selection::default()).await;
    assert_eq!(conflicts(&undecided.compute().await.unwrap()), ["users - name"]);
    let range = (Lsn::new(1), Lsn::new(2));
    let forced =
        Plan::undo(&main, range.0, range.1, Selection::default(), always("theirs")).await.unwrap();
    commit(&forced).await;
    assert_eq!(all(&main).await, [rawdoc! { "_id": 1 }]);
    let kept = main.collection(&collection("users.ours")).get(&key(2)).await.unwrap();
    assert!(kept.is_some(), "what is new stays");
}

async fn undo_of_an_undo_does_it_again(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 0 }).await;
    put(&main, rawdoc! { "_id": 1, "a": 1 }).await;
    commit(&undo(&main, 1, 2, Selection::default()).await).await;
    commit(&undo(&main, 2, 3, Selection::default()).await).await;
    assert_eq!(get(&main, 1).await.unwrap(), rawdoc! { "_id": 1, "a": 1 });
}

async fn undo_names_commits_that_there_are(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1 }).await;
    for (above, upto, kind) in
        [(0, 2, ErrorKind::NotFound), (1, 1, ErrorKind::Invalid), (1, 0, ErrorKind::Invalid)]
    {
        let (above, upto) = (Lsn::new(above), Lsn::new(upto));
        let refused = Plan::undo(&main, above, upto, Selection::default(), Rules::default()).await;
        assert_eq!(refused.unwrap_err().kind(), kind, "{above} to {upto}");
    }
}

async fn a_cherry_pick_does_again_what_a_commit_did(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 0, "b": 0 }).await;
    let fork = fork(&main, "fork").await;
    put(&fork, rawdoc! { "_id": 1, "a": 9, "b": 0 }).await;
    put(&fork, rawdoc! { "_id": 1, "a": 9, "b": 1 }).await;
    put(&fork, rawdoc! { "_id": 2 }).await;
    let picked = fork.at(Lsn::new(3)).await.unwrap();
    let plan = Plan::cherry_pick(&main, vec![picked.clone()], Rules::default()).await.unwrap();
    commit(&plan).await;
    assert_eq!(all(&main).await, [rawdoc! { "_id": 1, "a": 0, "b": 1 }]);
    let head = main.head().await.unwrap();
    let last = log::last_commit(&head).await.unwrap().unwrap();
    let Origin::CherryPick { commits: named, .. } = last.meta.origin else {
        panic!("{:?}", last.meta.origin)
    };
    assert_eq!(Some(named[0].commit), picked.view().point());
    assert!(Plan::cherry_pick(&main, vec![], Rules::default()).await.is_err());
}

async fn several_cherry_picks_are_one_commit(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let fork = fork(&main, "fork").await;
    put(&fork, rawdoc! { "_id": 1, "a": 1 }).await;
    put(&fork, rawdoc! { "_id": 2 }).await;
    put(&fork, rawdoc! { "_id": 1, "a": 2 }).await;
    let mut picked = Vec::new();
    for lsn in [1, 3] {
        picked.push(fork.at(Lsn::new(lsn)).await.unwrap());
    }
    let plan = Plan::cherry_pick(&main, picked, Rules::default()).await.unwrap();
    let result = plan.compute().await.unwrap();
    plan.commit(&result, None, &Message::default()).await.unwrap();
    assert_eq!(all(&main).await, [rawdoc! { "_id": 1, "a": 2 }]);
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::new(1));
}
