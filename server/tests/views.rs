//! Views: what reads them by a stage sees what a query sees.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use common::{Client, Running, batch, options, serve};

fn aggregate(collection: &str, stages: impl IntoIterator<Item = Document>) -> Document {
    let stages: Vec<Document> = stages.into_iter().collect();
    doc! { "aggregate": collection, "pipeline": stages, "cursor": {} }
}

fn view(name: &str, on: &str, stages: impl IntoIterator<Item = Document>) -> Document {
    let stages: Vec<Document> = stages.into_iter().collect();
    doc! { "create": name, "viewOn": on, "pipeline": stages }
}

/// The `_id`s in a field of the first document of a result, or of all its documents.
fn ids(rows: &[Document], field: Option<&str>) -> Vec<i32> {
    let id = |row: &Document| row.get_i32("_id").unwrap();
    match field {
        None => rows.iter().map(id).collect(),
        Some(field) => {
            let rows = rows[0].get_array(field).unwrap();
            rows.iter().map(|row| id(row.as_document().unwrap())).collect()
        }
    }
}

/// Boats, of which `fast` are those from 2 on, and `fastest` the last of these.
async fn with_views() -> (Running, Client) {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let boats: Vec<Bson> = (0..5).map(|id| doc! { "_id": id, "next": id + 1 }.into()).collect();
    client.ok("shop", doc! { "insert": "boats", "documents": boats }).await;
    client
        .ok("shop", doc! { "insert": "ports", "documents": [{ "_id": 0, "boat": 3, "start": 2 }] })
        .await;
    client.ok("shop", view("fast", "boats", [doc! { "$match": { "_id": { "$gte": 2 } } }])).await;
    let last =
        [doc! { "$sort": { "_id": -1 } }, doc! { "$limit": 1 }, doc! { "$set": { "last": true } }];
    client.ok("shop", view("fastest", "fast", last)).await;
    (server, client)
}

async fn rows(client: &mut Client, database: &str, command: Document) -> Vec<Document> {
    batch(&client.ok(database, command).await, "firstBatch")
}

#[tokio::test]
async fn stages_that_read_another_collection_read_a_view() {
    let (_server, mut client) = with_views().await;
    let lookup = |more: Document| {
        let mut stage = doc! { "as": "x" };
        stage.extend(more);
        doc! { "$lookup": stage }
    };
    let fields = doc! { "localField": "boat", "foreignField": "_id" };
    let with = |from: &str, more: Document| {
        let mut stage = doc! { "from": from };
        stage.extend(more);
        lookup(stage)
    };
    let graph = |from: &str| {
        doc! { "$graphLookup": {
            "from": from, "startWith": "$start", "connectFromField": "next", "connectToField": "_id", "as": "x",
        } }
    };
    for (stage, expected) in [
        (with("fast", fields.clone()), vec![3]),
        (with("fastest", fields.clone()), vec![]),
        (with("fast", doc! { "pipeline": [] }), vec![2, 3, 4]),
        (with("fastest", doc! { "pipeline": [{ "$match": { "last": true } }] }), vec![4]),
        (
            with(
                "fast",
                doc! {
                    "let": { "boat": "$boat" },
                    "pipeline": [{ "$match": { "$expr": { "$lt": ["$_id", "$$boat"] } } }],
                },
            ),
            vec![2],
        ),
        (
            with(
                "boats",
                doc! { "pipeline": [{ "$match": { "_id": 1 } }, { "$unionWith": "fastest" }] },
            ),
            vec![1, 4],
        ),
        (graph("fast"), vec![2, 3, 4]),
        (graph("boats"), vec![2, 3, 4]),
        (
            doc! { "$graphLookup": {
                "from": "fast", "startWith": 0, "connectFromField": "next", "connectToField": "_id", "as": "x",
            } },
            vec![],
        ),
    ] {
        let found = rows(&mut client, "shop", aggregate("ports", [stage.clone()])).await;
        let mut found = ids(&found, Some("x"));
        found.sort_unstable();
        assert_eq!(found, expected, "{stage}");
    }
    for union in
        [doc! { "$unionWith": "fast" }, doc! { "$unionWith": { "coll": "fast", "pipeline": [] } }]
    {
        let first = doc! { "$match": { "_id": 0 } };
        let found = rows(&mut client, "shop", aggregate("boats", [first, union])).await;
        assert_eq!(ids(&found, None), [0, 2, 3, 4]);
    }
    let nested = [doc! { "$lookup": { "from": "fast", "as": "x", "pipeline": [] } }];
    client.ok("shop", view("seen", "ports", nested)).await;
    let found = rows(&mut client, "shop", doc! { "find": "seen" }).await;
    assert_eq!(ids(&found, Some("x")), [2, 3, 4]);
    let facet = doc! { "$facet": { "x": [{ "$unionWith": "seen" }] } };
    let found = rows(&mut client, "shop", aggregate("none", [facet])).await;
    assert_eq!(ids(&found, Some("x")), [0]);
    let out = aggregate("ports", [doc! { "$unionWith": "fast" }, doc! { "$out": "copy" }]);
    client.ok("shop", out).await;
    assert_eq!(ids(&client.find("shop", "copy", doc! {}).await, None), [0, 2, 3, 4]);
}

#[tokio::test]
async fn a_view_at_a_revision_is_that_of_the_revision() {
    let (_server, mut client) = with_views().await;
    let union = |at: &str| doc! { "$unionWith": { "coll": "fast", "at": at } };
    let first = doc! { "$match": { "_id": 0 } };
    let change =
        doc! { "collMod": "fast", "viewOn": "boats", "pipeline": [{ "$match": { "_id": 4 } }] };
    client.ok("shop", change).await;
    for (at, expected) in [("main", vec![0, 4]), ("main~1", vec![0, 2, 3, 4]), ("main@2", vec![0])]
    {
        let found = aggregate("boats", [first.clone(), union(at)]);
        assert_eq!(ids(&rows(&mut client, "shop", found).await, None), expected, "{at}");
    }
}

#[tokio::test]
async fn a_view_in_a_transaction_shows_what_that_has_written() {
    let (_server, mut client) = with_views().await;
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![3; 16] };
    let within = |mut command: Document, begins: bool| {
        command
            .extend(doc! { "lsid": { "id": id.clone() }, "txnNumber": 1_i64, "autocommit": false });
        if begins {
            command.insert("startTransaction", true);
        }
        command
    };
    let insert = doc! { "insert": "boats", "documents": [{ "_id": 9 }] };
    client.ok("shop", within(insert, true)).await;
    let union = aggregate("ports", [doc! { "$unionWith": "fastest" }]);
    assert_eq!(ids(&rows(&mut client, "shop", within(union.clone(), false)).await, None), [0, 9]);
    let find = within(doc! { "find": "fastest" }, false);
    assert_eq!(ids(&rows(&mut client, "shop", find).await, None), [9]);
    assert_eq!(ids(&rows(&mut client, "shop", union).await, None), [0, 4]);
}

#[tokio::test]
async fn views_that_read_each_other_end() {
    let (_server, mut client) = with_views().await;
    let union = |of: &str| doc! { "$unionWith": of };
    client.ok("shop", view("one", "boats", [union("other")])).await;
    client.ok("shop", view("other", "boats", [union("one")])).await;
    for command in
        [doc! { "count": "one" }, aggregate("boats", [union("other"), doc! { "$count": "n" }])]
    {
        let (code, message) = client.fails("shop", command).await;
        assert_eq!(code, 165, "{message}");
    }
}
