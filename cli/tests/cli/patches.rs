//! Patches: written, applied, taken back, refused.

use std::fs;

use crate::support::{ENGINES, Place, has};

/// Main, and a branch `try` that changed, removed, added and moved all kinds of things.
fn shop(engine: &str) -> Place {
    let place = Place::with_project(engine);
    place.file(
        "users.jsonl",
        r#"{"_id":1,"a":1,"b":{"x":1,"y":2},"t":[1,2,3],"z":0}
{"_id":2,"gone":true}
{"_id":3,"d":{"$numberDecimal":"1.0"},"n":{"$numberDouble":"NaN"}}
"#,
    );
    place.file("old.jsonl", "{\"_id\":1}\n{\"_id\":{\"$oid\":\"59b99db4cfa9a34dcd7885b6\"}}\n");
    place.file("moved.jsonl", "{\"_id\":1}\n");
    for file in ["users.jsonl", "old.jsonl", "moved.jsonl"] {
        place.ok(&["import", file]);
    }
    place.ok(&["branch", "create", "try"]);
    place.ok(&["branch", "create", "copy"]);
    let on_try = |arguments: &[&str]| place.ok(&[arguments, &["-b", "try"]].concat());
    on_try(&["put", "-c", "users", r#"{"_id":1,"b":{"y":2,"m":0,"x":7},"new":1,"a":1,"t":[1,5]}"#]);
    on_try(&["put", "-c", "users", r#"{"_id":3,"d":{"$numberDecimal":"1.00"},"n":5}"#]);
    on_try(&["put", "-c", "users", r#"{"_id":{"k":1},"s":{"$symbol":"x"}}"#]);
    on_try(&["delete", "-c", "users", "--id", "2"]);
    on_try(&["collections", "drop", "old"]);
    on_try(&["collections", "rename", "moved", "elsewhere"]);
    on_try(&["put", "-c", "elsewhere", r#"{"_id":1,"x":1}"#]);
    on_try(&["collections", "create", "empty"]);
    let patch = place.ok(&["diff", "main", "try", "--patch"]);
    place.file("it.argonpatch", patch);
    place
}

#[test]
fn a_patch_gives_the_other_state_and_taken_back_the_first() {
    for engine in ENGINES {
        let place = shop(engine);
        let (main, tried) = (place.digests(&["--at", "main"]), place.digests(&["--at", "try"]));
        let run = place.run(&["apply", "it.argonpatch", "-b", "copy", "--dry-run"]);
        has(
            &run.stderr,
            &["the patch fits copy at LSN 3: 7 documents would change, 3 collections"],
        );
        assert_eq!(place.digests(&["--at", "copy"]), main, "a dry run changes nothing");

        let run = place.run(&["apply", "it.argonpatch", "-b", "copy", "-m", "from the trial"]);
        has(&run.stderr, &["applied as LSN 4 of copy"]);
        assert_eq!(place.digests(&["--at", "copy"]), tried);
        assert_eq!(place.ok(&["diff", "try", "copy", "--patch"]).lines().count(), 2);
        has(&place.ok(&["show", "copy"]), &["origin   patch it.argonpatch", "from the trial"]);

        place.ok(&["apply", "it.argonpatch", "-b", "copy", "--reverse"]);
        assert_eq!(place.digests(&["--at", "copy"]), main);
    }
}

#[test]
fn a_patch_that_does_not_fit_changes_nothing_and_names_every_place() {
    let place = shop("fjall");
    let on_copy = |arguments: &[&str]| place.ok(&[arguments, &["-b", "copy"]].concat());
    on_copy(&["put", "-c", "users", r#"{"_id":1,"a":1,"b":{"x":9,"y":2},"t":[1,2,3],"z":0}"#]);
    on_copy(&["put", "-c", "old", r#"{"_id":"mine"}"#]);
    let before = place.digests(&["--at", "copy"]);
    let run = place.run(&["apply", "it.argonpatch", "-b", "copy"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    has(
        &run.stdout,
        &[
            "collection users, _id: 1, b.x: the value differs from the patch (expected 1, found 9)",
            "collection old, _id: \"mine\": the patch drops the collection",
        ],
    );
    has(&run.stderr, &["the patch does not fit copy in 2 places; nothing was applied"]);
    assert_eq!(place.digests(&["--at", "copy"]), before);
    let json = place.run(&["apply", "it.argonpatch", "-b", "copy", "-o", "json"]).stdout;
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
}

#[test]
fn what_is_elsewhere_in_a_document_may_differ_and_what_is_there_already_is_left_out() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1,"a":1}"#]);
    place.ok(&["put", "-c", "users", r#"{"_id":1,"a":2}"#]);
    let patch = place.ok(&["diff", "~1", "main", "--patch"]);
    place.ok(&["put", "-c", "users", r#"{"mine":true,"_id":1,"a":1}"#]);
    let run = place.run_with(&["apply", "-"], &patch);
    has(&run.stderr, &["applied as LSN 4 of main: 1 document changed"]);
    assert_eq!(place.ok(&["get", "-c", "users", "1"]), "{\"_id\":1,\"mine\":true,\"a\":2}\n");
    let run = place.run_with(&["apply", "-"], &patch);
    assert_eq!(run.code, Some(0));
    has(&run.stderr, &["nothing to apply: 1 change exists already"]);
    assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), 4);
}

#[test]
fn a_patch_that_is_cut_off_or_damaged_is_refused_with_its_line() {
    let place = shop("sled");
    let patch = fs::read_to_string(place.path("it.argonpatch")).unwrap();
    let before = place.digests(&[]);
    let lines: Vec<&str> = patch.lines().collect();
    for end in 0..lines.len() {
        let cut = lines[..end].iter().map(|line| format!("{line}\n")).collect::<String>();
        let run = place.run_with(&["apply", "-", "-b", "copy"], cut);
        assert_eq!(run.code, Some(2), "{end} lines: {run:?}");
        has(&run.stderr, &[&format!("standard input, line {end}: ")]);
    }
    let document = lines.iter().position(|line| line.starts_with("{\"changed\"")).unwrap();
    for (from, to) in [
        ("\"fields\"", "\"felds\""),
        ("\"path\":\"a\"", "\"path\":\"b\""),
        ("\"path\"", "\"peth\""),
        ("{\"changed\":", "{\"changed\":[1],\"changed\":"),
        ("{\"changed\":{\"$numberInt\":\"1\"}", "{\"changed\":[1]"),
        ("\"before\"", "\"before_bson\""),
        ("}", ""),
        ("{", "[["),
        ("\"$numberInt\":\"1\"", "\"$numberInt\":\"x\""),
    ] {
        let mut damaged: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        damaged[document] = damaged[document].replacen(from, to, 1);
        if damaged[document] == lines[document] {
            continue;
        }
        let run = place.run_with(&["apply", "-", "-b", "copy"], damaged.join("\n"));
        assert_eq!(run.code, Some(2), "{from} to {to}: {run:?}");
        has(&run.stderr, &[&format!("standard input, line {}: ", document + 1)]);
    }
    let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let end = "\n{\"end\":2}\n";
    for (line, expected) in [
        (deep.as_str(), "nested deeper"),
        ("{\"added\":{\"a\":1}}", "the first document has no collection before it"),
        ("{\"end\":7}", "there are 1 lines before the end, not 7"),
        ("{\"collection\":\"a$b\"}", "collection name 'a$b'"),
    ] {
        let hostile = format!("{}\n{line}{end}", lines[0]);
        let run = place.run_with(&["apply", "-", "-b", "copy"], hostile);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains("line 2: "), "{expected}: {}", run.stderr);
    }
    let newer = patch.replacen("\"argon_patch\":1", "\"argon_patch\":2", 1);
    has(&place.run_with(&["apply", "-"], newer).stderr, &["line 1: it is of format 2"]);
    assert_eq!(place.digests(&["--at", "copy"]), before);
}

/// A patch with each kind of line, as it was when the format was made. It must be read for ever.
#[test]
fn the_golden_patch_is_read_and_written_as_ever() {
    let place = shop("sled");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/golden/format-1.argonpatch");
    let body =
        |text: &str| text.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    let written = fs::read_to_string(place.path("it.argonpatch")).unwrap();
    if std::env::var_os("ARGON_WRITE_GOLDEN").is_some() {
        fs::write(golden, &written).unwrap();
    }
    let golden_text = fs::read_to_string(golden).unwrap();
    assert_eq!(body(&written), body(&golden_text), "but for the header, which has digests");
    let tried = place.digests(&["--at", "try"]);
    place.ok(&["apply", golden, "-b", "copy"]);
    assert_eq!(place.digests(&["--at", "copy"]), tried);
}

#[test]
fn a_patch_is_applied_to_a_branch_that_moved_where_it_still_fits() {
    let place = shop("sled");
    let moved = ["put", "-b", "copy", "-c", "users"];
    place.ok(&[&moved[..], &[r#"{"_id":9,"later":true}"#]].concat());
    place.ok(&["apply", "it.argonpatch", "-b", "copy"]);
    assert_eq!(
        place.ok(&["get", "-b", "copy", "-c", "users", "9"]).trim(),
        r#"{"_id":9,"later":true}"#
    );

    let place = shop("sled");
    place.ok(&[&moved[..], &[r#"{"_id":3,"d":1,"n":1}"#]].concat());
    let before = place.digests(&["--at", "copy"]);
    let run = place.run(&["apply", "it.argonpatch", "-b", "copy"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    has(&run.stdout, &["collection users, _id: 3"]);
    assert_eq!(place.digests(&["--at", "copy"]), before);
}

#[test]
fn a_dry_run_on_a_masked_branch_says_what_applying_says() {
    let place = shop("sled");
    place.file("mask.toml", "unlisted = 'show'\n[[collection]]\nname = 'secrets'\nhide = true");
    place.ok(&["branch", "create", "shared", "--from", "main", "--mask", "mask.toml"]);
    let apply = ["apply", "it.argonpatch", "-b", "shared"];
    let said = place.fails(10, &apply);
    assert_eq!(place.fails(10, &[&apply[..], &["--dry-run"]].concat()), said);
}

#[test]
fn a_patch_that_claims_something_is_applied_once_and_blamed_on_who_made_it() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "jobs", r#"{"_id":1,"n":5,"owner":null}"#]);
    for branch in ["bot", "other"] {
        place.ok(&["branch", "create", branch]);
    }
    let claim = r#"{"_id":1,"n":6,"owner":"bot"}"#;
    place.ok(&["put", "-b", "bot", "-c", "jobs", claim, "--actor", "bot"]);
    let patch = place.ok(&["diff", "main", "bot", "--patch"]);
    place.file("claim.argonpatch", patch);
    let apply = ["apply", "claim.argonpatch", "--strict"];
    place.ok(&apply);
    let run = place.run(&apply);
    assert_eq!(run.code, Some(5), "{run:?}");
    has(&run.stdout, &["collection jobs, _id: 1, n: the change exists already"]);
    place.ok(&["apply", "claim.argonpatch"]);

    let blame = place.ok(&["blame", "-c", "jobs", "1", "-o", "jsonl"]);
    has(&blame, &[r#""actor":"bot""#, r#""origin":{"kind":"patch","source":"claim.argonpatch""#]);
    let table = place.ok(&["blame", "-c", "jobs", "1"]);
    has(&table, &["brought by LSN 2 of tester: patch claim.argonpatch"]);
    let first = place.ok(&["blame", "-c", "jobs", "1", "--first-parent"]);
    assert!(!first.contains("bot  ") && !first.contains("brought by"), "{first}");
    // Another store has no such state, so there the patch is all that is known.
    let elsewhere = Place::with_project("fjall");
    elsewhere.ok(&["put", "-c", "jobs", r#"{"_id":1,"n":5,"owner":null}"#]);
    elsewhere.file("claim.argonpatch", std::fs::read(place.path("claim.argonpatch")).unwrap());
    elsewhere.ok(&apply);
    let blame = elsewhere.ok(&["blame", "-c", "jobs", "1"]);
    has(&blame, &["patch claim.argonpatch"]);
    assert!(!blame.contains("brought by"), "{blame}");
}
