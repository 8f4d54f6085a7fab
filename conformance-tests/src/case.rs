//! A trial: a name and a function that panics when a contract is broken.

use std::future::Future;

use argon_core::storage::Capabilities;
use libtest_mimic::Trial;

use crate::Subject;
use crate::report::Report;

/// One trial, not yet bound to a backend.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) area: &'static str,
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Subject),
    /// Whether it needs a store that outlives its handles.
    pub(crate) durable: bool,
}

impl Case {
    /// Whether a backend with these capabilities owes it.
    pub(crate) fn suits(self, capabilities: Capabilities) -> bool {
        capabilities.durable || !self.durable
    }

    /// Whether the trial fails, as it should with a broken backend. Its panics are not shown (see
    /// [`silence_expected_failures`]).
    pub(crate) fn fails(self, subject: Subject) -> bool {
        let run = move || (self.run)(&subject);
        let thread = std::thread::Builder::new().name(EXPECTED.to_owned()).spawn(run);
        thread.expect("the system has another thread").join().is_err()
    }

    pub(crate) fn trial(self, subject: &Subject, report: &Report) -> Trial {
        let name = format!("{}::{}::{}", subject.name(), self.area, self.name);
        let (subject, report) = (subject.clone(), report.clone());
        Trial::test(name, move || {
            let _running = report.begin(subject.name(), self.area, self.name);
            (self.run)(&subject);
            Ok(())
        })
    }
}

/// Makes [`Case`]s of async functions that take a [`Subject`]; the function's name is the trial's.
macro_rules! cases {
    ($area:literal: $($name:path),+ $(,)?) => {
        vec![$($crate::case::Case {
            area: $area,
            name: $crate::case::last_segment(stringify!($name)),
            run: |subject| $crate::case::block_on($name(subject.clone())),
            durable: false,
        }),+]
    };
}
pub(crate) use cases;

/// The function's own name, without the modules before it.
pub(crate) fn last_segment(path: &'static str) -> &'static str {
    path.rsplit("::").next().map_or(path, str::trim)
}

/// The name of threads whose panics are expected.
const EXPECTED: &str = "expected to fail";

/// Keeps panics on threads that are expected to fail from being printed.
pub(crate) fn silence_expected_failures() {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(EXPECTED) {
            shown(panic);
        }
    }));
}

/// Runs a trial on a runtime of its own, so that nothing of it outlives it. The runtime's threads
/// are called as the one that calls.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let name = std::thread::current().name().unwrap_or("trial").to_owned();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
        .expect("a runtime needs two threads")
        .block_on(future)
}
