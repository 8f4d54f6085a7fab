//! Dumps as others write them: odd files, old formats, archives.

use std::io::Write as _;

use crate::support::{Place, has};

/// `{_id: 7}`
const SEVEN: &[u8] = b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn names(place: &Place) -> Vec<String> {
    let listed = place.ok(&["collections", "-o", "jsonl"]);
    let name = |line: &str| line.split('"').nth(3).unwrap_or_default().to_owned();
    listed.lines().map(name).collect()
}

/// A dump in which four files of ten are odd.
fn odd_dump(place: &Place) {
    for file in ["boats.bson", "cash%24flow.bson", "100%25%.bson", "cars.bson", "cars.bson.gz"] {
        place.file(&format!("dump/shop/{file}"), SEVEN);
    }
    place.file("dump/shop/vans.bson", SEVEN);
    place.file("dump/shop/vans.metadata.json", "{");
    place.file("dump/shop/logs.1.bson", SEVEN);
    for file in ["._boats.bson", "._boats.metadata.json", ".DS_Store"] {
        place.file(&format!("dump/shop/{file}"), b"\0\x05\x16\x07");
    }
}

#[test]
fn one_odd_file_does_not_block_the_others() {
    let place = Place::with_project("sled");
    odd_dump(&place);
    let error = place.fails(2, &["import", "dump/shop"]);
    has(&error, &["hint:", "--skip-bad-files", "--ns-exclude shop.", "-c NAME", "3 more"]);
    assert_eq!(names(&place), [""; 0]);

    has(
        &place.run(&["import", "dump/shop", "-c", "boats"]).stderr,
        &["left out dump/shop/._boats.bson"],
    );
    place.ok(&["import", "dump", "--ns-include", "shop.logs.*"]);
    assert_eq!(names(&place), ["boats", "logs.1"]);
    place.fails(2, &["import", "dump/shop", "-c", "cars"]);
    has(&place.fails(3, &["import", "dump/shop", "-c", "none"]), &["known collections: boats, "]);
    has(&place.fails(3, &["import", "dump/shop", "--ns-include", "x*"]), &["no collection of"]);

    place.ok(&["project", "create", "rest"]);
    let patterns =
        ["c*", "v*", "100%25%", "logs.*"].map(|pattern| ["--ns-exclude", pattern]).concat();
    let run = place.run(&[&["import", "dump/shop", "-p", "rest"][..], &patterns].concat());
    has(&run.stderr, &["imported 2 documents in 2 collections"]);
    assert_eq!(run.code, Some(0), "'logs.*' means a database: {run:?}");
    place.ok(&["project", "create", "skipped"]);
    let run = place.run(&["import", "dump/shop", "-p", "skipped", "--skip-bad-files"]);
    assert_eq!(run.code, Some(2), "what was left out shows in the exit code: {run:?}");
    has(
        &run.stderr,
        &["cash%24flow.bson", "100%25%.bson", "vans.metadata.json", "imported 2 documents"],
    );

    place.ok(&["import", "dump/shop/cash%24flow.bson", "-c", "cashflow"]);
    place.ok(&["import", "dump/shop/100%25%.bson"]);
    assert_eq!(names(&place), ["100%25%", "boats", "cashflow", "logs.1"]);
}

#[test]
fn a_file_of_a_dump_that_stands_alone_has_the_collection_s_name() {
    let place = Place::with_project("sled");
    place.file("my+boats%2F1.bson", SEVEN);
    place.ok(&["import", "my+boats%2F1.bson"]);
    assert_eq!(names(&place), ["my boats/1"]);
}

