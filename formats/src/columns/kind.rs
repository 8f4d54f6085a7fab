//! The type of a column, inferred over all documents.

use std::collections::{BTreeSet, HashMap};

use argon_core::Result;
use bson::raw::{RawBsonRef, RawDocument};

use super::malformed;

/// The integers that a double holds exactly, up to this one.
const EXACT: u64 = 1 << 53;

/// The type of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Of a field that is always null.
    Null,
    Bool,
    Int32,
    /// `exact` if a double holds all of its values.
    Int64 {
        exact: bool,
    },
    Double,
    Text,
    Binary,
    Date,
    ObjectId,
    Decimal,
    List(Box<Kind>),
    Struct(Fields),
    /// Values of several types, or of a type that Arrow does not have; these are the types.
    Mixed(BTreeSet<&'static str>),
}

/// The fields of documents, in the order in which they were first seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    pub(super) fields: Vec<(String, Kind)>,
    places: HashMap<String, usize>,
}

impl Fields {
    /// Widens the types so that they hold the values of a document.
    ///
    /// # Errors
    /// `Invalid` for a document that can't be read.
    pub fn add(&mut self, document: &RawDocument) -> Result<()> {
        for (position, element) in document.iter().enumerate() {
            let (name, value) = element.map_err(malformed)?;
            let place = self.place(position, name.as_str());
            self.fields[place].1.add(value)?;
        }
        Ok(())
    }

    /// The place of a field, which is mostly that of the element.
    fn place(&mut self, position: usize, name: &str) -> usize {
        if self.fields.get(position).is_some_and(|(known, _)| known == name) {
            return position;
        }
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.fields.len();
        self.places.insert(name.to_owned(), place);
        self.fields.push((name.to_owned(), Kind::Null));
        place
    }
}

impl Kind {
    /// Widens the type so that it holds a value too.
    fn add(&mut self, value: RawBsonRef<'_>) -> Result<()> {
        use RawBsonRef as Value;

        match (&mut *self, value) {
            (_, Value::Null | Value::Undefined)
            | (Self::Bool, Value::Boolean(_))
            | (Self::Int32 | Self::Int64 { .. } | Self::Double, Value::Int32(_))
            | (Self::Double, Value::Double(_))
            | (Self::Text, Value::String(_))
            | (Self::Binary, Value::Binary(_))
            | (Self::Date, Value::DateTime(_))
            | (Self::ObjectId, Value::ObjectId(_))
            | (Self::Decimal, Value::Decimal128(_)) => {}
            (Self::Mixed(types), value) => drop(types.insert(name_of(value))),
            (Self::Int64 { exact }, Value::Int64(number)) => *exact &= is_exact(number),
            (Self::Int32, Value::Int64(number)) => *self = Self::Int64 { exact: is_exact(number) },
            (Self::Double, Value::Int64(number)) if is_exact(number) => {}
            (Self::Int32 | Self::Int64 { exact: true }, Value::Double(_)) => *self = Self::Double,
            (Self::List(of), Value::Array(array)) => {
                for value in array {
                    of.add(value.map_err(malformed)?)?;
                }
            }
            (Self::Struct(fields), Value::Document(document)) => fields.add(document)?,
            (Self::Null, value) => {
                *self = Self::first(value);
                if matches!(self, Self::List(_) | Self::Struct(_)) {
                    self.add(value)?;
                }
            }
            (kind, value) => *self = Self::Mixed(BTreeSet::from([kind.name(), name_of(value)])),
        }
        Ok(())
    }

    /// The type for a first value; of its parts nothing is known yet.
    fn first(value: RawBsonRef<'_>) -> Self {
        match value {
            RawBsonRef::Boolean(_) => Self::Bool,
            RawBsonRef::Int32(_) => Self::Int32,
            RawBsonRef::Int64(number) => Self::Int64 { exact: is_exact(number) },
            RawBsonRef::Double(_) => Self::Double,
            RawBsonRef::String(_) => Self::Text,
            RawBsonRef::Binary(_) => Self::Binary,
            RawBsonRef::DateTime(_) => Self::Date,
            RawBsonRef::ObjectId(_) => Self::ObjectId,
            RawBsonRef::Decimal128(_) => Self::Decimal,
            RawBsonRef::Array(_) => Self::List(Box::new(Self::Null)),
            RawBsonRef::Document(_) => Self::Struct(Fields::default()),
            other => Self::Mixed(BTreeSet::from([name_of(other)])),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int32 => "int",
            Self::Int64 { .. } => "long",
            Self::Double => "double",
            Self::Text => "string",
            Self::Binary => "binData",
            Self::Date => "date",
            Self::ObjectId => "objectId",
            Self::Decimal => "decimal",
            Self::List(_) => "array",
            Self::Struct(_) => "object",
            Self::Mixed(_) => "mixed",
        }
    }
}

/// The name of a type in MongoDB's `$type`.
fn name_of(value: RawBsonRef<'_>) -> &'static str {
    match value {
        RawBsonRef::RegularExpression(_) => "regex",
        RawBsonRef::JavaScriptCode(_) => "javascript",
        RawBsonRef::JavaScriptCodeWithScope(_) => "javascriptWithScope",
        RawBsonRef::Timestamp(_) => "timestamp",
        RawBsonRef::Symbol(_) => "symbol",
        RawBsonRef::DbPointer(_) => "dbPointer",
        RawBsonRef::MinKey => "minKey",
        RawBsonRef::MaxKey => "maxKey",
        RawBsonRef::Null | RawBsonRef::Undefined => "null",
        other => Kind::first(other).name(),
    }
}

fn is_exact(number: i64) -> bool {
    number.unsigned_abs() <= EXACT
}
