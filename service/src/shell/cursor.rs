//! The methods of a cursor, which change the query before it runs.

use argon_core::{Error, Result};
use argon_formats::extjson::ShellMethod;
use bson::Bson;

use super::arguments::{Arguments, number};
use super::explain::{executes, explained};
use super::operation::{ShellOperation, unknown};
use crate::document::FindDocuments;
use crate::json::{HintValue, QueryDocument};

/// The methods of a cursor.
pub const METHODS: &[&str] = &[
    "collation",
    "count",
    "explain",
    "hint",
    "limit",
    "pretty",
    "projection",
    "skip",
    "sort",
    "toArray",
];

/// The methods of a cursor of `find` that take a function of JavaScript.
const OF_JAVASCRIPT: [&str; 3] = ["forEach", "map", "filter"];

/// A part of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Sort,
    Skip,
    Limit,
    Projection,
    Collation,
    Hint,
}

impl Step {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sort" => Self::Sort,
            "skip" => Self::Skip,
            "limit" => Self::Limit,
            "projection" => Self::Projection,
            "collation" => Self::Collation,
            "hint" => Self::Hint,
            _ => return None,
        })
    }

    /// What its value is.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Skip | Self::Limit => "a number that is not negative",
            Self::Hint => HintValue::EXPECTED,
            Self::Sort | Self::Projection | Self::Collation => "a document",
        }
    }
}

/// Sets a part of a query; `None` for a value of another type.
pub(super) fn set(find: &mut FindDocuments, step: Step, value: &Bson) -> Option<()> {
    let document = || value.as_document().cloned().map(QueryDocument);
    match step {
        Step::Sort => find.sort = document()?,
        Step::Projection => find.projection = document()?,
        Step::Collation => find.collation = document()?,
        Step::Hint => find.hint = Some(HintValue::of(value.clone()).ok()?),
        Step::Skip => find.skip = number(value)?,
        // To MongoDB a limit of 0 is none.
        Step::Limit => find.limit = Some(number(value)?).filter(|limit| *limit > 0),
    }
    Some(())
}

/// The operation after a method was called on its cursor.
pub(super) fn apply(operation: ShellOperation, method: &ShellMethod) -> Result<ShellOperation> {
    let mut arguments = Arguments::of("cursor", method);
    let name = method.name.as_str();
    if OF_JAVASCRIPT.contains(&name) {
        return Err(Error::unsupported(format!(
            "cursor.{name} takes a function of JavaScript, which is not evaluated"
        )));
    }
    let applied = match (operation, name) {
        // Documents are always printed in full.
        (
            operation @ (ShellOperation::Find(_)
            | ShellOperation::FindOne(_)
            | ShellOperation::Aggregate(_)),
            "pretty" | "toArray",
        ) => operation,
        (ShellOperation::Find(find), "count") => ShellOperation::CountFound(find),
        (operation @ (ShellOperation::Find(_) | ShellOperation::Aggregate(_)), "explain") => {
            let execute = executes(&mut arguments)?;
            let explained = explained(operation, execute);
            explained.ok_or_else(|| Error::internal("a query can't be explained"))?
        }
        (ShellOperation::Find(mut find), _) => {
            let step = Step::named(name).ok_or_else(|| unknown("cursor", method, METHODS))?;
            let value = arguments.required(step.expected())?;
            set(&mut find, step, value).ok_or_else(|| arguments.wrong(step.expected(), value))?;
            ShellOperation::Find(find)
        }
        (ShellOperation::Aggregate(_), _) => {
            return Err(unknown("cursor", method, &["explain", "pretty", "toArray"]));
        }
        _ => {
            return Err(Error::invalid(format!("{name} is not a function of what is before it")));
        }
    };
    arguments.end()?;
    Ok(applied)
}
