//! What commands promise to any driver.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use std::time::Duration;

use argon_core::model::CollectionName;
use argon_server::ServeOptions;
use bson::{Bson, Document, doc};
use common::{batch, cursor, options, serve};

#[tokio::test]
async fn a_branch_is_written_and_read_by_its_name_and_the_past_by_its_position() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "users", "documents": [{ "_id": 1, "n": 1 }] }).await;
    let update = doc! { "q": { "_id": 1 }, "u": { "$set": { "n": 2 } } };
    client.ok("shop:try", doc! { "update": "users", "updates": [update] }).await;
    assert_eq!(client.find("shop", "users", doc! {}).await, [doc! { "_id": 1, "n": 1 }]);
    for name in ["shop:try", "shop@try", "shop%40try"] {
        assert_eq!(
            client.find(name, "users", doc! {}).await,
            [doc! { "_id": 1, "n": 2 }],
            "{name}"
        );
    }
    for name in ["shop:try@1", "shop:try~1", "shop@1", "shop"] {
        assert_eq!(
            client.find(name, "users", doc! {}).await,
            [doc! { "_id": 1, "n": 1 }],
            "{name}"
        );
    }
    assert_eq!(client.find("shop@0", "users", doc! {}).await, Vec::<Document>::new());
    let insert = || doc! { "insert": "users", "documents": [{ "_id": 2 }] };
    for name in ["shop:try@1", "shop@2026-07-07", "admin"] {
        let (code, message) = client.fails(name, insert()).await;
        assert_eq!(code, 115, "{name}: {message}");
    }
    let (code, message) = client.fails("shop:nothing", doc! { "find": "users" }).await;
    assert_eq!(code, 26);
    assert!(message.contains("nothing") && message.contains("first write"), "{message}");
    let (code, message) = client.fails("shop:nothing@3", doc! { "find": "users" }).await;
    assert_eq!(code, 26);
    assert!(!message.contains("first write"), "{message}");
    assert_eq!(client.find("other", "users", doc! {}).await, Vec::<Document>::new());
    server.stop().await;
}

#[tokio::test]
async fn a_past_state_that_is_read_again_is_that_of_the_present_history() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let insert = |id: i32| doc! { "insert": "c", "documents": [{ "_id": id }] };
    for id in [1, 2] {
        client.ok("shop", insert(id)).await;
    }
    let names = ["shop@2", "shop@main@2", "shop@@2"];
    let ids = |found: Vec<Document>| -> Vec<i32> {
        found.iter().map(|found| found.get_i32("_id").unwrap()).collect()
    };
    for name in names {
        for _ in 0..2 {
            assert_eq!(ids(client.find(name, "c", doc! {}).await), [1, 2], "{name}");
        }
    }
    let project = server.store.project("shop").await.unwrap();
    let main = project.branch("main").await.unwrap();
    argon_core::restore::reset(&main, &main.at(1).await.unwrap()).await.unwrap();
    assert_eq!(client.fails("shop@main@2", doc! { "find": "c" }).await.0, 26);
    client.ok("shop", insert(3)).await;
    for name in names {
        assert_eq!(ids(client.find(name, "c", doc! {}).await), [1, 3], "{name}");
    }
    client.ok("shop@1", doc! { "argonBranch": "2", "from": "main@1" }).await;
    assert_eq!(ids(client.find("shop@2", "c", doc! {}).await), [1], "a branch has the name");
    assert_eq!(ids(client.find("shop@@2", "c", doc! {}).await), [1, 3]);
    server.stop().await;
}

