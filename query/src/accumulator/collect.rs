//! `$push`, `$addToSet`, `$concatArrays`, `$setUnion`.

use argon_core::Result;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef};

use super::definition::AccumulatorDefinition as Definition;
use super::{Accumulation, Accumulator, partial_elements};
use crate::Code;
use crate::message::Shown;
use crate::value::{Value, elements};
use crate::value_set::ValueSet;

pub(super) const ACCUMULATORS: &[Definition] = &[
    Definition::new("$push", |argument, compiler| {
        Accumulation::unary("$push", argument, compiler, || Box::new(List::new(None)))
    }),
    Definition::new("$concatArrays", |argument, compiler| {
        let start = || -> Box<dyn Accumulator> { Box::new(List::new(Some("$concatArrays"))) };
        Accumulation::unary("$concatArrays", argument, compiler, start)
    }),
    Definition::new("$addToSet", |argument, compiler| {
        Accumulation::unary("$addToSet", argument, compiler, || Box::new(Set::new(None)))
    }),
    Definition::new("$setUnion", |argument, compiler| {
        let start = || -> Box<dyn Accumulator> { Box::new(Set::new(Some("$setUnion"))) };
        Accumulation::unary("$setUnion", argument, compiler, start)
    }),
];

/// All values, or the elements of all arrays.
#[derive(Debug)]
struct List {
    values: RawArrayBuf,
    /// The name of the operator if it takes arrays.
    of_arrays: Option<&'static str>,
}

impl List {
    fn new(of_arrays: Option<&'static str>) -> Self {
        Self { values: RawArrayBuf::new(), of_arrays }
    }
}

impl Accumulator for List {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        match (self.of_arrays, value.get()) {
            (_, None) => {}
            (None, Some(value)) => self.values.push(value),
            (Some(name), Some(value)) => {
                array_elements(name, value)?.into_iter().for_each(|value| self.values.push(value));
            }
        }
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        Ok(RawBson::Array(self.values.clone()))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        partial_elements(partial)?.into_iter().for_each(|value| self.values.push(value));
        Ok(())
    }

    fn memory(&self) -> usize {
        self.values.as_bytes().len()
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.values.clone().into())
    }
}

/// The values without those that are equal to one before, or the elements of all arrays.
#[derive(Debug)]
struct Set {
    values: ValueSet,
    /// The name of the operator if it takes arrays.
    of_arrays: Option<&'static str>,
}

impl Set {
    fn new(of_arrays: Option<&'static str>) -> Self {
        Self { values: ValueSet::default(), of_arrays }
    }
}

impl Accumulator for Set {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        match (self.of_arrays, value.get()) {
            (_, None) => {}
            (None, Some(value)) => {
                self.values.insert(value)?;
            }
            (Some(name), Some(value)) => {
                for value in array_elements(name, value)? {
                    self.values.insert(value)?;
                }
            }
        }
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        Ok(RawBson::Array(self.values.to_array()))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        for value in partial_elements(partial)? {
            self.values.insert(value)?;
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.values.memory()
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.values.to_array().into())
    }
}

fn array_elements<'a>(name: &str, value: RawBsonRef<'a>) -> Result<Vec<RawBsonRef<'a>>> {
    match value {
        RawBsonRef::Array(array) => elements(array),
        other => Err(Code::TYPE_MISMATCH.error(format!(
            "{name} requires array inputs, but input {} is of type {}",
            Shown::from(other),
            crate::value::type_name(other)
        ))),
    }
}
