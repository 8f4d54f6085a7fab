//! Indexes: in every state, reading by an index is reading by a scan; and unique values stay so.

use std::collections::BTreeSet;

use argon_core::document::Index;
use argon_core::gc::{Options, collect};
use argon_core::key::Key;
use argon_core::plan::{Plan, Rules, Selection};
use argon_core::storage::{Direction, EntryRange};
use argon_core::write::{CollectionChange, Outcome, Precondition};
use argon_core::{Branch, CollectionView, ErrorKind, State, copy, restore};
use bson::{Bson, Document as BsonDocument, RawDocumentBuf, doc, rawdoc};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::{Random, cases as times};
use crate::faults::Faulty;
use crate::faulty::Fault;
use crate::make::{branch as name, checked, collection, key};
use crate::plans::{always, fork};
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["indexes":
        a_new_index_has_the_entries_of_all_documents,
        every_kept_state_reads_by_index_what_it_reads_by_scan,
        an_index_of_a_new_collection_is_kept_from_its_first_document,
        a_fork_continues_the_indexes_of_its_base,
        a_dropped_index_serves_the_past,
        a_second_document_with_a_unique_value_is_refused,
        unique_values_may_change_hands_in_one_commit,
        a_unique_index_is_not_made_over_duplicates,
        writers_go_on_while_an_index_is_made,
        the_creation_of_an_index_that_is_cut_off_anywhere_loses_nothing,
        commits_that_are_cut_off_anywhere_keep_the_indexes,
        two_writers_never_get_one_unique_value,
        an_index_is_there_after_opening_again,
        a_document_that_an_index_can_not_take_is_refused,
        copied_history_is_read_by_scan_until_its_indexes_are_built,
    ]
}

const DOCS: &str = "docs";

async fn create(branch: &Branch, definition: BsonDocument) {
    let request = branch.request();
    branch.create_index(&collection(DOCS), definition, &request).await.unwrap();
}

/// Puts documents in one commit.
async fn fill(branch: &Branch, documents: impl IntoIterator<Item = RawDocumentBuf>) {
    let mut request = branch.request();
    for document in documents {
        let (key, document) = checked(document);
        request.put(collection(DOCS), key, document, Precondition::Any).unwrap();
    }
    branch.commit(request).await.unwrap();
}

async fn put(branch: &Branch, document: RawDocumentBuf) -> argon_core::Result<()> {
    branch.collection(&collection(DOCS)).put(document).await.map(drop)
}

fn docs(state: &State) -> CollectionView {
    state.collection(&collection(DOCS)).unwrap()
}

/// The entries that a scan gives.
async fn expected(view: &CollectionView, index: &Index) -> BTreeSet<(Vec<u8>, Key)> {
    let mut rows = view.scan_range(argon_core::storage::KeyRange::default());
    let mut entries = BTreeSet::new();
    while let Some((id, version)) = rows.try_next().await.unwrap() {
        let keys = index.entries_of(version.document.as_raw()).unwrap().keys;
        entries.extend(keys.into_iter().map(|key| (key, id.clone())));
    }
    entries
}

/// Compares all readable indexes of a state with a scan, in both directions and by ranges. Returns how
/// many there are.
async fn compare(state: &State) -> usize {
    let mut compared = 0;
    for info in state.collections() {
        let view = state.collection(&info.name).unwrap();
        for readable in view.indexes().await.unwrap().readable {
            let wanted = expected(&view, &readable.index).await;
            let all = EntryRange { from: Vec::new(), to: None };
            let at = format!("{} at {}", readable.index.name(), state.lsn());
            let found = read(&view, &readable, all.clone(), Direction::Ascending).await;
            assert!(found.is_sorted_by(|a, b| a < b), "{at}: in order, each once");
            let mut back = read(&view, &readable, all, Direction::Descending).await;
            back.reverse();
            assert_eq!(found, back, "{at}: the same backwards");
            let found: BTreeSet<(Vec<u8>, Key)> = found.into_iter().collect();
            let missing: Vec<_> = wanted.difference(&found).collect();
            assert!(missing.is_empty(), "{at}: lacks {missing:?}");
            if readable.exact {
                assert_eq!(found, wanted, "{at}: has no others");
            }
            if let (Some((low, _)), Some((high, _))) = (found.first(), found.last()) {
                let range = EntryRange { from: low.clone(), to: Some(high.clone()) };
                let part = read(&view, &readable, range, Direction::Ascending).await;
                let inside = found.iter().filter(|(key, _)| key < high).cloned();
                assert_eq!(part, inside.collect::<Vec<_>>(), "{at}: a range");
            }
            compared += 1;
        }
    }
    compared
}

