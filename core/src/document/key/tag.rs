//! The first byte of every encoded value: its type, in MongoDB's order of types.

use bson::RawBsonRef;

/// A canonical type of MongoDB (`canonicalizeBSONType` in its `bsontypes.h`): types that compare by
/// value share one.
///
/// Never 0, which ends a document or an array. Gaps are reserved for future types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    MinKey = 0x08,
    Undefined = 0x10,
    Null = 0x18,
    Number = 0x20,
    Text = 0x28,
    Document = 0x30,
    Array = 0x38,
    Binary = 0x40,
    ObjectId = 0x48,
    Boolean = 0x50,
    DateTime = 0x58,
    Timestamp = 0x60,
    Regex = 0x68,
    DbPointer = 0x70,
    Code = 0x78,
    CodeWithScope = 0x80,
    MaxKey = 0xF8,
}

impl Tag {
    const ALL: [Self; 17] = [
        Self::MinKey,
        Self::Undefined,
        Self::Null,
        Self::Number,
        Self::Text,
        Self::Document,
        Self::Array,
        Self::Binary,
        Self::ObjectId,
        Self::Boolean,
        Self::DateTime,
        Self::Timestamp,
        Self::Regex,
        Self::DbPointer,
        Self::Code,
        Self::CodeWithScope,
        Self::MaxKey,
    ];

    pub(super) fn of(value: RawBsonRef<'_>) -> Self {
        match value {
            RawBsonRef::MinKey => Self::MinKey,
            RawBsonRef::Undefined => Self::Undefined,
            RawBsonRef::Null => Self::Null,
            RawBsonRef::Int32(_)
            | RawBsonRef::Int64(_)
            | RawBsonRef::Double(_)
            | RawBsonRef::Decimal128(_) => Self::Number,
            RawBsonRef::String(_) | RawBsonRef::Symbol(_) => Self::Text,
            RawBsonRef::Document(_) => Self::Document,
            RawBsonRef::Array(_) => Self::Array,
            RawBsonRef::Binary(_) => Self::Binary,
            RawBsonRef::ObjectId(_) => Self::ObjectId,
            RawBsonRef::Boolean(_) => Self::Boolean,
            RawBsonRef::DateTime(_) => Self::DateTime,
            RawBsonRef::Timestamp(_) => Self::Timestamp,
            RawBsonRef::RegularExpression(_) => Self::Regex,
            RawBsonRef::DbPointer(_) => Self::DbPointer,
            RawBsonRef::JavaScriptCode(_) => Self::Code,
            RawBsonRef::JavaScriptCodeWithScope(_) => Self::CodeWithScope,
            RawBsonRef::MaxKey => Self::MaxKey,
        }
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| *tag as u8 == byte)
    }

    /// The name of a type that MongoDB refuses as an `_id`, with its article.
    pub(super) fn refused_as_id(self) -> Option<&'static str> {
        match self {
            Self::Array => Some("an array"),
            Self::Regex => Some("a regular expression"),
            Self::Undefined => Some("undefined"),
            _ => None,
        }
    }
}
