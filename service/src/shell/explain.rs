//! `explain`, before a method or after it.

use argon_core::model::CollectionName;
use argon_core::{Error, Result};
use argon_formats::extjson::ShellMethod;
use bson::Bson;

use super::arguments::Arguments;
use super::operation::ShellOperation;
use super::{collection, cursor};
use crate::document::{ExplainPipeline, ExplainQuery, FindDocuments};
use crate::json::{HintValue, QueryDocument};

/// The arguments of `explain`; the first does not run the query.
const VERBOSITIES: &str = "'queryPlanner', 'executionStats' or 'allPlansExecution'";

/// `db.users.explain().find({…})`.
pub(super) fn before(
    name: &CollectionName,
    explain: &ShellMethod,
    rest: &[ShellMethod],
) -> Result<ShellOperation> {
    let mut arguments = Arguments::of(&format!("db.{name}"), explain);
    let execute = executes(&mut arguments)?;
    arguments.end()?;
    let Some((method, rest)) = rest.split_first() else {
        return Err(Error::invalid(format!(
            "db.{name}.explain: missing method: expected one such as .find({{…}})"
        )));
    };
    let operation = collection::operation(name, method)?;
    let operation = rest.iter().try_fold(operation, cursor::apply)?;
    let refused = format!("db.{name}.explain: {} can't be explained", method.name);
    explained(operation, execute).ok_or_else(|| Error::unsupported(refused))
}

/// Whether the query is run, by the argument of `explain`.
pub(super) fn executes(arguments: &mut Arguments<'_>) -> Result<bool> {
    match arguments.optional() {
        None => Ok(false),
        Some(Bson::String(verbosity)) if verbosity == "queryPlanner" => Ok(false),
        Some(Bson::String(verbosity))
            if verbosity == "executionStats" || verbosity == "allPlansExecution" =>
        {
            Ok(true)
        }
        Some(other) => Err(arguments.wrong(VERBOSITIES, other)),
    }
}

/// The explanation of what an operation reads; `None` if it reads by no plan. What an operation changes is
/// not changed.
pub(super) fn explained(operation: ShellOperation, execute: bool) -> Option<ShellOperation> {
    let selected = |collection, filter, collation, hint, limit| {
        let (projection, sort) = (QueryDocument::default(), QueryDocument::default());
        FindDocuments { collection, filter, projection, sort, skip: 0, limit, collation, hint }
    };
    let one = |is_one: bool| is_one.then_some(1);
    let query: FindDocuments = match operation {
        ShellOperation::Find(query)
        | ShellOperation::FindOne(query)
        | ShellOperation::CountFound(query) => query,
        ShellOperation::Aggregate(pipeline) => {
            return Some(ShellOperation::ExplainPipeline(ExplainPipeline { pipeline, execute }));
        }
        ShellOperation::Count(count) => {
            selected(count.collection, count.filter, count.collation, count.hint, None)
        }
        ShellOperation::Distinct(distinct) => {
            let hint: Option<HintValue> = None;
            selected(distinct.collection, distinct.filter, distinct.collation, hint, None)
        }
        ShellOperation::Update(update) => {
            let limit = one(!update.many);
            selected(update.collection, update.filter, update.collation, update.hint, limit)
        }
        ShellOperation::Delete(delete) => {
            let limit = one(delete.one);
            selected(delete.collection, delete.filter, delete.collation, delete.hint, limit)
        }
        ShellOperation::FindAndModify(found) => FindDocuments {
            sort: found.sort,
            ..selected(found.collection, found.filter, found.collation, found.hint, one(true))
        },
        _ => return None,
    };
    Some(ShellOperation::Explain(ExplainQuery { query, execute }))
}
