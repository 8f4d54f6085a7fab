//! The search for a commit by a command.

use crate::support::{ENGINES, Place, has};

/// Twenty commits, of which commit n writes the document n.
fn twenty(engine: &str) -> Place {
    let place = Place::with_project(engine);
    let documents: String = (1..=20).map(|id| format!("{{\"_id\":{id}}}\n")).collect();
    place.run_with(&["put", "-c", "users", "--each"], documents);
    place
}

const ARGON: &str = env!("CARGO_BIN_EXE_argon");

#[test]
fn a_command_finds_the_commit_and_has_the_store_to_itself() {
    for engine in ENGINES {
        let place = twenty(engine);
        let script = format!("echo noise; ! {ARGON} get -q -c users 13 --at $ARGON_REV");
        let run = place.run(&["bisect", "--good", "@0", "-o", "json", "--", "sh", "-c", &script]);
        assert_eq!(run.code, Some(0), "{run:?}");
        has(&run.stdout, &["\"first_bad\": 13", "\"revision\": \"main@13\""]);
        has(&run.stderr, &["main@0: good", "main@20: bad", "main@13: bad", "noise"]);
        assert!(!run.stdout.contains("noise"));
    }
}

#[test]
fn a_command_that_works_elsewhere_finds_a_legacy_store_that_was_named_from_here() {
    let place = Place::empty();
    place.ok(&["init", "legacy+file:old"]);
    let store = ["--store", "legacy+file:old", "-p", "shop"];
    place.ok(&["project", "create", "shop"]);
    for id in 1..=4 {
        place.ok(&[&["put", "-c", "users", &format!("{{\"_id\":{id}}}")], &store[..]].concat());
    }
    let script = format!("cd / && ! {ARGON} get -q -c users 3 --at $ARGON_REV");
    let search = ["bisect", "--good", "@1", "--bad", "@4"];
    let run = place.run(&[&search[..], &store, &["--", "sh", "-c", &script]].concat());
    has(&run.stderr, &["the first bad commit is 3 of main"]);
}

#[test]
fn exit_codes_are_those_of_git_bisect_run() {
    let place = twenty("fjall");
    let bisect = |script: &str| {
        place.run(&["bisect", "--good", "@2", "--bad", "@9", "--", "sh", "-c", script])
    };
    let run = bisect("n=${ARGON_REV#*@}; test $n = 2 && exit 0; test $n = 9 && exit 127; exit 125");
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stdout, &["the first bad commit is one of 3 to 9 of main"]);
    let run = bisect("exit 128");
    assert_eq!(run.code, Some(2));
    has(&run.stderr, &["invalid verdict for main@2"]);
    let run = bisect("kill -9 $$");
    has(&run.stderr, &["invalid verdict"]);
    let run = bisect("exit 1");
    has(&run.stderr, &["main@2 must be good, but the test finds it bad"]);
    let run = place.run(&["bisect", "--good", "@0", "--", "./not-there"]);
    has(&run.stderr, &["error: the command './not-there' can't be run"]);
    let error = place.fails(2, &["bisect", "--good", "@0"]);
    has(&error, &["missing required test"]);
}

