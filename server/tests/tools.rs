//! What MongoDB's own tools send, and need in the replies.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use bson::{Bson, Document, doc};
use common::{batch, options, serve};

#[tokio::test]
async fn mongostat_gets_whole_numbers_of_each_kind_of_operation() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let ask = || doc! { "serverStatus": 1, "recordStats": 0 };
    let before = client.ok("admin", ask()).await;
    let documents: Vec<Bson> = (0..30).map(|id| doc! { "_id": id }.into()).collect();
    client.ok("shop", doc! { "insert": "c", "documents": documents }).await;
    let update = |id: i32| doc! { "q": { "_id": id }, "u": { "$set": { "n": 1 } } };
    client.ok("shop:try", doc! { "update": "c", "updates": [update(1), update(2)] }).await;
    client.ok("shop", doc! { "delete": "c", "deletes": [{ "q": { "_id": 3 }, "limit": 1 }] }).await;
    let found = client.ok("shop", doc! { "find": "c", "batchSize": 2 }).await;
    let id = common::cursor(&found);
    client.ok("shop", doc! { "getMore": id, "collection": "c" }).await;
    client.ok("shop", doc! { "count": "c" }).await;
    let after = client.ok("admin", ask()).await;
    let operations = |status: &Document, name: &str| {
        status.get_document("opcounters").unwrap().get_i64(name).unwrap()
    };
    for (name, number) in
        [("insert", 30), ("update", 2), ("delete", 1), ("query", 1), ("getmore", 1), ("command", 2)]
    {
        assert_eq!(operations(&after, name) - operations(&before, name), number, "{name}");
    }
    // It reads these as whole numbers, and fails without them.
    assert_eq!(after.get_f64("uptime").unwrap().fract(), 0.0);
    let network = after.get_document("network").unwrap();
    assert!(network.get_i64("bytesIn").unwrap() > 0 && network.get_i64("bytesOut").unwrap() > 0);
    let memory = after.get_document("mem").unwrap();
    assert_eq!(memory.get_i32("bits").unwrap(), 64);
    if memory.get_bool("supported").unwrap() {
        assert!(memory.get_i32("resident").unwrap() > 0 && memory.get_i32("virtual").unwrap() > 0);
    }
    let replication = after.get_document("repl").unwrap();
    assert!(replication.get_bool("ismaster").unwrap());
}

#[tokio::test]
async fn mongotop_gets_the_reads_and_writes_of_each_collection() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": 1 }] }).await;
    client.ok("shop:try", doc! { "insert": "c", "documents": [{ "_id": 2 }] }).await;
    client.find("shop:try", "c", doc! {}).await;
    client.find("shop:try", "c", doc! {}).await;
    client.fails("shop:try", doc! { "find": "c", "filter": { "$no": 1 } }).await;
    let top = client.ok("admin", doc! { "top": 1 }).await;
    let totals = top.get_document("totals").unwrap();
    let count = |namespace: &str, lock: &str| {
        let totals = totals.get_document(namespace).unwrap().get_document(lock).unwrap();
        assert!(totals.get_i64("time").unwrap() >= 0);
        totals.get_i64("count").unwrap()
    };
    for (namespace, reads, writes) in [("shop.c", 0, 1), ("shop:try.c", 2, 1)] {
        assert_eq!(count(namespace, "readLock"), reads, "{namespace}");
        assert_eq!(count(namespace, "writeLock"), writes, "{namespace}");
        assert_eq!(count(namespace, "total"), reads + writes, "{namespace}");
    }
    assert_eq!(totals.keys().filter(|name| *name != "note").count(), 2, "{totals}");
}

#[tokio::test]
async fn mongodump_and_mongorestore_find_a_time_series_by_the_name_of_its_buckets() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let options = doc! { "timeField": "t", "metaField": "m" };
    client.ok("shop", doc! { "create": "series", "timeseries": options }).await;
    let time = |at: i64| bson::DateTime::from_millis(at);
    let documents = [doc! { "_id": 1, "t": time(1) }, doc! { "_id": 2, "t": time(2), "m": 1 }];
    let insert = |name: &str| doc! { "insert": name, "documents": documents.to_vec() };
    client.ok("shop", insert("series")).await;
    let buckets = "system.buckets.series";
    assert_eq!(client.find("shop", buckets, doc! {}).await, documents);
    assert_eq!(client.ok("shop", doc! { "count": buckets }).await.get_i32("n").unwrap(), 2);
    let stages = [doc! { "$match": { "m": 1 } }];
    let aggregate = doc! { "aggregate": buckets, "pipeline": stages.to_vec(), "cursor": {} };
    let found = client.ok("shop", aggregate).await;
    assert_eq!(batch(&found, "firstBatch"), [documents[1].clone()]);
    // mongodump calls the metadata of a bucket by its name there.
    for filter in [doc! { "meta": { "$gt": 0 } }, doc! { "meta.x": null, "meta": 1 }] {
        assert_eq!(client.find("shop", buckets, filter).await, [documents[1].clone()]);
    }
    // Restored into another project, by the options that were listed.
    let listed = client.ok("shop", doc! { "listCollections": 1 }).await;
    let listed = batch(&listed, "firstBatch");
    let mut create = doc! { "create": "series" };
    create.extend(listed[0].get_document("options").unwrap().clone());
    client.ok("copy", create.clone()).await;
    client.ok("copy", insert(buckets)).await;
    assert_eq!(client.find("copy", "series", doc! {}).await, documents);
    let again = client.ok("copy", doc! { "listCollections": 1 }).await;
    assert_eq!(batch(&again, "firstBatch")[0].get("options"), listed[0].get("options"));
    // Other collections have no such name.
    client.ok("shop", doc! { "insert": "plain", "documents": [{ "_id": 1 }] }).await;
    assert_eq!(client.find("shop", "system.buckets.plain", doc! {}).await, Vec::<Document>::new());
    assert_eq!(client.fails("shop", insert("system.buckets.plain")).await.0, 73);
}

