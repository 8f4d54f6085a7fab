//! Bytes of a store's files are flipped. Either somebody notices (opening, reading or `fsck` ends
//! with an error), or the byte meant nothing and the data is what it was. Data is never silently
//! another.
//!
//! `ARGON_DAMAGE_TRIALS` sets the number of flips for each engine (60).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use crate::support::{Place, Random, copy_directory};

fn trials() -> u64 {
    std::env::var("ARGON_DAMAGE_TRIALS").ok().and_then(|trials| trials.parse().ok()).unwrap_or(60)
}

#[test]
fn on_sled_a_flipped_byte_is_noticed_or_means_nothing() {
    flip_again_and_again("sled");
}

#[test]
fn on_fjall_a_flipped_byte_is_noticed_or_means_nothing() {
    flip_again_and_again("fjall");
}

/// What came of the flips.
#[derive(Debug, Default)]
struct Tally {
    /// By `fsck`, with this exit code.
    noticed: BTreeMap<i32, u64>,
    /// By reading only.
    noticed_later: u64,
    harmless: u64,
}

fn flip_again_and_again(engine: &str) {
    let mut random = Random::new();
    eprintln!("ARGON_SEED={}", random.seed);
    let place = written(engine);
    let expected = content(&place).expect("the store is whole");
    let whole = place.path("whole");
    copy_directory(&place.path(".argon"), &whole);
    let files = files_below(&whole.join("data"));
    let mut tally = Tally::default();
    for _ in 0..trials() {
        fs::remove_dir_all(place.path(".argon")).unwrap();
        copy_directory(&whole, &place.path(".argon"));
        let (file, at) = pick(&files, &mut random);
        let name = file.strip_prefix(&whole).unwrap();
        flip(&place.path(".argon").join(name), at, 1 << random.below(8));
        let checked = finished(place.start(&["fsck"]));
        let found = content(&place);
        match (checked, found) {
            (Some(0), Some(found)) => {
                assert_eq!(found, expected, "byte {at} of {} was not noticed", name.display());
                tally.harmless += 1;
            }
            (Some(0), None) => tally.noticed_later += 1,
            (Some(code @ 2..), _) => *tally.noticed.entry(code).or_default() += 1,
            (code, _) => panic!("byte {at} of {}: fsck ends with {code:?}", name.display()),
        }
    }
    eprintln!("{engine}: {tally:?}");
}

/// A store with documents of several sizes in many commits, on two branches.
fn written(engine: &str) -> Place {
    let place = Place::with_project(engine);
    let lines: String = (0..2000)
        .map(|id| format!("{{\"_id\":{id},\"text\":\"{}\"}}\n", "lorem ipsum ".repeat(id % 40)))
        .collect();
    place.file("lines.jsonl", lines);
    place.ok(&["import", "lines.jsonl", "--batch", "50"]);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["import", "lines.jsonl", "-b", "try", "-c", "lines", "--on-duplicate", "replace"]);
    place
}

/// The digests of both branches and of their histories; `None` if anything can't be read.
fn content(place: &Place) -> Option<String> {
    let mut content = String::new();
    for branch in ["main", "try"] {
        for command in [&["collections", "--digest"][..], &["log"]] {
            let child = place.start(&[command, &["-b", branch, "-o", "jsonl"]].concat());
            let output = child.wait_with_output().unwrap();
            if !output.status.success() {
                return None;
            }
            content.push_str(&String::from_utf8(output.stdout).unwrap());
        }
    }
    Some(content)
}

/// The exit code, unless it takes too long.
fn finished(mut child: Child) -> Option<i32> {
    for _ in 0..3000 {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code().unwrap_or(-1));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.metadata().unwrap().len() > 0 {
            files.push(path);
        }
    }
    files
}

/// A byte that is not zero, of any file: most of what is zero was never written.
fn pick<'a>(files: &'a [PathBuf], random: &mut Random) -> (&'a Path, usize) {
    loop {
        let file = &files[usize::try_from(random.below(files.len() as u64)).unwrap()];
        let bytes = fs::read(file).unwrap();
        for _ in 0..1000 {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            if bytes[at] != 0 {
                return (file, at);
            }
        }
    }
}

fn flip(file: &Path, at: usize, bits: u8) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= bits;
    fs::write(file, bytes).unwrap();
}
