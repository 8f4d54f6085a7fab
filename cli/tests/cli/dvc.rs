//! Lock files for DVC's pipelines.

use crate::support::{Place, has};

fn users() -> Place {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1,"age":36}"#]);
    place
}

fn read(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).unwrap()
}

#[test]
fn a_lock_file_changes_with_the_content_only() {
    let place = users();
    has(&place.ok(&["dvc", "pin", "users.argon"]), &["users.argon: main@1 "]);
    let text = read(&place, "users.argon");
    has(
        &text,
        &[
            "version: 1\nproject: \"shop\"\nbranch: \"main\"\ncollection: \"users\"\nlsn: 1\ndigest: \"",
        ],
    );
    has(
        &read(&place, "argon.yaml"),
        &["users:\n  rev: \"main@1\"\n  project: \"shop\"\n  collection: \"users\"\n"],
    );
    place.ok(&["put", "-c", "orders", r#"{"_id":1}"#]);
    has(&place.ok(&["dvc", "update"]), &["users.argon: unchanged, main@1 "]);
    has(&place.ok(&["dvc", "check", "--current"]), &["users.argon: ok, main@1 "]);
    assert_eq!(read(&place, "users.argon"), text);
    place.ok(&["put", "-c", "users", r#"{"_id":1,"age":37}"#]);
    has(
        &place.ok(&["dvc", "check"]),
        &["users.argon: ok, main@1 ", "; main has other content now"],
    );
    place.fails(5, &["dvc", "check", "--current"]);
    has(
        &place.ok(&["dvc", "update", "-o", "jsonl"]),
        &[r#"{"file":"users.argon","changed":true,"project":"shop""#],
    );
    has(&read(&place, "argon.yaml"), &["rev: \"main@3\""]);
    place.ok(&["dvc", "update", "users.argon", "--at", "main@1"]);
    assert_eq!(read(&place, "users.argon"), text);
}

#[test]
fn a_lock_file_that_does_not_hold_is_reported() {
    let place = users();
    place.ok(&["dvc", "pin", "people.argon", "-c", "users"]);
    place.ok(&["put", "-c", "users", r#"{"_id":1,"age":37}"#]);
    place.ok(&["dvc", "pin", "users.argon"]);
    place.ok(&["restore", "reset", "main@1", "--yes"]);
    let run = place.run(&["dvc", "check"]);
    assert_eq!(run.code, Some(5), "{run:#?}");
    has(&run.stdout, &["people.argon: ok, main@1", "users.argon: LSN 2 does not exist"]);
    place.ok(&["put", "-c", "users", r#"{"_id":2}"#]);
    let run = place.run(&["dvc", "check", "users.argon", "-o", "json"]);
    has(&run.stdout, &[r#""status":"changed","problem":"main@2 has other content in 'users'"#]);
    has(&place.ok(&["dvc", "update", "users.argon"]), &["users.argon: updated, main@2"]);
}

#[test]
fn what_can_not_be_pinned_is_refused() {
    let place = users();
    has(
        &place.fails(3, &["dvc", "update"]),
        &["this directory has no lock files", "`argon dvc pin NAME.argon`"],
    );
    has(
        &place.fails(3, &["dvc", "pin", "none.argon"]),
        &["unknown collection 'none'", "known collections: users"],
    );
    place.ok(&["branch", "create", "try"]);
    place.ok(&["put", "-c", "users", r#"{"_id":2}"#, "-b", "try"]);
    let error = place.fails(2, &["dvc", "pin", "users.argon", "--at", "try"]);
    has(&error, &["the state at LSN 2 is not one of the branch 'main'"]);
    assert!(!place.path("users.argon").exists() && !place.path("argon.yaml").exists());
    place.file("bad.argon", "version: 2\n");
    has(&place.fails(2, &["dvc", "check"]), &["bad.argon is not a lock file: expected version 1"]);
}