async fn read(
    view: &CollectionView,
    index: &argon_core::ReadableIndex,
    range: EntryRange,
    direction: Direction,
) -> Vec<(Vec<u8>, Key)> {
    let entries = view.entries(index, range, direction);
    entries.map_ok(|entry| (entry.key, entry.id)).try_collect().await.unwrap()
}

/// Whether the store keeps entries of indexes at all. One that does not must say so.
async fn keeps_entries(state: &State) -> bool {
    let indexes = docs(state).indexes().await.unwrap();
    assert!(!indexes.readable.is_empty() || !indexes.unreadable.is_empty());
    !indexes.unreadable.iter().any(|index| index.reason.contains("the store keeps none"))
}

async fn a_new_index_has_the_entries_of_all_documents(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let document = |id: i32| rawdoc! { "_id": id, "a": id % 7, "tags": [id % 3, "x"] };
    fill(&main, (0..300).map(document)).await;
    create(&main, doc! { "key": { "a": 1 } }).await;
    create(&main, doc! { "key": { "tags": -1, "a": 1 } }).await;
    create(&main, doc! { "key": { "a": "hashed" } }).await;
    let head = main.head().await.unwrap();
    let count = if keeps_entries(&head).await { 3 } else { 0 };
    assert_eq!(compare(&head).await, count);
    let (request, definition) = (main.request(), doc! { "key": { "a": 1 } });
    let again = main.create_index(&collection(DOCS), definition, &request).await.unwrap();
    assert_eq!(again.commit, None, "it is there already");
}

/// A program of writes, forks, merges, undo, resets, drops of indexes and garbage collection.
async fn every_kept_state_reads_by_index_what_it_reads_by_scan(subject: Subject) {
    for round in 0..times(subject.scaled(3, 1)) {
        program(&subject, Random::new(0x1d_0000 + u64::from(round))).await;
    }
}

async fn program(subject: &Subject, mut random: Random) {
    let (place, backend) = subject.backend().await;
    let store = place.store(backend.clone());
    let project = place.project(backend).await;
    let main = first_branch(&project).await;
    let mut branches = vec![main.clone()];
    let definitions = [
        doc! { "key": { "a": 1 } },
        doc! { "key": { "a": -1, "b": 1 }, "name": "compound" },
        doc! { "key": { "tags": 1 } },
        doc! { "key": { "b": 1 }, "sparse": true, "name": "sparse" },
        doc! { "key": { "a": 1 }, "partialFilterExpression": { "b": { "$gt": 3 } }, "name": "partial" },
        doc! { "key": { "$**": 1 }, "name": "all" },
    ];
    put(&main, rawdoc! { "_id": 0, "a": 0 }).await.unwrap();
    for step in 0..subject.scaled(100, 25) {
        let branch = random.pick(&branches).clone();
        match random.below(30) {
            0..=17 => write(&branch, &mut random).await,
            18..=19 => create(&branch, random.pick(&definitions).clone()).await,
            20..=21 if branches.len() < 5 => {
                let states = branch.head().await.unwrap();
                let lsn = argon_core::model::Lsn::new(1 + random.below(states.lsn().get()));
                let Ok(state) = branch.at(lsn).await else { continue };
                let called = name(&format!("b{step}"));
                let forked = project.create_branch(&called, &state, None).await.unwrap();
                branches.push(forked);
            }
            22..=23 => {
                let other = random.pick(&branches).clone();
                merge(&other, &branch).await;
            }
            24 => undo_last(&branch).await,
            25 => {
                let head = branch.head().await.unwrap();
                let lsn = argon_core::model::Lsn::new(1 + random.below(head.lsn().get()));
                if let Ok(state) = branch.at(lsn).await
                    && state.lsn() < head.lsn()
                {
                    restore::reset(&branch, &state).await.unwrap();
                }
            }
            26 => {
                let head = branch.head().await.unwrap();
                let Ok(view) = head.collection(&collection(DOCS)) else { continue };
                let mut names = view.info().indexes.iter();
                let named =
                    names.find_map(|index| index.get_str("name").ok().filter(|n| *n != "_id_"));
                if let Some(index) = named {
                    let request = branch.request();
                    branch.drop_index(&collection(DOCS), index, &request).await.unwrap();
                }
            }
            27 => drop(branch.build_indexes(&collection(DOCS)).await),
            28 if random.one_in(3) => {
                place.clock.set(1_000_000_000 * (step + 1));
                let options = Options { dry_run: false, ..Options::default() };
                collect(&store, &options).await.unwrap();
            }
            _ => {
                compare(&branch.head().await.unwrap()).await;
            }
        }
    }
    let mut compared = 0;
    for branch in &branches {
        let head = branch.head().await.unwrap();
        for lsn in 1..=head.lsn().get() {
            if let Ok(state) = branch.at(argon_core::model::Lsn::new(lsn)).await {
                compared += compare(&state).await;
            }
        }
    }
    if keeps_entries_of_any(&main).await {
        assert!(compared > 0, "no state had an index");
    }
}

