//! JSON text to BSON, in one pass that keeps field order and tells `1` from `1.0`.

use std::fmt;

use bson::document::Entry;
use bson::{Bson, Document, RawDocumentBuf};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::validate::{InvalidDocument, MAX_DEPTH, validate};
use super::error::ExtJsonError;
use super::print::excerpt;
use super::wrappers;

/// JSON levels that the innermost value may add by its wrapper: `{"$dbPointer": {"$id": {"$oid": …}}}`.
const WRAPPER_LEVELS: usize = 3;

/// Parses one value. Integers become `Int32` if they fit, else `Int64`, else `Double`; numbers with
/// a point or an exponent become `Double`. A field that occurs twice is an error.
pub fn parse_value(text: &str) -> Result<Bson, ExtJsonError> {
    parse_value_bytes(text.as_bytes())
}

/// Parses one document, and checks it against MongoDB's limits; otherwise like [`parse_value`].
pub fn parse_document(text: &str) -> Result<RawDocumentBuf, ExtJsonError> {
    parse_document_bytes(text.as_bytes())
}

/// [`parse_document`] for text that hasn't been checked to be UTF-8.
pub(in super::super) fn parse_document_bytes(text: &[u8]) -> Result<RawDocumentBuf, ExtJsonError> {
    match parse_value_bytes(text)? {
        Bson::Document(document) => {
            let raw = RawDocumentBuf::try_from(&document).map_err(InvalidDocument::from)?;
            validate(&raw)?;
            Ok(raw)
        }
        other => Err(ExtJsonError::NotADocument { found: excerpt(&other) }),
    }
}

fn parse_value_bytes(text: &[u8]) -> Result<Bson, ExtJsonError> {
    parse_nested(text, 0)
}

/// [`parse_value`] for a value that has documents so many levels deep in it, where each may be as deep
/// as any.
pub(crate) fn parse_nested(text: &[u8], levels: usize) -> Result<Bson, ExtJsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value =
        Value { left: MAX_DEPTH + WRAPPER_LEVELS + levels }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Builds a value in which so many levels may be nested.
#[derive(Clone, Copy)]
struct Value {
    left: usize,
}

impl Value {
    /// What builds the values inside this one. Stops before `serde_json`'s own limit of 128 levels
    /// does, to say what the limit is.
    fn inner<E: Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1);
        left.map(|left| Self { left }).ok_or_else(|| E::custom(InvalidDocument::TooDeep))
    }
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Bson;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Bson, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Bson;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an Extended JSON value")
    }

    fn visit_unit<E>(self) -> Result<Bson, E> {
        Ok(Bson::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Bson, E> {
        Ok(Bson::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Bson, E> {
        Ok(i32::try_from(value).map_or(Bson::Int64(value), Bson::Int32))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "integers beyond 64 bits are doubles to MongoDB"
    )]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Bson, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Ok(Bson::Double(value as f64)),
        }
    }

    fn visit_f64<E>(self, value: f64) -> Result<Bson, E> {
        Ok(Bson::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Bson, E> {
        Ok(Bson::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Bson, E> {
        Ok(Bson::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Bson, A::Error> {
        let inner = self.inner()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            array.push(element);
        }
        Ok(Bson::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Bson, A::Error> {
        let inner = self.inner()?;
        let mut document = Document::new();
        let mut wrapper = false;
        while let Some(name) = fields.next_key::<String>()? {
            wrapper |= name.starts_with('$');
            let entry = document.entry(name);
            if let Entry::Occupied(entry) = &entry {
                let name = entry.key();
                return Err(A::Error::custom(format_args!("the field {name:?} occurs twice")));
            }
            entry.or_insert(fields.next_value_seed(inner)?);
        }
        if wrapper {
            wrappers::unwrap(document).map_err(A::Error::custom)
        } else {
            Ok(Bson::Document(document))
        }
    }
}
