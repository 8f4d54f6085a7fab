//! Parses JSON text to BSON, in one pass that keeps field order and distinguishes `1` from `1.0`.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use bson::raw::{CString, RawArrayBuf, RawBson, RawDocumentBuf};
use bson::{Bson, Document};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::validate::{InvalidDocument, MAX_DEPTH, MAX_DOCUMENT_BYTES, validate};
use super::error::ExtJsonError;
use super::print::excerpt;
use super::wrappers;

/// The JSON levels that a wrapper may add to the innermost value: `{"$dbPointer": {"$id": {"$oid":
/// …}}}`.
const WRAPPER_LEVELS: usize = 3;

/// The maximum size in bytes of BSON before it is checked. A document is larger while the base64 of
/// its bytes is read; a line of a patch has a document on each side.
const MAX_BYTES: usize = 4 * MAX_DOCUMENT_BYTES;

/// The treatment of a field that occurs twice in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DoubledNames {
    /// An error: a person who wrote it made a mistake.
    #[default]
    Refuse,
    /// Both are kept, as BSON allows.
    Keep,
}

/// Whether the numbers of a document have the types that somebody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberTypes {
    /// At least one number names its type (`$numberInt`, `$numberLong`, `$numberDouble`), or the format has
    /// types, as BSON.
    Named,
    /// Every type follows from how a number is written: relaxed Extended JSON does not tell an int32 from
    /// an int64.
    Inferred,
}

/// Parses one value. Integers become `Int32` if they fit, otherwise `Int64`, otherwise `Double`;
/// numbers with a point or an exponent become `Double`. A field that occurs twice is an error.
pub fn parse_value(text: &str) -> Result<Bson, ExtJsonError> {
    parse_nested(text.as_bytes(), 0)
}

/// Parses one document, and checks MongoDB's limits; otherwise like [`parse_value`].
pub fn parse_document(text: &str) -> Result<RawDocumentBuf, ExtJsonError> {
    parse_typed_document(text).map(|(document, _)| document)
}

/// [`parse_document`] that also returns whether the text names the types of numbers.
pub fn parse_typed_document(text: &str) -> Result<(RawDocumentBuf, NumberTypes), ExtJsonError> {
    parse_document_bytes(text.as_bytes(), DoubledNames::Refuse)
}

/// [`parse_typed_document`] for text whose UTF-8 is unchecked.
pub(in super::super) fn parse_document_bytes(
    text: &[u8],
    doubled: DoubledNames,
) -> Result<(RawDocumentBuf, NumberTypes), ExtJsonError> {
    match parse_raw(text, 0, doubled)? {
        (RawBson::Document(document), types) => {
            validate(&document)?;
            Ok((document, types))
        }
        (other, _) => {
            let found = Bson::try_from(other).map_err(InvalidDocument::from)?;
            Err(ExtJsonError::NotADocument { found: excerpt(&found) })
        }
    }
}

/// [`parse_value`] for a value that nests documents at this number of levels, each of which may
/// have the maximum depth.
pub fn parse_nested(text: &[u8], levels: usize) -> Result<Bson, ExtJsonError> {
    let (raw, _) = parse_raw(text, levels, DoubledNames::Refuse)?;
    Ok(Bson::try_from(raw).map_err(InvalidDocument::from)?)
}

/// [`parse_nested`] that keeps what a tree of documents can't represent, such as a repeated name.
pub(super) fn parse_raw(
    text: &[u8],
    levels: usize,
    doubled: DoubledNames,
) -> Result<(RawBson, NumberTypes), ExtJsonError> {
    let text = without_negative_zeros(text);
    let mut deserializer = serde_json::Deserializer::from_slice(&text);
    let left = MAX_DEPTH + WRAPPER_LEVELS + levels;
    let named = Cell::new(0);
    let value = Value { left, doubled, named: &named }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, if named.get() > 0 { NumberTypes::Named } else { NumberTypes::Inferred }))
}

/// The text with a blank instead of the sign of each integer `-0`: an integer has no such sign, but
/// `serde_json` parses it as the double `-0.0`.
fn without_negative_zeros(text: &[u8]) -> Cow<'_, [u8]> {
    let mut text = Cow::Borrowed(text);
    let (mut in_string, mut at) = (false, 0);
    if !text.windows(2).enumerate().any(|(at, _)| is_negative_zero(&text, at)) {
        return text;
    }
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            b'-' if !in_string && is_negative_zero(&text, at) => text.to_mut()[at] = b' ',
            _ => {}
        }
        at += 1;
    }
    text
}

