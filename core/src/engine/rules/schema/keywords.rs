//! The keywords whose answers depend on the differences between BSON and JSON.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use bson::{Bson, RawBson, RawBsonRef};
use jsonschema::{Keyword, ValidationError};

use super::instance::BsonValues;
use super::patterns::{Fields, Text};
use crate::document::compare;
use crate::document::key::{encode, is_nan};

/// A keyword of a schema.
#[derive(Debug)]
pub(super) enum Rule {
    /// `bsonType` or `type`: the allowed types.
    Types(Vec<Type>),
    /// `enum`.
    OneOf(BTreeSet<Canonical>),
    /// `uniqueItems: true`.
    UniqueItems,
    /// `minimum` or `maximum`.
    Bound(Bound),
    /// `pattern`.
    Text(Text),
    /// `patternProperties` and `additionalProperties`.
    Fields(Fields),
}

/// A limit of numbers.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) limit: Bson,
    /// Whether the limit is a minimum; otherwise a maximum.
    pub(super) least: bool,
    /// Whether the limit itself is excluded.
    pub(super) exclusive: bool,
}

/// A type, by its name in a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Any of the four numeric types.
    Number,
    /// One of MongoDB's aliases.
    Named(&'static str),
}

/// MongoDB's aliases of types, except `number`.
const ALIASES: [&str; 21] = [
    "double",
    "string",
    "object",
    "array",
    "binData",
    "undefined",
    "objectId",
    "bool",
    "date",
    "null",
    "regex",
    "dbPointer",
    "javascript",
    "symbol",
    "javascriptWithScope",
    "int",
    "timestamp",
    "long",
    "decimal",
    "minKey",
    "maxKey",
];

impl Type {
    /// The type with this name in `bsonType`.
    pub(super) fn of_alias(name: &str) -> Option<Self> {
        if name == "number" {
            return Some(Self::Number);
        }
        ALIASES.into_iter().find(|alias| *alias == name).map(Self::Named)
    }

    /// The type with this name in `type`.
    pub(super) fn of_json(name: &str) -> Option<Self> {
        match name {
            "number" => Some(Self::Number),
            "boolean" => Some(Self::Named("bool")),
            "object" | "array" | "string" | "null" => Self::of_alias(name),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Named(alias) => alias,
        }
    }

    fn includes(self, value: &Bson) -> bool {
        match self {
            Self::Number => is_number(value),
            Self::Named(name) => alias(value) == name,
        }
    }
}

fn is_number(value: &Bson) -> bool {
    matches!(value, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_))
}

/// The alias of a value's type.
fn alias(value: &Bson) -> &'static str {
    match value {
        Bson::Double(_) => "double",
        Bson::String(_) => "string",
        Bson::Document(_) => "object",
        Bson::Array(_) => "array",
        Bson::Binary(_) => "binData",
        Bson::Undefined => "undefined",
        Bson::ObjectId(_) => "objectId",
        Bson::Boolean(_) => "bool",
        Bson::DateTime(_) => "date",
        Bson::Null => "null",
        Bson::RegularExpression(_) => "regex",
        Bson::DbPointer(_) => "dbPointer",
        Bson::JavaScriptCode(_) => "javascript",
        Bson::Symbol(_) => "symbol",
        Bson::JavaScriptCodeWithScope(_) => "javascriptWithScope",
        Bson::Int32(_) => "int",
        Bson::Timestamp(_) => "timestamp",
        Bson::Int64(_) => "long",
        Bson::Decimal128(_) => "decimal",
        Bson::MinKey => "minKey",
        Bson::MaxKey => "maxKey",
    }
}

/// An encoded value; equal values have the same bytes: numbers by value, and documents regardless
/// of the order of their fields. `None` for a value that can't be encoded as BSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Canonical(Vec<u8>);

