//! A store on a full disk can be read, whatever the write left that met it, and takes no writes until
//! there is room.

use std::fmt::Write as _;

use super::disk::{Mode, Outcome, run};
use super::scenarios::Store;
use crate::support::{Place, has};

/// At how many places the disk becomes full.
const PLACES: u64 = 5;

const IMPORT: [&str; 6] = ["import", "large.jsonl", "-c", "imported", "--batch", "300"];

/// The same into another collection, so that nothing is there already.
const REFUSED: [&str; 6] = ["import", "large.jsonl", "-c", "refused", "--batch", "300"];

const READS: [&[&str]; 5] = [
    &["find", "-c", "c", "-o", "jsonl"],
    &["export", "-", "-c", "c"],
    &["log", "-o", "jsonl"],
    &["branch", "list", "-o", "jsonl"],
    &["fsck"],
];

#[test]
fn a_sled_store_on_a_full_disk_is_read_and_takes_no_writes() {
    let store = Store::make("sled");
    // More than a segment of sled's log in each batch.
    let mut documents = String::new();
    for id in 0..600_u32 {
        let text: String = (0..1_000).map(|n| format!("{:08x}", hash(id * 1_000 + n))).collect();
        writeln!(documents, r#"{{"_id":{id},"text":"{text}"}}"#).unwrap();
    }
    store.place().file("large.jsonl", documents);
    let changes = on(store.copy().place(), Mode::Filled, 0, &IMPORT).changes;
    let before: Vec<String> = READS[..2].iter().map(|read| store.place().ok(read)).collect();
    for at in (0..PLACES).map(|place| 1 + changes * place / PLACES) {
        let copy = store.copy();
        let place = copy.place();
        let met = on(place, Mode::Filled, at, &IMPORT);
        assert!(matches!(met.run.code, Some(0 | 6 | 7)), "at {at} of {changes}: {:#?}", met.run);
        let found = READS.map(|read| succeeds(place, read, at));
        assert_eq!(found[..2], before, "at {at} of {changes}");
        let refused = on(place, Mode::Filled, 1, &REFUSED).run;
        assert!(matches!(refused.code, Some(6 | 7)), "at {at} of {changes}: {refused:#?}");
        let full =
            if refused.code == Some(6) { "the disk is full" } else { "No space left on device" };
        has(&refused.stderr, &[full]);
        let found = READS.map(|read| succeeds(place, read, at));
        assert_eq!(found[..2], before, "at {at} of {changes}");
        // There is room again.
        let again = READS.map(|read| place.ok(read));
        assert_eq!(again[..4], found[..4], "at {at} of {changes}");
        place.ok(&[&IMPORT[..], &["--on-duplicate", "skip"]].concat());
        assert_eq!(place.ok(&["count", "-c", "imported"]).trim(), "600", "at {at} of {changes}");
        place.ok(&["fsck"]);
    }
}

fn on(place: &Place, mode: Mode, at: u64, arguments: &[&str]) -> Outcome {
    let directory = place.path(".argon").canonicalize().unwrap();
    let outcome = run(place, &directory, mode, at, arguments);
    assert!(!outcome.hung, "{arguments:?} did not end: {:#?}", outcome.run);
    outcome
}

fn succeeds(place: &Place, arguments: &[&str], at: u64) -> String {
    let run = on(place, Mode::Filled, 1, arguments).run;
    assert_eq!(run.code, Some(0), "{arguments:?} after change {at}: {run:#?}");
    run.stdout
}

/// Spreads the bits of a number, so that the text can't be compressed.
fn hash(number: u32) -> u32 {
    let mixed = (number ^ (number >> 16)).wrapping_mul(0x7feb_352d);
    (mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b)
}
