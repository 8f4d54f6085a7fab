//! What a run proved, backend by backend.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::storage::Capabilities;

use crate::Subject;

/// How many trials of an area passed and failed.
#[derive(Clone, Copy, Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

/// The tallies of a run, by backend and area. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Report(Arc<Mutex<BTreeMap<(String, &'static str), Tally>>>);

impl Report {
    /// Counts a trial when the guard is dropped: as failed if that is by a panic.
    pub(crate) fn begin(&self, backend: &str, area: &'static str) -> impl Drop + use<> {
        Running { report: self.clone(), place: (backend.to_owned(), area) }
    }

    /// The run in words: what each backend is, and what of it was tried.
    pub(crate) fn summary(&self, subjects: &[(Subject, Capabilities)]) -> String {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (subject, capabilities) in subjects {
            let of_subject = tallies.iter().filter(|((backend, _), _)| backend == subject.name());
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
        }
        text
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
    place: (String, &'static str),
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut tallies = self.report.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry(self.place.clone()).or_default();
        if std::thread::panicking() { tally.failed += 1 } else { tally.passed += 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon_core::storage::{Registry, StoreUrl};

    #[test]
    fn a_trial_that_panics_is_counted_as_failed() {
        let report = Report::default();
        drop(report.begin("x", "wal"));
        let failing = report.clone();
        let broken = std::thread::spawn(move || {
            let _running = failing.begin("x", "wal");
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
