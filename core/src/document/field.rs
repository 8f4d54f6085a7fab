//! Finds a field without decoding those before it.

use bson::Decimal128;
use bson::oid::ObjectId;
use bson::raw::{RawBinaryRef, RawBsonRef, RawDocument};
use bson::spec::{BinarySubtype, ElementType};
use bson::{DateTime, Timestamp};

/// The bytes of the length before a document, an array or a text.
const LENGTH: usize = 4;

/// Returns the first field with this name.
///
/// The result is that of [`RawDocument::get`], which also checks the fields before it, and takes some
/// four times as long; damage to these may go unnoticed here. An array is looked for twice, because
/// only the library can make one.
///
/// # Errors
/// Those of [`RawDocument::get`].
pub fn field<'a>(
    document: &'a RawDocument,
    name: &str,
) -> Result<Option<RawBsonRef<'a>>, bson::error::Error> {
    match find(document.as_bytes(), name.as_bytes()) {
        Some(Found::Value(value)) => Ok(Some(value)),
        Some(Found::Missing) => Ok(None),
        None => document.get(name),
    }
}

enum Found<'a> {
    Value(RawBsonRef<'a>),
    Missing,
}

/// The field; `None` if it has a type that is not read here, or if the bytes are malformed.
fn find<'a>(document: &'a [u8], name: &[u8]) -> Option<Found<'a>> {
    let mut rest = document.get(LENGTH..)?;
    loop {
        let (&kind, after_kind) = rest.split_first()?;
        if kind == 0 {
            return after_kind.is_empty().then_some(Found::Missing);
        }
        let is_wanted = after_kind.get(name.len()) == Some(&0) && after_kind.starts_with(name);
        let end = if is_wanted { name.len() } else { terminator(after_kind)? };
        let value = after_kind.get(end + 1..)?;
        let kind = ElementType::from(kind)?;
        if is_wanted {
            // A name with a NUL is the name of no field.
            return decode(kind, value).filter(|_| !name.contains(&0)).map(Found::Value);
        }
        rest = value.get(size(kind, value)?..)?;
    }
}

fn terminator(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == 0)
}

/// The size of a value in bytes.
fn size(kind: ElementType, value: &[u8]) -> Option<usize> {
    let with_length = |more: usize| length(value)?.checked_add(more);
    match kind {
        ElementType::Null | ElementType::Undefined | ElementType::MinKey | ElementType::MaxKey => {
            Some(0)
        }
        ElementType::Boolean => Some(1),
        ElementType::Int32 => Some(4),
        ElementType::Double
        | ElementType::Int64
        | ElementType::DateTime
        | ElementType::Timestamp => Some(8),
        ElementType::ObjectId => Some(12),
        ElementType::Decimal128 => Some(16),
        ElementType::EmbeddedDocument
        | ElementType::Array
        | ElementType::JavaScriptCodeWithScope => with_length(0),
        ElementType::String | ElementType::JavaScriptCode | ElementType::Symbol => {
            with_length(LENGTH)
        }
        ElementType::Binary => with_length(LENGTH + 1),
        ElementType::DbPointer => with_length(LENGTH + 12),
        ElementType::RegularExpression => {
            let pattern = terminator(value)? + 1;
            Some(pattern + terminator(value.get(pattern..)?)? + 1)
        }
    }
}

fn length(value: &[u8]) -> Option<usize> {
    usize::try_from(i32::from_le_bytes(*value.first_chunk()?)).ok()
}

