//! Commands that compute for hours: they end when they are asked to, and hold up nobody.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use std::time::Duration;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use common::{Client, Running, cursor, options, serve};

/// An expression that takes hours.
fn endless() -> Document {
    let range = doc! { "$range": [0, 2000] };
    (0..4).fold(doc! { "$add": ["$$value", 1] }, |inner, _| {
        doc! { "$reduce": { "input": range.clone(), "initialValue": 0, "in": inner } }
    })
}

/// A filter that takes hours for the first document.
fn filter() -> Document {
    doc! { "$expr": { "$eq": [endless(), 1] } }
}

fn aggregate(stages: impl IntoIterator<Item = Document>) -> Document {
    let stages: Vec<Document> = stages.into_iter().collect();
    doc! { "aggregate": "boats", "pipeline": stages, "cursor": {} }
}

/// Commands that take hours, whose time is spent in a different way each.
fn commands() -> Vec<Document> {
    let update = |filter: Document, update: Bson| {
        doc! { "update": "boats", "updates": [{ "q": filter, "u": update, "multi": true }] }
    };
    let set: Bson = vec![doc! { "$set": { "x": endless() } }].into();
    let lookup = doc! { "from": "boats", "as": "x", "pipeline": [{ "$set": { "x": endless() } }] };
    let group = doc! { "_id": null, "x": { "$sum": endless() } };
    vec![
        doc! { "find": "boats", "filter": filter() },
        doc! { "find": "boats", "projection": { "x": endless() } },
        doc! { "find": "boats", "filter": { "_id": 1 }, "projection": { "x": endless() } },
        doc! { "count": "boats", "query": filter() },
        doc! { "distinct": "boats", "key": "_id", "query": filter() },
        doc! { "explain": { "find": "boats", "filter": filter() }, "verbosity": "executionStats" },
        aggregate([doc! { "$group": group }]),
        aggregate([doc! { "$lookup": lookup }]),
        aggregate([doc! { "$set": { "x": endless() } }, doc! { "$out": "other" }]),
        update(filter(), doc! { "$set": { "x": 1 } }.into()),
        update(doc! {}, set.clone()),
        doc! { "update": "boats", "ordered": false, "updates": [
            { "q": { "_id": 1 }, "u": set.clone() }, { "q": { "_id": 2 }, "u": set.clone() },
        ] },
        doc! { "delete": "boats", "deletes": [{ "q": filter(), "limit": 0 }] },
        doc! { "findAndModify": "boats", "query": { "_id": 1 }, "update": set },
    ]
}

async fn with_boats() -> Running {
    let server = serve(options()).await;
    let boats: Vec<Bson> = (0..300).map(|id| doc! { "_id": id }.into()).collect();
    server.client().await.ok("shop", doc! { "insert": "boats", "documents": boats }).await;
    server
}

/// What the server lists as running, besides the command that asks.
async fn running(client: &mut Client) -> Vec<Document> {
    let reply = client.ok("admin", doc! { "currentOp": 1 }).await;
    let all = reply.get_array("inprog").unwrap().iter().map(|one| one.as_document().unwrap());
    all.filter(|one| !one.get_document("command").unwrap().contains_key("currentOp"))
        .cloned()
        .collect()
}

