//! The aggregation pipeline.
//!
//! A [`Pipeline`] compiles once and runs over [`Collections`]. Documents flow in batches, so that the
//! work per document is synchronous. Adjacent stages that work on one document at a time are fused;
//! a leading `$match` runs where the documents are; `$sort` before `$limit` keeps only the first.
//! A stage that needs all documents holds up to [`Limits::memory`], and then continues in temporary
//! files. These are written and read by the thread that polls.
//!
//! | file | content |
//! | --- | --- |
//! | `compile.rs` | compiles pipelines: the order of stages, fusion |
//! | `source.rs`, `state.rs` | the traits of what is read, in memory and over a [`State`](argon_core::State) |
//! | `rows.rs` | [`Row`]: a document in a pipeline; [`Rows`]: batches of them |
//! | `execution.rs` | [`Execution`]: what a pipeline runs with |
//! | `explain.rs` | how a pipeline reads its collection, for people |
//! | `stage.rs` | what a stage is, and how one is defined |
//! | `row_steps.rs` | fused stages |
//! | `values.rs` | values at the paths of documents |
//! | `external_sort.rs` | sorts in memory and in files |
//! | `history.rs` | the rows of `$history` and `$diff` |
//! | `write.rs` | what `$out` and `$merge` write |
//! | `write_to.rs`, `row_writer.rs` | commits that to a branch |
//! | `stages/` | the stages, a file each |

mod compile;
mod execution;
mod explain;
mod external_sort;
mod history;
mod row_steps;
mod row_writer;
mod rows;
mod source;
mod stage;
mod stages;
mod state;
mod values;
mod write;
mod write_to;

use std::sync::Arc;

use argon_core::Result;
use bson::Document;
use bson::raw::RawDocument;
use futures::StreamExt;

pub use execution::{Execution, Limits};
pub use explain::ExplainedPipeline;
pub use rows::{Row, Rows};
pub use source::{
    Collection, Collections, HistoryRequest, MemoryCollection, MemoryCollections, ReadRequest,
    ReadRows, Statistics,
};
pub use stages::{refused_stages, stage_names};
pub use state::StateCollections;
pub(crate) use values::element_at;
pub use write::{Merge, MergeOutcome, WhenMatched, WhenNotMatched, Write, WriteMode};
pub use write_to::{CollectionsOf, WrittenRows};

use crate::collation::Collation;
use crate::expression::Declared;
use crate::find::{Matcher, Selection};
use crate::plan::{Direction, Hint};
use stage::{SourceStage, Stage, StageCompiler, Within};

/// What a pipeline compiles with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The variables of the command: `let`.
    pub variables: Document,
    /// The order of texts in `$match` and `$sort`; other stages compare byte by byte. `None` for
    /// byte by byte everywhere.
    pub collation: Option<Arc<Collation>>,
    /// How the collection must be read.
    pub hint: Option<Hint>,
}

/// A compiled pipeline.
///
/// ```
/// use std::sync::Arc;
///
/// use argon_query::expression::Context;
/// use argon_query::pipeline::{Execution, Limits, MemoryCollections, Options, Pipeline, Row};
/// use bson::{DateTime, doc, rawdoc};
/// use futures::TryStreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let mut collections = MemoryCollections::default();
/// let sales = [rawdoc! { "_id": 1, "price": 2 }, rawdoc! { "_id": 2, "price": 5 }];
/// collections.insert("sales", sales.map(Row::from).into());
///
/// let stages = [doc! { "$group": { "_id": null, "total": { "$sum": "$price" } } }];
/// let pipeline = Arc::new(Pipeline::compile(&stages, &Options::default())?);
/// let context = Arc::new(Context::new(DateTime::from_millis(0), 1));
/// let execution = Execution::new(Arc::new(collections), context, Limits::default());
/// let batches: Vec<Vec<Row>> = pipeline.run("sales", &execution).try_collect().await?;
/// assert_eq!(batches[0][0].as_raw().get_i32("total").unwrap(), 7);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pipeline {
    /// Makes the first rows; `None` reads the collection.
    source: Option<Arc<dyn SourceStage>>,
    /// The query of a leading `$match`.
    filter: Option<Arc<Matcher>>,
    stages: Vec<Arc<dyn Stage>>,
    write: Option<Box<Write>>,
    variables: Declared,
    hint: Option<Hint>,
}

impl Pipeline {
    /// Compiles the pipeline of a command.
    ///
    /// # Errors
    /// MongoDB's error for what is malformed, with its code; 40324 for an unknown stage.
    pub fn compile(stages: &[Document], options: &Options) -> Result<Self> {
        let stages: Vec<_> = stages.iter().collect();
        let variables = Declared::compile(&options.variables)?;
        let compiler = StageCompiler {
            expressions: variables.compiler(),
            collation: options.collation.clone(),
            within: Within::Command,
            depth: 0,
        };
        let (compiled, hint) = (Self::compile_within(&stages, &compiler)?, options.hint.clone());
        Ok(Self { variables, hint, ..compiled })
    }

