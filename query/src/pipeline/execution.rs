//! What a pipeline runs with.

use std::sync::Arc;

use argon_core::Error;
use bson::raw::{RawBson, RawDocument};

use super::source::Collections;
use crate::Code;
use crate::expression::{Context, Evaluation, Scope, Variable};
use crate::plan::Counters;

/// What a stage may hold in memory by default, in bytes: MongoDB's 100 MiB.
const STAGE_MEMORY: usize = 100 * 1024 * 1024;

/// How much a stage may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The bytes that a stage holds in memory before it continues in a temporary file.
    pub memory: usize,
    /// Whether stages may write temporary files: `allowDiskUse`.
    pub disk: bool,
}

/// What a pipeline runs with: the collections, and what is the same for all documents. Cheap to
/// clone.
#[derive(Clone)]
pub struct Execution {
    /// The collections that stages read.
    pub collections: Arc<dyn Collections>,
    /// The limits of each stage.
    pub limits: Limits,
    /// Time, randomness, and the variables that were declared outside of the pipeline.
    pub evaluation: Evaluation,
    /// Counts the entries and documents that plans read; those of the context, unless replaced.
    pub examined: Arc<Counters>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: STAGE_MEMORY, disk: true }
    }
}

impl Limits {
    /// Refuses to write a temporary file if that is not allowed.
    pub(crate) fn check_disk(&self, stage: &str) -> Result<(), Error> {
        if self.disk {
            return Ok(());
        }
        let code = Code::QUERY_EXCEEDED_MEMORY_LIMIT;
        Err(code.error(match stage {
            "$sort" => format!(
                "Sort exceeded memory limit of {} bytes, but did not opt in to external sorting. \
                 Aborting operation. Pass allowDiskUse:true to opt in.",
                self.memory
            ),
            stage => format!(
                "Exceeded memory limit for {stage}, but didn't allow external sort. Pass \
                 allowDiskUse:true to opt in."
            ),
        }))
    }
}

impl Execution {
    /// An execution without variables of its own.
    pub fn new(collections: Arc<dyn Collections>, context: Arc<Context>, limits: Limits) -> Self {
        let examined = context.examined().clone();
        Self { collections, limits, evaluation: Evaluation::new(context), examined }
    }

    /// The same with values of more variables.
    #[must_use]
    pub fn with(&self, variables: impl IntoIterator<Item = (Variable, RawBson)>) -> Self {
        Self { evaluation: self.evaluation.with(variables), ..self.clone() }
    }

    /// The scope in which expressions of a document are evaluated.
    pub(crate) fn scope<'a>(&'a self, document: &'a RawDocument) -> Scope<'a> {
        self.evaluation.scope(document)
    }
}
