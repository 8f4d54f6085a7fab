//! The grammar.

use bson::raw::CString;
use bson::{Bson, Document, Regex};

use super::constructors;
use super::text::Text;
use crate::extjson::{ExtJsonError, wrappers};
use crate::validate::{InvalidDocument, MAX_DEPTH};

/// The levels that constructors and wrappers may add to the innermost value.
const WRAPPER_LEVELS: usize = 3;

/// The levels of a value that is not inside of another.
pub(super) const LEVELS: usize = MAX_DEPTH + WRAPPER_LEVELS;

pub(super) fn parse(text: &str) -> Result<Bson, ExtJsonError> {
    let mut text = Text::new(text);
    let value = value(&mut text, LEVELS)?;
    text.skip_blanks()?;
    match text.peek() {
        None => Ok(value),
        Some(_) => Err(text.unexpected("nothing more")),
    }
}

fn value(text: &mut Text<'_>, levels_left: usize) -> Result<Bson, ExtJsonError> {
    text.skip_blanks()?;
    let inner = levels_left.checked_sub(1).ok_or(InvalidDocument::TooDeep)?;
    match text.peek() {
        Some('{') => document(text, inner),
        Some('[') => {
            text.next();
            list(text, ']', inner).map(Bson::Array)
        }
        Some('"' | '\'') => text.string().map(Bson::String),
        Some('/') => {
            let at = text.at();
            let (pattern, flags) = text.regex()?;
            regex(pattern, flags).map_err(|problem| text.error_at(at, problem))
        }
        Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => number(text),
        _ => word(text, inner),
    }
}

fn document(text: &mut Text<'_>, inner: usize) -> Result<Bson, ExtJsonError> {
    let start = text.at();
    text.next();
    let mut document = Document::new();
    let mut is_wrapper = false;
    while !text.takes('}')? {
        if !document.is_empty() {
            if !text.takes(',')? {
                return Err(text.unexpected("',' or '}'"));
            }
            if text.takes('}')? {
                break;
            }
        }
        let at = text.at();
        let name = name(text)?;
        if name.contains('\0') {
            return Err(text.error_at(at, format!("the name {name:?} contains a NUL character")));
        }
        if !text.takes(':')? {
            return Err(text.unexpected(&format!("':' after the name {name:?}")));
        }
        if document.contains_key(&name) {
            return Err(text.error_at(at, format!("the field {name:?} occurs twice")));
        }
        is_wrapper |= wrappers::is_wrapper(&name);
        document.insert(name, value(text, inner)?);
    }
    if !is_wrapper {
        return Ok(Bson::Document(document));
    }
    wrappers::unwrap(document).map_err(|error| text.error_at(start, error.to_string()))
}

/// Reads the name of a field: quoted, a word, or a number.
fn name(text: &mut Text<'_>) -> Result<String, ExtJsonError> {
    text.skip_blanks()?;
    match text.peek() {
        Some('"' | '\'') => text.string(),
        Some(c) if c.is_ascii_digit() => Ok(text.number().to_owned()),
        _ => {
            let name = text.name().map(str::to_owned);
            name.ok_or_else(|| text.unexpected("the name of a field or '}'"))
        }
    }
}

/// Reads values up to a closing bracket; the opening one was read.
pub(super) fn list(
    text: &mut Text<'_>,
    end: char,
    inner: usize,
) -> Result<Vec<Bson>, ExtJsonError> {
    let mut values = Vec::new();
    while !text.takes(end)? {
        if !values.is_empty() {
            if !text.takes(',')? {
                return Err(text.unexpected(&format!("',' or '{end}'")));
            }
            if text.takes(end)? {
                break;
            }
        }
        values.push(value(text, inner)?);
    }
    Ok(values)
}

/// Reads a word: a constant or a constructor.
fn word(text: &mut Text<'_>, inner: usize) -> Result<Bson, ExtJsonError> {
    let at = text.at();
    let Some(mut name) = text.name() else { return Err(text.unexpected("a value")) };
    if name == "new" {
        text.skip_blanks()?;
        name = text.name().ok_or_else(|| text.unexpected("a constructor after 'new'"))?;
    }
    if let Some(constant) = constant(name) {
        return Ok(constant);
    }
    if !constructors::is_known(name) {
        return Err(text.error_at(at, unknown(name)));
    }
    let arguments = if text.takes('(')? { list(text, ')', inner)? } else { Vec::new() };
    constructors::value(name, &arguments).map_err(|problem| text.error_at(at, problem))
}

fn constant(name: &str) -> Option<Bson> {
    Some(match name {
        "true" => Bson::Boolean(true),
        "false" => Bson::Boolean(false),
        "null" => Bson::Null,
        "undefined" => Bson::Undefined,
        "NaN" => Bson::Double(f64::NAN),
        "Infinity" => Bson::Double(f64::INFINITY),
        _ => return None,
    })
}

fn unknown(name: &str) -> String {
    format!(
        "unknown word '{name}': expected a value; text takes quotes, and the constructors are {}",
        constructors::NAMES.join(", ")
    )
}

fn number(text: &mut Text<'_>) -> Result<Bson, ExtJsonError> {
    let at = text.at();
    let digits = text.number();
    let plain = digits.strip_prefix('+').unwrap_or(digits);
    match plain {
        "-Infinity" => return Ok(Bson::Double(f64::NEG_INFINITY)),
        "Infinity" => return Ok(Bson::Double(f64::INFINITY)),
        _ => {}
    }
    let wrong = || text.error_at(at, format!("invalid number '{digits}'"));
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        let number = i64::from_str_radix(hex, 16).map_err(|_| wrong())?;
        return Ok(integer(number));
    }
    if plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        && let Ok(number) = plain.parse::<i64>()
    {
        return Ok(integer(number));
    }
    let is_number = plain.bytes().all(|byte| byte.is_ascii_digit() || b".+-eE".contains(&byte));
    plain.parse().ok().filter(|_| is_number).map(Bson::Double).ok_or_else(wrong)
}

fn integer(number: i64) -> Bson {
    i32::try_from(number).map_or(Bson::Int64(number), Bson::Int32)
}

/// A regular expression with its flags in the order of BSON.
pub(super) fn regex(pattern: &str, flags: &str) -> Result<Bson, String> {
    let mut sorted: Vec<char> = flags.chars().collect();
    sorted.sort_unstable();
    if let Some(flag) = sorted.iter().find(|flag| !"imsxu".contains(**flag)) {
        return Err(format!(
            "unknown flag '{flag}' of a regular expression; expected i, m, s, x or u"
        ));
    }
    let text = |text: String| {
        CString::try_from(text).map_err(|_| "a regular expression with a NUL character".to_owned())
    };
    Ok(Bson::RegularExpression(Regex {
        pattern: text(pattern.to_owned())?,
        options: text(sorted.into_iter().collect())?,
    }))
}
