//! What goes wrong: exit codes, and what is said about it.

use crate::support::{Place, Run, has};

#[test]
fn without_a_store_the_error_says_how_to_make_one() {
    let place = Place::empty();
    has(&place.fails(3, &["status"]), &["error: there is no store", "hint:  `argon init`"]);
    let error = place.fails(3, &["status", "--store", "sled:nowhere"]);
    has(&error, &["there is no store at nowhere", "hint:  `argon init` makes one"]);
    has(
        &place.fails(9, &["status", "--store", "oracle:x"]),
        &["unknown scheme 'oracle:'", "sled:"],
    );
    has(&place.fails(2, &["status", "--store", "A:secret@host"]), &["invalid store URL"]);
}

#[test]
fn a_store_is_found_upwards_and_by_its_directory() {
    let place = Place::with_project("fjall");
    std::fs::create_dir_all(place.path("a/b")).unwrap();
    let inside =
        Run::from(place.command(&["status"]).current_dir(place.path("a/b")).output().unwrap());
    has(&inside.stdout, &["fjall:", "project      shop"]);
    has(&place.ok(&["status", "--store", ".argon"]), &["project      shop"]);
    has(&place.ok(&["status", "--store", "fjall:.argon"]), &["project      shop"]);
    has(
        &place.fails(2, &["status", "--store", "sled:.argon"]),
        &["is a fjall store, not a sled store"],
    );
    place.fails(4, &["init"]);
}

#[test]
fn a_store_elsewhere_is_used_by_its_url() {
    let place = Place::empty();
    let run = place.run(&["init", "sled:data/store"]);
    has(&run.stderr, &["--store sled:data/store", "export ARGON_STORE=sled:data/store"]);
    let mut create = place.command(&["project", "create", "shop"]);
    let created = Run::from(create.env("ARGON_STORE", "sled:data/store").output().unwrap());
    assert_eq!(created.code, Some(0), "{created:?}");
    has(&place.ok(&["status", "--store", "data/store"]), &["project      shop"]);
    place.fails(2, &["init", "memory:"]);
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let place = Place::with_project("sled");
    let error = place.fails(3, &["status", "-p", "shoe"]);
    has(&error, &["unknown project 'shoe'; known projects: shop", "argon project create shoe"]);
    let error = place.fails(3, &["count", "-b", "mian"]);
    has(&error, &["unknown branch 'mian'", "branches: main", "argon branch create mian"]);
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    has(
        &place.fails(3, &["find", "-c", "user"]),
        &["unknown collection 'user'", "known collections: users"],
    );
    has(
        &place.fails(3, &["find", "-c", "users", "--at", "main@9"]),
        &["LSN 9 does not exist on branch 'main'; its last LSN is 1"],
    );
    place.fails(3, &["switch", "try"]);
    place.fails(3, &["use", "shoe"]);
}

#[test]
fn wrong_usage_ends_with_code_2() {
    let place = Place::with_project("sled");
    for arguments in [
        &["put"][..],
        &["no-such-command"],
        &["find", "-c", "users", "--at", "main@x"],
        &["put", "-c", "a$b", "{}"],
        &["put", "-c", "users", "{"],
        &["put", "-c", "users", "[1]"],
        &["put", "-c", "users", r#"{"_id":[1]}"#],
        &["get", "-c", "users", "[1]"],
        &["branch", "create", "a b"],
        &["branch", "create", "backup/x"],
        &["import", "x.json", "--batch", "0"],
        &["status", "--lock-timeout", "soon"],
    ] {
        place.fails(2, arguments);
    }
    place.ok(&["project", "delete", "shop", "--yes"]);
    has(&place.fails(2, &["count"]), &["no project is chosen", "argon project create"]);
    assert_eq!(place.run(&["status"]).code, Some(0), "a store without a project is in order");
}

#[test]
fn what_exists_already_ends_with_code_4() {
    let place = Place::with_project("sled");
    has(&place.fails(4, &["project", "create", "shop"]), &["argon use shop"]);
    place.ok(&["branch", "create", "try"]);
    has(&place.fails(4, &["branch", "create", "try"]), &["argon switch try"]);
    place.ok(&["collections", "create", "users"]);
    place.fails(4, &["collections", "create", "users"]);
}

#[test]
fn a_protected_branch_refuses_with_code_10_but_takes_writes() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["branch", "protect", "try"]);
    has(&place.ok(&["branch", "list"]), &["protected"]);
    has(&place.ok(&["status", "-b", "try"]), &["try (protected)"]);
    place.ok(&["put", "-c", "users", r#"{"_id":2}"#, "-b", "try"]);
    let error = place.fails(10, &["branch", "delete", "try"]);
    has(&error, &["branch 'try' is protected\n", "hint:  `argon branch unprotect try`"]);
    place.fails(10, &["branch", "rename", "try", "other"]);
    place.fails(10, &["restore", "reset", "main", "-b", "try", "--yes"]);
    place.ok(&["branch", "unprotect", "try"]);
    place.ok(&["branch", "rename", "try", "other"]);
    let run = place.run(&["branch", "delete", "other"]);
    has(&run.stderr, &["kept as backup/other/", "argon branch create other --from backup/other/"]);
}

#[test]
fn the_current_branch_can_not_be_deleted_and_follows_a_new_name() {
    let place = Place::with_project("sled");
    place.fails(10, &["branch", "delete", "main"]);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["switch", "try"]);
    place.ok(&["branch", "rename", "try", "feature/x"]);
    has(&place.ok(&["status"]), &["branch       feature/x"]);
    place.ok(&["project", "create", "second"]);
    place.ok(&["use", "second"]);
    has(&place.ok(&["status"]), &["project      second", "branch       main"]);
    has(&place.ok(&["status", "-p", "shop"]), &["branch       main"]);
}

