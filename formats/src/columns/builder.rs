//! The buffers of a column in Arrow's layout.

use std::collections::HashMap;

use argon_core::{Error, Result};
use bson::raw::{RawBsonRef, RawDocument};

use super::kind::{Fields, Kind, Slot};
use super::malformed;
use crate::extjson::{Layout, Mode, print_raw_value};

/// A column: one value, or none, for each row.
pub struct Column {
    /// The number of rows.
    pub length: usize,
    /// The number of rows without a value.
    pub nulls: usize,
    /// A bit for each row: whether it has a value.
    pub validity: Bits,
    /// Whether every row without a value is null in its document; otherwise, such a field is missing in some
    /// documents, or in all.
    pub has_explicit_nulls: bool,
    /// The values.
    pub values: Values,
}

/// The values of a column, little-endian. A row without a value has one that does not count.
pub enum Values {
    /// No row has a value.
    Null,
    /// Booleans.
    Bool(Bits),
    /// Integers of 32 bits.
    Int32(Vec<u8>),
    /// Integers of 64 bits.
    Int64(Vec<u8>),
    /// Doubles.
    Double(Vec<u8>),
    /// Times in milliseconds since 1970, of 64 bits.
    Date(Vec<u8>),
    /// Texts as they are; hex digits of `ObjectId`s; digits of decimals.
    Text(Bytes, TextOf),
    /// Bytes, and their subtype; 0 if they have several.
    Binary(Bytes, u8),
    /// Arrays: the 64-bit offsets at which each begins, and the values of all.
    List(Vec<u8>, Box<Column>),
    /// Documents: the columns of their fields with names, and the places of the names.
    Struct(Vec<(String, Column)>, HashMap<String, usize>),
}

/// What the texts of a column are.
pub enum TextOf {
    /// Strings.
    Strings,
    /// `ObjectId`s.
    ObjectIds,
    /// Decimals.
    Decimals,
    /// Values of these types: a string as it is, any other as canonical Extended JSON.
    Mixed(Vec<&'static str>),
}

/// Bits, the lowest of a byte first.
#[derive(Default)]
pub struct Bits {
    /// The bits, eight in a byte.
    pub bytes: Vec<u8>,
    length: usize,
}

/// Texts or bytes.
pub struct Bytes {
    /// The 64-bit offsets at which each begins, and the end of the last one.
    pub offsets: Vec<u8>,
    /// All of them, one after the other.
    pub bytes: Vec<u8>,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.length.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if bit && let Some(last) = self.bytes.last_mut() {
            *last |= 1 << (self.length % 8);
        }
        self.length += 1;
    }
}

impl Bytes {
    fn new() -> Self {
        Self { offsets: 0_i64.to_le_bytes().to_vec(), bytes: Vec::new() }
    }

    fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.offsets.extend((self.bytes.len() as u64).to_le_bytes());
    }
}

impl Column {
    /// An empty column with a field for each of these.
    pub fn of_fields(fields: &Fields) -> Self {
        let named = fields.named.iter();
        let of = |slot: &Slot| {
            let has_explicit_nulls = slot.types.has_null() && slot.values == fields.documents;
            Self { has_explicit_nulls, ..Self::of(slot) }
        };
        let columns: Vec<(String, Self)> =
            named.map(|(name, slot)| (name.clone(), of(slot))).collect();
        let places = columns.iter().enumerate().map(|(place, (name, _))| (name.clone(), place));
        let places = places.collect();
        Self::empty(Values::Struct(columns, places))
    }

    fn of(slot: &Slot) -> Self {
        let text = |of| Values::Text(Bytes::new(), of);
        Self::empty(match &slot.kind {
            Kind::Null => Values::Null,
            Kind::Bool => Values::Bool(Bits::default()),
            Kind::Int32 => Values::Int32(Vec::new()),
            Kind::Int64 { .. } => Values::Int64(Vec::new()),
            Kind::Double => Values::Double(Vec::new()),
            Kind::Date => Values::Date(Vec::new()),
            Kind::Text => text(TextOf::Strings),
            Kind::ObjectId => text(TextOf::ObjectIds),
            Kind::Decimal => text(TextOf::Decimals),
            Kind::Mixed => text(TextOf::Mixed(slot.types.names())),
            Kind::Binary { subtype } => Values::Binary(Bytes::new(), subtype.unwrap_or(0)),
            Kind::List(of) => Values::List(0_i64.to_le_bytes().to_vec(), Box::new(Self::of(of))),
            Kind::Struct(fields) => return Self::of_fields(fields),
        })
    }

    fn empty(values: Values) -> Self {
        let validity = Bits::default();
        Self { length: 0, nulls: 0, validity, has_explicit_nulls: false, values }
    }

