//! Commits that are too large for a transaction.

use std::sync::Arc;
use std::time::Duration;

use argon_core::Branch;
use argon_core::key::Key;
use argon_core::model::{Change, CollectionName, Commit, Document, Lsn, TimelineId};
use argon_core::storage::{Append, KeyRange, Maintenance, Version};
use argon_core::write::{Precondition, WriteRequest};
use bson::{DateTime, doc, rawdoc};
use futures::TryStreamExt;

use super::{Chain, beneath, branch_again, create, new_branch, open, put, server, url};
use crate::mongodb::connection::Connection;
use crate::mongodb::schema;

async fn count(beneath: &Connection, collection: &str) -> u64 {
    beneath.collection(collection).count_documents(doc! {}).await.unwrap()
}

async fn findings(maintenance: &dyn Maintenance) -> Vec<String> {
    let found: Vec<_> = maintenance.verify().try_collect().await.unwrap();
    found.into_iter().map(|finding| finding.problem).collect()
}

fn many(count: i32, text: &str) -> Vec<Change> {
    (0..count).map(|id| put(rawdoc! { "_id": id, "text": text })).collect()
}

/// A request that writes documents of the collection `c`.
fn request(branch: &Branch, ids: std::ops::Range<i32>, text: &str) -> WriteRequest {
    let mut request = branch.request();
    for id in ids {
        let (key, document) = Document::checked(rawdoc! { "_id": id, "text": text }).unwrap();
        request.put(CollectionName::new("c").unwrap(), key, document, Precondition::Any).unwrap();
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_very_many_documents_appears_at_once_and_whole() {
    const COUNT: i32 = 20_500;
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let branch = new_branch(backend.clone()).await;
    branch.commit(request(&branch, 5..6, "before")).await.unwrap();
    let append = tokio::spawn({
        let (branch, request) = (branch.clone(), request(&branch, 0..COUNT, "large"));
        async move { branch.commit(request).await.unwrap().committed().unwrap() }
    });
    let reader = open(&url).await;
    let seen = branch_again(reader.clone()).await;
    let beneath = beneath(&url).await;
    let mut staged_unseen = 0;
    while !append.is_finished() {
        let staged = count(&beneath, schema::PIECES).await > 0;
        let head = seen.head().await.unwrap();
        let documents = head.collection(&CollectionName::new("c").unwrap()).unwrap();
        let expected = if head.lsn().get() == 1 { 1 } else { 20_500 };
        assert_eq!(documents.count().await.unwrap(), expected, "at LSN {}", head.lsn());
        staged_unseen += u32::from(staged && expected == 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(append.await.unwrap().lsn.get(), 2);
    assert!(staged_unseen > 0, "what was staged could be seen in between, and was not");
    branch.commit(request(&branch, 7..8, "after")).await.unwrap();
    for backend in [&backend, &reader] {
        let head = branch_again(backend.clone()).await.head().await.unwrap();
        let timeline = head.view().segments()[0].timeline;
        let read: Vec<Commit> =
            backend.wal.read(timeline, Lsn::ZERO..=Lsn::MAX).try_collect().await.unwrap();
        assert_eq!(
            read.iter().map(|commit| commit.changes.len()).collect::<Vec<_>>()[1..],
            [20_500, 1]
        );
        assert_eq!(read[1].compute_digest(&read[0].digest), read[1].digest, "it came back changed");
        let collection = head.collection(&CollectionName::new("c").unwrap()).unwrap().info().id;
        let native = backend.materialize.clone().unwrap();
        let rows: Vec<(Key, Version)> =
            native.scan(head.view(), collection, KeyRange::default()).try_collect().await.unwrap();
        assert_eq!(rows.len(), 20_500);
        let after = Key::of(&7.into()).unwrap();
        assert!(rows.iter().all(|(key, row)| row.lsn.get() == if *key == after { 3 } else { 2 }));
        let keys: Vec<Key> = [3, 5, 7].map(|id| Key::of(&id.into()).unwrap()).into();
        for (at, view) in [(1, head.view().at(Lsn::new(1))), (2, head.view().at(Lsn::new(2)))] {
            let stamps = native.stamps(&view, collection, keys.clone()).await.unwrap();
            let lsns: Vec<_> =
                stamps.iter().map(|stamp| stamp.map(|stamp| stamp.lsn.get())).collect();
            let expected = if at == 1 { [None, Some(1), None] } else { [Some(2); 3] };
            assert_eq!(lsns, expected, "at LSN {at}");
        }
        let history: Vec<_> =
            native.history(head.view(), collection, &after).try_collect().await.unwrap();
        assert_eq!(history.iter().map(|(lsn, _)| lsn.get()).collect::<Vec<_>>(), [3, 2]);
    }
    assert_eq!(findings(&*backend.maintenance).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_commit_that_comes_too_late_leaves_nothing() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let mut chain = Chain::new();
    chain.write(&backend, vec![put(rawdoc! { "_id": 1 })]).await;
    let mut rival = chain.clone();
    let (before, late) = (rival.head, rival.next(many(20_001, "late")));
    let winner = chain.next(vec![put(rawdoc! { "_id": 2 })]);
    let append = |commit: Commit| {
        let commits: Arc<[Commit]> = [commit].into();
        let (wal, timeline) = (backend.wal.clone(), chain.timeline);
        async move { wal.append(&timeline, &before, commits, None).await.unwrap() }
    };
    let beneath = beneath(&url).await;
    let (late, won) = futures::join!(append(late), async {
        while count(&beneath, schema::PIECES).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        append(winner.clone()).await
    });
    assert_eq!((won, late), (Append::Done, Append::HeadMoved(winner.head())));
    // It is removed in the background.
    while count(&beneath, schema::PIECES).await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(count(&beneath, schema::VERSIONS).await, 2);
    assert_eq!(findings(&*backend.maintenance).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cut_off_append_left_is_removed_when_it_is_old() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let mut chain = Chain::new();
    chain.write(&backend, many(20_001, "kept")).await;
    let beneath = beneath(&url).await;
    let now = crate::environment().now().timestamp_millis();
    let hours = |hours: i64| DateTime::from_millis(now - hours * 3_600_000);
    for (byte, made) in [(1_u8, hours(25)), (2, hours(1))] {
        let name = crate::mongodb::record::binary(&[byte; 16]);
        let extent = rawdoc! { "_id": name.clone(), "made": made };
        beneath.collection(schema::PIECES).insert_one(extent).await.unwrap();
        let row = rawdoc! { "_id": i32::from(byte), "t": name, "c": 1_i64, "k": "x", "l": 1_i64 };
        beneath.collection(schema::VERSIONS).insert_one(row).await.unwrap();
    }
    assert_eq!(findings(&*backend.maintenance).await, Vec::<String>::new(), "they are expected");
    backend.maintenance.compact().await.unwrap();
    assert_eq!(count(&beneath, schema::PIECES).await, 2, "the one that is used, and the young one");
    assert_eq!(count(&beneath, schema::VERSIONS).await, 20_001 + 1);
    let read: Vec<Commit> =
        backend.wal.read(chain.timeline.id, Lsn::ZERO..=Lsn::MAX).try_collect().await.unwrap();
    assert_eq!(read[0].changes.len(), 20_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_finds_what_is_missing_and_what_belongs_to_nothing() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let mut chain = Chain::new();
    for id in 0..4 {
        chain.write(&backend, vec![put(rawdoc! { "_id": id })]).await;
    }
    let beneath = beneath(&url).await;
    let versions = beneath.collection(schema::VERSIONS);
    assert_eq!(findings(&*backend.maintenance).await, Vec::<String>::new());
    let name = chain.timeline.id;
    versions.delete_one(doc! { "l": 2_i64 }).await.unwrap();
    let expected = format!("timeline {name} lacks 1 versions that its commits list");
    assert_eq!(findings(&*backend.maintenance).await, [expected]);
    for at in [7_i64, 8] {
        let t = crate::mongodb::record::id(name);
        let row = rawdoc! { "_id": at, "t": t, "c": 1_i64, "k": "x", "l": at };
        versions.insert_one(row).await.unwrap();
    }
    let expected = format!("timeline {name} has 1 versions that no commit lists");
    assert_eq!(findings(&*backend.maintenance).await, [expected]);
    beneath.collection(schema::COMMITS).delete_one(doc! { "l": 3_i64 }).await.unwrap();
    let stranger = TimelineId::from_bytes([9; 16]);
    let row = rawdoc! {
        "_id": 1, "t": crate::mongodb::record::id(stranger), "o": 1, "n": 0, "d": "x",
    };
    beneath.collection(schema::PARTS).insert_one(row).await.unwrap();
    let found = findings(&*backend.maintenance).await.join("\n");
    assert!(
        found.contains(&format!("timeline {name} has 3 commits between LSN 0 and 4")),
        "{found}"
    );
    assert!(found.contains(&format!("parts has rows under {stranger}")), "{found}");
}
