//! `$sum`, `$avg`, `$count`.

use argon_core::{Error, Result};
use bson::Bson;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef};

use super::definition::AccumulatorDefinition as Definition;
use super::summation::DoubleDouble;
use super::{Accumulation, Accumulator, partial_elements};
use crate::Code;
use crate::expression::Compiler;
use crate::number::{self, Decimal, Number, NumberType};
use crate::value::Value;

pub(super) const ACCUMULATORS: &[Definition] = &[
    Definition::new("$sum", |argument, compiler| {
        let sum = Accumulation::unary("$sum", argument, compiler, || Box::<Sum>::default())?;
        Ok(match sum.constant() {
            Some(RawBsonRef::Int32(_) | RawBsonRef::Int64(_) | RawBsonRef::Double(_)) => {
                sum.starting(|| Box::<ConstantSum>::default())
            }
            _ => sum,
        })
    }),
    Definition::new("$avg", |argument, compiler| {
        Accumulation::unary("$avg", argument, compiler, || Box::<Average>::default())
    }),
    Definition::new("$count", compile_count),
];

/// A sum of numbers of all types: decimals apart from the others, so that both are exact as far as
/// possible.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Total {
    others: DoubleDouble,
    decimals: Decimal,
    /// The widest type of the numbers, and of those that are no decimals.
    widest: NumberType,
    widest_other: NumberType,
}

/// The sum of the numbers; 0 if there are none.
#[derive(Debug, Default)]
pub(crate) struct Sum(Total);

/// The sum of equal numbers, which the server adds up plainly.
#[derive(Debug, Default)]
struct ConstantSum(Option<Number>);

/// The mean of the numbers.
#[derive(Debug, Default)]
pub(crate) struct Average {
    total: Total,
    count: i64,
}

fn compile_count(argument: &Bson, _: &Compiler<'_>) -> Result<Accumulation> {
    match argument {
        Bson::Document(fields) if fields.is_empty() => {
            let one = Compiler::constant(&Bson::Int32(1))?;
            let none = Compiler::constant(&Bson::Null)?;
            Ok(Accumulation::new("$count", one, none, |_| Ok(Box::<ConstantSum>::default())))
        }
        _ => Err(Code::TYPE_MISMATCH.error("$count takes no arguments, i.e. $count:{}")),
    }
}

impl Default for Total {
    fn default() -> Self {
        Self {
            others: DoubleDouble::default(),
            decimals: Decimal::ZERO,
            widest: NumberType::Int,
            widest_other: NumberType::Int,
        }
    }
}

impl Total {
    /// Adds a number.
    pub(crate) fn add(&mut self, number: Number) {
        self.widest = self.widest.max(number.number_type());
        if number.number_type() != NumberType::Decimal {
            self.widest_other = self.widest_other.max(number.number_type());
        }
        match number {
            Number::Int(number) => self.others.add_double(number.into()),
            Number::Long(number) => self.others.add_long(number),
            Number::Double(number) => self.others.add_double(number),
            Number::Decimal(number) => self.decimals = self.decimals.add(number),
        }
    }

    /// The sum in the widest type of the numbers, or a wider one that holds it.
    pub(crate) fn value(&self) -> Number {
        match (self.widest, self.others.to_long()) {
            (NumberType::Decimal, _) => Number::Decimal(self.to_decimal()),
            (NumberType::Int, Some(sum)) => Number::int_or_long(sum),
            (NumberType::Long, Some(sum)) => Number::Long(sum),
            _ => Number::Double(self.others.to_double()),
        }
    }

    /// The sum divided by a count: a decimal if a number is one, or else a double.
    #[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
    pub(crate) fn mean(&self, count: i64) -> Number {
        if self.widest == NumberType::Decimal {
            Number::Decimal(self.to_decimal().divide(count.into()))
        } else {
            Number::Double(self.others.to_double() / count as f64)
        }
    }

    fn to_decimal(self) -> Decimal {
        self.decimals.add(self.others.to_decimal())
    }

    /// The widest type besides decimals as a number, the sum and its remainder, the decimals.
    fn partial(&self) -> RawArrayBuf {
        let (sum, rest) = self.others.parts();
        let mut state = RawArrayBuf::new();
        state.push(match self.widest_other {
            NumberType::Int => 0,
            NumberType::Long => 1,
            NumberType::Double | NumberType::Decimal => 2,
        });
        state.push(sum);
        state.push(rest);
        if self.widest == NumberType::Decimal {
            state.push(bson::Decimal128::from(self.decimals));
        }
        state
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        let state = partial_elements(partial)?;
        let [RawBsonRef::Int32(widest), RawBsonRef::Double(sum), RawBsonRef::Double(rest), ..] =
            *state.as_slice()
        else {
            return Err(Error::corrupt("a partial sum is malformed"));
        };
        let other = match widest {
            0 => NumberType::Int,
            1 => NumberType::Long,
            _ => NumberType::Double,
        };
        self.widest_other = self.widest_other.max(other);
        self.widest = self.widest.max(other);
        self.others.add_parts((sum, rest));
        if let Some(RawBsonRef::Decimal128(decimals)) = state.get(3) {
            self.widest = NumberType::Decimal;
            self.decimals = self.decimals.add((*decimals).into());
        }
        Ok(())
    }
}

impl Accumulator for Sum {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        if let Some(number) = value.get().and_then(Number::of) {
            self.0.add(number);
        }
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        Ok(RawBson::Array(self.0.partial()))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        self.0.merge(partial)
    }

    fn memory(&self) -> usize {
        0
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.0.value().into())
    }
}

impl Accumulator for ConstantSum {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        if let Some(number) = value.get().and_then(Number::of) {
            self.0 = Some(self.0.map_or(number, |sum| number::add(sum, number)));
        }
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        Ok(self.0.map_or(RawBson::Null, RawBson::from))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        self.add(partial.into())
    }

    fn memory(&self) -> usize {
        0
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.0.unwrap_or(Number::Int(0)).into())
    }
}

impl Accumulator for Average {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        if let Some(number) = value.get().and_then(Number::of) {
            self.total.add(number);
            self.count += 1;
        }
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        let mut state = RawArrayBuf::new();
        state.push(self.count);
        state.push(self.total.partial());
        Ok(RawBson::Array(state))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        match *partial_elements(partial)?.as_slice() {
            [RawBsonRef::Int64(count), total] => {
                self.count += count;
                self.total.merge(total)
            }
            _ => Err(Error::corrupt("a partial average is malformed")),
        }
    }

    fn memory(&self) -> usize {
        0
    }

    fn finish(&self) -> Result<Value<'static>> {
        if self.count == 0 {
            return Ok(Value::NULL);
        }
        Ok(self.total.mean(self.count).into())
    }
}
