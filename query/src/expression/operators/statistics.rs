//! Accumulators as expressions: `$avg`, `$max`, `$median`, `$min`, `$percentile`, `$stdDevPop`,
//! `$stdDevSamp`, `$sum`.
//!
//! They take a list of operands. A single operand that is an array stands for its elements.

use argon_core::Result;
use bson::Bson;

use crate::Code;
use crate::accumulator::Accumulator;
use crate::accumulator::deviation::Deviation;
use crate::accumulator::extremes::Extreme;
use crate::accumulator::percentile::{Percentiles, arguments};
use crate::accumulator::sum::{Average, Sum};
use crate::expression::{Arguments, Compiler, Definition, Expression, Form, Scope};
use crate::number::Number;
use crate::value::{Value, elements};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$avg", Arguments::AtLeast(0), |values, _| {
        accumulate(values, &mut Average::default())
    }),
    Definition::function("$max", Arguments::AtLeast(0), |values, _| {
        accumulate(values, &mut Extreme::new(false))
    }),
    Definition::form("$median", |argument, compiler| {
        percentiles("$median", argument, compiler, 7_436_201)
    }),
    Definition::function("$min", Arguments::AtLeast(0), |values, _| {
        accumulate(values, &mut Extreme::new(true))
    }),
    Definition::form("$percentile", |argument, compiler| {
        percentiles("$percentile", argument, compiler, 7_436_200)
    }),
    Definition::function("$stdDevPop", Arguments::AtLeast(0), |values, _| {
        accumulate(values, &mut Deviation::new(false))
    }),
    Definition::function("$stdDevSamp", Arguments::AtLeast(0), |values, _| {
        accumulate(values, &mut Deviation::new(true))
    }),
    Definition::function("$sum", Arguments::AtLeast(0), |values, _| {
        accumulate(values, &mut Sum::default())
    }),
];

fn accumulate<'a>(values: Vec<Value<'a>>, accumulator: &mut dyn Accumulator) -> Result<Value<'a>> {
    if let [single] = values.as_slice()
        && let Some(array) = single.as_array()
    {
        for element in elements(array)? {
            accumulator.add(Value::Ref(element))?;
        }
    } else {
        values.into_iter().try_for_each(|value| accumulator.add(value))?;
    }
    accumulator.finish()
}

/// Percentiles of a number, or of the numbers of an array. They are exact.
#[derive(Debug)]
struct PercentilesOf {
    percentiles: Percentiles,
    input: Expression,
}

fn percentiles(
    name: &'static str,
    argument: &Bson,
    compiler: &Compiler<'_>,
    not_an_object: u32,
) -> Result<Expression> {
    let (percentiles, input) = arguments(name, argument, compiler, Code::location(not_an_object))?;
    Ok(Expression::Form(Box::new(PercentilesOf { percentiles, input })))
}

impl Form for PercentilesOf {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let input = self.input.evaluate(scope)?;
        let numbers = match (input.as_array(), input.get()) {
            (Some(array), _) => elements(array)?.into_iter().filter_map(Number::of).collect(),
            (None, Some(value)) => Number::of(value).into_iter().collect(),
            (None, None) => Vec::new(),
        };
        let numbers: Vec<Number> = numbers;
        let alone = input.as_array().is_none();
        let numbers = numbers.into_iter().map(Number::to_double).collect();
        Ok(self.percentiles.of_numbers(numbers, alone))
    }
}
