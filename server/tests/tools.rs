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
    assert!(after.get_f64("uptime").unwrap().to_string().parse::<u64>().is_ok());
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
async fn options_of_time_series_and_clustered_collections_are_listed_with_their_defaults() {
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
    let clustered = doc! { "key": { "_id": 1 }, "unique": true };
    client.ok("shop", doc! { "create": "clustered", "clusteredIndex": clustered }).await;
    let listed = batch(&client.ok("shop", doc! { "listIndexes": "clustered" }).await, "firstBatch");
    assert_eq!(listed[0].get_str("name").unwrap(), "_id_");
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
    let expiring = doc! {
        "v": 2, "key": { "seen": 1 }, "name": "seen_1", "expireAfterSeconds": 60,
    };
    let all = [text, geo, expiring];
    let restored = doc! { "createIndexes": "c", "indexes": all.to_vec() };
    client.ok("shop", restored).await;
    let declared = [
        doc! { "key": { "title": "text" }, "name": "title_text" },
        doc! { "key": { "at": "2dsphere" }, "name": "at_2dsphere" },
        doc! { "key": { "seen": 1 }, "name": "seen_1", "expireAfterSeconds": 60_i64 },
    ];
    let declare = || doc! { "createIndexes": "c", "indexes": declared.to_vec() };
    let reply = client.ok("shop", declare()).await;
    assert_eq!(reply.get("numIndexesAfter"), reply.get("numIndexesBefore"), "{reply}");
    client.ok("other", declare()).await;
    for database in ["shop", "other"] {
        let listed = client.ok(database, doc! { "listIndexes": "c" }).await;
        assert_eq!(batch(&listed, "firstBatch")[1..], all, "{database}");
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

#[tokio::test]
async fn mongorestore_creates_an_index_of_an_old_version_without_the_options_that_are_unknown() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let index = doc! { "key": { "a": 1 }, "name": "a_1", "safe": true, "sparse": true };
    let mut create = doc! { "createIndexes": "c", "indexes": [index] };
    assert_eq!(client.fails("shop", create.clone()).await.0, 197);
    create.insert("ignoreUnknownIndexOptions", true);
    client.ok("shop", create).await;
    let listed = client.ok("shop", doc! { "listIndexes": "c" }).await;
    let expected = doc! { "v": 2, "key": { "a": 1 }, "name": "a_1", "sparse": true };
    assert_eq!(batch(&listed, "firstBatch")[1], expected);
}

#[tokio::test]
async fn mongoimport_counts_a_document_that_it_replaces_by_an_equal_one() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": 1, "n": 1 }] }).await;
    let update = |u: Document| doc! { "update": "c", "updates": [{ "q": { "n": 1 }, "u": u }] };
    // A replacement without the _id counts as a change, although there is none.
    for (change, modified) in
        [(doc! { "n": 1 }, 1), (doc! { "_id": 1, "n": 1 }, 0), (doc! { "$set": { "n": 1 } }, 0)]
    {
        let reply = client.ok("shop", update(change.clone())).await;
        assert_eq!(reply.get_i32("n").unwrap(), 1, "{change}");
        assert_eq!(reply.get_i32("nModified").unwrap(), modified, "{change}");
        let both = [change.clone(), change.clone()].map(|u| doc! { "q": { "n": 1 }, "u": u });
        let reply = client.ok("shop", doc! { "update": "c", "updates": both.to_vec() }).await;
        assert_eq!(reply.get_i32("nModified").unwrap(), 2 * modified, "{change}");
    }
    let branch = server.store.project("shop").await.unwrap().branch("main").await.unwrap();
    assert_eq!(branch.head().await.unwrap().lsn().get(), 1);
}

