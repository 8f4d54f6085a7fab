//! Comparing values as MongoDB's queries do.

use std::cmp::Ordering;

use bson::{Bson, RawBson, RawBsonRef};

use super::Undecided;
use crate::key::encode;

/// A value of a query. It is kept as its encoding, whose order is MongoDB's order of values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operand(Vec<u8>);

impl Operand {
    /// The operand; `None` for what can't be encoded, as nothing is that was stored.
    pub(super) fn of(value: &Bson) -> Option<Self> {
        let raw = RawBson::try_from(value.clone()).ok()?;
        Self::of_raw(raw.as_raw_bson_ref()).ok()
    }

    pub(super) fn of_raw(value: RawBsonRef<'_>) -> Result<Self, Undecided> {
        let mut bytes = Vec::new();
        encode(value, &mut bytes).map_err(|_| Undecided::Malformed)?;
        Ok(Self(bytes))
    }

    pub(super) fn is_null(&self) -> bool {
        self.type_byte() == type_byte(RawBsonRef::Null)
    }

    /// The order of a value to this operand; `None` if they can't be compared: their types differ, or one
    /// of them is no number (NaN) and the other is.
    pub(super) fn order_of(&self, value: RawBsonRef<'_>) -> Result<Option<Ordering>, Undecided> {
        let value = Self::of_raw(value)?;
        if value.type_byte() != self.type_byte() || value.is_nan() != self.is_nan() {
            return Ok(None);
        }
        Ok(Some(value.cmp(self)))
    }

    fn is_nan(&self) -> bool {
        Self::of_raw(RawBsonRef::Double(f64::NAN)).is_ok_and(|nan| *self == nan)
    }

    fn type_byte(&self) -> Option<u8> {
        self.0.first().copied()
    }
}

fn type_byte(value: RawBsonRef<'_>) -> Option<u8> {
    Operand::of_raw(value).ok().and_then(|operand| operand.type_byte())
}
