//! Queries.

use argon_query::find::{Find, FindCommand};
use argon_query::pipeline::{Limits, Options, Pipeline, Rows};
use argon_query::plan::Hint;
use bson::{Document, doc};
use futures::FutureExt;
use std::sync::Arc;

use super::cursor::open;
use super::{Call, Command, Effect, Reply, view};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::place::Reading;
use crate::rights::{Need, Right};

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
        for (name, what) in [
            ("max", "the bounds of an index: use $lte in the filter"),
            ("min", "the bounds of an index: use $gte in the filter"),
            ("returnKey", "returnKey"),
            ("showRecordId", "showRecordId"),
        ] {
            let is_asked = match arguments.value(name)? {
                None => false,
                Some(bson::raw::RawBsonRef::Document(document)) => !document.is_empty(),
                Some(_) => arguments.is_set(name)?,
            };
            if is_asked {
                return Err(CommandError::new(115, format!("find does not support {what}")));
            }
        }
        let limit = arguments.integer("limit")?.unwrap_or(0);
        let skip = arguments.integer("skip")?.unwrap_or(0);
        let skip = u64::try_from(skip).map_err(|_| {
            CommandError::new(51024, format!("BSON field 'skip' value must be >= 0, actual value '{skip}'"))
        })?;
        if limit < 0 {
            return Err(CommandError::new(
                51024,
                format!("BSON field 'limit' value must be >= 0, actual value '{limit}'"),
            ));
        }
        let command = FindCommand {
            filter: arguments.document("filter")?,
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

    /// Runs the query on a collection or a view.
    pub(super) fn run(&self, collection: &str, reading: &Reading) -> Result<Rows> {
        let view = view::resolve(reading.state.as_ref(), collection)?;
        let Some(view) = view else {
            return Ok(Find::compile(&self.command)?.run(collection, &reading.execution));
        };
        let mut stages = self.stages();
        stages.splice(0..0, view.stages);
        let options = Options {
            variables: self.command.variables.clone(),
            collation: argon_query::find::collation_of(&view.collation)?,
            hint: self.command.hint.as_ref().map(Hint::compile).transpose()?.flatten(),
        };
        let pipeline = Arc::new(Pipeline::compile(&stages, &options)?);
        Ok(pipeline.run(&view.base, &reading.execution))
    }
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
        let is_capped = reading.state.as_ref().is_some_and(|state| {
            state.collections().any(|info| {
                info.name == name && info.options.get_bool("capped").unwrap_or(false)
            })
        });
        if !is_capped {
            return Err(CommandError::bad_value(format!(
                "error processing query: ns={namespace}: tailable cursor requested on non capped collection"
            )));
        }
        return Err(CommandError::new(
            115,
            "tailable cursors are not supported: use a change stream (watch)",
        ));
    }
    if arguments.flag("allowDiskUse")? == Some(false) {
        reading.execution.limits = Limits { disk: false, ..reading.execution.limits };
    }
    open(call, query.run(name.as_str(), &reading)?, &namespace).await
}
