//! Measuring, on the reader's own machine.

use std::fs;

use crate::support::{Place, has};

/// What is quick to measure.
const SHORT: [&str; 7] = ["bench", "--engine", "fjall", "--only", "commit", "--directory", "."];

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.path(name)).unwrap()
}

#[test]
fn a_run_is_shown_saved_drawn_and_compared_with_itself() {
    let place = Place::empty();
    let run = place.run(&[&SHORT[..], &["--save", "a.json", "--chart", "a.svg"]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    has(&run.stdout, &["durable commit", "fjall", "floor", "┊", " ×", "argon "]);
    has(&run.stderr, &["fjall: commit"]);
    has(&read(&place, "a.svg"), &["<svg ", "durable commit", "</svg>"]);
    let compared = place.ok(&["bench", "compare", "a.json", "a.json"]);
    has(&compared, &["durable commit", "1.00 ×"]);
    assert_eq!(fs::read_dir(place.path(".")).unwrap().count(), 2, "the stores are removed");
}

#[test]
fn what_became_worse_by_more_than_noise_is_an_exit_code() {
    let place = Place::empty();
    place.ok(&[&SHORT[..], &["--save", "now.json"]].concat());
    let mut run: serde_json::Value = serde_json::from_str(&read(&place, "now.json")).unwrap();
    for row in run["rows"].as_array_mut().unwrap() {
        row["ratio"] = serde_json::json!(row["ratio"].as_f64().unwrap() / 2.0);
    }
    place.file("before.json", run.to_string());
    has(&place.run(&["bench", "compare", "before.json", "now.json"]).stdout, &["WORSE", "2.00 ×"]);
    place.fails(5, &["bench", "compare", "before.json", "now.json"]);
    place.ok(&["bench", "compare", "now.json", "before.json"]);
}

#[test]
fn what_can_not_be_measured_or_compared_is_named() {
    let place = Place::empty();
    has(&place.fails(2, &["bench", "--engine", "mongodb"]), &["--on mongodb://"]);
    has(&place.fails(2, &["bench", "--on", "sled:x"]), &["--on sled", "mongodb://HOST/DATABASE"]);
    let secret = place.fails(2, &["bench", "--on", "mongodb://ada:s3cret@h/d"]);
    has(&secret, &["ARGON_STORE_PASSWORD"]);
    assert!(!secret.contains("s3cret"), "{secret}");
    place.file("other.json", "{}");
    has(
        &place.fails(2, &["bench", "compare", "other.json", "other.json"]),
        &["other.json is no run"],
    );
}
