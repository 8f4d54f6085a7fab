//! The hash of values that MongoDB's hashed indexes and hashed shard keys have (the server's
//! `BSONElementHasher`): the first 64 bits of an MD5.

use bson::Decimal128;
use bson::error::Error as BsonError;
use bson::raw::{RawArray, RawBsonRef, RawDocument};
use md5::{Digest, Md5};

use crate::document::key::canonical_type;
use crate::document::key::decimal::Decimal;

/// The seed of all hashes that MongoDB stores.
const SEED: i32 = 0;

/// Returns the hash of a value. Numbers of any type with the same integer part have the same;
/// missing has that of null.
///
/// # Errors
/// If the value can't be decoded.
pub fn index_hash(value: RawBsonRef<'_>) -> Result<i64, BsonError> {
    let mut md5 = Md5::new_with_prefix(SEED.to_le_bytes());
    add_value(&mut md5, None, value)?;
    let digest: [u8; 16] = md5.finalize().into();
    let (first, _) = digest.split_at(8);
    Ok(first.iter().rev().fold(0, |hash, byte| hash << 8 | i64::from(*byte)))
}

/// Adds a value: its type, the name if it is in a document or an array, and its bytes.
fn add_value(md5: &mut Md5, name: Option<&str>, value: RawBsonRef<'_>) -> Result<(), BsonError> {
    md5.update(i32::from(canonical_type(value)).to_le_bytes());
    if let Some(name) = name {
        add_cstring(md5, name);
    }
    match value {
        RawBsonRef::Document(document) => add_document(md5, document)?,
        RawBsonRef::Array(array) => add_array(md5, array)?,
        RawBsonRef::JavaScriptCodeWithScope(code) => {
            add_cstring(md5, code.code);
            add_document(md5, code.scope)?;
        }
        RawBsonRef::String(text) | RawBsonRef::Symbol(text) | RawBsonRef::JavaScriptCode(text) => {
            add_string(md5, text);
        }
        RawBsonRef::RegularExpression(regex) => {
            add_cstring(md5, regex.pattern.as_str());
            add_cstring(md5, regex.options.as_str());
        }
        RawBsonRef::Boolean(value) => md5.update([u8::from(value)]),
        RawBsonRef::ObjectId(id) => md5.update(id.bytes()),
        RawBsonRef::DateTime(date) => md5.update(date.timestamp_millis().to_le_bytes()),
        RawBsonRef::Timestamp(timestamp) => {
            md5.update(timestamp.increment.to_le_bytes());
            md5.update(timestamp.time.to_le_bytes());
        }
        RawBsonRef::Binary(_) | RawBsonRef::DbPointer(_) => add_encoded(md5, value),
        number => {
            if let Some(integer) = integer_part(number) {
                md5.update(integer.to_le_bytes());
            }
        }
    }
    Ok(())
}

fn add_document(md5: &mut Md5, document: &RawDocument) -> Result<(), BsonError> {
    for field in document {
        let (name, value) = field?;
        add_value(md5, Some(name.as_str()), value)?;
    }
    add_end(md5);
    Ok(())
}

fn add_array(md5: &mut Md5, array: &RawArray) -> Result<(), BsonError> {
    for (index, element) in array.into_iter().enumerate() {
        add_value(md5, Some(&index.to_string()), element?)?;
    }
    add_end(md5);
    Ok(())
}

/// Adds the type of the end of a document.
fn add_end(md5: &mut Md5) {
    md5.update(0_i32.to_le_bytes());
}

fn add_cstring(md5: &mut Md5, text: &str) {
    md5.update(text.as_bytes());
    md5.update([0]);
}

fn add_string(md5: &mut Md5, text: &str) {
    let length = u32::try_from(text.len() + 1).unwrap_or(u32::MAX);
    md5.update(length.to_le_bytes());
    add_cstring(md5, text);
}

/// Adds the bytes that the value has in a document.
fn add_encoded(md5: &mut Md5, value: RawBsonRef<'_>) {
    let mut document = bson::RawDocumentBuf::new();
    document.append(bson::raw::cstr!(""), value);
    // The length, the type and the name come before; the end of the document comes after.
    let bytes = document.as_bytes();
    md5.update(&bytes[6..bytes.len() - 1]);
}

/// Truncates a number to the nearest integer of 64 bits; NaN is 0. `None` for other values.
fn integer_part(value: RawBsonRef<'_>) -> Option<i64> {
    match value {
        RawBsonRef::Int32(number) => Some(number.into()),
        RawBsonRef::Int64(number) => Some(number),
        #[expect(clippy::cast_possible_truncation, reason = "out of range is the nearest integer")]
        RawBsonRef::Double(number) => Some(number as i64),
        RawBsonRef::Decimal128(number) => Some(integer_part_of_decimal(number)),
        _ => None,
    }
}

fn integer_part_of_decimal(number: Decimal128) -> i64 {
    let (negative, magnitude) = match Decimal::from(number) {
        Decimal::NaN => return 0,
        Decimal::Infinity { negative } => (negative, u128::MAX),
        Decimal::Finite { negative, coefficient, exponent } => {
            let power = 10_u128.checked_pow(exponent.unsigned_abs());
            let magnitude = match power {
                Some(power) if exponent < 0 => coefficient / power,
                // Dividing by more than any coefficient gives less than one.
                None if exponent < 0 || coefficient == 0 => 0,
                power => coefficient.saturating_mul(power.unwrap_or(u128::MAX)),
            };
            (negative, magnitude)
        }
    };
    let magnitude = i64::try_from(magnitude);
    if negative {
        magnitude.map_or(i64::MIN, |magnitude| -magnitude)
    } else {
        magnitude.unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use bson::{RawBson, rawbson};

    use super::*;

    fn hash(value: &RawBson) -> i64 {
        index_hash(value.as_raw_bson_ref()).unwrap()
    }

    fn decimal(text: &str) -> RawBson {
        RawBson::Decimal128(text.parse().unwrap())
    }

    #[test]
    fn numbers_hash_by_their_integer_part() {
        for same in [
            vec![rawbson!(5), rawbson!(5_i64), rawbson!(5.9), decimal("5.99"), decimal("50E-1")],
            vec![rawbson!(0), rawbson!(f64::NAN), rawbson!(-0.9), decimal("NaN"), decimal("1E-40")],
            vec![rawbson!(i64::MAX), rawbson!(1e300), decimal("Infinity"), decimal("1E+6000")],
            vec![rawbson!(i64::MIN), rawbson!(-1e300), decimal("-Infinity"), decimal("-1E+30")],
        ] {
            let first = hash(&same[0]);
            assert!(same.iter().all(|other| hash(other) == first), "{same:?}");
        }
        assert_ne!(hash(&rawbson!(5)), hash(&rawbson!("5")));
        assert_ne!(hash(&rawbson!(null)), hash(&rawbson!(0)));
    }

    #[test]
    fn hashes_are_those_of_mongodb() {
        // `convertShardKeyToHashed` of the server's shell.
        assert_eq!(hash(&rawbson!(1)), 5_902_408_780_260_971_510);
        assert_eq!(hash(&rawbson!(null)), 2_338_878_944_348_059_895);
    }
}
