//! What git has, from a driver.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

mod common;

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use common::{Client, options, serve};

async fn result(client: &mut Client, database: &str, command: Document) -> Document {
    client.ok(database, command).await.get_document("result").unwrap().clone()
}

async fn results(client: &mut Client, database: &str, command: Document) -> Vec<Document> {
    let reply = client.ok(database, command).await;
    let list = reply.get_array("result").unwrap();
    list.iter().map(|entry| entry.as_document().unwrap().clone()).collect()
}

/// A value as a number, whatever its type.
fn number(value: Option<&Bson>) -> i64 {
    match value {
        Some(Bson::Int32(number)) => (*number).into(),
        Some(Bson::Int64(number)) => *number,
        other => panic!("{other:?} is no number"),
    }
}

#[tokio::test]
async fn a_branch_is_made_changed_compared_and_merged() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    let id = ObjectId::from_bytes([7; 12]);
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": id, "n": 1 }] }).await;
    let branch = result(&mut client, "shop", doc! { "argonBranch": "try" }).await;
    assert_eq!(branch.get_str("branch").unwrap(), "try");
    let update = doc! { "q": { "_id": id }, "u": { "$set": { "n": 2, "odd": { "$literal": { "$oid": "x" } } } } };
    let update = doc! { "update": "c", "updates": [update] };
    client.ok("shop:try", update).await;
    let branches = results(&mut client, "shop", doc! { "argonBranch": 1 }).await;
    let names: Vec<_> = branches.iter().map(|branch| branch.get_str("branch").unwrap()).collect();
    assert_eq!(names, ["main", "try"]);

    let diff =
        results(&mut client, "shop", doc! { "argonDiff": 1, "from": "main", "to": "try" }).await;
    assert!(
        diff.iter().any(|item| item.get("id") == Some(&Bson::ObjectId(id))),
        "an id is what it is in the document: {diff:?}"
    );
    let at = client.ok("shop:try", doc! { "argonAt": 1 }).await;
    assert_eq!(at.get_str("branch").unwrap(), "try");
    assert_eq!(number(at.get("lsn")), 2);

    let preview = doc! { "argonMerge": "try", "action": "dry_run" };
    let preview = result(&mut client, "shop", preview).await;
    assert_eq!(preview.get_str("outcome").unwrap(), "computed", "{preview}");
    assert_eq!(client.find("shop", "c", doc! { "n": 2 }).await.len(), 0);
    let merged = doc! { "argonMerge": "try", "comment": "better" };
    let merged = result(&mut client, "shop", merged).await;
    assert_eq!(merged.get_str("outcome").unwrap(), "committed", "{merged}");
    assert_eq!(client.find("shop", "c", doc! { "n": 2 }).await.len(), 1);
    let log = results(&mut client, "shop", doc! { "argonLog": 1, "limit": 1 }).await;
    assert_eq!(log[0].get_str("message").unwrap(), "better", "{log:?}");

    let undone = result(&mut client, "shop", doc! { "argonUndo": "main" }).await;
    assert_eq!(undone.get_str("outcome").unwrap(), "committed", "{undone}");
    assert_eq!(client.find("shop", "c", doc! { "n": 1 }).await.len(), 1);

    client.ok("shop", doc! { "argonBranch": "try", "action": "delete" }).await;
    assert_eq!(client.fails("shop:try", doc! { "find": "c" }).await.0, 26);
    assert_eq!(client.fails("shop:try", doc! { "count": "c" }).await.0, 26);
}

#[tokio::test]
async fn a_conflict_is_resolved_and_the_plan_applied() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": 1, "n": 1 }] }).await;
    client.ok("shop", doc! { "argonBranch": "try" }).await;
    for (database, n) in [("shop", 2), ("shop:try", 3)] {
        let update = doc! { "q": { "_id": 1 }, "u": { "$set": { "n": n } } };
        client.ok(database, doc! { "update": "c", "updates": [update] }).await;
    }
    let plan = result(&mut client, "shop", doc! { "argonMerge": "try", "action": "save" }).await;
    let plan = plan.get_document("plan").unwrap_or_else(|_| panic!("{plan}"));
    let plan = plan.get_str("id").unwrap().to_owned();
    let apply = || doc! { "argonMerge": plan.as_str(), "action": "apply" };
    let refused = result(&mut client, "shop", apply()).await;
    assert_eq!(refused.get_str("outcome").unwrap(), "conflicts");
    let resolve = doc! {
        "argonMerge": plan.as_str(), "action": "resolve", "collection": "c", "id": 1, "path": "n", "choice": "theirs",
    };
    client.ok("shop", resolve).await;
    let applied = result(&mut client, "shop", apply()).await;
    assert_eq!(applied.get_str("outcome").unwrap(), "committed");
    assert_eq!(client.find("shop", "c", doc! {}).await, [doc! { "_id": 1, "n": 3 }]);
}

#[tokio::test]
async fn states_are_pinned_and_restored_and_sandboxes_end() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    for id in 1..4 {
        client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": id }] }).await;
    }
    client.ok("shop", doc! { "argonPin": "v1", "revision": "main@2", "note": "two" }).await;
    assert_eq!(client.find("shop@v1", "c", doc! {}).await.len(), 2);
    client.ok("shop", doc! { "argonRestore": "v1" }).await;
    assert_eq!(client.find("shop", "c", doc! {}).await.len(), 2);
    let sandbox =
        result(&mut client, "shop", doc! { "argonSandbox": 1, "action": "create", "ttl": "1h" })
            .await;
    let name = sandbox.get_str("branch").unwrap().to_owned();
    let database = format!("shop:{}", name.replace('/', "%2F"));
    client.ok(&database, doc! { "insert": "c", "documents": [{ "_id": 9 }] }).await;
    assert_eq!(client.find(&database, "c", doc! {}).await.len(), 3);
    client.ok("shop", doc! { "argonSandbox": name, "action": "discard" }).await;
    assert_eq!(client.fails(&database, doc! { "find": "c" }).await.0, 26);
}

#[tokio::test]
async fn a_wrong_request_names_what_is_wrong() {
    let server = serve(options()).await;
    let mut client = server.client().await;
    client.ok("shop", doc! { "insert": "c", "documents": [{ "_id": 1 }] }).await;
    for (command, words) in [
        (doc! { "argonBranch": "a b" }, "a b"),
        (doc! { "argonBranch": "x", "action": "destroy" }, "expected create, list"),
        (doc! { "argonBranch": 1, "action": "delete" }, "its branch"),
        (doc! { "argonMerge": "nothing" }, "nothing"),
        (doc! { "argonDiff": 1, "form": "main" }, "argonDiff.form"),
        (doc! { "argonSandbox": "x", "ttl": "long" }, "long"),
    ] {
        let (_, message) = client.fails("shop", command.clone()).await;
        assert!(message.contains(words), "{command}: {message}");
        assert!(!message.contains("column"), "{command}: {message}");
    }
}
