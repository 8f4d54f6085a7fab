//! Every command by every role, and attempts to go round the check.

use std::collections::{BTreeMap, BTreeSet};

use argon_core::model::BranchName;
use bson::oid::ObjectId;
use bson::{Binary, Document, doc, spec::BinarySubtype};

use super::Right;
use crate::command::commands;
use crate::options::ServeOptions;
use crate::testing::{Client, TestServer};

/// `Unauthorized`.
const DENIED: i32 = 13;

/// The letters of the table.
const ROLES: [(char, &str); 7] = [
    ('r', "read@shop"),
    ('w', "readWrite@shop"),
    ('d', "dbAdmin@shop"),
    ('u', "userAdmin@shop"),
    ('m', "clusterMonitor"),
    ('R', "root@shop"),
    ('*', "root"),
];
/// Everyone who has logged in.
const ALL: &str = "rwdumR*";
/// Everyone.
const ANYONE: &str = "-rwdumR*";

/// For each command, the database on which it runs, its arguments, and who may run it.
fn table() -> Vec<(&'static str, Document, &'static str)> {
    let payload = || Binary { subtype: BinarySubtype::Generic, bytes: b"x".to_vec() };
    let explained = doc! { "find": "a" };
    let bulk = doc! {
        "bulkWrite": 1, "ops": [{ "insert": 0, "document": {} }], "nsInfo": [{ "ns": "shop.a" }],
    };
    let out = doc! { "aggregate": "a", "pipeline": [{ "$out": "o" }], "cursor": {} };
    let view = doc! { "create": "v", "viewOn": "a", "pipeline": [] };
    let create = doc! { "createUser": "x", "pwd": "p", "roles": ["read"] };
    let change = doc! { "findAndModify": "a", "query": {}, "update": { "$set": { "x": 1 } } };
    vec![
        ("admin", doc! { "hello": 1 }, ANYONE),
        ("admin", doc! { "ping": 1 }, ANYONE),
        (
            "admin",
            doc! { "saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": payload() },
            ANYONE,
        ),
        ("admin", doc! { "saslContinue": 1, "conversationId": 1, "payload": payload() }, ANYONE),
        ("$external", doc! { "authenticate": 1, "mechanism": "MONGODB-X509" }, ANYONE),
        ("admin", doc! { "logout": 1 }, ANYONE),
        ("admin", doc! { "buildInfo": 1 }, ALL),
        ("shop", doc! { "find": "a" }, "rwR*"),
        ("shop", doc! { "getMore": 99_i64, "collection": "a" }, ALL),
        ("shop", doc! { "killCursors": "a", "cursors": [99_i64] }, ALL),
        ("shop", doc! { "aggregate": "a", "pipeline": [], "cursor": {} }, "rwR*"),
        ("shop", out, "wR*"),
        ("shop", doc! { "count": "a" }, "rwR*"),
        ("shop", doc! { "distinct": "a", "key": "x" }, "rwR*"),
        ("shop", doc! { "explain": explained }, "rwR*"),
        (
            "shop",
            doc! { "explain": { "delete": "a", "deletes": [{ "q": {}, "limit": 0 }] } },
            "wR*",
        ),
        ("shop", doc! { "insert": "a", "documents": [{}] }, "wR*"),
        (
            "shop",
            doc! { "update": "a", "updates": [{ "q": {}, "u": { "$set": { "x": 1 } } }] },
            "wR*",
        ),
        ("shop", doc! { "delete": "a", "deletes": [{ "q": {}, "limit": 1 }] }, "wR*"),
        ("shop", change, "wR*"),
        ("admin", bulk, "wR*"),
        ("admin", doc! { "applyOps": [] }, "*"),
        ("admin", doc! { "listDatabases": 1 }, ALL),
        ("shop", doc! { "dropDatabase": 1 }, "dR*"),
        ("shop", doc! { "dbStats": 1 }, "rwdmR*"),
        ("shop", doc! { "listCollections": 1 }, "rwdmR*"),
        ("shop", doc! { "create": "c" }, "wdR*"),
        ("shop", view, "wR*"),
        ("shop", doc! { "drop": "c" }, "wdR*"),
        ("admin", doc! { "renameCollection": "shop.c", "to": "shop.d" }, "wdR*"),
        ("shop", doc! { "collMod": "a" }, "dR*"),
        ("shop", doc! { "collStats": "a" }, "rwdmR*"),
        ("shop", doc! { "validate": "a" }, "dR*"),
        (
            "shop",
            doc! { "createIndexes": "a", "indexes": [{ "key": { "x": 1 }, "name": "x" }] },
            "wdR*",
        ),
        ("shop", doc! { "listIndexes": "a" }, "rwdmR*"),
        ("shop", doc! { "dropIndexes": "a", "index": "x" }, "wdR*"),
        ("admin", doc! { "startSession": 1 }, ALL),
        ("admin", doc! { "endSessions": [] }, ALL),
        ("admin", doc! { "refreshSessions": [] }, ALL),
        ("admin", doc! { "commitTransaction": 1 }, ALL),
        ("admin", doc! { "abortTransaction": 1 }, ALL),
        ("admin", doc! { "hostInfo": 1 }, "m*"),
        ("admin", doc! { "connectionStatus": 1 }, ALL),
        ("admin", doc! { "getParameter": "*" }, ALL),
        ("admin", doc! { "getLog": "global" }, "m*"),
        ("admin", doc! { "getCmdLineOpts": 1 }, "m*"),
        ("admin", doc! { "serverStatus": 1 }, "m*"),
        ("admin", doc! { "top": 1 }, "m*"),
        ("admin", doc! { "whatsmyuri": 1 }, ALL),
        ("admin", doc! { "currentOp": 1 }, ALL),
        ("admin", doc! { "killOp": 1, "op": 1 }, "m*"),
        ("admin", doc! { "listCommands": 1 }, ALL),
        ("admin", doc! { "replSetGetStatus": 1 }, "m*"),
        ("admin", doc! { "replSetGetConfig": 1 }, "m*"),
        ("admin", doc! { "profile": -1 }, "m*"),
        ("admin", doc! { "fsync": 1 }, "m*"),
        ("shop", doc! { "createSearchIndexes": "a", "indexes": [] }, ALL),
        ("shop", doc! { "dropSearchIndex": "a" }, ALL),
        ("shop", doc! { "updateSearchIndex": "a" }, ALL),
        ("shop", doc! { "listSearchIndexes": "a" }, ALL),
        ("shop", doc! { "argonAt": 1 }, "rwR*"),
        ("shop", doc! { "argonLog": 1 }, "rwR*"),
        ("shop", doc! { "argonDiff": 1 }, "rwR*"),
        ("shop", doc! { "argonBranch": 1 }, "rwR*"),
        ("shop", doc! { "argonBranch": "x" }, "wdR*"),
        ("shop", doc! { "argonBranch": "x", "action": "delete" }, "dR*"),
        ("shop", doc! { "argonMerge": "x", "action": "dry_run" }, "rwR*"),
        ("shop", doc! { "argonMerge": "x" }, "wR*"),
        ("shop", doc! { "argonUndo": "x" }, "wR*"),
        ("shop", doc! { "argonRestore": "x" }, "dR*"),
        ("shop", doc! { "argonRestore": "x", "action": "part" }, "wR*"),
        ("shop", doc! { "argonPin": "x" }, "wdR*"),
        ("shop", doc! { "argonSandbox": 1 }, "rwR*"),
        ("shop", create, "uR*"),
        ("admin", doc! { "createUser": "x", "pwd": "p", "roles": [] }, "*"),
        ("shop", doc! { "updateUser": "x", "roles": [] }, "uR*"),
        ("shop", doc! { "grantRolesToUser": "x", "roles": ["read"] }, "uR*"),
        ("shop", doc! { "revokeRolesFromUser": "x", "roles": ["read"] }, "uR*"),
        ("shop", doc! { "usersInfo": 1 }, "uR*"),
        ("shop", doc! { "usersInfo": { "forAllDBs": true } }, "*"),
        ("shop", doc! { "rolesInfo": 1 }, ALL),
        ("shop", doc! { "dropUser": "x" }, "uR*"),
        ("shop", doc! { "dropAllUsersFromDatabase": 1 }, "uR*"),
    ]
}

