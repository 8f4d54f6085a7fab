//! How things are printed: formats, colours, pipes, help.

use std::io::{BufRead, BufReader};

use crate::support::{Place, Run, has};

/// A project in which each command has something to print.
fn shop() -> Place {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1,"name":"Ada \"the first\""}"#, "-m", "one"]);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["put", "-c", "users", r#"{"_id":1,"name":"Ada"}"#, "-b", "try"]);
    place.ok(&["snapshot", "create"]);
    place
}

#[test]
fn json_is_one_value_and_json_lines_are_a_value_each() {
    let place = shop();
    for arguments in [
        &["status"][..],
        &["project", "list"],
        &["branch", "list", "--all"],
        &["find", "-c", "users"],
        &["find", "-c", "users", "--limit", "0"],
        &["get", "-c", "users", "1"],
        &["count"],
        &["count", "-c", "users"],
        &["collections", "--digest"],
        &["log"],
        &["show", "main"],
        &["history", "-c", "users", "1"],
        &["diff", "try"],
        &["diff", "try", "--stat"],
        &["diff", "try", "--documents"],
        &["diff", "try", "--fields"],
        &["blame", "-c", "users", "1"],
        &["bisect", "--good", "@0", "-c", "users", "--exists", "{}"],
        &["restore", "preview", "@0"],
        &["snapshot", "list"],
        &["snapshot", "create"],
        &["fsck"],
        &["put", "-c", "users", "{}"],
    ] {
        let json = place.ok(&[arguments, &["-o", "json"]].concat());
        let value: Result<serde_json::Value, _> = serde_json::from_str(&json);
        assert!(value.is_ok(), "{arguments:?}: {json}");
        for line in place.ok(&[arguments, &["-o", "jsonl"]].concat()).lines() {
            let value: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(value.is_ok(), "{arguments:?}: {line}");
        }
    }
}

