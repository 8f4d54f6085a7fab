//! Change streams, as a driver sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use argon_core::mask::{CollectionPolicy, FieldPolicy, MaskPolicy, Transform};
use argon_core::model::{BranchName, Lsn};
use bson::{Bson, Document, doc};
use common::{Client, batch, cursor, options, serve, serve_store};

/// A stream that is open.
struct Stream {
    client: Client,
    database: String,
    collection: String,
    id: i64,
    token: Document,
}

impl Stream {
    async fn open(
        mut client: Client,
        (database, collection): (&str, Option<&str>),
        arguments: Document,
        stages: &[Document],
    ) -> Self {
        let reply = client.ok(database, command(collection, arguments, stages)).await;
        let token = token(&reply);
        let (database, id) = (database.to_owned(), cursor(&reply));
        let collection = collection.unwrap_or("$cmd.aggregate").to_owned();
        Self { client, database, collection, id, token }
    }

    /// Events until there are so many; fewer if none follows.
    async fn next(&mut self, count: usize) -> Vec<Document> {
        let mut events = Vec::new();
        while events.len() < count && self.id != 0 {
            let more =
                doc! { "getMore": self.id, "collection": &self.collection, "maxTimeMS": 1500 };
            let reply = self.client.ok(&self.database, more).await;
            let next = batch(&reply, "nextBatch");
            (self.id, self.token) = (cursor(&reply), token(&reply));
            if next.is_empty() {
                break;
            }
            events.extend(next);
        }
        events
    }

    async fn kinds(&mut self, count: usize) -> Vec<String> {
        self.next(count).await.iter().map(kind).collect()
    }
}

fn command(collection: Option<&str>, arguments: Document, stages: &[Document]) -> Document {
    let mut pipeline = vec![doc! { "$changeStream": arguments }];
    pipeline.extend_from_slice(stages);
    let of = collection.map_or(Bson::Int32(1), Bson::from);
    doc! { "aggregate": of, "pipeline": pipeline, "cursor": {} }
}

fn token(reply: &Document) -> Document {
    let cursor = reply.get_document("cursor").unwrap();
    cursor.get_document("postBatchResumeToken").unwrap().clone()
}

fn kind(event: &Document) -> String {
    event.get_str("operationType").unwrap().to_owned()
}

fn set(id: i32, fields: Document) -> Document {
    doc! { "update": "boats", "updates": [{ "q": { "_id": id }, "u": { "$set": fields } }] }
}

fn insert(collection: &str, id: i32) -> Document {
    doc! { "insert": collection, "documents": [{ "_id": id, "n": id }] }
}

const BOATS: (&str, Option<&str>) = ("shop", Some("boats"));

#[tokio::test]
async fn an_event_has_the_change_and_the_document_before_and_after_it() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert("boats", 1)).await;
    let arguments = doc! { "fullDocument": "updateLookup", "fullDocumentBeforeChange": "required" };
    let mut stream = Stream::open(server.client().await, BOATS, arguments, &[]).await;
    client.ok("shop", insert("ships", 1)).await;
    client.ok("shop", set(1, doc! { "sails": [1, 2] })).await;
    client
        .ok("shop", doc! { "delete": "boats", "deletes": [{ "q": { "_id": 1 }, "limit": 1 }] })
        .await;
    let events = stream.next(2).await;
    let after = doc! { "_id": 1, "n": 1, "sails": [1, 2] };
    let update = &events[0];
    assert_eq!(kind(update), "update");
    assert_eq!(update.get_document("ns").unwrap(), &doc! { "db": "shop", "coll": "boats" });
    assert_eq!(update.get_document("documentKey").unwrap(), &doc! { "_id": 1 });
    assert_eq!(update.get_document("fullDocument").unwrap(), &after);
    let before = update.get_document("fullDocumentBeforeChange").unwrap();
    assert_eq!(before, &doc! { "_id": 1, "n": 1 });
    assert_eq!(
        update.get_document("updateDescription").unwrap(),
        &doc! { "updatedFields": { "sails": [1, 2] }, "removedFields": [], "truncatedArrays": [] }
    );
    assert_eq!(kind(&events[1]), "delete");
    assert_eq!(events[1].get_document("fullDocumentBeforeChange").unwrap(), &after);
    assert!(!events[1].contains_key("fullDocument"));
    server.stop().await;
}