#[tokio::test]
async fn a_command_is_one_commit_with_its_comment_and_the_name_of_the_application() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let about =
        doc! { "application": { "name": "till 3" }, "driver": { "name": "x", "version": "1" } };
    client.ok("admin", doc! { "hello": 1, "client": about }).await;
    let documents: Vec<Bson> = (0..10).map(|id| doc! { "_id": id }.into()).collect();
    client
        .ok("shop", doc! { "insert": "users", "documents": documents, "comment": "ten users" })
        .await;
    let branch = server.store.project("shop").await.unwrap().branch("main").await.unwrap();
    let head = branch.head().await.unwrap();
    assert_eq!(head.lsn().get(), 1);
    let mut commits = branch.watch(argon_core::model::Lsn::ZERO).await.unwrap();
    let commit = futures::TryStreamExt::try_next(&mut commits).await.unwrap().unwrap();
    assert_eq!(commit.meta.actor.as_str(), "till 3");
    assert_eq!(commit.meta.message.as_str(), "ten users");
}

#[tokio::test]
async fn statements_that_succeed_are_one_commit_and_the_others_are_reported() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": 2 }] }).await;
    let insert = |ordered: bool| {
        let documents =
            [doc! { "_id": 1 }, doc! { "_id": 2 }, doc! { "_id": 3 }, doc! { "_id": 3 }];
        doc! { "insert": "c", "documents": documents.to_vec(), "ordered": ordered }
    };
    let reply = client.run("shop:ordered", insert(true)).await;
    assert_eq!(reply.get_i32("n").unwrap(), 1, "{reply}");
    let errors = reply.get_array("writeErrors").unwrap();
    assert_eq!(errors.len(), 1);
    let error = errors[0].as_document().unwrap();
    assert_eq!(error.get_i32("index").unwrap(), 1);
    assert_eq!(error.get_i32("code").unwrap(), 11000);
    assert_eq!(error.get_document("keyPattern").unwrap(), &doc! { "_id": 1 });
    assert_eq!(error.get_document("keyValue").unwrap(), &doc! { "_id": 2 });
    assert_eq!(
        error.get_str("errmsg").unwrap(),
        "E11000 duplicate key error collection: shop:ordered.c index: _id_ dup key: { _id: 2 }"
    );
    let reply = client.run("shop:any", insert(false)).await;
    assert_eq!(reply.get_i32("n").unwrap(), 2, "{reply}");
    let errors = reply.get_array("writeErrors").unwrap().iter();
    let indexes: Vec<_> =
        errors.map(|error| error.as_document().unwrap().get_i32("index").unwrap()).collect();
    assert_eq!(indexes, [1, 3]);
    for (branch, ids, lsn) in [("ordered", vec![1, 2], 2), ("any", vec![1, 2, 3], 2)] {
        let found = client.find(&format!("shop:{branch}"), "c", doc! {}).await;
        let found: Vec<_> = found.iter().map(|found| found.get_i32("_id").unwrap()).collect();
        assert_eq!(found, ids);
        let branch = server.store.project("shop").await.unwrap().branch(branch).await.unwrap();
        assert_eq!(branch.head().await.unwrap().lsn().get(), lsn);
    }
}

#[tokio::test]
async fn a_value_of_a_unique_index_is_refused_and_the_other_statements_are_done() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let index = doc! { "key": { "mail": 1 }, "name": "mail_1", "unique": true };
    client.ok("shop", doc! { "createIndexes": "c", "indexes": [index] }).await;
    let documents = [
        doc! { "_id": 1, "mail": "a" },
        doc! { "_id": 2, "mail": "a" },
        doc! { "_id": 3, "mail": "b" },
    ];
    let insert = doc! { "insert": "c", "documents": documents.to_vec(), "ordered": false };
    let reply = client.run("shop", insert).await;
    assert_eq!(reply.get_i32("n").unwrap(), 2, "{reply}");
    let error = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap();
    assert_eq!(error.get_document("keyValue").unwrap(), &doc! { "mail": "a" });
    assert!(error.get_str("errmsg").unwrap().contains("shop.c index: mail_1 dup key"), "{error}");
    let found = client.find("shop", "c", doc! { "mail": { "$in": ["a", "b"] } }).await;
    assert_eq!(found, [documents[0].clone(), documents[2].clone()]);
}