fn decode(kind: ElementType, value: &[u8]) -> Option<RawBsonRef<'_>> {
    let eight = || value.first_chunk::<8>().copied();
    Some(match kind {
        ElementType::Double => RawBsonRef::Double(f64::from_le_bytes(eight()?)),
        ElementType::Int64 => RawBsonRef::Int64(i64::from_le_bytes(eight()?)),
        ElementType::Int32 => RawBsonRef::Int32(i32::from_le_bytes(*value.first_chunk()?)),
        ElementType::DateTime => {
            RawBsonRef::DateTime(DateTime::from_millis(i64::from_le_bytes(eight()?)))
        }
        ElementType::Timestamp => {
            let [increment, time] = [*value.first_chunk()?, *value.get(4..)?.first_chunk()?];
            let [increment, time] = [increment, time].map(u32::from_le_bytes);
            RawBsonRef::Timestamp(Timestamp { time, increment })
        }
        ElementType::Boolean => match value.first()? {
            0 => RawBsonRef::Boolean(false),
            1 => RawBsonRef::Boolean(true),
            _ => return None,
        },
        ElementType::Null => RawBsonRef::Null,
        ElementType::ObjectId => RawBsonRef::ObjectId(ObjectId::from_bytes(*value.first_chunk()?)),
        ElementType::Decimal128 => {
            RawBsonRef::Decimal128(Decimal128::from_bytes(*value.first_chunk()?))
        }
        ElementType::Binary => {
            let bytes = value.get(LENGTH + 1..size(kind, value)?)?;
            match BinarySubtype::from(*value.get(LENGTH)?) {
                // It has a second length.
                BinarySubtype::BinaryOld => return None,
                subtype => RawBsonRef::Binary(RawBinaryRef { subtype, bytes }),
            }
        }
        ElementType::String => {
            let text = value.get(LENGTH..size(kind, value)?)?;
            let (&0, text) = text.split_last()? else { return None };
            RawBsonRef::String(std::str::from_utf8(text).ok()?)
        }
        ElementType::EmbeddedDocument => {
            RawBsonRef::Document(RawDocument::from_bytes(value.get(..length(value)?)?).ok()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use bson::raw::RawDocumentBuf;
    use bson::{Binary, Bson, JavaScriptCodeWithScope, Regex, doc};

    use super::*;

    /// A document with a field of each type, named by its number.
    fn all_types() -> RawDocumentBuf {
        let id = ObjectId::from_bytes([7; 12]);
        let fields: Vec<Bson> = vec![
            Bson::Double(1.5),
            "text".into(),
            "".into(),
            doc! { "inner": 1 }.into(),
            vec![Bson::Int32(1), Bson::Null].into(),
            Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2] }.into(),
            Binary { subtype: BinarySubtype::BinaryOld, bytes: vec![1, 2] }.into(),
            Bson::Undefined,
            id.into(),
            true.into(),
            DateTime::from_millis(-5).into(),
            Bson::Null,
            Regex { pattern: bson::cstr!("a").into(), options: bson::cstr!("i").into() }.into(),
            Bson::JavaScriptCode("f()".into()),
            Bson::Symbol("symbol".into()),
            JavaScriptCodeWithScope { code: "f()".into(), scope: doc! { "a": 1 } }.into(),
            Bson::Int32(-3),
            Timestamp { time: 7, increment: 9 }.into(),
            Bson::Int64(1 << 40),
            Bson::Decimal128("1.50".parse().unwrap()),
            Bson::MinKey,
            Bson::MaxKey,
        ];
        let numbered = fields.into_iter().enumerate();
        let document: bson::Document =
            numbered.map(|(number, value)| (number.to_string(), value)).collect();
        // The library has no way to make the last type, a reference to a document.
        let mut bytes = RawDocumentBuf::try_from(&document).unwrap().into_bytes();
        bytes.pop();
        bytes.extend_from_slice(b"\x0c22\0\x02\0\0\0c\0");
        bytes.extend_from_slice(&[[7; 12].as_slice(), &[0]].concat());
        let length = i32::try_from(bytes.len()).unwrap().to_le_bytes();
        bytes[..LENGTH].copy_from_slice(&length);
        RawDocumentBuf::from_bytes(bytes).unwrap()
    }

    #[test]
    fn a_field_of_any_type_is_that_of_the_library() {
        let document = all_types();
        let mut names: Vec<String> = (0..25).map(|number| number.to_string()).collect();
        names.extend(["", "22 ", "é"].map(str::to_owned));
        for name in names {
            assert_eq!(field(&document, &name).unwrap(), document.get(&name).unwrap(), "{name}");
        }
    }

    #[test]
    fn the_first_of_two_fields_counts() {
        let mut document = RawDocumentBuf::new();
        document.append(bson::cstr!("ab"), 1);
        document.append(bson::cstr!("a"), 2);
        document.append(bson::cstr!("a"), 3);
        assert_eq!(field(&document, "a").unwrap(), Some(RawBsonRef::Int32(2)));
    }

    #[test]
    fn a_damaged_document_gives_an_error_or_a_value_but_no_panic() {
        let document = all_types();
        for at in LENGTH..document.as_bytes().len() - 1 {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = document.as_bytes().to_vec();
                damaged[at] = byte;
                let damaged = RawDocument::from_bytes(&damaged).unwrap();
                for name in ["0", "5", "22", "none"] {
                    if let Ok(library) = damaged.get(name) {
                        // NaN is not equal to itself.
                        let found = field(damaged, name).unwrap();
                        assert_eq!(format!("{found:?}"), format!("{library:?}"));
                    } else {
                        let _ = field(damaged, name);
                    }
                }
            }
        }
    }
}
