//! Capped collections: new documents displace the oldest ones, in the same commit and by the order in which the
//! log has their creation.

use argon_core::gc::{Options, collect};
use argon_core::model::{Lsn, Message};
use argon_core::plan::{Plan, Rules, Selection};
use argon_core::storage::{Direction, KeyRange};
use argon_core::write::{CollectionChange, Precondition, WriteRequest};
use argon_core::{Branch, ErrorKind, State, log, restore};
use bson::{Bson, Document as BsonDocument, RawDocumentBuf, doc, rawdoc};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::{Random, cases as times};
use crate::make::{branch as name, checked, collection, key};
use crate::plans::{always, fork};
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["capped":
        a_document_too_many_displaces_the_oldest_in_the_same_commit,
        bytes_too_many_displace_as_many_documents_as_it_takes,
        a_commit_may_displace_what_it_inserts,
        the_oldest_is_the_one_that_was_created_first_whatever_its_id,
        a_document_that_does_not_fit_is_refused,
        a_document_that_grows_displaces_nothing,
        a_merge_displaces_nothing_and_the_next_insertion_does,
        smaller_bounds_hold_from_the_next_insertion_on,
        writers_that_share_appends_keep_to_the_bounds,
        processes_that_share_a_store_keep_to_the_bounds,
        a_displaced_document_gives_up_its_unique_values,
        the_order_of_every_state_is_that_of_its_log,
        the_order_is_kept_where_the_log_was_collected,
        documents_after_another_are_found_until_that_is_removed,
    ]
}

const DOCS: &str = "docs";

/// Makes a collection of a branch a capped one.
async fn cap(branch: &Branch, options: BsonDocument) {
    let mut all = doc! { "capped": true };
    all.extend(options);
    let change = CollectionChange::SetOptions { name: collection(DOCS), options: all };
    branch.change_collection(change).await.unwrap();
}

fn put(request: &mut WriteRequest, document: RawDocumentBuf) {
    let (key, document) = checked(document);
    request.put(collection(DOCS), key, document, Precondition::Any).unwrap();
}

/// Puts documents in one commit.
async fn fill(branch: &Branch, documents: impl IntoIterator<Item = RawDocumentBuf>) {
    let mut request = branch.request();
    documents.into_iter().for_each(|document| put(&mut request, document));
    branch.commit(request).await.unwrap().committed().unwrap();
}

fn numbered(ids: impl IntoIterator<Item = i32>) -> impl Iterator<Item = RawDocumentBuf> {
    ids.into_iter().map(|id| rawdoc! { "_id": id })
}

/// A document of so many bytes.
fn sized(id: i32, bytes: usize) -> RawDocumentBuf {
    let empty = rawdoc! { "_id": id, "x": "" }.as_bytes().len();
    rawdoc! { "_id": id, "x": "x".repeat(bytes - empty) }
}

/// The `_id`s in the order of insertion, which both directions and the documents themselves agree on.
async fn order(state: &State) -> Vec<Bson> {
    let Some(view) = state.find_collection(&collection(DOCS)) else { return Vec::new() };
    let read = |direction| {
        let rows = view.in_insertion_order(direction);
        rows.map_ok(|(key, version)| {
            assert_eq!(key.to_bson(), version.document.to_bson().unwrap().remove("_id").unwrap());
            key.to_bson()
        })
        .try_collect::<Vec<_>>()
    };
    let there = read(Direction::Ascending).await.unwrap();
    let mut back = read(Direction::Descending).await.unwrap();
    back.reverse();
    assert_eq!(there, back, "the same backwards");
    let inserted = view.inserted_after(None, usize::MAX).await.unwrap().unwrap();
    let inserted: Vec<_> = inserted.into_iter().map(|found| found.key.to_bson()).collect();
    assert_eq!(there, inserted);
    let mut sorted: Vec<_> = there.iter().map(|id| key(id.clone())).collect();
    sorted.sort();
    let rows: Vec<_> = view.scan_range(KeyRange::default()).try_collect().await.unwrap();
    assert_eq!(sorted, rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>());
    there
}

async fn head_order(branch: &Branch) -> Vec<Bson> {
    order(&branch.head().await.unwrap()).await
}

fn ids(ids: impl IntoIterator<Item = i32>) -> Vec<Bson> {
    ids.into_iter().map(Bson::Int32).collect()
}

