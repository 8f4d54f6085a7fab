//! What an engine owes when its log is torn or damaged: images of directories as a crash leaves them.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use argon_core::{ErrorKind, Result};
use tempfile::TempDir;

use super::{Numbers, put};
use crate::ordered::engine::Engine;

/// A test for each case, for the engine opened by `$open` whose log is the file `$log`.
macro_rules! damage_tests {
    ($open:expr, $log:expr) => {
        $crate::engines::contract::damage::damage_tests!($open, $log;
            a_write_that_was_in_flight_is_cut_off_whatever_of_it_is_there
            damage_before_whole_writes_is_refused_and_nothing_is_changed
            damage_of_the_last_acknowledged_write_is_missed
            a_log_that_was_cut_short_is_missed
            a_loss_that_is_accepted_leaves_what_was_before_it
            a_mark_is_taken_back_when_the_log_was_written_again
            a_tail_that_the_exact_witness_does_not_know_is_cut_off_and_kept
            a_flipped_byte_of_a_killed_session_is_noticed_or_means_nothing
        );
    };
    ($open:expr, $log:expr; $($case:ident)*) => {
        $(#[test]
        fn $case() {
            $crate::engines::contract::damage::$case(
                &$crate::engines::contract::damage::Subject { open: $open, log: $log },
            );
        })*
    };
}

pub(crate) use damage_tests;

/// An engine and the name of its log.
pub(crate) struct Subject<E> {
    pub(crate) open: fn(&Path) -> Result<E>,
    pub(crate) log: &'static str,
}

/// How many batches the session that is killed has acknowledged.
const BATCHES: u8 = 6;

fn value(batch: u8) -> Vec<u8> {
    vec![b'a' + batch; 700]
}

impl<E: Engine> Subject<E> {
    fn write(engine: &E, batch: u8) {
        engine.apply(vec![put([batch], value(batch)), put([batch, 0], "x")]).unwrap();
    }

    /// A directory with the first batch in it, closed.
    fn begun(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        Self::write(&(self.open)(directory.path()).unwrap(), 0);
        // fjall shortens the journal that it has preallocated when it reads it.
        drop((self.open)(directory.path()).unwrap());
        directory
    }

    /// The directory of a session that was killed after its last batch.
    fn killed(&self) -> TempDir {
        let directory = self.begun();
        let engine = (self.open)(directory.path()).unwrap();
        (1..BATCHES).for_each(|batch| Self::write(&engine, batch));
        let image = tempfile::tempdir().unwrap();
        copy(directory.path(), image.path());
        image
    }

    fn log(&self, directory: &Path) -> PathBuf {
        directory.join(self.log)
    }

    /// Where in the log the value of a batch is.
    fn place(&self, directory: &Path, batch: u8) -> Range<usize> {
        let bytes = fs::read(self.log(directory)).unwrap();
        let value = &value(batch)[..600];
        let start = bytes.windows(value.len()).position(|window| window == value).unwrap();
        start..start + value.len()
    }

    fn flip(&self, directory: &Path, at: usize) {
        let mut bytes = fs::read(self.log(directory)).unwrap();
        bytes[at] ^= 1;
        fs::write(self.log(directory), bytes).unwrap();
    }

    /// Opening finds a loss, each time.
    fn assert_refused(&self, directory: &Path, what: &str) {
        for _ in 0..2 {
            let error = (self.open)(directory).err().unwrap_or_else(|| panic!("{what}: it opened"));
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
            assert!(error.to_string().contains("accept-loss"), "{what}: {error}");
        }
    }

