//! Sessions: snapshots, transactions, and writes that are sent again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use argon_core::model::Lsn;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, Timestamp, doc};
use common::{Client, batch, cursor, options, serve, serve_store};

/// A session.
fn lsid(number: u8) -> Document {
    doc! { "id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![number; 16] } }
}

/// A write that may be sent again.
fn retryable(mut command: Document, number: i64) -> Document {
    command.extend(doc! { "lsid": lsid(1), "txnNumber": number });
    command
}

/// A command of a transaction; its first one if `begins`.
fn within(mut command: Document, session: u8, number: i64, begins: bool) -> Document {
    command.extend(doc! { "lsid": lsid(session), "txnNumber": number, "autocommit": false });
    if begins {
        command.insert("startTransaction", true);
    }
    command
}

fn insert(ids: std::ops::Range<i32>) -> Document {
    let documents: Vec<Bson> = ids.map(|id| doc! { "_id": id, "n": 0 }.into()).collect();
    doc! { "insert": "boats", "documents": documents }
}

fn update(id: i32, change: Document) -> Document {
    doc! { "update": "boats", "updates": [{ "q": { "_id": id }, "u": change }] }
}

fn increment(id: i32) -> Document {
    update(id, doc! { "$inc": { "n": 1 } })
}

fn commit() -> Document {
    doc! { "commitTransaction": 1 }
}

/// Without what each reply has of its own time.
fn content(mut reply: Document) -> Document {
    for field in ["operationTime", "$clusterTime"] {
        reply.remove(field);
    }
    reply
}

fn labels(reply: &Document) -> Vec<String> {
    let labels = reply.get_array("errorLabels").cloned().unwrap_or_default();
    labels.iter().map(|label| label.as_str().unwrap().to_owned()).collect()
}

async fn number(client: &mut Client, id: i32) -> i32 {
    client.find("shop", "boats", doc! { "_id": id }).await[0].get_i32("n").unwrap()
}

async fn lsn(server: &common::Running) -> Lsn {
    let project = server.store.project("shop").await.unwrap();
    project.branch("main").await.unwrap().head().await.unwrap().lsn()
}

#[tokio::test]
async fn reads_at_a_time_see_the_states_of_that_time() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert(0..3)).await;
    client.ok("shop:try", increment(0)).await;
    let find = |concern: Document| doc! { "find": "boats", "readConcern": concern, "batchSize": 1 };
    let first = client.ok("shop", find(doc! { "level": "snapshot" })).await;
    let time = first.get_document("cursor").unwrap().get_timestamp("atClusterTime").unwrap();
    client.ok("shop", increment(0)).await;
    client.ok("shop:try", increment(0)).await;
    client.ok("new", insert(0..1)).await;
    let concern = doc! { "level": "snapshot", "atClusterTime": time };
    let store = server.store.clone();
    for server in [server, serve_store(store, options()).await] {
        let mut client = server.client().await;
        for (database, n) in [("shop", vec![0, 0, 0]), ("shop:try", vec![1, 0, 0]), ("new", vec![])]
        {
            let group = doc! { "$group": { "_id": "$_id", "n": { "$first": "$n" } } };
            let aggregate = doc! {
                "aggregate": "boats",
                "pipeline": [group, { "$sort": { "_id": 1 } }],
                "cursor": {},
                "readConcern": concern.clone(),
            };
            let reply = client.ok(database, aggregate).await;
            let found: Vec<_> =
                batch(&reply, "firstBatch").iter().map(|row| row.get_i32("n").unwrap()).collect();
            assert_eq!(found, n, "{database}");
        }
        let distinct = doc! { "distinct": "boats", "key": "n", "readConcern": concern.clone() };
        let reply = client.ok("shop:try", distinct).await;
        assert_eq!(reply.get_timestamp("atClusterTime").unwrap(), time);
        assert_eq!(reply.get_array("values").unwrap().len(), 2);
        let first = client.ok("shop", find(concern.clone())).await;
        let more = doc! {
            "getMore": cursor(&first),
            "collection": "boats",
            "readConcern": concern.clone(),
        };
        assert_eq!(batch(&client.ok("shop", more).await, "nextBatch").len(), 2);
        server.stop().await;
    }
}