#[tokio::test]
async fn every_command_is_run_by_the_roles_of_the_table_only() {
    let server = TestServer::new().await;
    let mut users = BTreeMap::new();
    for (letter, role) in ROLES {
        users.insert(letter, server.user(&format!("user {letter}"), &[role]).await);
    }
    let mut covered = BTreeSet::new();
    for (database, command, expected) in table() {
        let name = command.keys().next().unwrap().clone();
        let mut allowed = String::new();
        for (letter, _) in [('-', "")].into_iter().chain(ROLES) {
            let client =
                users.get(&letter).map_or_else(|| server.connect(), |user| server.connect_as(user));
            if client.code(database, command.clone()).await != DENIED {
                allowed.push(letter);
            }
        }
        assert_eq!(allowed, expected, "{command} on {database}");
        covered.insert(name);
    }
    let missing: Vec<_> =
        commands().map(|command| command.name).filter(|name| !covered.contains(*name)).collect();
    assert!(missing.is_empty(), "commands that the table lacks: {missing:?}");
}

#[tokio::test]
async fn rights_of_one_project_and_of_no_role_are_none_on_another() {
    let server = TestServer::new().await;
    let none = server.client("none", &[]).await;
    let other = server.client("other", &["root@other"]).await;
    for (database, command, expected) in
        table().into_iter().filter(|(database, ..)| *database == "shop")
    {
        if expected == ALL || expected == ANYONE {
            continue;
        }
        for client in [&none, &other] {
            assert_eq!(client.code(database, command.clone()).await, DENIED, "{command}");
        }
    }
    assert_eq!(Right::ALL.len(), 7);
}