#[tokio::test]
async fn a_stream_goes_on_after_each_event_and_after_a_restart_of_the_server() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert("boats", 0)).await;
    let mut stream = Stream::open(server.client().await, BOATS, doc! {}, &[]).await;
    let first = stream.token.clone();
    let documents: Vec<Bson> = (1..4).map(|id| doc! { "_id": id }.into()).collect();
    client.ok("shop", doc! { "insert": "boats", "documents": documents }).await;
    client.ok("shop", set(1, doc! { "n": 1 })).await;
    let events = stream.next(4).await;
    assert_eq!(events.len(), 4);
    let store = server.store.clone();
    server.stop().await;

    let server = serve_store(store, options()).await;
    let mut tokens = vec![first];
    tokens.extend(events.iter().map(|event| event.get_document("_id").unwrap().clone()));
    for (given, token) in tokens.into_iter().enumerate() {
        for option in ["resumeAfter", "startAfter"] {
            let arguments = doc! { option: token.clone() };
            let mut stream = Stream::open(server.client().await, BOATS, arguments, &[]).await;
            assert_eq!(stream.token, token, "nothing was read yet");
            assert_eq!(stream.next(4 - given).await, events[given..], "after {given} events");
        }
    }
    let time = events[3].get_timestamp("clusterTime").unwrap();
    let arguments = doc! { "startAtOperationTime": time };
    let mut stream = Stream::open(server.client().await, BOATS, arguments, &[]).await;
    // Those of the same millisecond are given too.
    assert!(stream.next(5).await.ends_with(&events[3..]));
    server.stop().await;
}

#[tokio::test]
async fn stages_run_on_the_events_and_keep_their_tokens() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let stages = [
        doc! { "$match": { "operationType": "insert", "fullDocument.n": { "$gte": 2 } } },
        doc! { "$project": { "n": "$fullDocument.n" } },
    ];
    let mut stream = Stream::open(server.client().await, BOATS, doc! {}, &stages).await;
    for id in [1, 2, 3] {
        client.ok("shop", insert("boats", id)).await;
    }
    let events = stream.next(2).await;
    let numbers: Vec<_> = events.iter().map(|event| event.get_i32("n").unwrap()).collect();
    assert_eq!(numbers, [2, 3]);
    let token = stream.token.clone();
    client.ok("shop", insert("boats", 0)).await;
    assert!(stream.next(1).await.is_empty());
    assert_ne!(stream.token, token, "the token goes on with what does not match");

    let without = [doc! { "$project": { "_id": 0 } }];
    let mut stream = Stream::open(server.client().await, BOATS, doc! {}, &without).await;
    client.ok("shop", insert("boats", 9)).await;
    let more = doc! { "getMore": stream.id, "collection": "boats", "maxTimeMS": 400 };
    let refused = stream.client.run("shop", more).await;
    assert_eq!(refused.get_i32("code").unwrap(), 280);
    let labels = refused.get_array("errorLabels").unwrap();
    assert_eq!(labels, &[Bson::from("NonResumableChangeStreamError")]);
    server.stop().await;
}

#[tokio::test]
async fn what_happens_to_collections_ends_the_streams_that_are_of_them() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let all = doc! { "showExpandedEvents": true };
    let mut database = Stream::open(server.client().await, ("shop", None), all.clone(), &[]).await;
    let mut collection = Stream::open(server.client().await, BOATS, doc! {}, &[]).await;
    client.ok("shop", insert("boats", 1)).await;
    let index = doc! { "key": { "n": 1 }, "name": "n_1" };
    client.ok("shop", doc! { "createIndexes": "boats", "indexes": [index] }).await;
    client.ok("shop", doc! { "collMod": "boats", "validator": { "n": 1 } }).await;
    client.ok("shop", doc! { "dropIndexes": "boats", "index": "n_1" }).await;
    client.ok("admin", doc! { "renameCollection": "shop.boats", "to": "shop.ships" }).await;
    client.ok("shop", doc! { "drop": "ships" }).await;
    assert_eq!(collection.kinds(9).await, ["insert", "rename", "invalidate"]);
    assert_eq!(
        database.kinds(7).await,
        ["create", "insert", "createIndexes", "modify", "dropIndexes", "rename", "drop"]
    );
    client.ok("shop", insert("boats", 1)).await;
    client.ok("shop", doc! { "dropDatabase": 1 }).await;
    let last = database.next(9).await;
    let kinds: Vec<_> = last.iter().map(kind).collect();
    assert_eq!(kinds, ["create", "insert", "drop", "dropDatabase", "invalidate"]);
    assert_eq!(database.id, 0);

    let end = last[4].get_document("_id").unwrap();
    let resume = command(None, doc! { "resumeAfter": end.clone() }, &[]);
    assert_eq!(client.fails("shop", resume).await.0, 260);
    client.ok("shop", insert("boats", 1)).await;
    let after = doc! { "startAfter": end.clone() };
    let mut stream = Stream::open(server.client().await, ("shop", None), after, &[]).await;
    assert_eq!(stream.kinds(1).await, ["insert"]);
    server.stop().await;
}

