//! Documents through pipes: from the store, through other programs, and back.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use crate::support::{ENGINES, Place, Run, has};

/// A pipe of the shell in which `argon` is the program.
fn pipe(place: &Place, line: &str) -> Run {
    let mut command = Command::new("sh");
    let program = place.command(&[]);
    command.arg("-c").arg(line).current_dir(program.get_current_dir().unwrap());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let argon = std::path::Path::new(env!("CARGO_BIN_EXE_argon"));
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", argon.parent().unwrap().display()));
    command.output().unwrap().into()
}

#[test]
fn documents_are_changed_in_bulk_by_a_pipe_back_into_their_store() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        let documents: String = (0..5000)
            .map(|n| format!("{{\"_id\":{n},\"n\":{{\"$numberLong\":\"{n}\"}},\"d\":{n}.0,\"pad\":\"{n:200}\"}}\n"))
            .collect();
        assert_eq!(place.run_with(&["put", "-c", "users", "-q"], documents).code, Some(0));

        let same = pipe(&place, "argon find -c users | argon put -c users");
        assert_eq!((same.code, same.stdout.lines().count()), (Some(0), 5000), "{}", same.stderr);
        has(&same.stderr, &["nothing changed: no commit was made"]);

        let line = r#"argon find -c users | sed 's/"n":7,/"n":8,/' | argon put -c users -m seven"#;
        let changed = pipe(&place, line);
        assert_eq!(changed.code, Some(0), "{}", changed.stderr);
        has(&changed.stderr, &["committed as LSN 2 of main; 4999 did not change"]);
        let read = place.ok(&[
            "find",
            "-c",
            "users",
            "{_id: 7}",
            "--projection",
            "{pad: 0}",
            "--canonical",
        ]);
        let expected =
            r#"{"_id":{"$numberInt":"7"},"n":{"$numberLong":"8"},"d":{"$numberDouble":"7.0"}}"#;
        assert_eq!(read.trim(), expected);

        let each = pipe(
            &place,
            "argon find -c users --limit 3 | sed 's/\"n\":1,/\"n\":5,/' | argon put -c users --each",
        );
        assert_eq!(
            (each.code, each.stdout.as_str()),
            (Some(0), "0 1\n1 3\n2 1\n"),
            "{}",
            each.stderr
        );
    }
}

#[test]
fn a_reader_that_takes_its_time_does_not_hold_the_store() {
    let place = Place::with_project("sled");
    let documents: String =
        (0..20_000).map(|n| format!("{{\"_id\":{n},\"pad\":\"{n:500}\"}}\n")).collect();
    assert_eq!(place.run_with(&["put", "-c", "users", "-q"], documents).code, Some(0));
    // Ten megabytes: more than a pipe and the memory of the queue hold.
    let mut find = place.start(&["find", "-c", "users"]);
    let mut stdout = BufReader::new(find.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    has(&first, &["{\"_id\":0,"]);
    has(&place.ok(&["status", "--lock-timeout", "60"]), &["shop"]);
    assert_eq!(
        place.ok(&["put", "-c", "users", r#"{"_id":"new"}"#, "-q", "--lock-timeout", "60"]),
        "\"new\"\n"
    );
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.lines().count(), 19_999, "the state is that of the beginning");
    assert!(find.wait().unwrap().success());
}

#[test]
fn a_reader_of_an_export_does_not_hold_the_store() {
    let place = Place::with_project("sled");
    let documents: String =
        (0..20_000).map(|n| format!("{{\"_id\":{n},\"pad\":\"{n:500}\"}}\n")).collect();
    assert_eq!(place.run_with(&["put", "-c", "users", "-q"], documents).code, Some(0));
    let mut export = place.start(&["export", "-", "-c", "users", "--relaxed"]);
    let mut stdout = BufReader::new(export.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    has(&first, &["{\"_id\":0,"]);
    has(&place.ok(&["status", "--lock-timeout", "60"]), &["shop"]);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.lines().count(), 19_999);
    assert!(export.wait().unwrap().success());
}

#[test]
fn what_is_said_stands_in_its_place_where_both_streams_are_one() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    let run = pipe(&place, "argon diff main@0 main 2>&1");
    let lines: Vec<&str> = run.stdout.lines().collect();
    has(lines.last().unwrap(), &["1 added"]);
    assert_eq!(run.stderr, "");
}
