//! `$minMaxScaler`.

use argon_core::Result;
use bson::raw::RawBsonRef;

use super::bounds::Window;
use super::function::{Definition, PartitionFunction, Specification, malformed};
use super::partition::Partition;
use crate::Code;
use crate::expression::Expression;
use crate::number::{self, Number};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Definition] = &[("$minMaxScaler", compile)];

/// The number, moved and scaled so that the least of the window is at `least`, and the greatest at
/// `greatest`.
#[derive(Debug)]
struct Scaler {
    input: Expression,
    window: Window,
    least: Number,
    greatest: Number,
}

fn compile(given: &Specification<'_>) -> Result<Box<dyn PartitionFunction>> {
    let window = given.window()?;
    let (lower, upper) = window.distances();
    if lower.is_some_and(|lower| lower > 0.0) || upper.is_some_and(|upper| upper < 0.0) {
        return Err(malformed(
            "the bounds of the window of $minMaxScaler must ensure that the current document is \
             always within the window",
        ));
    }
    let fields = given.fields(&["input", "min", "max"])?;
    let input = fields
        .get("input")
        .ok_or_else(|| malformed("$minMaxScaler requires an 'input' expression"))?;
    let input = given.compiler.compile(input)?;
    let constant = |name: &str| {
        let Some(value) = fields.get(name) else { return Ok(None) };
        let compiled = given.compiler.compile(value)?;
        let constant: RawBsonRef<'_> = compiled.constant().ok_or_else(|| {
            malformed(&format!("'{name}' argument to $minMaxScaler must be a constant"))
        })?;
        Number::of(constant).map(Some).ok_or_else(|| {
            malformed(&format!("'{name}' argument to $minMaxScaler must be a numeric type"))
        })
    };
    let (least, greatest) = match (constant("min")?, constant("max")?) {
        (None, None) => (Number::Int(0), Number::Int(1)),
        (Some(least), Some(greatest)) => (least, greatest),
        _ => {
            return Err(malformed(
                "Only one of 'min' and 'max' were specified as an argument to $minMaxScaler. \
                 Neither or both must be specified",
            ));
        }
    };
    if least.compare(greatest).is_ge() {
        return Err(malformed(
            "the 'max' must be strictly greater than 'min', as arguments to $minMaxScaler",
        ));
    }
    Ok(Box::new(Scaler { input, window, least, greatest }))
}

impl PartitionFunction for Scaler {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let numbers = (0..partition.len()).map(|index| self.number(partition, index));
        let numbers: Vec<Number> = numbers.collect::<Result<_>>()?;
        let windows = self.window.endpoints(partition)?;
        let mut known: Option<((usize, usize), Extent)> = None;
        let values = windows.into_iter().enumerate().map(|(index, endpoints)| {
            let (first, last) = endpoints.unwrap_or((index, index));
            let extent = match known {
                // Often all windows are the whole partition.
                Some((endpoints, extent)) if endpoints == (first, last) => extent,
                _ => Extent::of(&numbers[first..=last], numbers[index]),
            };
            known = Some(((first, last), extent));
            self.scale(numbers[index], extent).into()
        });
        Ok(values.collect())
    }
}

/// The least and the greatest number of a window.
#[derive(Debug, Clone, Copy)]
struct Extent {
    least: Number,
    greatest: Number,
}

impl Extent {
    fn of(window: &[Number], otherwise: Number) -> Self {
        let compare = |a: &&Number, b: &&Number| a.compare(**b);
        Self {
            least: window.iter().min_by(compare).copied().unwrap_or(otherwise),
            greatest: window.iter().max_by(compare).copied().unwrap_or(otherwise),
        }
    }
}

impl Scaler {
    fn number(&self, partition: &Partition<'_>, index: usize) -> Result<Number> {
        let value = partition.value(&self.input, index)?;
        value.get().and_then(Number::of).ok_or_else(|| {
            Code::location(10_487_000).error(format!(
                "'input' argument to $minMaxScaler must evaluate to a numeric type, got: {}",
                value.type_name()
            ))
        })
    }

    fn scale(&self, number: Number, extent: Extent) -> Number {
        let range = number::subtract(extent.greatest, extent.least);
        let Some(share) = number::divide(number::subtract(number, extent.least), range) else {
            return self.least;
        };
        let scaled = number::multiply(share, number::subtract(self.greatest, self.least));
        number::add(scaled, self.least)
    }
}
