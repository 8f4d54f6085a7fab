//! Parquet and Arrow files.

#[cfg(feature = "columnar")]
use crate::support::sample_dump;
use crate::support::{Place, has};

fn boats() -> Place {
    let place = Place::with_project("sled");
    let boats = r#"{"_id":1,"name":"Ada","sails":{"$numberLong":"2"},"of":{"port":"Kiel"},"built":{"$date":"2026-07-07T09:00:00Z"},"note":null}
{"_id":2,"name":"Tim","sails":{"$numberLong":"3"},"note":null,"tags":["old",null]}"#;
    place.file("boats.jsonl", boats);
    place.ok(&["import", "boats.jsonl"]);
    place
}

#[cfg(not(feature = "columnar"))]
#[test]
fn a_build_without_tables_says_so_and_how_to_build_one() {
    let place = boats();
    place.file("x.parquet", "PAR1");
    for arguments in [
        &["export", "out.parquet", "-c", "boats"][..],
        &["export", "-", "--format", "arrow", "-c", "boats"],
        &["import", "x.parquet"],
    ] {
        let words = [
            "this build has no ",
            "files",
            "cargo build --release -p argon-cli --features columnar",
        ];
        has(&place.fails(9, arguments), &words);
    }
    assert!(!place.path("out.parquet").exists());
}

#[cfg(feature = "columnar")]
#[test]
fn a_table_comes_back_with_an_equal_digest() {
    let place = boats();
    for (number, file) in ["b.parquet", "b.arrow", "b.feather.gz"].into_iter().enumerate() {
        let project = format!("copy-{number}");
        place.ok(&["export", file, "-c", "boats"]);
        has(&place.fails(4, &["export", file, "-c", "boats"]), &["exists already", "--force"]);
        place.ok(&["project", "create", &project]);
        place.ok(&["import", file, "-c", "boats", "-p", &project]);
        assert_eq!(place.digests(&["-p", &project]), place.digests(&[]), "{file}");
    }
    let table = place.command(&["export", "-", "--format", "parquet"]).output().unwrap();
    assert_eq!(table.stdout, std::fs::read(place.path("b.parquet")).unwrap());
    let run = place.run_with(&["import", "-", "--format", "parquet", "-c", "piped"], table.stdout);
    assert_eq!(run.code, Some(0), "{run:#?}");
    has(&place.ok(&["count"]), &["boats       2", "piped       2"]);
}

#[cfg(feature = "columnar")]
#[test]
fn the_past_and_some_fields_can_be_exported() {
    let place = boats();
    place.ok(&["update", "-c", "boats", "{}", "{$set: {name: 'gone'}}", "--many"]);
    place.ok(&["export", "old.parquet", "--at", "main@1", "--fields", "_id,name,of.port"]);
    place.ok(&["import", "old.parquet"]);
    let found = place.ok(&["find", "-c", "old", "{}", "-o", "jsonl"]);
    has(&found, &[r#"{"_id":1,"name":"Ada","of":{"port":"Kiel"}}"#, r#"{"_id":2,"name":"Tim"}"#]);
}

#[cfg(feature = "columnar")]
#[test]
fn columns_that_became_others_are_noted_and_in_the_result() {
    let place = Place::with_project("sled");
    place.file("x.jsonl", "{\"_id\":1,\"v\":1,\"n\":1}\n{\"_id\":\"a\",\"v\":\"x\",\"n\":0.5}\n");
    place.ok(&["import", "x.jsonl"]);
    let run = place.run(&["export", "x.parquet", "-o", "jsonl"]);
    has(
        &run.stderr,
        &["note: column _id has values of several types (int, string) and became text"],
    );
    has(&run.stdout, &[r#"{"column":"_id","became":"text","types":["int","string"]}"#]);
    has(&run.stdout, &[r#"{"column":"n","became":"double","types":["double","int"]}"#]);
}

#[cfg(feature = "columnar")]
#[test]
fn nothing_of_a_damaged_file_is_imported() {
    let place = boats();
    let lines: String =
        (0..3000).map(|id| format!("{{\"_id\":{id},\"s\":\"{}\"}}\n", id * 7919)).collect();
    place.file("many.jsonl", lines);
    place.ok(&["import", "many.jsonl"]);
    place.ok(&["export", "many.parquet", "-c", "many"]);
    let whole = std::fs::read(place.path("many.parquet")).unwrap();
    let before = place.ok(&["log", "-o", "jsonl"]);
    place.file("cut.parquet", &whole[..whole.len() - 100]);
    has(
        &place.fails(2, &["import", "cut.parquet"]),
        &["cut.parquet: invalid or incomplete Parquet file"],
    );
    let mut changed = whole.clone();
    // The header of the first page. Without checksums, other places may go unnoticed.
    changed[4..36].fill(0xa5);
    place.file("changed.parquet", changed);
    has(&place.fails(2, &["import", "changed.parquet"]), &["changed.parquet: row group 1: "]);
    assert_eq!(place.ok(&["log", "-o", "jsonl"]), before);
}

#[cfg(feature = "columnar")]
#[test]
fn the_sample_dump_comes_back_but_for_what_is_noted() {
    let Some(dump) = sample_dump() else { return };
    for (database, collections) in [
        ("sample_analytics", &["accounts", "customers"][..]),
        ("sample_mflix", &["sessions", "theaters", "users"]),
        ("sample_training", &["zips"]),
    ] {
        let place = Place::with_project("sled");
        place.ok(&["project", "create", "copy"]);
        for name in collections {
            // Without the metadata beside it: a table has no indexes.
            place.file(
                "name.bson",
                std::fs::read(dump.join(database).join(format!("{name}.bson"))).unwrap(),
            );
            place.ok(&["import", "name.bson", "-c", name, "-p", "shop"]);
            let run = place.run(&["export", "x.parquet", "-c", name, "--force", "-p", "shop"]);
            assert_eq!(run.code, Some(0), "{run:#?}");
            let is_same = !run.stderr.contains("note:");
            place.ok(&["import", "x.parquet", "-c", name, "-p", "copy"]);
            let digest = |project: &str| {
                let digests = place.digests(&["-p", project]);
                digests.lines().find(|line| line.contains(name)).map(str::to_owned)
            };
            assert_eq!(digest("shop") == digest("copy"), is_same, "{name}: {}", run.stderr);
        }
    }
}
