//! A writing process is killed at random moments, again and again, and nothing that it
//! acknowledged is ever lost, nothing is there by half.
//!
//! `ARGON_CRASH_ROUNDS` sets how many times an engine's process is killed (100), `ARGON_SEED`
//! repeats a run's random numbers.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::time::Duration;

use crate::support::{Place, Random, has};

/// After so many rounds a new store is taken, so that checking it stays quick.
const ROUNDS_A_STORE: u64 = 25;

/// Documents in each commit of an import.
const BATCH: u64 = 7;

fn rounds() -> u64 {
    std::env::var("ARGON_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100)
}

/// The document with this `_id`: now and then one of many blocks.
fn document(id: u64) -> String {
    let filling = match id % 13 {
        0 => 20_000,
        other => other * 30,
    };
    let byte = char::from(b'a' + u8::try_from(id % 26).unwrap());
    format!(
        r#"{{"_id":{id},"filling":"{}"}}"#,
        byte.to_string().repeat(filling.try_into().unwrap())
    )
}

#[test]
fn on_sled_what_was_acknowledged_survives_kill_9() {
    kill_again_and_again("sled");
}

#[test]
fn on_fjall_what_was_acknowledged_survives_kill_9() {
    kill_again_and_again("fjall");
}

fn kill_again_and_again(engine: &str) {
    let mut random = Random::new();
    eprintln!("ARGON_SEED={}", random.seed);
    let mut left = rounds();
    while left > 0 {
        let place = Place::with_project(engine);
        let (mut single, mut batched) = (0, 0);
        for _ in 0..left.min(ROUNDS_A_STORE) {
            if random.below(2) == 0 {
                single = killed_while_putting(&place, single, &mut random);
            } else {
                batched = killed_while_importing(&place, batched, &mut random);
            }
            left -= 1;
            has(&place.ok(&["fsck"]), &["no problems"]);
        }
    }
}

/// Puts documents from `first` on, each a commit of its own, and kills the process after some of
/// them were acknowledged. Gives the first document that is not there.
fn killed_while_putting(place: &Place, first: u64, random: &mut Random) -> u64 {
    let mut child = place.start(&["put", "-c", "single", "--each"]);
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // Writes until the process is gone.
        for id in first.. {
            if writeln!(stdin, "{}", document(id)).is_err() {
                return;
            }
        }
    });
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let wanted = random.below(60);
    if wanted > 0 {
        answers.by_ref().take(usize::try_from(wanted).unwrap()).for_each(drop);
    }
    std::thread::sleep(Duration::from_micros(random.below(if wanted > 0 {
        3_000
    } else {
        60_000
    })));
    child.kill().unwrap();
    child.wait().unwrap();
    writer.join().unwrap();
    let late = answers.map_while(Result::ok).filter(|line| line.contains(' ')).count() as u64;
    let acknowledged = first + wanted + late;

    let found = stored(place, "single");
    assert!(found >= acknowledged, "{found} are there, {acknowledged} were acknowledged");
    assert!(found <= acknowledged + 1, "{found} are there, {acknowledged} were acknowledged");
    found
}

/// Imports documents from `first` on in batches, and kills the process at some moment. Gives the
/// first document that is not there.
fn killed_while_importing(place: &Place, first: u64, random: &mut Random) -> u64 {
    let text = (first..first + 100 * BATCH).fold(String::new(), |mut text, id| {
        let _ = writeln!(text, "{}", document(id));
        text
    });
    let file = place.file("batched.jsonl", text);
    let batch = BATCH.to_string();
    let mut child = place.start(&["import", file, "-c", "batched", "--batch", &batch]);
    std::thread::sleep(Duration::from_millis(20 + random.below(120)));
    child.kill().unwrap();
    child.wait().unwrap();

    let found = stored(place, "batched");
    assert!(found >= first, "{found} are there, {first} were before");
    assert_eq!(found % BATCH, 0, "a commit is there by half");
    found
}

/// How many documents a collection has: those from 0 on, each as it was written.
fn stored(place: &Place, collection: &str) -> u64 {
    let run = place.run(&["find", "-c", collection]);
    if run.code == Some(3) {
        return 0; // The first commit, which makes the collection, is not there.
    }
    assert_eq!(run.code, Some(0), "{run:?}");
    for (id, line) in (0..).zip(run.stdout.lines()) {
        assert!(line == document(id), "document {id} is not as it was written: {line:.60}");
    }
    run.stdout.lines().count() as u64
}