#[tokio::test]
async fn a_cursor_holds_its_state() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let documents: Vec<Bson> = (0..300).map(|id| doc! { "_id": id }.into()).collect();
    client.ok("shop", doc! { "insert": "c", "documents": documents }).await;
    let reply = client.ok("shop", doc! { "find": "c", "batchSize": 10 }).await;
    let id = cursor(&reply);
    assert_ne!(id, 0);
    let mut found = batch(&reply, "firstBatch");
    assert_eq!(found.len(), 10);
    client.ok("shop", doc! { "delete": "c", "deletes": [{ "q": {}, "limit": 0 }] }).await;
    let more = |size: i32| doc! { "getMore": id, "collection": "c", "batchSize": size };
    let reply = client.ok("shop", more(100)).await;
    assert_eq!(cursor(&reply), id);
    found.extend(batch(&reply, "nextBatch"));
    let (code, _) = client.fails("shop", doc! { "getMore": id, "collection": "d" }).await;
    assert_eq!(code, 13);
    let reply = client.ok("shop", more(0)).await;
    assert_eq!(cursor(&reply), 0);
    found.extend(batch(&reply, "nextBatch"));
    let ids: Vec<_> = found.iter().map(|found| found.get_i32("_id").unwrap()).collect();
    assert_eq!(ids, (0..300).collect::<Vec<_>>());
    assert_eq!(client.fails("shop", more(1)).await.0, 43);
    let reply = client.ok("shop", doc! { "killCursors": "c", "cursors": [id] }).await;
    assert_eq!(reply.get_array("cursorsNotFound").unwrap(), &vec![Bson::Int64(id)]);
}

#[tokio::test]
async fn a_transaction_reads_what_it_writes_and_the_first_to_commit_wins() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": 1, "n": 1 }] }).await;
    let session = |number: u8| {
        let bytes = vec![number; 16];
        doc! { "id": bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes } }
    };
    let within = |number: u8, mut command: Document, is_start: bool| {
        command.extend(doc! { "lsid": session(number), "txnNumber": 1_i64, "autocommit": false });
        if is_start {
            command.insert("startTransaction", true);
        }
        command
    };
    let set = |n: i32| doc! { "update": "c", "updates": [{ "q": { "_id": 1 }, "u": { "$set": { "n": n } } }] };
    client.ok("shop", within(1, set(2), true)).await;
    client.ok("shop", within(2, set(3), true)).await;
    let reply = client.ok("shop", within(1, doc! { "find": "c" }, false)).await;
    assert_eq!(batch(&reply, "firstBatch"), [doc! { "_id": 1, "n": 2 }]);
    assert_eq!(client.find("shop", "c", doc! {}).await, [doc! { "_id": 1, "n": 1 }]);
    let commit = doc! { "commitTransaction": 1 };
    client.ok("admin", within(1, commit.clone(), false)).await;
    // The same again has the same reply.
    client.ok("admin", within(1, commit.clone(), false)).await;
    let reply = client.run("admin", within(2, commit, false)).await;
    assert_eq!(reply.get_i32("code").unwrap(), 112, "{reply}");
    let labels = reply.get_array("errorLabels").unwrap();
    assert!(labels.contains(&"TransientTransactionError".into()), "{reply}");
    assert_eq!(client.find("shop", "c", doc! {}).await, [doc! { "_id": 1, "n": 2 }]);
}

#[tokio::test]
async fn a_retried_write_is_done_once() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let bytes = vec![7; 16];
    let id = bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes };
    let insert = doc! {
        "insert": "c", "documents": [{ "_id": 1 }], "lsid": { "id": id }, "txnNumber": 5_i64,
    };
    let first = client.ok("shop", insert.clone()).await;
    let second = client.ok("shop", insert.clone()).await;
    assert_eq!(first.get("n"), second.get("n"));
    let mut older = insert;
    older.insert("txnNumber", 4_i64);
    assert_eq!(client.fails("shop", older).await.0, 225);
}

