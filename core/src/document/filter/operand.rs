//! Compares values by the rules of MongoDB's queries.

use std::cmp::Ordering;
use std::sync::Arc;

use bson::Bson;
use bson::raw::{RawBson, RawBsonRef};

use super::Undecided;
use super::predicate::{OrEqual, matches};
use crate::document::key::{TextOrder, compare_by, encode, is_nan, same_type};
use crate::document::regex::Regex;

/// The operand of a comparison of order.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    operand: RawBson,
    text: Text,
}

/// The order of texts; `None` for byte by byte.
pub(super) type Text = Option<Arc<dyn TextOrder>>;

/// A set of allowed values.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// In MongoDB's order.
    values: Vec<RawBson>,
    regexes: Vec<Regex>,
    text: Text,
    /// Whether the set includes missing and undefined values, as null does.
    null: bool,
}

/// Encodes a value of a query; `None` if it is nested too deep, which no stored value is.
pub(super) fn operand(value: &Bson) -> Option<RawBson> {
    let raw = RawBson::try_from(value.clone()).ok()?;
    encode(raw.as_raw_bson_ref(), &mut Vec::new()).ok()?;
    Some(raw)
}

impl Limit {
    pub(super) fn new(operand: RawBson, text: Text) -> Self {
        Self { operand, text }
    }

    pub(super) fn is_null(&self) -> bool {
        self.operand == RawBson::Null
    }

    pub(super) fn is_min_key(&self) -> bool {
        self.operand == RawBson::MinKey
    }

    pub(super) fn is_max_key(&self) -> bool {
        self.operand == RawBson::MaxKey
    }

    /// Returns whether a value is in this order to the limit, or equal. False if the two can't be
    /// compared: their types differ (but all values lie between `MinKey` and `MaxKey`), or exactly
    /// one of them is NaN.
    pub(super) fn admits(
        &self,
        value: RawBsonRef<'_>,
        or_equal: OrEqual,
        is: fn(Ordering) -> bool,
    ) -> Result<bool, Undecided> {
        // In a query, undefined is null.
        let value = if value == RawBsonRef::Undefined { RawBsonRef::Null } else { value };
        let limit = self.operand.as_raw_bson_ref();
        if !same_type(value, limit) {
            return Ok(match limit {
                RawBsonRef::MinKey => is(Ordering::Greater),
                RawBsonRef::MaxKey => is(Ordering::Less),
                _ => false,
            });
        }
        if is_nan(value) != is_nan(limit) {
            return Ok(false);
        }
        let order = compare_by(value, limit, self.text.as_deref())?;
        Ok(is(order) || (or_equal && order.is_eq()))
    }
}

impl Options {
    pub(super) fn new(mut values: Vec<RawBson>, regexes: Vec<Regex>, text: Text) -> Self {
        values.sort_by(|a, b| {
            // Encoded values decode.
            compare_by(a.as_raw_bson_ref(), b.as_raw_bson_ref(), text.as_deref())
                .unwrap_or(Ordering::Equal)
        });
        Self { null: values.contains(&RawBson::Null), values, regexes, text }
    }

    pub(super) fn has_null(&self) -> bool {
        self.null
    }

    /// Whether the set is one value, and no expression.
    pub(super) fn is_one_value(&self) -> bool {
        self.values.len() == 1 && self.regexes.is_empty()
    }

    /// Returns whether the set includes a value. O(log n) comparisons, and a match for each
    /// expression.
    pub(super) fn include(&self, value: RawBsonRef<'_>) -> Result<bool, Undecided> {
        if self.null && value == RawBsonRef::Undefined {
            return Ok(true);
        }
        let mut range = 0..self.values.len();
        while !range.is_empty() {
            let middle = range.start + range.len() / 2;
            match compare_by(self.values[middle].as_raw_bson_ref(), value, self.text.as_deref())? {
                Ordering::Equal => return Ok(true),
                Ordering::Less => range.start = middle + 1,
                Ordering::Greater => range.end = middle,
            }
        }
        for regex in &self.regexes {
            if matches(regex, value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