#[tokio::test]
async fn what_reads_no_snapshot_refuses_one() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert(0..1)).await;
    let later = Timestamp { time: u32::MAX, increment: 1 };
    for (command, concern) in [
        (insert(1..2), doc! { "level": "snapshot" }),
        (increment(0), doc! { "level": "snapshot" }),
        (doc! { "count": "boats" }, doc! { "level": "snapshot" }),
        (doc! { "listCollections": 1 }, doc! { "level": "snapshot" }),
        (doc! { "listIndexes": "boats" }, doc! { "level": "snapshot" }),
        (doc! { "find": "boats" }, doc! { "level": "snapshot", "atClusterTime": later }),
        (doc! { "find": "boats" }, doc! { "atClusterTime": Timestamp { time: 9, increment: 1 } }),
    ] {
        let mut command = command;
        command.insert("readConcern", concern);
        assert_eq!(client.fails("shop", command.clone()).await.0, 72, "{command}");
    }
    assert_eq!(client.find("shop", "boats", doc! {}).await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_write_that_is_sent_again_is_applied_once_after_a_restart_too() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert(0..2)).await;
    let upsert = doc! { "q": { "n": 77 }, "u": { "$set": { "n": 77 } }, "upsert": true };
    let several = doc! { "q": {}, "u": { "$inc": { "n": 1 } }, "multi": true };
    let commands = [
        insert(10..13),
        increment(0),
        doc! { "update": "boats", "updates": [several, upsert] },
        doc! { "findAndModify": "boats", "query": { "_id": 0 }, "update": { "$inc": { "n": 1 } }, "new": true },
        doc! { "findAndModify": "boats", "query": { "_id": 1 }, "update": { "$inc": { "n": 1 } }, "fields": { "n": 1 } },
        doc! { "findAndModify": "boats", "query": { "_id": 10 }, "remove": true },
        doc! { "delete": "boats", "deletes": [{ "q": { "_id": 11 }, "limit": 1 }] },
    ];
    let mut server = server;
    for (command, txn) in commands.into_iter().zip(1..) {
        let first = content(client.ok("shop", retryable(command.clone(), txn)).await);
        let again = content(client.ok("shop", retryable(command.clone(), txn)).await);
        assert_eq!(first, again);
        let before = lsn(&server).await;
        let store = server.store.clone();
        server.stop().await;
        server = serve_store(store, options()).await;
        client = server.client().await;
        let again = content(client.ok("shop", retryable(command.clone(), txn)).await);
        assert_eq!(first, again, "{command}");
        assert_eq!(lsn(&server).await, before, "{command} was applied again");
    }
    let old = retryable(insert(99..100), 1);
    client.ok("shop", retryable(insert(200..201), 50)).await;
    assert_eq!(client.fails("shop", old).await.0, 225);
    server.stop().await;
}

#[tokio::test]
async fn a_session_that_is_used_after_its_end_has_the_numbers_that_it_had() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let end = || doc! { "endSessions": [lsid(1)] };
    let active = |status: Document| {
        let cache = status.get_document("logicalSessionRecordCache").unwrap();
        cache.get_i32("activeSessionsCount").unwrap()
    };
    client.ok("shop", insert(0..1)).await;
    let first = content(client.ok("shop", retryable(increment(0), 5)).await);
    client.ok("admin", end()).await;
    assert_eq!(active(client.ok("admin", doc! { "serverStatus": 1 }).await), 0);
    let again = content(client.ok("shop", retryable(increment(0), 5)).await);
    assert_eq!(first, again, "a retry is one after the end too");
    assert_eq!(number(&mut client, 0).await, 1);
    client.ok("admin", end()).await;
    assert_eq!(client.fails("shop", retryable(increment(0), 4)).await.0, 225);
    client.ok("shop", retryable(increment(0), 6)).await;
    assert_eq!(number(&mut client, 0).await, 2, "a new write is not taken for an earlier one");

    client.ok("shop", within(increment(0), 1, 7, true)).await;
    client.ok("admin", end()).await;
    assert_eq!(client.fails("admin", within(commit(), 1, 7, false)).await.0, 251);
    client.ok("shop", within(increment(0), 1, 8, true)).await;
    client.ok("admin", within(commit(), 1, 8, false)).await;
    client.ok("admin", end()).await;
    client.ok("admin", within(commit(), 1, 8, false)).await;
    assert_eq!(number(&mut client, 0).await, 3);
    server.stop().await;
}