#[test]
fn a_backup_takes_no_commits_and_is_deleted_only_on_demand() {
    let place = Place::with_project("sled");
    place.ok(&["branch", "create", "try"]);
    let deleted = place.ok(&["branch", "delete", "try", "-o", "jsonl"]);
    let backup = deleted.split("\"backup\":\"").nth(1).unwrap().split('"').next().unwrap();
    place.fails(10, &["put", "-c", "users", "{}", "-b", backup]);
    place.fails(2, &["branch", "delete", backup]);
    place.ok(&["branch", "delete", backup, "--yes"]);
    place.fails(3, &["branch", "delete", backup, "--yes"]);
}

#[test]
fn a_damaged_store_ends_with_code_8_and_a_newer_one_with_9() {
    let place = Place::with_project("sled");
    let path = place.path(".argon/store.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("format = 3", "format = 99")).unwrap();
    has(&place.fails(9, &["status"]), &["store format 99"]);
    std::fs::write(&path, "nonsense").unwrap();
    has(&place.fails(8, &["status"]), &["hint:  `argon fsck`"]);
}

#[cfg(unix)]
#[test]
fn a_store_without_permission_ends_with_code_10() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_project("sled");
    let lock = place.path(".argon/lock");
    std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&lock).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    place.fails(10, &["status"]);
}

#[test]
fn what_could_not_be_meant_is_refused_with_what_could() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    let error = place.fails(2, &["sandbox", "create", "--ttl", "7000000d"]);
    has(&error, &["before the year 10000"]);
    place.ok(&["sandbox", "create", "--name", "w"]);
    let error = place.fails(2, &["sandbox", "extend", "w", "--ttl", "7000000d"]);
    has(&error, &["before the year 10000"]);
    has(&place.fails(2, &["gc", "--retention", "-1h"]), &["must not be negative"]);
    has(&place.fails(2, &["cherry-pick", "main~1..main"]), &["a range can't be picked"]);
}

#[test]
fn a_sandbox_that_was_swept_away_under_its_user_is_told_of() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["sandbox", "create", "--name", "w", "--ttl", "1s"]);
    place.ok(&["switch", "sandbox/w"]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let swept = place.run(&["sandbox", "sweep"]);
    has(&swept.stderr, &["sandbox/w was the current branch", "argon switch"]);
    has(&place.fails(3, &["count"]), &["argon switch main"]);
}

#[test]
fn programs_get_an_error_as_one_json_object_on_stderr() {
    let place = Place::with_project("sled");
    place.ok(&["branch", "create", "try"]);
    place.ok(&["branch", "protect", "try"]);
    for format in ["json", "jsonl"] {
        let run = place.run(&["branch", "delete", "try", "-o", format]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(10), ""), "{run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
        let found: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
        let expected = serde_json::json!({ "error": {
            "kind": "denied",
            "message": "branch 'try' is protected",
            "details": { "branch": "try" },
            "causes": [],
            "hint": "`argon branch unprotect try` ends the protection",
            "exit_code": 10,
        } });
        assert_eq!(found, expected);
    }
    let error = |arguments: &[&str]| -> serde_json::Value {
        let run = place.run(&[arguments, &["-o", "json"]].concat());
        let found: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
        assert_eq!(found["error"]["exit_code"], run.code.unwrap(), "{found}");
        found["error"].clone()
    };
    // What a command says itself, a number, a cause, and no hint.
    let missing = error(&["count", "-b", "mian"]);
    assert_eq!(missing["kind"], "not_found");
    assert_eq!(missing["details"], serde_json::json!({ "project": "shop", "branch": "mian" }));
    has(missing["hint"].as_str().unwrap(), &["argon branch create mian"]);
    let beyond = error(&["find", "-c", "users", "--at", "main@9"]);
    assert_eq!(beyond["details"], serde_json::json!({ "branch": "main", "lsn": 9 }));
    assert!(beyond["hint"].is_null(), "{beyond}");
    place.file("key.pem", "no key");
    let unsigned = error(&["pin", "create", "v1", "--sign", "key.pem"]);
    assert_eq!(unsigned["kind"], "invalid");
    has(unsigned["hint"].as_str().unwrap(), &["argon pin keygen"]);
}