    /// The writes of [`write_to`](Self::write_to), if the pipeline ends in `$out` or `$merge`.
    pub fn write(&self) -> Option<&Write> {
        self.write.as_deref()
    }

    /// Runs the pipeline on a collection.
    ///
    /// The stream ends at the first error, which has a code as far as MongoDB has one for it.
    pub fn run(self: &Arc<Self>, collection: &str, execution: &Execution) -> Rows {
        let (pipeline, collection) = (self.clone(), collection.to_owned());
        let execution = match self.bind(execution) {
            Ok(execution) => execution,
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        rows::deferred(async move {
            let rows = match &pipeline.source {
                Some(source) => source.rows(&collection, &execution).await?,
                None => {
                    let collection = execution.collections.open(&collection, None).await?;
                    return Ok(pipeline.run_over(&*collection, &execution));
                }
            };
            Ok(pipeline.run_on(rows, &execution))
        })
    }

    /// Runs a pipeline of an update on a single document.
    fn run_on_document(
        &self,
        document: &RawDocument,
        execution: &Execution,
    ) -> Result<Option<Row>> {
        let mut row = Row::Computed(document.to_owned());
        let steps = self.stages.iter().filter_map(|stage| stage.as_row_steps()).flatten();
        for step in steps {
            if let row_steps::RowStep::Transform(transform) = step {
                match transform.apply(row, execution)? {
                    Some(next) => row = next,
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(row))
    }

    /// Runs the pipeline on an open collection: its source, if it has one, is not used.
    fn run_over(&self, collection: &dyn Collection, execution: &Execution) -> Rows {
        let request = self.request(execution);
        let (is_wanted_sorted, limit) = (request.sort.is_some(), request.limit);
        let ReadRows { rows, is_sorted, is_reversed } = match collection.read(request) {
            Ok(read) => read,
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        let rows = match self.hint {
            Some(Hint::Natural(Direction::Descending)) if !is_wanted_sorted && !is_reversed => {
                Arc::new(stages::Sort::by_id_descending(limit)).run(rows, execution)
            }
            _ => rows,
        };
        let done = usize::from(is_wanted_sorted && is_sorted);
        run_stages(&self.stages[done..], rows, execution)
    }

    /// What the pipeline reads of its collection: what a leading `$match` selects, in the order of
    /// the `$sort` after it, and as many as a `$limit` after that wants.
    fn request(&self, execution: &Execution) -> ReadRequest<'_> {
        let filter = self.filter.as_ref();
        let filter =
            filter.map(|matcher| Selection::new(matcher.clone(), execution.evaluation.clone()));
        let first = self.stages.first();
        let (sort, limit) = match first.and_then(|stage| stage.as_sort()) {
            Some((sort, limit)) => (Some(sort), limit),
            None => {
                let steps = first.and_then(|stage| stage.as_row_steps());
                (None, steps.and_then(row_steps::rows_needed))
            }
        };
        let (hint, examined) = (self.hint.as_ref(), execution.examined.clone());
        ReadRequest { filter, sort, limit, hint, examined }
    }

    /// Runs the pipeline of a stage: on its source, or else on the collection that the stage names.
    async fn run_from(&self, from: &stages::From, execution: &Execution) -> Result<Rows> {
        match &self.source {
            Some(source) => {
                let rows = source.rows(&from.collection, execution).await?;
                Ok(self.run_on(rows, execution))
            }
            None => Ok(self.run_over(&*from.open(execution).await?, execution)),
        }
    }

    /// Whether the pipeline makes its first rows by itself.
    fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Runs the pipeline on rows.
    fn run_on(&self, rows: Rows, execution: &Execution) -> Rows {
        let Some(matcher) = self.filter.clone() else {
            return run_stages(&self.stages, rows, execution);
        };
        let filter = Selection::new(matcher, execution.evaluation.clone());
        let matching = source::filtered(rows, move |document| filter.matches(document));
        run_stages(&self.stages, matching, execution)
    }

    fn bind(&self, execution: &Execution) -> Result<Execution> {
        let evaluation = self.variables.bind(&execution.evaluation)?;
        Ok(Execution { evaluation, ..execution.clone() })
    }
}

fn run_stages(stages: &[Arc<dyn Stage>], rows: Rows, execution: &Execution) -> Rows {
    let rows = rows::interruptible(rows, execution.evaluation.context());
    stages.iter().fold(rows, |rows, stage| stage.clone().run(rows, execution))
}