#[tokio::test]
async fn what_is_not_known_is_refused_by_name() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let (code, message) = client.fails("shop", doc! { "frobnicate": 1 }).await;
    assert_eq!((code, message.as_str()), (59, "no such command: 'frobnicate'"));
    let (code, message) = client.fails("shop", doc! { "find": "c", "fliter": {} }).await;
    assert_eq!(code, 40415);
    assert!(message.contains("find.fliter"), "{message}");
    let (code, message) = client.fails("shop", doc! { "find": "c", "filter": 1 }).await;
    assert_eq!(code, 14);
    assert!(message.contains("find.filter") && message.contains("int"), "{message}");
    assert_eq!(client.fails("shop", doc! { "listIndexes": "none" }).await.0, 26);
    assert_eq!(client.fails("shop/x", doc! { "find": "c" }).await.0, 73);
}

#[tokio::test]
async fn a_read_only_server_refuses_writes() {
    let store = argon_backends::memory_store().await.unwrap();
    let main = store.project_or_create("shop").await.unwrap().branch("main").await.unwrap();
    main.collection(&CollectionName::new("c").unwrap()).insert(doc! { "_id": 1 }).await.unwrap();
    let options = ServeOptions { read_only: true, ..options() };
    let server = common::serve_store(store, options).await;
    let mut client = server.client().await;
    assert_eq!(client.find("shop", "c", doc! {}).await.len(), 1);
    for command in [
        doc! { "insert": "c", "documents": [{ "_id": 2 }] },
        doc! { "drop": "c" },
        doc! { "aggregate": "c", "pipeline": [{ "$out": "d" }], "cursor": {} },
    ] {
        assert_eq!(client.fails("shop", command).await.0, 115);
    }
    assert_eq!(main.head().await.unwrap().lsn().get(), 1);
    client.ok("shop", doc! { "argonBranch": 1 }).await;
    assert_eq!(client.fails("shop", doc! { "argonBranch": "x" }).await.0, 115);
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed_and_a_stop_drains_the_others() {
    let server = serve(ServeOptions { connections: 2, ..options() }).await;
    let (mut one, mut two) = (server.client().await, server.client().await);
    one.ok("admin", doc! { "ping": 1 }).await;
    two.ok("admin", doc! { "ping": 1 }).await;
    let mut three = server.client().await;
    assert!(three.is_closed().await);
    drop(two);
    let four = async {
        loop {
            let mut four = server.client().await;
            four.send(&[]).await;
            if !tokio::time::timeout(Duration::from_millis(50), four.is_closed())
                .await
                .unwrap_or(false)
            {
                return four;
            }
        }
    };
    let four = tokio::time::timeout(Duration::from_secs(10), four).await;
    assert!(four.is_ok(), "a place is free once a connection has ended");
    server.stop().await;
    assert!(one.is_closed().await);
}

#[tokio::test]
async fn the_collation_of_a_collection_counts_where_a_command_says_none() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "create": "c", "collation": { "locale": "en", "strength": 2 } }).await;
    let documents = [doc! { "_id": 1, "y": "A" }, doc! { "_id": 2, "y": "b" }];
    client.ok("shop", doc! { "insert": "c", "documents": documents.to_vec() }).await;
    let index = doc! { "key": { "y": 1 }, "name": "y_1" };
    client.ok("shop", doc! { "createIndexes": "c", "indexes": [index] }).await;
    let listed = batch(&client.ok("shop", doc! { "listIndexes": "c" }).await, "firstBatch");
    assert_eq!(listed[1].get_document("collation").unwrap().get_str("locale").unwrap(), "en");
    assert_eq!(client.find("shop", "c", doc! { "y": "a" }).await, [documents[0].clone()]);
    let simple = doc! { "find": "c", "filter": { "y": "a" }, "collation": { "locale": "simple" } };
    assert_eq!(batch(&client.ok("shop", simple).await, "firstBatch"), Vec::<Document>::new());
    assert_eq!(
        client.ok("shop", doc! { "count": "c", "query": { "y": "B" } }).await.get_i32("n").unwrap(),
        1
    );
    let pipeline = [doc! { "$match": { "y": "B" } }];
    let aggregate = doc! { "aggregate": "c", "pipeline": pipeline.to_vec(), "cursor": {} };
    assert_eq!(batch(&client.ok("shop", aggregate).await, "firstBatch").len(), 1);
    let delete = doc! { "delete": "c", "deletes": [{ "q": { "y": "a" }, "limit": 0 }] };
    assert_eq!(client.ok("shop", delete).await.get_i32("n").unwrap(), 1);
}