    /// What the values were, if the type does not say it: `objectId` or `decimal` for their digits, `mixed:`
    /// and the types for values that became text, `binData:` and the subtype for bytes of another than 0.
    pub fn note(&self) -> Option<String> {
        match &self.values {
            Values::Text(_, TextOf::ObjectIds) => Some("objectId".to_owned()),
            Values::Text(_, TextOf::Decimals) => Some("decimal".to_owned()),
            Values::Text(_, TextOf::Mixed(types)) => Some(format!("mixed:{}", types.join(","))),
            Values::Binary(_, subtype) if *subtype != 0 => Some(format!("binData:{subtype}")),
            _ => None,
        }
    }

    /// Adds a document to a column with fields.
    ///
    /// # Errors
    /// `Invalid` for a document that can't be read.
    pub fn push_document(&mut self, document: &RawDocument) -> Result<()> {
        self.push(Some(RawBsonRef::Document(document)))
    }

    fn push(&mut self, value: Option<RawBsonRef<'_>>) -> Result<()> {
        let value =
            value.filter(|value| !matches!(value, RawBsonRef::Null | RawBsonRef::Undefined));
        let is_valid = value.is_some();
        self.validity.push(is_valid);
        self.nulls += usize::from(!is_valid);
        match (&mut self.values, value) {
            (Values::Null, _) => {}
            (Values::Bool(bits), value) => bits.push(value == Some(RawBsonRef::Boolean(true))),
            (Values::Int32(bytes), value) => {
                let number = value.and_then(RawBsonRef::as_i32).unwrap_or(0);
                bytes.extend(number.to_le_bytes());
            }
            (Values::Int64(bytes), value) => {
                bytes.extend(value.map_or(0, integer).to_le_bytes());
            }
            (Values::Double(bytes), value) => {
                bytes.extend(value.map_or(0.0, double).to_le_bytes());
            }
            (Values::Date(bytes), value) => {
                let time = value.and_then(RawBsonRef::as_datetime);
                bytes.extend(time.map_or(0, bson::DateTime::timestamp_millis).to_le_bytes());
            }
            (Values::Text(bytes, _), Some(RawBsonRef::String(text))) => bytes.push(text.as_bytes()),
            (Values::Text(bytes, of), Some(value)) => bytes.push(of.text(value)?.as_bytes()),
            (Values::Binary(bytes, _), Some(RawBsonRef::Binary(binary))) => {
                bytes.push(binary.bytes);
            }
            (Values::Text(bytes, _) | Values::Binary(bytes, _), _) => bytes.push(&[]),
            (Values::List(offsets, of), value) => {
                if let Some(RawBsonRef::Array(array)) = value {
                    for value in array {
                        of.push(Some(value.map_err(malformed)?))?;
                    }
                }
                offsets.extend((of.length as u64).to_le_bytes());
            }
            (Values::Struct(columns, places), value) => {
                let row = self.length;
                if let Some(RawBsonRef::Document(document)) = value {
                    push_fields(columns, places, row, document)?;
                }
                for (_, column) in columns.iter_mut().filter(|(_, column)| column.length == row) {
                    column.push(None)?;
                }
            }
        }
        self.length += 1;
        Ok(())
    }
}

/// Adds the fields that a document has, the first of each name.
fn push_fields(
    columns: &mut [(String, Column)],
    places: &HashMap<String, usize>,
    row: usize,
    document: &RawDocument,
) -> Result<()> {
    for (position, element) in document.iter().enumerate() {
        let (name, value) = element.map_err(malformed)?;
        let name = name.as_str();
        let is_there = columns.get(position).is_some_and(|(known, _)| known == name);
        let place = if is_there { Some(position) } else { places.get(name).copied() };
        if let Some((_, column)) = place.and_then(|place| columns.get_mut(place))
            && column.length == row
        {
            column.push(Some(value))?;
        }
    }
    Ok(())
}

impl TextOf {
    /// The text of a value that is no string.
    fn text(&self, value: RawBsonRef<'_>) -> Result<String> {
        match (self, value) {
            (Self::ObjectIds, RawBsonRef::ObjectId(id)) => Ok(id.to_hex()),
            (Self::Decimals, RawBsonRef::Decimal128(decimal)) => Ok(decimal.to_string()),
            (_, value) => {
                let printed = print_raw_value(value, Mode::Canonical, Layout::Compact);
                Ok(printed.map_err(|error| {
                    Error::corrupt("a stored document can't be printed").with_source(error)
                })?)
            }
        }
    }
}

fn integer(value: RawBsonRef<'_>) -> i64 {
    match value {
        RawBsonRef::Int32(number) => number.into(),
        RawBsonRef::Int64(number) => number,
        _ => 0,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a column of doubles has only integers that are exact"
)]
fn double(value: RawBsonRef<'_>) -> f64 {
    match value {
        RawBsonRef::Double(number) => number,
        RawBsonRef::Int32(number) => number.into(),
        RawBsonRef::Int64(number) => number as f64,
        _ => 0.0,
    }
}
