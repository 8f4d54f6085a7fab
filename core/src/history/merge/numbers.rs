//! The maximum of two values, and sums of numbers.

use bson::Decimal128;
use bson::spec::ElementType;

use crate::Result;
use crate::document::compare;
use crate::document::key::decimal::{Decimal, to_decimal128};
use crate::document::value::{NewValue, Value, malformed};

/// A number of one of the four types.
#[derive(Clone, Copy)]
enum Number {
    Int32(i32),
    Int64(i64),
    Double(f64),
    Decimal(Decimal),
}

/// Returns whether `a` is greater than `b`, in MongoDB's order of values; of equal values with
/// different bytes, the one with the greater type, then the greater bytes.
pub(super) fn greater(a: Value<'_>, b: Value<'_>) -> Result<bool> {
    let spelling = || (a.kind as u8, a.bytes).cmp(&(b.kind as u8, b.bytes));
    let [x, y] = [a.to_raw_bson()?, b.to_raw_bson()?];
    let order = compare(x.as_raw_bson_ref(), y.as_raw_bson_ref()).map_err(malformed)?;
    Ok(order.then_with(spelling).is_gt())
}

/// Adds the changes of both sides to the base, or to 0; or returns the reason why there is no such
/// number.
pub(super) fn sum(
    base: Option<Value<'_>>,
    ours: Value<'_>,
    theirs: Value<'_>,
) -> Result<NewValue, &'static str> {
    let number = |value| Number::of(value).ok_or("not all values are numbers");
    let base = base.map_or(Ok(Number::Int32(0)), number)?;
    let (ours, theirs) = (number(ours)?, number(theirs)?);
    let all = [ours, theirs, base];
    if all.iter().any(Number::is_decimal) {
        return sum_decimals(all);
    }
    match all.map(Number::as_integer) {
        [Some(ours), Some(theirs), Some(base)] => {
            let total = i128::from(ours) + i128::from(theirs) - i128::from(base);
            let narrow = all.iter().all(|number| matches!(number, Number::Int32(_)));
            integer(total, narrow).ok_or("the sum does not fit in 64 bits")
        }
        _ => {
            let [ours, theirs, base] = all.map(Number::to_double);
            // In this order, so that swapping the sides gives the same bits.
            let total = base + ((ours - base) + (theirs - base));
            if total.is_finite() {
                Ok(new(ElementType::Double, &total.to_le_bytes()))
            } else {
                Err("the sum is not a finite number")
            }
        }
    }
}

/// An int32 if all were and the total fits; an int64 if it fits.
fn integer(total: i128, narrow: bool) -> Option<NewValue> {
    match i32::try_from(total) {
        Ok(total) if narrow => Some(new(ElementType::Int32, &total.to_le_bytes())),
        _ => {
            let total = i64::try_from(total).ok()?;
            Some(new(ElementType::Int64, &total.to_le_bytes()))
        }
    }
}

/// ours + theirs - base, exactly, with the maximum number of decimal places.
fn sum_decimals([ours, theirs, base]: [Number; 3]) -> Result<NewValue, &'static str> {
    const TOO_LONG: &str = "the sum does not fit in the 34 digits of a decimal";
    let mut terms = vec![ours.term()?, theirs.term()?, base.term()?.negated()];
    // Ignore the decimal places of a zero, which would only lengthen the others.
    terms.retain(|term| term.coefficient != 0);
    let exponent = terms.iter().map(|term| term.exponent).min().unwrap_or(0);
    let total = terms.iter().try_fold(0_i128, |total, term| {
        let factor = 10_i128.checked_pow(term.exponent.abs_diff(exponent))?;
        total.checked_add(term.coefficient.checked_mul(factor)?)
    });
    let total = total.ok_or(TOO_LONG)?;
    let decimal = to_decimal128(total < 0, total.unsigned_abs(), exponent).ok_or(TOO_LONG)?;
    Ok(new(ElementType::Decimal128, &decimal.bytes()))
}

/// coefficient × 10^exponent
struct Term {
    coefficient: i128,
    exponent: i32,
}

impl Term {
    fn negated(self) -> Self {
        Self { coefficient: -self.coefficient, ..self }
    }
}

impl Number {
    fn of(value: Value<'_>) -> Option<Self> {
        let bytes = value.bytes;
        match value.kind {
            ElementType::Int32 => Some(Self::Int32(i32::from_le_bytes(bytes.try_into().ok()?))),
            ElementType::Int64 => Some(Self::Int64(i64::from_le_bytes(bytes.try_into().ok()?))),
            ElementType::Double => Some(Self::Double(f64::from_le_bytes(bytes.try_into().ok()?))),
            ElementType::Decimal128 => {
                let decimal = Decimal128::from_bytes(bytes.try_into().ok()?);
                Some(Self::Decimal(decimal.into()))
            }
            _ => None,
        }
    }

    fn is_decimal(&self) -> bool {
        matches!(self, Self::Decimal(_))
    }

    fn as_integer(self) -> Option<i64> {
        match self {
            Self::Int32(integer) => Some(integer.into()),
            Self::Int64(integer) => Some(integer),
            Self::Double(_) | Self::Decimal(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "as MongoDB adds an int64 to a double")]
    fn to_double(self) -> f64 {
        match self {
            Self::Int32(integer) => integer.into(),
            Self::Int64(integer) => integer as f64,
            Self::Double(double) => double,
            // Decimals are added separately.
            Self::Decimal(_) => f64::NAN,
        }
    }

    fn term(self) -> Result<Term, &'static str> {
        match self {
            Self::Int32(integer) => Ok(Term { coefficient: integer.into(), exponent: 0 }),
            Self::Int64(integer) => Ok(Term { coefficient: integer.into(), exponent: 0 }),
            Self::Double(_) => Err("a double and a decimal can't be added exactly"),
            Self::Decimal(Decimal::Finite { negative, coefficient, exponent }) => {
                // 34 digits always fit in an i128.
                let coefficient = coefficient.cast_signed();
                let coefficient = if negative { -coefficient } else { coefficient };
                Ok(Term { coefficient, exponent })
            }
            Self::Decimal(_) => Err("the sum is not a finite number"),
        }
    }
}

fn new(kind: ElementType, bytes: &[u8]) -> NewValue {
    NewValue { kind, bytes: bytes.to_vec() }
}
