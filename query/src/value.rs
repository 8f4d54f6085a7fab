//! Values of documents and expressions, as bytes.

use std::cmp::Ordering;

use argon_core::{Error, Result};
use bson::raw::{RawArray, RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};
use bson::spec::ElementType;

/// A value of a document or an expression: borrowed from where it is stored, or computed; or
/// missing, which a field that does not exist is.
#[derive(Debug, Clone, Default)]
pub enum Value<'a> {
    /// No value. A document that is made of it has no such field; in an array it becomes null.
    #[default]
    Missing,
    /// A value in a document, a constant or a variable.
    Ref(RawBsonRef<'a>),
    /// A computed value.
    Owned(RawBson),
}

impl Value<'_> {
    /// Null.
    pub const NULL: Value<'static> = Value::Ref(RawBsonRef::Null);

    /// The value; `None` if it is missing.
    pub fn get(&self) -> Option<RawBsonRef<'_>> {
        match self {
            Self::Missing => None,
            Self::Ref(value) => Some(*value),
            Self::Owned(value) => Some(value.as_raw_bson_ref()),
        }
    }

    /// The same value, borrowed from this one.
    pub fn borrowed(&self) -> Value<'_> {
        self.get().map_or(Value::Missing, Value::Ref)
    }

    /// The same value, independent of everything else.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Ref(value) => Value::Owned(to_owned(value)),
            Self::Owned(value) => Value::Owned(value),
        }
    }

    /// The same value as it is in an array: null if it is missing.
    pub fn into_bson(self) -> RawBson {
        match self {
            Self::Missing => RawBson::Null,
            Self::Ref(value) => to_owned(value),
            Self::Owned(value) => value,
        }
    }

    /// Whether the value is missing.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Whether the value is missing, null or undefined.
    pub fn is_nullish(&self) -> bool {
        matches!(self.get(), None | Some(RawBsonRef::Null | RawBsonRef::Undefined))
    }

    /// Whether the value counts as true: all but missing, null, undefined, false and zeros.
    pub fn is_true(&self) -> bool {
        match self.get() {
            None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => false,
            Some(RawBsonRef::Boolean(value)) => value,
            Some(RawBsonRef::Int32(number)) => number != 0,
            Some(RawBsonRef::Int64(number)) => number != 0,
            Some(RawBsonRef::Double(number)) => number != 0.0,
            Some(number @ RawBsonRef::Decimal128(_)) => {
                argon_core::key::compare(number, RawBsonRef::Int32(0)).is_ok_and(Ordering::is_ne)
            }
            Some(_) => true,
        }
    }

    /// Whether the value is a number of any of the four types.
    pub fn is_number(&self) -> bool {
        self.get().is_some_and(is_number)
    }

    /// The value as a string; `None` for other types.
    pub fn as_str(&self) -> Option<&str> {
        match self.get() {
            Some(RawBsonRef::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The value as an array; `None` for other types.
    pub fn as_array(&self) -> Option<&RawArray> {
        self.get().and_then(RawBsonRef::as_array)
    }

    /// The value as a document; `None` for other types.
    pub fn as_document(&self) -> Option<&RawDocument> {
        self.get().and_then(RawBsonRef::as_document)
    }

    /// The name of the type in MongoDB's messages and `$type`: `missing`, `int`, `object` …
    pub fn type_name(&self) -> &'static str {
        self.get().map_or("missing", type_name)
    }

    /// Compares in MongoDB's order of values, by the simple collation. Missing is like undefined:
    /// after `MinKey`, before null.
    ///
    /// # Errors
    /// `Corrupt` if a value can't be decoded.
    pub fn compare(&self, other: &Value<'_>) -> Result<Ordering> {
        let of = |value: &Value<'_>| value.get().is_none();
        if of(self) && of(other) {
            return Ok(Ordering::Equal);
        }
        let a = self.get().unwrap_or(RawBsonRef::Undefined);
        let b = other.get().unwrap_or(RawBsonRef::Undefined);
        argon_core::key::compare(a, b).map_err(malformed)
    }
}

impl<'a> From<RawBsonRef<'a>> for Value<'a> {
    fn from(value: RawBsonRef<'a>) -> Self {
        Self::Ref(value)
    }
}

impl<'a> From<Option<RawBsonRef<'a>>> for Value<'a> {
    fn from(value: Option<RawBsonRef<'a>>) -> Self {
        value.map_or(Self::Missing, Self::Ref)
    }
}

impl<'a> From<&'a RawDocument> for Value<'a> {
    fn from(document: &'a RawDocument) -> Self {
        Self::Ref(RawBsonRef::Document(document))
    }
}

macro_rules! owned {
    ($($of:ty),*) => {$(
        impl From<$of> for Value<'_> {
            fn from(value: $of) -> Self {
                Self::Owned(value.into())
            }
        }
    )*};
}

owned!(
    RawBson,
    RawDocumentBuf,
    RawArrayBuf,
    String,
    bool,
    i32,
    i64,
    f64,
    bson::Decimal128,
    bson::DateTime,
    bson::Timestamp
);

/// An owned copy. The conversion of `bson` sorts the options of a regular expression, and so gives a
/// different value.
pub fn to_owned(value: RawBsonRef<'_>) -> RawBson {
    match value {
        RawBsonRef::RegularExpression(regex) => RawBson::RegularExpression(bson::Regex {
            pattern: regex.pattern.to_owned(),
            options: regex.options.to_owned(),
        }),
        other => other.into(),
    }
}

/// Whether a value is a number of any of the four types.
pub fn is_number(value: RawBsonRef<'_>) -> bool {
    matches!(
        value.element_type(),
        ElementType::Int32 | ElementType::Int64 | ElementType::Double | ElementType::Decimal128
    )
}

/// The elements of an array.
///
/// # Errors
/// `Corrupt` if one can't be decoded.
pub fn elements(array: &RawArray) -> Result<Vec<RawBsonRef<'_>>> {
    array.into_iter().collect::<Result<_, _>>().map_err(malformed)
}

/// The name of a value's type in MongoDB's messages and `$type`.
pub fn type_name(value: RawBsonRef<'_>) -> &'static str {
    match value.element_type() {
        ElementType::Double => "double",
        ElementType::String => "string",
        ElementType::EmbeddedDocument => "object",
        ElementType::Array => "array",
        ElementType::Binary => "binData",
        ElementType::Undefined => "undefined",
        ElementType::ObjectId => "objectId",
        ElementType::Boolean => "bool",
        ElementType::DateTime => "date",
        ElementType::Null => "null",
        ElementType::RegularExpression => "regex",
        ElementType::DbPointer => "dbPointer",
        ElementType::JavaScriptCode => "javascript",
        ElementType::Symbol => "symbol",
        ElementType::JavaScriptCodeWithScope => "javascriptWithScope",
        ElementType::Int32 => "int",
        ElementType::Timestamp => "timestamp",
        ElementType::Int64 => "long",
        ElementType::Decimal128 => "decimal",
        ElementType::MaxKey => "maxKey",
        ElementType::MinKey => "minKey",
    }
}

/// Appends the [key](argon_core::key) of a value.
///
/// # Errors
/// `Corrupt` if the value can't be decoded.
pub(crate) fn encode(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> Result<()> {
    argon_core::key::encode(value, out).map_err(|source| {
        Error::corrupt("failed to encode a value of a document").with_source(source)
    })
}

/// The error for a stored document that can't be decoded.
pub fn malformed(source: bson::error::Error) -> Error {
    Error::corrupt("failed to decode a stored document").with_source(source)
}