impl Canonical {
    pub(super) fn of(value: &Bson) -> Option<Self> {
        let raw = RawBson::try_from(sorted(value)).ok()?;
        let mut bytes = Vec::new();
        encode(raw.as_raw_bson_ref(), &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

/// Sorts the fields of each document in a value by name.
fn sorted(value: &Bson) -> Bson {
    match value {
        Bson::Document(document) => {
            let mut fields: Vec<_> = document.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            Bson::Document(
                fields.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect(),
            )
        }
        Bson::Array(items) => Bson::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

impl Bound {
    /// Returns whether a number is within the limit. No number is above or below NaN.
    fn admits(&self, number: &Bson) -> bool {
        let (number, limit) = (raw_number(number), raw_number(&self.limit));
        if is_nan(number) != is_nan(limit) {
            return false;
        }
        compare(number, limit).is_ok_and(|order| match order {
            Ordering::Equal => !self.exclusive,
            Ordering::Greater => self.least,
            Ordering::Less => !self.least,
        })
    }
}

/// Converts a number for comparison; anything else becomes null.
fn raw_number(value: &Bson) -> RawBsonRef<'static> {
    match value {
        Bson::Int32(number) => RawBsonRef::Int32(*number),
        Bson::Int64(number) => RawBsonRef::Int64(*number),
        Bson::Double(number) => RawBsonRef::Double(*number),
        Bson::Decimal128(number) => RawBsonRef::Decimal128(*number),
        _ => RawBsonRef::Null,
    }
}

impl Rule {
    fn admits(&self, value: &Bson) -> bool {
        match (self, value) {
            (Self::Types(types), _) => types.iter().any(|known| known.includes(value)),
            (Self::OneOf(options), _) => {
                Canonical::of(value).is_some_and(|value| options.contains(&value))
            }
            (Self::UniqueItems, Bson::Array(items)) => {
                let mut seen = BTreeSet::new();
                items.iter().all(|item| seen.insert(Canonical::of(item)))
            }
            (Self::Bound(bound), _) if is_number(value) => bound.admits(value),
            (Self::Text(pattern), Bson::String(text)) => pattern.matches(text),
            (Self::Fields(fields), Bson::Document(document)) => fields.problem(document).is_none(),
            _ => true,
        }
    }

    /// The problem, as a predicate of the field.
    fn problem(&self, value: &Bson) -> String {
        match self {
            Self::Types(types) => {
                let names: Vec<&str> = types.iter().map(|known| known.name()).collect();
                format!("is of type {}, expected {}", alias(value), names.join(" or "))
            }
            Self::OneOf(_) => "has a value that is not in the enum".to_owned(),
            Self::UniqueItems => "has two equal elements".to_owned(),
            Self::Text(pattern) => format!("does not match the pattern {}", pattern.as_str()),
            Self::Fields(fields) => value
                .as_document()
                .and_then(|document| fields.problem(document))
                .unwrap_or_default(),
            Self::Bound(Bound { limit, least, exclusive }) => {
                let order = match (least, exclusive) {
                    (true, false) => "at least",
                    (true, true) => "greater than",
                    (false, false) => "at most",
                    (false, true) => "less than",
                };
                format!("is {value}, expected {order} {limit}")
            }
        }
    }
}

/// The rules of one schema, as a keyword of `jsonschema`.
pub(super) struct Rules(pub(super) Vec<Arc<Rule>>);

impl<'i> Keyword<'i, BsonValues> for Rules {
    fn validate(&self, value: &'i Bson) -> Result<(), ValidationError<'i>> {
        match self.0.iter().find(|rule| !rule.admits(value)) {
            Some(broken) => Err(ValidationError::custom(broken.problem(value))),
            None => Ok(()),
        }
    }

    fn is_valid(&self, value: &'i Bson) -> bool {
        self.0.iter().all(|rule| rule.admits(value))
    }

    fn iter_errors(&self, value: &'i Bson) -> Box<dyn Iterator<Item = ValidationError<'i>> + 'i> {
        let broken = self.0.iter().filter(|rule| !rule.admits(value));
        let errors: Vec<_> =
            broken.map(|rule| ValidationError::custom(rule.problem(value))).collect();
        Box::new(errors.into_iter())
    }
}
