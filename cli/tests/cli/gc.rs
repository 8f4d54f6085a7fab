//! Garbage collection by its users, and killed at random moments.

use std::fmt::Write as _;
use std::time::Duration;

use crate::support::{ENGINES, Place, Random, has};

/// Puts the versions `versions` of document 1, a commit each.
fn write(place: &Place, branch: &str, versions: std::ops::RangeInclusive<u32>) {
    let text = versions.fold(String::new(), |mut text, version| {
        let _ =
            writeln!(text, r#"{{"_id":1,"version":{version},"filling":"{}"}}"#, "x".repeat(500));
        text
    });
    let run = place.run_with(&["put", "-c", "users", "--each", "-b", branch], text);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn what_is_old_goes_and_what_is_held_stays() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        write(&place, "main", 1..=10);
        place.ok(&["branch", "create", "held", "--from", "main@4"]);
        let dry = place.ok(&["gc", "--dry-run", "--retention", "0s"]);
        has(&dry, &["with a retention of 0s", "shop/main: kept from LSN 10 on"]);
        has(&dry, &["LSN 4 is kept for branch shop/held"]);
        has(&place.ok(&["gc", "--retention", "0", "--yes", "-o", "json"]), &["\"commits\": 9"]);

        has(&place.ok(&["get", "-c", "users", "1", "--at", "main@4"]), &["\"version\":4"]);
        let refused = place.fails(3, &["get", "-c", "users", "1", "--at", "main@3"]);
        has(&refused, &["main@3 was collected", "retained from LSN 10", "and at LSN 4"]);
        let log = place.run(&["log"]);
        assert_eq!(log.stdout.lines().count(), 2, "{}", log.stdout);
        has(&log.stderr, &["note: the commits up to LSN 9 were collected"]);
        let history = place.run(&["history", "-c", "users", "1"]);
        has(&history.stdout, &["LSN 10", "\"version\":10"]);
        has(&history.stderr, &["up to LSN 9 were collected"]);
        has(&place.ok(&["diff", "main@4", "main"]), &["version"]);
        has(&place.ok(&["fsck"]), &["no problems"]);
        has(&place.run(&["gc", "--retention", "0s"]).stderr, &["freed 0 bytes"]);
    }
}

/// A clock that stands in 2023.
struct Then;

impl argon_core::Clock for Then {
    fn now(&self) -> bson::DateTime {
        bson::DateTime::from_millis(1_700_000_000_000)
    }
}

struct MachineIds;

impl argon_core::Ids for MachineIds {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(16) {
            let random: [u8; 16] = argon_backends::environment().random();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

/// An environment of long ago, and where the store is.
fn then(place: &Place) -> (argon_core::Environment, argon_core::storage::StoreUrl) {
    let environment =
        argon_core::Environment::new(std::sync::Arc::new(Then), std::sync::Arc::new(MachineIds));
    let url = argon_core::storage::StoreUrl::new("fjall", place.path(".argon").to_str().unwrap());
    (environment, url)
}

async fn opened_then(place: &Place) -> argon_core::Store {
    let (environment, url) = then(place);
    let (registry, options) =
        (argon_backends::registry(), argon_core::storage::OpenOptions::default());
    let actor = argon_core::model::Actor::new("ada").unwrap();
    argon_core::Store::open(&registry, &url, &options, environment, actor).await.unwrap()
}

/// Makes a store with three commits of long ago.
async fn committed_then(place: &Place) {
    let (environment, url) = then(place);
    let (registry, options) =
        (argon_backends::registry(), argon_core::storage::OpenOptions::default());
    let store = argon_core::Store::create(
        &registry,
        &url,
        &options,
        environment,
        argon_core::model::Actor::new("ada").unwrap(),
    );
    let store = store.await.unwrap();
    let project = store.create_project("shop").await.unwrap();
    let main = project.branch("main").await.unwrap();
    for version in 1..=3 {
        let users = main.collection(&"users".parse().unwrap());
        users.put(bson::rawdoc! { "_id": 1, "version": version }).await.unwrap();
    }
}

#[test]
fn a_sandbox_of_long_before_the_clock_is_swept_only_if_somebody_says_that_the_clock_is_right() {
    let place = Place::empty();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        committed_then(&place).await;
        let store = opened_then(&place).await;
        let project = store.project("shop").await.unwrap();
        let main = project.branch("main").await.unwrap();
        let (head, hour) = (main.head().await.unwrap(), std::time::Duration::from_hours(1));
        let name = argon_core::sandbox::full_name("try").unwrap();
        argon_core::sandbox::create(&project, &head, main.name(), Some(&name), hour).await.unwrap();
    });
    place.ok(&["use", "shop"]);

