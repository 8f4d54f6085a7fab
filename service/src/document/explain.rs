use std::sync::Arc;

use argon_core::{Error, State};
use argon_query::find::Find;
use argon_query::pipeline::Execution;
use argon_query::plan::{Counters, execution_stats};
use futures::TryStreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FindDocuments;
use super::evaluation::execution;
use super::find::command;
use crate::Result;
use crate::json::ExtJson;
use argon_formats::extjson::{Mode, parse_value};
use bson::{Bson, Document};

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

/// How a query reads a collection, as MongoDB's `explain` says it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedQuery {
    /// The plan, the indexes that it was chosen from, and why none is used.
    #[serde(rename = "queryPlanner")]
    pub query_planner: ExtJson,
    /// The numbers of entries and documents that were read; null if the query was not run.
    #[serde(rename = "executionStats")]
    pub execution_stats: Option<ExtJson>,
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
            let value = parse_value(part.as_str()).map_err(|source| {
                Error::internal("failed to read the explained query").with_source(source)
            })?;
            document.insert(name, value);
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
    let mut execution_stats_of_run = None;
    if execute {
        let environment = state.environment();
        let begun = environment.elapsed();
        let rows = find.run(collection.as_str(), &execution);
        let count = |sum: u64, batch: Vec<_>| async move { Ok(sum + batch.len() as u64) };
        let returned = rows.try_fold(0, count).await?;
        let took = environment.elapsed().saturating_sub(begun).as_millis();
        let millis = u64::try_from(took).unwrap_or(u64::MAX);
        execution_stats_of_run =
            Some(value(execution_stats(returned, millis, &execution.examined)));
    }
    Ok(ExplainedQuery { query_planner: value(planned), execution_stats: execution_stats_of_run })
}

fn value(document: bson::Document) -> ExtJson {
    ExtJson::bson(&Bson::Document(document), Mode::Relaxed)
}
