//! Files and dumps into commits.
//!
//! A thread reads and checks documents and hands them over in batches; each batch becomes one
//! commit. The batches that are read while commits are under way are then submitted together, so that
//! they share a durable append. Memory is bounded by a few such groups, whatever the files' size.
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

use std::sync::Arc;

use argon_core::model::{Actor, CollectionName, Message};
use argon_core::write::Precondition;
use argon_core::{Branch, Environment, Error};
use argon_formats::{BadRecord, SourceOptions};
use tokio::sync::mpsc;

pub use self::load::load;
pub use self::plan::{Input, Plan, Request};
use self::reader::Found;
pub use self::rehearse::rehearse;
pub use self::replace::replace;
pub use self::select::{NamespacePattern, Selection};
pub use self::summary::Summary;
use crate::{Failure, Hint, Interrupt, Result, Watcher};

/// What to do about a document whose `_id` is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDuplicate {
    /// Stop, and name it.
    Error,
    /// Leave the one that is there.
    Skip,
    /// Take the new one, unless they are equal.
    Replace,
}

impl OnDuplicate {
    fn condition(self) -> Precondition {
        match self {
            Self::Error => Precondition::Absent,
            Self::Skip => Precondition::SkipUnlessAbsent,
            Self::Replace => Precondition::Any,
        }
    }
}

/// How to import.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to do about a document whose `_id` is there already.
    pub on_duplicate: OnDuplicate,
    /// Drop a collection before its first document is written.
    pub drop: bool,
    /// Write nothing.
    pub dry_run: bool,
    /// Go on after bad documents.
    pub keep_going: bool,
    /// The most documents in a commit.
    pub batch: usize,
    /// How files are read.
    pub source: SourceOptions,
    /// Who signs the commits; without one, the actor of the branch.
    pub actor: Option<Actor>,
    /// Why they are made; without one, what was imported.
    pub message: Option<Message>,
}

/// Where documents go.
pub struct Target {
    /// The branch that takes them.
    pub branch: Branch,
    /// Clock and identifiers.
    pub environment: Environment,
    /// Who follows it: the parts are files, the units bytes that were read.
    pub watcher: Arc<dyn Watcher>,
}

/// A file and the collection it goes into, in words.
fn label(input: &Input, collection: &CollectionName) -> String {
    format!("{} → {collection}", input.source())
}

/// Tells of a bad document, and ends the import unless it keeps going.
fn bad(bad: &BadRecord, options: &Options, target: &Target, summary: &mut Summary) -> Result {
    summary.bad += 1;
    if options.keep_going {
        target.watcher.rejects(bad);
        return Ok(());
    }
    let error = Error::invalid(bad.to_string());
    Err(Failure::from(error).hint(Hint::BadDocument))
}

/// What the thread that reads hands over next, unless the user has enough.
async fn next(found: &mut mpsc::Receiver<Found>, interrupt: &mut Interrupt) -> Result<Found> {
    tokio::select! {
        biased;
        () = &mut *interrupt => Err(Failure::Interrupted),
        next = found.recv() => {
            next.ok_or_else(|| Error::internal("the thread that reads broke off").into())
        }
    }
}