#[test]
fn a_gzip_file_is_read_whatever_its_name() {
    let place = Place::with_project("sled");
    place.file("one.bson", gzip(SEVEN));
    place.file("two.jsonl", gzip(b"{\"_id\":7}\n"));
    place.file("three.csv", gzip(b"_id\n7\n"));
    for file in ["one.bson", "two.jsonl", "three.csv"] {
        place.ok(&["import", file]);
    }
    let piped = gzip(b"{\"_id\":7}");
    assert_eq!(place.run_with(&["import", "-", "-c", "four"], piped).code, Some(0));
    for collection in ["one", "two", "three", "four"] {
        assert_eq!(place.ok(&["count", "-c", collection]), "1\n");
    }
}

#[test]
fn an_old_dump_has_its_indexes_and_a_newer_one_of_the_same_does_not_differ() {
    let place = Place::with_project("sled");
    let index = bson::rawdoc! { "key": { "a": 1.0 }, "ns": "old.boats", "name": "a_1" };
    place.file("old/boats.bson", SEVEN);
    place.file("old/system.indexes.bson", index.as_bytes());
    place.ok(&["import", "old"]);
    has(&place.ok(&["collections"]), &["a_1"]);
    let before = place.digests(&[]);

    place.file("new/boats.bson", SEVEN);
    let metadata = |direction: &str| {
        format!(
            r#"{{"indexes":[{{"v":{{"$numberInt":"2"}},"key":{{"_id":1}},"name":"_id_"}},{{"v":2,"key":{{"a":{direction}}},"name":"a_1"}}]}}"#
        )
    };
    place.file("new/boats.metadata.json", metadata(r#"{"$numberLong":"1"}"#));
    has(&place.fails(4, &["import", "new"]), &["already has a document with _id 7"]);
    place.ok(&["import", "new", "--on-duplicate", "replace"]);
    place.ok(&["import", "new", "--mode", "replace-collection"]);
    assert_eq!(place.digests(&[]), before, "the same in another writing is no change");
    place.file("new/boats.metadata.json", metadata("-1"));
    has(&place.fails(4, &["import", "new"]), &["index a_1 is {", "in the dump"]);
}

/// What `mongodump --archive` writes of a database with one collection.
fn archive() -> Vec<u8> {
    let end = [0xff; 4].to_vec();
    let prelude = bson::rawdoc! {
        "db": "shop", "collection": "boats",
        "metadata": r#"{"indexes":[{"v":2,"key":{"a":1},"name":"a_1"}]}"#,
    };
    let block =
        |end: bool| bson::rawdoc! { "db": "shop", "collection": "boats", "EOF": end, "CRC": 0_i64 };
    [
        0x8199_e26d_u32.to_le_bytes().to_vec(),
        bson::rawdoc! { "version": "0.1" }.into_bytes(),
        prelude.into_bytes(),
        end.clone(),
        block(false).into_bytes(),
        SEVEN.to_vec(),
        end.clone(),
        block(true).into_bytes(),
        end,
    ]
    .concat()
}

#[test]
fn an_archive_is_imported_whatever_its_name_and_from_a_pipe() {
    let place = Place::with_project("sled");
    let files = [
        ("shop.archive", archive()),
        ("shop.bson", archive()),
        ("shop.gz", gzip(&archive())),
        ("-", archive()),
        ("-", gzip(&archive())),
    ];
    for (at, (file, bytes)) in files.into_iter().enumerate() {
        let project = format!("p{at}");
        place.ok(&["project", "create", &project]);
        let run = if file == "-" {
            let format: &[&str] = if at == 4 { &["--format", "archive"] } else { &[] };
            place.run_with(&[&["import", "-", "-p", &project][..], format].concat(), bytes)
        } else {
            place.file(file, bytes);
            place.run(&["import", file, "-p", &project])
        };
        assert_eq!(run.code, Some(0), "{file}: {run:?}");
        has(&place.ok(&["collections", "-p", &project]), &["boats", "a_1"]);
        assert_eq!(place.ok(&["find", "-c", "boats", "-p", &project]), "{\"_id\":7}\n");
    }
    place.file("cut.archive", &archive()[..250]);
    has(&place.fails(2, &["import", "cut.archive"]), &["invalid or incomplete mongodump archive"]);
}
