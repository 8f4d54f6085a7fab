//! Entries of indexes. What every backend owes is held by `conformance-tests`.

use std::sync::Arc;

use argon_core::model::{CollectionName, Commit, Lsn, TimelineId};
use argon_core::storage::{
    Append, Backend, BuildId, BuildStatus, Direction, Entry, EntryChange, EntryRange, IndexChanges,
    KeyRange, StoreUrl, maintained,
};
use argon_core::{Branch, ErrorKind, State};
use argon_test_servers::FaultProxy;
use bson::{doc, rawdoc};
use futures::TryStreamExt;

use super::{
    COLLECTION, Chain, beneath, branch_again, create, database, new_branch, open, open_older, put,
    server, url,
};
use crate::mongodb::record::id;
use crate::mongodb::{build_record, schema};

fn docs() -> CollectionName {
    CollectionName::new("docs").unwrap()
}

async fn write(branch: &Branch, id: i32, n: i32) {
    let document = rawdoc! { "_id": id, "n": n, "tags": [n, n + 1] };
    branch.collection(&docs()).put(document).await.unwrap();
}

async fn create_index(branch: &Branch, field: &str) {
    branch.create_index(&docs(), doc! { "key": { field: 1 } }, &branch.request()).await.unwrap();
}

fn timeline(state: &State) -> TimelineId {
    state.view().segments()[0].timeline
}

/// Compares the entries of all indexes of a state with its documents; returns the number of indexes.
async fn compare(state: &State) -> usize {
    let view = state.collection(&docs()).unwrap();
    let mut rows = view.scan_range(KeyRange::default());
    let mut documents = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        documents.push(row);
    }
    let readable = view.indexes().await.unwrap().readable;
    for index in &readable {
        let mut expected: Vec<Entry> = Vec::new();
        for (id, version) in &documents {
            let keys = index.index.entries_of(version.document.as_raw()).unwrap().keys;
            expected.extend(keys.into_iter().map(|key| Entry { key, id: id.clone() }));
        }
        expected.sort_unstable();
        let all = || EntryRange { from: Vec::new(), to: None };
        let up = view.entries(index, all(), Direction::Ascending);
        let up: Vec<Entry> = up.try_collect().await.unwrap();
        let down = view.entries(index, all(), Direction::Descending);
        let mut down: Vec<Entry> = down.try_collect().await.unwrap();
        down.reverse();
        let name = index.index.name();
        assert!(up == expected, "{name} at {}: {} of {}", state.lsn(), up.len(), expected.len());
        let differs = down.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert!(
            down == expected,
            "{name} at {}, backwards: {} of {}, first at {differs:?}",
            state.lsn(),
            down.len(),
            expected.len()
        );
    }
    readable.len()
}

async fn findings(backend: &Backend) -> Vec<String> {
    let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
    findings.into_iter().map(|finding| finding.problem).collect()
}

