//! Removal of unused chunks.

use std::collections::HashSet;

use argon_core::model::Digest;
use argon_core::storage::{Backend, Reclaimed, StoreUrl};
use argon_test_servers::{Fault, FaultProxy};
use bson::{DateTime, doc};

use super::{beneath, create, server, url};
use crate::mongodb::connection::Connection;
use crate::mongodb::record::binary;
use crate::mongodb::schema;

/// A chunk of a size that was put some hours ago.
async fn chunk(backend: &Backend, beneath: &Connection, size: usize, hours: i64) -> Digest {
    let bytes = vec![u8::try_from(size % 251).unwrap(); size];
    let digest = Digest::of(&bytes);
    backend.snapshots.put_chunk(digest, bytes).await.unwrap();
    let now = crate::environment().now().timestamp_millis();
    let at = DateTime::from_millis(now - hours * 3_600_000);
    let name = doc! { "_id": binary(digest.as_bytes()) };
    let chunks = beneath.collection(schema::CHUNKS);
    if hours > 0 {
        chunks.update_one(name, doc! { "$set": { "at": at } }).await.unwrap();
    }
    digest
}

async fn count(beneath: &Connection, collection: &str) -> u64 {
    beneath.collection(collection).count_documents(doc! {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_chunks_that_no_manifest_lists_go_and_others_stay() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let beneath = beneath(&url).await;
    let live = chunk(&backend, &beneath, 100, 2).await;
    let young = chunk(&backend, &beneath, 101, 0).await;
    let old = chunk(&backend, &beneath, 102, 2).await;
    let large = chunk(&backend, &beneath, 16_000_000, 2).await;
    let timeless = chunk(&backend, &beneath, 103, 0).await;
    let chunks = beneath.collection(schema::CHUNKS);
    let name = doc! { "_id": binary(timeless.as_bytes()) };
    chunks.update_one(name, doc! { "$unset": { "at": "" } }).await.unwrap();
    let again = chunk(&backend, &beneath, 104, 2).await;
    backend.snapshots.put_chunk(again, vec![104; 104]).await.unwrap();
    let all = HashSet::from([live]);
    let expected = Reclaimed { chunks: 3, bytes: 102 + 103 + 16_000_000, ..Reclaimed::default() };
    assert_eq!(backend.snapshots.sweep_chunks(&all, true).await.unwrap(), expected);
    assert_eq!(count(&beneath, schema::CHUNKS).await, 6);
    assert_eq!(backend.snapshots.sweep_chunks(&all, false).await.unwrap(), expected);
    for (digest, there) in [
        (live, true),
        (young, true),
        (again, true),
        (old, false),
        (large, false),
        (timeless, false),
    ] {
        let found = backend.snapshots.get_chunk(digest).await.unwrap();
        assert_eq!(found.is_some(), there, "{digest}");
    }
    assert_eq!(count(&beneath, schema::PARTS).await, 0);
    assert_eq!(backend.snapshots.sweep_chunks(&all, false).await.unwrap(), Reclaimed::default());
    backend.snapshots.put_chunk(old, vec![102; 102]).await.unwrap();
    assert_eq!(backend.snapshots.get_chunk(old).await.unwrap(), Some(vec![102; 102]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_chunk_whose_answer_was_lost_keeps_its_parts() {
    let Some(server) = server() else { return };
    let database = super::database();
    let sound: StoreUrl = server.url(&database).parse().unwrap();
    create(&sound).await;
    let proxy = FaultProxy::start(server.address()).unwrap();
    let faulty: StoreUrl = server.url_by(proxy.addr(), &database).parse().unwrap();
    let backend = super::open(&faulty).await;
    let bytes = vec![7; 16 * 1024 * 1024];
    let digest = Digest::of(&bytes);
    // The driver repeats the request once, and the server answers that from its own record.
    proxy.set_for("findAndModify", Fault::LoseAnswers(2));
    backend.snapshots.put_chunk(digest, bytes.clone()).await.unwrap();
    proxy.set(Fault::Pass);
    assert!(backend.snapshots.get_chunk(digest).await.unwrap() == Some(bytes));
}
