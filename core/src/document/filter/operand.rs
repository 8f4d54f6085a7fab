//! Compares values by the rules of MongoDB's queries.

use std::cmp::Ordering;

use bson::Bson;
use bson::raw::{RawBson, RawBsonRef};

use super::Undecided;
use super::predicate::{OrEqual, matches};
use crate::document::compare;
use crate::document::key::{encode, is_nan, same_type};
use crate::document::regex::Regex;

/// The operand of a comparison of order.
#[derive(Debug, Clone)]
pub(super) struct Limit(RawBson);

/// A set of allowed values.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// In MongoDB's order.
    values: Vec<RawBson>,
    regexes: Vec<Regex>,
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
    pub(super) fn new(operand: RawBson) -> Self {
        Self(operand)
    }

    pub(super) fn is_null(&self) -> bool {
        self.0 == RawBson::Null
    }

    /// Returns whether a value is in this order to the limit, or equal. False if the two can't be
    /// compared: their types differ, or exactly one of them is NaN.
    pub(super) fn admits(
        &self,
        value: RawBsonRef<'_>,
        or_equal: OrEqual,
        is: fn(Ordering) -> bool,
    ) -> Result<bool, Undecided> {
        // In a query, undefined is null.
        let value = if value == RawBsonRef::Undefined { RawBsonRef::Null } else { value };
        let limit = self.0.as_raw_bson_ref();
        if !same_type(value, limit) || is_nan(value) != is_nan(limit) {
            return Ok(false);
        }
        let order = compare(value, limit)?;
        Ok(is(order) || (or_equal && order.is_eq()))
    }
}

impl Options {
    pub(super) fn new(mut values: Vec<RawBson>, regexes: Vec<Regex>) -> Self {
        values.sort_by(|a, b| {
            // Encoded values decode.
            compare(a.as_raw_bson_ref(), b.as_raw_bson_ref()).unwrap_or(Ordering::Equal)
        });
        Self { null: values.contains(&RawBson::Null), values, regexes }
    }

    pub(super) fn has_null(&self) -> bool {
        self.null
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
            match compare(self.values[middle].as_raw_bson_ref(), value)? {
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