async fn a_document_too_many_displaces_the_oldest_in_the_same_commit(subject: Subject) {
    let (_place, main) = subject.branch().await;
    cap(&main, doc! { "size": 100_000, "max": 3 }).await;
    for id in [5, 4, 3] {
        fill(&main, numbered([id])).await;
    }
    let before = main.head().await.unwrap();
    fill(&main, numbered([9])).await;
    let head = main.head().await.unwrap();
    assert_eq!(head.lsn(), before.lsn().next());
    assert_eq!(order(&head).await, ids([4, 3, 9]));
    assert_eq!(order(&before).await, ids([5, 4, 3]), "a state reads the same for ever");
    let commit = log::commit_at(&head, head.lsn()).await.unwrap();
    let changes: Vec<_> = commit.changes.iter().map(|c| (c.key.to_bson(), c.deleted)).collect();
    assert_eq!(changes, [(Bson::Int32(9), false), (Bson::Int32(5), true)]);
    fill(&main, numbered([1, 2])).await;
    assert_eq!(head_order(&main).await, ids([9, 1, 2]));
}

async fn bytes_too_many_displace_as_many_documents_as_it_takes(subject: Subject) {
    let (_place, main) = subject.branch().await;
    cap(&main, doc! { "size": 1_000 }).await;
    fill(&main, (0..10).map(|id| sized(id, 100))).await;
    assert_eq!(head_order(&main).await, ids(0..10), "exactly the size");
    fill(&main, [sized(10, 301)]).await;
    assert_eq!(head_order(&main).await, ids(4..11));
    fill(&main, [sized(11, 1_000)]).await;
    assert_eq!(head_order(&main).await, ids([11]));
}

async fn a_commit_may_displace_what_it_inserts(subject: Subject) {
    let (_place, main) = subject.branch().await;
    cap(&main, doc! { "size": 100_000, "max": 3 }).await;
    fill(&main, numbered([0])).await;
    fill(&main, numbered([7, 6, 5, 4, 0, 2])).await;
    assert_eq!(head_order(&main).await, ids([5, 4, 2]));
    let head = main.head().await.unwrap();
    let commit = log::commit_at(&head, head.lsn()).await.unwrap();
    let changes: Vec<_> = commit.changes.iter().map(|c| (c.key.to_bson(), c.deleted)).collect();
    let expected = [(5, false), (4, false), (0, true), (2, false)];
    assert_eq!(changes, expected.map(|(id, deleted)| (Bson::Int32(id), deleted)));
}

async fn the_oldest_is_the_one_that_was_created_first_whatever_its_id(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    cap(&main, doc! { "size": 100_000, "max": 4 }).await;
    fill(&main, numbered([8, 2, 5])).await;
    fill(&main, [rawdoc! { "_id": 8, "changed": true }]).await;
    let mut request = main.request();
    request.delete(collection(DOCS), key(2), Precondition::Present);
    main.commit(request).await.unwrap().committed().unwrap();
    fill(&main, numbered([2])).await;
    assert_eq!(
        head_order(&main).await,
        ids([8, 5, 2]),
        "a change keeps a place, a deletion does not"
    );
    // Another process reads it from the log.
    let again = first_branch(&place.project_again(backend).await).await;
    assert_eq!(head_order(&again).await, ids([8, 5, 2]));
    fill(&again, numbered([1, 3])).await;
    assert_eq!(head_order(&again).await, ids([5, 2, 1, 3]));
    assert_eq!(head_order(&main).await, ids([5, 2, 1, 3]), "one process sees the other's commits");
    fill(&main, numbered([0])).await;
    assert_eq!(head_order(&again).await, ids([2, 1, 3, 0]));
}

async fn a_document_that_does_not_fit_is_refused(subject: Subject) {
    let (_place, main) = subject.branch().await;
    cap(&main, doc! { "size": 200 }).await;
    fill(&main, [sized(1, 100), sized(2, 100)]).await;
    let large = main.collection(&collection(DOCS)).put(sized(3, 201)).await.unwrap_err();
    assert_eq!(large.kind(), ErrorKind::Invalid);
    assert!(large.message().contains("object to insert exceeds cappedMaxSize"), "{large}");
    assert_eq!(head_order(&main).await, ids([1, 2]));
}

async fn a_document_that_grows_displaces_nothing(subject: Subject) {
    let (_place, main) = subject.branch().await;
    cap(&main, doc! { "size": 200 }).await;
    fill(&main, [sized(1, 100), sized(2, 100)]).await;
    fill(&main, [sized(2, 190)]).await;
    assert_eq!(head_order(&main).await, ids([1, 2]), "as in MongoDB, the next insertion does");
    fill(&main, [sized(3, 50)]).await;
    assert_eq!(head_order(&main).await, ids([3]));
}

