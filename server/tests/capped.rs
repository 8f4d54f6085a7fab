//! Capped collections, and the tailable cursors over them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use std::time::Duration;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use common::{Client, Running, batch, cursor, options, serve};
use futures::{StreamExt, TryStreamExt};
use mongodb::options::CursorType;

/// A server with an empty capped collection of at most three documents.
async fn capped() -> (Running, Client) {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "create": "log", "capped": true, "size": 100_000, "max": 3 }).await;
    (server, client)
}

fn insert(ids: impl IntoIterator<Item = i32>) -> Document {
    let documents: Vec<Bson> = ids.into_iter().map(|id| doc! { "_id": id }.into()).collect();
    doc! { "insert": "log", "documents": documents }
}

fn ids(documents: &[Document]) -> Vec<i32> {
    documents.iter().map(|document| document.get_i32("_id").unwrap()).collect()
}

/// The `_id`s in the natural order.
async fn found(client: &mut Client, database: &str) -> Vec<i32> {
    ids(&client.find(database, "log", doc! {}).await)
}

#[tokio::test]
async fn each_way_to_insert_displaces_the_oldest_documents() {
    let (_server, mut client) = capped().await;
    client.ok("shop", insert([9, 8])).await;
    client.ok("shop", insert([7, 6])).await;
    assert_eq!(found(&mut client, "shop").await, [8, 7, 6]);
    let upsert = doc! { "q": { "_id": 5 }, "u": { "$set": { "n": 1 } }, "upsert": true };
    client.ok("shop", doc! { "update": "log", "updates": [upsert] }).await;
    assert_eq!(found(&mut client, "shop").await, [7, 6, 5]);
    let change = doc! { "query": { "_id": 4 }, "update": { "n": 1 }, "upsert": true };
    let mut command = doc! { "findAndModify": "log" };
    command.extend(change);
    client.ok("shop", command).await;
    assert_eq!(found(&mut client, "shop").await, [6, 5, 4]);
    let operation = |id: i32| doc! { "insert": 0, "document": { "_id": id } };
    let mut update = doc! { "update": 0, "filter": { "_id": 2 }, "updateMods": { "n": 1 } };
    update.insert("upsert", true);
    client
        .ok(
            "admin",
            doc! {
                "bulkWrite": 1,
                "ops": [operation(3), update, operation(1)],
                "nsInfo": [{ "ns": "shop.log" }],
            },
        )
        .await;
    assert_eq!(found(&mut client, "shop").await, [3, 2, 1]);
    let documents = [doc! { "_id": 20, "at": 2 }, doc! { "_id": 21, "at": 1 }].to_vec();
    client.ok("shop", doc! { "insert": "source", "documents": documents }).await;
    let write = |stage: Document| {
        let pipeline = [doc! { "$sort": { "at": 1 } }, stage].to_vec();
        doc! { "aggregate": "source", "pipeline": pipeline, "cursor": {} }
    };
    client.ok("shop", write(doc! { "$merge": "log" })).await;
    assert_eq!(found(&mut client, "shop").await, [1, 21, 20]);
    let (code, message) = client.fails("shop", write(doc! { "$out": "log" })).await;
    assert_eq!((code, message.contains("is capped")), (17152, true), "{message}");
    let lsid = doc! { "id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] } };
    let within = |mut command: Document, begins: bool| {
        command.extend(doc! { "lsid": lsid.clone(), "txnNumber": 1_i64, "autocommit": false });
        if begins {
            command.insert("startTransaction", true);
        }
        command
    };
    client.ok("shop", within(insert([31]), true)).await;
    client.ok("shop", within(insert([30]), false)).await;
    assert_eq!(found(&mut client, "shop").await, [1, 21, 20]);
    client.ok("admin", within(doc! { "commitTransaction": 1 }, false)).await;
    assert_eq!(found(&mut client, "shop").await, [20, 31, 30]);
}

#[tokio::test]
async fn the_natural_order_runs_both_ways_and_a_branch_and_the_past_have_their_own() {
    let (_server, mut client) = capped().await;
    client.ok("shop", insert([9, 1, 5])).await;
    client.ok("shop:try", insert([7])).await;
    client.ok("shop", insert([3])).await;
    let sorted = |sort: Document| doc! { "find": "log", "sort": sort };
    for (database, expected) in
        [("shop", [1, 5, 3]), ("shop:try", [1, 5, 7]), ("shop@2", [9, 1, 5])]
    {
        for (order, expected) in [(1, expected), (-1, [expected[2], expected[1], expected[0]])] {
            let reply = client.ok(database, sorted(doc! { "$natural": order })).await;
            assert_eq!(ids(&batch(&reply, "firstBatch")), expected, "{database}");
            let hint = doc! { "find": "log", "hint": { "$natural": order } };
            let reply = client.ok(database, hint).await;
            assert_eq!(ids(&batch(&reply, "firstBatch")), expected, "{database}");
        }
        let reply = client.ok(database, sorted(doc! { "_id": 1 })).await;
        assert!(ids(&batch(&reply, "firstBatch")).is_sorted(), "{database}");
    }
    assert_eq!(found(&mut client, "shop:try@3").await, [1, 5, 7]);
}

#[tokio::test]
async fn documents_are_deleted_and_grow_and_the_size_counts_at_the_next_insertion() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "create": "log", "capped": true, "size": 200 }).await;
    let of_100_bytes = |id: i32| doc! { "_id": id, "x": "x".repeat(78) };
    let documents = [of_100_bytes(1), of_100_bytes(2)].to_vec();
    client.ok("shop", doc! { "insert": "log", "documents": documents }).await;
    let grow = doc! { "q": { "_id": 2 }, "u": { "$set": { "y": "y".repeat(50) } } };
    client.ok("shop", doc! { "update": "log", "updates": [grow] }).await;
    assert_eq!(found(&mut client, "shop").await, [1, 2]);
    client
        .ok("shop", doc! { "delete": "log", "deletes": [{ "q": { "_id": 2 }, "limit": 1 }] })
        .await;
    let insert = |document: Document| doc! { "insert": "log", "documents": [document] };
    client.ok("shop", insert(of_100_bytes(3))).await;
    assert_eq!(found(&mut client, "shop").await, [1, 3]);
    let reply = client.run("shop", insert(doc! { "_id": 4, "x": "x".repeat(300) })).await;
    let error = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap();
    assert_eq!(error.get_i32("code").unwrap(), 2, "{error}");
    assert!(error.get_str("errmsg").unwrap().contains("exceeds cappedMaxSize"), "{error}");
    assert_eq!(found(&mut client, "shop").await, [1, 3]);
}

