//! Intervals of values, in MongoDB's order of all values.
//!
//! An interval lies between two cuts; a cut is the place before or after all values that are equal
//! to a value. A set of intervals is sorted, and its intervals neither overlap nor touch.

use std::cmp::Ordering;

use bson::raw::RawBson;
use bson::{Bson, Document};

/// A place in the order of values.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    /// The encoding of the value, or the first byte of one: then no value is there.
    key: Vec<u8>,
    after: bool,
    /// As it is shown.
    value: Bson,
}

/// The values between two cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) low: Cut,
    pub(super) high: Cut,
}

/// A set of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Intervals(Vec<Interval>);

/// Encodes a value; `None` if it is nested too deep.
pub(super) fn encoded(value: &Bson) -> Option<Vec<u8>> {
    let raw = RawBson::try_from(value.clone()).ok()?;
    let mut key = Vec::new();
    argon_core::key::encode(raw.as_raw_bson_ref(), &mut key).ok()?;
    Some(key)
}

/// The first bytes that are greater than all that begin with these; `None` if there are none.
pub(super) fn successor(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = bytes.pop() {
        if last < u8::MAX {
            bytes.push(last + 1);
            return Some(bytes);
        }
    }
    None
}

impl Cut {
    /// Before a value; `None` if it can't be encoded.
    pub(super) fn before(value: Bson) -> Option<Self> {
        Some(Self { key: encoded(&value)?, after: false, value })
    }

    /// After a value.
    pub(super) fn after(value: Bson) -> Option<Self> {
        Some(Self { key: encoded(&value)?, after: true, value })
    }

    /// Before all values of the type of a value.
    pub(super) fn before_type(value: Bson) -> Option<Self> {
        let mut key = encoded(&value)?;
        key.truncate(1);
        Some(Self { key, after: false, value })
    }

    pub(super) fn value(&self) -> &Bson {
        &self.value
    }

    pub(super) fn is_after(&self) -> bool {
        self.after
    }

    /// The first key on the high side of the cut, in an ascending field.
    fn ascending(&self) -> Vec<u8> {
        if self.after { beyond(self.key.clone()) } else { self.key.clone() }
    }

    /// The first key on the low side of the cut, in a descending field.
    fn descending(&self) -> Vec<u8> {
        let inverted: Vec<u8> = self.key.iter().map(|byte| !byte).collect();
        if self.after { inverted } else { beyond(inverted) }
    }
}

/// [`successor`] of an encoding, whose first byte is a type and has a greater one.
fn beyond(key: Vec<u8>) -> Vec<u8> {
    successor(key).unwrap_or_else(|| vec![u8::MAX])
}

impl Ord for Cut {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.key, self.after).cmp(&(&other.key, other.after))
    }
}

impl PartialOrd for Cut {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cut {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Cut {}

impl Interval {
    /// Whether all values of the interval are equal.
    pub(super) fn is_point(&self) -> bool {
        self.low.key == self.high.key
    }

    /// The bytes with which the values begin in a key: from these on, and before those.
    pub(super) fn bytes(&self, descending: bool) -> (Vec<u8>, Vec<u8>) {
        if descending {
            (self.high.descending(), self.low.descending())
        } else {
            (self.low.ascending(), self.high.ascending())
        }
    }
}

impl Intervals {
    /// No value.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// All values.
    pub(super) fn all() -> Self {
        Self::between(Cut::before(Bson::MinKey), Cut::after(Bson::MaxKey))
    }

    /// The values that are equal to this one; all if it can't be encoded.
    pub(super) fn point(value: Bson) -> Self {
        match (Cut::before(value.clone()), Cut::after(value)) {
            (Some(low), Some(high)) => Self::of(vec![Interval { low, high }]),
            _ => Self::all(),
        }
    }

    /// The values between two cuts; all if one could not be made.
    pub(super) fn between(low: Option<Cut>, high: Option<Cut>) -> Self {
        match (low, high) {
            (Some(low), Some(high)) => Self::of(vec![Interval { low, high }]),
            // The encodings of these two are known.
            _ => Self::of(
                [Cut::before(Bson::MinKey).zip(Cut::after(Bson::MaxKey))]
                    .into_iter()
                    .flatten()
                    .map(|(low, high)| Interval { low, high })
                    .collect(),
            ),
        }
    }