    has(&place.ok(&["sandbox", "sweep", "--dry-run"]), &["sandbox/try", "would be removed"]);
    let refused = place.fails(2, &["sandbox", "sweep"]);
    has(&refused, &["this machine's clock shows 20", "after the newest commit", "(2023-11-14"]);
    has(&refused, &["sandboxes in use", "--trust-clock"]);
    has(&place.ok(&["sandbox", "list"]), &["sandbox/try"]);
    has(&place.ok(&["sandbox", "sweep", "--trust-clock"]), &["removed, kept as"]);
    place.ok(&["sandbox", "sweep"]);
    place.ok(&["sandbox", "create", "--name", "young", "--ttl", "1s"]);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    has(&place.ok(&["sandbox", "sweep"]), &["sandbox/young", "removed, kept as"]);
}

#[test]
fn what_was_committed_long_before_the_clock_goes_only_if_somebody_says_that_the_clock_is_right() {
    let place = Place::empty();
    // The runtime is dropped before others open the store.
    tokio::runtime::Runtime::new().unwrap().block_on(committed_then(&place));
    place.ok(&["use", "shop"]);

    let refused = place.fails(2, &["gc"]);
    has(&refused, &["this machine's clock shows 20", "after the newest commit", "(2023-11-14"]);
    has(&refused, &["--trust-clock"]);
    has(&place.ok(&["get", "-c", "users", "1", "--at", "main@2"]), &["\"version\""]);
    place.ok(&["gc", "--dry-run"]);
    place.ok(&["gc", "--trust-clock"]);
    place.fails(3, &["get", "-c", "users", "1", "--at", "main@2"]);
    place.ok(&["gc"]);
}

#[test]
fn who_holds_how_much_is_shown() {
    let place = Place::with_project("fjall");
    write(&place, "main", 1..=5);
    let table = place.run(&["storage"]);
    has(&table.stdout, &["HOLDER", "KIND", "STATES", "BYTES", "shop/main", "branch", "retention"]);
    has(&table.stderr, &["`argon gc` with its retention of 7d would free 0 bytes"]);
    has(&place.ok(&["storage", "-o", "json"]), &["\"holder\": \"shop/main\"", "\"free\": 0"]);
    place.ok(&["config", "set", "retention", "12h"]);
    has(&place.run(&["storage"]).stderr, &["`argon gc` with its retention of 12h would free"]);
}

#[test]
fn a_retention_that_is_no_length_of_time_is_refused() {
    let place = Place::with_project("fjall");
    has(&place.fails(2, &["gc", "--retention", "soon"]), &["invalid duration 'soon'", "7d"]);
}

#[test]
fn a_collection_that_is_killed_again_and_again_takes_nothing_that_is_kept() {
    let mut random = Random::new();
    eprintln!("ARGON_SEED={}", random.seed);
    for engine in ENGINES {
        let place = Place::with_project(engine);
        let (mut head, mut forks) = (0, Vec::new());
        for round in 0..12_u32 {
            write(&place, "main", head + 1..=head + 150);
            head += 150;
            let fork = head - u32::try_from(random.below(40)).unwrap();
            let name = format!("fork-{round}");
            place.ok(&["branch", "create", &name, "--from", &format!("main@{fork}")]);
            forks.push((name, fork));
            if round % 3 == 2 {
                let (gone, _) = forks.remove(0);
                write(&place, &gone, 1..=60);
                place.ok(&["branch", "delete", &gone, "--yes"]);
            }
            let mut child = place.start(&["gc", "--retention", "0s", "--yes"]);
            std::thread::sleep(Duration::from_micros(random.below(60_000)));
            child.kill().unwrap();
            child.wait().unwrap();
            has(&place.ok(&["fsck"]), &["no problems"]);
            for (name, version) in forks.iter().chain([&("main".to_owned(), head)]) {
                let found = place.ok(&["get", "-c", "users", "1", "-b", name]);
                has(&found, &[&format!("\"version\":{version},")]);
            }
        }
        place.ok(&["gc", "--retention", "0s", "--compact", "--yes"]);
        has(&place.ok(&["fsck"]), &["no problems"]);
        has(&place.run(&["gc", "--retention", "0s"]).stderr, &["freed 0 bytes"]);
    }
}

#[test]
fn a_retention_time_below_the_setting_and_a_compaction_after_it_ask_first() {
    let place = Place::with_project("fjall");
    write(&place, "main", 1..=5);
    let refused = place.fails(2, &["gc", "--retention", "0s"]);
    has(&refused, &["it would free", "4 commits", "the setting `retention` is 7d", "--yes"]);
    place.ok(&["get", "-c", "users", "1", "--at", "main@1"]);
    place.ok(&["compact"]);
    place.ok(&["gc", "--retention", "0s", "--yes"]);
    has(&place.fails(2, &["compact"]), &["4 commits", "that `argon gc` gave up", "--yes"]);
    place.ok(&["compact", "--yes"]);
    place.ok(&["compact"]);
}
