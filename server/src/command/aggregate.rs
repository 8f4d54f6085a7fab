//! Pipelines.

use std::sync::Arc;

use argon_core::State;
use argon_query::find::collation_of;
use argon_query::pipeline::{
    CollectionsOf, Limits, MemoryCollections, Options, Pipeline, Row, Rows,
};
use argon_query::plan::Hint;
use bson::raw::RawBsonRef;
use bson::{Bson, Document};
use futures::{FutureExt, StreamExt, stream};

use super::cursor::open;
use super::{Call, Command, Effect, Reply};
use crate::change_stream::is_change_stream;
use crate::failure::{CommandError, Result};
use crate::place::Reading;
use crate::rights::{Need, arguments};
use crate::views;

pub(super) const FIELDS: &[&str] = &[
    "allowDiskUse",
    "bypassDocumentValidation",
    "bypassEmptyTsReplacement",
    "collation",
    "cursor",
    "explain",
    "fromMongos",
    "hint",
    "let",
    "needsMerge",
    "pipeline",
];

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "aggregate",
    aliases: &[],
    about: "Runs a pipeline; $out and $merge at its end write one commit.",
    fields: FIELDS,
    effect: Effect::Read,
    need: Need::Arguments(|call| async { arguments::of_aggregate(call) }.boxed()),
    is_stable: true,
    run: |call| aggregate(call).boxed(),
}];

/// A pipeline of a command.
pub(super) struct Aggregation {
    /// The collection; empty for the pipeline of a database.
    pub(super) collection: String,
    pub(super) stages: Vec<Document>,
    pub(super) options: Options,
}

impl Aggregation {
    /// Reads the arguments.
    pub(super) fn parse(call: &Call<'_>) -> Result<Self> {
        let arguments = call.arguments;
        let collection = match arguments.value("aggregate")? {
            Some(RawBsonRef::String(name)) => call.collection_named(name)?.to_string(),
            Some(RawBsonRef::Int32(1) | RawBsonRef::Int64(1)) => String::new(),
            Some(RawBsonRef::Double(number)) if (number - 1.0).abs() < f64::EPSILON => {
                String::new()
            }
            _ => {
                return Err(CommandError::failed_to_parse(
                    "Invalid command format: the 'aggregate' field must specify a collection name or 1",
                ));
            }
        };
        let stages = match arguments.array("pipeline")? {
            Some(_) => arguments.document_list("pipeline")?,
            None => return Err(arguments.missing("pipeline")),
        };
        let options = Options {
            variables: arguments.document("let")?,
            collation: collation_of(&arguments.document("collation")?)?,
            hint: arguments.bson("hint")?.as_ref().map(Hint::compile).transpose()?.flatten(),
        };
        Ok(Self { collection, stages: own_database(stages, call), options })
    }
}

