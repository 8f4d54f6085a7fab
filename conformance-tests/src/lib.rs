//! What every backend owes, as named trials over the traits of `argon_core::storage`.
//!
//! A [`Subject`] says how to make a backend's stores; [`run`] holds it to the contracts. Which
//! trials a backend must pass is decided by its `Capabilities`, never by its scheme.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `subject`, `case` | a backend under test; a trial |
//! | `environment`, `make` | a clock and randomness that repeat themselves; documents and commits |
//! | `wal`, `refs`, `snapshots`, `materialize` | the numbered contracts of the traits |
//! | `durability` | what is there after opening again |
//! | `concurrency`, `ancestry`, `time`, `fsck` | what the core makes of a backend |
//! | `semantics` | random programs against a model in memory |
//! | `faulty`, `faults` | decorators that fail on demand, and what must hold under them |
//! | `broken`, `self_tests` | backends that break a contract, and the trials that must notice |
//!
//! `ARGON_TEST_CASES` multiplies the number of random cases; `ARGON_TEST_SEED` changes them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "the whole crate is tests: a panic is how a trial fails"
)]

mod case;
mod environment;
mod make;
mod subject;

mod ancestry;
mod broken;
mod concurrency;
mod durability;
mod faults;
mod faulty;
mod fsck;
mod materialize;
mod refs;
mod self_tests;
mod semantics;
mod snapshots;
mod time;
mod wal;

pub use subject::Subject;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::case::Case;

/// Runs all trials that the subjects' capabilities ask for, and with `breakable`, a backend in
/// memory, those of the suite itself; takes the arguments of `cargo test`.
pub fn run(subjects: &[Subject], breakable: &Subject) -> ExitCode {
    let arguments = Arguments::from_args();
    case::silence_expected_failures();
    let mut trials: Vec<Trial> = subjects.iter().flat_map(trials_of).collect();
    trials.extend(self_tests::trials(breakable, &cases()));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials_of(subject: &Subject) -> Vec<Trial> {
    let capabilities = subject.capabilities();
    cases()
        .into_iter()
        .filter(|case| case.suits(capabilities))
        .map(|case| case.trial(subject))
        .collect()
}

fn cases() -> Vec<Case> {
    [
        wal::cases(),
        refs::cases(),
        snapshots::cases(),
        materialize::cases(),
        durability::cases(),
        concurrency::cases(),
        ancestry::cases(),
        time::cases(),
        fsck::cases(),
        semantics::cases(),
        faults::cases(),
    ]
    .concat()
}
