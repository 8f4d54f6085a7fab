//! `argon health` and its alerts.

use std::fs;

use crate::support::{Place, has};

/// The user's file of a place.
const USER: &str = "settings/argon/argon.toml";

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_store_that_works_is_healthy_and_each_check_names_its_threshold() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "a", r#"{"_id": 1}"#]);
    let report = json(&place.ok(&["health", "-o", "json", "--strict"]));
    assert_eq!(report["healthy"], true);
    let checks = report["checks"].as_array().unwrap();
    let named: Vec<_> = checks.iter().map(|check| check["check"].as_str().unwrap()).collect();
    let all = [
        "store",
        "head",
        "backlog",
        "lag",
        "dead letters",
        "space",
        "snapshot",
        "clock",
        "certificate",
    ];
    assert_eq!(named, all);
    for check in checks {
        match check["check"].as_str().unwrap() {
            "store" => assert_eq!(check["state"], "ok"),
            "head" | "space" | "clock" => {
                assert_eq!(check["state"], "ok", "{check}");
                assert!(check["threshold"].is_string(), "{check}");
            }
            _ => assert_eq!(check["state"], "not checked", "{check}"),
        }
    }
    let table = place.ok(&["health", "-o", "table"]);
    has(&table, &["CHECK", "THRESHOLD", "LSN 1, 1 commit verified", "at least 1.0 GiB"]);
}

#[test]
fn what_is_over_its_threshold_fails_with_what_to_do() {
    let place = Place::with_project("fjall");
    place.file(USER, "[health]\nspace = \"900TiB\"\n");
    let run = place.run(&["health", "-o", "table"]);
    assert_eq!(run.code, Some(11), "{run:?}");
    has(&run.stdout, &["failed", "at least 900.0 TiB", "to do: make room"]);
}

#[test]
fn a_store_that_can_not_be_opened_fails_and_all_checks_are_reported() {
    let place = Place::empty();
    let run = place.run(&["health", "--store", "sled:nowhere", "-o", "json"]);
    assert_eq!(run.code, Some(11), "{run:?}");
    let report = json(&run.stdout);
    assert_eq!(report["healthy"], false);
    assert_eq!(report["checks"][0]["state"], "failed");
    assert_eq!(report["checks"].as_array().unwrap().len(), 9);
}

#[test]
fn the_queue_of_a_legacy_store_is_checked_and_warnings_have_a_code_of_their_own() {
    let place = Place::empty();
    place.ok(&["init", "legacy+file:old"]);
    place.ok(&["project", "create", "shop"]);
    place.ok(&["put", "-c", "a", r#"{"_id": 1}"#]);
    place.file(USER, "[health]\nsnapshot-commits = 0\n");
    place.ok(&["health"]);
    let run = place.run(&["health", "--strict", "-o", "table"]);
    assert_eq!(run.code, Some(13), "{run:?}");
    has(&run.stdout, &["1 commit above the last", "argon snapshot create", "GiB free"]);
    let report = json(&place.ok(&["health", "-o", "json"]));
    for check in report["checks"].as_array().unwrap() {
        if ["backlog", "lag", "dead letters"].contains(&check["check"].as_str().unwrap()) {
            assert_eq!(check["state"], "ok", "{check}");
        }
    }
}

/// A rule on free space, which there always is some of.
fn rule(place: &Place, op: &str, more: &str) {
    let rule = format!(
        "[[alerts]]\nname = \"full\"\nmetric = \"free_bytes\"\nop = \"{op}\"\nthreshold = \"1KiB\"\n\
         severity = \"critical\"\n{more}\n"
    );
    place.file(USER, rule);
}

const TELL: &str = r#"command = ["sh", "-c", "cat >> told; echo >> told"]"#;

fn lines(place: &Place, file: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(place.path(file)).unwrap_or_default();
    text.lines().map(json).collect()
}

#[test]
fn an_alert_is_raised_once_and_cleared_once() {
    let place = Place::with_project("sled");
    rule(&place, ">", TELL);
    has(
        &place.ok(&["health", "alerts", "-o", "table"]),
        &["critical", "raised", "free_bytes > 1KiB"],
    );
    place.ok(&["health", "alerts"]);
    let told = lines(&place, "told");
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["alert"], &told[0]["state"], &told[0]["severity"], &told[0]["threshold"]),
        (&json("\"full\""), &json("\"raised\""), &json("\"critical\""), &json("1024.0")),
    );
    rule(&place, "<", TELL);
    has(&place.ok(&["health", "alerts", "-o", "table"]), &["quiet", "now"]);
    place.ok(&["health", "alerts"]);
    let told = lines(&place, "told");
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["state"], "cleared");
    assert_ne!(told[0]["id"], told[1]["id"]);
}