#[test]
fn a_good_state_of_another_branch_is_refused() {
    let place = twenty("sled");
    place.ok(&["branch", "create", "side", "--from", "@5"]);
    place.ok(&["put", "-b", "side", "-c", "users", r#"{"_id":"x"}"#]);
    let error = place.fails(2, &["bisect", "--good", "side", "-c", "users", "--exists", "{}"]);
    has(&error, &["is not in the history of the bad one; both share the history up to LSN 5"]);
}

/// Six commits on main, of which commit n writes the document n; then a reset to the second, and one
/// more. Pin v1 holds the sixth.
fn reset() -> Place {
    let place = Place::with_project("fjall");
    for id in 1..=6 {
        place.ok(&["put", "-c", "users", &format!("{{\"_id\":{id}}}")]);
    }
    place.ok(&["pin", "create", "v1"]);
    place.ok(&["restore", "reset", "main@2", "--yes"]);
    for id in 11..=16 {
        place.ok(&["put", "-c", "users", &format!("{{\"_id\":{id}}}")]);
    }
    place
}

#[test]
fn a_state_before_a_reset_is_searched_in_its_own_history() {
    let place = reset();
    let entries = place.ok(&["reflog", "-o", "jsonl"]);
    let before = entries.lines().position(|line| line.contains("reset")).unwrap() + 1;
    let bad = format!("main@{{{before}}}");
    let search = ["bisect", "--good", "main@1", "--bad", &bad, "-c", "users", "--exists"];
    let run = place.run(&[&search[..], &[r#"{"_id":4}"#, "-o", "json"]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    let revision = format!("\"revision\": \"{bad}~2\"");
    has(&run.stdout, &["\"first_bad\": 4", &revision]);
    has(&place.ok(&[&search[..], &[r#"{"_id":4}"#]].concat()), &["commit   4 of main@{"]);
    // A name that the next movement of the branch gives to another state is none for a command.
    let error = place.fails(2, &["bisect", "--good", "@1", "--bad", &bad, "--", "true"]);
    has(&error, &[&format!("argon pin create NAME '{bad}'")]);
}

#[test]
fn a_pin_can_be_the_bad_state_for_a_command_too() {
    let place = reset();
    let search = ["bisect", "--good", "main@1", "--bad", "v1"];
    let run = place.run(&[&search[..], &["-c", "users", "--exists", r#"{"_id":4}"#]].concat());
    has(&run.stderr, &["v1: bad", "v1~2: bad", "v1~3: good", "the first bad commit is 4 of v1"]);
    has(&run.stdout, &["commit   4 of v1"]);
    let script =
        format!("test $ARGON_BRANCH = main && ! {ARGON} get -q -c users 4 --at $ARGON_REV");
    let run = place.run(&[&search[..], &["-o", "json", "--", "sh", "-c", &script]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stdout, &["\"first_bad\": 4", "\"revision\": \"v1~2\""]);
}

#[test]
fn states_that_were_collected_are_skipped() {
    let place = reset();
    place.ok(&["pin", "create", "third", "v1~3"]);
    place.ok(&["gc", "--retention", "0s", "--yes"]);
    let search = ["bisect", "--good", "third", "--bad", "v1"];
    let run = place.run(&[&search[..], &["-c", "users", "--exists", r#"{"_id":5}"#]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stdout, &["the first bad commit is one of 4 to 6 of v1"]);
    let script = format!("! {ARGON} get -q -c users 5 --at $ARGON_REV");
    let run = place.run(&[&search[..], &["--", "sh", "-c", &script]].concat());
    has(&run.stdout, &["the first bad commit is one of 4 to 6 of v1"]);
}

#[test]
fn a_test_that_could_never_tell_is_refused() {
    let place = twenty("sled");
    let search = ["bisect", "--good", "@1", "-c"];
    let operators = [r#"{"_id":{"$gt":3}}"#, r#"{"$or":[]}"#, r#"{"a":[{"$in":[1]}]}"#];
    for filter in operators {
        let error = place.fails(2, &[&search[..], &["users", "--missing", filter]].concat());
        has(&error, &["operators", "equal"]);
    }
    let error = place.fails(3, &[&search[..], &["nope", "--exists", "{}"]].concat());
    has(&error, &["unknown collection 'nope'", "users"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_command_too() {
    let place = twenty("sled");
    let script = "echo $$ > pid; exec sleep 60";
    let child = place.start(&["bisect", "--good", "@0", "--", "sh", "-c", script]);
    let pid_file = place.path("pid");
    let pid = loop {
        match std::fs::read_to_string(&pid_file) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            _ => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    };
    let signal = |name: &str, pid: &str| {
        std::process::Command::new("kill").args([name, pid]).output().unwrap().status.success()
    };
    assert!(signal("-INT", &child.id().to_string()));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(!signal("-0", &pid), "the command is still there");
}