    fn assert_has(engine: &E, batches: Range<u8>, what: &str) {
        for batch in batches {
            assert_eq!(engine.get(&[batch]).unwrap(), Some(value(batch)), "{what}: {batch}");
        }
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn changed(before: &[u8], after: &[u8]) -> Range<usize> {
    let at = |place: usize| before.get(place).copied().unwrap_or(0);
    let differs = |place: &usize| after[*place] != at(*place);
    let first = (0..after.len()).find(differs).unwrap();
    first..(0..after.len()).rev().find(differs).unwrap() + 1
}

pub(crate) fn a_write_that_was_in_flight_is_cut_off_whatever_of_it_is_there<E: Engine>(
    subject: &Subject<E>,
) {
    let directory = subject.begun();
    let engine = (subject.open)(directory.path()).unwrap();
    (1..3).for_each(|batch| Subject::write(&engine, batch));
    let before = tempfile::tempdir().unwrap();
    copy(directory.path(), before.path());
    let log = fs::read(subject.log(before.path())).unwrap();
    Subject::write(&engine, 3);
    let written = fs::read(subject.log(directory.path())).unwrap();
    drop(engine);
    let range = changed(&log, &written);
    let sectors: Vec<usize> = (range.start / 512..range.end.div_ceil(512)).collect();
    assert!(sectors.len() > 1);
    // Every set of sectors of the write in flight, but not none and not all of them.
    for there in 1..(1_u32 << sectors.len()) - 1 {
        let mut torn = log.clone();
        torn.resize(torn.len().max(range.end), 0);
        for (bit, sector) in sectors.iter().enumerate() {
            let bytes = (sector * 512).max(range.start)..((sector + 1) * 512).min(range.end);
            if there >> bit & 1 == 1 {
                torn[bytes.clone()].copy_from_slice(&written[bytes]);
            }
        }
        let image = tempfile::tempdir().unwrap();
        copy(before.path(), image.path());
        fs::write(subject.log(image.path()), torn).unwrap();
        let what = format!("sectors {there:b} of {}", sectors.len());
        let engine = (subject.open)(image.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        Subject::assert_has(&engine, 0..3, &what);
        let (first, second) = (engine.get(&[3]).unwrap(), engine.get(&[3, 0]).unwrap());
        assert_eq!(first.is_some(), second.is_some(), "{what}: all of it or nothing");
        assert!(first.is_none_or(|found| found == value(3)), "{what}");
        assert!(engine.recovered().is_none_or(|done| !done.loss_accepted), "{what}");
        Subject::write(&engine, 4);
        drop(engine);
        let engine = (subject.open)(image.path()).unwrap();
        Subject::assert_has(&engine, 4..5, &what);
        assert_eq!(engine.recovered(), None, "{what}");
    }
}

pub(crate) fn damage_before_whole_writes_is_refused_and_nothing_is_changed<E: Engine>(
    subject: &Subject<E>,
) {
    // The number outside the log is not needed for this.
    let killed = subject.killed();
    fs::remove_file(killed.path().join("acknowledged")).unwrap();
    for batch in 2..BATCHES - 2 {
        let image = tempfile::tempdir().unwrap();
        copy(killed.path(), image.path());
        let place = subject.place(image.path(), batch);
        subject.flip(image.path(), place.start + 300);
        let before = fs::read(subject.log(image.path())).unwrap();
        subject.assert_refused(image.path(), &format!("batch {batch}"));
        assert!(fs::read(subject.log(image.path())).unwrap() == before, "batch {batch}");
    }
}

pub(crate) fn damage_of_the_last_acknowledged_write_is_missed<E: Engine>(subject: &Subject<E>) {
    let killed = subject.killed();
    Subject::assert_has(
        &{
            let image = tempfile::tempdir().unwrap();
            copy(killed.path(), image.path());
            (subject.open)(image.path()).unwrap()
        },
        0..BATCHES,
        "as it was killed",
    );
    let place = subject.place(killed.path(), BATCHES - 1);
    for at in [place.start + 1, place.start + 300, place.end - 1] {
        let image = tempfile::tempdir().unwrap();
        copy(killed.path(), image.path());
        subject.flip(image.path(), at);
        subject.assert_refused(image.path(), &format!("byte {at}"));
    }
}

pub(crate) fn a_log_that_was_cut_short_is_missed<E: Engine>(subject: &Subject<E>) {
    let image = subject.killed();
    let place = subject.place(image.path(), 3);
    let bytes = fs::read(subject.log(image.path())).unwrap();
    fs::write(subject.log(image.path()), &bytes[..place.start]).unwrap();
    subject.assert_refused(image.path(), "cut short");
}

pub(crate) fn a_loss_that_is_accepted_leaves_what_was_before_it<E: Engine>(subject: &Subject<E>) {
    for batch in [3, BATCHES - 1] {
        let image = subject.killed();
        let place = subject.place(image.path(), batch);
        subject.flip(image.path(), place.start + 300);
        subject.assert_refused(image.path(), "before");
        fs::write(image.path().join("accept-loss"), "").unwrap();
        let engine = (subject.open)(image.path()).unwrap();
        let done = engine.recovered().unwrap();
        assert!(done.loss_accepted, "{done:?}");
        Subject::assert_has(&engine, 0..batch, "before the damage");
        assert_eq!(engine.get(&[batch]).unwrap(), None);
        let kept = fs::read_dir(image.path()).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some_and(|extension| extension == "cut")
                && fs::read(path).unwrap().windows(250).any(|part| part == &value(batch)[..250])
        });
        assert!(kept, "a copy of what was cut off");
        Subject::write(&engine, 9);
        drop(engine);
        let engine = (subject.open)(image.path()).unwrap();
        Subject::assert_has(&engine, 9..10, "after");
        assert_eq!(engine.recovered(), None);
    }
}

pub(crate) fn a_mark_is_taken_back_when_the_log_was_written_again<E: Engine>(subject: &Subject<E>) {
    let image = subject.killed();
    let mark = image.path().join("unsynced");
    fs::write(&mark, "").unwrap();
    let before = fs::read(subject.log(image.path())).unwrap();
    let engine = (subject.open)(image.path()).unwrap();
    Subject::assert_has(&engine, 0..BATCHES, "marked");
    assert!(!mark.exists());
    let after = fs::read(subject.log(image.path())).unwrap();
    let end = subject.place(image.path(), BATCHES - 1).end;
    assert!(before[..end] == after[..end]);
}

/// `ARGON_DAMAGE_TRIALS` sets how many bytes are flipped (20).
pub(crate) fn a_flipped_byte_of_a_killed_session_is_noticed_or_means_nothing<E: Engine>(
    subject: &Subject<E>,
) {
    let killed = subject.killed();
    let files = [subject.log(killed.path()), killed.path().join("acknowledged")];
    let mut numbers = Numbers(11);
    let (mut noticed, mut harmless) = (0, 0);
    for _ in 0..trials() {
        let image = tempfile::tempdir().unwrap();
        copy(killed.path(), image.path());
        let file = &files[numbers.below(files.len())];
        let path = image.path().join(file.strip_prefix(killed.path()).unwrap());
        let mut bytes = fs::read(&path).unwrap();
        let at = numbers.below(bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1);
        bytes[at] ^= 1 << numbers.below(8);
        fs::write(&path, bytes).unwrap();
        let what = format!("byte {at} of {}", path.display());
        // An engine may panic at bytes that it can't read.
        let found = std::panic::catch_unwind(|| {
            let engine = (subject.open)(image.path())?;
            (0..BATCHES).map(|batch| engine.get(&[batch])).collect::<Result<Vec<_>>>()
        });
        match found {
            Ok(Ok(found)) => {
                let expected: Vec<_> = (0..BATCHES).map(|batch| Some(value(batch))).collect();
                assert!(found == expected, "{what} was not noticed");
                harmless += 1;
            }
            Ok(Err(_)) | Err(_) => noticed += 1,
        }
    }
    eprintln!("{noticed} noticed, {harmless} harmless");
}

pub(crate) fn trials() -> u64 {
    std::env::var("ARGON_DAMAGE_TRIALS").ok().and_then(|trials| trials.parse().ok()).unwrap_or(20)
}

/// As when two writes came to the disk and a sector of the first did not, from a disk that says it
/// has what it has not.
pub(crate) fn a_tail_that_the_exact_witness_does_not_know_is_cut_off_and_kept<E: Engine>(
    subject: &Subject<E>,
) {
    if !cfg!(target_os = "linux") {
        return;
    }
    let directory = subject.begun();
    let engine = (subject.open)(directory.path()).unwrap();
    (1..3).for_each(|batch| Subject::write(&engine, batch));
    let image = tempfile::tempdir().unwrap();
    copy(directory.path(), image.path());
    (3..5).for_each(|batch| Subject::write(&engine, batch));
    fs::copy(subject.log(directory.path()), subject.log(image.path())).unwrap();
    let place = subject.place(image.path(), 3);
    subject.flip(image.path(), place.start + 300);
    let engine = (subject.open)(image.path()).unwrap();
    Subject::assert_has(&engine, 0..3, "what was acknowledged");
    assert_eq!(engine.get(&[4]).unwrap(), None);
    let report = &engine.recovered().unwrap().report;
    assert!(report.contains("never acknowledged") && report.contains(".cut"), "{report}");
}
