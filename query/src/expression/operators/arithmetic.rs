//! `$abs`, `$add`, `$ceil`, `$divide`, `$floor`, `$mod`, `$multiply`, `$round`, `$subtract`,
//! `$trunc`.

use argon_core::{Error, Result};
use bson::DateTime;
use bson::raw::RawBsonRef;

use super::numeric;
use crate::Code;
use crate::expression::{Arguments, Definition};
use crate::number::{Number, Product, Rounding, Sum, divide, modulo, round, short_text, subtract};
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$abs", Arguments::Exactly(1), |values, _| {
        numeric::apply("$abs", &values, absolute)
    }),
    Definition::function("$add", Arguments::AtLeast(0), |values, _| add(&values)),
    Definition::function("$ceil", Arguments::Exactly(1), |values, _| {
        numeric::apply("$ceil", &values, |number| Ok(to_integer(number, f64::ceil, Rounding::Up)))
    }),
    Definition::function("$divide", Arguments::Exactly(2), |values, _| quotient(&values)),
    Definition::function("$floor", Arguments::Exactly(1), |values, _| {
        numeric::apply("$floor", &values, |number| {
            Ok(to_integer(number, f64::floor, Rounding::Down))
        })
    }),
    Definition::function("$mod", Arguments::Exactly(2), |values, _| remainder(&values)),
    Definition::function("$multiply", Arguments::AtLeast(0), |values, _| multiply(&values)),
    Definition::function("$round", Arguments::Between(1, 2), |values, _| {
        round_to_places("$round", &values, Rounding::TiesToEven)
    }),
    Definition::function("$subtract", Arguments::Exactly(2), |values, _| difference(&values)),
    Definition::function("$trunc", Arguments::Between(1, 2), |values, _| {
        round_to_places("$trunc", &values, Rounding::TowardZero)
    }),
];

fn absolute(number: Number) -> Result<Number> {
    Ok(match number {
        Number::Int(number) => Number::int_or_long(i64::from(number).abs()),
        Number::Long(number) => Number::Long(
            number
                .checked_abs()
                .ok_or_else(|| Code::location(28680).error("can't take $abs of long long min"))?,
        ),
        Number::Double(number) => Number::Double(number.abs()),
        Number::Decimal(number) => Number::Decimal(number.abs()),
    })
}

fn to_integer(number: Number, of_double: fn(f64) -> f64, rounding: Rounding) -> Number {
    match number {
        Number::Double(number) => Number::Double(of_double(number)),
        Number::Decimal(number) => Number::Decimal(number.quantize_to(0, rounding)),
        integer => integer,
    }
}

/// A sum, of which one operand may be a date.
#[derive(Default)]
struct DatedSum {
    sum: Sum,
    /// The milliseconds of the date with what was added so far.
    date: Option<i64>,
}

fn add<'a>(values: &[Value<'a>]) -> Result<Value<'a>> {
    let mut sum = DatedSum::default();
    for value in values {
        if value.is_nullish() {
            return Ok(Value::NULL);
        }
        sum.add(value)?;
    }
    Ok(match sum.date {
        Some(date) => DateTime::from_millis(date).into(),
        None => sum.sum.value().into(),
    })
}

impl DatedSum {
    fn add(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(RawBsonRef::DateTime(date)) = value.get() {
            if self.date.is_some() {
                return Err(
                    Code::location(16612).error("only one date allowed in an $add expression")
                );
            }
            let before = milliseconds(self.sum.value())?;
            self.date = Some(checked(before.checked_add(date.timestamp_millis()))?);
            return Ok(());
        }
        let number = numeric::of(value).ok_or_else(|| {
            Code::TYPE_MISMATCH.error(format!(
                "$add only supports numeric or date types, not {}",
                value.type_name()
            ))
        })?;
        match self.date {
            Some(date) => self.date = Some(checked(date.checked_add(milliseconds(number)?))?),
            None => self.sum.add(number),
        }
        Ok(())
    }
}

fn checked(date: Option<i64>) -> Result<i64> {
    date.ok_or_else(date_overflow)
}

fn date_overflow() -> Error {
    Code::OVERFLOW.error("date overflow")
}

/// The number of milliseconds that a number adds to a date: rounded, a half of a double away from
/// zero, and one of a decimal to the even integer.
fn milliseconds(number: Number) -> Result<i64> {
    match number {
        Number::Int(number) => Ok(number.into()),
        Number::Long(number) => Ok(number),
        Number::Double(number) => {
            Number::Double(number.round()).exact_long().ok_or_else(date_overflow)
        }
        Number::Decimal(number) => number.to_long(Rounding::TiesToEven).ok_or_else(date_overflow),
    }
}

