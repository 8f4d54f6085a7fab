//! Queries.

use argon_core::State;
use argon_query::find::{Find, FindCommand};
use argon_query::pipeline::{Limits, Options, Pipeline, Rows};
use argon_query::plan::Hint;
use bson::{Bson, Document, doc};
use futures::FutureExt;
use std::sync::Arc;

use super::cursor::open;
use super::{Call, Command, Effect, Reply, tailable};
use crate::arguments::Arguments;
use crate::computing::computing;
use crate::failure::{CommandError, Result};
use crate::place::Reading;
use crate::rights::{Need, Right};
use crate::views;

pub(super) const FIELDS: &[&str] = &[
    "allowDiskUse",
    "awaitData",
    "batchSize",
    "collation",
    "filter",
    "hint",
    "includeQueryStatsMetrics",
    "let",
    "limit",
    "max",
    "min",
    "noCursorTimeout",
    "oplogReplay",
    "projection",
    "readOnce",
    "returnKey",
    "showRecordId",
    "singleBatch",
    "skip",
    "sort",
    "tailable",
];

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "find",
    aliases: &[],
    about: "Finds documents.",
    fields: FIELDS,
    effect: Effect::Read,
    need: Need::Database(Right::Read),
    is_stable: true,
    run: |call| find(call).boxed(),
}];

/// A query.
pub(super) struct Query {
    pub(super) command: FindCommand,
}

impl Query {
    /// Reads a query from the arguments of `find`.
    pub(super) fn parse(arguments: Arguments<'_>) -> Result<Self> {
        for (name, why) in [
            ("returnKey", "use a projection of the fields of the index"),
            ("showRecordId", "documents have no identity besides their _id"),
        ] {
            if arguments.is_set(name)? {
                return Err(CommandError::new(115, format!("find does not support {name}: {why}")));
            }
        }
        let limit = arguments.integer("limit")?.unwrap_or(0);
        let skip = arguments.integer("skip")?.unwrap_or(0);
        let skip = u64::try_from(skip).map_err(|_| {
            CommandError::new(
                51024,
                format!("BSON field 'skip' value must be >= 0, actual value '{skip}'"),
            )
        })?;
        if limit < 0 {
            return Err(CommandError::new(
                51024,
                format!("BSON field 'limit' value must be >= 0, actual value '{limit}'"),
            ));
        }
        let command = FindCommand {
            filter: within(arguments.document("filter")?, arguments)?,
            projection: arguments.document("projection")?,
            sort: arguments.document("sort")?,
            skip,
            limit: limit.unsigned_abs(),
            collation: arguments.document("collation")?,
            hint: arguments.bson("hint")?,
            variables: arguments.document("let")?,
        };
        Ok(Self { command })
    }

    /// The query as the stages of a pipeline.
    pub(super) fn stages(&self) -> Vec<Document> {
        let FindCommand { filter, projection, sort, skip, limit, .. } = &self.command;
        let mut stages = vec![doc! { "$match": filter.clone() }];
        if !sort.is_empty() {
            stages.push(doc! { "$sort": sort.clone() });
        }
        if *skip > 0 {
            stages.push(doc! { "$skip": skip.cast_signed() });
        }
        if *limit > 0 {
            stages.push(doc! { "$limit": limit.cast_signed() });
        }
        if !projection.is_empty() {
            stages.push(doc! { "$project": projection.clone() });
        }
        stages
    }

    /// The query with the order of texts of its collection, if it says none.
    pub(super) fn with_collation(&self, state: Option<&State>, collection: &str) -> FindCommand {
        let mut command = self.command.clone();
        if command.collation.is_empty() {
            command.collation = views::default_collation(state, collection);
        }
        command
    }

    /// Whether even a query by `_id` reads more than one document: it is of a view, or by a collation.
    fn scans(collection: &str, reading: &Reading) -> Result<bool> {
        let state = reading.state.as_ref();
        Ok(!views::default_collation(state, collection).is_empty()
            || views::resolve(state, collection)?.is_some())
    }