async fn a_merge_displaces_nothing_and_the_next_insertion_does(subject: Subject) {
    let (_place, main) = subject.branch().await;
    cap(&main, doc! { "size": 100_000, "max": 3 }).await;
    fill(&main, numbered([1])).await;
    let other = fork(&main, "other").await;
    fill(&main, numbered([2, 3])).await;
    fill(&other, numbered([12, 11])).await;
    let theirs = other.head().await.unwrap();
    let plan = Plan::merge(&main, "other", &theirs, always("theirs")).await.unwrap();
    let result = plan.compute().await.unwrap();
    plan.commit(&result, None, &Message::default()).await.unwrap();
    let merged = head_order(&main).await;
    assert_eq!(merged[..3], ids([1, 2, 3]), "what is merged comes after what was there");
    assert_eq!(merged.len(), 5);
    fill(&main, numbered([0])).await;
    assert_eq!(head_order(&main).await, [&merged[3..], &ids([0])].concat());
    let plan = |to: Lsn| {
        let (main, above) = (main.clone(), to.back(1).unwrap());
        async move {
            let plan = Plan::undo(&main, above, to, Selection::default(), Rules::default()).await;
            let plan = plan.unwrap();
            let result = plan.compute().await.unwrap();
            plan.commit(&result, None, &Message::default()).await.unwrap();
        }
    };
    plan(main.head().await.unwrap().lsn()).await;
    assert_eq!(head_order(&main).await.len(), 5, "an undo brings back what was displaced");
}

async fn smaller_bounds_hold_from_the_next_insertion_on(subject: Subject) {
    let (_place, main) = subject.branch().await;
    fill(&main, numbered([9, 8])).await;
    fill(&main, numbered(0..6)).await;
    cap(&main, doc! { "size": 100_000, "max": 3 }).await;
    assert_eq!(head_order(&main).await, ids([9, 8, 0, 1, 2, 3, 4, 5]));
    fill(&main, numbered([7])).await;
    assert_eq!(head_order(&main).await, ids([4, 5, 7]));
    cap(&main, doc! { "size": 100_000, "max": 5 }).await;
    fill(&main, numbered([1, 2, 3])).await;
    assert_eq!(head_order(&main).await, ids([5, 7, 1, 2, 3]));
}

async fn writers_that_share_appends_keep_to_the_bounds(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    cap(&main, doc! { "size": 100_000, "max": 5 }).await;
    let writers = subject.scaled(32, 8);
    let write = |writer: i32| {
        let main = main.clone();
        async move {
            for round in 0..4 {
                fill(&main, numbered([writer * 4 + round])).await;
            }
        }
    };
    futures::future::join_all((0..writers).map(write)).await;
    for lsn in 0..=main.head().await.unwrap().lsn().get() {
        let state = main.at(Lsn::new(lsn)).await.unwrap();
        let expected = usize::try_from(lsn.saturating_sub(1)).unwrap().min(5);
        assert_eq!(order(&state).await.len(), expected, "at {lsn}");
    }
    let again = first_branch(&place.project_again(backend).await).await;
    assert_eq!(head_order(&again).await, head_order(&main).await);
}

async fn processes_that_share_a_store_keep_to_the_bounds(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    let other = first_branch(&place.project_again(backend).await).await;
    cap(&main, doc! { "size": 100_000, "max": 5 }).await;
    let write = |branch: &Branch, writer: i32| {
        let branch = branch.clone();
        async move {
            for round in 0..5 {
                fill(&branch, numbered([writer * 5 + round])).await;
            }
        }
    };
    let branches = [&main, &other];
    let writers = (0..4).map(|writer| write(branches[writer % 2], i32::try_from(writer).unwrap()));
    futures::future::join_all(writers).await;
    let head = main.head().await.unwrap();
    for lsn in 6..=head.lsn().get() {
        assert_eq!(order(&main.at(Lsn::new(lsn)).await.unwrap()).await.len(), 5, "at {lsn}");
    }
    assert_eq!(head_order(&main).await, head_order(&other).await);
}