#[tokio::test]
async fn statements_that_are_commits_of_their_own_are_recognised_one_by_one() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert(0..1)).await;
    let index = doc! { "key": { "u": 1 }, "name": "u_1", "unique": true };
    client.ok("shop", doc! { "createIndexes": "ships", "indexes": [index] }).await;
    // The second is refused by the index, which only the store knows.
    let documents = [1, 1, 2].into_iter().zip(0..).map(|(u, id)| doc! { "_id": id, "u": u }.into());
    let documents: Vec<Bson> = documents.collect();
    let command = doc! { "insert": "ships", "documents": documents, "ordered": false };
    let first = content(client.run("shop", retryable(command.clone(), 1)).await);
    assert_eq!(first.get_i32("n").unwrap(), 2);
    assert_eq!(first.get_array("writeErrors").unwrap().len(), 1);
    let before = lsn(&server).await;
    let store = server.store.clone();
    server.stop().await;
    let server = serve_store(store, options()).await;
    let again = content(server.client().await.run("shop", retryable(command, 1)).await);
    assert_eq!(first, again);
    assert_eq!(lsn(&server).await, before);
    server.stop().await;
}

#[tokio::test]
async fn a_retry_that_arrives_during_the_first_attempt_waits_for_it() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert(0..1)).await;
    let mut attempts = Vec::new();
    for _ in 0..8 {
        let mut client = server.client().await;
        attempts
            .push(tokio::spawn(async move { client.ok("shop", retryable(increment(0), 5)).await }));
    }
    for attempt in attempts {
        assert_eq!(attempt.await.unwrap().get_i32("nModified").unwrap(), 1);
    }
    assert_eq!(number(&mut client, 0).await, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_transaction_reads_its_writes_by_cursors_too_and_is_committed_once() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert(0..3)).await;
    client.ok("shop", within(increment(0), 1, 1, true)).await;
    let find = within(doc! { "find": "boats", "batchSize": 1 }, 1, 1, false);
    let first = client.ok("shop", find).await;
    assert_eq!(batch(&first, "firstBatch")[0].get_i32("n").unwrap(), 1);
    let more = doc! { "getMore": cursor(&first), "collection": "boats" };
    let rest = client.ok("shop", within(more, 1, 1, false)).await;
    assert_eq!(batch(&rest, "nextBatch").len(), 2);
    assert_eq!(number(&mut client, 0).await, 0);
    let before = lsn(&server).await;
    let mut server = server;
    for _ in 0..2 {
        client.ok("admin", within(commit(), 1, 1, false)).await;
        client.ok("admin", within(commit(), 1, 1, false)).await;
        assert_eq!(lsn(&server).await, before.next());
        let store = server.store.clone();
        server.stop().await;
        server = serve_store(store, options()).await;
        client = server.client().await;
    }
    assert_eq!(number(&mut client, 0).await, 1);

    // One that was open when the server ended is lost, and the driver begins it again.
    client.ok("shop", within(increment(0), 1, 2, true)).await;
    let store = server.store.clone();
    server.stop().await;
    let server = serve_store(store, options()).await;
    let mut client = server.client().await;
    for command in [increment(0), commit(), doc! { "abortTransaction": 1 }] {
        let lost = client.run("shop", within(command, 1, 2, false)).await;
        assert_eq!(lost.get_i32("code").unwrap(), 251);
        assert_eq!(labels(&lost), ["TransientTransactionError"]);
    }
    client.ok("shop", within(increment(0), 1, 2, true)).await;
    client.ok("admin", within(commit(), 1, 2, false)).await;
    assert_eq!(number(&mut client, 0).await, 2);
    server.stop().await;
}

