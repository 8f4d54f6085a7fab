//! `$documents`.

use argon_core::Result;
use async_trait::async_trait;
use bson::Bson;
use bson::raw::{RawBsonRef, RawDocumentBuf};

use crate::Code;
use crate::expression::Expression;
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{self, Row, Rows};
use crate::pipeline::stage::{Definition, Part, Position, SourceStage, StageCompiler};
use crate::value::elements;

pub(super) const STAGES: &[Definition] = &[Definition::new("$documents", Position::First, compile)];

#[derive(Debug)]
struct Documents(Expression);

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    Ok(Part::source(Documents(compiler.expressions.compile(argument)?)))
}

#[async_trait]
impl SourceStage for Documents {
    async fn rows(&self, _: &str, execution: &Execution) -> Result<Rows> {
        let empty = RawDocumentBuf::new();
        let value = self.0.evaluate(&execution.scope(&empty))?;
        let array = value.as_array().ok_or_else(|| {
            Code::location(5_858_203).error(format!(
                "error during aggregation :: caused by :: an array is expected: \
                    $documents has {}",
                value.type_name()
            ))
        })?;
        let documents = elements(array)?.into_iter().map(|element| match element {
            RawBsonRef::Document(document) => Ok(Row::Computed(document.to_owned())),
            other => Err(Code::location(40228).error(format!(
                "'newRoot' expression must evaluate to an object, but resulting value was of type \
                 '{}'",
                crate::value::type_name(other)
            ))),
        });
        Ok(rows::from_vec(documents.collect::<Result<_>>()?))
    }
}
