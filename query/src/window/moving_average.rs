//! `$expMovingAvg`.

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBson;

use super::function::{Definition, PartitionFunction, Specification, malformed};
use super::partition::Partition;
use crate::expression::Expression;
use crate::number::{Decimal, Number};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Definition] = &[("$expMovingAvg", compile)];

/// The mean of the values so far, where older ones weigh less. Values that are no numbers leave it
/// as it is.
#[derive(Debug)]
struct ExponentialAverage {
    input: Expression,
    /// The weight of a new value, between 0 and 1.
    alpha: Decimal,
}

fn compile(given: &Specification<'_>) -> Result<Box<dyn PartitionFunction>> {
    let fields = match given.argument {
        Bson::Document(fields) if !given.has_window() => fields,
        _ => {
            return Err(malformed(
                "$expMovingAvg must have exactly one argument that is an object",
            ));
        }
    };
    let wrong_fields = || {
        malformed(
            "$expMovingAvg sub object must have exactly two fields: An 'input' field, and either \
             an 'N' field or an 'alpha' field",
        )
    };
    let (Some(input), 2) = (fields.get("input"), fields.len()) else {
        return Err(wrong_fields());
    };
    if given.sort_by.is_none() {
        return Err(malformed("$expMovingAvg requires an explicit 'sortBy'"));
    }
    let input = given.compiler.compile(input)?;
    let alpha = match (fields.get("N"), fields.get("alpha")) {
        (Some(n), _) => alpha_of_count(n)?,
        (None, Some(alpha)) => parse_alpha(alpha)?,
        (None, None) => return Err(wrong_fields()),
    };
    Ok(Box::new(ExponentialAverage { input, alpha }))
}

fn number(value: &Bson) -> Option<Number> {
    Number::of(RawBson::try_from(value.clone()).ok()?.as_raw_bson_ref())
}

fn alpha_of_count(n: &Bson) -> Result<Decimal> {
    let Some(n) = number(n).and_then(Number::exact_long) else {
        return Err(malformed(&format!("'N' field must be an integer, but found {n}")));
    };
    if n <= 0 {
        return Err(malformed(&format!("'N' must be greater than zero. Got {n}")));
    }
    Ok(Decimal::from(2_i64).divide(Decimal::from(n).add(Decimal::ONE)))
}

fn parse_alpha(alpha: &Bson) -> Result<Decimal> {
    let Some(number) = number(alpha) else {
        return Err(malformed("'alpha' must be a number"));
    };
    let decimal = number.to_decimal();
    if !decimal.is_greater(Decimal::ZERO) || !decimal.is_less(Decimal::ONE) {
        return Err(malformed(&format!(
            "'alpha' must be between 0 and 1 (exclusive), found alpha: {alpha}"
        )));
    }
    Ok(decimal)
}

impl PartitionFunction for ExponentialAverage {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let mut average: Option<Decimal> = None;
        let mut decimal = false;
        let rest = Decimal::ONE.subtract(self.alpha);
        let results = partition.values(&self.input)?.into_iter().map(|value| {
            if let Some(number) = value.get().and_then(Number::of) {
                decimal |= matches!(number, Number::Decimal(_));
                let number = number.to_decimal();
                average = Some(match average {
                    None => number,
                    Some(average) => number.multiply(self.alpha).add(average.multiply(rest)),
                });
            }
            match average {
                None => Value::NULL,
                Some(average) if decimal => Number::Decimal(average).into(),
                Some(average) => average.to_double().into(),
            }
        });
        Ok(results.collect())
    }
}
