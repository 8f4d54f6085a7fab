//! Times as people write them, wherever a command takes one.

use crate::support::{Place, has};

fn shop() -> Place {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["put", "-c", "users", r#"{"_id":2}"#]);
    place
}

#[test]
fn a_state_is_named_by_a_time_in_each_form() {
    let place = shop();
    for time in [
        "now",
        "0s",
        "2999-01-01",
        "2999-01-01T09:00",
        "2999-01-01 09:00:30 Europe/Berlin",
        "2999-01-01T09:00+02:00",
    ] {
        let count = place.ok(&["count", "-c", "users", "--at", &format!("main@{time}")]);
        assert_eq!(count, "2\n", "{time}");
    }
    for time in
        ["1h", "1h ago", "1.hour.ago", "{2 days ago}", "yesterday", "yesterday 12:30", "1999-01-01"]
    {
        let error = place.fails(3, &["count", "-c", "users", "--at", &format!("@{time}")]);
        has(&error, &["branch 'main' has no state at", "its first commit is later"]);
    }
    let error = place.fails(2, &["count", "--at", "main@25:00"]);
    has(&error, &["invalid revision 'main@25:00'", "main@1h"]);
}

#[test]
fn the_log_is_filtered_by_times() {
    let place = shop();
    let lines =
        |arguments: &[&str]| place.ok(&[&["log", "--oneline"], arguments].concat()).lines().count();
    for since in
        ["1h", "1h ago", "today", "yesterday", "yesterday 00:00 Europe/Berlin", "2020-01-01T09:00"]
    {
        // Shortly after midnight, what was committed before is of yesterday.
        if since != "today" {
            assert_eq!(lines(&["--since", since]), 2, "{since}");
        }
        lines(&["--since", since]);
    }
    assert_eq!(lines(&["--until", "1h"]), 0);
    assert_eq!(lines(&["--before", "2999-01-01", "--after", "2020-01-01"]), 2);
    assert_eq!(lines(&["--since", "2999-01-01"]), 0);
    let error = place.fails(2, &["log", "--since", "last week"]);
    has(&error, &["invalid time 'last week'", "yesterday", "'1h ago'", "UTC without a zone"]);
}

#[test]
fn what_a_merge_notes_of_a_relative_time_is_the_time_itself() {
    let place = shop();
    place.ok(&["switch", "-c", "try"]);
    place.ok(&["put", "-c", "users", r#"{"_id":3}"#]);
    place.ok(&["switch", "main"]);
    place.ok(&["merge", "try@0s", "--yes"]);
    let message = place.ok(&["log", "-n", "1", "--oneline"]);
    assert!(message.contains("merge try@20") && !message.contains("0s"), "{message}");
}