/// A store with a branch `try`, one other project, and a user who may write the branch only.
async fn with_branch(aliases: &[(&str, &str)]) -> (TestServer, Client, Client) {
    let aliases = aliases.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned())).collect();
    let main = BranchName::new("main").unwrap();
    let server =
        TestServer::with(ServeOptions { auth: true, aliases, ..ServeOptions::new(main) }).await;
    let root = server.client("root", &["root"]).await;
    let insert = |id: i32| doc! { "insert": "a", "documents": [{ "_id": id }] };
    for database in ["shop", "other", "shop:try"] {
        assert_eq!(root.code(database, insert(1)).await, 0);
    }
    assert_eq!(root.code("shop", insert(2)).await, 0);
    let ada = server.client("ada", &["readWrite@shop:try"]).await;
    (server, root, ada)
}

#[tokio::test]
async fn rights_on_a_branch_count_for_it_by_every_name_and_for_nothing_else() {
    let (_server, _, ada) = with_branch(&[("mine", "shop:try"), ("theirs", "other")]).await;
    for name in
        ["shop:try", "shop@try", "shop%40try", "shop%3Atry", "shop:try@1", "shop:try~1", "mine"]
    {
        assert_eq!(ada.code(name, doc! { "find": "a" }).await, 0, "{name}");
    }
    for name in [
        "shop",
        "other",
        "theirs",
        "shop:main",
        "shop@main",
        "shop%3Amain",
        "%73hop",
        "shop@@1",
        "shop:1",
        "shop@1",
        "shop:pin:try",
        "shop@HEAD",
        "shop:try2",
        "other:try",
        "shop:backup/try/1",
        "shop@2026-07-07",
    ] {
        for command in [doc! { "find": "a" }, doc! { "insert": "a", "documents": [{}] }] {
            assert_eq!(ada.code(name, command).await, DENIED, "{name}");
        }
    }
    let listed = ada.run("admin", doc! { "listDatabases": 1, "nameOnly": true }).await;
    assert_eq!(listed.get_array("databases").unwrap(), &[doc! { "name": "shop:try" }.into()]);
}

