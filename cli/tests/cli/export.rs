//! Exporting, and importing it again.

use crate::support::{ENGINES, Place, has};

/// A project with two collections, one with indexes, and a past.
fn shop(engine: &str) -> Place {
    let place = Place::with_project(engine);
    place.file("in/users.bson", b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0");
    place.file(
        "in/users.metadata.json",
        r#"{"options":{"validator":{"a":{"$gt":{"$numberLong":"1"}}}},"indexes":[{"v":2,"key":{"_id":1},"name":"_id_"}]}"#,
    );
    // As in a database whose validator was set after the document was written.
    place.ok(&["import", "in", "--bypass-rules"]);
    let things = r#"{"_id":1,"long":{"$numberLong":"5"},"d":5.0,"n":{"$numberDouble":"NaN"},"at":{"$date":"2026-07-07T09:00:00Z"}}
{"_id":"ä ö","bytes":{"$binary":{"base64":"AQID","subType":"80"}},"dec":{"$numberDecimal":"1.50"}}"#;
    place.file("my things/1.jsonl", things);
    place.ok(&["import", "my things/1.jsonl", "-c", "my things/1"]);
    place
}

#[test]
fn a_dump_comes_back_with_equal_digests() {
    for engine in ENGINES {
        let place = shop(engine);
        let expected = place.digests(&[]);
        for (target, more) in [("plain", None), ("packed", Some("--gzip"))] {
            let mut arguments = vec!["export", target];
            arguments.extend(more);
            place.ok(&arguments);
            place.ok(&["project", "create", target]);
            place.ok(&["import", target, "-p", target, "--bypass-rules"]);
            assert_eq!(place.digests(&["-p", target]), expected);
        }
        assert!(place.path("plain/my+things%2F1.bson").is_file());
        assert!(place.path("packed/users.metadata.json.gz").is_file());
    }
}

#[test]
fn json_lines_come_back_with_an_equal_digest() {
    let place = shop("sled");
    let digest = |text: &str| text.lines().next().unwrap().to_owned();
    let expected = digest(&place.digests(&[]));
    for file in ["x.jsonl", "x.json.gz", "y.ndjson"] {
        place.ok(&["project", "create", &file.replace('.', "-")]);
        let elsewhere = ["-p", &file.replace('.', "-")];
        place.ok(&["export", file, "-c", "my things/1"]);
        place.ok(&[&["import", file, "-c", "my things/1"][..], &elsewhere].concat());
        assert_eq!(digest(&place.digests(&elsewhere)), expected, "{file}");
    }
    place.ok(&["export", "relaxed.json", "-c", "my things/1", "--relaxed"]);
    let text = std::fs::read_to_string(place.path("relaxed.json")).unwrap();
    has(&text, &["\"long\":5,\"d\":5.0"]);
}

#[test]
fn the_past_can_be_exported() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1,"n":1}"#]);
    place.ok(&["put", "-c", "users", r#"{"_id":1,"n":2}"#]);
    place.ok(&["export", "old.json", "--at", "main@1", "--relaxed"]);
    let text = std::fs::read_to_string(place.path("old.json")).unwrap();
    assert_eq!(text, "{\"_id\":1,\"n\":1}\n");
}

#[test]
fn what_is_there_is_not_overwritten_unasked() {
    let place = shop("sled");
    place.file("out/mine.txt", "mine");
    has(&place.fails(4, &["export", "out"]), &["out is not empty; nothing was written", "--force"]);
    place.ok(&["export", "out", "--force"]);
    place.file("x.json", "mine");
    place.fails(4, &["export", "x.json", "-c", "users"]);
    assert_eq!(std::fs::read_to_string(place.path("x.json")).unwrap(), "mine");
    place.ok(&["export", "x.json", "-c", "users", "--force"]);
}

#[test]
fn an_export_over_another_one_is_a_dump_that_can_be_read() {
    let place = shop("sled");
    place.ok(&["export", "out"]);
    place.ok(&["export", "out", "--gzip", "--force"]);
    place.ok(&["project", "create", "copy"]);
    place.ok(&["import", "out", "-p", "copy", "--bypass-rules"]);
    assert_eq!(place.digests(&["-p", "copy"]), place.digests(&[]));
}

#[test]
fn a_file_takes_one_collection() {
    let place = shop("sled");
    has(&place.fails(2, &["export", "x.json"]), &["-c chooses one of: my things/1, users"]);
    place.fails(3, &["export", "x.json", "-c", "none"]);
    place.ok(&["export", "x.bson", "-c", "users"]);
    assert_eq!(std::fs::read(place.path("x.bson")).unwrap(), b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0");
}

#[test]
fn standard_output_takes_the_documents_and_nothing_else() {
    let place = shop("sled");
    place.ok(&["export", "x.jsonl", "-c", "my things/1"]);
    let file = std::fs::read_to_string(place.path("x.jsonl")).unwrap();
    assert_eq!(place.ok(&["export", "-", "-c", "my things/1", "-o", "json"]), file);
    let run = place.command(&["export", "-", "-c", "users", "--format", "bson"]).output().unwrap();
    assert_eq!(run.stdout, b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0");
    let run = place.command(&["export", "-", "-c", "my things/1", "--gzip"]).output().unwrap();
    let there = place.run_with(&["import", "-", "-c", "copy"], run.stdout);
    assert_eq!(there.code, Some(0), "{there:?}");
    assert_eq!(place.ok(&["export", "-", "-c", "copy"]), file);
}

#[test]
fn csv_has_a_column_for_each_field_and_comes_back() {
    let place = Place::with_project("sled");
    let documents = r#"{"_id":1,"name":"Ada, \"A\"","at":{"x":1.5,"y":{"z":true}},"zip":"01234","mixed":5}
{"_id":2,"name":" Bea ","at":{"x":2.0},"mixed":{"a":1},"list":[1,"b"],"none":null,"empty":""}"#;
    place.run_with(&["put", "-c", "users"], documents);
    place.ok(&["export", "users.csv", "-c", "users"]);
    let expected = "_id,name,at.x,at.y.z,zip,mixed,list,none,empty
1,\"Ada, \"\"A\"\"\",1.5,true,\"01234\",5,,,
2,\" Bea \",2.0,,,\"{\"\"a\"\":1}\",\"[1,\"\"b\"\"]\",,\"\"
";
    assert_eq!(std::fs::read_to_string(place.path("users.csv")).unwrap(), expected);
    place.ok(&["import", "users.csv", "-c", "copy"]);
    has(
        &place.ok(&["find", "-c", "copy"]),
        &["\"at\":{\"x\":1.5,\"y\":{\"z\":", "\"Ada, \\\"A\\\"\""],
    );
    let chosen =
        place.ok(&["export", "-", "-c", "users", "--format", "csv", "--fields", "at.x,zip"]);
    assert_eq!(chosen, "at.x,zip\n1.5,\"01234\"\n2.0,\n");
    place.ok(&["put", "-c", "odd", r#"{"_id":1,"a.b":1}"#]);
    has(&place.fails(2, &["export", "odd.csv", "-c", "odd"]), &["field 'a.b'", "export JSON"]);
}

#[test]
fn views_and_time_series_go_out_as_mongodump_writes_them() {
    let place = Place::with_project("sled");
    place.file(
        "in/cheap.metadata.json",
        r#"{"options":{"viewOn":"a","pipeline":[]},"type":"view"}"#,
    );
    place
        .file("in/t.metadata.json", r#"{"options":{"timeseries":{"timeField":"t"}},"indexes":[]}"#);
    place.file("in/system.buckets.t.bson", b"\x0e\0\0\0\x10_id\0\x07\0\0\0\0");
    has(&place.run(&["import", "in"]).stderr, &["cheap is a view", "t is a time series"]);
    place.ok(&["export", "out"]);
    let mut files: Vec<_> = std::fs::read_dir(place.path("out")).unwrap().collect::<Vec<_>>();
    files.sort_by_key(|file| file.as_ref().unwrap().file_name());
    let names = files.into_iter().map(|file| file.unwrap().file_name().into_string().unwrap());
    let expected = ["cheap.metadata.json", "system.buckets.t.bson", "t.metadata.json"];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    has(&std::fs::read_to_string(place.path("out/t.metadata.json")).unwrap(), &["\"timeseries\"}"]);
    place.ok(&["project", "create", "copy"]);
    place.ok(&["import", "out", "-p", "copy", "--bypass-rules"]);
    assert_eq!(place.digests(&["-p", "copy"]), place.digests(&[]));
}

#[test]
fn a_document_that_json_can_not_express_is_refused_or_noted_and_not_changed_unsaid() {
    let place = Place::with_project("sled");
    // {_id: 1, a: {$numberLong: "5"}}: a field with the name of a wrapper, which a file of BSON may have.
    let like_a_wrapper =
        b"\x29\0\0\0\x10_id\0\x01\0\0\0\x03a\0\x18\0\0\0\x02$numberLong\0\x02\0\0\0\x35\0\0\0";
    let doubled = b"\x1c\0\0\0\x10_id\0\x02\0\0\0\x10f\0\x01\0\0\0\x10f\0\x02\0\0\0\0";
    place.file("odd.bson", like_a_wrapper);
    place.file("doubled.bson", doubled);
    place.ok(&["import", "odd.bson"]);
    place.ok(&["import", "doubled.bson"]);
    for mode in ["--canonical", "--relaxed"] {
        let error = place.fails(9, &["export", "x.jsonl", "-c", "odd", mode]);
        has(
            &error,
            &["_id 1: its field 'a' looks like an Extended JSON wrapper", ".bson", "--lossy"],
        );
        assert!(!place.path("x.jsonl").exists());
    }
    let run = place.run(&["export", "x.jsonl", "-c", "odd", "--lossy"]);
    assert_eq!(run.code, Some(0));
    has(&run.stderr, &["note: JSON can't express the document with _id 1"]);
    for command in [&["find", "-c", "odd"][..], &["get", "-c", "odd", "1"]] {
        for mode in [&[][..], &["--canonical"]] {
            let run = place.run(&[command, mode].concat());
            assert_eq!(run.code, Some(0));
            has(&run.stdout, &[r#""$numberLong":"5""#]);
            has(&run.stderr, &["note: JSON can't express the document with _id 1: its field 'a'"]);
        }
    }
    place.ok(&["export", "y.bson", "-c", "odd"]);
    assert_eq!(std::fs::read(place.path("y.bson")).unwrap(), like_a_wrapper);
    // A name that occurs twice is kept by JSON too.
    place.ok(&["export", "z.jsonl", "-c", "doubled"]);
    place.ok(&["import", "z.jsonl", "-c", "again"]);
    place.ok(&["export", "z.bson", "-c", "again"]);
    assert_eq!(std::fs::read(place.path("z.bson")).unwrap(), doubled);
}
