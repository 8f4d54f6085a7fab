//! `$dateToString`.

use std::fmt::Write;

use argon_core::{Error, Result};
use bson::Bson;

use super::arguments;
use super::calendar::Local;
use super::zone::Zone;
use crate::Code;
use crate::expression::operators::message::shown;
use crate::expression::{Compiler, Expression, Form, Refusal, Scope, Signature};
use crate::value::Value;

/// The format of a date in UTC.
pub(in crate::expression::operators) const ISO_UTC: &str = "%Y-%m-%dT%H:%M:%S.%LZ";
/// The format of a date in another zone.
const ISO_LOCAL: &str = "%Y-%m-%dT%H:%M:%S.%L";

/// The specifiers of a format.
const SPECIFIERS: &str = "bBdGHjLmMSwuUVYzZ%";

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

static SIGNATURE: Signature = Signature {
    object: Refusal(18629, "$dateToString only supports an object as its argument"),
    unknown: Refusal(18534, "Unrecognized argument to $dateToString: "),
    required: &[("date", Refusal(18628, "Missing 'date' parameter to $dateToString"))],
    optional: &["format", "timezone", "onNull"],
};

/// The text of a date.
#[derive(Debug)]
struct ToString {
    date: Expression,
    format: Option<Expression>,
    timezone: Option<Expression>,
    on_null: Option<Expression>,
}

pub(super) fn compile(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let mut arguments = compiler.signed(argument, &SIGNATURE)?;
    let (on_null, timezone) = (arguments.pop().flatten(), arguments.pop().flatten());
    let (format, date) = (arguments.pop().flatten(), arguments.pop().flatten());
    let date = date.unwrap_or(Expression::Constant(bson::raw::RawBson::Null));
    Ok(Expression::Form(Box::new(ToString { date, format, timezone, on_null })))
}

impl Form for ToString {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let evaluate = |argument: &'a Option<Expression>| {
            argument.as_ref().map(|argument| argument.evaluate(scope)).transpose()
        };
        let date = self.date.evaluate(scope)?;
        let given = evaluate(&self.format)?;
        if let Some(given) = given.as_ref().filter(|given| !given.is_nullish()) {
            let text = given.as_str().ok_or_else(|| {
                Code::location(18533).error(format!(
                    "$dateToString requires that 'format' be a string, found: {} with value {}",
                    given.type_name(),
                    shown(given)
                ))
            })?;
            check(text, SPECIFIERS)?;
        }
        let timezone = evaluate(&self.timezone)?;
        let zone = arguments::zone(timezone.as_ref())?;
        if date.is_nullish() {
            return Ok(evaluate(&self.on_null)?.unwrap_or(Value::NULL));
        }
        let Some(zone) = zone else { return Ok(Value::NULL) };
        let text = match &given {
            Some(given) => match given.as_str() {
                Some(text) => text,
                None => return Ok(Value::NULL),
            },
            None if zone.is_utc() => ISO_UTC,
            None => ISO_LOCAL,
        };
        Ok(format(text, arguments::date(&date)?, &zone)?.into())
    }
}

/// Refuses a format with another specifier than these.
///
/// # Errors
/// 18535 for a `%` at the end, 18536 for an unknown specifier.
pub(super) fn check(format: &str, specifiers: &str) -> Result<()> {
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        if next != '%' {
            continue;
        }
        match rest.next() {
            None => {
                return Err(Code::location(18535).error("Unmatched '%' at end of format string"));
            }
            Some(specifier) if !specifiers.contains(specifier) => {
                return Err(Code::location(18536)
                    .error(format!("Invalid format character '%{specifier}' in format string")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The text of a date in milliseconds since 1970, by a format that [`check`] accepts.
///
/// # Errors
/// 18537 for a year outside of 0 to 9999 that the format has.
pub(in crate::expression::operators) fn format(
    format: &str,
    date: i64,
    zone: &Zone,
) -> Result<String> {
    let local = zone.local(date);
    let mut text = String::with_capacity(format.len() + 8);
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        match next {
            '%' => specified(&mut text, rest.next().unwrap_or('%'), &local)?,
            other => text.push(other),
        }
    }
    Ok(text)
}

fn specified(text: &mut String, specifier: char, local: &Local) -> Result<()> {
    let month = || {
        usize::try_from(local.month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("")
    };
    let (number, width) = match specifier {
        'Y' => (local.year, 4),
        'm' => (local.month, 2),
        'd' => (local.day, 2),
        'H' => (local.hour, 2),
        'M' => (local.minute, 2),
        'S' => (local.second, 2),
        'L' => (local.millisecond, 3),
        'j' => (local.day_of_year(), 3),
        'w' => (local.weekday() + 1, 1),
        'U' => (local.week(), 2),
        'G' => (local.iso().year, 4),
        'V' => (local.iso().week, 2),
        'u' => (local.iso().day, 1),
        'b' => {
            text.push_str(&month()[..3]);
            return Ok(());
        }
        'B' => {
            text.push_str(month());
            return Ok(());
        }
        'z' => {
            let sign = if local.offset < 0 { '-' } else { '+' };
            let minutes = local.offset.abs() / 60;
            // Can't fail: the target is a string.
            let _ = write!(text, "{sign}{:02}{:02}", minutes / 60, minutes % 60);
            return Ok(());
        }
        'Z' => {
            text.push_str(&(local.offset / 60).to_string());
            return Ok(());
        }
        literal => {
            text.push(literal);
            return Ok(());
        }
    };
    if !(0..=9999).contains(&number) {
        return Err(outside(number));
    }
    // Can't fail: the target is a string.
    let _ = write!(text, "{number:0width$}");
    Ok(())
}

fn outside(number: i64) -> Error {
    Code::location(18537).error(format!(
        "Could not convert date to string: date component was outside the supported range of \
         0-9999: {number}"
    ))
}