/// Returns whether the number here is exactly `-0`, and not the exponent of another.
fn is_negative_zero(text: &[u8], at: usize) -> bool {
    let digit_or_more = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E');
    text[at..].starts_with(b"-0")
        && !text.get(at + 2).is_some_and(digit_or_more)
        && !matches!(text[..at].last(), Some(b'e' | b'E'))
}

/// Builds a value in which this number of levels may be nested.
#[derive(Clone, Copy)]
struct Value<'n> {
    left: usize,
    doubled: DoubledNames,
    /// The number of numbers so far that name their types.
    named: &'n Cell<usize>,
}

impl Value<'_> {
    /// Refuses a value that is too large before more of it is read.
    fn check_size<E: Error>(bytes: usize) -> Result<(), E> {
        if bytes > MAX_BYTES { Err(E::custom(InvalidDocument::TooLarge { bytes })) } else { Ok(()) }
    }

    /// Returns the builder of inner values. Stops before `serde_json`'s own limit of 128 levels, in
    /// order to report the limit.
    fn inner<E: Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1);
        left.map(|left| Self { left, ..self }).ok_or_else(|| E::custom(InvalidDocument::TooDeep))
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = RawBson;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawBson, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = RawBson;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an Extended JSON value")
    }

    fn visit_unit<E>(self) -> Result<RawBson, E> {
        Ok(RawBson::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawBson, E> {
        Ok(RawBson::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawBson, E> {
        Ok(i32::try_from(value).map_or(RawBson::Int64(value), RawBson::Int32))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "MongoDB treats integers beyond 64 bits as doubles."
    )]
    fn visit_u64<E: Error>(self, value: u64) -> Result<RawBson, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Ok(RawBson::Double(value as f64)),
        }
    }

    fn visit_f64<E>(self, value: f64) -> Result<RawBson, E> {
        Ok(RawBson::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawBson, E> {
        Ok(RawBson::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<RawBson, E> {
        Ok(RawBson::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<RawBson, A::Error> {
        let inner = self.inner()?;
        let mut array = RawArrayBuf::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            array.push(element);
            Self::check_size(array.as_bytes().len())?;
        }
        Ok(RawBson::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<RawBson, A::Error> {
        let inner = self.inner()?;
        let named_before = self.named.get();
        let mut document = RawDocumentBuf::new();
        let mut names = HashSet::new();
        let mut wrapper = false;
        while let Some(name) = fields.next_key::<String>()? {
            wrapper |= wrappers::is_wrapper(&name);
            let key = CString::try_from(name.as_str()).map_err(|_| {
                A::Error::custom(format_args!("the name {name:?} contains a NUL character"))
            })?;
            if self.doubled == DoubledNames::Refuse && names.contains(&name) {
                return Err(A::Error::custom(format_args!("the field {name:?} occurs twice")));
            }
            if self.doubled == DoubledNames::Refuse {
                names.insert(name);
            }
            document.append(key, fields.next_value_seed(inner)?);
            Self::check_size(document.as_bytes().len())?;
        }
        if !wrapper {
            return Ok(document.into());
        }
        let value = unwrap(document).map_err(A::Error::custom)?;
        match value {
            RawBson::Int32(_) | RawBson::Int64(_) => self.named.set(named_before + 1),
            // JSON has no other way to write those that are not finite.
            RawBson::Double(number) if number.is_finite() => self.named.set(named_before + 1),
            // Relaxed Extended JSON writes the milliseconds of some dates as $numberLong.
            RawBson::DateTime(_) => self.named.set(named_before),
            _ => {}
        }
        Ok(value)
    }
}

/// Returns the value of an object with a `$` name; the object itself if it is not a wrapper.
fn unwrap(document: RawDocumentBuf) -> Result<RawBson, InvalidWrapper> {
    let tree = Document::try_from(document.as_ref())?;
    let doubled = tree.len() < document.iter().count();
    match wrappers::unwrap(tree)? {
        Bson::Document(_) => Ok(document.into()),
        _ if doubled => Err(InvalidWrapper::DoubledName),
        value => Ok(RawBson::try_from(value)?),
    }
}

/// The reason why an object can't be unwrapped.
#[derive(Debug, thiserror::Error)]
enum InvalidWrapper {
    #[error(transparent)]
    Content(#[from] wrappers::WrapperError),
    #[error("a field of a wrapper occurs twice")]
    DoubledName,
    #[error(transparent)]
    Bson(#[from] bson::error::Error),
}
