//! What a stage is, and how one is defined.

use std::fmt;
use std::sync::Arc;

use argon_core::{Error, Result};
use async_trait::async_trait;
use bson::{Bson, Document};

use super::Pipeline;
use super::execution::Execution;
use super::row_steps::RowStep;
use super::rows::Rows;
use super::write::Write;
use crate::Code;
use crate::collation::Collation;
use crate::expression::{Compiler, Variable};
use crate::sort::SortPattern;

/// A stage that runs on the rows of the one before.
pub(crate) trait Stage: fmt::Debug + Send + Sync {
    /// Returns the rows that the stage makes of its input.
    fn run(self: Arc<Self>, input: Rows, execution: &Execution) -> Rows;

    /// The steps, if the stage works on one row at a time.
    fn as_row_steps(&self) -> Option<&[RowStep]> {
        None
    }

    /// The order that the stage makes, and the number of first rows that are wanted, if it sorts and
    /// does nothing else.
    fn as_sort(&self) -> Option<(&SortPattern, Option<u64>)> {
        None
    }

    /// The same stage, if only the first rows of its output are wanted; `None` if it can't use
    /// that.
    fn limited(&self, _rows: u64) -> Option<Arc<dyn Stage>> {
        None
    }
}

/// A stage that makes rows by itself: the first of a pipeline.
#[async_trait]
pub(crate) trait SourceStage: fmt::Debug + Send + Sync {
    /// Returns the rows; `collection` is the one that the pipeline is for.
    async fn rows(&self, collection: &str, execution: &Execution) -> Result<Rows>;
}

/// A part of a pipeline that a stage compiles to.
#[derive(Debug)]
pub(crate) enum Part {
    /// The first part.
    Source(Arc<dyn SourceStage>),
    /// Works on one row at a time.
    Row(RowStep),
    /// Any other.
    Stage(Arc<dyn Stage>),
    /// The last part.
    Write(Box<Write>),
}

impl Part {
    pub(crate) fn stage(stage: impl Stage + 'static) -> Vec<Self> {
        vec![Self::Stage(Arc::new(stage))]
    }

    pub(crate) fn source(source: impl SourceStage + 'static) -> Vec<Self> {
        vec![Self::Source(Arc::new(source))]
    }

    pub(crate) fn transform(transform: impl super::row_steps::Transform + 'static) -> Vec<Self> {
        vec![Self::Row(RowStep::Transform(Arc::new(transform)))]
    }
}

/// Where a stage may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// Anywhere.
    Any,
    /// Only as the first one, and not in `$facet`.
    First,
    /// Anywhere but in `$facet`.
    NotInFacet,
    /// Only as the last one of the outermost pipeline.
    Last,
}

/// How a stage is defined.
pub(crate) enum Definition {
    /// A stage that runs.
    Supported {
        /// The name with its `$`.
        name: &'static str,
        /// Where it may stand.
        position: Position,
        /// Compiles the argument.
        compile: fn(&Bson, &StageCompiler<'_>) -> Result<Vec<Part>>,
    },
    /// A stage of MongoDB that is refused.
    Refused {
        /// The name with its `$`.
        name: &'static str,
        /// The reason, which follows the name: `needs a text index`.
        reason: &'static str,
    },
}

impl Definition {
    pub(crate) const fn new(
        name: &'static str,
        position: Position,
        compile: fn(&Bson, &StageCompiler<'_>) -> Result<Vec<Part>>,
    ) -> Self {
        Self::Supported { name, position, compile }
    }

    pub(crate) const fn refused(name: &'static str, reason: &'static str) -> Self {
        Self::Refused { name, reason }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Supported { name, .. } | Self::Refused { name, .. } => name,
        }
    }
}

/// The pipeline that a stage is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// That of a command.
    Command,
    /// One of `$facet`.
    Facet,
    /// That of `$lookup`.
    Lookup,
    /// That of `$unionWith`.
    UnionWith,
    /// That of `whenMatched` of `$merge`, and of an update.
    Update,
}

/// What stages compile with.
pub(crate) struct StageCompiler<'c> {
    /// Compiles expressions, with the variables of the pipelines around.
    pub(crate) expressions: Compiler<'c>,
    /// The order of texts; `None` for byte by byte.
    pub(crate) collation: Option<Arc<Collation>>,
    pub(crate) within: Within,
    /// The number of pipelines around.
    pub(crate) depth: usize,
}

impl<'c> StageCompiler<'c> {
    /// The compiler of a pipeline in a stage, which knows more variables.
    pub(crate) fn inner<'d>(
        &'d self,
        within: Within,
        variables: &[(&'d str, Variable)],
    ) -> StageCompiler<'d>
    where
        'c: 'd,
    {
        StageCompiler {
            expressions: self.expressions.with(variables),
            collation: self.collation.clone(),
            within,
            depth: self.depth + 1,
        }
    }

    /// Compiles the pipeline of a stage.
    pub(crate) fn pipeline(&self, stages: &Bson, code: Code, what: &str) -> Result<Pipeline> {
        let Bson::Array(stages) = stages else {
            return Err(code.error(format!(
                "{what} must be an array of pipeline stages, but found: {}",
                Compiler::type_name(stages)
            )));
        };
        let stages = stages.iter().map(|stage| match stage {
            Bson::Document(stage) => Ok(stage),
            other => Err(Code::TYPE_MISMATCH.error(format!(
                "Each element of the 'pipeline' array must be an object, found: {}",
                Compiler::type_name(other)
            ))),
        });
        Pipeline::compile_within(&stages.collect::<Result<Vec<_>>>()?, self)
    }
}

/// The argument of a stage as a document.
pub(crate) fn object(argument: &Bson, error: impl FnOnce() -> Error) -> Result<&Document> {
    argument.as_document().ok_or_else(error)
}