#[tokio::test]
async fn the_first_committer_wins_and_an_error_aborts() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert(0..3)).await;
    for session in [1, 2] {
        client.ok("shop", within(increment(0), session, 1, true)).await;
    }
    client.ok("admin", within(commit(), 1, 1, false)).await;
    let lost = client.run("admin", within(commit(), 2, 1, false)).await;
    assert_eq!(lost.get_i32("code").unwrap(), 112);
    assert_eq!(labels(&lost), ["TransientTransactionError"]);
    assert_eq!(number(&mut client, 0).await, 1);

    client.ok("shop", within(increment(1), 1, 2, true)).await;
    let twice = client.run("shop", within(insert(0..1), 1, 2, false)).await;
    let error = &twice.get_array("writeErrors").unwrap()[0];
    assert_eq!(error.as_document().unwrap().get_i32("code").unwrap(), 11000);
    let ended = client.run("shop", within(increment(1), 1, 2, false)).await;
    assert_eq!(ended.get_i32("code").unwrap(), 251);
    assert_eq!(client.fails("admin", within(commit(), 1, 2, false)).await.0, 251);
    assert_eq!(number(&mut client, 1).await, 0);
    // A number is of one transaction.
    assert_eq!(client.fails("shop", within(increment(1), 1, 2, true)).await.0, 117);
    assert_eq!(client.fails("shop", within(increment(1), 1, 1, true)).await.0, 225);
    server.stop().await;
}

#[tokio::test]
async fn a_transaction_reads_other_branches_as_of_its_begin_and_writes_to_one() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert(0..1)).await;
    client.ok("shop:try", increment(0)).await;
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    client.ok("shop", within(doc! { "find": "boats" }, 1, 1, true)).await;
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    client.ok("shop:try", increment(0)).await;
    let other = within(doc! { "find": "boats" }, 1, 1, false);
    let other = batch(&client.ok("shop:try", other).await, "firstBatch");
    assert_eq!(other, [doc! { "_id": 0, "n": 1 }]);
    client.ok("shop", within(increment(0), 1, 1, false)).await;
    let (code, message) = client.fails("shop:try", within(increment(0), 1, 1, false)).await;
    assert_eq!(code, 263);
    assert!(message.contains("shop:main") && message.contains("shop:try"), "{message}");
    server.stop().await;
}

/// Transfers between accounts, while the server is started again and again over the same store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_neither_make_nor_lose_money() {
    let mut server = serve(options()).await;
    server.client().await.ok("shop", insert(0..4)).await;
    let mut committed = 0;
    for round in 0..3_i32 {
        let mut tasks = Vec::new();
        for session in 0..4_u8 {
            let mut client = server.client().await;
            tasks.push(tokio::spawn(async move {
                let mut committed = 0;
                for number in 0..6_i64 {
                    let number = i64::from(round) * 100 + number;
                    let (from, to) = (i32::from(session % 4), i32::from((session + 1) % 4));
                    let change = |by: i32| doc! { "$inc": { "n": by } };
                    let steps = [
                        within(update(from, change(-1)), session, number, true),
                        within(update(to, change(1)), session, number, false),
                        within(commit(), session, number, false),
                    ];
                    for (index, step) in steps.into_iter().enumerate() {
                        let reply = client.run("shop", step).await;
                        if reply.get_f64("ok").ok() != Some(1.0) {
                            assert_eq!(labels(&reply), ["TransientTransactionError"], "{reply}");
                            break;
                        }
                        committed += i32::from(index == 2);
                    }
                }
                committed
            }));
        }
        for task in tasks {
            committed += task.await.unwrap();
        }
        let store = server.store.clone();
        server.stop().await;
        server = serve_store(store, options()).await;
    }
    let mut client = server.client().await;
    let accounts = client.find("shop", "boats", doc! {}).await;
    let sum: i32 = accounts.iter().map(|account| account.get_i32("n").unwrap()).sum();
    assert_eq!(sum, 0);
    assert_eq!(lsn(&server).await.get(), 1 + u64::try_from(committed).unwrap());
    assert!(committed > 0);
    server.stop().await;
}
