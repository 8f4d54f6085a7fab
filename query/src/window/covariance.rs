//! `$covariancePop`, `$covarianceSamp`.

use argon_core::Result;

use super::bounds::Window;
use super::function::{Definition, PartitionFunction, Specification};
use super::partition::Partition;
use super::removable::{Average, Removable, Sum};
use super::sliding::slide;
use crate::expression::Expression;
use crate::number::{self, Decimal, Number};
use crate::value::{Value, elements};

pub(super) const FUNCTIONS: &[Definition] = &[
    ("$covariancePop", |given| compile(given, false)),
    ("$covarianceSamp", |given| compile(given, true)),
];

/// The covariance of the pairs of numbers of each window.
#[derive(Debug)]
struct Covariance {
    input: Expression,
    window: Window,
    sample: bool,
}

/// The state for a window.
///
/// The means and the sum of products are updated for each pair, by Welford's method, as the
/// server's `WindowFunctionCovariance` does it.
#[derive(Debug, Default)]
struct State {
    sample: bool,
    count: i64,
    x: Average,
    y: Average,
    products: Sum,
}

fn compile(given: &Specification<'_>, sample: bool) -> Result<Box<dyn PartitionFunction>> {
    let input = given.compiler.compile(given.argument)?;
    Ok(Box::new(Covariance { input, window: given.window()?, sample }))
}

impl PartitionFunction for Covariance {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let state = Box::new(State { sample: self.sample, ..State::default() });
        slide(partition, &self.window, &self.input, state)
    }
}

/// The two numbers of a pair; `None` if the value is something else.
fn pair(value: &Value<'_>) -> Result<Option<(Number, Number)>> {
    let Some(array) = value.as_array() else { return Ok(None) };
    Ok(match elements(array)?.as_slice() {
        [x, y] => Number::of(*x).zip(Number::of(*y)),
        _ => None,
    })
}

/// What a pair with an infinity or NaN adds to the products.
fn non_finite(x: Number, y: Number) -> Number {
    let both = [x, y];
    let decimal = both.iter().any(|number| matches!(number, Number::Decimal(_)));
    let infinite = |negative: bool| {
        both.iter().any(|number| {
            let number = number.to_double();
            number.is_infinite() && number.is_sign_negative() == negative
        })
    };
    let nan = both.iter().any(|number| number.is_nan()) || infinite(true) && infinite(false);
    match (nan, decimal) {
        (true, true) => Number::Decimal(Decimal::nan()),
        (true, false) => Number::Double(f64::NAN),
        (false, true) => Number::Decimal(Decimal::infinity(infinite(true))),
        (false, false) if infinite(true) => Number::Double(f64::NEG_INFINITY),
        (false, false) => Number::Double(f64::INFINITY),
    }
}

/// The difference of a number from a mean; `None` if there is no mean yet.
fn from_mean(number: Number, mean: &Average) -> Option<Number> {
    mean.value().map(|mean| number::subtract(number, mean))
}

impl Removable for State {
    fn add(&mut self, value: &Value<'_>) -> Result<()> {
        let Some((x, y)) = pair(value)? else { return Ok(()) };
        if !x.is_finite() || !y.is_finite() {
            self.products.update(non_finite(x, y), 1);
            return Ok(());
        }
        self.count += 1;
        let x_from_mean = from_mean(x, &self.x);
        self.x.update(x, 1);
        self.y.update(y, 1);
        if let (Some(x), Some(y)) = (x_from_mean, from_mean(y, &self.y)) {
            self.products.update(number::multiply(x, y), 1);
        }
        Ok(())
    }

    fn remove(&mut self, value: &Value<'_>) -> Result<()> {
        let Some((x, y)) = pair(value)? else { return Ok(()) };
        if !x.is_finite() || !y.is_finite() {
            self.products.update(non_finite(x, y), -1);
            return Ok(());
        }
        if self.count == 1 {
            *self = Self { sample: self.sample, ..Self::default() };
            return Ok(());
        }
        self.count -= 1;
        self.x.update(x, -1);
        if let (Some(x), Some(y)) = (from_mean(x, &self.x), from_mean(y, &self.y)) {
            self.products.update(number::multiply(x, y), -1);
        }
        self.y.update(y, -1);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
    fn finish(&self) -> Result<Value<'static>> {
        if self.count == 1 && !self.sample {
            return Ok(0.0.into());
        }
        let freedom = self.count - i64::from(self.sample);
        if freedom <= 0 {
            return Ok(Value::NULL);
        }
        let freedom = freedom as f64;
        Ok(match self.products.value() {
            sum @ Number::Decimal(_) => {
                number::divide(sum, Number::Double(freedom)).unwrap_or(sum).into()
            }
            sum => (sum.to_double() / freedom).into(),
        })
    }
}
