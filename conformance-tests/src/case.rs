//! A trial: a name and a function that panics when a contract is broken.

use std::future::Future;

use argon_core::storage::Capabilities;
use libtest_mimic::Trial;

use crate::Subject;

/// One trial, not yet bound to a backend.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) area: &'static str,
    pub(crate) name: &'static str,
    pub(crate) run: fn(Subject),
    /// Whether it needs a store that outlives its handles.
    pub(crate) durable: bool,
}

impl Case {
    /// Whether a backend with these capabilities owes it.
    pub(crate) fn suits(self, capabilities: Capabilities) -> bool {
        capabilities.durable || !self.durable
    }

    pub(crate) fn trial(self, subject: &Subject) -> Trial {
        let name = format!("{}::{}::{}", subject.name(), self.area, self.name);
        let subject = subject.clone();
        Trial::test(name, move || {
            (self.run)(subject);
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
            run: |subject| $crate::case::block_on($name(subject)),
            durable: false,
        }),+]
    };
}
pub(crate) use cases;

/// The function's own name, without the modules before it.
pub(crate) fn last_segment(path: &'static str) -> &'static str {
    path.rsplit("::").next().map_or(path, str::trim)
}

/// Runs a trial on a runtime of its own, so that nothing of it outlives it.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime needs two threads")
        .block_on(future)
}