#[tokio::test]
async fn options_of_a_time_series_are_listed_with_their_defaults() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    for (granularity, seconds) in
        [(None, 3600), (Some("minutes"), 86_400), (Some("hours"), 2_592_000)]
    {
        let name = granularity.unwrap_or("seconds");
        let mut series = doc! { "timeField": "t" };
        series
            .extend(granularity.map(|granularity| ("granularity".to_owned(), granularity.into())));
        let create =
            || doc! { "create": name, "timeseries": series.clone(), "expireAfterSeconds": 2 };
        client.ok("shop", create()).await;
        // The same again.
        client.ok("shop", create()).await;
        let list = doc! { "listCollections": 1, "filter": { "name": name } };
        let listed = batch(&client.ok("shop", list).await, "firstBatch");
        let expected = doc! {
            "timeField": "t", "granularity": name, "bucketMaxSpanSeconds": seconds,
        };
        let options = listed[0].get_document("options").unwrap();
        assert_eq!(options.get_document("timeseries").unwrap(), &expected);
        assert_eq!(listed[0].get_document("info").unwrap(), &doc! { "readOnly": false });
    }
    let change = |name: &str| doc! { "collMod": name, "timeseries": { "granularity": "hours" } };
    client.ok("shop", change("minutes")).await;
    let list = doc! { "listCollections": 1, "filter": { "name": "minutes" } };
    let listed = batch(&client.ok("shop", list).await, "firstBatch");
    let series = listed[0].get_document("options").unwrap().get_document("timeseries").unwrap();
    let expected =
        doc! { "timeField": "t", "granularity": "hours", "bucketMaxSpanSeconds": 2_592_000 };
    assert_eq!(series, &expected);
    client.ok("shop", doc! { "create": "plain" }).await;
    assert_eq!(client.fails("shop", change("plain")).await.0, 72);
    let own = doc! { "timeField": "t", "bucketMaxSpanSeconds": 60, "bucketRoundingSeconds": 60 };
    client.ok("shop", doc! { "create": "own", "timeseries": own.clone() }).await;
    let list = doc! { "listCollections": 1, "filter": { "name": "own" } };
    let listed = batch(&client.ok("shop", list).await, "firstBatch");
    let options = listed[0].get_document("options").unwrap();
    assert_eq!(options.get_document("timeseries").unwrap(), &own);
}

#[tokio::test]
async fn an_index_that_was_restored_from_a_dump_is_the_one_that_a_program_declares() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let text = doc! {
        "v": 2, "key": { "_fts": "text", "_ftsx": 1 }, "name": "title_text", "weights": { "title": 1 },
        "default_language": "english", "language_override": "language", "textIndexVersion": 3,
    };
    let geo = doc! {
        "v": 2, "key": { "at": "2dsphere" }, "name": "at_2dsphere", "2dsphereIndexVersion": 3,
    };
    let restored = doc! { "createIndexes": "c", "indexes": [text.clone(), geo.clone()] };
    client.ok("shop", restored).await;
    let declared = [
        doc! { "key": { "title": "text" }, "name": "title_text" },
        doc! { "key": { "at": "2dsphere" }, "name": "at_2dsphere" },
    ];
    let declare = || doc! { "createIndexes": "c", "indexes": declared.to_vec() };
    let reply = client.ok("shop", declare()).await;
    assert_eq!(reply.get("numIndexesAfter"), reply.get("numIndexesBefore"), "{reply}");
    client.ok("other", declare()).await;
    for database in ["shop", "other"] {
        let listed = client.ok(database, doc! { "listIndexes": "c" }).await;
        assert_eq!(batch(&listed, "firstBatch")[1..], [text.clone(), geo.clone()], "{database}");
    }
}

#[tokio::test]
async fn a_dump_or_a_restore_of_users_is_told_that_it_is_not_done() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let ask = doc! { "getParameter": 1, "authSchemaVersion": 1 };
    let (code, message) = client.fails("admin", ask).await;
    assert_eq!(code, 115, "{message}");
    assert!(message.contains("users") && message.contains("createUser"), "{message}");
}
