//! Indexes that are created: all of a command or none, whatever other clients do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bson::{Bson, Document, doc};
use common::{Client, Running, batch, options, serve};

fn index(field: &str, is_unique: bool) -> Document {
    let mut index = doc! { "key": { field: 1 }, "name": field };
    if is_unique {
        index.insert("unique", true);
    }
    index
}

fn create(indexes: impl IntoIterator<Item = Document>) -> Document {
    let indexes: Vec<Document> = indexes.into_iter().collect();
    doc! { "createIndexes": "boats", "indexes": indexes }
}

async fn names(client: &mut Client) -> Vec<String> {
    let listed = client.ok("shop", doc! { "listIndexes": "boats" }).await;
    let names = batch(&listed, "firstBatch");
    names.iter().map(|index| index.get_str("name").unwrap().to_owned()).collect()
}

async fn lsn(server: &Running) -> u64 {
    let project = server.store.project("shop").await.unwrap();
    project.branch("main").await.unwrap().head().await.unwrap().lsn().get()
}

#[tokio::test]
async fn indexes_of_a_command_are_one_commit_or_none() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let boats: Vec<Bson> =
        (0..9).map(|id| doc! { "_id": id, "a": id, "b": id / 2 }.into()).collect();
    client.ok("shop", doc! { "insert": "boats", "documents": boats }).await;
    let refused = create([index("a", false), index("b", true), index("c", false)]);
    assert_eq!(client.fails("shop", refused).await.0, 11000);
    let contradiction = create([index("a", false), doc! { "key": { "x": 1 }, "name": "a" }]);
    assert_eq!(client.fails("shop", contradiction).await.0, 86);
    assert_eq!(names(&mut client).await, ["_id_"]);
    assert_eq!(lsn(&server).await, 1);

    let created =
        client.ok("shop", create([index("a", true), index("b", false), index("a", true)])).await;
    assert_eq!(created.get_i32("numIndexesBefore").unwrap(), 1);
    assert_eq!(created.get_i32("numIndexesAfter").unwrap(), 3);
    assert_eq!(names(&mut client).await, ["_id_", "a", "b"]);
    assert_eq!(lsn(&server).await, 2);
    let again = client.ok("shop", create([index("b", false), index("c", false)])).await;
    assert_eq!(again.get_i32("numIndexesAfter").unwrap(), 4);
    let none = client.ok("shop", create([index("b", false)])).await;
    assert!(none.contains_key("note"), "{none}");
    assert_eq!(lsn(&server).await, 3);
    for field in ["a", "b", "c"] {
        let find = doc! { "find": "boats", "filter": { field: 1 }, "hint": field };
        let explained = client.ok("shop", doc! { "explain": find }).await;
        assert!(explained.to_string().contains("IXSCAN"), "{explained}");
    }
    let twice =
        client.run("shop", doc! { "insert": "boats", "documents": [{ "_id": 100, "a": 1 }] }).await;
    assert!(twice.contains_key("writeErrors"), "{twice}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_never_rest_do_not_keep_indexes_from_being_created() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let boats: Vec<Bson> = (0..2000).map(|id| doc! { "_id": id, "a": id }.into()).collect();
    client.ok("shop", doc! { "insert": "boats", "documents": boats }).await;
    let ended = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let (mut client, ended) = (server.client().await, ended.clone());
        writers.push(tokio::spawn(async move {
            let mut number = 0;
            while !ended.load(Ordering::Relaxed) {
                number += 1;
                let id = 1_000_000 * (writer + 1) + number;
                let boat = doc! { "_id": id, "a": id, "b": number };
                client.ok("shop", doc! { "insert": "boats", "documents": [boat] }).await;
            }
            number
        }));
    }
    for indexes in [vec![index("a", true)], vec![index("b", false), index("c", false)]] {
        client.ok("shop", create(indexes)).await;
    }
    ended.store(true, Ordering::Relaxed);
    let mut written = 2000;
    for writer in writers {
        written += writer.await.unwrap();
    }
    for field in ["a", "b"] {
        let all = doc! { "count": "boats", "query": { field: { "$gte": 0 } }, "hint": field };
        let by_index = client.ok("shop", all).await.get_i32("n").unwrap();
        let expected = if field == "a" { written } else { written - 2000 };
        assert_eq!(by_index, expected, "{field}");
    }
    server.stop().await;
}
