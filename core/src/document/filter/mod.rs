//! Queries: whether a document matches, exactly as MongoDB's server has it.

mod compile;
mod operand;
pub(crate) mod sight;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bson::Decimal128;
use bson::raw::{RawBsonRef, RawDocument};

pub(crate) use self::compile::{Collation, Compiler};
use self::operand::Operand;
use super::path::Path;
use super::regex::{GaveUp, Regex};
use super::walk;
use crate::Error;
use crate::key::decimal::Decimal;

/// A query, read by a [`Compiler`](super::Compiler).
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    /// All of these.
    All(Vec<Filter>),
    /// One of these at least.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// What holds at a path.
    At(Path, Predicate),
    /// What somebody else knows to judge: `$jsonSchema`.
    Judge(Arc<dyn Judge>),
}

/// Judges whole documents.
pub(crate) trait Judge: fmt::Debug + Send + Sync {
    /// Whether a document passes.
    fn passes(&self, document: &RawDocument) -> Result<bool, Undecided>;
}

/// Why it can't be said whether a document matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undecided {
    /// It does not decode.
    Malformed,
    /// A regular expression took too long.
    GaveUp,
}

/// What holds at a path: for one of the values there, or of a single value.
#[derive(Debug, Clone)]
pub(crate) enum Predicate {
    All(Vec<Predicate>),
    Not(Box<Predicate>),
    Test(Test),
}

/// A question to one value.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Exists,
    Less(Operand, OrEqual),
    Greater(Operand, OrEqual),
    In(Options),
    /// It is of one of these types, by their numbers in BSON.
    Type(BTreeSet<u8>),
    Matches(Regex),
    Modulo {
        divisor: i64,
        remainder: i64,
    },
    /// It is an array of so many elements.
    Size(i64),
    /// It is an array, with an element of which this holds.
    Element(Box<Predicate>),
    /// It is an array, with a document in it that matches.
    Document(Box<Filter>),
    Never,
}

/// Whether an order takes in what is equal.
pub(crate) type OrEqual = bool;

/// What a value may be: one of several.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(super) values: BTreeSet<Operand>,
    pub(super) patterns: Vec<Regex>,
    /// Whether a missing value, or undefined, is one of them, as null is.
    pub(super) null: bool,
}

impl Filter {
    /// Whether a document matches. O(document × query).
    pub(crate) fn matches(&self, document: &RawDocument) -> Result<bool, Undecided> {
        match self {
            Self::All(filters) => each(filters, |filter| filter.matches(document)),
            Self::Any(filters) => {
                each(filters, |filter| Ok(!filter.matches(document)?)).map(|none| !none)
            }
            Self::Not(filter) => Ok(!filter.matches(document)?),
            Self::At(path, predicate) => predicate.holds_at(document, path),
            Self::Judge(judge) => judge.passes(document),
        }
    }
}

impl Predicate {
    fn holds_at(&self, document: &RawDocument, path: &Path) -> Result<bool, Undecided> {
        match self {
            Self::All(predicates) => each(predicates, |inner| inner.holds_at(document, path)),
            Self::Not(predicate) => Ok(!predicate.holds_at(document, path)?),
            Self::Test(test) => {
                walk::any(document, path.as_slice(), test.asks_elements(), &mut |value| {
                    test.holds(value)
                })
            }
        }
    }

    /// Whether it holds of this very value.
    fn holds(&self, value: RawBsonRef<'_>) -> Result<bool, Undecided> {
        match self {
            Self::All(predicates) => each(predicates, |inner| inner.holds(value)),
            Self::Not(predicate) => Ok(!predicate.holds(value)?),
            Self::Test(test) => test.holds(Some(value)),
        }
    }
}

impl Test {
    /// Whether the elements of an array are asked as well as the array.
    fn asks_elements(&self) -> bool {
        !matches!(self, Self::Size(_) | Self::Element(_) | Self::Document(_))
    }