#[tokio::test]
async fn a_reset_or_the_end_of_a_branch_ends_its_streams() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert("boats", 1)).await;
    client.ok("shop", insert("boats", 2)).await;
    let token = Stream::open(server.client().await, BOATS, doc! {}, &[]).await.token;
    let project = server.store.project("shop").await.unwrap();
    let main = project.branch("main").await.unwrap();

    let mut stream = Stream::open(server.client().await, BOATS, doc! {}, &[]).await;
    argon_core::restore::reset(&main, &main.at(Lsn::new(1)).await.unwrap()).await.unwrap();
    assert_eq!(stream.kinds(2).await, ["invalidate"]);
    assert_eq!(stream.id, 0);
    let gone = client.run("shop", command(Some("boats"), doc! { "resumeAfter": token }, &[])).await;
    assert_eq!(gone.get_i32("code").unwrap(), 286);
    let labels = gone.get_array("errorLabels").unwrap();
    assert_eq!(labels, &[Bson::from("NonResumableChangeStreamError")]);

    client.ok("shop:try", insert("boats", 7)).await;
    let of_branch = ("shop:try", Some("boats"));
    let mut stream = Stream::open(server.client().await, of_branch, doc! {}, &[]).await;
    project.delete_branch(&BranchName::new("try").unwrap()).await.unwrap();
    assert_eq!(stream.kinds(2).await, ["invalidate"]);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_of_all_databases_has_those_that_are_made_later() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert("boats", 1)).await;
    let all = doc! { "allChangesForCluster": true };
    let mut stream = Stream::open(server.client().await, ("admin", None), all.clone(), &[]).await;
    for (database, id) in [("shop", 2), ("shop:try", 3), ("other", 4)] {
        client.ok(database, insert("boats", id)).await;
    }
    let mut events = Vec::new();
    for _ in 0..10 {
        events.extend(stream.next(1).await);
        if events.len() == 3 {
            break;
        }
    }
    let of = |event: &Document| {
        let namespace = event.get_document("ns").unwrap();
        let key = event.get_document("documentKey").unwrap();
        (key.get_i32("_id").unwrap(), namespace.get_str("db").unwrap().to_owned())
    };
    let mut seen: Vec<_> = events.iter().map(of).collect();
    seen.sort();
    let expected = [(2, "shop"), (3, "shop:try"), (4, "other")];
    assert_eq!(seen, expected.map(|(id, database)| (id, database.to_owned())));

    let given = of(&events[0]);
    let mut arguments = all;
    arguments.insert("resumeAfter", events[0].get_document("_id").unwrap().clone());
    let mut stream = Stream::open(server.client().await, ("admin", None), arguments, &[]).await;
    let mut rest: Vec<_> = stream.next(2).await.iter().map(of).collect();
    rest.sort();
    let expected: Vec<_> = seen.into_iter().filter(|event| *event != given).collect();
    assert_eq!(rest, expected);
    server.stop().await;
}

#[tokio::test]
async fn a_masked_branch_shows_no_original() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert("boats", 1)).await;
    client.ok("shop", set(1, doc! { "owner": "Ada" })).await;
    client.ok("shop", set(1, doc! { "owner": "Grace" })).await;
    client.ok("shop", set(1, doc! { "owner": "Joan", "n": 5 })).await;
    let project = server.store.project("shop").await.unwrap();
    let main = project.branch("main").await.unwrap();
    let owner = FieldPolicy { path: "owner".into(), with: Transform::Redact, fake: None };
    let boats =
        CollectionPolicy { name: "boats".into(), fields: vec![owner], ..Default::default() };
    let policy = MaskPolicy { collections: vec![boats], ..Default::default() };
    let (name, head) = (BranchName::new("shown").unwrap(), main.head().await.unwrap());
    let masked = project.create_masked_branch(&name, &head, Some(main.name()), policy).await;
    masked.unwrap();

    let arguments = doc! { "fullDocument": "updateLookup", "fullDocumentBeforeChange": "required" };
    let of_masked = ("shop:shown", Some("boats"));
    let mut stream = Stream::open(server.client().await, of_masked, arguments.clone(), &[]).await;
    client.ok("shop:shown", set(1, doc! { "n": 2 })).await;
    client
        .ok(
            "shop:shown",
            doc! { "delete": "boats", "deletes": [{ "q": { "_id": 1 }, "limit": 1 }] },
        )
        .await;
    let events = stream.next(2).await;
    assert_eq!(events.len(), 2);
    for event in &events {
        let shown = event.to_string();
        assert!(!["Ada", "Grace", "Joan"].iter().any(|name| shown.contains(name)), "{shown}");
    }
    let before = events[1].get_document("fullDocumentBeforeChange").unwrap();
    assert_eq!(before, &doc! { "_id": 1, "n": 2, "owner": "[redacted]" });
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_can_not_be_opened_says_why() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", insert("boats", 1)).await;
    client.ok("shop", doc! { "create": "view", "viewOn": "boats", "pipeline": [] }).await;
    for (database, collection, arguments, code) in [
        ("shop", Some("view"), doc! {}, 166),
        ("shop@1", Some("boats"), doc! {}, 115),
        ("admin", None, doc! {}, 73),
        ("shop", None, doc! { "allChangesForCluster": true }, 72),
        ("shop", None, doc! { "resumeAfter": { "_data": "8263" } }, 260),
    ] {
        let (found, message) = client.fails(database, command(collection, arguments, &[])).await;
        assert_eq!(found, code, "{database}: {message}");
    }
    let later = [doc! { "$match": {} }, doc! { "$changeStream": {} }];
    let later = doc! { "aggregate": "boats", "pipeline": later.to_vec(), "cursor": {} };
    client.fails("shop", later).await;
    server.stop().await;
}