/// Waits until so many commands run, and returns them.
async fn until_running(client: &mut Client, count: usize) -> Vec<Document> {
    loop {
        let running = running(client).await;
        if running.len() == count {
            return running;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_ends_when_its_time_is_up_whatever_it_does() {
    let server = with_boats().await;
    let mut client = server.client().await;
    for mut command in commands() {
        command.insert("maxTimeMS", 20);
        let shown = command.to_string();
        let reply = client.run("shop", command).await;
        assert_eq!(reply.get_i32("code").unwrap(), 50, "{shown}: {reply}");
        assert_eq!(reply.get_str("codeName").unwrap(), "MaxTimeMSExpired", "{shown}");
    }
    let branch = server.store.project("shop").await.unwrap().branch("main").await.unwrap();
    assert_eq!(branch.head().await.unwrap().lsn().get(), 1, "nothing is written");
    let wrong = doc! { "find": "boats", "maxTimeMS": -1 };
    assert_eq!(client.fails("shop", wrong).await.0, 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn commands_that_compute_hold_up_nobody_and_are_killed() {
    let server = with_boats().await;
    let mut clients = Vec::new();
    for mut command in commands() {
        command.insert("comment", "s3cret");
        let mut client = server.client().await;
        client.begin("shop", command).await;
        clients.push(client);
    }
    let mut other = server.client().await;
    let running = until_running(&mut other, clients.len()).await;
    other.ok("admin", doc! { "ping": 1 }).await;
    assert_eq!(other.find("shop", "boats", doc! { "_id": 7 }).await, [doc! { "_id": 7 }]);
    for operation in &running {
        assert!(operation.get_bool("active").unwrap());
        assert!(operation.get_i64("secs_running").is_ok(), "{operation}");
        let namespace = operation.get_str("ns").unwrap();
        assert!(["shop.boats", "shop.$cmd"].contains(&namespace), "{operation}");
        assert!(!operation.to_string().contains("s3cret"), "{operation}");
    }
    for operation in &running {
        let id = operation.get_i32("opid").unwrap();
        other.ok("admin", doc! { "killOp": 1, "op": id }).await;
    }
    for client in &mut clients {
        let reply = client.reply().await;
        assert_eq!(reply.get_i32("code").unwrap(), 11601, "{reply}");
        assert_eq!(reply.get_str("codeName").unwrap(), "Interrupted");
        // The connection goes on.
        client.ok("admin", doc! { "ping": 1 }).await;
    }
    until_running(&mut other, 0).await;
    // What has ended is no error to kill.
    other.ok("admin", doc! { "killOp": 1, "op": 1 }).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_ends_with_the_command_that_reads_it() {
    let server = with_boats().await;
    let mut client = server.client().await;
    // The first batch is quick, and the next one takes hours.
    let slow = doc! { "$cond": [{ "$lt": ["$_id", 10] }, 1, endless()] };
    let mut find = doc! { "find": "boats", "projection": { "x": slow }, "batchSize": 0 };
    find.insert("maxTimeMS", 60_000);
    let id = cursor(&client.ok("shop", find).await);
    client.begin("shop", doc! { "getMore": id, "collection": "boats" }).await;
    let mut other = server.client().await;
    let running = until_running(&mut other, 1).await;
    assert_eq!(running[0].get_str("op").unwrap(), "getmore");
    assert_eq!(running[0].get_str("ns").unwrap(), "shop.boats");
    let kill = doc! { "killOp": 1, "op": running[0].get_i32("opid").unwrap() };
    other.ok("admin", kill).await;
    assert_eq!(client.reply().await.get_i32("code").unwrap(), 11601);
    assert_eq!(client.fails("shop", doc! { "getMore": id, "collection": "boats" }).await.0, 43);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_ends_what_it_reads() {
    let server = with_boats().await;
    let mut other = server.client().await;
    for command in commands().into_iter().take(8) {
        let mut client = server.client().await;
        client.begin("shop", command).await;
        until_running(&mut other, 1).await;
        drop(client);
        until_running(&mut other, 0).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_killed_ends_its_commands() {
    let server = with_boats().await;
    let mut other = server.client().await;
    let lsid = |number: u8| {
        doc! { "id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![number; 16] } }
    };
    let mut clients = Vec::new();
    for session in [1, 2] {
        let mut client = server.client().await;
        let find = doc! { "find": "boats", "filter": filter(), "lsid": lsid(session) };
        client.begin("shop", find).await;
        clients.push(client);
    }
    until_running(&mut other, 2).await;
    other.ok("admin", doc! { "killSessions": [lsid(1)] }).await;
    assert_eq!(clients[0].reply().await.get_i32("code").unwrap(), 11601);
    assert_eq!(until_running(&mut other, 1).await[0].get_i32("connectionId").unwrap(), 4);
    drop(clients);
    until_running(&mut other, 0).await;
    server.stop().await;
}
