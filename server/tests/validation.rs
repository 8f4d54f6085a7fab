//! Validators, and the option that goes round them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use common::{Client, options, serve};

/// The writes of a document that has no `n`, as the validator wants it.
fn writes(id: i32) -> Vec<Document> {
    let unset = || doc! { "$unset": { "n": 1 } };
    let bulk = doc! {
        "bulkWrite": 1,
        "nsInfo": [{ "ns": "shop.boats" }],
        "ops": [{ "update": 0, "filter": { "_id": id + 3 }, "updateMods": unset() }],
    };
    let aggregate = |id: i32, last: Document| {
        let source = doc! { "$documents": [{ "_id": id }] };
        doc! { "aggregate": 1, "pipeline": [source, last], "cursor": {} }
    };
    vec![
        doc! { "insert": "boats", "documents": [{ "_id": id }] },
        doc! { "insert": "boats", "documents": [{ "_id": id + 1 }, { "_id": id + 2, "n": 1 }] },
        doc! { "update": "boats", "updates": [{ "q": { "_id": 0 }, "u": unset() }] },
        doc! { "update": "boats", "updates": [{ "q": { "_id": id + 3 }, "u": { "n": 1 }, "upsert": true }] },
        doc! { "findAndModify": "boats", "query": { "_id": id + 2 }, "update": unset() },
        bulk,
        aggregate(id + 4, doc! { "$merge": "boats" }),
        aggregate(id + 5, doc! { "$out": "boats" }),
    ]
}

/// The code of the error of a command or of its statement; 0 if it succeeds.
async fn code(client: &mut Client, mut command: Document, bypass: bool) -> i32 {
    let database = if command.contains_key("bulkWrite") { "admin" } else { "shop" };
    if bypass {
        command.insert("bypassDocumentValidation", true);
    }
    let reply = client.run(database, command).await;
    let first = |list: &Document| {
        let errors = list.get_array("writeErrors").or_else(|_| {
            list.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"))
        });
        let error = errors.ok()?.first()?.as_document()?;
        error.get_i32("code").ok()
    };
    reply.get_i32("code").ok().or_else(|| first(&reply)).unwrap_or(0)
}

async fn with_validator(client: &mut Client) {
    let validator = doc! { "n": { "$exists": true } };
    client.ok("shop", doc! { "create": "boats", "validator": validator }).await;
    let index = doc! { "key": { "u": 1 }, "name": "u", "unique": true, "sparse": true };
    client.ok("shop", doc! { "createIndexes": "boats", "indexes": [index] }).await;
    client
        .ok("shop", doc! { "insert": "boats", "documents": [{ "_id": 0, "n": 1, "u": 1 }] })
        .await;
}

#[tokio::test]
async fn a_write_that_asks_for_it_goes_round_the_validator_and_no_unique_index() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    with_validator(&mut client).await;
    for (number, command) in writes(10).into_iter().enumerate() {
        // An upsert is valid, and makes what the next ones change.
        let expected = if number == 3 { 0 } else { 121 };
        assert_eq!(code(&mut client, command.clone(), false).await, expected, "{command}");
        if number != 3 {
            assert_eq!(code(&mut client, command.clone(), true).await, 0, "{command}");
        }
    }
    assert_eq!(client.find("shop", "boats", doc! {}).await, [doc! { "_id": 15 }]);
    for id in [1, 2] {
        let twice = doc! { "insert": "boats", "documents": [{ "_id": id, "u": 1 }] };
        let expected = if id == 1 { 0 } else { 11000 };
        assert_eq!(code(&mut client, twice, true).await, expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_transaction_goes_round_the_validator_with_all_of_its_writes_or_with_none() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    with_validator(&mut client).await;
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![3; 16] };
    let within = |mut command: Document, number: i64, begins: bool| {
        command.extend(
            doc! { "lsid": { "id": id.clone() }, "txnNumber": number, "autocommit": false },
        );
        if begins {
            command.insert("startTransaction", true);
        }
        command
    };
    let insert = |id: i32, bypass: bool| {
        doc! { "insert": "boats", "documents": [{ "_id": id }], "bypassDocumentValidation": bypass }
    };
    let commit = doc! { "commitTransaction": 1 };
    client.ok("shop", within(insert(1, false), 1, true)).await;
    assert_eq!(client.fails("admin", within(commit.clone(), 1, false)).await.0, 121);
    client.ok("shop", within(insert(1, true), 2, true)).await;
    client.ok("shop", within(doc! { "find": "boats" }, 2, false)).await;
    client.ok("shop", within(insert(2, true), 2, false)).await;
    client.ok("admin", within(commit.clone(), 2, false)).await;
    client.ok("shop", within(insert(3, true), 3, true)).await;
    let (code, message) = client.fails("shop", within(insert(4, false), 3, false)).await;
    assert_eq!(code, 263, "{message}");
    let ids: Vec<i32> = client
        .find("shop", "boats", doc! {})
        .await
        .iter()
        .map(|boat| boat.get_i32("_id").unwrap())
        .collect();
    assert_eq!(ids, [0, 1, 2]);
    server.stop().await;
}