#[test]
fn data_goes_to_stdout_and_words_to_stderr() {
    let place = shop();
    let run = place.run(&["put", "-c", "users", r#"{"_id":9}"#]);
    assert_eq!(run.stdout, "9\n");
    has(&run.stderr, &["committed as LSN 2 of main"]);
    let quiet = place.run(&["put", "-c", "users", r#"{"_id":9,"n":1}"#, "-q"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("9\n", ""));
    let error = place.run(&["get", "-c", "users", "7", "-q"]);
    assert_eq!(error.stdout, "");
    has(&error.stderr, &["error: collection 'users' has no document with _id 7 at LSN 3"]);
}

#[test]
fn there_are_no_colours_outside_a_terminal() {
    let place = shop();
    for arguments in [&["diff", "try"][..], &["get", "-c", "users", "7"], &["--help"]] {
        let run = place.run(arguments);
        assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'), "{run:?}");
    }
}

/// A terminal is made by `script`; where that is missing, there is none to look at.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_colours_unless_no_color_is_set() {
    let place = shop();
    let on_terminal = |no_color: Option<&str>| {
        let program = format!("{} diff try", env!("CARGO_BIN_EXE_argon"));
        let mut script = std::process::Command::new("script");
        script.current_dir(place.path("")).args(["-qec", &program, "/dev/null"]);
        script
            .env("TERM", "xterm")
            .env("ARGON_PAGER", "")
            .env_remove("NO_COLOR")
            .envs(no_color.map(|value| ("NO_COLOR", value)));
        script.output().map(Run::from)
    };
    let Ok(coloured) = on_terminal(None) else {
        eprintln!("skipped: there is no program 'script'");
        return;
    };
    has(&coloured.stdout, &["\x1b[33m  ~ _id: 1\x1b[0m"]);
    assert!(!on_terminal(Some("1")).unwrap().stdout.contains('\x1b'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::with_project("sled");
    let long = "x".repeat(1000);
    let lines: String = (0..2000).map(|n| format!("{{\"_id\":{n},\"x\":\"{long}\"}}\n")).collect();
    place.file("many.jsonl", lines);
    place.ok(&["import", "many.jsonl"]);
    let mut find = place.start(&["find", "-c", "many"]);
    let mut line = String::new();
    BufReader::new(find.stdout.take().unwrap()).read_line(&mut line).unwrap();
    has(&line, &["{\"_id\":0,"]);
    let run = Run::from(find.wait_with_output().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

#[test]
fn help_completions_and_manual_pages_cover_every_command() {
    let place = Place::empty();
    let help = place.ok(&["--help"]);
    assert_eq!(place.ok(&["help"]), help);
    has(&help, &["argon help revisions", "First steps:", "branch, switch", "\nHistory:\n"]);
    has(&place.ok(&["help", "exit-codes"]), &["12  done, but standard output"]);
    has(&place.ok(&["help", "revisions"]), &["main@1234"]);
    has(&place.ok(&["help", "options"]), &["--lock-timeout <SECONDS>", "[default: 5]"]);
    has(&place.ok(&["help", "branch", "create"]), &["Usage: argon branch create", "Example"]);
    let unknown = place.run(&["help", "brunch"]);
    assert_eq!(unknown.code, Some(2));
    has(&unknown.stderr, &["unknown command or topic 'brunch'"]);
    place.ok(&["man", "man"]);
    for page in ["argon.1", "argon-import.1", "argon-branch-create.1"] {
        assert!(place.path("man").join(page).is_file(), "{page}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        has(&place.ok(&["completions", shell]), &["ARGON_COMPLETE"]);
    }
    let mut completed = place.complete(&["argon", "co"]);
    completed.sort();
    assert_eq!(
        completed,
        [
            "collections",
            "compact",
            "completions",
            "config",
            "connection-string",
            "console",
            "count"
        ]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_commit_whose_receipt_can_not_be_printed_is_told_on_stderr() {
    let place = shop();
    let run = |arguments: &[&str]| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        Run::from(place.command(arguments).stdout(full).output().unwrap())
    };
    let put = run(&["put", "-c", "users", r#"{"_id":77}"#]);
    assert_eq!(put.code, Some(12), "{put:?}");
    has(&put.stderr, &["can't write to standard output", "it was committed as LSN 2 of main"]);
    place.ok(&["get", "-c", "users", "77"]);
    let undone = run(&["undo", "main", "-o", "json"]);
    assert_eq!(undone.code, Some(12), "{undone:?}");
    has(&undone.stderr, &["it was committed as LSN 3 of main"]);
    let read = run(&["find", "-c", "users"]);
    assert_eq!(read.code, Some(12));
    assert!(!read.stderr.contains("committed"), "{read:?}");
}

#[test]
fn operations_are_told_as_text_or_json_if_somebody_asks_and_without_documents() {
    let mut place = Place::with_project("fjall");
    let put = ["put", "-c", "users", r#"{"_id":1,"name":"s3cret"}"#];
    assert!(!place.run(&put).stderr.contains("commit{"), "nothing is told unasked");
    let put = ["put", "-c", "users", r#"{"_id":2,"name":"s3cret"}"#, "--log-format", "json"];
    let told = place.run(&put).stderr;
    let lines = told.lines().filter(|line| line.starts_with('{'));
    let spans: Vec<String> = lines
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|line| Some(line["span"]["name"].as_str()?.to_owned()))
        .collect();
    assert!(spans.contains(&"open_store".to_owned()), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    place.variables.push(("RUST_LOG", "argon_core=debug".to_owned()));
    let told = place.run(&["put", "-c", "users", r#"{"_id":3}"#]).stderr;
    has(&told, &["open_store{store=", "commit{branch=main}", "time.busy="]);
    place.variables.pop();
    place.variables.push(("RUST_LOG", "a=b=c".to_owned()));
    has(&place.fails(2, &["status"]), &["RUST_LOG=a=b=c", "levels such as info"]);
}
