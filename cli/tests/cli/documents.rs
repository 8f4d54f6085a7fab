//! Putting, reading, changing and deleting documents, and looking back.

use crate::support::{ENGINES, Place, has};

#[test]
fn what_is_put_is_got_found_counted_and_deleted() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        assert_eq!(place.ok(&["put", "-c", "users", r#"{"_id":"ada","age":36}"#]), "\"ada\"\n");
        assert_eq!(place.ok(&["get", "-c", "users", "ada"]), "{\"_id\":\"ada\",\"age\":36}\n");
        let canonical = place.ok(&["get", "-c", "users", "ada", "--canonical"]);
        assert_eq!(canonical, "{\"_id\":\"ada\",\"age\":{\"$numberInt\":\"36\"}}\n");
        place.ok(&["put", "-c", "users", r#"{"_id":5}"#]);
        assert_eq!(
            place.ok(&["find", "-c", "users"]),
            "{\"_id\":5}\n{\"_id\":\"ada\",\"age\":36}\n"
        );
        assert_eq!(
            place.ok(&["find", "-c", "users", "--skip", "1", "--limit", "1"]).lines().count(),
            1
        );
        assert_eq!(place.ok(&["count", "-c", "users"]), "2\n");
        assert_eq!(place.ok(&["delete", "-c", "users", "--id", "5"]), "1\n");
        place.fails(3, &["delete", "-c", "users", "--id", "5"]);
        place.fails(3, &["get", "-c", "users", "5"]);
        assert_eq!(place.ok(&["get", "-c", "users", "5", "--at", "main@2"]), "{\"_id\":5}\n");
    }
}

#[test]
fn a_document_without_an_id_gets_one_that_get_takes() {
    let place = Place::with_project("sled");
    let id = place.ok(&["put", "-c", "users", r#"{"name":"Ada"}"#]);
    let id = id.trim();
    assert_eq!(id.len(), 24, "{id}");
    has(
        &place.ok(&["get", "-c", "users", id]),
        &[&format!(r#"{{"_id":{{"$oid":"{id}"}},"name":"Ada"}}"#)],
    );
}

#[test]
fn several_documents_on_standard_input_become_one_commit() {
    let place = Place::with_project("sled");
    let run = place.run_with(&["put", "-c", "users"], "{\"_id\":1}\n{\"_id\":2} {\"_id\":3}");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "1\n2\n3\n"));
    assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), 1);

    let run = place.run_with(&["put", "-c", "users", "-", "--each"], "{\"_id\":4}\n{\"_id\":5}");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "4 2\n5 3\n"));

    let run = place.run_with(&["put", "-c", "users"], "{\"_id\":6}\n{\"_id\":");
    assert_eq!(run.code, Some(2));
    has(&run.stderr, &["standard input: byte 10 (line 2)"]);
    place.fails(3, &["get", "-c", "users", "6"]);
}

#[test]
fn a_document_is_stored_as_mongodb_would() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"b":-0,"a":{"_id":2},"_id":1}"#]);
    let stored = place.ok(&["get", "-c", "users", "1"]);
    assert_eq!(stored, "{\"_id\":1,\"b\":0,\"a\":{\"_id\":2}}\n");
    has(&place.ok(&["collections"]), &["users", "_id_"]);
    place.ok(&["export", "out"]);
    let metadata = std::fs::read_to_string(place.path("out/users.metadata.json")).unwrap();
    has(&metadata, &[r#""key":{"_id":{"$numberInt":"1"}},"name":"_id_""#]);
    place.ok(&["project", "create", "again"]);
    place.ok(&["import", "out", "-p", "again"]);
    assert_eq!(place.digests(&["-p", "again"]), place.digests(&[]));
    let error = place.fails(2, &["put", "-c", "users", r#"{"_id":{"a":{"$b":1}}}"#]);
    has(&error, &["'$b'", "no name that begins with $ in an _id"]);
    for wrong in [r#"{"$numberDecimal":""}"#, r#"{"$numberDecimal":"sNaN"}"#] {
        place.fails(2, &["put", "-c", "users", &format!(r#"{{"_id":2,"n":{wrong}}}"#)]);
    }
}

#[test]
fn a_patch_between_the_orders_of_a_regular_expressions_options_is_a_change() {
    let place = Place::with_project("sled");
    let regex = |options: &str| {
        [b"\x16\0\0\0\x10_id\0\x01\0\0\0\x0br\0a\0", options.as_bytes(), b"\0\0"].concat()
    };
    place.file("r.bson", regex("xi"));
    place.ok(&["import", "r.bson"]);
    place.ok(&["branch", "create", "other"]);
    place.file("r.bson", regex("ix"));
    place.ok(&["import", "r.bson", "--on-duplicate", "replace", "-b", "other"]);
    let patch = place.ok(&["diff", "--patch", "main", "other"]);
    place.file("r.patch", patch);
    place.ok(&["apply", "r.patch"]);
    assert_eq!(place.digests(&[]), place.digests(&["-b", "other"]));
}

#[test]
fn what_is_too_much_for_one_commit_is_refused_with_what_to_do() {
    let place = Place::with_project("sled");
    let run = place.run_with(&["put", "-c", "many", "-"], "{}\n".repeat(600_000));
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    has(
        &run.stderr,
        &["a commit may have 268435456 bytes", "512 for each document", "--each", "argon import -"],
    );
    assert_eq!(place.ok(&["log"]), "");
}

#[test]
fn put_if_absent_refuses_an_id_that_is_there() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#, "--if-absent"]);
    let error = place.fails(4, &["put", "-c", "users", r#"{"_id":1,"a":2}"#, "--if-absent"]);
    has(&error, &["collection 'users' already has a document with _id 1"]);
}

#[test]
fn commits_are_signed_and_the_log_can_be_searched() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#, "-m", "first"]);
    place.ok(&["put", "-c", "users", r#"{"_id":2}"#, "--actor", "grace", "-m", "second"]);
    place.ok(&["collections", "drop", "users", "--actor", "joan"]);
    let log = place.ok(&["log"]);
    let lines: Vec<&str> = log.lines().collect();
    has(lines[1], &["3 ", "joan", " 0 ", "users"]);
    has(lines[2], &["2 ", "grace", " 1 ", "users", "second"]);
    has(lines[3], &["1 ", "tester", "first"]);
    assert_eq!(place.ok(&["log", "--actor", "grace", "-o", "jsonl"]).lines().count(), 1);
    assert_eq!(place.ok(&["log", "-n", "2", "-o", "jsonl"]).lines().count(), 2);
    assert_eq!(place.ok(&["log", "main@2", "-o", "jsonl"]).lines().count(), 2);
    assert_eq!(place.ok(&["log", "--since", "2100-01-01"]), "");
    place.fails(2, &["log", "--since", "last week"]);
}

#[test]
fn history_lists_every_content_of_a_document() {
    let place = Place::with_project("fjall");
    place.ok(&["put", "-c", "users", r#"{"_id":1,"n":1}"#]);
    place.ok(&["put", "-c", "users", r#"{"_id":1,"n":2}"#, "-m", "again"]);
    place.ok(&["delete", "-c", "users", "--id", "1"]);
    let history = place.ok(&["history", "-c", "users", "1"]);
    let lines: Vec<&str> = history.lines().collect();
    assert_eq!(lines.len(), 6, "{history}");
    has(lines[0], &["LSN 3", "tester"]);
    assert_eq!(lines[1], "  deleted");
    has(lines[2], &["LSN 2", "again"]);
    assert_eq!(lines[5], r#"  {"_id":1,"n":1}"#);
    place.fails(3, &["history", "-c", "users", "7"]);
}

#[test]
fn diff_and_show_name_the_fields_that_differ() {
    let place = Place::with_project("sled");
    place.file("users.jsonl", "{\"_id\":1,\"a\":{\"b\":1}}\n{\"_id\":2}\n");
    place.ok(&["import", "users.jsonl"]);
    place.ok(&["branch", "create", "try"]);
    let on_try = |arguments: &[&str]| place.ok(&[arguments, &["-b", "try"]].concat());
    on_try(&["put", "-c", "users", r#"{"_id":1,"a":{"b":2}}"#]);
    on_try(&["delete", "-c", "users", "--id", "2"]);
    on_try(&["put", "-c", "users", r#"{"_id":3}"#]);
    on_try(&["collections", "create", "empty"]);
    let expected = "\
collection empty created with 0 documents
collection users
  ~ _id: 1
      a.b: 1 → 2
  - {\"_id\":2}
  + {\"_id\":3}
";
    assert_eq!(place.ok(&["diff", "try"]), expected);
    assert_eq!(place.ok(&["diff", "main", "try"]), expected);
    assert_eq!(on_try(&["diff"]), expected);
    let changed = place.ok(&["diff", "try", "-o", "jsonl"]);
    has(
        &changed,
        &[
            r#"{"kind":"collection","collection":"empty","change":"created","documents":0,"#,
            r#"{"kind":"document","collection":"users","change":"changed","id":1,"before":{"_id":1,"a":{"b":1}},"after":{"_id":1,"a":{"b":2}},"fields":[{"path":"a.b","before":1,"after":2}]}"#,
        ],
    );
    let stat = place.ok(&["diff", "try", "--stat", "-o", "jsonl"]);
    has(
        &stat,
        &[
            r#"{"kind":"numbers","collection":"users","added":1,"changed":1,"removed":1,"collection_change":null}"#,
        ],
    );
    has(&place.ok(&["show", "try~2"]), &["commit   3 of try", "  - {\"_id\":2}"]);
    has(
        &place.ok(&["show"]),
        &["origin   import of users.jsonl", "collection users created\n  + {\"_id\":1"],
    );
    place.fails(3, &["show", "main@0"]);
}

#[test]
fn a_diff_with_the_parent_can_leave_out_what_the_parent_did_since() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["put", "-c", "users", r#"{"_id":2}"#, "-b", "try"]);
    place.ok(&["put", "-c", "users", r#"{"_id":3}"#]);
    assert_eq!(place.ok(&["diff", "try"]), "collection users\n  + {\"_id\":2}\n  - {\"_id\":3}\n");
    assert_eq!(place.ok(&["diff", "try", "--merge-base"]), "collection users\n  + {\"_id\":2}\n");
    has(&place.fails(2, &["diff", "main"]), &["branch 'main' was not made from another branch"]);
    place.ok(&["put", "-c", "users", r#"{"_id":4}"#, "-b", "try"]);
    let base = place.ok(&["diff", "try", "--merge-base", "-o", "jsonl"]);
    has(&base, &[r#""from":{"revision":"try~2","branch":"try","lsn":1}"#]);
}

#[test]
fn a_program_reads_which_states_are_compared_and_how_much_differs() {
    let place = Place::with_project("fjall");
    for n in 1..=3 {
        place.ok(&["put", "-c", "users", &format!(r#"{{"_id":{n}}}"#)]);
    }
    let items = |arguments: &[&str]| -> Vec<serde_json::Value> {
        serde_json::from_str(&place.ok(&[arguments, &["-o", "json"]].concat())).unwrap()
    };
    let diff = items(&["diff", "@1", "main~1"]);
    assert_eq!(
        diff[0],
        serde_json::json!({
            "kind": "states",
            "from": { "revision": "@1", "branch": "main", "lsn": 1 },
            "to": { "revision": "main~1", "branch": "main", "lsn": 2 },
        })
    );
    assert_eq!(diff.len(), 3);
    assert_eq!(
        diff[2],
        serde_json::json!({
            "kind": "summary", "added": 1, "changed": 0, "removed": 0, "collections": 1,
        })
    );
    let stat = items(&["diff", "@1", "main~1", "--stat"]);
    assert_eq!((&stat[1]["kind"], &stat[2]), (&"numbers".into(), &diff[2]));
    let equal = items(&["diff", "main", "main"]);
    assert_eq!((equal.len(), &equal[1]["collections"]), (2, &0.into()));

    let preview = items(&["restore", "preview", "~2"]);
    assert_eq!(preview[0]["from"]["lsn"], 3);
    assert_eq!(
        preview[0]["to"],
        serde_json::json!({ "revision": "~2", "branch": "main", "lsn": 1 })
    );
    let summary = &preview[preview.len() - 1];
    assert_eq!((&summary["removed"], &summary["commits_left_behind"]), (&2.into(), &2.into()));
}

#[test]
fn collections_are_versioned_too() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["collections", "rename", "users", "people"]);
    place.ok(&["put", "-c", "people", r#"{"_id":2}"#]);
    assert_eq!(place.ok(&["count", "-c", "people"]), "2\n");
    assert_eq!(place.ok(&["count", "-c", "users", "--at", "main@1"]), "1\n");
    has(&place.ok(&["show", "@2"]), &["~ name: users → people"]);
    place.ok(&["collections", "drop", "people"]);
    has(&place.ok(&["show"]), &["collection people dropped with 2 documents"]);
    assert_eq!(place.ok(&["collections"]), "");
    has(&place.ok(&["collections", "--at", "main~1"]), &["people"]);
    place.ok(&["collections", "create", "people"]);
    assert_eq!(place.ok(&["count", "-c", "people"]), "0\n");
}

#[test]
fn a_reset_keeps_what_it_leaves_behind_and_can_be_undone() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        for n in 1..=3 {
            place.ok(&["put", "-c", "users", &format!(r#"{{"_id":{n}}}"#)]);
        }
        let before = place.digests(&[]);
        let preview = place.run(&["restore", "preview", "~2"]);
        assert_eq!(preview.stdout, "collection users\n  - {\"_id\":2}\n  - {\"_id\":3}\n");
        has(&preview.stderr, &["leaves 2 commits behind", "0 added, 0 changed, 2 removed"]);
        has(&place.fails(2, &["restore", "reset", "~2"]), &["--yes"]);
        assert_eq!(place.digests(&[]), before);

        let reset = place.ok(&["restore", "reset", "~2", "--yes", "-o", "jsonl"]);
        assert_eq!(place.ok(&["count", "-c", "users"]), "1\n");
        let backup = reset.split("\"backup\":\"").nth(1).unwrap().split('"').next().unwrap();
        has(&place.ok(&["branch", "list", "--all"]), &[backup]);
        assert!(!place.ok(&["branch", "list"]).contains(backup));
        place.ok(&["restore", "reset", backup, "--yes"]);
        assert_eq!(place.digests(&[]), before);

        place.ok(&["restore", "branch", "main@1", "--as", "past"]);
        assert_eq!(place.ok(&["count", "-c", "users", "-b", "past"]), "1\n");
    }
}

#[test]
fn snapshots_are_listed_and_checked() {
    let place = Place::with_project("sled");
    place.fails(2, &["snapshot", "create"]);
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["snapshot", "create"]);
    place.ok(&["put", "-c", "users", r#"{"_id":2}"#]);
    place.ok(&["snapshot", "create"]);
    let list = place.ok(&["snapshot", "list", "-o", "jsonl"]);
    has(&list, &[r#"{"lsn":1,"#, r#"{"lsn":2,"#]);
    assert_eq!(place.ok(&["snapshot", "list", "main@1", "-o", "jsonl"]).lines().count(), 1);
    has(&place.ok(&["fsck"]), &["2 snapshots: no problems"]);
}

#[test]
fn trailers_of_a_commit_are_shown_and_searched() {
    let place = Place::with_project("fjall");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&[
        "put",
        "-c",
        "users",
        r#"{"_id":9}"#,
        "--trailer",
        "run=7",
        "--trailer",
        "ticket=A=1",
    ]);
    has(&place.ok(&["show"]), &["trailer  run=7\n", "trailer  ticket=A=1\n"]);
    has(
        &place.ok(&["log", "-n", "1", "-o", "json"]),
        &[r#""trailers":{"run":"7","ticket":"A=1"}"#],
    );
    let found =
        |trailer: &str| place.ok(&["log", "--trailer", trailer, "-o", "jsonl"]).lines().count();
    assert_eq!((found("run=7"), found("run"), found("run=8")), (1, 1, 0));
    // Whatever makes the commit, and whoever.
    place.file("more.jsonl", "{\"_id\":20}\n");
    place.ok(&["import", "more.jsonl", "-c", "users", "--actor", "bob", "--trailer", "run=9"]);
    place.ok(&["collections", "create", "c", "--actor", "bob", "--trailer", "run=9"]);
    assert_eq!(found("run=9"), 2);
    place.ok(&["undo", "main", "--trailer", "why=mistake"]);
    assert_eq!(found("why"), 1);
    let planned = place.run(&["undo", "main", "--plan", "--trailer", "why=mistake"]);
    assert_eq!(planned.code, Some(2), "{planned:?}");
    let wrong = place.run(&["delete", "-c", "users", "--id", "1", "--trailer", "no key=1"]);
    assert_eq!(wrong.code, Some(2));
    has(&wrong.stderr, &["'no key'", "expected 1 to 64"]);
}