async fn keeps_entries_of_any(branch: &Branch) -> bool {
    let state = branch.head().await.unwrap();
    match state.collection(&collection(DOCS)) {
        Ok(view) if !view.info().indexes.is_empty() => {
            let indexes = view.indexes().await.unwrap();
            !indexes.readable.is_empty()
        }
        _ => false,
    }
}

/// Writes up to three documents in one commit.
async fn write(branch: &Branch, random: &mut Random) {
    let mut request = branch.request();
    for _ in 0..=random.below(3) {
        let id = i32::try_from(random.below(12)).unwrap();
        if random.one_in(5) {
            request.delete(collection(DOCS), key(id), Precondition::Any);
            continue;
        }
        let mut document = doc! { "_id": id, "n": i64::try_from(random.below(1000)).unwrap() };
        let small = |random: &mut Random| i32::try_from(random.below(6)).unwrap();
        if !random.one_in(4) {
            document.insert("a", if random.one_in(8) { Bson::Null } else { small(random).into() });
        }
        if random.one_in(2) {
            document.insert("b", small(random));
        }
        if random.one_in(3) {
            document.insert("tags", vec![small(random), small(random)]);
        }
        let (key, document) = checked(RawDocumentBuf::try_from(&document).unwrap());
        request.put(collection(DOCS), key, document, Precondition::Any).unwrap();
    }
    branch.commit(request).await.unwrap();
}

/// Merges, and takes the other side where the two contradict each other.
async fn merge(source: &Branch, target: &Branch) {
    if source.name() == target.name() {
        return;
    }
    let theirs = source.head().await.unwrap();
    let rules = always("theirs");
    let Ok(plan) = Plan::merge(target, source.name().as_str(), &theirs, rules).await else {
        return;
    };
    let Ok(result) = plan.compute().await else { return };
    if result.conflicts.is_empty() {
        // Nothing to merge is an error.
        drop(plan.commit(&result, None, &argon_core::model::Message::default()).await);
    }
}

async fn undo_last(branch: &Branch) {
    let lsn = branch.head().await.unwrap().lsn();
    let Some(above) = lsn.back(1) else { return };
    let plan = Plan::undo(branch, above, lsn, Selection::default(), Rules::default()).await;
    let Ok(plan) = plan else { return };
    // The state before may be collected.
    let Ok(result) = plan.compute().await else { return };
    if result.conflicts.is_empty() {
        drop(plan.commit(&result, None, &argon_core::model::Message::default()).await);
    }
}

async fn an_index_of_a_new_collection_is_kept_from_its_first_document(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let index = doc! { "v": 2, "key": { "a": 1 }, "name": "a_1" };
    let change = CollectionChange::SetIndexes { name: collection(DOCS), indexes: vec![index] };
    main.change_collection(change).await.unwrap();
    for id in 0..10 {
        put(&main, rawdoc! { "_id": id, "a": id }).await.unwrap();
    }
    let head = main.head().await.unwrap();
    if keeps_entries(&head).await {
        for lsn in 1..=head.lsn().get() {
            let state = main.at(argon_core::model::Lsn::new(lsn)).await.unwrap();
            assert_eq!(compare(&state).await, 1);
        }
    }
}