#[tokio::test]
async fn bounds_are_changed_and_shown_and_a_collection_is_converted() {
    let (_server, mut client) = capped().await;
    client.ok("shop", insert([3, 2, 1])).await;
    let change = |field: &str, value: i64| doc! { "collMod": "log", field: value };
    client.ok("shop", change("cappedMax", 2)).await;
    client.ok("shop", change("cappedSize", 5_000)).await;
    assert_eq!(found(&mut client, "shop").await, [3, 2, 1], "as in MongoDB, until an insertion");
    client.ok("shop", insert([9])).await;
    assert_eq!(found(&mut client, "shop").await, [1, 9]);
    let stats = client.ok("shop", doc! { "collStats": "log" }).await;
    let shown = |name: &str| stats.get_i64(name).unwrap();
    assert!(stats.get_bool("capped").unwrap());
    assert_eq!((shown("max"), shown("maxSize"), shown("count")), (2, 5_000, 2));
    client.ok("shop", change("cappedMax", -1)).await;
    let stats = client.ok("shop", doc! { "collStats": "log" }).await;
    assert_eq!(stats.get_i64("max").unwrap(), 0x7fff_ffff);
    for (command, code) in [
        (change("cappedSize", 0), 51024),
        (change("cappedSize", (1 << 50) + 1), 51024),
        (change("cappedMax", 1 << 31), 51024),
        (doc! { "create": "x", "capped": true }, 72),
        (doc! { "create": "x", "max": 3 }, 72),
        (doc! { "create": "x", "capped": true, "size": 0 }, 2),
        (doc! { "create": "x", "capped": true, "size": -1 }, 2),
        (doc! { "create": "x", "capped": true, "size": (1_i64 << 50) + 1 }, 2),
        (doc! { "create": "x", "capped": true, "size": 9, "max": 1_i64 << 31 }, 2),
        (doc! { "create": "x", "capped": true, "size": "9" }, 14),
        (doc! { "convertToCapped": "nothing", "size": 9 }, 26),
        (doc! { "convertToCapped": "log" }, 40414),
        (doc! { "convertToCapped": "log", "size": -9 }, 2),
    ] {
        let (found, message) = client.fails("shop", command.clone()).await;
        assert_eq!(found, code, "{command}: {message}");
    }

    let of_100_bytes = |id: i32| doc! { "_id": id, "x": "x".repeat(78) };
    for id in [5, 4, 3] {
        client.ok("shop", doc! { "insert": "c", "documents": [of_100_bytes(id)] }).await;
    }
    let (code, _) = client.fails("shop", doc! { "collMod": "c", "cappedSize": 300 }).await;
    assert_eq!(code, 72);
    client.ok("shop", doc! { "convertToCapped": "c", "size": 250 }).await;
    assert_eq!(ids(&client.find("shop", "c", doc! {}).await), [4, 3]);
    let listed = client.ok("shop", doc! { "listCollections": 1, "filter": { "name": "c" } }).await;
    let listed = &batch(&listed, "firstBatch")[0];
    let options = listed.get_document("options").unwrap();
    assert_eq!(options, &doc! { "capped": true, "size": 250_i32 });
}

