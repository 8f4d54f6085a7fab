//! A part of a past state, as a new commit.

use crate::support::{ENGINES, Place, has};

#[track_caller]
fn put(place: &Place, collection: &str, document: &str) {
    place.ok(&["put", "-c", collection, document]);
}

/// Two collections, of which users was changed three times since LSN 3, and orders once.
fn shop(engine: &str) -> Place {
    let place = Place::with_project(engine);
    put(&place, "users", r#"{"_id":1,"name":"Ada"}"#);
    put(&place, "users", r#"{"_id":2,"name":"Grace"}"#);
    put(&place, "orders", r#"{"_id":1,"total":5}"#);
    put(&place, "users", r#"{"_id":1,"name":"ADA"}"#);
    put(&place, "users", r#"{"_id":3,"name":"Joan"}"#);
    place.ok(&["delete", "-c", "users", "--id", "2"]);
    put(&place, "orders", r#"{"_id":1,"total":6}"#);
    place
}

#[test]
fn a_collection_becomes_what_it_was_and_nothing_else_changes() {
    for engine in ENGINES {
        let place = shop(engine);
        let preview = place.run(&["restore", "preview", "@3", "-c", "users"]);
        has(&preview.stdout, &[r#"+ {"_id":2,"name":"Grace"}"#, "~ _id: 1", r#"- {"_id":3"#]);
        has(&preview.stderr, &["1 added, 1 changed, 1 removed in 1 collection"]);
        has(&place.fails(2, &["restore", "reset", "@3", "-c", "users"]), &["--yes"]);
        let run = place.run(&["restore", "reset", "@3", "-c", "users", "--yes"]);
        has(&run.stderr, &["restore users from main@3 is LSN 8 of main", "`argon undo 8`"]);
        assert_eq!(place.ok(&["diff", "@3", "@8", "-c", "users"]), "");
        has(&place.ok(&["get", "-c", "orders", "1"]), &[r#""total":6"#]);
        has(&place.ok(&["log", "-n", "1"]), &["restore users from main@3"]);
        assert!(!place.ok(&["branch", "--all"]).contains("backup/"), "the history is kept");

        place.ok(&["undo", "8"]);
        assert_eq!(place.ok(&["diff", "@7", "@9"]), "");
    }
}

#[test]
fn single_documents_are_restored_changed_deleted_and_new_ones() {
    let place = shop("sled");
    let json = place.ok(&[
        "restore", "reset", "@3", "-c", "users", "--id", "2", "--id", "1", "--yes", "-m", "back",
        "-o", "json",
    ]);
    let restored: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&restored["added"], &restored["changed"], &restored["lsn"]),
        (&1.into(), &1.into(), &8.into())
    );
    has(&place.ok(&["log", "-n", "1"]), &["back"]);
    assert_eq!(place.ok(&["count", "-c", "users"]), "3\n", "document 3 stays");
    place.ok(&["restore", "reset", "@3", "-c", "users", "--id", "3", "--yes"]);
    assert_eq!(place.ok(&["diff", "@3..", "-c", "users"]), "");

    let again =
        place.run(&["restore", "reset", "@3", "-c", "users", "--id", "3", "--id", "1", "--yes"]);
    assert_eq!(again.code, Some(3), "document 3 is in neither state now: {again:?}");
    let again = place.run(&["restore", "reset", "@3", "-c", "users", "--id", "1", "--yes"]);
    has(&again.stderr, &["note:", "changes nothing"]);
    assert_eq!(again.code, Some(0));
    has(
        &place.fails(3, &["restore", "reset", "@3", "-c", "users", "--id", "9", "--yes"]),
        &["no document with _id 9"],
    );
    has(
        &place.fails(3, &["restore", "reset", "@3", "-c", "nope", "--yes"]),
        &["unknown collection 'nope'"],
    );
    place.fails(2, &["restore", "reset", "@3", "--id", "1"]);
    has(
        &place.fails(2, &["restore", "reset", "@3", "-m", "x", "--yes"]),
        &["-c NAME restores one"],
    );
}

#[test]
fn a_dropped_collection_comes_back_and_one_that_was_not_there_goes() {
    for engine in ENGINES {
        let place = shop(engine);
        place.ok(&["collections", "drop", "users"]);
        let run = place.run(&["restore", "preview", "@7", "-c", "users"]);
        has(&run.stdout, &["collection users created with 2 documents"]);
        place.ok(&["restore", "reset", "@7", "-c", "users", "--yes"]);
        assert_eq!(place.ok(&["diff", "@7", "@"]), "", "it is the same collection");

        // Dropped, made again, and back to what it was before.
        place.ok(&["collections", "drop", "users"]);
        put(&place, "users", r#"{"_id":9}"#);
        place.ok(&["restore", "reset", "@3", "-c", "users", "--yes"]);
        assert_eq!(place.ok(&["diff", "@3", "@", "-c", "users"]), "");
        assert_eq!(place.ok(&["count", "-c", "users"]), "2\n");

        place.ok(&["restore", "reset", "@2", "-c", "orders", "--yes"]);
        assert!(!place.ok(&["collections"]).contains("orders"));
        // One document of a collection that is gone.
        place.ok(&["restore", "reset", "@3", "-c", "orders", "--id", "1", "--yes"]);
        has(&place.ok(&["get", "-c", "orders", "1"]), &[r#""total":5"#]);
        assert!(place.ok(&["fsck"]).contains("no problems"));
    }
}

#[test]
fn a_renamed_collection_is_restored_by_either_name() {
    let place = shop("sled");
    place.ok(&["collections", "rename", "users", "people"]);
    place.ok(&["restore", "reset", "@3", "-c", "people", "--yes"]);
    assert_eq!(place.ok(&["count", "-c", "people"]), "2\n");
    place.ok(&["restore", "reset", "@1", "-c", "users", "--yes"]);
    assert_eq!(place.ok(&["count", "-c", "users"]), "1\n");
    assert_eq!(place.ok(&["count", "-c", "people"]), "2\n");
}

#[test]
fn a_result_that_breaks_a_rule_is_refused() {
    let place = Place::with_project("sled");
    place.file("dump/shop/users.metadata.json", r#"{"indexes":[{"v":2,"key":{"_id":1},"name":"_id_"},{"v":2,"key":{"email":1},"name":"email_1","unique":true}]}"#);
    place.file("dump/shop/users.bson", "");
    place.ok(&["import", "dump/shop"]);
    put(&place, "users", r#"{"_id":1,"email":"ada@example.org"}"#);
    place.ok(&["delete", "-c", "users", "--id", "1"]);
    put(&place, "users", r#"{"_id":2,"email":"ada@example.org"}"#);
    let head = place.ok(&["log", "-n", "1", "-o", "json"]);
    let refused = place.fails(10, &["restore", "reset", "~2", "-c", "users", "--id", "1", "--yes"]);
    has(&refused, &["breaks rules", "email"]);
    assert_eq!(place.ok(&["log", "-n", "1", "-o", "json"]), head);
}
