//! `$history`, `$diff`: the past of the collection, beyond MongoDB.
//!
//! `{$history: {}}` gives a document for each version of each document, the newest first:
//! `{_id, lsn, time, actor, message, operation, document}`; `{$history: {_id: VALUE}}` those of
//! one document. `{$diff: {from: "main~3", to: "main"}}` gives a document for each document that
//! differs: `{_id, operation, before, after}`. `to` is the state that the pipeline reads, if it is
//! left out.

use argon_core::Result;
use async_trait::async_trait;
use bson::Bson;

use super::from::string;
use crate::Code;
use crate::expression::Compiler;
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::Rows;
use crate::pipeline::source::HistoryRequest;
use crate::pipeline::stage::{Definition, Part, Position, SourceStage, StageCompiler, object};

pub(super) const STAGES: &[Definition] = &[
    Definition::new("$history", Position::First, history),
    Definition::new("$diff", Position::First, diff),
];

#[derive(Debug)]
struct History(HistoryRequest);

#[derive(Debug)]
struct Diff {
    from: String,
    to: Option<String>,
}

fn history(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let fields = object(argument, || not_an_object("$history", argument))?;
    if let Some(name) = fields.keys().find(|name| *name != "_id") {
        return Err(unknown("$history", name));
    }
    Ok(Part::source(History(HistoryRequest { id: fields.get("_id").cloned() })))
}

fn diff(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let fields = object(argument, || not_an_object("$diff", argument))?;
    let (mut from, mut to) = (None, None);
    for (name, value) in fields {
        match name.as_str() {
            "from" => from = Some(string("$diff", name, value, Code::TYPE_MISMATCH)?),
            "to" => to = Some(string("$diff", name, value, Code::TYPE_MISMATCH)?),
            other => return Err(unknown("$diff", other)),
        }
    }
    let from = from.ok_or_else(|| {
        Code::location(40414).error("BSON field '$diff.from' is missing but a required field")
    })?;
    Ok(Part::source(Diff { from, to }))
}

fn not_an_object(stage: &str, found: &Bson) -> argon_core::Error {
    Code::FAILED_TO_PARSE.error(format!(
        "the {stage} stage specification must be an object, but found {}",
        Compiler::type_name(found)
    ))
}

fn unknown(stage: &str, name: &str) -> argon_core::Error {
    Code::location(40415).error(format!("BSON field '{stage}.{name}' is an unknown field."))
}

#[async_trait]
impl SourceStage for History {
    async fn rows(&self, collection: &str, execution: &Execution) -> Result<Rows> {
        execution.collections.history(collection, &self.0).await
    }
}

#[async_trait]
impl SourceStage for Diff {
    async fn rows(&self, collection: &str, execution: &Execution) -> Result<Rows> {
        execution.collections.diff(collection, &self.from, self.to.as_deref()).await
    }
}