async fn aggregate(call: &Call<'_>) -> Result<Reply> {
    let arguments = call.arguments;
    if arguments.is_set("explain")? {
        return super::explain::aggregate(call).await;
    }
    if arguments.value("cursor")?.is_none() {
        return Err(CommandError::failed_to_parse(
            "The 'cursor' option is required, except for aggregate with the explain argument",
        ));
    }
    let Aggregation { collection, mut stages, options } = Aggregation::parse(call)?;
    check_stages(call, &stages)?;
    if is_change_stream(&stages) {
        return super::watch::open(call, &collection, &stages, &options).await;
    }
    let namespace = if collection.is_empty() {
        call.namespace("$cmd.aggregate")
    } else {
        call.namespace(&collection)
    };
    if collection.is_empty()
        && let Some(rows) = of_server(call, &stages)
    {
        return open(call, with_stages(call, &rows, &stages[1..])?, &namespace).await;
    }
    let mut reading = call.read().await?;
    if arguments.flag("allowDiskUse")? == Some(false) {
        reading.execution.limits = Limits { disk: false, ..reading.execution.limits };
    }
    let mut base = collection;
    let mut options = options;
    if let Some(view) = views::resolve(reading.state.as_ref(), &base)? {
        stages.splice(0..0, view.stages);
        reading.execution.collections = reading.execution_of_view(&base)?.collections;
        base = view.base;
        options.collation = collation_of(&view.collation)?;
    } else if arguments.document("collation")?.is_empty() {
        let collation = views::default_collation(reading.state.as_ref(), &base);
        options.collation = collation_of(&collation)?;
    }
    let pipeline = Arc::new(Pipeline::compile(&stages, &options)?);
    if pipeline.write().is_none() {
        return open(call, pipeline.run(&base, &reading.execution), &namespace).await;
    }
    if call.in_transaction {
        return Err(CommandError::new(263, "$out and $merge cannot be used in a transaction"));
    }
    let branch = call.writable().await?;
    call.signed(&branch)?;
    let signed = || call.signed(&branch).unwrap_or_else(|_| branch.request());
    let views_read_others = call.views_read_others()?;
    let collections = |state: &State| {
        let (project, name) = (branch.project().clone(), branch.name().clone());
        let reading = Reading::new(state.clone(), project, name, call.context());
        reading.with_views(views_read_others).execution.collections
    };
    let run_with = (call.context(), &collections as &CollectionsOf<'_>);
    let written = pipeline.write_in(run_with, &branch, &base, &signed).await;
    written.map_err(|error| CommandError::from(error).in_namespace(&namespace))?;
    call.shared.clock.tick(call.environment());
    open(call, stream::empty().boxed(), &namespace).await
}

/// The stages that are not in version 1 of the Stable API.
const UNSTABLE: [&str; 7] = [
    "$currentOp",
    "$indexStats",
    "$listLocalSessions",
    "$listSessions",
    "$planCacheStats",
    "$search",
    "$searchMeta",
];

/// Refuses stages that the Stable API does not have, and those of Atlas Search; a write that waits for
/// a majority of reads.
fn check_stages(call: &Call<'_>, stages: &[Document]) -> Result<()> {
    let arguments = call.arguments;
    let mut names = stages.iter().filter_map(|stage| stage.keys().next()).map(String::as_str);
    if arguments.is_set("apiStrict")?
        && let Some(name) = names.clone().find(|name| UNSTABLE.contains(name))
    {
        return Err(CommandError::new(
            323,
            format!("stage {name} is not allowed with 'apiStrict: true' in API Version 1"),
        ));
    }
    if names.any(|name| name == "$listSearchIndexes") {
        return Err(super::index::no_search());
    }
    if let Some(concern) = arguments.raw_document("readConcern")?
        && concern.get_str("level").is_ok_and(|level| level == "linearizable")
        && let Some(last) = stages.last()
        && let Some(name @ ("$out" | "$merge")) = last.keys().next().map(String::as_str)
    {
        return Err(CommandError::new(
            72,
            format!("{name} cannot be used with a 'linearizable' read concern level"),
        ));
    }
    Ok(())
}

/// `$out` and `$merge` may name the database of the command, which is the project of the branch.
fn own_database(mut stages: Vec<Document>, call: &Call<'_>) -> Vec<Document> {
    let Some(last) = stages.last_mut() else { return stages };
    let target = match last.iter_mut().next() {
        Some((name, Bson::Document(out))) if name == "$out" => Some(out),
        Some((name, Bson::Document(merge))) if name == "$merge" => match merge.get_mut("into") {
            Some(Bson::Document(into)) => Some(into),
            _ => None,
        },
        _ => None,
    };
    if let Some(target) = target
        && target.get_str("db").is_ok_and(|database| database == call.database)
    {
        target.remove("db");
        if target.len() == 1
            && let Some(collection) = target.remove("coll")
        {
            if last.contains_key("$out") {
                last.insert("$out", collection);
            } else if let Some(Bson::Document(merge)) = last.get_mut("$merge") {
                merge.insert("into", collection);
            }
        }
    }
    stages
}

/// The documents of a first stage that is about the server.
fn of_server(call: &Call<'_>, stages: &[Document]) -> Option<Vec<Document>> {
    let first = stages.first()?.keys().next()?;
    match first.as_str() {
        "$currentOp" => Some(super::operation::listed(call, !asks_for_all(&stages[0]))),
        // The sessions of others are not for every user.
        "$listLocalSessions" | "$listSessions" if call.held.is_enforced => Some(Vec::new()),
        "$listLocalSessions" | "$listSessions" => {
            Some(call.shared.sessions.listed(call.environment().now()))
        }
        _ => None,
    }
}

/// Whether `$currentOp` asks for the operations of all users.
fn asks_for_all(stage: &Document) -> bool {
    stage
        .get_document("$currentOp")
        .and_then(|options| options.get_bool("allUsers"))
        .unwrap_or(false)
}

/// The name of the collection that the documents of the first stage are.
const FIRST: &str = "first";

/// Runs the other stages on the documents of the first.
pub(super) fn with_stages(
    call: &Call<'_>,
    documents: &[Document],
    stages: &[Document],
) -> Result<Rows> {
    let rows = documents.iter().map(row).collect::<Result<Vec<_>>>()?;
    let mut collections = MemoryCollections::default();
    collections.insert(FIRST, rows);
    let mut execution = Reading::empty(call.context()).execution;
    execution.collections = Arc::new(collections);
    let pipeline = Arc::new(Pipeline::compile(stages, &Options::default())?);
    Ok(pipeline.run(FIRST, &execution))
}

/// A row of a document.
pub(super) fn row(document: &Document) -> Result<Row> {
    Ok(Row::Computed(document.try_into()?))
}
