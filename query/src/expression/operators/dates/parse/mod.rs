//! `$dateFromString`: with a format, or in any form that timelib knows.
//!
//! MongoDB's server reads dates with timelib (<https://github.com/derickr/timelib>). The forms and
//! their meanings are those of its `parse_date.re`, without phrases such as `first monday of` and
//! `weekdays`, which are refused.
//!
//! | file | content |
//! | --- | --- |
//! | `parsed.rs` | the parts of a date that were read, and the date that they are |
//! | `cursor.rs` | numbers, months and zones in a text |
//! | `abbreviations.rs` | abbreviations of zones |
//! | `by_format.rs` | reads by a format |
//! | `forms.rs` | the forms of dates and times |
//! | `scanner.rs` | reads a text of such forms |

mod abbreviations;
mod by_format;
mod cursor;
mod forms;
mod parsed;
mod scanner;

use argon_core::Result;
use bson::Bson;

use super::format::check;
use super::zone::Zone;
use super::{arguments, parse::parsed::Parsed};
use crate::Code;
use crate::expression::operators::message::shown;
use crate::expression::{Compiler, Expression, Form, Refusal, Scope, Signature};
use crate::value::Value;

/// The specifiers of a format.
const SPECIFIERS: &str = "bBdGHjLmMSuVYzZ%";

static SIGNATURE: Signature = Signature {
    object: Refusal(40540, "$dateFromString only supports an object as an argument, found: "),
    unknown: Refusal(40541, "Unrecognized argument to $dateFromString: "),
    required: &[(
        "dateString",
        Refusal(40542, "Missing 'dateString' parameter to $dateFromString"),
    )],
    optional: &["format", "timezone", "onError", "onNull"],
};

/// The date of a text.
#[derive(Debug)]
struct FromString {
    text: Expression,
    format: Option<Expression>,
    timezone: Option<Expression>,
    on_error: Option<Expression>,
    on_null: Option<Expression>,
}

/// What was wrong in a text, in timelib's words.
type Problems = Vec<String>;

pub(super) fn compile(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let mut arguments = compiler.signed(argument, &SIGNATURE)?;
    let (on_null, on_error) = (arguments.pop().flatten(), arguments.pop().flatten());
    let (timezone, format) = (arguments.pop().flatten(), arguments.pop().flatten());
    let text = arguments.pop().flatten();
    let text = text.unwrap_or(Expression::Constant(bson::raw::RawBson::Null));
    Ok(Expression::Form(Box::new(FromString { text, format, timezone, on_error, on_null })))
}

impl Form for FromString {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let evaluate = |argument: &'a Option<Expression>| {
            argument.as_ref().map(|argument| argument.evaluate(scope)).transpose()
        };
        let text = self.text.evaluate(scope)?;
        let format = evaluate(&self.format)?;
        if let Some(format) = format.as_ref().filter(|format| !format.is_nullish()) {
            let format = format.as_str().ok_or_else(|| {
                Code::location(40684).error(format!(
                    "$dateFromString requires that 'format' be a string, found: {} with value {}",
                    format.type_name(),
                    shown(format)
                ))
            })?;
            check(format, SPECIFIERS)?;
        }
        let timezone = evaluate(&self.timezone)?;
        let zone = arguments::zone(timezone.as_ref())?;
        if text.is_nullish() {
            return Ok(evaluate(&self.on_null)?.unwrap_or(Value::NULL));
        }
        match date(&text, format.as_ref(), zone.as_ref()) {
            Err(error) if Code::of(&error) == Some(Code::CONVERSION_FAILURE) => {
                evaluate(&self.on_error)?.ok_or(error)
            }
            other => other,
        }
    }
}

fn date<'a>(
    text: &Value<'_>,
    format: Option<&Value<'_>>,
    zone: Option<&Zone>,
) -> Result<Value<'a>> {
    let string = text.as_str().ok_or_else(|| {
        Code::CONVERSION_FAILURE.error(format!(
            "$dateFromString requires that 'dateString' be a string, found: {} with value {}",
            text.type_name(),
            shown(text)
        ))
    })?;
    let Some(zone) = zone else { return Ok(Value::NULL) };
    match format.map(Value::as_str) {
        Some(None) => Ok(Value::NULL),
        format => from_string(string, format.flatten(), zone).map(Value::from),
    }
}

/// The date of a text, by a format or in any form; also what a conversion of a string to a date is.
///
/// # Errors
/// `ConversionFailure` if it is no date, or has a zone besides the given one.
pub(in crate::expression::operators) fn from_string(
    text: &str,
    format: Option<&str>,
    zone: &Zone,
) -> Result<bson::DateTime> {
    let parsed: std::result::Result<Parsed, Problems> = match format {
        Some(format) => by_format::parse(text, format),
        None => scanner::parse(text),
    };
    let parsed = parsed.map_err(|problems| {
        Code::CONVERSION_FAILURE
            .error(format!("Error parsing date string '{text}'; {}", problems.join("; ")))
    })?;
    parsed.date(text, zone).map(bson::DateTime::from_millis)
}
