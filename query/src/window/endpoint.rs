//! `$first`, `$last`, `$shift`.

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBson;

use super::bounds::{Bound, Window};
use super::function::{Definition, PartitionFunction, Specification, malformed};
use super::partition::Partition;
use crate::expression::Expression;
use crate::number::Number;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Definition] = &[
    ("$first", |given| compile(given, true)),
    ("$last", |given| compile(given, false)),
    ("$shift", compile_shift),
];

/// The value of the first or the last document of each window.
#[derive(Debug)]
struct Endpoint {
    input: Expression,
    window: Window,
    first: bool,
    /// The value for an empty window.
    default: RawBson,
}

fn compile(given: &Specification<'_>, first: bool) -> Result<Box<dyn PartitionFunction>> {
    let input = given.compiler.compile(given.argument)?;
    Ok(Box::new(Endpoint { input, window: given.window()?, first, default: RawBson::Null }))
}

fn compile_shift(given: &Specification<'_>) -> Result<Box<dyn PartitionFunction>> {
    if given.has_window() {
        return Err(malformed("$shift does not accept a 'window' field"));
    }
    let Bson::Document(fields) = given.argument else {
        return Err(malformed("Argument to $shift must be an object"));
    };
    let (mut output, mut by, mut default) = (None, None, RawBson::Null);
    for (name, value) in fields {
        match name.as_str() {
            "output" => output = Some(given.compiler.compile(value)?),
            "default" => {
                let compiled = given.compiler.compile(value)?;
                let constant = compiled.constant().map(crate::value::to_owned);
                default = constant.ok_or_else(|| {
                    malformed("'$shift:default' expression must yield a constant value.")
                })?;
            }
            "by" => by = Some(distance(value)?),
            _ => return Err(malformed("Unknown argument in $shift")),
        }
    }
    let input = output.ok_or_else(|| malformed("$shift requires an 'output' expression."))?;
    let by = by.ok_or_else(|| malformed("$shift requires 'by' as an integer value."))?;
    if given.sort_by.is_none() {
        return Err(malformed("'$shift' requires a sortBy"));
    }
    let window = Window::Documents(Bound::Distance(by), Bound::Distance(by));
    Ok(Box::new(Endpoint { input, window, first: true, default }))
}

fn distance(by: &Bson) -> Result<i64> {
    let constant = RawBson::try_from(by.clone()).ok();
    let number = constant.and_then(|by| Number::of(by.as_raw_bson_ref()));
    number.and_then(Number::exact_int).map(i64::from).ok_or_else(|| {
        malformed(&format!("'$shift:by' field must be an integer, but found  by: {by}"))
    })
}

impl PartitionFunction for Endpoint {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let windows = self.window.endpoints(partition)?;
        let values = windows.into_iter().map(|endpoints| match endpoints {
            Some((first, last)) => {
                partition.value(&self.input, if self.first { first } else { last })
            }
            None => Ok(self.default.clone().into()),
        });
        values.collect()
    }
}
