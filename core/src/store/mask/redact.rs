//! Constants that replace redacted values.

use bson::oid::ObjectId;
use bson::raw::RawBsonRef;
use bson::spec::BinarySubtype;
use bson::{
    Binary, DateTime, RawArrayBuf, RawBson, RawDocumentBuf, RawJavaScriptCodeWithScope, Regex,
    Timestamp, cstr,
};

/// The replacement for text.
pub(super) const TEXT: &str = "[redacted]";

/// Returns the constant that replaces values of this value's type.
pub(super) fn redacted(value: RawBsonRef<'_>) -> RawBson {
    match value {
        RawBsonRef::Double(_) => RawBson::Double(0.0),
        RawBsonRef::String(_) => RawBson::String(TEXT.to_owned()),
        RawBsonRef::Symbol(_) => RawBson::Symbol(TEXT.to_owned()),
        RawBsonRef::Document(_) => RawBson::Document(RawDocumentBuf::new()),
        RawBsonRef::Array(_) => RawBson::Array(RawArrayBuf::new()),
        RawBsonRef::Binary(binary) => RawBson::Binary(no_bytes(binary.subtype)),
        RawBsonRef::Boolean(_) => RawBson::Boolean(false),
        RawBsonRef::RegularExpression(_) => RawBson::RegularExpression(Regex {
            pattern: cstr!("").to_owned(),
            options: cstr!("").to_owned(),
        }),
        RawBsonRef::JavaScriptCode(_) => RawBson::JavaScriptCode(String::new()),
        RawBsonRef::JavaScriptCodeWithScope(_) => {
            let (code, scope) = (String::new(), RawDocumentBuf::new());
            RawBson::JavaScriptCodeWithScope(RawJavaScriptCodeWithScope { code, scope })
        }
        RawBsonRef::Int32(_) => RawBson::Int32(0),
        RawBsonRef::Int64(_) => RawBson::Int64(0),
        RawBsonRef::Timestamp(_) => RawBson::Timestamp(Timestamp { time: 0, increment: 0 }),
        RawBsonRef::ObjectId(_) => RawBson::ObjectId(ObjectId::from_bytes([0; 12])),
        RawBsonRef::DateTime(_) => RawBson::DateTime(DateTime::from_millis(0)),
        RawBsonRef::Decimal128(_) => "0".parse().map_or(RawBson::Null, RawBson::Decimal128),
        RawBsonRef::Undefined => RawBson::Undefined,
        RawBsonRef::MinKey => RawBson::MinKey,
        RawBsonRef::MaxKey => RawBson::MaxKey,
        // The deprecated type can't be constructed.
        RawBsonRef::Null | RawBsonRef::DbPointer(_) => RawBson::Null,
    }
}

/// Zeros if the subtype has a fixed length, otherwise empty.
fn no_bytes(subtype: BinarySubtype) -> Binary {
    let bytes = vec![0; fixed_length(subtype).unwrap_or_default()];
    Binary { subtype, bytes }
}

/// The length of the values of a subtype, in bytes.
pub(super) fn fixed_length(subtype: BinarySubtype) -> Option<usize> {
    match subtype {
        BinarySubtype::Uuid | BinarySubtype::UuidOld | BinarySubtype::Md5 => Some(16),
        _ => None,
    }
}
