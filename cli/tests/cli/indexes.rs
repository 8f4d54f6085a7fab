//! Indexes: made, used, held to, and let go.

use crate::support::{ENGINES, Place, has};

/// A store with a hundred people.
fn people(engine: &str) -> Place {
    let place = Place::with_project(engine);
    let lines: Vec<String> = (0..100)
        .map(|n| format!("{{\"_id\":{n},\"email\":\"p{n}@x.org\",\"age\":{}}}", n % 10))
        .collect();
    let run = place.run_with(&["put", "-c", "people"], lines.join("\n"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    place
}

#[test]
fn an_index_is_made_used_and_dropped_and_the_past_keeps_it() {
    for engine in ENGINES {
        let place = people(engine);
        let made = place.run(&["index", "create", "-c", "people", "{age: -1}"]);
        has(&made.stderr, &["created index age_-1"]);
        let explain = |more: &[&str]| {
            let command = ["explain", "-c", "people", "{age: 3}", "--execute"];
            place.ok(&[&command[..], more].concat()).replace(' ', "")
        };
        let explained = explain(&[]);
        assert!(explained.contains("IXSCAN") && explained.contains("age_-1"), "{explained}");
        assert!(explained.contains("\"totalDocsExamined\":10"), "{explained}");
        assert_eq!(place.ok(&["count", "-c", "people", "{age: {$gte: 8}}"]), "20\n");
        let oldest = ["find", "-c", "people", "--sort", "{age: -1}", "--limit", "1"];
        assert!(place.ok(&oldest).contains("\"age\":9"));
        let before = explain(&["--at", "main~1"]);
        assert!(before.contains("COLLSCAN") && before.contains("noindex"), "{before}");

        place.ok(&["switch", "-c", "try"]);
        place.ok(&["update", "-c", "people", "--many", "{age: 3}", "{$set: {age: 30}}"]);
        assert!(explain(&[]).contains("\"nReturned\":0"));
        assert!(explain(&["--at", "main"]).contains("\"nReturned\":10"));
        let listed = place.ok(&["index", "list", "-c", "people"]);
        assert!(listed.contains("age_-1") && listed.contains("built"), "{listed}");
        place.ok(&["index", "drop", "-c", "people", "age_-1"]);
        assert!(explain(&[]).contains("COLLSCAN"));
        assert!(explain(&["--at", "try~1"]).contains("IXSCAN"));
        assert!(place.ok(&["fsck"]).contains("no problems"));
    }
}

#[test]
fn writes_are_held_to_unique_indexes_and_validators() {
    let place = people("fjall");
    place.ok(&["index", "create", "-c", "people", "{email: 1}", "--unique"]);
    let second = place.run(&["put", "-c", "people", "{\"_id\":777,\"email\":\"p1@x.org\"}"]);
    assert_ne!(second.code, Some(0));
    assert!(
        second.stderr.contains("email_1") && second.stderr.contains("document 1 "),
        "{}",
        second.stderr
    );
    let second = ["put", "-c", "people", "{\"_id\":777,\"email\":\"p1@x.org\"}", "-o", "jsonl"];
    has(
        &place.run(&second).stderr,
        &[r#""key_pattern":"{\"email\":1}""#, r#""key_value":"{\"email\":\"p1@x.org\"}""#],
    );
    let twice = place.run(&["index", "create", "-c", "people", "{age: 1}", "--unique"]);
    assert_ne!(twice.code, Some(0));
    assert!(twice.stderr.contains("same age"), "{}", twice.stderr);
    let unknown = place.run(&["find", "-c", "people", "{age: 1}", "--hint", "nothing"]);
    assert!(unknown.stderr.contains("hint"), "{}", unknown.stderr);
    let malformed = place.run(&["index", "create", "-c", "people", "{age: 'up'}"]);
    assert!(malformed.stderr.contains("'age'") && malformed.stderr.contains("hashed"));
}

#[test]
fn documents_expire_when_asked_and_past_states_keep_them() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "sessions", r#"{"_id":1,"at":{"$date":"2001-01-01T00:00:00Z"}}"#]);
    place.ok(&["put", "-c", "sessions", r#"{"_id":2,"at":{"$date":"2999-01-01T00:00:00Z"}}"#]);
    place.ok(&["put", "-c", "sessions", r#"{"_id":3,"at":"no date"}"#]);
    place.ok(&["index", "create", "-c", "sessions", "{at: 1}", "--expire-after", "1h"]);
    let expired = place.ok(&["index", "expire"]);
    has(&expired, &["sessions"]);
    assert_eq!(place.ok(&["count", "-c", "sessions", "{}"]), "2\n");
    assert_eq!(place.ok(&["count", "-c", "sessions", "{}", "--at", "main~1"]), "3\n");
    place.ok(&["sandbox", "create", "--name", "box"]);
    let refused = place.run(&["index", "expire", "--branch", "sandbox/box"]);
    assert!(refused.stderr.contains("sandbox"), "{}", refused.stderr);
}

#[test]
fn what_brings_back_an_index_builds_it_or_says_how() {
    let place = people("sled");
    place.ok(&["index", "create", "-c", "people", "{age: 1}"]);
    place.ok(&["index", "drop", "-c", "people", "age_1"]);
    let undone = place.run(&["undo", "3", "-o", "json"]);
    assert_eq!(undone.code, Some(0), "{}", undone.stderr);
    has(
        &undone.stdout.replace([' ', '\n'], ""),
        &["\"indexes\":[{\"collection\":\"people\",\"index\":\"age_1\",\"unbuilt\":null}]"],
    );
    has(&place.ok(&["explain", "-c", "people", "{age: 3}"]), &["IXSCAN"]);
    // A merge, and a part of a past state.
    place.ok(&["switch", "-c", "try"]);
    place.ok(&["index", "create", "-c", "people", "{email: -1}"]);
    place.ok(&["switch", "main"]);
    let merged = place.run(&["merge", "try", "--yes"]);
    has(&merged.stderr, &["built index email_-1 of people"]);
    has(&place.ok(&["explain", "-c", "people", "{email: 'x'}"]), &["IXSCAN"]);
    place.ok(&["index", "drop", "-c", "people", "email_-1"]);
    let restored = place.run(&["restore", "reset", "~1", "-c", "people", "--yes"]);
    has(&restored.stderr, &["built index email_-1 of people"]);
    // A large collection is left to its owner.
    place.ok(&["index", "drop", "-c", "people", "email_-1"]);
    let lines: Vec<String> = (100..20_100).map(|n| format!("{{\"_id\":{n}}}")).collect();
    place.run_with(&["import", "-", "-c", "people", "--format", "jsonl"], lines.join("\n"));
    let dropped = place.ok(&["log", "--grep", "drop index", "-n", "1", "-o", "jsonl"]);
    let lsn = dropped.split("\"lsn\":").nth(1).and_then(|rest| rest.split(',').next());
    let undone = place.run(&["undo", lsn.unwrap()]);
    has(
        &undone.stderr,
        &[
            "queries of people scan, because index email_-1 is not built yet: that would read more than",
            "`argon index build -c people` builds it",
        ],
    );
}

#[test]
fn the_log_names_the_index_of_a_commit() {
    let place = people("sled");
    place.ok(&["index", "create", "-c", "people", "{age: 1}"]);
    place.ok(&["index", "create", "-c", "people", "{email: 1}", "-m", "by address"]);
    place.ok(&["index", "drop", "-c", "people", "age_1"]);
    let log = place.ok(&["log", "--oneline"]);
    has(&log, &["create index age_1 on people", "by address", "drop index age_1 of people"]);
}

#[test]
fn a_scan_names_the_index_that_could_not_be_used_and_why() {
    let place = people("sled");
    for key in ["{age: 'hashed'}", "{email: 1}"] {
        place.ok(&["index", "create", "-c", "people", key]);
    }
    let why = |more: &[&str]| {
        let explained = place.ok(&[&["explain", "-c", "people"], more].concat());
        let why = explained.lines().find(|line| line.contains("\"why\"")).map(str::to_owned);
        why.unwrap_or(explained)
    };
    has(&why(&["{age: {$gt: 3}}"]), &["index 'age_hashed' is hashed, which serves equality only"]);
    has(
        &why(&["{age: 3}", "--at", "main~2"]),
        &[
            "no index with bounds on age; the index on",
            "\\\"age\\\": \\\"hashed\\\"",
            "from LSN 2 on",
        ],
    );
    assert!(!why(&["{age: {$gt: 3}}", "--at", "main~2"]).contains("serves"));
    let collation = ["--collation", "{locale: 'de'}"];
    has(
        &why(&[&["{email: {$exists: true}}"][..], &collation].concat()),
        &["index 'email_1' has no bounds for what the filter asks"],
    );
    has(
        &why(&["--sort", "{email: 1}", "--limit", "5", "--collation", "{locale: 'de'}"]),
        &["index 'email_1' has texts byte by byte"],
    );
    let unknown = place.fails(2, &["find", "-c", "people", "{age: 1}", "--hint", "email_-1"]);
    has(&unknown, &["indexes of the collection: _id_, age_hashed, email_1"]);
}

#[test]
fn every_query_takes_a_hint() {
    let place = people("sled");
    place.ok(&["index", "create", "-c", "people", "{age: -1}"]);
    place.ok(&["put", "-c", "people", r#"{"_id":500}"#]);
    place.ok(&["index", "create", "-c", "people", "{email: 1}", "--sparse"]);
    // As in MongoDB, a sparse index that is named leaves out documents.
    assert_eq!(place.ok(&["count", "-c", "people"]), "101\n");
    assert_eq!(place.ok(&["count", "-c", "people", "--hint", "email_1"]), "100\n");
    let counted = ["aggregate", "-c", "people", "[{$count: 'n'}]", "--hint", "{email: 1}"];
    assert_eq!(place.ok(&counted), "{\"n\":100}\n");
    // The first document is the one that is read first.
    place.ok(&["update", "-c", "people", "{}", "{$set: {x: 1}}", "--hint", "age_-1"]);
    assert_eq!(
        place.ok(&["find", "-c", "people", "{x: 1}", "--projection", "{age: 1}"]),
        "{\"_id\":9,\"age\":9}\n"
    );
    assert_eq!(place.ok(&["delete", "-c", "people", "{age: 9}", "--hint", "age_-1"]), "10\n");
    for arguments in [
        &["count", "-c", "people", "{}"][..],
        &["aggregate", "-c", "people", "[]"],
        &["update", "-c", "people", "{}", "{$set: {x: 1}}"],
        &["delete", "-c", "people", "{}"],
    ] {
        let error = place.fails(2, &[arguments, &["--hint", "nothing"]].concat());
        has(&error, &["indexes of the collection: _id_, age_-1, email_1"]);
    }
    has(&place.fails(2, &["count", "--hint", "age_-1"]), &["-c NAME"]);
    has(&place.fails(2, &["delete", "-c", "people", "--id", "1", "--hint", "x"]), &["--hint"]);
}

#[test]
fn a_hint_of_an_index_without_entries_is_replaced_by_a_scan_or_refused() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "big", r#"{"_id":-1}"#]);
    place.ok(&["index", "create", "-c", "big", "{n: 1}"]);
    place.ok(&["index", "create", "-c", "big", "{s: 1}", "--sparse"]);
    place.ok(&["index", "drop", "-c", "big", "n_1"]);
    place.ok(&["index", "drop", "-c", "big", "s_1"]);
    let lines: Vec<String> = (0..20_000).map(|n| format!("{{\"_id\":{n}}}")).collect();
    place.run_with(&["import", "-", "-c", "big", "--format", "jsonl"], lines.join("\n"));
    // The collection is too large for an index to be built at once.
    place.ok(&["undo", "4"]);
    place.ok(&["undo", "5"]);
    for (arguments, answer) in [
        (&["count", "-c", "big", "{}"][..], "20001\n"),
        (&["aggregate", "-c", "big", "[{$count: 'n'}]"], "{\"n\":20001}\n"),
        (&["find", "-c", "big", "{_id: 5}"], "{\"_id\":5}\n"),
    ] {
        assert_eq!(place.ok(&[arguments, &["--hint", "n_1"]].concat()), answer);
    }
    let explained = place.ok(&["explain", "-c", "big", "{}", "--hint", "n_1"]);
    has(&explained, &["COLLSCAN", "index 'n_1' is"]);
    for arguments in [
        &["find", "-c", "big", "{}"][..],
        &["count", "-c", "big", "{}"],
        &["aggregate", "-c", "big", "[]"],
        &["explain", "-c", "big", "{}"],
        &["update", "-c", "big", "{}", "{$set: {x: 1}}", "--many"],
        &["delete", "-c", "big", "{}"],
    ] {
        let error = place.fails(2, &[arguments, &["--hint", "s_1"]].concat());
        has(&error, &["the hint can't be used: index 's_1' is", "that the index leaves out"]);
    }
    assert_eq!(place.ok(&["count", "-c", "big"]), "20001\n");
}

#[test]
fn a_pipeline_is_explained_by_the_plan_of_its_first_stages() {
    let place = people("sled");
    place.ok(&["index", "create", "-c", "people", "{age: 1}"]);
    let pipeline =
        "[{$match: {age: {$gte: 8}}}, {$sort: {age: -1}}, {$limit: 5}, {$group: {_id: '$age'}}]";
    let explained = place.ok(&["explain", "-c", "people", pipeline, "--execute", "-o", "json"]);
    has(
        &explained.replace([' ', '\n'], ""),
        &[
            "\"stage\":\"IXSCAN\"",
            "\"direction\":\"backward\"",
            "\"limitAmount\":5",
            "\"indexName\":\"age_1\"",
            "\"nReturned\":1",
            "\"stages\":[{\"$group\":{\"_id\":\"$age\"}}]",
        ],
    );
    let error = place.fails(2, &["explain", "-c", "people", "[{$documents: []}]"]);
    has(&error, &["$documents makes the first documents"]);
    let error = place.fails(2, &["explain", "-c", "people", pipeline, "--sort", "{a: 1}"]);
    has(&error, &["$sort"]);
    let writes = ["explain", "-c", "people", "[{$out: 'x'}]", "--execute"];
    has(&place.fails(2, &writes), &["is not run"]);
}
