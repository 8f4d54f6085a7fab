//! The long and the old names of commands, and URLs that name a branch.

use crate::support::{Place, has};

fn place() -> Place {
    let place = Place::with_project("sled");
    for id in 1..=3 {
        place.ok(&["put", "-c", "users", &format!("{{\"_id\": {id}}}")]);
    }
    place
}

#[test]
fn long_names_print_what_the_short_ones_print() {
    let place = place();
    for (long, short) in [
        (&["wal", "project", "list"][..], &["project", "list"][..]),
        (&["wal", "branch", "list"], &["branch", "list"]),
        (&["wal", "status"], &["status"]),
        (&["wal", "storage"], &["storage"]),
        (&["wal", "restore-preview", "--lsn", "1"], &["restore", "preview", "@1", "--stat"]),
    ] {
        assert_eq!(place.ok(long), place.ok(short), "{long:?}");
    }
    has(&place.ok(&["wal", "--help"]), &["argon wal restore-preview      argon restore preview"]);
    let preview = place.run(&["wal", "restore-preview", "-p", "shop", "-b", "main", "--lsn", "1"]);
    has(&preview.stderr, &["from LSN 3 to @1 (LSN 1) leaves 2 commits behind"]);
    has(&place.ok(&["status"]), &["LSN 3"]);
}

#[test]
fn how_far_back_a_branch_can_be_read_is_said_before_and_after_gc() {
    let place = place();
    let info = place.ok(&["wal", "tt-info", "-p", "shop", "-b", "main"]);
    has(&info, &["earliest     LSN 0, the empty state", "latest       LSN 3, 20", "3 commits"]);
    place.ok(&["gc", "--retention", "0", "--yes"]);
    let info = place.ok(&["wal", "tt-info", "-o", "json"]);
    has(&info, &["\"earliest_lsn\": 3", "\"latest_lsn\": 3", "\"floor\": 2", "\"commits\": 1"]);
    place.fails(3, &["find", "-c", "users", "--at", "@2"]);
    place.ok(&["find", "-c", "users", "--at", "@3"]);
}

#[test]
fn a_read_only_branch_is_listed_as_such_and_refuses_to_change() {
    let place = place();
    place.ok(&["branch", "create", "fixed", "--read-only"]);
    has(&place.ok(&["branch", "list"]), &["read-only"]);
    let error = place.fails(10, &["put", "-b", "fixed", "-c", "users", "{}"]);
    has(&error, &["branch 'fixed' is read-only", "hint:  `argon branch read-write fixed`"]);
    place.ok(&["branch", "read-write", "fixed"]);
    place.ok(&["put", "-b", "fixed", "-c", "users", "{}"]);
    place.ok(&["branch", "read-only", "fixed"]);
    place.fails(10, &["put", "-b", "fixed", "-c", "users", "{}"]);
    place.fails(10, &["restore", "reset", "@1", "-b", "fixed", "--yes"]);
    has(&place.ok(&["reflog", "fixed"]), &["made read-only", "made writable"]);
    place.ok(&["fsck"]);
}

#[test]
fn the_old_names_do_what_they_did() {
    let place = place();
    let old = |arguments: &[&str]| place.ok(&[arguments, &["--store", ".argon"]].concat());
    old(&["branches", "create", "--name", "try", "--from", "@2", "--type", "read_only"]);
    has(&old(&["branches", "get", "try"]), &["try", "main@2", "read-only"]);
    let stats = old(&["branches", "stats", "main", "-o", "json"]);
    has(&stats, &["\"commits\": 3", "\"documents\": 3", "\"bytes\": 42"]);
    old(&["branches", "switch", "--name", "try"]);
    has(&place.ok(&["status"]), &["branch       try"]);
    has(&old(&["projects", "get", "--name", "shop"]), &["shop"]);
    place.fails(2, &["branches", "create", "--store", ".argon"]);
    place.fails(3, &["projects", "get", "none", "--store", ".argon"]);
}

#[test]
fn a_connection_string_is_taken_back_from_anywhere_and_has_no_password() {
    let mut place = place();
    place.ok(&["branch", "create", "try", "--from", "@2"]);
    let url = place.ok(&["connection-string", "try"]);
    let url = url.trim();
    assert!(url.starts_with("sled:/") && url.ends_with("#project=shop&branch=try"), "{url}");
    has(&place.ok(&["--store", url, "status"]), &["branch       try", "LSN 2"]);
    has(&place.ok(&["--store", url, "-b", "main", "status"]), &["branch       main"]);
    place.variables.push(("ARGON_STORE", url.to_owned()));
    has(&place.ok(&["status"]), &["branch       try"]);
    place.fails(3, &["connection-string", "none"]);
    place.fails(2, &["--store", "sled:x#project=a b", "status"]);
}
