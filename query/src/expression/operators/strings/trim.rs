//! `$trim`, `$ltrim`, `$rtrim`.

use argon_core::Result;

use crate::Code;
use crate::expression::operators::message::shown;
use crate::expression::{Context, Refusal, Signature};
use crate::value::Value;

/// What is trimmed without `chars`: the list of MongoDB's documentation.
const WHITESPACE: &str = "\0 \t\n\x0b\x0c\r\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\
                          \u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}";

macro_rules! trim_signature {
    ($name:literal) => {
        Signature {
            object: Refusal(
                50696,
                concat!($name, " only supports an object as an argument, found "),
            ),
            unknown: Refusal(50694, concat!($name, " found an unknown argument: ")),
            required: &[("input", Refusal(50695, concat!($name, " requires an 'input' field")))],
            optional: &["chars"],
        }
    };
}

pub(super) static BOTH: Signature = trim_signature!("$trim");
pub(super) static LEFT: Signature = trim_signature!("$ltrim");
pub(super) static RIGHT: Signature = trim_signature!("$rtrim");

pub(super) fn both<'a>(values: Vec<Option<Value<'a>>>, _: &Context) -> Result<Value<'a>> {
    trim("$trim", values, |text, chars| text.trim_matches(|c| chars.contains(c)))
}

pub(super) fn left<'a>(values: Vec<Option<Value<'a>>>, _: &Context) -> Result<Value<'a>> {
    trim("$ltrim", values, |text, chars| text.trim_start_matches(|c| chars.contains(c)))
}

pub(super) fn right<'a>(values: Vec<Option<Value<'a>>>, _: &Context) -> Result<Value<'a>> {
    trim("$rtrim", values, |text, chars| text.trim_end_matches(|c| chars.contains(c)))
}

fn trim<'a>(
    name: &str,
    mut values: Vec<Option<Value<'a>>>,
    apply: for<'t> fn(&'t str, &str) -> &'t str,
) -> Result<Value<'a>> {
    let chars = values.pop().flatten();
    let input = values.pop().flatten().unwrap_or_default();
    if input.is_nullish() {
        return Ok(Value::NULL);
    }
    let wrong = |code, what: &str, value: &Value<'_>| {
        Code::location(code).error(format!(
            "{name} requires {what} to be a string, got {} (of type {}) instead.",
            shown(value),
            value.type_name()
        ))
    };
    let text = input.as_str().ok_or_else(|| wrong(50699, "its input", &input))?;
    let trimmed = match &chars {
        None => apply(text, WHITESPACE),
        Some(chars) if chars.is_nullish() => return Ok(Value::NULL),
        Some(chars) => apply(text, chars.as_str().ok_or_else(|| wrong(50700, "'chars'", chars))?),
    };
    Ok(trimmed.to_owned().into())
}