/// Opens a tailable cursor that waits.
async fn tail(client: &mut Client, more: Document) -> (i64, Vec<i32>) {
    let mut command = doc! { "find": "log", "tailable": true, "awaitData": true };
    command.extend(more);
    let reply = client.ok("shop", command).await;
    (cursor(&reply), ids(&batch(&reply, "firstBatch")))
}

fn more(id: i64, wait: i32) -> Document {
    doc! { "getMore": id, "collection": "log", "maxTimeMS": wait }
}

async fn next(client: &mut Client, id: i64, wait: i32) -> Vec<i32> {
    let reply = client.ok("shop", more(id, wait)).await;
    assert_eq!(cursor(&reply), id);
    ids(&batch(&reply, "nextBatch"))
}

#[tokio::test]
async fn a_tailable_cursor_gives_what_is_inserted_later_in_the_order_of_insertion() {
    let (server, mut client) = capped().await;
    client.ok("shop", insert([5, 4])).await;
    let (id, first) = tail(&mut client, doc! {}).await;
    assert_eq!(first, [5, 4]);
    assert!(next(&mut client, id, 1).await.is_empty(), "nothing came");
    client.ok("shop", insert([1])).await;
    assert_eq!(next(&mut client, id, 60_000).await, [1]);
    // A commit ends the wait.
    let mut writer = server.client().await;
    let write = async {
        writer.ok("shop", doc! { "insert": "other", "documents": [{}] }).await;
        let update = doc! { "q": { "_id": 4 }, "u": { "$set": { "n": 1 } } };
        writer.ok("shop", doc! { "update": "log", "updates": [update] }).await;
        writer.ok("shop:try", insert([7])).await;
        writer.ok("shop", insert([9, 8])).await;
    };
    let (given, ()) = futures::join!(next(&mut client, id, 60_000), write);
    assert_eq!(given, [9, 8], "no other collection, no update and no other branch");
}

