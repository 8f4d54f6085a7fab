//! The arguments of query operators.

use std::collections::BTreeSet;

use bson::raw::RawBsonRef;
use bson::{Bson, Document};

use super::predicate::{Test, whole};
use crate::document::refused::Refused;
use crate::document::regex::Regex;

/// The names and numbers of types; `$type` accepts both.
const TYPES: [(&str, u8); 21] = [
    ("double", 1),
    ("string", 2),
    ("object", 3),
    ("array", 4),
    ("binData", 5),
    ("undefined", 6),
    ("objectId", 7),
    ("bool", 8),
    ("date", 9),
    ("null", 10),
    ("regex", 11),
    ("dbPointer", 12),
    ("javascript", 13),
    ("symbol", 14),
    ("javascriptWithScope", 15),
    ("int", 16),
    ("timestamp", 17),
    ("long", 18),
    ("decimal", 19),
    ("minKey", 0xFF),
    ("maxKey", 0x7F),
];

const NUMBERS: [u8; 4] = [1, 16, 18, 19];

pub(super) fn list<'q>(operator: &str, value: &'q Bson) -> Result<&'q [Bson], Refused> {
    value
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| Refused::malformed(format!("{operator} with {value}; expected a list")))
}

pub(super) fn is_true(value: &Bson) -> bool {
    match value {
        Bson::Boolean(value) => *value,
        Bson::Int32(value) => *value != 0,
        Bson::Int64(value) => *value != 0,
        Bson::Double(value) => *value != 0.0,
        Bson::Null | Bson::Undefined => false,
        _ => true,
    }
}

pub(super) fn has_text(value: &Bson) -> bool {
    match value {
        Bson::String(_) | Bson::Symbol(_) => true,
        Bson::Array(items) => items.iter().any(has_text),
        Bson::Document(document) => document.values().any(has_text),
        _ => false,
    }
}

/// Returns the first name inside a value that looks like an operator.
pub(super) fn operator_in(value: &Bson) -> Option<&str> {
    match value {
        Bson::Document(document) => document.iter().find_map(|(name, value)| {
            if is_operator(name) { Some(name.as_str()) } else { operator_in(value) }
        }),
        Bson::Array(items) => items.iter().find_map(operator_in),
        _ => None,
    }
}

/// Returns whether a name is an operator: it begins with `$`, and does not belong to a reference to
/// another document.
pub(super) fn is_operator(name: &str) -> bool {
    name.starts_with('$') && !crate::document::written::is_reference(name)
}

/// Returns whether a document contains operators rather than being a value.
pub(super) fn is_operators(document: &Document) -> bool {
    document.keys().next().is_some_and(|name| is_operator(name))
}

pub(super) fn types(value: &Bson) -> Result<BTreeSet<u8>, Refused> {
    let wanted = match value {
        Bson::Array(wanted) => wanted.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut types = BTreeSet::new();
    for wanted in wanted {
        let unknown = || match wanted {
            Bson::String(name) => Refused::unknown(format!("the type {name}")),
            other => Refused::unknown(format!("the type {other}")),
        };
        match wanted {
            Bson::String(name) if name == "number" => types.extend(NUMBERS),
            Bson::String(name) => {
                let known = TYPES.iter().find(|(known, _)| known == name);
                types.insert(known.ok_or_else(unknown)?.1);
            }
            number => {
                let number = integer(number).and_then(|number| match number {
                    -1 => Some(0xFF),
                    number => u8::try_from(number).ok(),
                });
                let known = TYPES.iter().find(|(_, known)| Some(*known) == number);
                types.insert(known.ok_or_else(unknown)?.1);
            }
        }
    }
    Ok(types)
}

pub(super) fn regex(value: &Bson, options: Option<&Bson>) -> Result<Test, Refused> {
    let options = match options {
        Some(Bson::String(options)) => Some(options.as_str()),
        Some(other) => return Err(Refused::malformed(format!("the options {other}"))),
        None => None,
    };
    let regex = match value {
        Bson::String(pattern) => Regex::compile(pattern, options.unwrap_or_default()),
        Bson::RegularExpression(regex) => {
            let own = regex.options.as_str();
            Regex::compile(regex.pattern.as_str(), options.unwrap_or(own))
        }
        other => return Err(Refused::malformed(format!("the pattern {other}"))),
    };
    regex.map(Test::Matches)
}

pub(super) fn modulo(value: &Bson) -> Result<Test, Refused> {
    let numbers = value.as_array().filter(|numbers| numbers.len() == 2);
    let numbers =
        numbers.and_then(|numbers| Some((truncated(&numbers[0])?, truncated(&numbers[1])?)));
    match numbers {
        Some((divisor, remainder)) if divisor != 0 => Ok(Test::Modulo { divisor, remainder }),
        _ => Err(Refused::malformed(format!("$mod with {value}; expected [divisor, remainder]"))),
    }
}

pub(super) fn size(value: &Bson) -> Result<Test, Refused> {
    integer(value)
        .map(Test::Size)
        .ok_or_else(|| Refused::malformed(format!("$size with {value}; expected a whole number")))
}

/// Truncates a number to an integer; `None` for other values, and numbers that are too large.
fn truncated(value: &Bson) -> Option<i64> {
    whole(match value {
        Bson::Int32(number) => RawBsonRef::Int32(*number),
        Bson::Int64(number) => RawBsonRef::Int64(*number),
        Bson::Double(number) => RawBsonRef::Double(*number),
        Bson::Decimal128(number) => RawBsonRef::Decimal128(*number),
        _ => return None,
    })
}

/// Converts a whole number of any type except decimal.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
fn integer(value: &Bson) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Bson::Int32(number) => Some((*number).into()),
        Bson::Int64(number) => Some(*number),
        Bson::Double(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
            Some(*number as i64)
        }
        _ => None,
    }
}