async fn a_fork_continues_the_indexes_of_its_base(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for id in 0..10 {
        put(&main, rawdoc! { "_id": id, "a": id }).await.unwrap();
    }
    create(&main, doc! { "key": { "a": 1 } }).await;
    let count = usize::from(keeps_entries(&main.head().await.unwrap()).await);
    let forked = fork(&main, "try").await;
    assert_eq!(compare(&forked.head().await.unwrap()).await, count, "before its first commit");
    put(&forked, rawdoc! { "_id": 3, "a": 77 }).await.unwrap();
    put(&main, rawdoc! { "_id": 4, "a": 78 }).await.unwrap();
    let deeper = fork(&forked, "deeper").await;
    put(&deeper, rawdoc! { "_id": 3, "a": 3 }).await.unwrap();
    for branch in [&main, &forked, &deeper] {
        assert_eq!(compare(&branch.head().await.unwrap()).await, count);
    }
}

async fn a_dropped_index_serves_the_past(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for id in 0..10 {
        put(&main, rawdoc! { "_id": id, "a": id }).await.unwrap();
    }
    create(&main, doc! { "key": { "a": 1 } }).await;
    let before = main.head().await.unwrap();
    let count = usize::from(keeps_entries(&before).await);
    main.drop_index(&collection(DOCS), "a_1", &main.request()).await.unwrap();
    put(&main, rawdoc! { "_id": 3, "a": 77 }).await.unwrap();
    let after = main.head().await.unwrap();
    assert_eq!((compare(&before).await, compare(&after).await), (count, 0));
    create(&main, doc! { "key": { "a": 1 } }).await;
    let again = main.head().await.unwrap();
    assert_eq!((compare(&before).await, compare(&again).await), (count, count));
    let unknown = main.drop_index(&collection(DOCS), "b_1", &main.request()).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

async fn a_second_document_with_a_unique_value_is_refused(subject: Subject) {
    let (_place, main) = subject.branch().await;
    create(&main, doc! { "key": { "email": 1 }, "unique": true }).await;
    put(&main, rawdoc! { "_id": 1, "email": "a" }).await.unwrap();
    let refused = put(&main, rawdoc! { "_id": 2, "email": "a" }).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(refused.to_string().contains("email"), "{refused}");
    put(&main, rawdoc! { "_id": 1, "email": "a", "more": 1 }).await.unwrap();
    put(&main, rawdoc! { "_id": 2, "email": "b" }).await.unwrap();
    let refused = put(&main, rawdoc! { "_id": 2, "email": "a" }).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    main.collection(&collection(DOCS)).delete(&key(1)).await.unwrap();
    put(&main, rawdoc! { "_id": 2, "email": "a" }).await.unwrap();
    let forked = fork(&main, "try").await;
    let refused = put(&forked, rawdoc! { "_id": 9, "email": "a" }).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "its base has the value");
    put(&forked, rawdoc! { "_id": 2, "email": "c" }).await.unwrap();
    put(&forked, rawdoc! { "_id": 9, "email": "a" }).await.unwrap();
    assert_eq!(docs(&main.head().await.unwrap()).count().await.unwrap(), 1);
}

