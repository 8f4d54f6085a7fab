//! `$match`.

use std::sync::Arc;

use argon_core::Result;
use bson::Bson;

use crate::Code;
use crate::filter::FilterOptions;
use crate::find::Matcher;
use crate::pipeline::row_steps::RowStep;
use crate::pipeline::stage::{Definition, Part, Position, StageCompiler, object};

pub(super) const STAGES: &[Definition] = &[Definition::new("$match", Position::Any, compile)];

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let query = object(argument, || {
        Code::location(15959).error("the match filter must be an expression in an object")
    })?;
    let options = FilterOptions {
        compiler: compiler.expressions.clone(),
        collation: compiler.collation.clone(),
    };
    let matcher = Matcher::compile(query, &options)?;
    Ok(vec![Part::Row(RowStep::Match(Arc::new(matcher)))])
}
