//! `argon doctor` on each failure that can be had.

use argon_test_servers::{Fault, FaultProxy};

use super::servers::remotes;
use crate::support::{Place, has};

/// The state of each check that is not in order, with what it found; `doctor` must end with `code`.
#[track_caller]
fn complaints(place: &Place, code: i32, arguments: &[&str]) -> Vec<(String, String)> {
    let arguments = [&["doctor", "-o", "json", "--lock-timeout", "1"], arguments].concat();
    let run = place.run(&arguments);
    assert_eq!(run.code, Some(code), "{run:#?}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["state"] != "ok")
        .map(|check| {
            (
                check["state"].as_str().unwrap().to_owned(),
                check["found"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn the_doctor_finds_a_store_in_order_and_leaves_nothing_behind() {
    for remote in remotes("a doctor on a network") {
        let place = remote.place();
        place.ok(&["init", &remote.url("healthy")]);
        let status = place.ok(&["status"]);
        assert_eq!(complaints(&place, 0, &[]), [], "{}", remote.name);
        assert_eq!(place.ok(&["status"]), status, "{}", remote.name);
        has(&place.ok(&["doctor"]), &["place ", "named by .argon/url"]);
    }
}

#[test]
fn the_doctor_says_why_a_store_can_t_be_used() {
    for remote in remotes("a doctor on broken stores") {
        let name = remote.name;
        let proxy = FaultProxy::start(remote.address()).unwrap();
        let place = remote.place();
        let url = remote.url_by(proxy.addr(), "broken");

        // There is none yet: a server that is in order is all that `argon init` needs.
        let found = complaints(&place, 0, &[&url]);
        assert!(matches!(&found[..], [(state, _)] if state == "warning"), "{name}: {found:?}");

        place.ok(&["init", &url]);
        for fault in [Fault::Refuse, Fault::Stall] {
            proxy.set(fault);
            let found = complaints(&place, 11, &[]);
            assert!(found.iter().any(|(state, _)| state == "failed"), "{name}: {found:?}");
        }
        proxy.set(Fault::Pass);
        assert_eq!(complaints(&place, 0, &[]), [], "{name}");
    }
}

#[test]
fn the_doctor_names_keys_and_buckets_that_are_wrong() {
    for remote in remotes("a doctor on wrong keys").iter().filter(|remote| remote.name == "s3") {
        let mut place = remote.place();
        let url = remote.url("x");
        let no_bucket = url.replace("s3://argon/", "s3://no-such-bucket/");
        let found = complaints(&place, 11, &[&no_bucket]);
        has(&format!("{found:?}"), &["the bucket does not exist"]);
        let found = complaints(&place, 11, &["s3://argon/x?no_such_parameter=1"]);
        has(&format!("{found:?}"), &["no_such_parameter"]);

        place.variables = vec![
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7WRONG00".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "s3cretOfNobody".to_owned()),
        ];
        let found = format!("{:?}", complaints(&place, 11, &[&url]));
        assert!(!found.contains("s3cretOfNobody"), "{found}");
        let refused = place.fails(10, &["status", "--store", &url]);
        assert!(!refused.contains("s3cretOfNobody"), "{refused}");
    }
}

#[test]
fn health_compares_the_clock_with_that_of_the_server() {
    for remote in remotes("health on a network") {
        let place = remote.place();
        place.ok(&["init", &remote.url("watched")]);
        let report: serde_json::Value =
            serde_json::from_str(&place.ok(&["health", "-o", "json"])).unwrap();
        let checks = report["checks"].as_array().unwrap();
        let check = |name: &str| checks.iter().find(|check| check["check"] == name).unwrap();
        assert_eq!(check("clock")["state"], "ok", "{report}");
        has(check("clock")["found"].as_str().unwrap(), &["127.0.0.1:"]);
        has(check("certificate")["found"].as_str().unwrap(), &["not encrypted"]);
    }
}