#[tokio::test]
async fn a_tailable_cursor_has_a_filter_a_projection_a_limit_and_batches() {
    let (_server, mut client) = capped().await;
    client.ok("shop", doc! { "collMod": "log", "cappedMax": 1_000 }).await;
    client.ok("shop", insert(0..400)).await;
    let about = doc! {
        "filter": { "_id": { "$mod": [2, 0] } },
        "projection": { "_id": 1 },
        "skip": 1,
        "limit": 202,
        "batchSize": 3,
    };
    let (id, first) = tail(&mut client, about).await;
    assert_eq!(first, [2, 4, 6]);
    let mut rest = Vec::new();
    while rest.len() < 196 {
        rest.extend(next(&mut client, id, 60_000).await);
    }
    assert_eq!(rest, (8..400).step_by(2).collect::<Vec<_>>());
    client.ok("shop", insert([401, 402, 403])).await;
    assert_eq!(next(&mut client, id, 60_000).await, [402]);
    client.ok("shop", insert([404, 406, 408])).await;
    let reply = client.ok("shop", more(id, 60_000)).await;
    assert_eq!((cursor(&reply), ids(&batch(&reply, "nextBatch"))), (0, vec![404, 406]));
}

#[tokio::test]
async fn a_tailable_cursor_ends_when_its_position_or_its_collection_is_gone() {
    let (server, mut client) = capped().await;
    client.ok("shop", insert([5, 4])).await;
    let (id, _) = tail(&mut client, doc! {}).await;
    client.ok("shop", insert([3, 2])).await;
    client.ok("shop", insert([1])).await;
    let (code, message) = client.fails("shop", more(id, 1)).await;
    assert_eq!(code, 136, "{message}");
    let (code, _) = client.fails("shop", more(id, 1)).await;
    assert_eq!(code, 43, "it is closed");

    let (id, _) = tail(&mut client, doc! {}).await;
    let branch = server.store.project("shop").await.unwrap().branch("main").await.unwrap();
    let earlier = branch.at(2).await.unwrap();
    argon_core::restore::reset(&branch, &earlier).await.unwrap();
    let (code, message) = client.fails("shop", more(id, 60_000)).await;
    assert_eq!(code, 136, "a reset of the branch: {message}");

    for change in
        [doc! { "renameCollection": "shop.log", "to": "shop.other" }, doc! { "drop": "log" }]
    {
        client.run("shop", doc! { "create": "log", "capped": true, "size": 9_000 }).await;
        client.ok("shop", insert([11, 12])).await;
        let (id, _) = tail(&mut client, doc! {}).await;
        let mut other = server.client().await;
        let database = if change.contains_key("drop") { "shop" } else { "admin" };
        let failing = client.fails("shop", more(id, 60_000));
        let ((code, message), _) = futures::join!(failing, other.ok(database, change));
        assert_eq!(code, 175, "{message}");
    }
}

#[tokio::test]
async fn a_tailable_cursor_ends_when_a_reset_takes_its_position_away() {
    let (server, mut client) = capped().await;
    client.ok("shop", insert([5])).await;
    let head = client.ok("shop", doc! { "argonAt": 1 }).await.get_i64("lsn").unwrap();
    client.ok("shop", insert([4])).await;
    let (id, first) = tail(&mut client, doc! {}).await;
    assert_eq!(first, [5, 4]);
    let mut other = server.client().await;
    let reset = doc! { "argonRestore": format!("main@{head}") };
    let write = async {
        other.ok("shop", reset).await;
        other.ok("shop", insert([3])).await;
    };
    let read = client.fails("shop", more(id, 60_000));
    let ((code, _), ()) = futures::join!(read, write);
    assert_eq!(code, 136);
    assert_eq!(found(&mut client, "shop").await, [5, 3]);
}

#[tokio::test]
async fn a_cursor_reads_the_order_of_its_state_while_others_insert() {
    let (server, mut client) = capped().await;
    client.ok("shop", doc! { "collMod": "log", "cappedMax": 1_000 }).await;
    client.ok("shop", insert((0..500).rev())).await;
    let reply = client.ok("shop", doc! { "find": "log", "batchSize": 3 }).await;
    let mut read = ids(&batch(&reply, "firstBatch"));
    let mut writer = server.client().await;
    for id in 500..600 {
        writer.ok("shop", insert([id])).await;
        writer
            .ok(
                "shop",
                doc! { "delete": "log", "deletes": [{ "q": { "_id": id - 500 }, "limit": 1 }] },
            )
            .await;
    }
    let id = cursor(&reply);
    loop {
        let rest = client.ok("shop", doc! { "getMore": id, "collection": "log" }).await;
        read.extend(ids(&batch(&rest, "nextBatch")));
        if cursor(&rest) == 0 {
            break;
        }
    }
    assert_eq!(read, (0..500).rev().collect::<Vec<_>>());
    let counted = client.ok("shop", doc! { "count": "log" }).await;
    assert_eq!(counted.get_i32("n").unwrap(), 500);
}

