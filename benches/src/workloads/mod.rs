//! What is measured of engines in this process, a module each.

pub mod ancestry;
pub mod branch;
pub mod bytes;
pub mod commit;
pub mod diff;
pub mod gc;
pub mod import;
pub mod index;
pub mod large;
pub mod legacy;
pub mod merge;
pub mod point_read;
pub mod query;
pub mod reopen;
pub mod sandbox;
pub mod scan;
pub mod serve;
pub mod writers;

use futures::future::BoxFuture;

use crate::Result;
use crate::report::Row;
use crate::subject::Subject;

/// A workload over subjects of one kind.
#[derive(Debug)]
pub struct Workload<S> {
    /// Its name on the command line.
    pub name: &'static str,
    pub(crate) run: for<'a> fn(&'a S) -> BoxFuture<'a, Result<Vec<Row>>>,
}

impl Workload<Subject> {
    /// All of them, in the order in which they are run.
    pub const ALL: &[Self] = &[
        Self { name: "commit", run: |subject| Box::pin(commit::run(subject)) },
        Self { name: "writers", run: |subject| Box::pin(writers::run(subject)) },
        Self { name: "import", run: |subject| Box::pin(import::run(subject)) },
        Self { name: "branch", run: |subject| Box::pin(branch::run(subject)) },
        Self { name: "sandbox", run: |subject| Box::pin(sandbox::run(subject)) },
        Self { name: "point-read", run: |subject| Box::pin(point_read::run(subject)) },
        Self { name: "scan", run: |subject| Box::pin(scan::run(subject)) },
        Self { name: "query", run: |subject| Box::pin(query::run(subject)) },
        Self { name: "index", run: |subject| Box::pin(index::run(subject)) },
        Self { name: "serve", run: |subject| Box::pin(serve::run(subject)) },
        Self { name: "diff", run: |subject| Box::pin(diff::run(subject)) },
        Self { name: "merge", run: |subject| Box::pin(merge::run(subject)) },
        Self { name: "ancestry", run: |subject| Box::pin(ancestry::run(subject)) },
        Self { name: "bytes", run: |subject| Box::pin(bytes::run(subject)) },
        Self { name: "gc", run: |subject| Box::pin(gc::run(subject)) },
        Self { name: "reopen", run: |subject| Box::pin(reopen::run(subject)) },
        Self { name: "legacy", run: |subject| Box::pin(legacy::run(subject)) },
    ];
}

impl<S> Workload<S> {
    /// Runs it.
    pub async fn run(&self, subject: &S) -> Result<Vec<Row>> {
        (self.run)(subject).await
    }
}
