//! Files and dumps into commits.
//!
//! A thread reads and checks documents and hands them over in batches; each batch becomes one
//! commit while the next is read. Memory is bounded by a few batches, whatever the files' size.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `plan.rs` | which files go into which collections |
//! | `reader.rs` | the thread: documents into batches |
//! | `ids.rs` | `_id`s for documents that have none |
//! | `facts.rs` | options and indexes of a collection |
//! | `load.rs` | batches into commits, one file |
//! | `duplicates.rs` | which document of a refused batch was there already |
//! | `summary.rs` | what came of it |

mod duplicates;
mod facts;
mod ids;
mod load;
mod plan;
mod reader;
mod summary;

use argon_core::model::{Actor, CollectionName, Message};
use argon_core::write::Condition;
use argon_core::{Branch, Environment};
use indicatif::ProgressBar;

pub(crate) use self::load::load;
pub(crate) use self::plan::{Input, Plan, Request};
pub(crate) use self::summary::Summary;
use crate::formats::SourceOptions;

/// What to do about a document whose `_id` is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OnDuplicate {
    /// Stop, and name it
    Error,
    /// Leave the one that is there
    Skip,
    /// Take the new one
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
