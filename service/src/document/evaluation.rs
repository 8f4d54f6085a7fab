//! What queries are evaluated with.

use std::sync::Arc;

use argon_core::model::BranchName;
use argon_core::{Environment, Project, State};
use argon_query::expression::{Context, Evaluation};
use argon_query::filter::FilterOptions;
use argon_query::find::{Selection, collation_of};
use argon_query::pipeline::{Execution, Limits, StateCollections};

use crate::Result;
use crate::json::QueryDocument;

/// The time and the randomness of one operation.
pub(super) fn context(environment: &Environment) -> Arc<Context> {
    Arc::new(Context::new(environment.now(), u64::from_le_bytes(environment.random())))
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
    let collections = StateCollections::new(state.clone());
    Execution::new(Arc::new(collections), context(state.environment()), Limits::default())
}

/// [`execution`] with access to the other states of a project.
pub(super) fn execution_in(state: &State, project: &Project, branch: &BranchName) -> Execution {
    let collections =
        StateCollections::new(state.clone()).with_project(project.clone(), branch.clone());
    Execution::new(Arc::new(collections), context(state.environment()), Limits::default())
}
