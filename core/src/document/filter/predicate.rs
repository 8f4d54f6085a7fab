//! Conditions on the values at a path.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use bson::Decimal128;
use bson::raw::{RawBsonRef, RawDocument};

use super::bits::Bits;
use super::operand::{Limit, Options};
use super::{Environment, Filter, Undecided};
use crate::document::key::decimal::Decimal;
use crate::document::path::Name;
use crate::document::regex::{GaveUp, Regex};
use crate::document::walk;

/// A condition at a path: on one of the values there, or on a single value.
#[derive(Debug, Clone)]
pub(super) enum Predicate {
    All(Vec<Predicate>),
    Not(Box<Predicate>),
    Test(Test),
}

/// A condition on one value.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Exists,
    Less(Limit, OrEqual),
    Greater(Limit, OrEqual),
    In(Options),
    /// Its type is one of these numbers in BSON.
    Type(BTreeSet<u8>),
    Matches(Regex),
    Modulo {
        divisor: i64,
        remainder: i64,
    },
    Bits(Bits),
    /// An array with this number of elements.
    Size(i64),
    /// An array with an element that satisfies this.
    Element(Box<Predicate>),
    /// An array with a document that matches.
    Document(Box<Filter>),
    Never,
}

/// Whether a comparison of order includes equality.
pub(super) type OrEqual = bool;

impl Predicate {
    pub(super) fn holds_at(
        &self,
        document: &RawDocument,
        path: &[Name],
        environment: Environment<'_>,
    ) -> Result<bool, Undecided> {
        match self {
            Self::All(predicates) => {
                each(predicates, |inner| inner.holds_at(document, path, environment))
            }
            Self::Not(predicate) => Ok(!predicate.holds_at(document, path, environment)?),
            Self::Test(test) => walk::any(document, path, test.asks_elements(), &mut |value| {
                test.holds(value, environment)
            }),
        }
    }

    /// Returns whether the condition holds for this value.
    pub(super) fn holds(
        &self,
        value: RawBsonRef<'_>,
        environment: Environment<'_>,
    ) -> Result<bool, Undecided> {
        match self {
            Self::All(predicates) => each(predicates, |inner| inner.holds(value, environment)),
            Self::Not(predicate) => Ok(!predicate.holds(value, environment)?),
            Self::Test(test) => test.holds(Some(value), environment),
        }
    }

    /// Returns whether the paths of element queries are unambiguous in all values at a path.
    pub(super) fn sees_at(&self, document: &RawDocument, path: &[Name]) -> Result<bool, Undecided> {
        let blind = walk::any(document, path, false, &mut |value| {
            value.map_or(Ok(false), |value| self.is_blind(value))
        })?;
        Ok(!blind)
    }

    /// Returns whether the paths of an element query are ambiguous in this value.
    fn is_blind(&self, value: RawBsonRef<'_>) -> Result<bool, Undecided> {
        match self {
            Self::All(predicates) => {
                each(predicates, |inner| Ok(!inner.is_blind(value)?)).map(|all| !all)
            }
            Self::Not(predicate) => predicate.is_blind(value),
            Self::Test(Test::Element(inner)) => in_array(value, |element| inner.is_blind(element)),
            Self::Test(Test::Document(filter)) => in_array(value, |element| {
                as_document(element)?.map_or(Ok(false), |inner| Ok(!filter.sees(inner)?))
            }),
            Self::Test(_) => Ok(false),
        }
    }
}

impl Test {
    /// Returns whether the condition also applies to the elements of an array.
    pub(super) fn asks_elements(&self) -> bool {
        !matches!(self, Self::Size(_) | Self::Element(_) | Self::Document(_))
    }

    pub(super) fn holds(
        &self,
        value: Option<RawBsonRef<'_>>,
        environment: Environment<'_>,
    ) -> Result<bool, Undecided> {
        let Some(value) = value else { return Ok(self.holds_of_nothing()) };
        match self {
            Self::Exists => Ok(true),
            Self::Less(limit, or_equal) => limit.admits(value, *or_equal, Ordering::is_lt),
            Self::Greater(limit, or_equal) => limit.admits(value, *or_equal, Ordering::is_gt),
            Self::In(options) => options.include(value),
            Self::Type(types) => Ok(types.contains(&(value.element_type() as u8))),
            Self::Matches(regex) => matches(regex, value),
            Self::Modulo { divisor, remainder } => {
                Ok(whole(value).is_some_and(|number| number.wrapping_rem(*divisor) == *remainder))
            }
            Self::Bits(bits) => Ok(bits.hold(value)),
            Self::Size(size) => Ok(match value {
                RawBsonRef::Array(array) => i64::try_from(array.into_iter().count()) == Ok(*size),
                _ => false,
            }),
            Self::Element(_) | Self::Document(_) => {
                in_array(value, |element| self.holds_for_element(element, environment))
            }
            Self::Never => Ok(false),
        }
    }

    /// Returns whether an element satisfies the query of `$elemMatch`.
    pub(super) fn holds_for_element(
        &self,
        element: RawBsonRef<'_>,
        environment: Environment<'_>,
    ) -> Result<bool, Undecided> {
        match self {
            Self::Element(predicate) => predicate.holds(element, environment),
            Self::Document(filter) => as_document(element)?
                .map_or(Ok(false), |inner| filter.matches_in(inner, environment)),
            _ => Ok(false),
        }
    }

    fn holds_of_nothing(&self) -> bool {
        match self {
            Self::Less(limit, or_equal) => (*or_equal && limit.is_null()) || limit.is_max_key(),
            Self::Greater(limit, or_equal) => (*or_equal && limit.is_null()) || limit.is_min_key(),
            Self::In(options) => options.has_null(),
            _ => false,
        }
    }
}

/// Returns whether the answer is true for all items.
pub(super) fn each<T>(
    items: &[T],
    ask: impl Fn(&T) -> Result<bool, Undecided>,
) -> Result<bool, Undecided> {
    for item in items {
        if !ask(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns whether a value is an array with an element for which the answer is true.
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

/// Returns a value as a document: an array's fields are its indexes.
pub(super) fn as_document(value: RawBsonRef<'_>) -> Result<Option<&RawDocument>, Undecided> {
    Ok(match value {
        RawBsonRef::Document(document) => Some(document),
        RawBsonRef::Array(array) => Some(RawDocument::from_bytes(array.as_bytes())?),
        _ => None,
    })
}

/// Returns whether a value is text that matches, or an equal expression.
pub(super) fn matches(regex: &Regex, value: RawBsonRef<'_>) -> Result<bool, Undecided> {
    match value {
        RawBsonRef::String(text) | RawBsonRef::Symbol(text) => {
            regex.matches(text).map_err(|GaveUp| Undecided::GaveUp)
        }
        RawBsonRef::RegularExpression(stored) => {
            Ok(regex.is(stored.pattern.as_str(), stored.options.as_str()))
        }
        _ => Ok(false),
    }
}

/// Truncates a number to an integer; `None` for other values, and numbers that are too large.
pub(super) fn whole(value: RawBsonRef<'_>) -> Option<i64> {
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
        // Dividing by more than any coefficient gives less than one.
        None if exponent < 0 => 0,
        power => coefficient.checked_mul(power?)?,
    };
    let whole = i128::try_from(whole).ok()?;
    i64::try_from(if negative { -whole } else { whole }).ok()
}
