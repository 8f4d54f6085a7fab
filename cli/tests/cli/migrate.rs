//! `argon migrate`

use crate::support::{Place, copy_directory, has};

/// What is migrated, and where to.
const SOURCE: &str = "sled:.argon";
const TARGET: &str = "fjall:new";

/// A store with a fork, a reset and a pin.
fn source() -> Place {
    let place = Place::with_project("sled");
    for id in 1..=5 {
        place.ok(&["put", "-c", "users", &format!("{{\"_id\": {id}}}")]);
    }
    place.ok(&["branch", "create", "side", "--from", "@3"]);
    place.ok(&["put", "-b", "side", "-c", "users", "{\"_id\": 30}"]);
    place.ok(&["pin", "create", "v1"]);
    place.ok(&["restore", "reset", "@2", "--yes"]);
    place.ok(&["put", "-c", "users", "{\"_id\": 20}"]);
    place
}

#[test]
fn a_store_is_the_same_after_it_was_migrated() {
    let place = source();
    let all = ["branch", "list", "--all", "-o", "jsonl"];
    let copied = |arguments: &[&str]| {
        let run = place.ok(&[&["--store", TARGET, "-p", "shop"], arguments].concat());
        // Which branch is current is not the store's.
        run.replace("\"current\":false", "\"current\":true")
    };
    let would = place.ok(&["migrate", SOURCE, TARGET, "--dry-run"]);
    has(&would, &["would copy 7 commits of 1 project with 3 branches", "which would be created"]);
    assert!(!place.path("new").exists(), "a dry run makes nothing");
    let done = place.ok(&["migrate", SOURCE, TARGET]);
    has(
        &done,
        &["copied 7 commits and 5 refs", "3 branches the same in both", "same: shop/side at LSN 4"],
    );
    let before = place.ok(&all).replace("\"current\":false", "\"current\":true");
    assert_eq!(copied(&all), before);
    assert_eq!(copied(&["pin", "list", "-o", "jsonl"]), place.ok(&["pin", "list", "-o", "jsonl"]));
    for branch in ["main", "side"] {
        let at = ["-b", branch, "-p", "shop"];
        assert_eq!(place.digests(&[&["--store", TARGET], &at[..]].concat()), place.digests(&at));
    }
    place.ok(&["--store", TARGET, "fsck"]);
    has(
        &place.ok(&["migrate", SOURCE, TARGET]),
        &["copied 0 commits (7 there already) and 0 refs"],
    );
}

#[test]
fn deleted_projects_are_migrated_and_named() {
    let place = Place::with_project("fjall");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["project", "delete", "shop", "--yes"]);
    has(
        &place.ok(&["migrate", ".argon", "sled:new", "--dry-run"]),
        &["would copy 1 commit of 0 projects with 0 branches and 1 deleted project"],
    );
    has(&place.ok(&["migrate", ".argon", "sled:new"]), &["also copied: the deleted project shop"]);
    place.ok(&["--store", "sled:new", "project", "undelete", "shop"]);
    let found = ["--store", "sled:new", "-p", "shop", "find", "-c", "users"];
    assert_eq!(place.ok(&found), "{\"_id\":1}\n");
}

#[test]
fn reading_the_source_never_changes_it() {
    let place = source();
    copy_directory(&place.path(".argon"), &place.path("before"));
    place.ok(&["migrate", SOURCE, TARGET]);
    for arguments in [
        &["branch", "list", "--all"][..],
        &["log"],
        &["reflog"],
        &["pin", "list"],
        &["collections", "--digest"],
        &["snapshot", "list"],
    ] {
        let in_store =
            |url| place.ok(&[&["--store", url, "-p", "shop", "-o", "jsonl"], arguments].concat());
        assert_eq!(in_store(SOURCE), in_store("sled:before"), "{arguments:?}");
    }
}

#[test]
fn a_migration_that_is_killed_goes_on_where_it_ended() {
    let place = Place::with_project("sled");
    let documents: String =
        (0..20_000).map(|id| format!("{{\"_id\": {id}, \"n\": \"{id}\"}}\n")).collect();
    place.file("many.json", documents);
    place.ok(&["import", "many.json", "--batch", "20"]);
    for wait in [30, 60, 120] {
        let mut child = place.start(&["migrate", SOURCE, TARGET]);
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    has(&place.ok(&["migrate", SOURCE, TARGET]), &["1 branch the same in both"]);
    assert_eq!(place.digests(&["--store", TARGET, "-p", "shop"]), place.digests(&[]));
}

#[test]
fn a_target_with_another_history_is_refused() {
    let place = source();
    place.ok(&["init", TARGET]);
    place.ok(&["--store", TARGET, "project", "create", "shop"]);
    has(&place.fails(5, &["migrate", SOURCE, TARGET]), &["a different project 'shop'"]);
    has(&place.fails(3, &["migrate", SOURCE, TARGET, "-p", "none"]), &["unknown project 'none'"]);
    has(&place.fails(3, &["migrate", "sled:nowhere", TARGET]), &["nowhere"]);
}

#[test]
fn a_directory_that_names_the_legacy_store_becomes_the_store_that_it_is_migrated_to() {
    let place = Place::empty();
    place.ok(&["init", "legacy+file:old"]);
    place.ok(&["project", "create", "shop"]);
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["migrate", "legacy+file:old", "sled:.argon"]);
    assert!(!place.path(".argon/url").exists());
    has(&place.ok(&["get", "-c", "users", "1"]), &["{\"_id\":1}"]);
    has(
        &place.ok(&["get", "-p", "shop", "-c", "users", "1", "--store", "legacy+file:old"]),
        &["{\"_id\":1}"],
    );
}
