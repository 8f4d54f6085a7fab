//! Servers that go away.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::process::Child;
use std::time::Duration;

use argon_test_servers::{Fault, FaultProxy};

use super::servers::remotes;
use crate::support::{Place, Run, has};

const DOCUMENTS: u32 = 2000;

fn many(ids: Range<u32>) -> String {
    ids.fold(String::new(), |mut text, id| {
        let _ = writeln!(text, r#"{{"_id":{id},"text":"number {id}"}}"#);
        text
    })
}

/// Starts an import of documents that come little by little, so that they take many commits one after
/// the other: what is ready at once is committed together.
fn start_import(place: &Place, options: &[&str]) -> Child {
    let mut child =
        place.start(&[&["import", "-", "-c", "many", "--batch", "10"], options].concat());
    let mut input = child.stdin.take().unwrap();
    std::thread::spawn(move || {
        for first in (0..DOCUMENTS).step_by(10) {
            // The import may have ended.
            if input.write_all(many(first..first + 10).as_bytes()).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    child
}

/// What a run comes to that must end within so many seconds.
#[track_caller]
fn ended_within(seconds: u32, mut child: Child) -> Run {
    for _ in 0..seconds * 20 {
        if child.try_wait().unwrap().is_some() {
            return child.wait_with_output().unwrap().into();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    panic!("it still runs after {seconds} s: {:#?}", child.wait_with_output());
}

#[test]
fn an_import_whose_server_goes_away_says_how_to_go_on_and_can() {
    for remote in remotes("an import whose server goes away") {
        let proxy = FaultProxy::start(remote.address()).unwrap();
        let place = remote.place();
        place.ok(&["init", &remote.url_by(proxy.addr(), "gone")]);
        place.ok(&["project", "create", "shop"]);
        proxy.reset();
        let child = start_import(&place, &["--lock-timeout", "1"]);
        while proxy.counts().of("") < 60 {
            std::thread::sleep(Duration::from_millis(2));
        }
        proxy.set(Fault::Refuse);
        let run = Run::from(child.wait_with_output().unwrap());
        // Whether the last commit happened may be unknown.
        assert!(matches!(run.code, Some(6 | 7)), "{}: {run:#?}", remote.name);
        has(&run.stderr, &["committed before the error: ", "--on-duplicate skip continues"]);
        assert!(!run.stderr.contains("panic"), "{run:#?}");

        proxy.set(Fault::Pass);
        let before: u32 = place.ok(&["count", "-c", "many"]).trim().parse().unwrap();
        assert!(before > 0 && before < DOCUMENTS && before.is_multiple_of(10), "{before}");
        place.file("many.jsonl", many(0..DOCUMENTS));
        place.ok(&["import", "many.jsonl", "--on-duplicate", "skip"]);
        assert_eq!(place.ok(&["count", "-c", "many"]), format!("{DOCUMENTS}\n"));
        has(&place.ok(&["fsck"]), &["no problems"]);
    }
}

#[test]
fn a_server_that_is_gone_is_waited_for_as_long_as_was_said() {
    for remote in remotes("a server that is gone") {
        let proxy = FaultProxy::start(remote.address()).unwrap();
        let place = remote.place();
        place.ok(&["init", &remote.url_by(proxy.addr(), "away")]);
        for fault in [Fault::Refuse, Fault::Stall] {
            proxy.set(fault);
            let run = ended_within(15, place.start(&["status", "--lock-timeout", "1"]));
            assert_eq!(run.code, Some(6), "{}: {run:#?}", remote.name);
            has(&run.stderr, &["error: ", "hint:  `argon doctor`"]);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_ends_an_import_that_waits_for_its_server() {
    for remote in remotes("an import that is interrupted") {
        let proxy = FaultProxy::start(remote.address()).unwrap();
        let place = remote.place();
        place.ok(&["init", &remote.url_by(proxy.addr(), "interrupted")]);
        place.ok(&["project", "create", "shop"]);
        proxy.reset();
        let child = start_import(&place, &["--lock-timeout", "60"]);
        while proxy.counts().of("") < 60 {
            std::thread::sleep(Duration::from_millis(2));
        }
        proxy.set(Fault::Stall);
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(300));
            let kill =
                std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            assert!(kill.unwrap().success());
        }
        let run = ended_within(15, child);
        assert_eq!(run.code, Some(130), "{}: {run:#?}", remote.name);
        has(&run.stderr, &["interrupted; committed before that: ", "--on-duplicate skip"]);
    }
}
