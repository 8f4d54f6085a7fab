//! Files and dumps into commits.
//!
//! A thread reads and checks documents and hands them over in batches; each batch becomes one
//! commit while the next is read. Memory is bounded by a few batches, whatever the files' size.
//!
//! | file | what is in it |
//! | --- | --- |
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
mod seen;
mod select;
mod summary;

#[cfg(test)]
mod tests;

use argon_core::model::{Actor, CollectionName, Message};
use argon_core::write::Condition;
use argon_core::{Branch, Environment, Error};
use argon_formats::{BadRecord, SourceOptions};
use indicatif::ProgressBar;
use tokio::sync::mpsc;

pub(crate) use self::load::load;
use self::load::{CtrlC, GO_ON};
pub(crate) use self::plan::{Input, Plan, Request};
use self::reader::Found;
pub(crate) use self::rehearse::rehearse;
pub(crate) use self::replace::replace;
pub(crate) use self::select::{NamespacePattern, Selection};
pub(crate) use self::summary::Summary;
use crate::exit::{CommandResult, Failure};
use crate::output;

/// What to do about a document whose `_id` is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OnDuplicate {
    /// Stop, and name it
    Error,
    /// Leave the one that is there
    Skip,
    /// Take the new one, unless they are equal
    Replace,
}

impl OnDuplicate {
    fn condition(self) -> Condition {
        match self {
            Self::Error => Condition::Absent,
            Self::Skip => Condition::SkipUnlessAbsent,
            Self::Replace => Condition::Any,
        }
    }
}

/// How to import.
pub(crate) struct Options {
    pub(crate) on_duplicate: OnDuplicate,
    /// Drop a collection before its first document is written.
    pub(crate) drop: bool,
    /// Write nothing.
    pub(crate) dry_run: bool,
    /// Go on after bad documents.
    pub(crate) keep_going: bool,
    /// The most documents in a commit.
    pub(crate) batch: usize,
    pub(crate) source: SourceOptions,
    pub(crate) actor: Option<Actor>,
    pub(crate) message: Option<Message>,
}

/// Where documents go.
pub(crate) struct Target {
    pub(crate) branch: Branch,
    pub(crate) environment: Environment,
    pub(crate) progress: ProgressBar,
}

/// A file and the collection it goes into, in words.
fn label(input: &Input, collection: &CollectionName) -> String {
    format!("{} → {collection}", input.source())
}

/// Tells of a bad document, and ends the import unless it keeps going.
fn bad(
    bad: &BadRecord,
    options: &Options,
    target: &Target,
    summary: &mut Summary,
) -> CommandResult {
    summary.bad += 1;
    if options.keep_going {
        target.progress.suspend(|| output::to_stderr(&format!("bad: {bad}")));
        return Ok(());
    }
    let error = Error::invalid(bad.to_string());
    Err(Failure::from(error).hint(format!("--keep-going passes over bad documents; {GO_ON}")))
}

/// What the thread that reads hands over next, unless the user has enough.
async fn next(found: &mut mpsc::Receiver<Found>, interrupt: &mut CtrlC) -> CommandResult<Found> {
    tokio::select! {
        biased;
        _ = &mut *interrupt => Err(Failure::Interrupted),
        next = found.recv() => {
            next.ok_or_else(|| Error::internal("the thread that reads broke off").into())
        }
    }
}
