//! Conditions on the bits of numbers and binary values.

use bson::Bson;
use bson::raw::RawBsonRef;

use super::predicate::whole;
use crate::document::refused::Refused;

/// A condition on bits, as the server's `BitTestMatchExpression`.
#[derive(Debug, Clone)]
pub(super) struct Bits {
    /// The positions, ascending; position 0 is the least significant bit.
    positions: Vec<u32>,
    set: bool,
    all: bool,
}

/// Compiles `$bitsAllSet` and its like: the positions are a list, a number's bits, or those of
/// binary data.
pub(super) fn compile(operator: &str, argument: &Bson) -> Result<Bits, Refused> {
    let wrong = || {
        Refused::malformed(format!(
            "{operator} with {argument}; expected a list of positions of bits, a whole number that \
             is not negative, or binary data"
        ))
    };
    let mut positions: Vec<u32> = match argument {
        Bson::Array(positions) => positions
            .iter()
            .map(|position| mask(position).and_then(|position| u32::try_from(position).ok()))
            .collect::<Option<_>>()
            .ok_or_else(wrong)?,
        Bson::Binary(binary) => (0..)
            .take(binary.bytes.len() * 8)
            .filter(|position| is_set(&binary.bytes, *position))
            .collect(),
        number => {
            let mask = mask(number).ok_or_else(wrong)?;
            (0..u64::BITS).filter(|position| mask >> position & 1 == 1).collect()
        }
    };
    positions.sort_unstable();
    positions.dedup();
    Ok(Bits { positions, set: operator.ends_with("Set"), all: operator.contains("All") })
}

/// A whole number that is not negative.
fn mask(number: &Bson) -> Option<u64> {
    match number {
        Bson::Int32(number) => u64::try_from(*number).ok(),
        Bson::Int64(number) => u64::try_from(*number).ok(),
        Bson::Double(number) if number.fract() == 0.0 => {
            u64::try_from(whole(RawBsonRef::Double(*number))?).ok()
        }
        _ => None,
    }
}

fn is_set(bytes: &[u8], position: u32) -> bool {
    bytes.get(position as usize / 8).is_some_and(|byte| byte >> (position % 8) & 1 == 1)
}

impl Bits {
    /// Returns whether the condition holds for a value: a whole number within 64 bits, whose sign
    /// extends without end, or binary data, after whose end all bits are clear.
    pub(super) fn hold(&self, value: RawBsonRef<'_>) -> bool {
        match value {
            RawBsonRef::Binary(binary) => self.test(|position| is_set(binary.bytes, position)),
            RawBsonRef::Double(number) if number.fract() != 0.0 => false,
            RawBsonRef::Decimal128(decimal) if !is_whole(decimal) => false,
            number => whole(number).is_some_and(|number| {
                self.test(|position| number >> position.min(u64::BITS - 1) & 1 == 1)
            }),
        }
    }

    fn test(&self, is_set: impl Fn(u32) -> bool) -> bool {
        let mut positions = self.positions.iter();
        if self.all {
            positions.all(|position| is_set(*position) == self.set)
        } else {
            positions.any(|position| is_set(*position) == self.set)
        }
    }
}

fn is_whole(decimal: bson::Decimal128) -> bool {
    let value = RawBsonRef::Decimal128(decimal);
    whole(value).is_some_and(|number| {
        crate::document::compare(value, RawBsonRef::Int64(number))
            .is_ok_and(std::cmp::Ordering::is_eq)
    })
}
