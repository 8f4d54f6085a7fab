//! Conversions to numbers.

use argon_core::Result;
use bson::raw::RawBsonRef;

use super::binary::{self, ByteOrder};
use super::{failure, overflow, text_of, unreadable};
use crate::number::{
    Decimal, Number, ParseError, Rounding, parse_decimal, parse_double, parse_int, parse_long,
    short_text,
};
use crate::value::Value;

pub(super) fn to_double<'a>(value: RawBsonRef<'_>, order: ByteOrder) -> Result<Option<Value<'a>>> {
    Ok(Some(match value {
        RawBsonRef::Boolean(value) => f64::from(value).into(),
        RawBsonRef::String(text) => parse(text, parse_double)?.into(),
        RawBsonRef::DateTime(date) => Number::Long(date.timestamp_millis()).to_double().into(),
        RawBsonRef::Binary(binary) => binary::to_double(binary, order)?.into(),
        RawBsonRef::Decimal128(number) => decimal_to_double(number.into())?.into(),
        value => match Number::of(value) {
            Some(number) => number.to_double().into(),
            None => return Ok(None),
        },
    }))
}

pub(super) fn to_int<'a>(value: RawBsonRef<'_>, order: ByteOrder) -> Result<Option<Value<'a>>> {
    Ok(Some(match value {
        RawBsonRef::Boolean(value) => i32::from(value).into(),
        RawBsonRef::String(text) => parse(text, parse_int)?.into(),
        RawBsonRef::Binary(binary) => binary::to_int(binary, order)?.into(),
        RawBsonRef::Int64(number) => {
            // The server does not name a number of 64 bits.
            i32::try_from(number).map_err(|_| overflow(""))?.into()
        }
        value => match Number::of(value) {
            Some(number) => {
                let long = integer_part(number)?;
                i32::try_from(long).map_err(|_| overflow(number_text(number)))?.into()
            }
            None => return Ok(None),
        },
    }))
}

pub(super) fn to_long<'a>(value: RawBsonRef<'_>, order: ByteOrder) -> Result<Option<Value<'a>>> {
    Ok(Some(match value {
        RawBsonRef::Boolean(value) => i64::from(value).into(),
        RawBsonRef::String(text) => parse(text, parse_long)?.into(),
        RawBsonRef::DateTime(date) => date.timestamp_millis().into(),
        RawBsonRef::Binary(binary) => binary::to_long(binary, order)?.into(),
        value => match Number::of(value) {
            Some(number) => integer_part(number)?.into(),
            None => return Ok(None),
        },
    }))
}

pub(super) fn to_decimal<'a>(value: RawBsonRef<'_>) -> Result<Option<Value<'a>>> {
    let decimal = match value {
        RawBsonRef::Boolean(value) => Decimal::from(i64::from(value)),
        RawBsonRef::DateTime(date) => Decimal::from(date.timestamp_millis()),
        value => match (text_of(value), Number::of(value)) {
            (Some(text), _) => parse(text, parse_decimal)?,
            (None, Some(number)) => number.to_decimal(),
            (None, None) => return Ok(None),
        },
    };
    Ok(Some(Number::Decimal(decimal).into()))
}

/// The number without what is after its point.
///
/// # Errors
/// A conversion failure if it is not a number of 64 bits.
pub(super) fn integer_part(number: Number) -> Result<i64> {
    if number.is_nan() {
        return Err(failure(
            "Attempt to convert NaN value to integer type in $convert with no onError value",
        ));
    }
    if !number.is_finite() {
        return Err(failure(
            "Attempt to convert infinity value to integer type in $convert with no onError value",
        ));
    }
    let integer = match number {
        Number::Double(double) => Number::Double(double.trunc()).exact_long(),
        Number::Decimal(decimal) => decimal.to_long(Rounding::TowardZero),
        integer => Some(integer.to_long()),
    };
    integer.ok_or_else(|| overflow(number_text(number)))
}

fn number_text(number: Number) -> String {
    match number {
        Number::Int(number) => number.to_string(),
        Number::Long(number) => number.to_string(),
        Number::Double(number) => short_text(number),
        Number::Decimal(number) => number.to_string(),
    }
}

fn decimal_to_double(decimal: Decimal) -> Result<f64> {
    let double = decimal.to_double();
    let is_too_large = double.is_infinite() && decimal.is_finite();
    // A subnormal double has lost digits.
    let is_too_small = !decimal.is_zero()
        && double.abs() < f64::MIN_POSITIVE
        && !Decimal::from_double_in_full(double).equals(decimal);
    if is_too_large || is_too_small {
        return Err(overflow(decimal));
    }
    Ok(double)
}

fn parse<N>(text: &str, parse: fn(&str) -> Result<N, ParseError>) -> Result<N> {
    if text.starts_with("0x") {
        return Err(failure(format!(
            "Illegal hexadecimal input in $convert with no onError value: {text}"
        )));
    }
    parse(text).map_err(|reason| unreadable("number", text, &reason.to_string()))
}
