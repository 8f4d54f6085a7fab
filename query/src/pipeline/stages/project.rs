//! `$project`, `$addFields`, `$set`, `$unset`, `$replaceRoot`, `$replaceWith`: the stages that make
//! one document of each.

use argon_core::Result;
use bson::Bson;

use crate::pipeline::execution::Execution;
use crate::pipeline::row_steps::Transform;
use crate::pipeline::rows::Row;
use crate::pipeline::stage::{Definition, Part, Position, StageCompiler};
use crate::projection::{self, transform};

pub(super) const STAGES: &[Definition] = &[
    Definition::new("$project", Position::Any, |argument, compiler| {
        compile("$project", argument, compiler)
    }),
    Definition::new("$addFields", Position::Any, |argument, compiler| {
        compile("$addFields", argument, compiler)
    }),
    Definition::new("$set", Position::Any, |argument, compiler| {
        compile("$set", argument, compiler)
    }),
    Definition::new("$unset", Position::Any, |argument, compiler| {
        compile("$unset", argument, compiler)
    }),
    Definition::new("$replaceRoot", Position::Any, |argument, compiler| {
        compile("$replaceRoot", argument, compiler)
    }),
    Definition::new("$replaceWith", Position::Any, |argument, compiler| {
        compile("$replaceWith", argument, compiler)
    }),
];

#[derive(Debug)]
struct Project(Box<dyn projection::Transform>);

pub(super) fn compile(
    name: &str,
    argument: &Bson,
    compiler: &StageCompiler<'_>,
) -> Result<Vec<Part>> {
    match transform(name, argument, &compiler.expressions) {
        Some(transform) => Ok(Part::transform(Project(transform?))),
        None => Ok(Vec::new()),
    }
}

impl Transform for Project {
    fn apply(&self, row: Row, execution: &Execution) -> Result<Option<Row>> {
        let document = row.as_raw();
        Ok(Some(self.0.transform(document, &execution.scope(document))?.into()))
    }
}