    fn holds(&self, value: Option<RawBsonRef<'_>>) -> Result<bool, Undecided> {
        let Some(value) = value else { return Ok(self.holds_of_nothing()) };
        match self {
            Self::Exists => Ok(true),
            Self::Less(operand, or_equal) => compare(operand, value, *or_equal, Ordering::is_lt),
            Self::Greater(operand, or_equal) => compare(operand, value, *or_equal, Ordering::is_gt),
            Self::In(options) => options.include(value),
            Self::Type(types) => Ok(types.contains(&(value.element_type() as u8))),
            Self::Matches(pattern) => matches(pattern, value),
            Self::Modulo { divisor, remainder } => {
                Ok(whole(value).is_some_and(|number| number.wrapping_rem(*divisor) == *remainder))
            }
            Self::Size(size) => Ok(match value {
                RawBsonRef::Array(array) => i64::try_from(array.into_iter().count()) == Ok(*size),
                _ => false,
            }),
            Self::Element(predicate) => in_array(value, |element| predicate.holds(element)),
            Self::Document(filter) => in_array(value, |element| match element {
                RawBsonRef::Document(document) => filter.matches(document),
                // An array is a document whose fields are its indexes.
                RawBsonRef::Array(array) => {
                    filter.matches(RawDocument::from_bytes(array.as_bytes())?)
                }
                _ => Ok(false),
            }),
            Self::Never => Ok(false),
        }
    }

    fn holds_of_nothing(&self) -> bool {
        match self {
            Self::Less(operand, true) | Self::Greater(operand, true) => operand.is_null(),
            Self::In(options) => options.null,
            _ => false,
        }
    }
}

impl Options {
    fn include(&self, value: RawBsonRef<'_>) -> Result<bool, Undecided> {
        if self.null && value == RawBsonRef::Undefined {
            return Ok(true);
        }
        if !self.values.is_empty() && self.values.contains(&Operand::of_raw(value)?) {
            return Ok(true);
        }
        Ok(!each(&self.patterns, |pattern| Ok(!matches(pattern, value)?))?)
    }
}

/// Whether the answer is yes for all.
fn each<T>(items: &[T], ask: impl Fn(&T) -> Result<bool, Undecided>) -> Result<bool, Undecided> {
    for item in items {
        if !ask(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn in_array(
    value: RawBsonRef<'_>,
    ask: impl Fn(RawBsonRef<'_>) -> Result<bool, Undecided>,
) -> Result<bool, Undecided> {
    let RawBsonRef::Array(array) = value else { return Ok(false) };
    for element in array {
        if ask(element?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compare(
    operand: &Operand,
    value: RawBsonRef<'_>,
    or_equal: OrEqual,
    is: fn(Ordering) -> bool,
) -> Result<bool, Undecided> {
    // To a query undefined is null.
    let value = if value == RawBsonRef::Undefined { RawBsonRef::Null } else { value };
    let order = operand.order_of(value)?;
    Ok(order.is_some_and(|order| is(order) || (or_equal && order.is_eq())))
}

fn matches(pattern: &Regex, value: RawBsonRef<'_>) -> Result<bool, Undecided> {
    match value {
        RawBsonRef::String(text) | RawBsonRef::Symbol(text) => {
            pattern.matches(text).map_err(|GaveUp| Undecided::GaveUp)
        }
        RawBsonRef::RegularExpression(regex) => {
            Ok(pattern.is(regex.pattern.as_str(), regex.options.as_str()))
        }
        _ => Ok(false),
    }
}

/// A number without what is behind its point; `None` for what is none, or too large.
fn whole(value: RawBsonRef<'_>) -> Option<i64> {
    const LEAST: f64 = -9_223_372_036_854_775_808.0;
    let whole = |double: f64| (LEAST..-LEAST).contains(&double).then(|| double.trunc());
    match value {
        RawBsonRef::Int32(number) => Some(number.into()),
        RawBsonRef::Int64(number) => Some(number),
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and in the range")]
        RawBsonRef::Double(double) => whole(double).map(|double| double as i64),
        RawBsonRef::Decimal128(decimal) => whole_decimal(decimal),
        _ => None,
    }
}

fn whole_decimal(decimal: Decimal128) -> Option<i64> {
    let Decimal::Finite { negative, coefficient, exponent } = Decimal::from(decimal) else {
        return None;
    };
    let power = 10_u128.checked_pow(exponent.unsigned_abs());
    let whole = match power {
        Some(power) if exponent < 0 => coefficient / power,
        // What is divided by more than it can be is less than one.
        None if exponent < 0 => 0,
        power => coefficient.checked_mul(power?)?,
    };
    let whole = i128::try_from(whole).ok()?;
    i64::try_from(if negative { -whole } else { whole }).ok()
}

impl From<Undecided> for Error {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Malformed => {
                Self::corrupt("a stored document does not decode; run `argon fsck`")
            }
            Undecided::GaveUp => Self::unsupported(
                "a regular expression took too long on a document; write one that goes back less",
            ),
        }
    }
}

impl From<bson::error::Error> for Undecided {
    fn from(_: bson::error::Error) -> Self {
        Self::Malformed
    }
}