    /// Runs the query on a collection or a view.
    pub(super) fn run(&self, collection: &str, reading: &Reading) -> Result<Rows> {
        let view = views::resolve(reading.state.as_ref(), collection)?;
        let Some(view) = view else {
            let command = self.with_collation(reading.state.as_ref(), collection);
            return Ok(Find::compile(&command)?.run(collection, &reading.execution));
        };
        let mut stages = self.stages();
        stages.splice(0..0, view.stages);
        let options = Options {
            variables: self.command.variables.clone(),
            collation: argon_query::find::collation_of(&view.collation)?,
            hint: self.command.hint.as_ref().map(Hint::compile).transpose()?.flatten(),
        };
        let pipeline = Arc::new(Pipeline::compile(&stages, &options)?);
        Ok(pipeline.run(&view.base, &reading.execution_of_view(collection)?))
    }
}

/// The filter, and the bounds of an index: `min` and `max`.
fn within(filter: Document, arguments: Arguments<'_>) -> Result<Document> {
    let (min, max) = (arguments.document("min")?, arguments.document("max")?);
    let mut conditions = Vec::new();
    for (bound, is_min) in [(min, true), (max, false)] {
        if bound.is_empty() {
            continue;
        }
        let Some(hint) = arguments.bson("hint")? else {
            return Err(CommandError::new(
                51173,
                "When using min()/max() a hint of which index to use must be provided",
            ));
        };
        if !matches!(hint, Bson::Document(_)) {
            return Err(CommandError::new(
                115,
                "min and max need the key of an index as the hint, such as {a: 1}",
            ));
        }
        let is_descending = |name: &str| match &hint {
            Bson::Document(key) => key.get_i32(name).is_ok_and(|direction| direction < 0),
            _ => false,
        };
        // In the order of the fields: beyond the bound at the first field that is not equal to it.
        let last = bound.len() - 1;
        let mut beyond = Vec::new();
        let mut equal = Vec::new();
        for (position, (name, value)) in bound.iter().enumerate() {
            let path = Bson::from(format!("${name}"));
            let pair = vec![path, doc! { "$literal": value.clone() }.into()];
            let operator = match (is_min != is_descending(name), is_min && position == last) {
                (true, true) => "$gte",
                (true, false) => "$gt",
                (false, true) => "$lte",
                (false, false) => "$lt",
            };
            let mut all: Vec<Bson> = equal.clone();
            all.push(doc! { operator: pair.clone() }.into());
            beyond.push(doc! { "$and": all });
            equal.push(doc! { "$eq": pair }.into());
        }
        conditions.push(doc! { "$expr": { "$or": beyond } });
    }
    if conditions.is_empty() {
        return Ok(filter);
    }
    conditions.push(filter);
    Ok(doc! { "$and": conditions })
}

async fn find(call: &Call<'_>) -> Result<Reply> {
    let arguments = call.arguments;
    let name = call.arguments.text("find")?.unwrap_or_default();
    let namespace = call.namespace(name);
    if let Some(rows) = super::database::internal(call, name) {
        return open(call, rows, &namespace).await;
    }
    let name = call.collection()?;
    let query = Query::parse(arguments)?;
    let mut reading = call.read().await?;
    if arguments.is_set("tailable")? {
        return tailable::open(call, &name, &query, &reading).await;
    }
    if arguments.is_set("awaitData")? {
        return Err(CommandError::failed_to_parse(
            "Cannot set 'awaitData' without also setting 'tailable'",
        ));
    }
    if arguments.flag("allowDiskUse")? == Some(false) {
        reading.execution.limits = Limits { disk: false, ..reading.execution.limits };
    }
    let is_scan = Query::scans(name.as_str(), &reading)?;
    let opened = async { open(call, query.run(name.as_str(), &reading)?, &namespace).await };
    if is_scan { computing(opened).await } else { opened.await }
}
