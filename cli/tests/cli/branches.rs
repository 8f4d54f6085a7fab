//! Branches as a user of git handles them.

use crate::support::{Place, has};

#[track_caller]
fn put(place: &Place, document: &str) {
    place.ok(&["put", "-c", "users", document]);
}

/// The branch that is current.
#[track_caller]
fn current(place: &Place) -> String {
    let status: serde_json::Value =
        serde_json::from_str(&place.ok(&["status", "-o", "json"])).unwrap();
    status["branch"].as_str().unwrap().to_owned()
}

#[test]
fn a_branch_is_made_and_made_current_in_one_command_and_a_hyphen_goes_back() {
    let place = Place::with_project("sled");
    put(&place, r#"{"_id":1}"#);
    has(&place.fails(2, &["switch", "-"]), &["no other branch", "`argon branch` lists"]);
    let run = place.run(&["switch", "-c", "try"]);
    has(&run.stderr, &["made branch try of main at LSN 1; it is the current one"]);
    put(&place, r#"{"_id":2}"#);
    place.ok(&["switch", "-"]);
    assert_eq!(current(&place), "main");
    assert_eq!(place.ok(&["count", "-c", "users"]), "1\n");
    place.ok(&["switch", "-"]);
    assert_eq!(current(&place), "try");

    let json = place.ok(&["switch", "-c", "audit", "main@0", "-o", "json"]);
    let made: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&made["branch"], &made["parent"]), (&"audit".into(), &"main".into()));
    assert_eq!(made["lsn"], 0);
    place.ok(&["switch", "audit"]);
    place.ok(&["switch", "-"]);
    assert_eq!(current(&place), "try", "going to the current branch forgets nothing");

    has(&place.fails(4, &["switch", "-c", "main"]), &["already exists"]);
    has(&place.fails(3, &["switch", "nope"]), &["unknown branch 'nope'"]);
    let state = place.fails(2, &["switch", "main@1"]);
    has(&state, &["'main@1' is a state", "argon switch -c NAME main@1"]);
    place.fails(2, &["switch", "try", "main@1"]);
    place.fails(2, &["switch", "-c", "HEAD"]);
}

#[test]
fn branch_alone_lists_the_branches() {
    let place = Place::with_project("sled");
    place.ok(&["branch", "create", "try"]);
    assert_eq!(place.ok(&["branch"]), place.ok(&["branch", "list"]));
    assert_eq!(place.ok(&["branch", "-o", "json"]), place.ok(&["branch", "list", "-o", "json"]));
    place.ok(&["branch", "delete", "try"]);
    has(&place.ok(&["branch", "--all"]), &["backup/try/"]);
}

#[test]
fn the_head_of_the_current_branch_and_its_commits_have_short_names() {
    let place = Place::with_project("sled");
    for id in 1..=3 {
        put(&place, &format!(r#"{{"_id":{id}}}"#));
    }
    let count = |at: &str| place.ok(&["count", "-c", "users", "--at", at]);
    for (at, documents) in [
        ("@", 3),
        ("HEAD", 3),
        ("HEAD~1", 2),
        ("@^", 2),
        ("HEAD^^", 1),
        ("2", 2),
        ("@2", 2),
        ("3~2", 1),
    ] {
        assert_eq!(count(at), format!("{documents}\n"), "{at}");
    }
    has(&place.fails(3, &["count", "-c", "users", "--at", "7"]), &["LSN 7 does not exist"]);
    has(&place.ok(&["show", "2"]), &["commit   2 of main"]);

    let undone = place.run(&["undo", "2"]);
    has(&undone.stderr, &["undo 2 is LSN 4 of main"]);
    assert_eq!(count("@"), "2\n");
    place.ok(&["branch", "create", "from-three", "--from", "3"]);
    let listed = place.ok(&["branch", "list", "-o", "jsonl"]);
    has(&listed, &[r#""branch":"from-three","lsn":3,"#, r#""parent":"main","forked_at":3"#]);

    // A branch of that name has precedence.
    place.ok(&["branch", "create", "2", "--from", "@1"]);
    assert_eq!(count("2"), "1\n");
    assert_eq!(count("@2"), "2\n");
}

#[test]
fn the_only_project_of_a_store_needs_not_be_chosen() {
    let place = Place::with_project("fjall");
    put(&place, r#"{"_id":1}"#);
    std::fs::remove_file(place.path(".argon/config.toml")).unwrap();
    assert_eq!(place.ok(&["count", "-c", "users"]), "1\n");
    has(&place.ok(&["branch"]), &["*  main"]);
    has(&place.fails(10, &["branch", "delete", "main"]), &["is the current one"]);
    place.ok(&["switch", "-c", "try"]);
    put(&place, r#"{"_id":2}"#);
    assert_eq!(current(&place), "try");
    std::fs::remove_file(place.path(".argon/config.toml")).unwrap();
    place.ok(&["project", "create", "other"]);
    std::fs::remove_file(place.path(".argon/config.toml")).unwrap();
    has(&place.fails(2, &["count"]), &["no project is chosen", "other, shop"]);
}
