//! Files and dumps into commits.
//!
//! A thread reads and checks documents and hands them over in batches; each batch becomes one
//! commit. The batches that are read while commits are under way are then submitted together, so that
//! they share a durable append. Memory is bounded by a few such groups, whatever the files' size.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `request.rs` | what to import, and how |
//! | `plan.rs` | which files go into which collections |
//! | `select.rs` | which collections of a dump are wanted |
//! | `reader.rs` | the thread: documents into batches |
//! | `ids.rs` | `_id`s for documents that have none |
//! | `facts.rs` | options and indexes of a collection |
//! | `definitions.rs` | which of them differ, and which are only written in another way |
//! | `load.rs` | batches into commits, one file |
//! | `replace.rs` | collections in place of those that are there, by one commit of what differs |
//! | `rehearse.rs` | what an import would do |
//! | `compare.rs`, `seen.rs` | which documents differ; which `_id`s a file has had |
//! | `duplicates.rs` | which document of a refused batch was there already |
//! | `summary.rs` | what came of it |

mod compare;
mod definitions;
mod duplicates;
mod facts;
mod ids;
mod load;
mod plan;
mod reader;
mod rehearse;
mod replace;
mod request;
mod seen;
mod select;
mod summary;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use argon_core::model::CollectionName;
use argon_core::{Branch, Environment, Error, ErrorKind};
use argon_formats::BadRecord;
use tokio::sync::mpsc;

use self::plan::Input;
pub use self::plan::Plan;
use self::reader::Found;
pub use self::request::{
    BATCH, ColumnTypes, CsvFormat, ImportFiles, ImportFormat, ImportMode, MAX_BATCH, OnDuplicate,
    Separator,
};
pub use self::select::NamespacePattern;
use self::summary::Summary;
pub use self::summary::{ImportSummary, LostIndex, Replaced};
use crate::{Failure, Hint, Interrupt, Result, Watcher, index};

/// Where documents go.
pub struct Target {
    /// The branch that takes them.
    pub branch: Branch,
    /// Clock and identifiers.
    pub environment: Environment,
    /// Who follows it: the parts are files, the units bytes that were read.
    pub watcher: Arc<dyn Watcher>,
}

/// The outcome of an import.
pub struct ImportOutcome {
    /// What is durable, also after a failure; of a dry run, what would be.
    pub summary: ImportSummary,
    /// Why it ended early, if it did.
    pub result: Result,
}

/// Imports the files of a plan that [`Plan::make`] made of the same request.
pub async fn import(request: &ImportFiles, plan: &Plan, target: &Target) -> ImportOutcome {
    let now = || target.environment.now().timestamp_millis();
    let started = now();
    // Without it, no index is built afterwards.
    let before = target.branch.head().await.ok().map(|head| head.lsn());
    let mut summary = Summary::default();
    let result = match request.mode {
        ImportMode::ReplaceCollection => {
            replace::replace(plan, target, request, &mut summary).await
        }
        ImportMode::Insert if request.dry_run => {
            rehearse::rehearse(plan, target, request, &mut summary).await
        }
        ImportMode::Insert => load::load(plan, target, request, &mut summary).await,
    };
    let millis = u64::try_from(now() - started).unwrap_or_default();
    let seconds = Duration::from_millis(millis).as_secs_f64();
    let bad_files = plan.bad.len() as u64;
    let mut summary = summary.shown(target.branch.name(), bad_files, seconds);
    if let (Some(before), Some(_)) = (before, summary.lsn)
        && !ends_at_once(&result)
    {
        summary.indexes = index::build_brought(&target.branch, Some(before)).await;
    }
    ImportOutcome { summary, result }
}

/// Whether nobody waits for more, or the store does not answer.
fn ends_at_once(result: &Result) -> bool {
    match result {
        Err(Failure::Interrupted) => true,
        Err(Failure::Error { error, .. }) => error.kind() == ErrorKind::Unavailable,
        _ => false,
    }
}

/// A file and the collection it goes into, in words.
fn label(input: &Input, collection: &CollectionName) -> String {
    format!("{} → {collection}", input.source())
}

/// Reports a bad document, and ends the import unless it keeps going.
fn bad(bad: &BadRecord, options: &ImportFiles, target: &Target, summary: &mut Summary) -> Result {
    summary.bad += 1;
    if options.keep_going {
        target.watcher.rejects(bad);
        return Ok(());
    }
    let error = Error::invalid(bad.to_string());
    Err(Failure::from(error).hint(Hint::BadDocument))
}

/// What the reader thread hands over next, unless the caller interrupts the import.
async fn next(found: &mut mpsc::Receiver<Found>, interrupt: &mut Interrupt) -> Result<Found> {
    tokio::select! {
        biased;
        () = &mut *interrupt => Err(Failure::Interrupted),
        next = found.recv() => {
            next.ok_or_else(|| Error::internal("the reader thread crashed").into())
        }
    }
}