#[tokio::test]
async fn tailable_cursors_are_for_capped_collections_and_the_natural_order() {
    let (_server, mut client) = capped().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{}] }).await;
    client.ok("shop", doc! { "create": "v", "viewOn": "log", "pipeline": [] }).await;
    for collection in ["c", "v"] {
        let (code, message) =
            client.fails("shop", doc! { "find": collection, "tailable": true }).await;
        assert_eq!(code, 2);
        assert!(
            message.contains("tailable cursor requested on non capped collection"),
            "{message}"
        );
    }
    for (more, code) in [
        (doc! { "sort": { "_id": 1 } }, 2),
        (doc! { "sort": { "$natural": -1 } }, 2),
        (doc! { "hint": { "$natural": -1 } }, 2),
        (doc! { "singleBatch": true }, 2),
        (doc! { "tailable": false, "awaitData": true }, 9),
        (doc! { "readConcern": { "level": "snapshot" } }, 72),
    ] {
        let mut command = doc! { "find": "log", "tailable": true };
        command.extend(more);
        let (found, message) = client.fails("shop", command.clone()).await;
        assert_eq!(found, code, "{command}: {message}");
    }
    let (id, _) = tail(&mut client, doc! {}).await;
    assert_eq!(id, 0, "as in MongoDB, there is no cursor on an empty collection");
    let reply = client.ok("shop", doc! { "find": "nothing", "tailable": true }).await;
    assert_eq!(cursor(&reply), 0);
    client.ok("shop", insert([1])).await;
    let reply = client.ok("shop@3", doc! { "find": "log", "tailable": true }).await;
    assert_eq!(cursor(&reply), 0, "nothing follows in the past");
    let (id, first) = tail(&mut client, doc! { "sort": { "$natural": 1 } }).await;
    assert_eq!((id != 0, first), (true, vec![1]));
    let reply = client.ok("shop", doc! { "find": "log", "tailable": true }).await;
    let id = cursor(&reply);
    let reply = client.ok("shop", doc! { "getMore": id, "collection": "log" }).await;
    assert_eq!((cursor(&reply), batch(&reply, "nextBatch").len()), (id, 0), "it does not wait");
}

#[tokio::test]
async fn the_driver_tails_a_capped_collection() {
    let server = serve(options()).await;
    let url = format!("mongodb://{}/?directConnection=true", server.address);
    let client = mongodb::Client::with_uri_str(&url).await.unwrap();
    let database = client.database("shop");
    database.create_collection("log").capped(true).size(100_000).max(5).await.unwrap();
    let log = database.collection::<Document>("log");
    log.insert_one(doc! { "_id": 100 }).await.unwrap();
    let cursor = log.find(doc! {}).cursor_type(CursorType::TailableAwait);
    let cursor = cursor.max_await_time(Duration::from_secs(5)).await.unwrap();
    let write = async {
        for id in (0..4).rev() {
            log.insert_one(doc! { "_id": id }).await.unwrap();
        }
    };
    let (given, ()) = futures::join!(cursor.take(5).try_collect::<Vec<_>>(), write);
    assert_eq!(ids(&given.unwrap()), [100, 3, 2, 1, 0]);
    log.insert_one(doc! { "_id": 50 }).await.unwrap();
    let all: Vec<Document> = log.find(doc! {}).await.unwrap().try_collect().await.unwrap();
    assert_eq!(ids(&all), [3, 2, 1, 0, 50]);
}