async fn a_displaced_document_gives_up_its_unique_values(subject: Subject) {
    let (_place, main) = subject.branch().await;
    cap(&main, doc! { "size": 100_000, "max": 3 }).await;
    let request = main.request();
    let unique = doc! { "key": { "a": 1 }, "unique": true };
    main.create_index(&collection(DOCS), unique, &request).await.unwrap();
    let document = |id: i32, a: i32| rawdoc! { "_id": id, "a": a };
    fill(&main, (0..3).map(|id| document(id, id))).await;
    let taken = main.collection(&collection(DOCS)).put(document(3, 2)).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    assert_eq!(head_order(&main).await, ids([0, 1, 2]), "a refused document displaces nothing");
    fill(&main, [document(3, 3)]).await;
    fill(&main, [document(4, 0)]).await;
    assert_eq!(head_order(&main).await, ids([2, 3, 4]));
    let head = main.head().await.unwrap();
    let view = head.collection(&collection(DOCS)).unwrap();
    for readable in view.indexes().await.unwrap().readable {
        let all = argon_core::storage::EntryRange { from: Vec::new(), to: None };
        let entries = view.entries(&readable, all, Direction::Ascending);
        let held: Vec<_> = entries.map_ok(|entry| entry.id.to_bson()).try_collect().await.unwrap();
        assert_eq!(held, ids([4, 2, 3]));
    }
}

/// The order that the commits of a state give, one after the other.
async fn folded(state: &State) -> Vec<Bson> {
    let mut headers: Vec<_> = log::headers(state).try_collect().await.unwrap();
    headers.reverse();
    let Some(view) = state.find_collection(&collection(DOCS)) else { return Vec::new() };
    let mut order: Vec<Bson> = Vec::new();
    for change in headers.into_iter().flat_map(|commit| commit.changes) {
        if change.collection != view.info().id {
            continue;
        }
        let id = change.key.to_bson();
        if change.deleted {
            order.retain(|known| *known != id);
        } else if !order.contains(&id) {
            order.push(id);
        }
    }
    order
}

/// A program of writes, forks, merges, undo and resets.
async fn the_order_of_every_state_is_that_of_its_log(subject: Subject) {
    for round in 0..times(subject.scaled(3, 1)) {
        program(&subject, Random::new(0xca_0000 + u64::from(round))).await;
    }
}

async fn program(subject: &Subject, mut random: Random) {
    let (place, backend) = subject.backend().await;
    let project = place.project(backend.clone()).await;
    let main = first_branch(&project).await;
    cap(&main, doc! { "size": 500, "max": 8 }).await;
    let mut branches = vec![main];
    for step in 0..subject.scaled(120, 30) {
        let branch = random.pick(&branches).clone();
        match random.below(24) {
            0..=15 => write(&branch, &mut random).await,
            16..=17 if branches.len() < 5 => {
                let lsn = Lsn::new(1 + random.below(branch.head().await.unwrap().lsn().get()));
                let state = branch.at(lsn).await.unwrap();
                let called = name(&format!("b{step}"));
                branches.push(project.create_branch(&called, &state, None).await.unwrap());
            }
            18 => {
                let other = random.pick(&branches).clone();
                let theirs = branch.head().await.unwrap();
                let rules = always("theirs");
                let Ok(plan) = Plan::merge(&other, "other", &theirs, rules).await else { continue };
                let result = plan.compute().await.unwrap();
                // Nothing to merge is an error.
                drop(plan.commit(&result, None, &Message::default()).await);
            }
            19 => {
                let head = branch.head().await.unwrap();
                let state = branch.at(Lsn::new(1 + random.below(head.lsn().get()))).await.unwrap();
                if state.lsn() < head.lsn() {
                    restore::reset(&branch, &state).await.unwrap();
                }
            }
            _ => {
                let head = branch.head().await.unwrap();
                assert_eq!(order(&head).await, folded(&head).await, "{}", branch.name());
            }
        }
    }
    let mut by_log = backend.clone();
    by_log.materialize = None;
    let again = [place.project_again(backend).await, place.project_again(by_log).await];
    for branch in branches {
        let head = branch.head().await.unwrap();
        let expected = folded(&head).await;
        for project in &again {
            let branch = project.branch(branch.name()).await.unwrap();
            assert_eq!(head_order(&branch).await, expected);
        }
        for lsn in (1..=head.lsn().get()).step_by(subject.scaled(3, 11)) {
            let state = branch.at(Lsn::new(lsn)).await.unwrap();
            assert_eq!(order(&state).await, folded(&state).await, "{}@{lsn}", branch.name());
        }
    }
}

