//! `$first`, `$last`, `$firstN`, `$lastN`.

use std::collections::VecDeque;

use argon_core::Result;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef};

use super::arguments::{count, n_and_input};
use super::definition::AccumulatorDefinition as Definition;
use super::{Accumulation, Accumulator, partial_elements, size_of};
use crate::Code;
use crate::value::Value;

pub(super) const ACCUMULATORS: &[Definition] = &[
    Definition::new("$first", |argument, compiler| {
        Accumulation::unary("$first", argument, compiler, || Box::new(One::new(true)))
    }),
    Definition::new("$last", |argument, compiler| {
        Accumulation::unary("$last", argument, compiler, || Box::new(One::new(false)))
    }),
    Definition::new("$firstN", |argument, compiler| {
        let (n, input) = n_and_input(argument, compiler, Code::location(5_787_801))?;
        Ok(Accumulation::new("$firstN", input, n, |n| Ok(Box::new(Several::new(&n, true)?))))
    }),
    Definition::new("$lastN", |argument, compiler| {
        let (n, input) = n_and_input(argument, compiler, Code::location(5_787_801))?;
        Ok(Accumulation::new("$lastN", input, n, |n| Ok(Box::new(Several::new(&n, false)?))))
    }),
];

/// The value of the first or the last document.
#[derive(Debug)]
struct One {
    value: Option<Value<'static>>,
    first: bool,
}

impl One {
    fn new(first: bool) -> Self {
        Self { value: None, first }
    }
}

impl Accumulator for One {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        if self.value.is_none() || !self.first {
            self.value = Some(value.into_owned());
        }
        Ok(())
    }

    /// No element: no document. An empty array in the array: the value is missing.
    fn partial(&self) -> Result<RawBson> {
        let mut state = RawArrayBuf::new();
        if let Some(value) = &self.value {
            let mut some = RawArrayBuf::new();
            if let Some(value) = value.get() {
                some.push(value);
            }
            state.push(some);
        }
        Ok(RawBson::Array(state))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        for value in partial_elements(partial)? {
            let value = partial_elements(value)?.into_iter().next();
            self.add(value.into())?;
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.value.as_ref().and_then(Value::get).map_or(0, size_of)
    }

    /// Missing as null: a group without the field has it as null.
    fn finish(&self) -> Result<Value<'static>> {
        match &self.value {
            None | Some(Value::Missing) => Ok(Value::NULL),
            Some(value) => Ok(value.clone()),
        }
    }
}

/// The values of the first or the last documents.
#[derive(Debug)]
pub(crate) struct Several {
    values: VecDeque<RawBson>,
    size: usize,
    most: usize,
    first: bool,
}

impl Several {
    pub(crate) fn new(n: &Value<'_>, first: bool) -> Result<Self> {
        Ok(Self { values: VecDeque::new(), size: 0, most: count(n)?, first })
    }
}

impl Accumulator for Several {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        if self.values.len() == self.most {
            if self.first {
                return Ok(());
            }
            if let Some(gone) = self.values.pop_front() {
                self.size -= size_of(gone.as_raw_bson_ref());
            }
        }
        let value = value.into_bson();
        self.size += size_of(value.as_raw_bson_ref());
        self.values.push_back(value);
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        Ok(self.finish()?.into_bson())
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        partial_elements(partial)?.into_iter().try_for_each(|value| self.add(value.into()))
    }

    fn memory(&self) -> usize {
        self.size
    }

    fn finish(&self) -> Result<Value<'static>> {
        let values = self.values.iter().map(RawBson::as_raw_bson_ref);
        Ok(values.collect::<RawArrayBuf>().into())
    }
}
