//! Commands on a local store that `argon serve` has open.

use bson::{Document, doc};

use crate::server::Server;
use crate::support::{Place, has};

const ENGINES: [&str; 2] = ["sled", "fjall"];

/// The documents of a collection, as the server gives them.
#[track_caller]
fn found(server: &Server, database: &str) -> Vec<Document> {
    let reply = server.ask(&doc! { "find": "users", "$db": database });
    let batch = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    batch.unwrap().iter().map(|found| found.as_document().unwrap().clone()).collect()
}

#[track_caller]
fn insert(server: &Server, database: &str, id: i32) {
    let insert =
        doc! { "insert": "users", "documents": [{ "_id": id, "by": "a driver" }], "$db": database };
    assert_eq!(server.ask(&insert).get_i32("n").unwrap(), 1);
}

#[test]
fn every_command_works_beside_the_server_and_both_see_the_same() {
    for engine in ENGINES {
        let server = Server::start_in(Place::with_project(engine));
        let place = &server.place;
        insert(&server, "shop", 1);
        place.ok(&["put", "-c", "users", r#"{"_id": 2, "by": "a command"}"#]);
        assert_eq!(found(&server, "shop").len(), 2);
        has(&place.ok(&["find", "-c", "users"]), &["a driver", "a command"]);

        place.ok(&["branch", "create", "try"]);
        insert(&server, "shop:try", 3);
        place.ok(&["put", "-c", "users", r#"{"_id": 4}"#, "--branch", "try"]);
        has(&place.ok(&["diff", "main", "try"]), &["3", "4"]);
        place.ok(&["merge", "try", "--yes"]);
        assert_eq!(found(&server, "shop").len(), 4);
        place.ok(&["undo", "main"]);
        assert_eq!(found(&server, "shop").len(), 2);

        place.ok(&["index", "create", "-c", "users", r#"{"by": 1}"#]);
        has(&place.ok(&["explain", "-c", "users", r#"{"by": "a driver"}"#]), &["IXSCAN"]);
        place.ok(&["sandbox", "create", "--ttl", "1h"]);
        place.ok(&["pin", "create", "v1"]);
        place.ok(&["snapshot", "create"]);
        for command in [
            &["log"][..],
            &["status"],
            &["history", "-c", "users", "1"],
            &["export", "-c", "users", "-"],
            &["gc", "--dry-run"],
            &["fsck"],
            &["metrics"],
            &["collections"],
        ] {
            place.ok(command);
        }
        has(&place.ok(&["doctor"]), &["through which others use the store"]);
        place.ok(&["compact"]);
        has(&place.ok(&["status"]), &["shop"]);

        let place = server.end();
        assert!(!place.path(".argon/serve.sock").exists());
        has(&place.ok(&["find", "-c", "users"]), &["a driver", "a command"]);
    }
}

#[test]
fn a_server_that_was_killed_leaves_a_store_that_opens_with_what_was_acknowledged() {
    for engine in ENGINES {
        let server = Server::start_in(Place::with_project(engine));
        insert(&server, "shop", 1);
        server.place.ok(&["put", "-c", "users", r#"{"_id": 2}"#]);
        let place = server.kill();
        assert!(place.path(".argon/serve.sock").exists());
        assert_eq!(place.ok(&["count", "-c", "users"]).trim(), "2");
        let server = Server::start_in(place);
        assert_eq!(found(&server, "shop").len(), 2);
        server.end();
    }
}