#[tokio::test]
async fn a_pipeline_does_not_leave_the_branch_of_its_user() {
    let (_server, root, ada) = with_branch(&[]).await;
    let lookup =
        |at: &str| doc! { "$lookup": { "from": "a", "at": at, "pipeline": [], "as": "x" } };
    let union = |at: &str| doc! { "$unionWith": { "coll": "a", "at": at } };
    let run = |stage: Document| doc! { "aggregate": "a", "pipeline": [stage], "cursor": {} };
    for stage in [lookup("try@1"), union("try"), doc! { "$facet": { "x": [{ "$count": "n" }] } }] {
        assert_eq!(ada.code("shop:try", run(stage.clone())).await, 0, "{stage}");
    }
    for stage in [
        lookup("main"),
        lookup("@"),
        lookup("1"),
        union("main~1"),
        union("pin:try"),
        doc! { "$facet": { "x": [{ "$lookup": { "from": "a", "pipeline": [union("main")], "as": "x" } }] } },
        doc! { "$diff": { "from": "try", "to": "main" } },
        doc! { "$out": { "db": "shop", "coll": "b" } },
        doc! { "$merge": { "into": { "db": "other", "coll": "b" } } },
    ] {
        let explain = doc! { "explain": run(stage.clone()) };
        assert_eq!(ada.code("shop:try", run(stage.clone())).await, DENIED, "{stage}");
        assert_eq!(ada.code("shop:try", explain).await, DENIED, "explain {stage}");
        let view = doc! { "create": "v", "viewOn": "a", "pipeline": [stage.clone()] };
        assert_eq!(ada.code("shop:try", view).await, DENIED, "view {stage}");
    }
    let view = doc! { "create": "v", "viewOn": "a", "pipeline": [union("main")] };
    assert_eq!(root.code("shop:try", view).await, 0);
    for command in [
        doc! { "find": "v" },
        doc! { "count": "v" },
        doc! { "distinct": "v", "key": "_id" },
        run(doc! { "$match": {} })
            .into_iter()
            .map(
                |(name, value)| {
                    if name == "aggregate" { (name, "v".into()) } else { (name, value) }
                },
            )
            .collect(),
        doc! { "explain": { "find": "v" } },
    ] {
        assert_eq!(ada.code("shop:try", command.clone()).await, DENIED, "{command}");
        assert_eq!(root.code("shop:try", command).await, 0);
    }
}

#[tokio::test]
async fn rights_on_a_branch_do_not_create_it_from_the_head_of_another() {
    let (server, _, _) = with_branch(&[]).await;
    let eve = server.client("eve", &["readWrite@shop:new", "readWrite@none:main"]).await;
    for (database, command) in [
        ("shop:new", doc! { "insert": "a", "documents": [{}] }),
        ("shop:new", doc! { "create": "b" }),
        ("none", doc! { "insert": "a", "documents": [{}] }),
    ] {
        assert_eq!(eve.code(database, command).await, DENIED, "{database}");
    }
    let of_project = server.client("bob", &["readWrite@shop"]).await;
    assert_eq!(of_project.code("shop:new", doc! { "insert": "a", "documents": [{}] }).await, 0);
    assert_eq!(eve.code("shop:new", doc! { "insert": "a", "documents": [{}] }).await, 0);
}

#[tokio::test]
async fn a_write_to_several_namespaces_needs_the_right_on_all() {
    let (_server, _, ada) = with_branch(&[]).await;
    let bulk = |namespaces: &[&str]| {
        let names: Vec<_> = namespaces.iter().map(|name| doc! { "ns": *name }).collect();
        doc! { "bulkWrite": 1, "ops": [{ "insert": 0, "document": {} }], "nsInfo": names }
    };
    assert_eq!(ada.code("admin", bulk(&["shop:try.a"])).await, 0);
    assert_eq!(ada.code("admin", bulk(&["shop:try.a", "other.a"])).await, DENIED);
    for (from, to) in [("shop:try.a", "other.a"), ("other.a", "shop:try.b")] {
        let rename = doc! { "renameCollection": from, "to": to };
        assert_eq!(ada.code("admin", rename).await, DENIED, "{from} {to}");
    }
}

