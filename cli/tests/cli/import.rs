//! Importing files: formats, duplicates, bad documents, and going on after the end came too early.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{ENGINES, Place, Random, has};

/// JSON lines with the `_id`s of a range.
fn lines(ids: std::ops::Range<u32>) -> String {
    ids.fold(String::new(), |mut text, id| {
        let _ = writeln!(text, r#"{{"_id":{id},"name":"number {id}"}}"#);
        text
    })
}

fn count(place: &Place, collection: &str) -> u32 {
    place.ok(&["count", "-c", collection]).trim().parse().unwrap()
}

#[test]
fn files_of_each_format_become_collections_of_their_name() {
    let place = Place::with_project("sled");
    place.file("lines.jsonl", lines(0..3));
    place.file("array.json", r#"[{"_id":1},{"_id":{"$oid":"59b99db4cfa9a34dcd7885b6"}}]"#);
    place.file("old.json", r#"{"_id":1,"at":{"$date":"2009-04-01T00:00:00.000-0700"}}"#);
    place.file("table.csv", "_id,name\n1,Ada\n2,Grace\n");
    place.file("one.bson", b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0");
    for (file, collection, documents) in [
        ("lines.jsonl", "lines", 3),
        ("array.json", "array", 2),
        ("old.json", "old", 1),
        ("table.csv", "table", 2),
        ("one.bson", "one", 1),
    ] {
        place.ok(&["import", file]);
        assert_eq!(count(&place, collection), documents, "{file}");
    }
    has(&place.ok(&["find", "-c", "old"]), &["2009-04-01T07:00:00Z"]);
    place.ok(&["import", "array.json", "-c", "named"]);
    assert_eq!(count(&place, "named"), 2);
    assert_eq!(place.run_with(&["import", "-", "-c", "piped"], lines(0..5)).code, Some(0));
    assert_eq!(count(&place, "piped"), 5);
    place.fails(2, &["import", "-"]);
}

#[test]
fn an_import_says_what_it_did() {
    let place = Place::with_project("sled");
    place.file("users.jsonl", lines(0..25));
    let run = place.run(&["import", "users.jsonl", "--batch", "10", "-o", "jsonl"]);
    has(
        &run.stdout,
        &[
            r#"{"branch":"main","documents":25,"skipped":0,"bad":0,"bad_files":0,"commits":3,"lsn":3,"seconds":"#,
            r#""collections":[{"collection":"users","documents":25}]}"#,
        ],
    );
    has(
        &place.run(&["import", "users.jsonl", "-c", "b"]).stderr,
        &["imported 25 documents in 1 collection, 1 commit"],
    );
    has(&place.ok(&["log", "-n", "1"]), &["import users.jsonl"]);
}

#[test]
fn a_duplicate_stops_the_import_at_that_document() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        place.ok(&["put", "-c", "users", r#"{"_id":17,"mine":true}"#]);
        place.file("users.jsonl", lines(0..30));
        let error = place.fails(4, &["import", "users.jsonl", "--batch", "10"]);
        has(
            &error,
            &[
                "users.jsonl: byte ",
                "(line 18): collection 'users' already has a document with _id 17",
                "--on-duplicate skip",
            ],
        );
        assert_eq!(
            count(&place, "users"),
            18,
            "the documents before it, and the one that was there"
        );

        place.ok(&["import", "users.jsonl", "--on-duplicate", "skip"]);
        assert_eq!(count(&place, "users"), 30);
        assert_eq!(place.ok(&["get", "-c", "users", "17"]), "{\"_id\":17,\"mine\":true}\n");

        place.ok(&["import", "users.jsonl", "--on-duplicate", "replace"]);
        assert_eq!(
            place.ok(&["get", "-c", "users", "17"]),
            "{\"_id\":17,\"name\":\"number 17\"}\n"
        );
    }
}

#[test]
fn a_duplicate_within_a_file_is_named_where_it_stands_the_second_time() {
    let place = Place::with_project("sled");
    place.file("users.jsonl", "{\"_id\":1}\n{\"_id\":2}\n{\"_id\":1}\n{\"_id\":3}\n");
    has(&place.fails(4, &["import", "users.jsonl"]), &["byte 20 (line 3)"]);
    assert_eq!(count(&place, "users"), 2);
}

#[test]
fn a_bad_document_stops_the_import_and_is_named() {
    let place = Place::with_project("sled");
    place.file("users.jsonl", "{\"_id\":1}\n{\"_id\":2,}\n{\"_id\":3}\n");
    let error = place.fails(2, &["import", "users.jsonl"]);
    has(&error, &["error: users.jsonl: byte 10 (line 2): ", "hint:  --keep-going"]);
    assert_eq!(count(&place, "users"), 1);
}

#[test]
fn with_keep_going_all_good_documents_are_in_and_the_bad_ones_are_listed() {
    let place = Place::with_project("sled");
    place.file("users.jsonl", "{\"_id\":1}\nnonsense\n{\"_id\":3}\n{\"_id\":[1]}\n{\"_id\":5}\n");
    let run = place.run(&["import", "users.jsonl", "--keep-going"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    has(
        &run.stderr,
        &["users.jsonl: byte 10 (line 2)", "users.jsonl: byte 29 (line 4)", "; 2 bad"],
    );
    assert_eq!(place.ok(&["find", "-c", "users"]), "{\"_id\":1}\n{\"_id\":3}\n{\"_id\":5}\n");
}

#[test]
fn files_that_are_no_data_are_refused_with_a_reason() {
    let place = Place::with_project("sled");
    place.file("cut.bson", b"\x0e\0\0\0\x10_id\0\x07");
    has(
        &place.fails(2, &["import", "cut.bson"]),
        &["cut.bson: byte 0: the file ends 10 bytes into a document of 14 bytes"],
    );
    place.file("text.bson", "this is no BSON");
    has(&place.fails(2, &["import", "text.bson"]), &["the file is damaged or not BSON"]);
    place.file("strange.dat", "x");
    has(&place.fails(2, &["import", "strange.dat"]), &["unknown format", "--format"]);
    place.file("twice.csv", "a,a\n1,2\n");
    has(&place.fails(2, &["import", "twice.csv"]), &["invalid CSV header"]);
    place.file("cut.json.gz", b"\x1f\x8b\x08\0");
    has(
        &place.fails(2, &["import", "cut.json.gz"]),
        &["can't read cut.json.gz", "cause: unexpected end of file"],
    );
    place.fails(3, &["import", "nowhere.json"]);
    std::fs::create_dir(place.path("empty")).unwrap();
    has(&place.fails(2, &["import", "empty"]), &["is not a dump of mongodump"]);
}

#[test]
fn a_dump_brings_options_and_indexes() {
    let place = Place::with_project("sled");
    let metadata = r#"{"options":{"capped":true,"size":{"$numberLong":"4096"}},"indexes":[{"v":2,"key":{"_id":1},"name":"_id_"},{"v":2,"key":{"name":1},"name":"by_name"}]}"#;
    place.file("dump/shop/users.bson", b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0");
    place.file("dump/shop/users.metadata.json", metadata);
    place.file("dump/other/things.bson", b"");
    place.file("dump/other/things.metadata.json", "{}");

    let error = place.fails(2, &["import", "dump"]);
    has(&error, &["several databases", "other, shop", "--database"]);
    place.ok(&["import", "dump", "--database", "shop"]);
    has(&place.ok(&["collections"]), &["users", "_id_, by_name", "capped, size"]);
    place.ok(&["import", "dump/other"]);
    assert_eq!(count(&place, "things"), 0, "an empty collection is a collection");

    place.ok(&["import", "dump/shop/users.bson", "-p", "shop", "-c", "copy"]);
    has(
        &place.ok(&["collections", "-o", "jsonl"]),
        &[r#"{"collection":"copy","options":{"capped":true,"size":4096}"#],
    );
    place.fails(3, &["import", "dump/shop", "-c", "none"]);
}

#[test]
fn other_options_of_a_collection_that_is_there_are_not_overwritten_unasked() {
    let place = Place::with_project("sled");
    place.ok(&["collections", "create", "users"]);
    place.file("shop/users.bson", b"");
    place.file("shop/users.metadata.json", r#"{"options":{"capped":true}}"#);
    has(&place.fails(4, &["import", "shop"]), &["with other options or indexes than in the dump"]);
    place.ok(&["import", "shop", "--on-duplicate", "skip"]);
    assert!(!place.ok(&["collections"]).contains("capped"));
    place.ok(&["import", "shop", "--on-duplicate", "replace"]);
    has(&place.ok(&["collections"]), &["capped"]);
}

#[test]
fn an_import_that_is_repeated_makes_no_document_twice_even_without_ids() {
    let place = Place::with_project("sled");
    place.file("people.csv", "name,age\nAda,36\nGrace,85\n");
    place.ok(&["import", "people.csv"]);
    let before = place.digests(&[]);
    has(&place.ok(&["find", "-c", "people", "--limit", "1"]), &["\"name\":\"Ada\""]);
    place.fails(4, &["import", "people.csv"]);
    // The content decides, not the name or the time of the file.
    place.file("elsewhere/people.csv", "name,age\nAda,36\nGrace,85\n");
    place.file("people.csv", "name,age\nAda,36\nGrace,85\n");
    for file in ["people.csv", "elsewhere/people.csv"] {
        let run = place.run(&["import", file, "--on-duplicate", "skip"]);
        has(&run.stderr, &["imported 0 documents", "2 there already"]);
        assert_eq!(place.digests(&[]), before);
    }
}

#[test]
fn documents_that_are_equal_make_no_version_and_no_commit() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        place.file("users.jsonl", lines(0..25));
        place.ok(&["import", "users.jsonl"]);
        let run = place.run(&["import", "users.jsonl", "--on-duplicate", "replace"]);
        has(&run.stderr, &["imported 0 documents", "0 commits", "25 equal"]);
        place.file("users.jsonl", lines(0..25).replace("number 17", "another"));
        let run = place.run(&["import", "users.jsonl", "--on-duplicate", "replace"]);
        has(&run.stderr, &["imported 1 document in 1 collection, 1 commit", "24 equal"]);
        assert_eq!(place.ok(&["history", "-c", "users", "7", "-o", "jsonl"]).lines().count(), 1);
        assert_eq!(place.ok(&["history", "-c", "users", "17", "-o", "jsonl"]).lines().count(), 2);
    }
    // The last one of a file counts, whatever is stored.
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1,"n":2}"#]);
    place.file("users.jsonl", "{\"_id\":1,\"n\":1}\n{\"_id\":1,\"n\":2}\n");
    for batch in ["1", "1000"] {
        place.ok(&["import", "users.jsonl", "--on-duplicate", "replace", "--batch", batch]);
        assert_eq!(place.ok(&["get", "-c", "users", "1"]), "{\"_id\":1,\"n\":2}\n");
    }
}

#[test]
fn a_dry_run_says_what_the_import_would_do_and_writes_nothing() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":17,"mine":true}"#]);
    place.file("users.jsonl", lines(0..30));
    let before = place.digests(&[]);
    for how in ["skip", "replace", "error"] {
        let import = ["import", "users.jsonl", "--batch", "10", "--on-duplicate", how];
        let numbers =
            |run: &str| run.split_once("\"seconds\"").unwrap().0.replace("\"lsn\":null", "");
        let dry = place.run(&[&import[..], &["--dry-run", "-o", "jsonl"]].concat());
        assert_eq!(place.digests(&[]), before, "{how}");
        let branch = format!("try-{how}");
        place.ok(&["branch", "create", &branch]);
        let wet = place.run(&[&import[..], &["-b", &branch, "-o", "jsonl"]].concat());
        assert_eq!(dry.code, wet.code, "{how}: {dry:?}");
        if how == "error" {
            has(&dry.stderr, &["byte ", "(line 18)", "_id 17", "nothing was written"]);
        } else {
            let wet = wet.stdout.replace(&branch, "main");
            let of_wet = numbers(&wet).split(",\"lsn\"").next().unwrap().to_owned();
            assert!(numbers(&dry.stdout).starts_with(&of_wet), "{how}: {} {wet}", dry.stdout);
        }
    }
    has(
        &place.run(&["import", "users.jsonl", "-c", "new", "--dry-run"]).stderr,
        &["would import 30 documents in 1 collection, 1 commit", "nothing was written"],
    );
    assert_eq!(place.digests(&[]), before);
}

#[test]
fn a_collection_can_be_dropped_before_it_is_imported() {
    let place = Place::with_project("sled");
    place.file("shop/users.bson", b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0");
    place.file("shop/users.metadata.json", r#"{"options":{"capped":true}}"#);
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["put", "-c", "others", r#"{"_id":1}"#]);
    place.ok(&["import", "shop", "--drop"]);
    assert_eq!(place.ok(&["find", "-c", "users"]), "{\"_id\":7}\n");
    has(&place.ok(&["collections"]), &["others", "users", "capped"]);
    place.ok(&["import", "shop", "--drop", "-c", "users"]);
    assert_eq!(count(&place, "users"), 1);
    place.fails(2, &["import", "shop", "--drop", "--on-duplicate", "skip"]);
}

#[test]
fn a_path_that_is_not_there_is_told() {
    let place = Place::with_project("sled");
    for path in ["nowhere", "nowhere.bson", "no/dump/"] {
        has(&place.fails(3, &["import", path]), &["file or directory 'no"]);
    }
}

#[test]
fn an_import_that_was_killed_is_taken_up_again() {
    let mut random = Random::new();
    for engine in ENGINES {
        let place = Place::with_project(engine);
        place.file("whole.jsonl", lines(0..30_000));
        place.ok(&["import", "whole.jsonl", "-c", "expected"]);
        for _ in 0..5 {
            let mut child = place.start(&[
                "import",
                "whole.jsonl",
                "-c",
                "users",
                "--batch",
                "500",
                "--on-duplicate",
                "skip",
            ]);
            std::thread::sleep(Duration::from_millis(random.below(250)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        place.ok(&["import", "whole.jsonl", "-c", "users", "--on-duplicate", "skip"]);
        let (users, expected) = (["find", "-c", "users"], ["find", "-c", "expected"]);
        assert!(place.ok(&users) == place.ok(&expected), "seed {}", random.seed);
        place.ok(&["fsck"]);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_an_import_after_the_commit_under_way() {
    let place = Place::with_project("sled");
    let mut child = place.start(&["import", "-", "-c", "users", "--batch", "100"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines(0..1050).as_bytes()).unwrap();
    stdin.flush().unwrap();
    // Ten batches are full; the rest waits for more.
    std::thread::sleep(Duration::from_millis(1500));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    has(&stderr, &["interrupted; committed before that: 1,000 documents", "--on-duplicate skip"]);
    assert_eq!(count(&place, "users"), 1000);
    assert!(!place.run(&["status"]).stderr.contains("not closed"), "it was closed");
    drop(stdin);
}

#[test]
fn a_csv_file_is_read_as_it_stands_or_refused() {
    let place = Place::with_project("sled");
    place.file("zips.csv", "_id; zip;name\n1;01234; 5\" pipe\n2;\" 5\";\"two\nlines\"\n3;7;x \n");
    place.ok(&["import", "zips.csv", "--separator", ";"]);
    has(
        &place.ok(&["find", "-c", "zips"]),
        &[
            r#"{"_id":1,"zip":"01234","name":"5\" pipe"}"#,
            r#"{"_id":2,"zip":" 5","name":"two\nlines"}"#,
            r#"{"_id":3,"zip":7,"name":"x"}"#,
        ],
    );
    place.file("typed.csv", "_id.string(),since.date(2006-01-02)\n01234,1999-05-04\n");
    place.ok(&["import", "typed.csv"]);
    let typed = r#"{"_id":"01234","since":{"$date":"1999-05-04T00:00:00Z"}}"#;
    has(&place.ok(&["find", "-c", "typed"]), &[typed]);
    place.file("open.csv", "_id,name\n1,\"Ann\n2,Bea\n3,Cid\n");
    has(&place.fails(2, &["import", "open.csv"]), &["line 2", "column 2", "never closed"]);
    place.file("text.csv", "_id,n\n1,5\n");
    place.ok(&["import", "text.csv", "--types", "strings"]);
    has(&place.ok(&["find", "-c", "text"]), &[r#"{"_id":"1","n":"5"}"#]);
    place.fails(2, &["import", "text.csv", "--separator", "ab"]);
}

#[test]
fn metadata_that_decompresses_to_too_much_is_refused() {
    let place = Place::with_project("sled");
    let bomb = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"{\"indexes\":[").unwrap();
        let blanks = vec![b' '; 1024 * 1024];
        (0..33).for_each(|_| encoder.write_all(&blanks).unwrap());
        encoder.write_all(b"]}").unwrap();
        encoder.finish().unwrap()
    };
    place.file("a.bson", "");
    place.file("a.metadata.json.gz", bomb);
    has(&place.fails(2, &["import", "a.bson"]), &["a.metadata.json.gz", "exceeds 33554432 bytes"]);
}
