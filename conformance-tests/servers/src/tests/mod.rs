//! The servers as tests see them, and the proxy's faults.

mod lifetime;
mod proxy;

use std::process::Command;

use bson::doc;

use crate::mongo::request;
use crate::{FaultProxy, MongoServer, S3Server, server_or_skip};

#[test]
fn a_killed_mongodb_keeps_what_it_acknowledged() {
    let Some(server) = server_or_skip("tests of MongoDB", MongoServer::start()) else { return };
    let insert = doc! { "insert": "kept", "documents": [{ "_id": 1 }], "$db": "test" };
    request(server.address(), &insert).unwrap();
    let killed = server.pid();
    server.kill().unwrap();
    request(server.address(), &insert).unwrap_err();
    server.restart().unwrap();
    assert_ne!(server.pid(), killed);
    let count = doc! { "count": "kept", "$db": "test" };
    assert_eq!(request(server.address(), &count).unwrap().get_i32("n").unwrap(), 1);
}

#[test]
fn a_mongodb_with_a_user_refuses_all_others() {
    let started = MongoServer::start_with_user("argon", "secret");
    let Some(server) = server_or_skip("tests of MongoDB's users", started) else { return };
    assert!(server.url("db").starts_with("mongodb://argon:secret@127.0.0.1:"));
    let check = Command::new(server.python())
        .args(["-c", include_str!("../../python/check_mongodb.py")])
        .args([&server.address().to_string(), "argon", "secret"])
        .status();
    assert!(check.unwrap().success());
}

#[test]
fn the_s3_keeps_the_contracts_that_argon_stands_on() {
    let Some(server) = server_or_skip("tests of S3", S3Server::start()) else { return };
    server.create_bucket("bucket").unwrap();
    let check = Command::new(server.python())
        .args(["-c", include_str!("../../python/check_s3.py")])
        .args([&server.endpoint(), "bucket"])
        .envs(server.environment())
        .status();
    assert!(check.unwrap().success());
}

#[test]
fn requests_of_mongodb_are_counted_without_greetings() {
    let Some(server) = server_or_skip("tests of MongoDB", MongoServer::start()) else { return };
    let proxy = FaultProxy::start(server.address()).unwrap();
    for command in ["hello", "ping", "hello", "buildInfo"] {
        request(proxy.addr(), &doc! { command: 1, "$db": "admin" }).unwrap();
    }
    let counts = proxy.counts();
    assert_eq!(counts.requests, ["ping", "buildInfo"]);
    assert_eq!(counts.connections, 4);
}

#[test]
#[should_panic(expected = "tests of nothing can't run: broken")]
fn under_ci_no_test_is_skipped() {
    let check = |ci| {
        crate::found_or_skip::<()>("tests of nothing", Err(crate::Unavailable::new("broken")), ci)
    };
    assert!(check(false).is_none());
    check(true);
}