#[test]
fn of_several_processes_one_tells() {
    let place = Place::with_project("sled");
    rule(&place, ">", TELL);
    let running: Vec<_> = (0..4).map(|_| place.start(&["health", "alerts"])).collect();
    for process in running {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(lines(&place, "told").len(), 1);
}

#[test]
fn a_receiver_that_was_away_is_told_later_with_the_same_id() {
    let place = Place::with_project("sled");
    let away =
        r#"command = ["sh", "-c", "cat >> tried; echo >> tried; echo not here >&2; test -e up"]"#;
    rule(&place, ">", away);
    let run = place.run(&["health", "alerts", "-o", "table"]);
    assert_eq!(run.code, Some(6), "{run:?}");
    has(&run.stderr, &["alert 'full' could not be delivered", "not here", "tries it again"]);
    has(&run.stdout, &["raised", "failed"]);
    place.file("up", "");
    has(&place.ok(&["health", "alerts", "-o", "table"]), &["now"]);
    place.ok(&["health", "alerts"]);
    let tried = lines(&place, "tried");
    assert_eq!(tried.len(), 2);
    assert_eq!(tried[0]["id"], tried[1]["id"]);
}

#[test]
fn what_has_not_held_long_enough_is_told_to_nobody() {
    let place = Place::with_project("sled");
    rule(&place, ">", &format!("for = \"1h\"\n{TELL}"));
    has(&place.ok(&["health", "alerts", "-o", "table"]), &["pending"]);
    assert!(!place.path("told").exists());
}

#[test]
fn rules_that_can_not_be_evaluated_or_delivered_are_explained() {
    let place = Place::with_project("sled");
    has(&place.run(&["health", "alerts"]).stderr, &["no alerts are configured"]);
    place.file(
        USER,
        format!(
            "[[alerts]]\nname = \"x\"\nmetric = \"wrong\"\nop = \">\"\nthreshold = 1\n{TELL}\n"
        ),
    );
    let run = place.run(&["health", "alerts", "-o", "table"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stdout, &["no value"]);
    has(&run.stderr, &["alert 'x': wrong has no value here", "free_bytes"]);
    rule(&place, ">", "");
    has(&place.fails(2, &["health", "alerts"]), &["alert 'full'", "either a webhook or a command"]);
    rule(&place, ">", "webhook = \"http://127.0.0.1:1/token\"\nsecret_env = \"ALERTS_SECRET\"");
    has(&place.fails(6, &["health", "alerts"]), &["ALERTS_SECRET, which is not set"]);
    rule(&place, ">", "webhook = \"http://127.0.0.1:1/token\"");
    let said = place.fails(6, &["health", "alerts"]);
    has(&said, &["webhook at 127.0.0.1:1"]);
    assert!(!said.contains("token"), "{said}");
}

#[test]
fn what_the_metrics_count_can_raise_an_alert() {
    let place = Place::with_project("sled");
    let alert = "[[alerts]]\nname = \"busy\"\nmetric = \"append_total\"\nop = \">\"\nthreshold = 1\n\
                 for = \"0s\"\nseverity = \"warning\"\ncommand = [\"true\"]\n";
    place.file(USER, alert);
    has(&place.ok(&["health", "alerts", "-o", "jsonl"]), &["\"state\":\"quiet\""]);
    place.ok(&["put", "-c", "a", r#"{"_id": 1}"#]);
    place.ok(&["put", "-c", "a", r#"{"_id": 2}"#]);
    has(&place.ok(&["health", "alerts", "-o", "jsonl"]), &["\"state\":\"raised\""]);
}
