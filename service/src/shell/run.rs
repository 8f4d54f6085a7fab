//! Runs an operation.

use argon_core::{Error, ErrorKind, Revision, State};
use argon_formats::extjson::{Mode, parse_value};
use argon_query::pipeline::Row;
use bson::{Bson, Document};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::{ShellOperation, write};
use crate::document::{self, ExplainQuery, FindDocuments};
use crate::json::ExtJson;
use crate::{Failure, Result, Workspace};

/// The answer to an operation.
pub enum ShellAnswer {
    /// Documents, of which a front end shows some at a time.
    Documents(BoxStream<'static, Result<Row>>),
    /// A value, as MongoDB's shell returns it.
    Value {
        /// The value.
        value: Bson,
        /// The commit that was made.
        lsn: Option<u64>,
        /// What else a person should know, as a sentence.
        note: Option<String>,
    },
}

impl ShellAnswer {
    pub(super) fn value(value: impl Into<Bson>) -> Self {
        Self::committed(value, None)
    }

    pub(super) fn committed(value: impl Into<Bson>, lsn: Option<u64>) -> Self {
        Self::Value { value: value.into(), lsn, note: None }
    }
}

/// Runs an operation in a workspace; a read, in the state that a revision names. A collection that does not
/// exist is empty, as in MongoDB.
///
/// # Errors
/// Those of the operation.
pub async fn run(
    workspace: &Workspace,
    revision: Option<&Revision>,
    operation: ShellOperation,
) -> Result<ShellAnswer> {
    if operation.writes() {
        return write::run(workspace, operation).await;
    }
    match operation {
        ShellOperation::Name(None) => Ok(ShellAnswer::value(workspace.project.name().as_str())),
        ShellOperation::Name(Some(name)) => {
            Ok(ShellAnswer::value(format!("{}.{name}", workspace.project.name())))
        }
        ShellOperation::Aggregate(request) => {
            let documents = document::aggregate(workspace, revision, &request).await?;
            Ok(ShellAnswer::Documents(documents.boxed()))
        }
        ShellOperation::Explain(request) => explain(workspace, revision, request).await,
        ShellOperation::ExplainPipeline(request) => {
            let explained = document::explain_pipeline(workspace, revision, request).await?;
            Ok(ShellAnswer::value(explained.to_document()?))
        }
        operation => read(&workspace.state(revision).await?, operation).await,
    }
}

async fn explain(
    workspace: &Workspace,
    revision: Option<&Revision>,
    request: ExplainQuery,
) -> Result<ShellAnswer> {
    let (state, branch) = workspace.named_state(revision).await?;
    let project = workspace.project.name().as_str();
    let shown = format!("{branch}@{}", state.lsn());
    let explained = document::explain(&state, request, (project, &shown)).await?;
    Ok(ShellAnswer::value(explained.to_document()?))
}

async fn read(state: &State, operation: ShellOperation) -> Result<ShellAnswer> {
    match operation {
        ShellOperation::Find(request) => Ok(ShellAnswer::Documents(find(state, request)?)),
        ShellOperation::FindOne(request) => {
            let found = find(state, request)?.try_next().await?;
            let found = found.map(|row| Document::try_from(row.as_raw()).map_err(malformed));
            let found = found.transpose()?;
            Ok(ShellAnswer::value(found.map_or(Bson::Null, Bson::Document)))
        }
        ShellOperation::CountFound(request) => {
            let found = find(state, request)?;
            let count = found.try_fold(0_u64, |count, _| async move { Ok(count + 1) }).await?;
            Ok(ShellAnswer::value(number(count)))
        }
        ShellOperation::Count(request) => {
            let counted = or_empty(document::count_one(state, request).await)?;
            Ok(ShellAnswer::value(number(counted.map_or(0, |counted| counted.documents))))
        }
        ShellOperation::Distinct(request) => {
            let values = document::distinct(state, request, Mode::Canonical).await;
            let values = or_empty(values)?.unwrap_or_default();
            let values = values.iter().map(|value| bson_of(&value.value));
            Ok(ShellAnswer::value(Bson::Array(values.collect())))
        }
        ShellOperation::Indexes(name) => {
            let view = state.collection(&name)?;
            let indexes = view.info().listed_indexes();
            let indexes = indexes.iter().cloned().map(Bson::Document);
            Ok(ShellAnswer::value(Bson::Array(indexes.collect())))
        }
        _ => {
            let names = state.collections().map(|info| Bson::from(info.name.as_str()));
            Ok(ShellAnswer::value(Bson::Array(names.collect())))
        }
    }
}

fn find(state: &State, request: FindDocuments) -> Result<BoxStream<'static, Result<Row>>> {
    let found = or_empty(document::find(state, request))?;
    Ok(found.map_or_else(|| stream::empty().boxed(), StreamExt::boxed))
}

/// What is not there is empty.
pub(super) fn or_empty<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Error { error, .. }) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// A value that an operation has written as Extended JSON.
pub(super) fn bson_of(value: &ExtJson) -> Bson {
    parse_value(value.as_str()).unwrap_or(Bson::Null)
}

pub(super) fn number(count: u64) -> Bson {
    i32::try_from(count).map_or_else(|_| Bson::Int64(count.cast_signed()), Bson::Int32)
}

pub(super) fn malformed(error: bson::error::Error) -> Failure {
    Error::corrupt("a stored document is not valid BSON").with_source(error).into()
}
