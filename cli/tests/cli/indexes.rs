//! Indexes: made, used, held to, and let go.

use crate::support::{ENGINES, Place, has};

/// A store with a hundred people.
fn people(engine: &str) -> Place {
    let place = Place::with_project(engine);
    let lines: Vec<String> = (0..100)
        .map(|n| format!("{{\"_id\":{n},\"email\":\"p{n}@x.org\",\"age\":{}}}", n % 10))
        .collect();
    let run = place.run_with(&["put", "-c", "people"], lines.join("\n"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    place
}

#[test]
fn an_index_is_made_used_and_dropped_and_the_past_keeps_it() {
    for engine in ENGINES {
        let place = people(engine);
        let made = place.run(&["index", "create", "-c", "people", "{age: -1}"]);
        has(&made.stderr, &["created index age_-1"]);
        let explain = |more: &[&str]| {
            let command = ["explain", "-c", "people", "{age: 3}", "--execute"];
            place.ok(&[&command[..], more].concat()).replace(' ', "")
        };
        let explained = explain(&[]);
        assert!(explained.contains("IXSCAN") && explained.contains("age_-1"), "{explained}");
        assert!(explained.contains("\"totalDocsExamined\":10"), "{explained}");
        assert_eq!(place.ok(&["count", "-c", "people", "{age: {$gte: 8}}"]), "20\n");
        let oldest = ["find", "-c", "people", "--sort", "{age: -1}", "--limit", "1"];
        assert!(place.ok(&oldest).contains("\"age\":9"));
        let before = explain(&["--at", "main~1"]);
        assert!(before.contains("COLLSCAN") && before.contains("noindex"), "{before}");

        place.ok(&["switch", "-c", "try"]);
        place.ok(&["update", "-c", "people", "--many", "{age: 3}", "{$set: {age: 30}}"]);
        assert!(explain(&[]).contains("\"nReturned\":0"));
        assert!(explain(&["--at", "main"]).contains("\"nReturned\":10"));
        let listed = place.ok(&["index", "list", "-c", "people"]);
        assert!(listed.contains("age_-1") && listed.contains("built"), "{listed}");
        place.ok(&["index", "drop", "-c", "people", "age_-1"]);
        assert!(explain(&[]).contains("COLLSCAN"));
        assert!(explain(&["--at", "try~1"]).contains("IXSCAN"));
        assert!(place.ok(&["fsck"]).contains("no problems"));
    }
}

#[test]
fn writes_are_held_to_unique_indexes_and_validators() {
    let place = people("fjall");
    place.ok(&["index", "create", "-c", "people", "{email: 1}", "--unique"]);
    let second = place.run(&["put", "-c", "people", "{\"_id\":777,\"email\":\"p1@x.org\"}"]);
    assert_ne!(second.code, Some(0));
    assert!(
        second.stderr.contains("email_1") && second.stderr.contains("document 1 "),
        "{}",
        second.stderr
    );
    let twice = place.run(&["index", "create", "-c", "people", "{age: 1}", "--unique"]);
    assert_ne!(twice.code, Some(0));
    assert!(twice.stderr.contains("same age"), "{}", twice.stderr);
    let unknown = place.run(&["find", "-c", "people", "{age: 1}", "--hint", "nothing"]);
    assert!(unknown.stderr.contains("hint"), "{}", unknown.stderr);
    let malformed = place.run(&["index", "create", "-c", "people", "{age: 'up'}"]);
    assert!(malformed.stderr.contains("'age'") && malformed.stderr.contains("hashed"));
}

#[test]
fn documents_expire_when_asked_and_past_states_keep_them() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "sessions", r#"{"_id":1,"at":{"$date":"2001-01-01T00:00:00Z"}}"#]);
    place.ok(&["put", "-c", "sessions", r#"{"_id":2,"at":{"$date":"2999-01-01T00:00:00Z"}}"#]);
    place.ok(&["put", "-c", "sessions", r#"{"_id":3,"at":"no date"}"#]);
    place.ok(&["index", "create", "-c", "sessions", "{at: 1}", "--expire-after", "1h"]);
    let expired = place.ok(&["index", "expire"]);
    has(&expired, &["sessions"]);
    assert_eq!(place.ok(&["count", "-c", "sessions", "{}"]), "2\n");
    assert_eq!(place.ok(&["count", "-c", "sessions", "{}", "--at", "main~1"]), "3\n");
    place.ok(&["sandbox", "create", "--name", "box"]);
    let refused = place.run(&["index", "expire", "--branch", "sandbox/box"]);
    assert!(refused.stderr.contains("sandbox"), "{}", refused.stderr);
}