#[tokio::test]
async fn cursors_and_transactions_are_of_one_user() {
    let (server, root, ada) = with_branch(&[]).await;
    let find = doc! { "find": "a", "batchSize": 1 };
    let cursor = |reply: Document| reply.get_document("cursor").unwrap().get_i64("id").unwrap();
    let id = cursor(root.run("shop", find).await);
    let reader = server.client("reader", &["read@*"]).await;
    let more = doc! { "getMore": id, "collection": "a" };
    assert_eq!(reader.code("shop", more.clone()).await, DENIED);
    assert_eq!(reader.code("shop", doc! { "killCursors": "a", "cursors": [id] }).await, DENIED);
    assert_eq!(root.code("shop", more).await, 0);

    let session = Binary { subtype: BinarySubtype::Uuid, bytes: vec![7; 16] };
    let transaction = |document: Document| {
        let mut command = doc! { "insert": "t", "documents": [document] };
        command.extend(
            doc! { "lsid": { "id": session.clone() }, "txnNumber": 1_i64, "autocommit": false },
        );
        command
    };
    let mut first = transaction(doc! { "_id": ObjectId::from_bytes([1; 12]) });
    first.insert("startTransaction", true);
    assert_eq!(root.code("shop:try", first).await, 0);
    assert_eq!(ada.code("shop:try", transaction(doc! {})).await, 251);
    let end = doc! { "endSessions": [{ "id": session.clone() }] };
    assert_eq!(ada.code("admin", end).await, 0);
    let commit = doc! {
        "commitTransaction": 1, "lsid": { "id": session }, "txnNumber": 1_i64, "autocommit": false,
    };
    assert_eq!(root.code("admin", commit).await, 0, "ada has not ended it");
}

#[tokio::test]
async fn a_revoked_role_and_a_dropped_user_count_at_once() {
    let (server, root, _) = with_branch(&[]).await;
    let bob = server.client("bob", &["read@shop"]).await;
    let find = doc! { "find": "a", "batchSize": 1 };
    let reply = bob.run("shop", find.clone()).await;
    let id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
    let revoke = doc! { "revokeRolesFromUser": "bob", "roles": [{ "role": "read", "db": "shop" }] };
    assert_eq!(root.code("admin", revoke).await, 0);
    assert_eq!(bob.code("shop", find.clone()).await, DENIED);
    assert_eq!(bob.code("shop", doc! { "getMore": id, "collection": "a" }).await, DENIED);
    assert_eq!(root.code("admin", doc! { "dropUser": "bob" }).await, 0);
    server.user("bob", &["root"]).await;
    assert_eq!(bob.code("shop", find).await, DENIED, "another bob");
}

#[tokio::test]
async fn nobody_gives_more_than_they_manage() {
    let (server, root, _) = with_branch(&[]).await;
    let manager = server.client("manager", &["userAdmin@shop"]).await;
    let create = |role: &str, database: &str| {
        doc! { "createUser": "x", "pwd": "p", "roles": [{ "role": role, "db": database }] }
    };
    for (role, database) in [
        ("read", "other"),
        ("root", "admin"),
        ("read", "*"),
        ("readAnyDatabase", "admin"),
        ("clusterMonitor", "admin"),
    ] {
        assert_eq!(manager.code("shop", create(role, database)).await, DENIED, "{role} {database}");
    }
    assert_eq!(manager.code("admin", create("read", "shop")).await, DENIED);
    assert_eq!(manager.code("shop", create("readWrite", "shop:try")).await, 0);
    let grant = |role: &str, database: &str| {
        doc! { "grantRolesToUser": "x", "roles": [{ "role": role, "db": database }] }
    };
    assert_eq!(manager.code("shop", grant("read", "other")).await, DENIED);
    let password = || doc! { "updateUser": "x", "pwd": "new" };
    assert_eq!(manager.code("shop", password()).await, 0);
    assert_eq!(root.code("shop", grant("read", "other")).await, 0);
    assert_eq!(manager.code("shop", password()).await, DENIED, "a user with more rights");
    let shown = manager.run("shop", doc! { "usersInfo": "x" }).await.to_string();
    assert!(shown.contains("SCRAM-SHA-256") && !shown.contains("salt"), "{shown}");
}

#[tokio::test]
async fn a_commit_is_signed_by_the_user() {
    let (server, _, ada) = with_branch(&[]).await;
    assert_eq!(ada.code("shop:try", doc! { "insert": "a", "documents": [{}] }).await, 0);
    let project = server.store().project("shop").await.unwrap();
    let state = project.branch("try").await.unwrap().head().await.unwrap();
    assert_eq!(
        argon_core::log::last_commit(&state).await.unwrap().unwrap().meta.actor.as_str(),
        "ada"
    );
}
