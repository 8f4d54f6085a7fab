//! `$mergeObjects`.

use argon_core::Result;
use bson::raw::{RawBson, RawBsonRef};

use super::definition::AccumulatorDefinition as Definition;
use super::{Accumulation, Accumulator};
use crate::Code;
use crate::fields::Fields;
use crate::message::Shown;
use crate::value::{Value, type_name};

pub(super) const ACCUMULATORS: &[Definition] =
    &[Definition::new("$mergeObjects", |argument, compiler| {
        Accumulation::unary("$mergeObjects", argument, compiler, || Box::<Merged>::default())
    })];

/// A document with the fields of all documents, of those of one name the last.
#[derive(Debug, Default)]
pub(crate) struct Merged(Fields);

impl Accumulator for Merged {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        match value.get() {
            None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => Ok(()),
            Some(RawBsonRef::Document(document)) => self.0.set_all(document),
            Some(other) => Err(Code::location(40400).error(format!(
                "$mergeObjects requires object inputs, but input {} is of type {}",
                Shown::from(other),
                type_name(other)
            ))),
        }
    }

    fn partial(&self) -> Result<RawBson> {
        Ok(RawBson::Document(self.0.to_document()?))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        self.add(partial.into())
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.0.to_document()?.into())
    }
}
