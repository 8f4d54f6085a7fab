//! Concatenation, case, splitting and replacement. Case is that of ASCII, as on MongoDB's server.

use std::cmp::Ordering;

use argon_core::Result;
use bson::raw::RawArrayBuf;

use super::coerce::to_string;
use crate::Code;
use crate::expression::operators::message::shown;
use crate::expression::{Context, Refusal, Signature};
use crate::value::Value;

macro_rules! replacement_signature {
    ($name:literal) => {
        Signature {
            object: Refusal(51751, concat!($name, " requires an object as an argument, found: ")),
            unknown: Refusal(51750, concat!($name, " found an unknown argument: ")),
            required: &[
                ("input", Refusal(51749, concat!($name, " requires 'input' to be specified"))),
                ("find", Refusal(51748, concat!($name, " requires 'find' to be specified"))),
                (
                    "replacement",
                    Refusal(51747, concat!($name, " requires 'replacement' to be specified")),
                ),
            ],
            optional: &[],
        }
    };
}

pub(super) static REPLACE_ONE: Signature = replacement_signature!("$replaceOne");
pub(super) static REPLACE_ALL: Signature = replacement_signature!("$replaceAll");

pub(super) fn concat<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    let mut text = String::new();
    for value in values {
        if value.is_nullish() {
            return Ok(Value::NULL);
        }
        let Some(part) = value.as_str() else {
            return Err(Code::location(16702)
                .error(format!("$concat only supports strings, not {}", value.type_name())));
        };
        text.push_str(part);
    }
    Ok(text.into())
}

pub(super) fn to_lower<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    Ok(to_string(&values[0])?.to_ascii_lowercase().into())
}

pub(super) fn to_upper<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    Ok(to_string(&values[0])?.to_ascii_uppercase().into())
}

pub(super) fn compare_ignoring_case<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    let (a, b) = (to_string(&values[0])?, to_string(&values[1])?);
    let upper = |text: &str| text.to_ascii_uppercase();
    Ok(match upper(&a).cmp(&upper(&b)) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
    .into())
}

pub(super) fn split<'a>(values: &[Value<'_>]) -> Result<Value<'a>> {
    let [text, separator] = values else { return Ok(Value::NULL) };
    if text.is_nullish() || separator.is_nullish() {
        return Ok(Value::NULL);
    }
    let wrong = |code, position, value: &Value<'_>| {
        Code::location(code).error(format!(
            "$split requires an expression that evaluates to a string as a {position} argument, \
             found: {}",
            value.type_name()
        ))
    };
    let text = text.as_str().ok_or_else(|| wrong(40085, "first", text))?;
    let separator = separator.as_str().ok_or_else(|| wrong(40086, "second", separator))?;
    if separator.is_empty() {
        return Err(Code::location(40087).error("$split requires a non-empty separator"));
    }
    let mut parts = RawArrayBuf::new();
    text.split(separator).for_each(|part| parts.push(part));
    Ok(parts.into())
}

pub(super) fn replace_one<'a>(values: Vec<Option<Value<'a>>>, _: &Context) -> Result<Value<'a>> {
    replace("$replaceOne", values, |text, find, by| text.replacen(find, by, 1))
}

/// An empty text to find is at each position, as on MongoDB's server; there it is also within
/// characters of more than one byte.
pub(super) fn replace_all<'a>(values: Vec<Option<Value<'a>>>, _: &Context) -> Result<Value<'a>> {
    replace("$replaceAll", values, |text, find, by| text.replace(find, by))
}

fn replace<'a>(
    name: &str,
    values: Vec<Option<Value<'a>>>,
    apply: fn(&str, &str, &str) -> String,
) -> Result<Value<'a>> {
    let values: Vec<_> = values.into_iter().map(Option::unwrap_or_default).collect();
    let names = [("input", 51746), ("find", 51745), ("replacement", 51744)];
    for ((argument, code), value) in names.into_iter().zip(&values) {
        if !value.is_nullish() && value.as_str().is_none() {
            return Err(Code::location(code).error(format!(
                "{name} requires that '{argument}' be a string, found: {}",
                shown(value)
            )));
        }
    }
    let texts: Option<Vec<_>> = values.iter().map(Value::as_str).collect();
    Ok(match texts.as_deref() {
        Some([text, find, by]) => apply(text, find, by).into(),
        _ => Value::NULL,
    })
}