#[tokio::test]
async fn lists_with_a_filter_do_not_look_into_what_they_list() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let pipeline = [doc! { "$match": { "$expr": { "$eq": ["$a", 1] } } }];
    client.ok("shop", doc! { "create": "v", "viewOn": "c", "pipeline": pipeline.to_vec() }).await;
    client.ok("shop", doc! { "create": "c" }).await;
    for (filter, expected) in [(doc! { "name": "c" }, "c"), (doc! { "type": "view" }, "v")] {
        let listed = client.ok("shop", doc! { "listCollections": 1, "filter": filter }).await;
        let listed = batch(&listed, "firstBatch");
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].get_str("name").unwrap(), expected);
    }
}

#[tokio::test]
async fn many_writers_of_one_document_all_succeed() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": 1, "k": "a", "n": 0 }] }).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..30 {
        let mut client = server.client().await;
        writers.spawn(async move {
            let query = if writer % 2 == 0 {
                doc! { "_id": 1 }
            } else {
                doc! { "k": "a" }
            };
            let increment = doc! { "$inc": { "n": 1 } };
            let command = if writer % 3 == 0 {
                doc! { "findAndModify": "c", "query": query, "update": increment }
            } else {
                doc! { "update": "c", "updates": [{ "q": query, "u": increment }] }
            };
            client.ok("shop", command).await;
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(client.find("shop", "c", doc! {}).await[0].get_i32("n").unwrap(), 30);
}

#[tokio::test]
async fn the_index_of_ids_may_be_created_again_under_any_name() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "create": "c" }).await;
    let index = doc! { "key": { "_id": 1 }, "name": "_id_1" };
    let reply = client.ok("shop", doc! { "createIndexes": "c", "indexes": [index] }).await;
    assert_eq!(reply.get_i32("numIndexesAfter").unwrap(), 1);
}

#[tokio::test]
async fn a_stop_ends_monitors_that_wait_for_changes() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let version = client.ok("admin", doc! { "hello": 1 }).await;
    let version = version.get_document("topologyVersion").unwrap().clone();
    let hello = doc! {
        "hello": 1, "topologyVersion": version, "maxAwaitTimeMS": 60_000_i64, "$db": "admin",
    };
    let body = bson::raw::RawDocumentBuf::try_from(&hello).unwrap();
    let flags = argon_server::wire::Flags { exhaust_allowed: true, ..Default::default() };
    client.send(&argon_server::wire::Message::encode(&body, flags, 7, 0)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let stopped = tokio::time::timeout(Duration::from_secs(5), server.stop()).await;
    assert!(stopped.is_ok(), "the server ends without waiting for the monitor");
}

#[tokio::test]
async fn a_document_that_nests_too_deep_ends_its_connection_only() {
    let server = serve(options()).await;
    let (mut client, mut other) = (server.client().await, server.client().await);
    let mut deep = doc! {};
    for _ in 0..400 {
        deep = doc! { "a": deep };
    }
    let body =
        bson::raw::RawDocumentBuf::try_from(&doc! { "hello": 1, "client": deep, "$db": "admin" });
    let flags = argon_server::wire::Flags::default();
    client.send(&argon_server::wire::Message::encode(&body.unwrap(), flags, 1, 0)).await;
    assert!(client.is_closed().await);
    other.ok("admin", doc! { "ping": 1 }).await;
}

