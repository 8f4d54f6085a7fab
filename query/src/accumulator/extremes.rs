//! `$min`, `$max`, `$minN`, `$maxN`.

use std::cmp::Ordering;

use argon_core::Result;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef};

use super::arguments::{count, n_and_input};
use super::definition::AccumulatorDefinition as Definition;
use super::{Accumulation, Accumulator, partial_elements, size_of};
use crate::Code;
use crate::value::Value;

pub(super) const ACCUMULATORS: &[Definition] = &[
    Definition::new("$min", |argument, compiler| {
        Accumulation::unary("$min", argument, compiler, || Box::new(Extreme::new(true)))
    }),
    Definition::new("$max", |argument, compiler| {
        Accumulation::unary("$max", argument, compiler, || Box::new(Extreme::new(false)))
    }),
    Definition::new("$minN", |argument, compiler| {
        let (n, input) = n_and_input(argument, compiler, Code::location(5_787_900))?;
        Ok(Accumulation::new("$minN", input, n, |n| Ok(Box::new(Extremes::new(&n, true)?))))
    }),
    Definition::new("$maxN", |argument, compiler| {
        let (n, input) = n_and_input(argument, compiler, Code::location(5_787_900))?;
        Ok(Accumulation::new("$maxN", input, n, |n| Ok(Box::new(Extremes::new(&n, false)?))))
    }),
];

/// The least or the greatest value. Of equal values the first.
#[derive(Debug)]
pub(crate) struct Extreme {
    value: Option<RawBson>,
    least: bool,
}

impl Extreme {
    pub(crate) fn new(least: bool) -> Self {
        Self { value: None, least }
    }
}

impl Accumulator for Extreme {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        if value.is_nullish() {
            return Ok(());
        }
        let better = match &self.value {
            None => true,
            Some(best) => {
                let order = value.compare(&Value::Ref(best.as_raw_bson_ref()))?;
                if self.least { order.is_lt() } else { order.is_gt() }
            }
        };
        if better {
            self.value = Some(value.into_bson());
        }
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        Ok(self.value.clone().unwrap_or(RawBson::Null))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        self.add(partial.into())
    }

    fn memory(&self) -> usize {
        self.value.as_ref().map_or(0, |value| size_of(value.as_raw_bson_ref()))
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.value.clone().unwrap_or(RawBson::Null).into())
    }
}

/// The least or the greatest values, best first.
#[derive(Debug)]
pub(crate) struct Extremes {
    /// In the order of the result. Of equal values, the least keep the first one first and the
    /// greatest the last one first, as a multiset that is read forwards or backwards gives them.
    values: Vec<RawBson>,
    size: usize,
    most: usize,
    least: bool,
}

impl Extremes {
    pub(crate) fn new(n: &Value<'_>, least: bool) -> Result<Self> {
        Ok(Self { values: Vec::new(), size: 0, most: count(n)?, least })
    }

    /// The place for a value: behind all that are better, and behind or before its equals.
    fn place(&self, value: &Value<'_>) -> Result<usize> {
        let (mut low, mut high) = (0, self.values.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let order = Value::Ref(self.values[middle].as_raw_bson_ref()).compare(value)?;
            let before = if self.least { order.is_le() } else { order == Ordering::Greater };
            if before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

impl Accumulator for Extremes {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        if value.is_nullish() {
            return Ok(());
        }
        if self.values.len() == self.most
            && let Some(worst) = self.values.last()
        {
            let order = value.compare(&Value::Ref(worst.as_raw_bson_ref()))?;
            let better = if self.least { order.is_lt() } else { order.is_gt() };
            if !better {
                return Ok(());
            }
            self.size -= size_of(worst.as_raw_bson_ref());
            self.values.pop();
        }
        let place = self.place(&value)?;
        let value = value.into_bson();
        self.size += size_of(value.as_raw_bson_ref());
        self.values.insert(place, value);
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
