//! The types of the cells of a CSV file.

use std::sync::LazyLock;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson};
use data_encoding::HEXLOWER_PERMISSIVE;

use super::super::extjson::{excerpt, parse_decimal};
use super::csv_dates::DateLayout;

/// The types of cells whose column has no type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CellTypes {
    /// A cell is a number if it is not quoted and printing the number gives the same text;
    /// otherwise text.
    #[default]
    Auto,
    /// Like `mongoimport`: whatever can be parsed as a number is one, quoted or not.
    Mongoimport,
    /// Each cell is text.
    Strings,
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ColumnType {
    /// None was given, or `auto()`.
    Auto,
    Binary(Encoding),
    Boolean,
    Date(DateLayout),
    Decimal,
    Double,
    Int32,
    Int64,
    String,
}

/// The encoding of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Base64,
    Base32,
    Hex,
}

impl ColumnType {
    /// Parses a type of `mongoimport` after a column's name: `name(argument)`. None for an unknown
    /// type; an error for an invalid argument.
    pub(super) fn named(name: &str, argument: &str) -> Option<Result<Self, String>> {
        let plain = |kind| {
            let reason = || format!("the type {name} takes no argument; write {name}()");
            if argument.is_empty() { Ok(kind) } else { Err(reason()) }
        };
        Some(match name {
            "auto" => plain(Self::Auto),
            "boolean" => plain(Self::Boolean),
            "decimal" => plain(Self::Decimal),
            "double" => plain(Self::Double),
            "int32" => plain(Self::Int32),
            "int64" => plain(Self::Int64),
            "string" => plain(Self::String),
            "binary" => match argument {
                "base64" => Ok(Self::Binary(Encoding::Base64)),
                "base32" => Ok(Self::Binary(Encoding::Base32)),
                "hex" => Ok(Self::Binary(Encoding::Hex)),
                _ => Err("the type binary requires an encoding; write binary(base64), \
                         binary(base32) or binary(hex)"
                    .to_owned()),
            },
            "date" | "date_go" => DateLayout::of_go(argument).map(Self::Date),
            "date_ms" => DateLayout::of_microsoft(argument).map(Self::Date),
            "date_oracle" => DateLayout::of_oracle(argument).map(Self::Date),
            _ => return None,
        })
    }

    /// Parses a cell; the error says what was expected.
    pub(super) fn read(&self, text: &str, quoted: bool, types: CellTypes) -> Result<Bson, String> {
        let (value, expected) = match self {
            Self::Auto => return Ok(guess(text, quoted, types)),
            Self::String => return Ok(Bson::String(text.to_owned())),
            Self::Boolean => (boolean(text), "true, false, 1 or 0".to_owned()),
            Self::Int32 => (text.parse().ok().map(Bson::Int32), "a 32-bit integer".to_owned()),
            Self::Int64 => (text.parse().ok().map(Bson::Int64), "a 64-bit integer".to_owned()),
            Self::Double => (double(text).map(Bson::Double), "a number".to_owned()),
            Self::Decimal => (
                parse_decimal(text).map(Bson::Decimal128),
                "a decimal number of up to 34 digits".to_owned(),
            ),
            Self::Binary(encoding) => (binary(text, *encoding), format!("bytes in {encoding:?}")),
            Self::Date(layout) => {
                (layout.read(text).map(Bson::DateTime), format!("a date like {layout}"))
            }
        };
        value.ok_or_else(|| {
            format!("{}; expected {expected}", excerpt(&Bson::String(text.to_owned())))
        })
    }
}

/// Parses a cell of a column without a type.
fn guess(text: &str, quoted: bool, types: CellTypes) -> Bson {
    let number = match types {
        CellTypes::Auto if quoted => None,
        CellTypes::Auto => faithful_number(text),
        CellTypes::Mongoimport => integer(text.trim_start()).or_else(|| {
            // Digits that are out of range are text to mongoimport, not infinity.
            double(text.trim_start()).map(Bson::Double)
        }),
        CellTypes::Strings => None,
    };
    number.unwrap_or_else(|| Bson::String(text.to_owned()))
}

/// Parses a number that was meant as one: no leading zero or plus, as in a postal code or a
/// telephone number, no word such as `nan`, and no integer that a double would round.
fn faithful_number(text: &str) -> Option<Bson> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut bytes = digits.bytes();
    match (bytes.next()?, bytes.next()) {
        (b'0', Some(b'0'..=b'9')) => None,
        (b'0'..=b'9' | b'.', _) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            integer(text)
        }
        (b'0'..=b'9' | b'.', _) => double(text).map(Bson::Double),
        _ => None,
    }
}

fn integer(text: &str) -> Option<Bson> {
    let integer: i64 = text.parse().ok()?;
    Some(i32::try_from(integer).map_or(Bson::Int64(integer), Bson::Int32))
}

/// Parses a double that is not out of range.
fn double(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let out_of_range = number.is_infinite() && text.contains(|c: char| c.is_ascii_digit());
    (!out_of_range).then_some(number)
}

fn boolean(text: &str) -> Option<Bson> {
    let is = |word: &str, digit| text.eq_ignore_ascii_case(word) || text == digit;
    match (is("true", "1"), is("false", "0")) {
        (false, false) => None,
        (value, _) => Some(Bson::Boolean(value)),
    }
}

fn binary(text: &str, encoding: Encoding) -> Option<Bson> {
    let subtype = BinarySubtype::Generic;
    let bytes = match encoding {
        Encoding::Base64 => Binary::from_base64(text, subtype).ok()?.bytes,
        // Concatenated texts, each with its padding, are invalid.
        Encoding::Base32 if text.trim_end_matches('=').contains('=') => return None,
        Encoding::Base32 => BASE32.as_ref()?.decode(text.as_bytes()).ok()?,
        Encoding::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?,
    };
    Some(Bson::Binary(Binary { subtype, bytes }))
}

/// Base32 of RFC 4648 like mongoimport's: remaining bits are ignored.
static BASE32: LazyLock<Option<data_encoding::Encoding>> = LazyLock::new(|| {
    let mut specification = data_encoding::BASE32.specification();
    specification.check_trailing_bits = false;
    specification.encoding().ok()
});
