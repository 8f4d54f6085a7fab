//! `import --mode replace-collection`: a newer dump as one commit of what differs.

use std::fmt::Write as _;

use crate::support::{ENGINES, Place, has};

const REPLACE: &str = "replace-collection";

/// BSON of documents `{_id, v}`.
fn documents(of: impl Iterator<Item = (i32, i32)>) -> Vec<u8> {
    of.flat_map(|(id, v)| bson::rawdoc! { "_id": id, "v": v }.into_bytes()).collect()
}

fn metadata(index: &str) -> String {
    format!(
        r#"{{"options":{{}},"indexes":[{{"v":2,"key":{{"_id":1}},"name":"_id_"}},{{"v":2,"key":{{"{index}":1}},"name":"{index}_1"}}]}}"#
    )
}

/// A dump of yesterday as it was imported, and one of today: one document is changed, two are gone,
/// one is new, and the index is another.
fn two_dumps(engine: &str) -> Place {
    let place = Place::with_project(engine);
    place.file("old/boats.bson", documents((0..10).map(|id| (id, 0))));
    place.file("old/boats.metadata.json", metadata("v"));
    place.file("old/same.bson", documents((0..5).map(|id| (id, 0))));
    let new = (0..11).filter(|id| *id != 3 && *id != 4).map(|id| (id, i32::from(id == 5)));
    place.file("new/boats.bson", documents(new));
    place.file("new/boats.metadata.json", metadata("w"));
    place.file("new/same.bson", documents((0..5).map(|id| (id, 0))));
    place.ok(&["import", "old"]);
    place.ok(&["put", "-c", "mine", r#"{"_id":1}"#]);
    place
}

fn lsn(place: &Place) -> u64 {
    place.ok(&["log", "-o", "jsonl"]).lines().count() as u64
}

#[test]
fn a_newer_dump_becomes_one_commit_of_what_differs() {
    for engine in ENGINES {
        let place = two_dumps(engine);
        let before = lsn(&place);
        place.ok(&["index", "create", "-c", "same", "{v: 1}"]);
        let before = before + 1;
        let run = place.run(&["import", "new", "--mode", REPLACE, "--dry-run"]);
        has(&run.stderr, &["would drop index v_1 of boats, which the files do not have"]);
        let run = place.run(&["import", "new", "--mode", REPLACE]);
        assert_eq!(run.code, Some(0), "{run:?}");
        has(&run.stderr, &["1 commit", "1 added, 1 changed, 2 removed", "12 equal"]);
        has(&run.stderr, &["dropped index v_1 of boats, which", "built index w_1 of boats"]);
        // A file without definitions takes none away.
        assert!(!run.stderr.contains("of same"), "{}", run.stderr);
        has(&place.ok(&["index", "list", "-c", "same"]), &["v_1", "built"]);
        place.ok(&["index", "drop", "-c", "same", "v_1"]);
        assert_eq!(lsn(&place), before + 2);
        let diff = place.ok(&["diff", "main~2", "main~1", "--stat", "-o", "jsonl"]);
        has(&diff, &[r#""added":1,"changed":1,"removed":2"#]);
        has(&place.ok(&["collections"]), &["_id_, w_1", "mine"]);
        has(&place.ok(&["log", "-n", "2"]), &["import new, in place of what was there"]);

        // It is what a fresh import of the dump would be, beside what the dump does not have.
        place.ok(&["project", "create", "fresh"]);
        place.ok(&["import", "new", "-p", "fresh"]);
        let fresh = place.digests(&["-p", "fresh"]);
        let all = place.digests(&[]);
        fresh.lines().for_each(|line| has(&all, &[line]));

        let again = place.run(&["import", "new", "--mode", REPLACE]);
        has(&again.stderr, &["0 commits", "0 added, 0 changed, 0 removed", "14 equal"]);
        assert_eq!(lsn(&place), before + 2, "what is equal makes no commit");
        place.ok(&["fsck"]);
    }
}

#[test]
fn a_dry_run_of_it_gives_the_same_numbers_and_writes_nothing() {
    let place = two_dumps("sled");
    let before = place.digests(&[]);
    let dry = place.run(&["import", "new", "--mode", REPLACE, "--dry-run", "-o", "jsonl"]).stdout;
    assert_eq!(place.digests(&[]), before);
    let wet = place.run(&["import", "new", "--mode", REPLACE, "-o", "jsonl"]).stdout;
    let numbers = r#""unchanged":12,"added":1,"changed":1,"removed":2"#;
    has(&dry, &[numbers, r#""commits":1,"lsn":null"#, r#""dry_run":true"#]);
    has(&wet, &[numbers, r#""commits":1,"#]);
}

#[test]
fn it_takes_files_of_any_format_and_new_collections() {
    let place = Place::with_project("sled");
    let lines = (0..100).fold(String::new(), |mut text, id| {
        let _ = writeln!(text, r#"{{"_id":{id},"v":1}}"#);
        text
    });
    place.file("boats.jsonl", &lines);
    has(&place.run(&["import", "boats.jsonl", "--mode", REPLACE]).stderr, &["100 added"]);
    let newer: String = lines.lines().skip(10).map(|line| format!("{line}\n")).collect();
    let run = place.run_with(&["import", "-", "-c", "boats", "--mode", REPLACE], newer);
    has(&run.stderr, &["0 added, 0 changed, 10 removed; 90 equal"]);
    place.file("boats.csv", "_id,v\n");
    place.ok(&["import", "boats.csv", "--mode", REPLACE]);
    assert_eq!(place.ok(&["count", "-c", "boats"]), "0\n");
}

#[test]
fn what_cannot_be_told_from_a_removal_is_refused_and_changes_nothing() {
    let place = two_dumps("sled");
    let before = place.digests(&[]);
    place.file("boats.jsonl", "{\"_id\":1}\nnonsense\n");
    place.fails(2, &["import", "boats.jsonl", "--mode", REPLACE]);
    place.file("boats.jsonl", "{\"_id\":1}\n{\"_id\":1,\"v\":2}\n");
    has(
        &place.fails(2, &["import", "boats.jsonl", "--mode", REPLACE]),
        &["(line 2)", "_id 1 already"],
    );
    for option in ["--keep-going", "--drop", "--on-duplicate=skip"] {
        has(
            &place.fails(2, &["import", "new", "--mode", REPLACE, option]),
            &["--mode replace-collection can't be combined with --"],
        );
    }
    assert_eq!(place.digests(&[]), before);
}
