//! `$arrayElemAt`, `$first`, `$in`, `$indexOfArray`, `$isArray`, `$last`, `$size`, `$slice`.

use argon_core::Result;
use bson::raw::{RawArray, RawArrayBuf, RawBsonRef};

use crate::Code;
use crate::expression::{Arguments, Context, Definition};
use crate::number::Number;
use crate::value::{Value, elements, malformed};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$arrayElemAt", Arguments::Exactly(2), array_elem_at),
    Definition::function("$first", Arguments::Exactly(1), |mut values, _| {
        end("$first", values.swap_remove(0), 0)
    }),
    Definition::function("$in", Arguments::Exactly(2), |values, _| contains(&values)),
    Definition::function("$indexOfArray", Arguments::Between(2, 4), |values, _| index_of(&values)),
    Definition::function("$isArray", Arguments::Exactly(1), |values, _| {
        Ok(values[0].as_array().is_some().into())
    }),
    Definition::function("$last", Arguments::Exactly(1), |mut values, _| {
        end("$last", values.swap_remove(0), -1)
    }),
    Definition::function("$size", Arguments::Exactly(1), |values, _| size(&values)),
    Definition::function("$slice", Arguments::Between(2, 3), |values, _| slice(&values)),
];

fn array_elem_at<'a>(mut values: Vec<Value<'a>>, _: &Context) -> Result<Value<'a>> {
    let (index, array) = (values.swap_remove(1), values.swap_remove(0));
    if array.is_nullish() || index.is_nullish() {
        return Ok(Value::NULL);
    }
    if array.as_array().is_none() {
        return Err(Code::location(28689).error(format!(
            "$arrayElemAt's first argument must be an array, but is {}",
            array.type_name()
        )));
    }
    let Some(number) = index.get().and_then(Number::of) else {
        return Err(Code::location(28690).error(format!(
            "$arrayElemAt's second argument must be a numeric value, but is {}",
            index.type_name()
        )));
    };
    let Some(index) = number.exact_int() else {
        return Err(Code::location(28691).error(format!(
            "$arrayElemAt's second argument must be representable as a 32-bit integer: {}",
            number.to_double()
        )));
    };
    element(array, index)
}

fn end<'a>(name: &str, array: Value<'a>, index: i32) -> Result<Value<'a>> {
    if array.is_nullish() {
        return Ok(Value::NULL);
    }
    if array.as_array().is_none() {
        return Err(Code::location(28689)
            .error(format!("{name}'s argument must be an array, but is {}", array.type_name())));
    }
    element(array, index)
}

/// The element at an index, which counts from the end if it is negative; missing if there is none.
fn element(array: Value<'_>, index: i32) -> Result<Value<'_>> {
    match array {
        Value::Ref(RawBsonRef::Array(array)) => at(array, index),
        other => match other.as_array() {
            Some(array) => Ok(at(array, index)?.into_owned()),
            None => Ok(Value::Missing),
        },
    }
}

fn at(array: &RawArray, index: i32) -> Result<Value<'_>> {
    if let Ok(index) = usize::try_from(index) {
        return Ok(array.into_iter().nth(index).transpose().map_err(malformed)?.into());
    }
    let all = elements(array)?;
    let behind = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(all.len().checked_sub(behind).map(|index| all[index]).into())
}

fn contains(values: &[Value<'_>]) -> Result<Value<'static>> {
    let Some(array) = values[1].as_array() else {
        return Err(Code::location(40081).error(format!(
            "$in requires an array as a second argument, found: {}",
            values[1].type_name()
        )));
    };
    for element in array {
        if Value::Ref(element.map_err(malformed)?).compare(&values[0])?.is_eq() {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

fn index_of(values: &[Value<'_>]) -> Result<Value<'static>> {
    if values[0].is_nullish() {
        return Ok(Value::NULL);
    }
    let Some(array) = values[0].as_array() else {
        return Err(Code::location(40090).error(format!(
            "$indexOfArray requires an array as a first argument, found: {}",
            values[0].type_name()
        )));
    };
    let start = values.get(2).map_or(Ok(0), |value| search_bound(value, "starting"))?;
    let end = values.get(3).map_or(Ok(usize::MAX), |value| search_bound(value, "ending"))?;
    for (index, element) in array.into_iter().enumerate().take(end).skip(start) {
        if Value::Ref(element.map_err(malformed)?).compare(&values[1])?.is_eq() {
            return Ok(i32::try_from(index).unwrap_or(i32::MAX).into());
        }
    }
    Ok((-1).into())
}

fn search_bound(value: &Value<'_>, which: &str) -> Result<usize> {
    let index = value.get().and_then(Number::of).and_then(Number::exact_int).ok_or_else(|| {
        Code::location(40096).error(format!(
            "$indexOfArray requires an integral {which} index, found a value of type: {}",
            value.type_name()
        ))
    })?;
    usize::try_from(index).map_err(|_| {
        Code::location(40097)
            .error(format!("$indexOfArray requires a nonnegative {which} index, found: {index}"))
    })
}

fn size(values: &[Value<'_>]) -> Result<Value<'static>> {
    let Some(array) = values[0].as_array() else {
        return Err(Code::location(17124).error(format!(
            "The argument to $size must be an array, but was of type: {}",
            values[0].type_name()
        )));
    };
    let size = elements(array)?.len();
    Ok(i32::try_from(size).unwrap_or(i32::MAX).into())
}

fn slice(values: &[Value<'_>]) -> Result<Value<'static>> {
    if values[0].is_nullish() || values[1].is_nullish() {
        return Ok(Value::NULL);
    }
    let Some(array) = values[0].as_array() else {
        return Err(Code::location(28724).error(format!(
            "First argument to $slice must be an array, but is of type: {}",
            values[0].type_name()
        )));
    };
    let second = slice_argument(&values[1], "Second", 28725)?;
    let elements = elements(array)?;
    let size = elements.len();
    let from_end = |index: i32| size.saturating_sub(magnitude(index));
    let (start, count) = match values.get(2) {
        // The first elements, or the last.
        None if second >= 0 => (0, magnitude(second)),
        None => (from_end(second), size),
        Some(third) if third.is_nullish() => return Ok(Value::NULL),
        Some(third) => {
            let start = if second < 0 { from_end(second) } else { magnitude(second).min(size) };
            let third = slice_argument(third, "Third", 28727)?;
            if third <= 0 {
                return Err(Code::location(28729)
                    .error(format!("Third argument to $slice must be positive: {third}")));
            }
            (start, magnitude(third))
        }
    };
    let kept = elements.into_iter().skip(start).take(count);
    Ok(kept.collect::<RawArrayBuf>().into())
}

fn magnitude(number: i32) -> usize {
    usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX)
}

/// A number of a slice; `code` for what is no number, and the next for what does not fit.
fn slice_argument(value: &Value<'_>, which: &str, code: u32) -> Result<i32> {
    let Some(number) = value.get().and_then(Number::of) else {
        return Err(Code::location(code).error(format!(
            "{which} argument to $slice must be numeric, but is of type: {}",
            value.type_name()
        )));
    };
    number.exact_int().ok_or_else(|| {
        Code::location(code + 1).error(format!(
            "{which} argument to $slice can't be represented as a 32-bit integer: {}",
            number.to_double()
        ))
    })
}
