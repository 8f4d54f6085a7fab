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
    has(&run.stderr, &["main@2, which is no verdict"]);
    let run = bisect("kill -9 $$");
    has(&run.stderr, &["which is no verdict"]);
    let run = bisect("exit 1");
    has(&run.stderr, &["main@2 should be good, and the test says bad"]);
    let run = place.run(&["bisect", "--good", "@0", "--", "./not-there"]);
    has(&run.stderr, &["error: the command './not-there' can't be run"]);
    let error = place.fails(2, &["bisect", "--good", "@0"]);
    has(&error, &["there is nothing to look for"]);
}

#[test]
fn a_good_state_of_another_branch_is_refused() {
    let place = twenty("sled");
    place.ok(&["branch", "create", "side", "--from", "@5"]);
    place.ok(&["put", "-b", "side", "-c", "users", r#"{"_id":"x"}"#]);
    let error = place.fails(2, &["bisect", "--good", "side", "-c", "users", "--exists", "{}"]);
    has(&error, &["is not in the history of the bad one: the two part at LSN 5"]);
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
