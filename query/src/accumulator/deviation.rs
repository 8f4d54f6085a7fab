//! `$stdDevPop`, `$stdDevSamp`.

use argon_core::{Error, Result};
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef};

use super::definition::AccumulatorDefinition as Definition;
use super::{Accumulation, Accumulator, partial_elements};
use crate::number::Number;
use crate::value::Value;

pub(super) const ACCUMULATORS: &[Definition] = &[
    Definition::new("$stdDevPop", |argument, compiler| {
        Accumulation::unary("$stdDevPop", argument, compiler, || Box::new(Deviation::new(false)))
    }),
    Definition::new("$stdDevSamp", |argument, compiler| {
        Accumulation::unary("$stdDevSamp", argument, compiler, || Box::new(Deviation::new(true)))
    }),
];

/// The standard deviation of the numbers, as doubles.
///
/// Welford, "Note on a method for calculating corrected sums of squares and products", 1962; states
/// are merged by the method of Chan, Golub and `LeVeque`, "Updating formulae and a pairwise algorithm
/// for computing sample variances", 1979.
#[derive(Debug)]
pub(crate) struct Deviation {
    count: i64,
    mean: f64,
    /// The sum of the squares of differences from the mean.
    squares: f64,
    /// Whether the numbers are a sample, so that one degree of freedom is lost.
    sample: bool,
}

impl Deviation {
    pub(crate) fn new(sample: bool) -> Self {
        Self { count: 0, mean: 0.0, squares: 0.0, sample }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
impl Accumulator for Deviation {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        let Some(number) = value.get().and_then(Number::of) else { return Ok(()) };
        let number = number.to_double();
        self.count += 1;
        let difference = number - self.mean;
        if difference != 0.0 {
            self.mean += difference / self.count as f64;
            self.squares += difference * (number - self.mean);
        }
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        let mut state = RawArrayBuf::new();
        state.push(self.count);
        state.push(self.mean);
        state.push(self.squares);
        Ok(RawBson::Array(state))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        let [RawBsonRef::Int64(count), RawBsonRef::Double(mean), RawBsonRef::Double(squares)] =
            *partial_elements(partial)?.as_slice()
        else {
            return Err(Error::corrupt("a partial standard deviation is malformed"));
        };
        if count == 0 {
            return Ok(());
        }
        let (here, there) = (self.count as f64, count as f64);
        let difference = mean - self.mean;
        if difference != 0.0 {
            self.mean = (here * self.mean + there * mean) / (here + there);
            self.squares += difference * difference * (here * there / (here + there));
        }
        self.squares += squares;
        self.count += count;
        Ok(())
    }

    fn memory(&self) -> usize {
        0
    }

    fn finish(&self) -> Result<Value<'static>> {
        let freedom = self.count - i64::from(self.sample);
        if freedom <= 0 {
            return Ok(Value::NULL);
        }
        Ok((self.squares / freedom as f64).sqrt().into())
    }
}
