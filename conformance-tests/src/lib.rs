//! What every backend owes, as named trials over the traits of `argon_core::storage`.
//!
//! A [`Subject`] says how to make a backend's stores; [`run`] holds it to the contracts. Which
//! trials a backend must pass is decided by its `Capabilities`, never by its scheme.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `subject`, `case` | a backend under test; a trial |
//! | `schedule` | in which order trials run, and how many at once |
//! | `report` | what a run proved, backend by backend |
//! | `environment`, `make` | a clock and randomness that repeat themselves; documents and commits |
//! | `wal`, `refs`, `snapshots`, `materialize` | the numbered contracts of the traits |
//! | `replay`, `counted` | what reads from log and snapshots cost, by decorators that count |
//! | `automatic` | snapshots that are made by themselves |
//! | `durability` | what is there after opening again |
//! | `plans` | merges, undo, cherry-picks and plans that are kept, with a model of merges |
//! | `patch`, `blame`, `bisect` | operations on history that core owns: the same on every backend |
//! | `copying` | the history of one store in another |
//! | `read_only` | branches that take no commits |
//! | `watch` | branches that are followed |
//! | `checks` | what is said of a result that is not published yet |
//! | `concurrency`, `ancestry`, `masks`, `time`, `fsck` | what the core makes of a backend |
//! | `capped` | capped collections, and the order of insertion |
//! | `indexes` | entries of indexes in every state, and unique values |
//! | `gc` | what garbage collection keeps, and what it may not take |
//! | `semantics` | random programs against a model in memory |
//! | `faulty`, `faults` | decorators that fail on demand, and what must hold under them |
//! | `tidying` | operations that are done, and fail at what they tidy up |
//! | `hooked` | a decorator of refs that lets others do something in between |
//! | `broken`, `self_tests` | backends that break a contract, and the trials that must notice |
//!
//! `ARGON_TEST_CASES` multiplies the number of random cases; `ARGON_TEST_SEED` changes them.
//! `ARGON_TEST_TIMES` names a file for the time that each trial took.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "the whole crate is tests: a panic is how a trial fails"
)]

mod case;
mod environment;
mod make;
mod report;
mod schedule;
mod subject;

mod alerts;
mod ancestry;
mod automatic;
mod bisect;
mod blame;
mod broken;
mod capped;
mod checks;
mod concurrency;
mod copying;
mod counted;
mod durability;
mod faults;
mod faulty;
mod fsck;
mod gc;
mod hooked;
mod indexes;
mod layer;
mod masks;
mod materialize;
mod patch;
mod pins;
mod plans;
mod read_only;
mod reflog;
mod refs;
mod replay;
mod sandboxes;
mod self_tests;
mod semantics;
mod snapshots;
mod tidying;
mod time;
mod verify;
mod wal;
mod watch;

pub use subject::Subject;

use std::process::ExitCode;

use argon_core::storage::Capabilities;
use libtest_mimic::{Arguments, Trial};

use crate::case::Case;
use crate::report::Report;

/// The areas that are about what core makes of a backend's answers. What the answers are is the matter of the
/// others, and of those alone.
pub const CORE_AREAS: &[&str] = &[
    "alerts",
    "ancestry",
    "bisect",
    "blame",
    "capped",
    "checks",
    "masks",
    "patch",
    "pins",
    "plans",
    "reflog",
    "sandboxes",
    "time",
    "verify",
];

/// Runs all trials that the subjects' capabilities ask for, and with `breakable`, a backend in
/// memory, those of the suite itself; takes the arguments of `cargo test`. At the end it says what
/// each backend proved.
pub fn run(subjects: &[Subject], breakable: &Subject) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert_with(schedule::at_once);
    case::silence_expected_failures();
    let report = Report::default().with_times();
    let subjects: Vec<(Subject, Capabilities)> =
        subjects.iter().map(|subject| (subject.clone(), subject.capabilities())).collect();
    let of_subject = |(subject, capabilities): &(Subject, Capabilities)| -> Vec<Trial> {
        let owed = cases().into_iter().filter(|case| case.suits(*capabilities));
        let owed = owed.filter(|case| subject.has(case.area));
        owed.map(|case| case.trial(subject, &report)).collect()
    };
    let mut trials: Vec<Vec<Trial>> = subjects.iter().map(of_subject).collect();
    trials.push(self_tests::trials(breakable, &cases(), &report));
    let conclusion = libtest_mimic::run(&arguments, schedule::interleaved(trials));
    print!("{}", report.summary(&subjects));
    conclusion.exit_code()
}

fn cases() -> Vec<Case> {
    [
        wal::cases(),
        refs::cases(),
        snapshots::cases(),
        materialize::cases(),
        replay::cases(),
        automatic::cases(),
        durability::cases(),
        concurrency::cases(),
        ancestry::cases(),
        indexes::cases(),
        capped::cases(),
        plans::cases(),
        patch::cases(),
        blame::cases(),
        bisect::cases(),
        pins::cases(),
        sandboxes::cases(),
        alerts::cases(),
        reflog::cases(),
        masks::cases(),
        time::cases(),
        verify::cases(),
        copying::cases(),
        read_only::cases(),
        watch::cases(),
        fsck::cases(),
        checks::cases(),
        gc::cases(),
        semantics::cases(),
        faults::cases(),
        tidying::cases(),
    ]
    .concat()
}