async fn count(url: &StoreUrl, collection: &str, filter: bson::Document) -> u64 {
    beneath(url).await.collection(collection).count_documents(filter).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_format_3_is_raised_when_its_first_index_is_built() {
    let Some(server) = server() else { return };
    let url = url(server);
    create(&url).await;
    let beneath = beneath(&url).await;
    for name in [schema::BUILDS, schema::ENTRIES] {
        beneath.collection(name).drop().await.unwrap();
    }
    let store = beneath.collection(schema::STORE);
    store.update_one(doc! {}, doc! { "$set": { "format": 3 } }).await.unwrap();
    let branch = new_branch(open(&url).await).await;
    write(&branch, 1, 1).await;
    write(&branch, 1, 2).await;
    let again = open(&url).await;
    assert_eq!(again.maintenance.info().format, 3, "an older version of Argon opens it, too");
    assert_eq!(findings(&again).await, [""; 0]);
    create_index(&branch, "n").await;
    write(&branch, 2, 3).await;
    let again = open(&url).await;
    assert_eq!(again.maintenance.info().format, 4);
    assert_eq!(compare(&branch_again(again).await.head().await.unwrap()).await, 1);
    beneath.collection(schema::ENTRIES).drop_index("entry").await.unwrap();
    let environment = crate::environment();
    let options = argon_core::storage::OpenOptions::default();
    let opened = argon_core::storage::Factory::open(
        &crate::mongodb::MongoFactory,
        &url,
        &options,
        &environment,
    );
    let error = opened.await.unwrap_err();
    assert!(error.to_string().contains("db.entries.createIndex({t: 1, b: 1, k: 1, i: 1, x: -1}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_for_other_builds_than_the_maintained_ones_changes_nothing() {
    let Some(server) = server() else { return };
    let url = url(server);
    let (first, second) = (create(&url).await, open(&url).await);
    let mut chain = Chain::new();
    chain.write(&first, vec![put(rawdoc! { "_id": 1 })]).await;
    // Both processes know the timeline without builds now.
    chain.write(&second, vec![put(rawdoc! { "_id": 1 })]).await;
    let indexes = first.indexes.clone().unwrap();
    let definition = doc! { "key": { "a": 1 } };
    let timeline = chain.timeline;
    let build = indexes.begin(&timeline, &chain.head, COLLECTION, &definition).await.unwrap();
    let earlier = chain.head;
    let append = |chain: &mut Chain, backend: &Backend, builds: &[BuildId]| {
        let mut next = chain.clone();
        let commits: Arc<[Commit]> = [next.next(vec![put(rawdoc! { "_id": 1 })])].into();
        let (backend, expected, after) = (backend.clone(), chain.head, next.head);
        let changes = IndexChanges { builds: builds.to_vec(), ..IndexChanges::default() };
        async move {
            let changes = Some(Arc::new(changes));
            let answer = backend.wal.append(&timeline, &expected, commits, changes).await.unwrap();
            (answer, after)
        }
    };
    let (answer, after) = append(&mut chain, &second, &[]).await;
    assert_eq!(answer, Append::Done, "a build that is being made is not maintained");
    chain.head = after;
    assert_eq!(
        indexes.complete(&timeline, build, &earlier, false).await.unwrap(),
        Append::HeadMoved(chain.head)
    );
    let done = indexes.complete(&timeline, build, &chain.head, true).await.unwrap();
    assert_eq!(done, Append::Done);
    for backend in [&first, &second] {
        let (answer, _) = append(&mut chain, backend, &[]).await;
        assert_eq!(answer, Append::HeadMoved(chain.head));
    }
    let (answer, after) = append(&mut chain, &second, &[build]).await;
    assert_eq!(answer, Append::Done);
    chain.head = after;
    // Without changes of entries, maintenance ends.
    chain.write(&second, vec![put(rawdoc! { "_id": 2 })]).await;
    let builds = indexes.builds(timeline.id).await.unwrap();
    let closed = BuildStatus::Closed { from: Lsn::new(3), until: Lsn::new(4) };
    assert_eq!((builds[0].status, builds[0].multikey), (closed, true));
    let (answer, _) = append(&mut chain, &first, &[build]).await;
    assert_eq!(answer, Append::HeadMoved(chain.head));
    assert_eq!(findings(&first).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_with_too_many_changes_ends_the_maintenance_of_its_largest_index() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let mut chain = Chain::new();
    chain.write(&backend, vec![put(rawdoc! { "_id": 1 })]).await;
    let indexes = backend.indexes.clone().unwrap();
    let mut builds = Vec::new();
    for field in ["a", "b"] {
        let definition = doc! { "key": { field: 1 } };
        let build = indexes.begin(&chain.timeline, &chain.head, COLLECTION, &definition).await;
        builds.push(build.unwrap());
    }
    for build in &builds {
        indexes.complete(&chain.timeline, *build, &chain.head, false).await.unwrap();
    }
    let change = put(rawdoc! { "_id": 2 });
    let entry = |build: BuildId, number: u32| EntryChange {
        build,
        lsn: Lsn::new(2),
        entry: Entry { key: number.to_be_bytes().to_vec(), id: change.key.clone() },
        held: true,
    };
    let mut entries: Vec<EntryChange> = (0..50_001).map(|at| entry(builds[0], at)).collect();
    entries.extend((0..100).map(|at| entry(builds[1], at)));
    let changes = IndexChanges { builds: builds.clone(), entries, ..IndexChanges::default() };
    let expected = chain.head;
    let commits: Arc<[Commit]> = [chain.next(vec![change.clone()])].into();
    let append = backend.wal.append(&chain.timeline, &expected, commits, Some(changes.into()));
    assert_eq!(append.await.unwrap(), Append::Done);
    let known = indexes.builds(chain.timeline.id).await.unwrap();
    assert_eq!(maintained(&known), [builds[1]]);
    assert_eq!(known[0].status, BuildStatus::Closed { from: Lsn::new(1), until: Lsn::new(1) });
    let stored = indexes.stored(chain.timeline.id, builds[1]).await.unwrap();
    assert_eq!((stored.held, stored.past), (100, 0));
    assert!(stored.bytes > 100 * 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_several_pages_has_each_entry_once_in_any_state() {
    let Some(server) = server() else { return };
    let url = url(server);
    let branch = new_branch(create(&url).await).await;
    let put_all = |ids: std::ops::Range<i32>, value: fn(i32) -> i32| {
        let mut request = branch.request();
        for id in ids {
            let document = rawdoc! { "_id": id, "n": value(id) };
            let (key, document) = argon_core::model::Document::checked(document).unwrap();
            let any = argon_core::write::Precondition::Any;
            request.put(docs(), key, document, any).unwrap();
        }
        branch.commit(request)
    };
    // A key of more than a page, and many others.
    put_all(0..700, |id| if id < 330 { 5 } else { id }).await.unwrap();
    create_index(&branch, "n").await;
    let before = branch.head().await.unwrap();
    assert_eq!(compare(&before).await, 1);
    put_all(0..500, |id| if id % 2 == 0 { 5 } else { 1000 - id }).await.unwrap();
    assert_eq!(compare(&branch.head().await.unwrap()).await, 1);
    assert_eq!(compare(&before).await, 1, "its entries are among those of the past");
    let indexes = branch_again(open(&url).await).await;
    let at = indexes.at(before.lsn()).await.unwrap();
    assert_eq!(compare(&at).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_change_also_on_a_server_without_bulk_write() {
    let Some(server) = server() else { return };
    let url = url(server);
    let branch = new_branch(create(&url).await).await;
    write(&branch, 1, 1).await;
    let older = branch_again(open_older(&url).await).await;
    create_index(&older, "tags").await;
    create_index(&older, "n").await;
    for (round, writer) in [&branch, &older, &older, &branch, &older].into_iter().enumerate() {
        write(writer, 1, i32::try_from(round).unwrap()).await;
        writer
            .collection(&docs())
            .delete(&argon_core::key::Key::of(&1.into()).unwrap())
            .await
            .unwrap();
        write(writer, 1, 9).await;
        write(writer, 2, 9).await;
    }
    let head = branch.head().await.unwrap();
    for lsn in 4..=head.lsn().get() {
        assert_eq!(compare(&older.at(Lsn::new(lsn)).await.unwrap()).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_cut_off_at_any_request_can_be_made_again() {
    let Some(server) = server() else { return };
    let proxy = FaultProxy::start(server.address()).unwrap();
    let mut ended = false;
    for requests in (1..).step_by(2) {
        let database = database();
        let sound: StoreUrl = server.url(&database).parse().unwrap();
        let branch = new_branch(create(&sound).await).await;
        write(&branch, 1, 1).await;
        let faulty = open(&server.url_by(proxy.addr(), &database).parse().unwrap()).await;
        let faulty = branch_again(faulty).await;
        proxy.reset();
        let work = tokio::spawn(async move {
            create_index(&faulty, "n").await;
            write(&faulty, 2, 2).await;
        });
        while !work.is_finished() {
            if proxy.counts().requests.len() >= requests {
                work.abort();
                break;
            }
            tokio::task::yield_now().await;
        }
        let done = work.await.is_ok();
        let again = open(&sound).await;
        assert_eq!(findings(&again).await, [""; 0], "after {requests} requests");
        let branch = branch_again(again.clone()).await;
        write(&branch, 1, 3).await;
        compare(&branch.head().await.unwrap()).await;
        create_index(&branch, "n").await;
        branch.build_indexes(&docs()).await.unwrap();
        write(&branch, 3, 3).await;
        assert_eq!(compare(&branch.head().await.unwrap()).await, 1, "after {requests} requests");
        if done {
            ended = requests > 9;
            break;
        }
    }
    assert!(ended, "a build takes some requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_go_with_the_states_that_have_them() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let branch = new_branch(backend.clone()).await;
    for n in 0..4 {
        write(&branch, 1, n).await;
    }
    create_index(&branch, "n").await;
    create_index(&branch, "tags").await;
    for n in 10..20 {
        write(&branch, 1, n).await;
    }
    branch.drop_index(&docs(), "tags_1", &branch.request()).await.unwrap();
    write(&branch, 1, 20).await;
    let head = branch.head().await.unwrap();
    let id = timeline(&head);
    let past = doc! { "b": { "$lt": 0 } };
    assert!(count(&url, schema::ENTRIES, past.clone()).await > 20);
    let last = head.lsn().get();
    let keep = argon_core::storage::RetainedStates {
        from: Some(head.lsn()),
        points: [Lsn::new(last - 5)].into(),
    };
    let told = backend.wal.prunable(id, &keep).await.unwrap();
    let freed = backend.wal.prune(id, &keep).await.unwrap();
    assert_eq!(told, freed);
    assert_eq!(count(&url, schema::ENTRIES, past.clone()).await, 1 + 2, "of the point");
    compare(&branch.at(Lsn::new(last - 5)).await.unwrap()).await;
    assert_eq!(compare(&branch.head().await.unwrap()).await, 1);
    let keep = argon_core::storage::RetainedStates { from: Some(head.lsn()), points: [].into() };
    backend.wal.prune(id, &keep).await.unwrap();
    let builds = backend.indexes.as_ref().unwrap().builds(id).await.unwrap();
    assert_eq!((builds.len(), maintained(&builds).len()), (1, 1), "the closed one is gone");
    assert_eq!(count(&url, schema::ENTRIES, doc! {}).await, 1);
    assert_eq!(findings(&backend).await, [""; 0]);
    assert_eq!(backend.wal.prune(id, &keep).await.unwrap().bytes, 0);
    backend.wal.drop_timeline(id).await.unwrap();
    assert_eq!(count(&url, schema::ENTRIES, doc! {}).await, 0);
    assert_eq!(count(&url, schema::BUILDS, doc! { "_id": { "$ne": "last" } }).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_no_build_and_lists_that_differ_are_found() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let branch = new_branch(backend.clone()).await;
    write(&branch, 1, 1).await;
    create_index(&branch, "n").await;
    let head = branch.head().await.unwrap();
    let (beneath, own) = (beneath(&url).await, id(timeline(&head)));
    let entries = beneath.collection(schema::ENTRIES);
    let lost = TimelineId::from_bytes([9; 16]);
    entries.insert_one(rawdoc! { "_id": 1, "t": own.clone(), "b": -77_i64 }).await.unwrap();
    entries.insert_one(rawdoc! { "_id": 2, "t": id(lost), "b": 1_i64 }).await.unwrap();
    let builds = beneath.collection(schema::BUILDS);
    builds.insert_one(rawdoc! { "_id": id(lost) }).await.unwrap();
    let found = findings(&backend).await.join("\n");
    assert!(found.contains("has index entries of build 77, which is missing"), "{found}");
    assert!(found.contains("entries has rows under"), "{found}");
    assert!(found.contains(&format!("a list of indexes of timeline {lost}")), "{found}");
    let timelines = beneath.collection(schema::TIMELINES);
    timelines.update_one(doc! { "_id": own }, doc! { "$inc": { "builds": 1_i64 } }).await.unwrap();
    let found = findings(&backend).await.join("\n");
    assert!(found.contains("is not the one that its record names"), "{found}");
    let document = rawdoc! { "_id": 5 };
    let refused = branch.collection(&docs()).put(document).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_removes_builds_that_were_begun_long_ago() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let mut chain = Chain::new();
    chain.write(&backend, vec![put(rawdoc! { "_id": 1 })]).await;
    let indexes = backend.indexes.clone().unwrap();
    let definition = doc! { "key": { "a": 1 } };
    let build = indexes.begin(&chain.timeline, &chain.head, COLLECTION, &definition).await.unwrap();
    let entry = Entry { key: vec![1], id: argon_core::key::Key::of(&1.into()).unwrap() };
    let fill = |entry: Entry| {
        indexes.fill(chain.timeline.id, build, chain.head.lsn, vec![entry], Vec::new())
    };
    fill(entry.clone()).await.unwrap();
    fill(entry.clone()).await.unwrap();
    assert_eq!(indexes.stored(chain.timeline.id, build).await.unwrap().held, 1);
    backend.maintenance.compact().await.unwrap();
    assert_eq!(indexes.builds(chain.timeline.id).await.unwrap().len(), 1);
    let builds = beneath(&url).await.collection(schema::BUILDS);
    let own = doc! { "_id": id(chain.timeline.id) };
    let row = builds.find_one(own.clone()).await.unwrap().unwrap();
    let mut list = build_record::decode(&row).unwrap();
    list.begun = Arc::new([(build, bson::DateTime::from_millis(0))].into());
    let row = build_record::encode(chain.timeline.id, &list).unwrap();
    builds.replace_one(own, row).await.unwrap();
    backend.maintenance.compact().await.unwrap();
    assert_eq!(indexes.builds(chain.timeline.id).await.unwrap().len(), 0);
    assert_eq!(count(&url, schema::ENTRIES, doc! {}).await, 0);
    assert_eq!(fill(entry).await.unwrap_err().kind(), ErrorKind::Conflict);
}
