//! Replaces values by a keyed hash: equal values stay equal, and nothing else is revealed.

use std::fmt;

use bson::oid::ObjectId;
use bson::raw::RawBsonRef;
use bson::{
    Binary, Bson, DateTime, RawBson, RawDocumentBuf, RawJavaScriptCodeWithScope, Regex, Timestamp,
};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::document::key::{self, Key};
use crate::store::mask::redact::{fixed_length, redacted};

/// The upper bound of hashed dates: seconds from 1970 to 2030.
const SECONDS: u64 = 60 * 365 * 86_400;

/// The key of all hashes. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret([u8; 32]);

impl Secret {
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest of a value for a purpose. Values that are equal in MongoDB have the same digest.
    pub(super) fn draw(&self, purpose: &str, value: RawBsonRef<'_>) -> Draw {
        let mut bytes = Vec::new();
        if key::encode(value, &mut bytes).is_err() {
            // Only for values that nest too deep, in the scope of code.
            bytes.clear();
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(purpose.as_bytes());
        hasher.update(&[0]);
        hasher.update(&bytes);
        Draw(hasher.finalize().into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let subtype = bson::spec::BinarySubtype::Generic;
        Binary { subtype, bytes: self.0.to_vec() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Binary::deserialize(deserializer)?.bytes;
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| {
            serde::de::Error::custom(format!(
                "invalid key of a mask: expected 32 bytes, found {length}"
            ))
        })
    }
}

/// Bytes that a value and the key determine, and that look random without the key.
pub(super) struct Draw([u8; 32]);

impl Draw {
    /// 64 of the bits, from one of four independent sets.
    pub(super) fn number(&self, set: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[8 * (set % 4)..][..8]);
        u64::from_le_bytes(bytes)
    }

    /// Picks an element.
    pub(super) fn pick<'a>(&self, set: usize, among: &[&'a str]) -> &'a str {
        let count = among.len().max(1) as u64;
        let at = usize::try_from(self.number(set) % count).unwrap_or_default();
        among.get(at).copied().unwrap_or_default()
    }

    /// 32 hex digits.
    pub(super) fn hex(&self) -> String {
        HEXLOWER.encode(&self.0[..16])
    }
}

/// Returns the hash of a value as a value of the same type. Strings become 32 hex digits. Equal
/// numbers stay equal, whatever their types. Numbers that fit into an int32 become one that does,
/// so a collision is likely among some 50,000 different ones; others become one of 53 bits.
pub(super) fn hashed(secret: &Secret, value: RawBsonRef<'_>) -> RawBson {
    let draw = secret.draw("hash", value);
    match value {
        RawBsonRef::String(_) => RawBson::String(draw.hex()),
        RawBsonRef::Symbol(_) => RawBson::Symbol(draw.hex()),
        RawBsonRef::Int32(_)
        | RawBsonRef::Int64(_)
        | RawBsonRef::Double(_)
        | RawBsonRef::Decimal128(_) => {
            let bits = if fits_int32(value) { 31 } else { 53 };
            number_like(value, draw.number(0) >> (64 - bits))
        }
        RawBsonRef::ObjectId(_) => {
            let mut bytes = [0; 12];
            bytes.copy_from_slice(&draw.0[..12]);
            RawBson::ObjectId(ObjectId::from_bytes(bytes))
        }
        RawBsonRef::Binary(binary) => {
            let bytes = draw.0[..fixed_length(binary.subtype).unwrap_or(32)].to_vec();
            RawBson::Binary(Binary { subtype: binary.subtype, bytes })
        }
        RawBsonRef::Boolean(_) => RawBson::Boolean(draw.number(0) & 1 == 1),
        RawBsonRef::DateTime(_) => {
            let millis = draw.number(0) % (SECONDS * 1000);
            RawBson::DateTime(DateTime::from_millis(millis.cast_signed()))
        }
        RawBsonRef::Timestamp(_) => {
            let time = u32::try_from(draw.number(0) % SECONDS).unwrap_or_default();
            RawBson::Timestamp(Timestamp { time, increment: 1 })
        }
        RawBsonRef::RegularExpression(_) => match draw.hex().try_into() {
            Ok(pattern) => {
                let options = bson::cstr!("").to_owned();
                RawBson::RegularExpression(Regex { pattern, options })
            }
            Err(_) => redacted(value),
        },
        RawBsonRef::JavaScriptCode(_) => RawBson::JavaScriptCode(draw.hex()),
        RawBsonRef::JavaScriptCodeWithScope(_) => {
            let (code, scope) = (draw.hex(), RawDocumentBuf::new());
            RawBson::JavaScriptCodeWithScope(RawJavaScriptCodeWithScope { code, scope })
        }
        _ => redacted(value),
    }
}

fn fits_int32(number: RawBsonRef<'_>) -> bool {
    // The key of a number decodes as the first type that holds it.
    Key::of_id(number).is_ok_and(|key| matches!(key.to_bson(), Bson::Int32(_)))
}

/// Converts a number to the type of another. `number` has at most 53 bits, or 31 if it stands for
/// one that fits into an int32.
pub(super) fn number_like(like: RawBsonRef<'_>, number: u64) -> RawBson {
    match like {
        RawBsonRef::Int32(_) => RawBson::Int32(i32::try_from(number).unwrap_or(i32::MAX)),
        RawBsonRef::Int64(_) => RawBson::Int64(number.cast_signed()),
        RawBsonRef::Double(_) => {
            let (high, low) = (number >> 32, number & 0xffff_ffff);
            let [high, low] = [high, low].map(|half| f64::from(u32::try_from(half).unwrap_or(0)));
            RawBson::Double(high * 4_294_967_296.0 + low)
        }
        _ => number.to_string().parse().map_or(RawBson::Null, RawBson::Decimal128),
    }
}