async fn unique_values_may_change_hands_in_one_commit(subject: Subject) {
    let (_place, main) = subject.branch().await;
    create(&main, doc! { "key": { "n": 1 }, "unique": true }).await;
    let both = |first: i32, second: i32| {
        let mut request = main.request();
        for (id, n) in [(1, first), (2, second)] {
            let (key, document) = checked(rawdoc! { "_id": id, "n": n });
            request.put(collection(DOCS), key, document, Precondition::Any).unwrap();
        }
        main.commit(request)
    };
    assert!(matches!(both(1, 2).await.unwrap(), Outcome::Committed(_)));
    assert!(matches!(both(2, 1).await.unwrap(), Outcome::Committed(_)));
    assert_eq!(both(3, 3).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    put(&main, rawdoc! { "_id": 3, "n": 3 }).await.unwrap();
    compare(&main.head().await.unwrap()).await;
}

async fn a_unique_index_is_not_made_over_duplicates(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for id in 0..4 {
        put(&main, rawdoc! { "_id": id, "a": id / 2 }).await.unwrap();
    }
    let before = main.head().await.unwrap().lsn();
    let definition = doc! { "key": { "a": 1 }, "unique": true };
    let made = main.create_index(&collection(DOCS), definition, &main.request()).await;
    assert_eq!(made.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let head = main.head().await.unwrap();
    assert_eq!((head.lsn(), docs(&head).info().indexes.len()), (before, 0));
    let fresh = fork(&main, "fresh").await;
    let definition = doc! { "key": { "a": 1 }, "unique": true };
    let made = fresh.create_index(&collection(DOCS), definition, &fresh.request()).await;
    assert_eq!(made.unwrap_err().kind(), ErrorKind::AlreadyExists, "on a fork without commits");
    create(&fresh, doc! { "key": { "_id": 1, "a": 1 }, "unique": true }).await;
    put(&fresh, rawdoc! { "_id": 9, "a": 9 }).await.unwrap();
    let count = usize::from(keeps_entries(&fresh.head().await.unwrap()).await);
    assert_eq!(compare(&fresh.head().await.unwrap()).await, count);
}

async fn writers_go_on_while_an_index_is_made(subject: Subject) {
    let (_place, main) = subject.branch().await;
    fill(&main, (0..2_000).map(|id| rawdoc! { "_id": id, "a": id })).await;
    let writing = {
        let main = main.clone();
        tokio::spawn(async move {
            for n in 0..60 {
                put(&main, rawdoc! { "_id": n % 30, "a": 1000 + n }).await.unwrap();
            }
        })
    };
    create(&main, doc! { "key": { "a": 1 } }).await;
    writing.await.unwrap();
    let head = main.head().await.unwrap();
    let count = usize::from(keeps_entries(&head).await);
    assert_eq!(compare(&head).await, count);
}

/// Fills a collection with a unique index, and does `operation` again and again, each time cut off one
/// write later than before, until it is not cut off any more. After each cut the store is opened
/// again: its indexes are whole, it goes on, and the operation can be done again.
async fn cut_off_anywhere(
    subject: &Subject,
    operation: impl AsyncFn(&Branch) -> argon_core::Result<()>,
) {
    // The first are more than one batch of entries.
    let many: i32 = subject.scaled(2_100, 60);
    for (cut, documents) in [(Fault::Before, many), (Fault::LostAnswer, 60), (Fault::LostCall, 60)]
    {
        for writes_before in 0.. {
            assert!(writes_before < 40, "it never ends");
            let Faulty { plan, branch, backend, place, .. } = Faulty::new(subject).await;
            create(&branch, doc! { "key": { "u": 1 }, "unique": true }).await;
            let all = (0..documents).map(|id| rawdoc! { "_id": id, "a": id % 7, "u": id });
            fill(&branch, all).await;
            plan.next(vec![Fault::None; writes_before].into_iter().chain([cut]));
            let done = operation(&branch).await;
            let label = format!("{cut:?} after {writes_before} writes: {done:?}");
            let was_cut = plan.met() > 0;
            drop(branch);
            let main = first_branch(&place.project_again(backend.clone()).await).await;
            compare(&main.head().await.unwrap()).await;
            put(&main, rawdoc! { "_id": 0, "a": 100, "u": 0 }).await.expect(&label);
            let error = put(&main, rawdoc! { "_id": -1, "u": 50 }).await.expect_err(&label);
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{label}");
            compare(&main.head().await.unwrap()).await;
            operation(&main).await.expect(&label);
            create(&main, doc! { "key": { "a": 1 } }).await;
            let head = main.head().await.unwrap();
            let wanted = if keeps_entries(&head).await { 2 } else { 0 };
            assert_eq!(compare(&head).await, wanted, "{label}");
            let store = place.store(backend);
            let report = argon_core::fsck::fsck(&store, false, &|_| {}).await.unwrap();
            assert_eq!(report.problems, [], "{label}");
            if !was_cut {
                break;
            }
        }
    }
}

async fn the_creation_of_an_index_that_is_cut_off_anywhere_loses_nothing(subject: Subject) {
    cut_off_anywhere(&subject, async |branch| {
        let request = branch.request();
        branch.create_index(&collection(DOCS), doc! { "key": { "a": 1 } }, &request).await.map(drop)
    })
    .await;
}

async fn commits_that_are_cut_off_anywhere_keep_the_indexes(subject: Subject) {
    cut_off_anywhere(&subject, async |branch| {
        for id in 1..4 {
            put(branch, rawdoc! { "_id": id, "a": -1, "u": id + 10_000 }).await?;
        }
        match branch.collection(&collection(DOCS)).delete(&key(4)).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    })
    .await;
}

async fn two_writers_never_get_one_unique_value(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let shared = backend.capabilities.shared;
    let project = place.project(backend.clone()).await;
    let main = first_branch(&project).await;
    create(&main, doc! { "key": { "n": 1 }, "unique": true }).await;
    let other = if shared { place.open().await } else { backend };
    let second = first_branch(&place.project_again(other).await).await;
    let rounds = subject.scaled(60, 25);
    let race = |branch: Branch, offset: i32| async move {
        let mut won = 0;
        for n in 0..rounds {
            let document = rawdoc! { "_id": offset + n, "n": n };
            match branch.collection(&collection(DOCS)).insert(document).await {
                Ok(_) => won += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
            }
        }
        won
    };
    let races = [tokio::spawn(race(main.clone(), 0)), tokio::spawn(race(second, 10_000))];
    let mut won = 0;
    for race in races {
        won += race.await.unwrap();
    }
    assert_eq!(won, rounds, "each value has one winner");
    let head = main.head().await.unwrap();
    assert_eq!(docs(&head).count().await.unwrap(), u64::try_from(rounds).unwrap());
    compare(&head).await;
}

async fn an_index_is_there_after_opening_again(subject: Subject) {
    let (place, backend) = subject.backend().await;
    if !backend.capabilities.durable {
        return;
    }
    let main = first_branch(&place.project(backend).await).await;
    for id in 0..10 {
        put(&main, rawdoc! { "_id": id, "a": id, "tags": [1, id] }).await.unwrap();
    }
    create(&main, doc! { "key": { "a": 1 } }).await;
    create(&main, doc! { "key": { "tags": 1 } }).await;
    let count = if keeps_entries(&main.head().await.unwrap()).await { 2 } else { 0 };
    drop(main);
    let main = first_branch(&place.project_again(place.open().await).await).await;
    put(&main, rawdoc! { "_id": 3, "a": 77 }).await.unwrap();
    assert_eq!(compare(&main.head().await.unwrap()).await, count);
}

async fn a_document_that_an_index_can_not_take_is_refused(subject: Subject) {
    let (_place, main) = subject.branch().await;
    put(&main, rawdoc! { "_id": 1, "a": 1 }).await.unwrap();
    create(&main, doc! { "key": { "a": 1, "b": 1 } }).await;
    let parallel = rawdoc! { "_id": 2, "a": [1, 2], "b": [1, 2] };
    if keeps_entries(&main.head().await.unwrap()).await {
        let refused = put(&main, parallel.clone()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    }
    let other = fork(&main, "other").await;
    other.drop_index(&collection(DOCS), "a_1_b_1", &other.request()).await.unwrap();
    put(&other, parallel).await.unwrap();
    let definition = doc! { "key": { "a": 1, "b": 1 } };
    if keeps_entries(&main.head().await.unwrap()).await {
        let made = other.create_index(&collection(DOCS), definition, &other.request()).await;
        assert_eq!(made.unwrap_err().kind(), ErrorKind::Invalid);
    }
    compare(&other.head().await.unwrap()).await;
}

async fn copied_history_is_read_by_scan_until_its_indexes_are_built(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let source = place.store(backend.clone());
    let main = first_branch(&place.project(backend).await).await;
    create(&main, doc! { "key": { "a": 1 } }).await;
    for id in 0..10 {
        put(&main, rawdoc! { "_id": id, "a": id }).await.unwrap();
    }
    let count = usize::from(keeps_entries(&main.head().await.unwrap()).await);
    let (target_place, target) = subject.backend().await;
    let target = target_place.store(target);
    copy::plan(&source, None).await.unwrap().run(&target, &|_| {}).await.unwrap();
    let copied = first_branch(&target.project(main.project().name()).await.unwrap()).await;
    assert_eq!(compare(&copied.head().await.unwrap()).await, 0);
    copied.build_indexes(&collection(DOCS)).await.unwrap();
    assert_eq!(compare(&copied.head().await.unwrap()).await, count);
}
