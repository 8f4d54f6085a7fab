//! `$count`, `$sortByCount`.

use std::sync::Arc;

use argon_core::Result;
use bson::raw::{CString, RawDocumentBuf};
use bson::{Bson, doc};
use futures::TryStreamExt;

use super::group::{Group, field};
use super::sort::Sort;
use crate::Code;
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{self, Rows};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler};
use crate::sort::SortPattern;

pub(super) const STAGES: &[Definition] = &[
    Definition::new("$count", Position::Any, count),
    Definition::new("$sortByCount", Position::Any, sort_by_count),
];

#[derive(Debug)]
struct Count(CString);

fn count(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let refused =
        |code, reason: &str| Err(Code::location(code).error(format!("the count field {reason}")));
    let Bson::String(name) = argument else {
        return refused(40156, "must be a non-empty string");
    };
    if name.is_empty() {
        return refused(40157, "must be a non-empty string");
    }
    if name.starts_with('$') {
        return refused(40158, "cannot be a $-prefixed path");
    }
    if name.contains('\0') {
        return refused(40159, "cannot contain a null byte");
    }
    if name.contains('.') {
        return refused(40160, "cannot contain '.'");
    }
    if name == "_id" {
        return refused(9_039_800, "cannot be '_id'");
    }
    Ok(Part::stage(Count(crate::expression::field_name(name)?)))
}

impl Stage for Count {
    fn run(self: Arc<Self>, mut input: Rows, _: &Execution) -> Rows {
        rows::deferred(async move {
            let mut count = 0_u64;
            while let Some(batch) = input.try_next().await? {
                count += batch.len() as u64;
            }
            if count == 0 {
                return Ok(rows::from_vec(Vec::new()));
            }
            let mut document = RawDocumentBuf::new();
            // As a sum of int32 ones.
            match i32::try_from(count) {
                Ok(count) => document.append(&self.0, count),
                Err(_) => document.append(&self.0, i64::try_from(count).unwrap_or(i64::MAX)),
            }
            Ok(rows::from_vec(vec![document.into()]))
        })
    }
}

fn sort_by_count(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    const EXPECTED: &str = "the sortByCount field must be defined as a $-prefixed path or an \
                            expression inside an object";
    match argument {
        Bson::Document(expression) => {
            if !expression.keys().next().is_some_and(|name| name.starts_with('$')) {
                return Err(Code::location(40147).error(EXPECTED));
            }
        }
        Bson::String(path) if path.starts_with('$') => {}
        Bson::String(_) => return Err(Code::location(40148).error(EXPECTED)),
        _ => {
            return Err(Code::location(40149)
                .error("the sortByCount field must be specified as a string or as an object"));
        }
    }
    let id = compiler.expressions.compile(argument)?;
    let count = field("count", &Bson::Document(doc! { "$sum": 1 }), &compiler.expressions)?;
    let pattern = SortPattern::compile(&doc! { "count": -1 })?;
    Ok(vec![
        Part::Stage(Arc::new(Group { id, fields: vec![count] })),
        Part::Stage(Arc::new(Sort { pattern, limit: None })),
    ])
}
