//! The type of a column, inferred over all documents.

use std::collections::HashMap;

use argon_core::Result;
use bson::raw::{RawBsonRef, RawDocument};

use super::malformed;
use super::types::Types;

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
    /// `subtype` if all values have the same one.
    Binary {
        subtype: Option<u8>,
    },
    Date,
    ObjectId,
    Decimal,
    List(Box<Slot>),
    Struct(Fields),
    /// Values of several types, or of a type that Arrow does not have.
    Mixed,
}

/// What is known of the values of a field, or of the elements of arrays.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    pub(super) kind: Kind,
    /// The types of all values.
    pub(super) types: Types,
    /// The number of values.
    pub(super) values: u64,
}

/// The fields of documents, in the order in which they were first seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    pub(super) named: Vec<(String, Slot)>,
    places: HashMap<String, usize>,
    /// The number of documents.
    pub(super) documents: u64,
}

impl Fields {
    /// Widens the types so that they hold the values of a document.
    ///
    /// # Errors
    /// `Invalid` for a document that can't be read.
    pub fn add(&mut self, document: &RawDocument) -> Result<()> {
        self.documents += 1;
        for (position, element) in document.iter().enumerate() {
            let (name, value) = element.map_err(malformed)?;
            let place = self.place(position, name.as_str());
            self.named[place].1.add(value)?;
        }
        Ok(())
    }

    /// These fields alone, each as the names down to it. A field that no document has is always null.
    pub fn select(&self, paths: &[Vec<String>]) -> Self {
        let mut selected = Self { documents: self.documents, ..Self::default() };
        for path in paths {
            selected.take(self, path);
        }
        selected
    }

    fn take(&mut self, all: &Self, path: &[String]) {
        let Some((name, rest)) = path.split_first() else { return };
        let known = all.places.get(name).map(|place| &all.named[*place].1);
        let place = self.place(usize::MAX, name);
        let slot = &mut self.named[place].1;
        match known {
            Some(known) if rest.is_empty() => *slot = known.clone(),
            Some(Slot { kind: Kind::Struct(all), types, values }) => {
                if !matches!(slot.kind, Kind::Struct(_)) {
                    let fields = Self { documents: all.documents, ..Self::default() };
                    *slot = Slot { kind: Kind::Struct(fields), types: *types, values: *values };
                }
                if let Kind::Struct(fields) = &mut slot.kind {
                    fields.take(all, rest);
                }
            }
            _ => {}
        }
    }

    /// The number of columns of all depths that have values themselves.
    pub fn columns(&self) -> usize {
        self.named.iter().map(|(_, slot)| slot.kind.columns()).sum()
    }

    /// Makes text of the columns of documents that never have a field, since files have no such columns.
    pub fn replace_empty_documents(&mut self) {
        self.named.iter_mut().for_each(|(_, slot)| slot.kind.replace_empty_documents());
    }

    /// The place of a field, which is mostly that of the element.
    fn place(&mut self, position: usize, name: &str) -> usize {
        if self.named.get(position).is_some_and(|(known, _)| known == name) {
            return position;
        }
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.named.len();
        self.places.insert(name.to_owned(), place);
        self.named.push((name.to_owned(), Slot::new()));
        place
    }
}

impl Slot {
    fn new() -> Self {
        Self { kind: Kind::Null, types: Types::default(), values: 0 }
    }

    fn add(&mut self, value: RawBsonRef<'_>) -> Result<()> {
        self.values += 1;
        self.types.insert(value);
        self.kind.add(value)
    }
}

impl Kind {
    /// Widens the type so that it holds a value too.
    fn add(&mut self, value: RawBsonRef<'_>) -> Result<()> {
        use RawBsonRef as Value;

        match (&mut *self, value) {
            (_, Value::Null | Value::Undefined)
            | (Self::Mixed, _)
            | (Self::Bool, Value::Boolean(_))
            | (Self::Int32 | Self::Int64 { .. } | Self::Double, Value::Int32(_))
            | (Self::Double, Value::Double(_))
            | (Self::Text, Value::String(_))
            | (Self::Date, Value::DateTime(_))
            | (Self::ObjectId, Value::ObjectId(_))
            | (Self::Decimal, Value::Decimal128(_)) => {}
            (Self::Binary { subtype }, Value::Binary(binary)) => {
                *subtype = subtype.filter(|subtype| *subtype == u8::from(binary.subtype));
            }
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
            (kind, _) => *kind = Self::Mixed,
        }
        Ok(())
    }

    fn columns(&self) -> usize {
        match self {
            Self::List(of) => of.kind.columns(),
            Self::Struct(fields) => fields.columns(),
            _ => 1,
        }
    }

    fn replace_empty_documents(&mut self) {
        match self {
            Self::List(of) => of.kind.replace_empty_documents(),
            Self::Struct(fields) if fields.named.is_empty() => *self = Self::Mixed,
            Self::Struct(fields) => fields.replace_empty_documents(),
            _ => {}
        }
    }

    /// The type for a first value; of its parts nothing is known yet.
    fn first(value: RawBsonRef<'_>) -> Self {
        match value {
            RawBsonRef::Boolean(_) => Self::Bool,
            RawBsonRef::Int32(_) => Self::Int32,
            RawBsonRef::Int64(number) => Self::Int64 { exact: is_exact(number) },
            RawBsonRef::Double(_) => Self::Double,
            RawBsonRef::String(_) => Self::Text,
            RawBsonRef::Binary(binary) => Self::Binary { subtype: Some(binary.subtype.into()) },
            RawBsonRef::DateTime(_) => Self::Date,
            RawBsonRef::ObjectId(_) => Self::ObjectId,
            RawBsonRef::Decimal128(_) => Self::Decimal,
            RawBsonRef::Array(_) => Self::List(Box::new(Slot::new())),
            RawBsonRef::Document(_) => Self::Struct(Fields::default()),
            _ => Self::Mixed,
        }
    }
}

fn is_exact(number: i64) -> bool {
    number.unsigned_abs() <= EXACT
}
