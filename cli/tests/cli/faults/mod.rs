//! Commands on a disk that fails at one of their changes, or ends with the program there: what is left
//! is the state before or the one after, `fsck` finds nothing, the command ended, and its exit code
//! says what happened.
//!
//! `ARGON_FAULT_STEPS` sets how many faults an engine meets (3); `ARGON_SEED` repeats a run.

mod disk;
mod full_disk;
mod scenarios;

use std::collections::HashMap;

use self::disk::{Mode, Outcome};
use self::scenarios::{Kind, SCENARIOS, Scenario, Store};
use crate::support::{Place, Random};

fn steps() -> u64 {
    std::env::var("ARGON_FAULT_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(3)
}

#[test]
fn on_sled_a_command_that_meets_a_fault_is_done_or_not_and_says_so() {
    meet_faults("sled");
}

#[test]
fn on_fjall_a_command_that_meets_a_fault_is_done_or_not_and_says_so() {
    meet_faults("fjall");
}

/// What a scenario comes to on a sound disk.
struct Sound {
    changes: u64,
    after: String,
}

fn meet_faults(engine: &str) {
    let mut random = Random::new();
    eprintln!("ARGON_SEED={}", random.seed);
    let store = Store::make(engine);
    let before = store.state();
    let mut sound: HashMap<&str, Sound> = HashMap::new();
    let (mut met, mut tried) = (0, 0);
    while met < steps() && tried < steps() * 4 {
        tried += 1;
        let scenario = &SCENARIOS[usize::try_from(random.below(SCENARIOS.len() as u64)).unwrap()];
        let expected =
            sound.entry(scenario.name).or_insert_with(|| without_fault(&store, scenario));
        let at = 1 + random.below(expected.changes);
        let mode = Mode::ALL[usize::try_from(random.below(Mode::ALL.len() as u64)).unwrap()];
        let place = store.copy();
        let outcome = place.run(scenario, mode, at);
        // How many changes an engine makes is not the same every time.
        if outcome.met {
            met += 1;
            let label = format!("{engine} {} {mode:?} at {at}", scenario.name);
            check(&label, &place, scenario, mode, &outcome, (&before, &expected.after));
        }
    }
    assert!(met > 0, "no fault was met");
}

fn without_fault(store: &Store, scenario: &Scenario) -> Sound {
    let place = store.copy();
    let outcome = place.run(scenario, Mode::Eio, 0);
    assert_eq!(outcome.run.code, Some(0), "{}: {:?}", scenario.name, outcome.run);
    assert!(outcome.changes > 0, "{}: the disk was not looked at", scenario.name);
    Sound { changes: outcome.changes, after: place.state() }
}

/// Checks what a command said and left.
fn check(
    label: &str,
    place: &Store,
    scenario: &Scenario,
    mode: Mode,
    outcome: &Outcome,
    (before, after): (&str, &str),
) {
    let run = &outcome.run;
    assert!(!outcome.hung, "{label}: it did not end: {run:#?}");
    if mode.spares() {
        let honest = [Some(0), Some(6), Some(7)];
        assert!(honest.contains(&run.code), "{label}: {run:#?}");
        assert!(!run.stderr.contains("panicked"), "{label}: {run:#?}");
    }
    assert_sound(label, place.place(), run);
    let found = place.state();
    match scenario.kind {
        Kind::Atomic => {
            assert!(
                found == before || found == after,
                "{label}: {run:#?}\n{before}\n{found}\n{after}"
            );
            assert!(run.code != Some(0) || found == after, "{label}: it is not done: {run:#?}");
            assert!(run.code != Some(6) || found == before, "{label}: it is done: {run:#?}");
        }
        Kind::Upkeep => {
            assert_eq!(found, before, "{label}: {run:#?}");
            place.place().ok(scenario.arguments);
            assert_sound(label, place.place(), run);
        }
        Kind::Import => {
            let again = [scenario.arguments, &["--on-duplicate", "skip"]].concat();
            place.place().ok(&again);
            assert_eq!(place.place().ok(&["count", "-c", "imported"]).trim(), "60", "{label}");
        }
        Kind::Init => {
            let again = place.place().run(scenario.arguments);
            assert!(matches!(again.code, Some(0 | 4)), "{label}: {again:#?}");
            assert!(run.code != Some(0) || again.code == Some(4), "{label}: {run:#?}");
            place.place().ok(&["--store", "sled:new", "project", "create", "q"]);
        }
        Kind::Migrate => {
            place.place().ok(scenario.arguments);
            assert_eq!(found, before, "{label}: the source was changed");
        }
    }
}

fn assert_sound(label: &str, place: &Place, run: &crate::support::Run) {
    let fsck = place.run(&["fsck"]);
    assert_eq!(fsck.code, Some(0), "{label}: {fsck:#?} after {run:#?}");
}
