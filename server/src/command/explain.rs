//! How a command reads its collection.

use std::sync::Arc;

use argon_query::find::{Find, FindCommand};
use argon_query::pipeline::{Execution, Pipeline};
use argon_query::plan::{Counters, execution_stats};
use bson::raw::RawDocument;
use bson::{Document, doc};
use futures::{FutureExt, TryStreamExt};
use tokio::time::Instant;

use super::aggregate::Aggregation;
use super::find::Query;
use super::{Call, Command, Effect, Reply, count, distinct, handshake};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::place::Reading;
use crate::rights::{Need, arguments};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "explain",
    aliases: &[],
    about: "Says how a find, aggregate, count, distinct, update, delete or findAndModify reads its \
            collection, and why no index is used.",
    fields: &["verbosity"],
    effect: Effect::Read,
    need: Need::Arguments(|call| arguments::of_explained(call).boxed()),
    is_stable: true,
    run: |call| explain(call).boxed(),
}];

async fn explain(call: &Call<'_>) -> Result<Reply> {
    let command = call.arguments.raw_document("explain")?;
    let command = command.ok_or_else(|| call.arguments.missing("explain"))?;
    let runs = match call.arguments.text("verbosity")? {
        None | Some("queryPlanner") => false,
        Some("executionStats" | "allPlansExecution") => true,
        Some(other) => {
            return Err(CommandError::failed_to_parse(format!(
                "verbosity string must be one of {{'queryPlanner', 'executionStats', \
                 'allPlansExecution'}}, not '{other}'"
            )));
        }
    };
    let name = command.iter().next().transpose()?.map(|(name, _)| name.as_str());
    let name = name.ok_or_else(|| CommandError::failed_to_parse("explain: an empty command"))?;
    let inner = call.of(name, command);
    explained(&inner, runs).await
}

/// Answers an aggregation with the option `explain`.
pub(super) async fn aggregate(call: &Call<'_>) -> Result<Reply> {
    explained(call, false).await
}

async fn explained(call: &Call<'_>, runs: bool) -> Result<Reply> {
    let arguments = call.arguments;
    let query = match call.name {
        "aggregate" => return pipeline(call, runs).await,
        "find" => Query::parse(arguments)?.command,
        "count" => count::query(call)?.command,
        "distinct" => distinct::query(call)?.command,
        "findAndModify" | "findandmodify" => FindCommand {
            filter: arguments.document("query")?,
            sort: arguments.document("sort")?,
            collation: arguments.document("collation")?,
            hint: arguments.bson("hint")?,
            limit: 1,
            ..FindCommand::default()
        },
        "update" => statement(call, "updates", |update| Ok(u64::from(!update.is_set("multi")?)))?,
        "delete" => statement(call, "deletes", |delete| delete.count("limit"))?,
        other => {
            return Err(CommandError::new(
                59,
                format!("Explain failed due to unknown command: {other}"),
            ));
        }
    };
    let collection = call.collection()?;
    let reading = counting(call.read().await?);
    let query = Query { command: query };
    let query = query.with_collation(reading.state.as_ref(), collection.as_str());
    let find = Find::compile(&query)?;
    let names = (call.namespace(&collection), state_of(&reading));
    let names = (names.0.as_str(), names.1.as_str());
    let planner = find.explain(collection.as_str(), &reading.execution, names).await?;
    let mut body = doc! { "explainVersion": "1", "queryPlanner": planner };
    if runs {
        let rows = find.run(collection.as_str(), &reading.execution);
        body.insert("executionStats", statistics(rows, &reading.execution).await?);
    }
    finish(call, body)
}

/// The query of the first statement of a write.
fn statement(
    call: &Call<'_>,
    list: &str,
    limit: impl Fn(Arguments<'_>) -> Result<u64>,
) -> Result<FindCommand> {
    let statements = call.arguments.documents(list, &call.request.sequences)?.unwrap_or_default();
    let [statement] = statements.as_slice() else {
        return Err(CommandError::new(72, "explained write batches must be of size 1"));
    };
    let statement = Arguments::new(list, statement);
    Ok(FindCommand {
        filter: statement.document("q")?,
        collation: statement.document("collation")?,
        hint: statement.bson("hint")?,
        limit: limit(statement)?,
        ..FindCommand::default()
    })
}

async fn pipeline(call: &Call<'_>, runs: bool) -> Result<Reply> {
    let Aggregation { collection, stages, options } = Aggregation::parse(call)?;
    let pipeline = Arc::new(Pipeline::compile(&stages, &options)?);
    let reading = counting(call.read().await?);
    let names = (call.namespace(&collection), state_of(&reading));
    let names = (names.0.as_str(), names.1.as_str());
    let explained = pipeline.explain(&stages, &collection, &reading.execution, names).await?;
    let mut body = doc! { "explainVersion": "1", "queryPlanner": explained.query_planner };
    if runs && pipeline.write().is_none() {
        let rows = pipeline.run(&collection, &reading.execution);
        body.insert("executionStats", statistics(rows, &reading.execution).await?);
    }
    if !explained.stages.is_empty() {
        body.insert("stages", explained.stages);
    }
    finish(call, body)
}

fn counting(reading: Reading) -> Reading {
    let examined = Arc::new(Counters::exact());
    Reading { execution: Execution { examined, ..reading.execution }, ..reading }
}

fn state_of(reading: &Reading) -> String {
    reading.state.as_ref().map_or_else(|| "empty".to_owned(), |state| state.lsn().to_string())
}

async fn statistics(rows: argon_query::pipeline::Rows, execution: &Execution) -> Result<Document> {
    let begun = Instant::now();
    let count = |sum: u64, batch: Vec<_>| async move { Ok(sum + batch.len() as u64) };
    let returned = rows.try_fold(0, count).await?;
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(execution_stats(returned, millis, &execution.examined))
}

fn finish(call: &Call<'_>, mut body: Document) -> Result<Reply> {
    body.insert("command", Document::try_from(call.arguments.raw())?);
    let address = call.connection.local;
    body.insert(
        "serverInfo",
        doc! {
            "host": address.ip().to_string(),
            "port": i32::from(address.port()),
            "version": handshake::build_info().get_str("version").unwrap_or_default(),
        },
    );
    Reply::of(&body)
}

/// A command within another.
impl Call<'_> {
    pub(crate) fn of<'d>(&'d self, name: &'d str, command: &'d RawDocument) -> Call<'d> {
        Call { name, arguments: Arguments::new(name, command), ..self.on(self.database) }
    }
}