fn multiply<'a>(values: &[Value<'a>]) -> Result<Value<'a>> {
    let mut product = Product::default();
    for value in values {
        if value.is_nullish() {
            return Ok(Value::NULL);
        }
        product.multiply(numeric::of(value).ok_or_else(|| {
            Code::TYPE_MISMATCH
                .error(format!("$multiply only supports numeric types, not {}", value.type_name()))
        })?);
    }
    Ok(product.value().into())
}

fn difference<'a>(values: &[Value<'a>]) -> Result<Value<'a>> {
    let (a, b) = (&values[0], &values[1]);
    if let (Some(a), Some(b)) = (numeric::of(a), numeric::of(b)) {
        return Ok(subtract(a, b).into());
    }
    if a.is_nullish() || b.is_nullish() {
        return Ok(Value::NULL);
    }
    let Some(RawBsonRef::DateTime(date)) = a.get() else {
        return Err(Code::TYPE_MISMATCH.error(format!(
            "can't $subtract {} from {}",
            b.type_name(),
            a.type_name()
        )));
    };
    let date = date.timestamp_millis();
    if let Some(RawBsonRef::DateTime(other)) = b.get() {
        return Ok(checked(date.checked_sub(other.timestamp_millis()))?.into());
    }
    let number = numeric::of(b).ok_or_else(|| {
        Code::TYPE_MISMATCH.error(format!("can't $subtract {} from Date", b.type_name()))
    })?;
    let date = checked(date.checked_sub(milliseconds(number)?))?;
    Ok(DateTime::from_millis(date).into())
}

fn quotient<'a>(values: &[Value<'a>]) -> Result<Value<'a>> {
    let Some((a, b)) = two_numbers("$divide", Code::TYPE_MISMATCH, values)? else {
        return Ok(Value::NULL);
    };
    let quotient = divide(a, b).ok_or_else(|| Code::BAD_VALUE.error("can't $divide by zero"))?;
    Ok(quotient.into())
}

fn remainder<'a>(values: &[Value<'a>]) -> Result<Value<'a>> {
    let Some((a, b)) = two_numbers("$mod", Code::location(16611), values)? else {
        return Ok(Value::NULL);
    };
    let remainder = modulo(a, b).ok_or_else(|| {
        let is_decimal = [a, b].iter().any(|number| matches!(number, Number::Decimal(_)));
        let code = if is_decimal { 5_733_415 } else { 16610 };
        Code::location(code).error("can't $mod by zero")
    })?;
    Ok(remainder.into())
}

/// Two arguments that must be numbers; `None` if one is null.
fn two_numbers(name: &str, code: Code, values: &[Value<'_>]) -> Result<Option<(Number, Number)>> {
    let (a, b) = (&values[0], &values[1]);
    if let (Some(a), Some(b)) = (numeric::of(a), numeric::of(b)) {
        return Ok(Some((a, b)));
    }
    if a.is_nullish() || b.is_nullish() {
        return Ok(None);
    }
    Err(code.error(format!(
        "{name} only supports numeric types, not {} and {}",
        a.type_name(),
        b.type_name()
    )))
}

fn round_to_places<'a>(name: &str, values: &[Value<'a>], rounding: Rounding) -> Result<Value<'a>> {
    let number = &values[0];
    if number.is_nullish() {
        return Ok(Value::NULL);
    }
    let number = numeric::of(number).ok_or_else(|| {
        Code::location(51081)
            .error(format!("{name} only supports numeric types, not {}", number.type_name()))
    })?;
    let Some(places) = values.get(1).map_or(Ok(Some(0)), |places| precision(name, places))? else {
        return Ok(Value::NULL);
    };
    let rounded = round(number, places, rounding).ok_or_else(|| {
        Code::location(51080).error(format!(
            "invalid conversion from Decimal128 result in {name} resulting from arguments: [{}, \
             {places}]",
            number.to_long()
        ))
    })?;
    Ok(rounded.into())
}

/// The number of places to round to; `None` if it is null.
fn precision(name: &str, value: &Value<'_>) -> Result<Option<i32>> {
    if value.is_nullish() {
        return Ok(None);
    }
    let number = numeric::of(value).ok_or_else(|| {
        Code::location(16004)
            .error(format!("can't convert from BSON type {} to long", value.type_name()))
    })?;
    if matches!(number, Number::Double(double) if Number::Double(double.trunc()).exact_long().is_none())
    {
        return Err(Code::location(31109).error(format!(
            "Can't coerce out of range value {} to long",
            short_text(number.to_double())
        )));
    }
    let places = number.exact_int().ok_or_else(|| {
        Code::location(51082)
            .error(format!("precision argument to  {name} must be a integral value"))
    })?;
    if !(-20..=100).contains(&places) {
        return Err(Code::location(51083).error(format!(
            "cannot apply {name} with precision value {places} value must be in [-20, 100]"
        )));
    }
    Ok(Some(places))
}
