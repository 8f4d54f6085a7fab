//! Lengths, positions and substrings, in bytes and in code points.

use argon_core::{Error, Result};

use super::coerce::to_string;
use crate::Code;
use crate::expression::operators::message::shown;
use crate::number::Number;
use crate::value::Value;

pub(super) fn length_in_bytes<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    length("$strLenBytes", 34473, &values[0], str::len)
}

pub(super) fn length_in_code_points<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    length("$strLenCP", 34471, &values[0], |text| text.chars().count())
}

fn length<'a>(
    name: &str,
    code: u32,
    value: &Value<'_>,
    measure: fn(&str) -> usize,
) -> Result<Value<'a>> {
    let text = value.as_str().ok_or_else(|| {
        Code::location(code)
            .error(format!("{name} requires a string argument, found: {}", value.type_name()))
    })?;
    Ok(int(measure(text)).into())
}

/// A length or position in a string, which is shorter than 2 GiB.
fn int(position: usize) -> i32 {
    i32::try_from(position).unwrap_or(i32::MAX)
}

pub(super) fn index_of_bytes<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    let Some(search) = Search::of("$indexOfBytes", (40091, 40092), values)? else {
        return Ok(Value::NULL);
    };
    let Search { text, token, start, end } = search;
    let (text, token) = (text.as_bytes(), token.as_bytes());
    let end = end.unwrap_or(text.len()).min(text.len());
    let found = text.get(start..end).and_then(|range| match token {
        [] => Some(0),
        token => range.windows(token.len()).position(|window| window == token),
    });
    Ok(found.map_or(-1, |position| int(start + position)).into())
}

/// A token that begins before the end may reach beyond it, and an empty one is not found at the end
/// of the text, as on MongoDB's server (`ExpressionIndexOfCP` in `expression.cpp`).
pub(super) fn index_of_code_points<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    let Some(search) = Search::of("$indexOfCP", (40093, 40094), values)? else {
        return Ok(Value::NULL);
    };
    let Search { text, token, start, end } = search;
    if text.is_empty() && token.is_empty() && start == 0 {
        return Ok(0.into());
    }
    let starts = text.char_indices().enumerate().skip(start);
    let mut starts = starts.take_while(|(index, _)| end.is_none_or(|end| *index < end));
    let found = starts.find(|(_, (byte, _))| text[*byte..].starts_with(token));
    Ok(found.map_or(-1, |(index, _)| int(index)).into())
}

/// The arguments of a search.
struct Search<'v> {
    text: &'v str,
    token: &'v str,
    start: usize,
    end: Option<usize>,
}

impl<'v> Search<'v> {
    /// `None` if the text is null.
    fn of(name: &str, codes: (u32, u32), values: &'v [Value<'_>]) -> Result<Option<Self>> {
        let wrong = |code, position, value: &Value<'_>| {
            Code::location(code).error(format!(
                "{name} requires a string as the {position} argument, found: {}",
                value.type_name()
            ))
        };
        let [text, token, bounds @ ..] = values else { return Ok(None) };
        if text.is_nullish() {
            return Ok(None);
        }
        let text = text.as_str().ok_or_else(|| wrong(codes.0, "first", text))?;
        let token = token.as_str().ok_or_else(|| wrong(codes.1, "second", token))?;
        let bound = |index: usize, what| {
            bounds.get(index).map(|value| bound(name, what, value)).transpose()
        };
        let start = bound(0, "starting index")?.unwrap_or(0);
        Ok(Some(Self { text, token, start, end: bound(1, "ending index")? }))
    }
}

fn bound(name: &str, what: &str, value: &Value<'_>) -> Result<usize> {
    let Some(number) = value.get().and_then(Number::of).and_then(Number::exact_int) else {
        return Err(Code::location(40096).error(format!(
            "{name}requires an integral {what}, found a value of type: {}, with value: {}",
            value.type_name(),
            shown(value)
        )));
    };
    usize::try_from(number).map_err(|_| {
        Code::location(40097)
            .error(format!("{name} requires a nonnegative {what}, found: {number}"))
    })
}

pub(super) fn substring_of_bytes<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    let error = |code, problem: String| -> Error {
        Code::location(code).error(format!("$substrBytes:  {problem}"))
    };
    let text = to_string(&values[0])?;
    let number = |value: &Value<'_>, code, what| {
        value.get().and_then(Number::of).map(Number::to_long).ok_or_else(|| {
            let found = value.type_name();
            error(code, format!("{what} must be a numeric type (is BSON type {found})"))
        })
    };
    let start = number(&values[1], 16034, "starting index")?;
    let length = number(&values[2], 16035, "length")?;
    let Ok(start) = usize::try_from(start) else {
        return Err(error(50752, format!("starting index must be non-negative (got: {start})")));
    };
    // A negative length is the rest.
    let end = usize::try_from(length).map_or(text.len(), |length| start.saturating_add(length));
    let inside = |at: usize| at < text.len() && !text.is_char_boundary(at);
    if inside(start) {
        let problem = "Invalid range, starting index is a UTF-8 continuation byte.";
        return Err(error(28656, problem.to_owned()));
    }
    if inside(end) {
        let problem = "Invalid range, ending index is in the middle of a UTF-8 character.";
        return Err(error(28657, problem.to_owned()));
    }
    Ok(text.get(start..end.min(text.len())).unwrap_or_default().to_owned().into())
}

pub(super) fn substring_of_code_points<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    let error = |code, problem: String| -> Error {
        Code::location(code).error(format!("$substrCP: {problem}"))
    };
    let text = to_string(&values[0])?;
    let number = |value: &Value<'_>, code, what| {
        let number = value.get().and_then(Number::of).ok_or_else(|| {
            let found = value.type_name();
            error(code, format!("{what} must be a numeric type (is BSON type {found})"))
        })?;
        number.exact_int().ok_or_else(|| {
            let found = shown(value);
            error(
                code + 1,
                format!("{what} cannot be represented as a 32-bit integral value: {found}"),
            )
        })
    };
    let start = number(&values[1], 34450, "starting index")?;
    let length = number(&values[2], 34452, "length")?;
    let Ok(length) = usize::try_from(length) else {
        return Err(error(34454, "length must be a nonnegative integer.".to_owned()));
    };
    let Ok(start) = usize::try_from(start) else {
        return Err(error(34455, "the starting index must be nonnegative integer.".to_owned()));
    };
    Ok(text.chars().skip(start).take(length).collect::<String>().into())
}