#[tokio::test]
async fn mongorestore_replays_the_operations_of_an_oplog() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let op = |kind: &str, namespace: &str, object: Document| {
        doc! { "ts": bson::Timestamp { time: 1, increment: 1 }, "v": 2, "op": kind, "ns": namespace, "o": object }
    };
    let id = |id: i32| doc! { "_id": id };
    let update = |number: i32, object: Document| {
        let mut update = op("u", "shop:try.c", object);
        update.insert("o2", id(number));
        update
    };
    let create = doc! { "create": "c", "idIndex": { "v": 2, "key": { "_id": 1 }, "name": "_id_" } };
    let inner = doc! { "u": { "b": 2 }, "i": { "z": 3 }, "d": { "gone": false } };
    let list = doc! { "a": true, "l": 3, "u0": "first", "s1": { "u": { "x": 9 } }, "u2": 7 };
    let diff = doc! { "u": { "n": 5 }, "i": { "new.dot": 1 }, "d": { "old": false }, "sdeep": inner, "slist": list };
    let document = doc! {
        "_id": 1, "n": 1, "old": 1, "deep": { "a": 1, "b": 1, "gone": 1 }, "list": [1, { "x": 1 }, 2, 3],
    };
    let operations = [
        op("c", "shop:try.$cmd", create.clone()),
        // A dump that was made meanwhile may have it already.
        op("c", "shop:try.$cmd", create),
        op("n", "", doc! { "msg": "nothing" }),
        op("i", "shop:try.c", document.clone()),
        op("i", "shop:try.c", document),
        update(1, doc! { "$v": 2, "diff": diff }),
        op("i", "shop:try.c", id(2)),
        update(2, doc! { "$v": 1, "$set": { "n": 1 } }),
        update(3, doc! { "_id": 3, "whole": true }),
        // The dump was made after this one was deleted.
        update(4, doc! { "$v": 2, "diff": { "u": { "n": 1 } } }),
        op("i", "shop:try.c", id(5)),
        op("d", "shop:try.c", id(5)),
        op(
            "c",
            "shop:try.$cmd",
            doc! { "renameCollection": "shop:try.c", "to": "shop:try.d", "dropTarget": false },
        ),
    ];
    let apply = |operations: &[Document]| doc! { "applyOps": operations.to_vec(), "bypassDocumentValidation": false };
    let reply = client.ok("admin", apply(&operations)).await;
    assert_eq!(reply.get_i32("applied").unwrap(), 13, "{reply}");
    let changed = doc! {
        "_id": 1, "n": 5, "deep": { "a": 1, "b": 2, "z": 3 }, "list": ["first", { "x": 9 }, 7], "new.dot": 1,
    };
    assert_eq!(
        client.find("shop:try", "d", doc! {}).await,
        [changed, doc! { "_id": 2, "n": 1 }, doc! { "_id": 3, "whole": true }]
    );
    client.ok("shop", doc! { "create": "series", "timeseries": { "timeField": "t" } }).await;
    client.ok("admin", apply(&[op("i", "shop.system.buckets.series", id(1))])).await;
    assert_eq!(client.find("shop", "series", doc! {}).await, [id(1)]);
    client.ok("admin", apply(&[op("c", "shop:try.$cmd", doc! { "drop": "d" })])).await;
    assert_eq!(client.find("shop:try", "d", doc! {}).await, Vec::<Document>::new());
    // The identity that --preserveUUID asks for can't be had.
    let mut kept = op("c", "shop.$cmd", doc! { "create": "e" });
    let bytes = vec![1; 16];
    kept.insert("ui", bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes });
    let (code, message) = client.fails("admin", apply(&[kept])).await;
    assert_eq!(code, 115);
    assert!(message.contains("UUID"), "{message}");
    for (operation, code) in [
        (op("c", "shop.$cmd", doc! { "shutdown": 1 }), 115),
        (op("x", "shop.c", id(1)), 2),
        (op("i", "shop", id(1)), 73),
        (op("i", "shop.c", doc! { "n": 1 }), 4),
    ] {
        assert_eq!(
            client.fails("admin", apply(std::slice::from_ref(&operation))).await.0,
            code,
            "{operation}"
        );
    }
}