    /// The values of these intervals, in any order.
    pub(super) fn of(mut intervals: Vec<Interval>) -> Self {
        intervals.retain(|interval| interval.low < interval.high);
        intervals.sort_by(|one, other| one.low.cmp(&other.low));
        let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
        for interval in intervals {
            match merged.last_mut() {
                Some(last) if interval.low <= last.high => {
                    if last.high < interval.high {
                        last.high = interval.high;
                    }
                }
                _ => merged.push(interval),
            }
        }
        Self(merged)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Interval> + DoubleEndedIterator {
        self.0.iter()
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_all(&self) -> bool {
        *self == Self::all()
    }

    /// Whether the set is a list of values.
    pub(super) fn is_points(&self) -> bool {
        self.0.iter().all(Interval::is_point)
    }

    /// The one value.
    pub(super) fn only_point(&self) -> Option<&Interval> {
        match self.0.as_slice() {
            [only] if only.is_point() => Some(only),
            _ => None,
        }
    }

    pub(super) fn union(sets: impl IntoIterator<Item = Self>) -> Self {
        Self::of(sets.into_iter().flat_map(|set| set.0).collect())
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let (mut common, mut at, mut of_other) = (Vec::new(), 0, 0);
        while let (Some(one), Some(two)) = (self.0.get(at), other.0.get(of_other)) {
            let low = one.low.clone().max(two.low.clone());
            let high = one.high.clone().min(two.high.clone());
            common.push(Interval { low, high });
            if one.high <= two.high { at += 1 } else { of_other += 1 }
        }
        Self::of(common)
    }

    pub(super) fn complement(&self) -> Self {
        let Self(all) = Self::all();
        let Some(Interval { mut low, high }) = all.into_iter().next() else { return Self::none() };
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        for interval in &self.0 {
            gaps.push(Interval { low, high: interval.low.clone() });
            low = interval.high.clone();
        }
        gaps.push(Interval { low, high });
        Self::of(gaps)
    }

    /// The values from the first to the last.
    pub(super) fn hull(&self) -> Self {
        let ends = self.0.first().zip(self.0.last());
        Self(
            ends.map(|(first, last)| Interval { low: first.low.clone(), high: last.high.clone() })
                .into_iter()
                .collect(),
        )
    }

    /// Whether the two have a common value.
    pub(super) fn meets(&self, other: &Self) -> bool {
        !self.intersection(other).is_none()
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.intersection(other) == *self
    }
}

/// Undefined and null: the values that missing fields and empty arrays have in an index.
pub(super) fn nullish() -> Intervals {
    Intervals::union([Intervals::point(Bson::Undefined), Intervals::point(Bson::Null)])
}

/// The values of the type of a value that it compares with in order; `None` for types that no
/// comparison of order has bounds for.
pub(super) fn bracket(value: &Bson) -> Option<Interval> {
    let number = Bson::Double;
    let empty = |subtype| Bson::Binary(bson::Binary { subtype, bytes: Vec::new() });
    let time = |time, increment| Bson::Timestamp(bson::Timestamp { time, increment });
    let date = |millis| Bson::DateTime(bson::DateTime::from_millis(millis));
    let id = |byte| Bson::ObjectId(bson::oid::ObjectId::from_bytes([byte; 12]));
    let first_binary = || empty(bson::spec::BinarySubtype::Generic);
    let first_document = || Bson::Document(Document::new());
    let first_array = || Bson::Array(Vec::new());
    let (low, high) = match value {
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => {
            (Cut::before(number(f64::NEG_INFINITY)), Cut::after(number(f64::INFINITY)))
        }
        Bson::String(_) | Bson::Symbol(_) => {
            (Cut::before(Bson::String(String::new())), Cut::before(first_document()))
        }
        Bson::Document(_) => (Cut::before(first_document()), Cut::before(first_array())),
        Bson::Array(_) => (Cut::before(first_array()), Cut::before(first_binary())),
        Bson::Binary(_) => (Cut::before(first_binary()), Cut::before(id(0))),
        Bson::ObjectId(_) => (Cut::before(id(0)), Cut::after(id(u8::MAX))),
        Bson::Boolean(_) => (Cut::before(false.into()), Cut::after(true.into())),
        Bson::DateTime(_) => (Cut::before(date(i64::MIN)), Cut::after(date(i64::MAX))),
        Bson::Timestamp(_) => (Cut::before(time(0, 0)), Cut::after(time(u32::MAX, u32::MAX))),
        Bson::JavaScriptCode(_) => {
            let scope = Document::new();
            let next = bson::JavaScriptCodeWithScope { code: String::new(), scope };
            (
                Cut::before(Bson::JavaScriptCode(String::new())),
                Cut::before_type(Bson::JavaScriptCodeWithScope(next)),
            )
        }
        Bson::JavaScriptCodeWithScope(_) => {
            (Cut::before_type(value.clone()), Cut::before(Bson::MaxKey))
        }
        _ => return None,
    };
    Some(Interval { low: low?, high: high? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: i32, high: i32) -> Intervals {
        Intervals::between(Cut::before(low.into()), Cut::after(high.into()))
    }

    #[test]
    fn sets_of_intervals_are_sets() {
        let both = Intervals::union([range(5, 9), range(1, 3), range(2, 4)]);
        assert_eq!(both, Intervals::union([range(1, 4), range(5, 9)]));
        assert_eq!(both.iter().len(), 2);
        assert_eq!(both.intersection(&range(3, 6)), Intervals::union([range(3, 4), range(5, 6)]));
        assert_eq!(both.complement().complement(), both);
        assert!(both.intersection(&both.complement()).is_none());
        assert!(Intervals::union([both.clone(), both.complement()]).is_all());
        assert!(range(2, 3).is_within(&both) && !range(4, 5).is_within(&both));
        assert!(range(3, 2).is_none() && Intervals::all().complement().is_none());
        assert!(Intervals::point(1.0.into()).only_point().is_some());
        assert_eq!(Intervals::point(1.into()), Intervals::point(1_i64.into()));
    }

    #[test]
    fn the_bytes_of_a_descending_field_are_those_of_an_ascending_one_the_other_way() {
        let interval = range(1, 3).0.remove(0);
        let key = |value: i32| encoded(&value.into()).unwrap();
        let inverted = |value: i32| key(value).iter().map(|byte| !byte).collect::<Vec<u8>>();
        let (from, to) = interval.bytes(false);
        let inside = |key: &Vec<u8>, from: &Vec<u8>, to: &Vec<u8>| from <= key && key < to;
        assert!([1, 2, 3].iter().all(|value| inside(&key(*value), &from, &to)));
        assert!(![0, 4].iter().any(|value| inside(&key(*value), &from, &to)));
        let (from, to) = interval.bytes(true);
        assert!([1, 2, 3].iter().all(|value| inside(&inverted(*value), &from, &to)));
        assert!(![0, 4].iter().any(|value| inside(&inverted(*value), &from, &to)));
    }
}
