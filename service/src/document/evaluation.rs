//! What queries are evaluated with.

use std::sync::Arc;

use argon_core::model::BranchName;
use argon_core::{Environment, Error, Project, State};
use argon_query::expression::{Context, Evaluation};
use argon_query::filter::FilterOptions;
use argon_query::find::{Selection, collation_of};
use argon_query::pipeline::{Collections, Execution, Limits, Row, Rows, StateCollections};
use futures::{Stream, TryStreamExt, stream};

use crate::json::QueryDocument;
use crate::{Failure, Result};

/// The error for what is not BSON.
pub(super) fn malformed(error: bson::error::Error) -> Error {
    Error::invalid("a document is not valid BSON").with_source(error)
}

/// The time and the randomness of one operation.
pub(super) fn context(environment: &Environment) -> Arc<Context> {
    Arc::new(Context::of(environment))
}

/// The evaluation of expressions in one operation.
pub(super) fn evaluation(environment: &Environment) -> Evaluation {
    Evaluation::new(context(environment))
}

/// The documents that a filter selects.
///
/// # Errors
/// `Invalid` for a malformed filter or collation, with MongoDB's code.
pub(super) fn selection(
    filter: &QueryDocument,
    collation: &QueryDocument,
    environment: &Environment,
) -> Result<Selection> {
    let collation = collation_of(&collation.0)?;
    let options = FilterOptions { collation, ..FilterOptions::default() };
    Ok(Selection::compile(&filter.0, &options, evaluation(environment))?)
}

/// What a pipeline over a state runs with.
pub(super) fn execution(state: &State) -> Execution {
    over(StateCollections::new(state.clone()), state.environment())
}

/// [`execution`] with access to the other states of a project.
pub(super) fn execution_in(state: &State, project: &Project, branch: &BranchName) -> Execution {
    let collections = StateCollections::new(state.clone());
    over(collections.with_project(project.clone(), branch.clone()), state.environment())
}

fn over(collections: impl Collections + 'static, environment: &Environment) -> Execution {
    Execution::new(Arc::new(collections), context(environment), Limits::default())
}

/// The documents of a query one by one, for front ends.
pub(super) fn one_by_one(batches: Rows) -> impl Stream<Item = Result<Row>> + Send {
    let rows = batches.map_ok(|batch| stream::iter(batch.into_iter().map(Ok)));
    rows.try_flatten().map_err(|error: Error| Failure::from(error))
}
