use std::sync::Arc;

use argon_core::{Error, Revision, State};
use argon_formats::extjson::{Mode, parse_value};
use argon_query::find::Find;
use argon_query::pipeline::{Execution, Rows};
use argon_query::plan::{Counters, execution_stats};
use bson::{Bson, Document};
use futures::TryStreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evaluation::{execution, execution_in};
use super::find::command;
use super::{AggregateDocuments, FindDocuments};
use crate::json::ExtJson;
use crate::{Result, Workspace};

/// Explain how a query reads a collection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ExplainQuery {
    /// The query.
    #[serde(flatten)]
    pub query: FindDocuments,
    /// Whether the query is run, to count what it reads.
    #[serde(default)]
    pub execute: bool,
}

/// Explain how a pipeline reads its collection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ExplainPipeline {
    /// The pipeline.
    #[serde(flatten)]
    pub pipeline: AggregateDocuments,
    /// Whether the pipeline is run, to count what it reads.
    #[serde(default)]
    pub execute: bool,
}

/// How a query reads a collection, as MongoDB's `explain` says it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedQuery {
    /// The plan, the indexes that it was chosen from, and why none is used.
    #[serde(rename = "queryPlanner")]
    pub query_planner: ExtJson,
    /// The numbers of entries and documents that were read; null if the query was not run.
    #[serde(rename = "executionStats")]
    pub execution_stats: Option<ExtJson>,
    /// The stages of a pipeline after those that the plan includes; null for a query.
    pub stages: Option<Vec<ExtJson>>,
}

impl ExplainedQuery {
    /// The parts as one document.
    ///
    /// # Errors
    /// `Internal` if a part can't be read back.
    pub fn to_document(&self) -> argon_core::Result<Document> {
        let parts = [
            ("queryPlanner", Some(&self.query_planner)),
            ("executionStats", self.execution_stats.as_ref()),
        ];
        let mut document = Document::new();
        for (name, part) in parts {
            let Some(part) = part else { continue };
            document.insert(name, read_back(part)?);
        }
        if let Some(stages) = &self.stages {
            let stages = stages.iter().map(read_back);
            document.insert("stages", stages.collect::<argon_core::Result<Vec<Bson>>>()?);
        }
        Ok(document)
    }
}

/// Explains a query. `database` and `revision` name the project and the state in the result.
///
/// # Errors
/// `NotFound` if the collection is not there; `Invalid` for a malformed query or hint, with MongoDB's
/// code.
pub async fn explain(
    state: &State,
    request: ExplainQuery,
    (database, revision): (&str, &str),
) -> Result<ExplainedQuery> {
    let ExplainQuery { query, execute } = request;
    let collection = query.collection.clone();
    state.collection(&collection)?;
    let find = Find::compile(&command(query))?;
    let execution = Execution { examined: Arc::new(Counters::exact()), ..execution(state) };
    let namespace = format!("{database}.{collection}");
    let planned = find.explain(collection.as_str(), &execution, (&namespace, revision)).await?;
    let rows = execute.then(|| find.run(collection.as_str(), &execution));
    let execution_stats = statistics(state, rows, &execution).await?;
    Ok(ExplainedQuery { query_planner: value(planned), execution_stats, stages: None })
}

/// Explains a pipeline over the state that a revision names.
///
/// # Errors
/// `NotFound` if the collection is not there; `Invalid` for a malformed pipeline or hint, with MongoDB's
/// code, for a first stage that reads no collection, and to run a pipeline that writes.
pub async fn explain_pipeline(
    workspace: &Workspace,
    revision: Option<&Revision>,
    request: ExplainPipeline,
) -> Result<ExplainedQuery> {
    let ExplainPipeline { pipeline: request, execute } = request;
    let compiled = request.compile()?;
    if execute && compiled.write().is_some() {
        let problem =
            "a pipeline with $out or $merge is not run to explain it: leave out that stage";
        return Err(Error::invalid(problem).into());
    }
    let (state, branch) = workspace.named_state(revision).await?;
    let collection = request.collection.as_str();
    state.collection(&request.collection)?;
    let execution = execution_in(&state, &workspace.project, &branch);
    let execution = Execution { examined: Arc::new(Counters::exact()), ..execution };
    let names =
        (format!("{}.{collection}", workspace.project.name()), format!("{branch}@{}", state.lsn()));
    let names = (names.0.as_str(), names.1.as_str());
    let explained = compiled.explain(&request.stages(), collection, &execution, names).await?;
    let rows = execute.then(|| compiled.run(collection, &execution));
    let execution_stats = statistics(&state, rows, &execution).await?;
    Ok(ExplainedQuery {
        query_planner: value(explained.query_planner),
        execution_stats,
        stages: Some(explained.stages.into_iter().map(value).collect()),
    })
}

/// Runs a query, and counts what it read.
async fn statistics(
    state: &State,
    rows: Option<Rows>,
    execution: &Execution,
) -> Result<Option<ExtJson>> {
    let Some(rows) = rows else { return Ok(None) };
    let environment = state.environment();
    let begun = environment.elapsed();
    let count = |sum: u64, batch: Vec<_>| async move { Ok(sum + batch.len() as u64) };
    let returned = rows.try_fold(0, count).await?;
    let took = environment.elapsed().saturating_sub(begun).as_millis();
    let millis = u64::try_from(took).unwrap_or(u64::MAX);
    Ok(Some(value(execution_stats(returned, millis, &execution.examined))))
}

fn read_back(part: &ExtJson) -> argon_core::Result<Bson> {
    parse_value(part.as_str())
        .map_err(|source| Error::internal("failed to read the explained query").with_source(source))
}

fn value(document: Document) -> ExtJson {
    ExtJson::bson(&Bson::Document(document), Mode::Relaxed)
}