#[tokio::test]
async fn a_transaction_ends_only_within_itself_and_so_do_its_cursors() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "create": "c" }).await;
    let bytes = vec![9; 16];
    let id = bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes };
    let within = |mut command: Document| {
        command
            .extend(doc! { "lsid": { "id": id.clone() }, "txnNumber": 1_i64, "autocommit": false });
        command
    };
    let alone = doc! { "commitTransaction": 1, "lsid": { "id": id.clone() }, "txnNumber": 1_i64 };
    assert_eq!(client.fails("admin", alone).await.0, 50768);
    let mut insert = within(doc! { "insert": "c", "documents": [{ "_id": 1 }, { "_id": 2 }] });
    insert.insert("startTransaction", true);
    client.ok("shop", insert).await;
    let found = client.ok("shop", within(doc! { "find": "c", "batchSize": 1 })).await;
    let id_of_cursor = cursor(&found);
    client.ok("admin", within(doc! { "abortTransaction": 1 })).await;
    let more = doc! { "getMore": id_of_cursor, "collection": "c" };
    assert_eq!(client.fails("shop", more).await.0, 43, "what was not committed is not read");
}

#[tokio::test]
async fn changes_of_options_at_one_time_are_all_made() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "create": "c" }).await;
    for round in 0..10 {
        let (mut one, mut two) = (server.client().await, server.client().await);
        let level = if round % 2 == 0 { "moderate" } else { "strict" };
        let validator = doc! { "n": { "$gte": round } };
        let level = one.ok("shop", doc! { "collMod": "c", "validationLevel": level });
        let validator = two.ok("shop", doc! { "collMod": "c", "validator": validator });
        futures::join!(level, validator);
        let listed = batch(&client.ok("shop", doc! { "listCollections": 1 }).await, "firstBatch");
        let options = listed[0].get_document("options").unwrap();
        let expected = if round % 2 == 0 { "moderate" } else { "strict" };
        assert_eq!(options.get_str("validationLevel").unwrap(), expected, "{options}");
        assert_eq!(options.get_document("validator").unwrap(), &doc! { "n": { "$gte": round } });
    }
    client.ok("shop", doc! { "collMod": "c", "validator": {}, "dryRun": true }).await;
    let listed = batch(&client.ok("shop", doc! { "listCollections": 1 }).await, "firstBatch");
    assert!(listed[0].get_document("options").unwrap().contains_key("validator"));
    let unique = doc! { "collMod": "c", "index": { "name": "_id_", "unique": true } };
    assert_eq!(client.fails("shop", unique).await.0, 115);
}

#[tokio::test]
async fn first_writes_of_many_clients_to_a_new_branch_all_succeed() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": 0 }] }).await;
    for round in 0..10 {
        let mut writers = tokio::task::JoinSet::new();
        for id in 1..8 {
            let mut client = server.client().await;
            writers.spawn(async move {
                let insert = doc! { "insert": "c", "documents": [{ "_id": id }] };
                client.ok(&format!("shop:b{round}"), insert).await;
            });
        }
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
        assert_eq!(client.find(&format!("shop:b{round}"), "c", doc! {}).await.len(), 8);
    }
}

#[tokio::test]
async fn a_write_that_matches_nothing_creates_nothing() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let delete = doc! { "delete": "c", "deletes": [{ "q": {}, "limit": 0 }] };
    assert_eq!(client.ok("shpo", delete).await.get_i32("n").unwrap(), 0);
    let update = doc! { "update": "c", "updates": [{ "q": {}, "u": { "$set": { "a": 1 } } }] };
    client.ok("shpo", update).await;
    assert!(server.store.projects().await.unwrap().is_empty());
}