/// Writes some documents in one commit, and compares with what a model makes of that.
async fn write(branch: &Branch, random: &mut Random) {
    let head = branch.head().await.unwrap();
    let mut expected: Vec<(Bson, usize)> = Vec::new();
    for id in folded(&head).await {
        let view = head.collection(&collection(DOCS)).unwrap();
        let document = view.get(&key(id.clone())).await.unwrap().unwrap();
        expected.push((id, document.as_bytes().len()));
    }
    let mut request = branch.request();
    // What is left of each document, by the first time that the request names it.
    let mut written: Vec<(Bson, Option<usize>)> = Vec::new();
    for _ in 0..=random.below(3) {
        let id = i32::try_from(random.below(14)).unwrap();
        let bytes = 30 + usize::try_from(random.below(60)).unwrap();
        let bytes = (!random.one_in(5)).then_some(bytes);
        match bytes {
            Some(bytes) => put(&mut request, sized(id, bytes)),
            None => request.delete(collection(DOCS), key(id), Precondition::Any),
        }
        match written.iter_mut().find(|(known, _)| *known == Bson::Int32(id)) {
            Some(known) => known.1 = bytes,
            None => written.push((Bson::Int32(id), bytes)),
        }
    }
    let mut inserts = false;
    for (id, bytes) in written {
        let known = expected.iter().position(|(known, _)| *known == id);
        match (known, bytes) {
            (Some(place), Some(bytes)) => expected[place].1 = bytes,
            (Some(place), None) => drop(expected.remove(place)),
            (None, Some(bytes)) => {
                expected.push((id, bytes));
                inserts = true;
            }
            (None, None) => {}
        }
    }
    let fits = |all: &[(Bson, usize)]| {
        all.len() <= 8 && all.iter().map(|(_, bytes)| bytes).sum::<usize>() <= 500
    };
    while inserts && !fits(&expected) {
        expected.remove(0);
    }
    branch.commit(request).await.unwrap();
    let expected: Vec<Bson> = expected.into_iter().map(|(id, _)| id).collect();
    assert_eq!(head_order(branch).await, expected);
}

async fn the_order_is_kept_where_the_log_was_collected(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let store = place.store(backend.clone());
    let main = first_branch(&place.project(backend.clone()).await).await;
    cap(&main, doc! { "size": 100_000, "max": 6 }).await;
    fill(&main, numbered([3, 1])).await;
    fill(&main, numbered([2])).await;
    fill(&main, [rawdoc! { "_id": 3, "changed": true }]).await;
    place.clock.set(1_000_000_000);
    fill(&main, numbered([0])).await;
    collect(&store, &Options::default()).await.unwrap();
    fill(&main, [rawdoc! { "_id": 1, "changed": true }]).await;
    assert_eq!(head_order(&main).await, ids([3, 1, 2, 0]), "it is known in this process");
    let again = first_branch(&place.project_again(backend).await).await;
    let found = head_order(&again).await;
    let collected = log::floor(&again.head().await.unwrap()).await.unwrap() > Lsn::ZERO;
    let by_last_change = ids([1, 2, 3, 0]);
    assert_eq!(found, if collected { by_last_change } else { ids([3, 1, 2, 0]) });
    fill(&again, numbered([7, 6, 5])).await;
    assert_eq!(head_order(&again).await, [&found[1..], &ids([7, 6, 5])].concat());
}

async fn documents_after_another_are_found_until_that_is_removed(subject: Subject) {
    let (_place, main) = subject.branch().await;
    cap(&main, doc! { "size": 100_000, "max": 3 }).await;
    fill(&main, numbered([9, 8, 7])).await;
    let head = main.head().await.unwrap();
    let view = head.collection(&collection(DOCS)).unwrap();
    let first = view.inserted_after(None, 2).await.unwrap().unwrap();
    let last = &first[1];
    assert_eq!(last.key, key(8));
    let after = |state: State| async move {
        let view = state.collection(&collection(DOCS)).unwrap();
        let found = view.inserted_after(Some((last.position, &last.key)), 10).await.unwrap();
        found.map(|found| found.into_iter().map(|found| found.key.to_bson()).collect::<Vec<_>>())
    };
    assert_eq!(after(head.clone()).await, Some(ids([7])));
    let (moved, ()) = futures::join!(main.head_after(&head), fill(&main, numbered([1])));
    assert_eq!(after(moved.unwrap()).await, Some(ids([7, 1])));
    fill(&main, numbered([2])).await;
    assert_eq!(after(main.head().await.unwrap()).await, None, "it was displaced");
    assert_eq!(after(head).await, Some(ids([7])));
}
