//! What a run proved, backend by backend.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon_core::storage::Capabilities;

use crate::Subject;

/// How many trials of an area passed and failed.
#[derive(Clone, Copy, Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

/// How many of a backend's trials are named as the slowest, and how long these took at least.
const SLOWEST: usize = 5;
const SLOW: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Run {
    /// By backend and area.
    tallies: BTreeMap<(String, &'static str), Tally>,
    /// Time taken, backend, trial.
    slow: Vec<(Duration, String, String)>,
    /// Where the time of every trial goes, if that is asked for.
    times: Option<File>,
}

/// What came of the trials of a run. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Report(Arc<Mutex<Run>>);

impl Report {
    /// Writes to the file that `ARGON_TEST_TIMES` names how many seconds each trial took.
    pub(crate) fn with_times(self) -> Self {
        if let Some(path) = std::env::var_os("ARGON_TEST_TIMES") {
            let file = File::create(&path).expect("ARGON_TEST_TIMES names a file that can be made");
            self.run().times = Some(file);
        }
        self
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a trial when the guard is dropped: as failed if that is by a panic.
    #[expect(clippy::disallowed_methods, reason = "how long a trial took decides nothing")]
    pub(crate) fn begin(
        &self,
        backend: &str,
        area: &'static str,
        trial: &str,
    ) -> impl Drop + use<> {
        Running {
            report: self.clone(),
            backend: backend.to_owned(),
            area,
            trial: format!("{area}::{trial}"),
            began: Instant::now(),
        }
    }

    /// The run in words: what each backend is, and what of it was tried.
    pub(crate) fn summary(&self, subjects: &[(Subject, Capabilities)]) -> String {
        let run = self.run();
        let mut text = String::new();
        for (subject, capabilities) in subjects {
            let of_subject =
                run.tallies.iter().filter(|((backend, _), _)| backend == subject.name());
            let (mut all, mut areas) = (Tally::default(), Vec::new());
            for ((_, area), tally) in of_subject {
                all.passed += tally.passed;
                all.failed += tally.failed;
                areas.push(format!("{area} {}", tally.passed));
            }
            if all.passed + all.failed == 0 {
                continue;
            }
            let _ = writeln!(
                text,
                "{}: {} passed, {} failed ({}); {}; proves {}",
                subject.name(),
                all.passed,
                all.failed,
                areas.join(", "),
                in_words(*capabilities),
                subject.proves(),
            );
            let slow = run.slowest(subject.name());
            if !slow.is_empty() {
                let _ = writeln!(text, "    slowest: {}", slow.join(", "));
            }
        }
        text
    }
}

impl Run {
    fn slowest(&self, backend: &str) -> Vec<String> {
        let mut slow: Vec<_> = self.slow.iter().filter(|(_, of, _)| of == backend).collect();
        slow.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
        let in_words = |(time, _, trial): &&(Duration, String, String)| {
            format!("{trial} {} s", time.as_secs())
        };
        slow.iter().take(SLOWEST).map(in_words).collect()
    }
}

fn in_words(capabilities: Capabilities) -> &'static str {
    match (capabilities.durable, capabilities.shared) {
        (true, true) => "durable, shared by processes",
        (true, false) => "durable, one process at a time",
        (false, _) => "not durable, so what is there after opening again was not tried",
    }
}

struct Running {
    report: Report,
    backend: String,
    area: &'static str,
    trial: String,
    began: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut run = self.report.run();
        let tally = run.tallies.entry((self.backend.clone(), self.area)).or_default();
        let count = if std::thread::panicking() { &mut tally.failed } else { &mut tally.passed };
        *count += 1;
        let time = self.began.elapsed();
        if let Some(times) = &mut run.times {
            let _ = writeln!(times, "{:.3}\t{}::{}", time.as_secs_f64(), self.backend, self.trial);
        }
        if time >= SLOW {
            run.slow.push((time, self.backend.clone(), self.trial.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon_core::storage::{Registry, StoreUrl};

    #[test]
    fn a_trial_that_panics_is_counted_as_failed() {
        let report = Report::default();
        drop(report.begin("x", "wal", "trial"));
        let failing = report.clone();
        let broken = std::thread::spawn(move || {
            let _running = failing.begin("x", "wal", "trial");
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(broken.join().is_err());
        let subject =
            Subject::new("x", "nothing", Registry::new(), || (StoreUrl::new("x", ""), ()));
        let capabilities = Capabilities { durable: true, shared: false };
        let summary = report.summary(&[(subject, capabilities)]);
        assert!(summary.starts_with("x: 1 passed, 1 failed (wal 1)"), "{summary}");
    }
}
