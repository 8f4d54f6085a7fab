//! A value of a column as BSON.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use bson::oid::ObjectId;
use bson::raw::{CString, RawArrayBuf, RawBson, RawDocumentBuf};
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Decimal128};

use super::column::{Column, Kind};

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What values lose, for people.
type Notes = BTreeSet<String>;

/// The document of a row of these columns.
///
/// # Errors
/// The column whose value can't be taken, and why.
pub(super) fn document<'a>(
    columns: impl Iterator<Item = (&'a Column, &'a dyn Array)>,
    row: usize,
    notes: &mut Notes,
) -> Result<RawDocumentBuf, String> {
    let mut document = RawDocumentBuf::new();
    for (column, array) in columns {
        match value(column, array, row, notes)? {
            Some(value) => document.append(&column.name, value),
            None if column.keeps_nulls => document.append(&column.name, RawBson::Null),
            None => {}
        }
    }
    Ok(document)
}

/// A value; `None` for null.
fn value(
    column: &Column,
    array: &dyn Array,
    row: usize,
    notes: &mut Notes,
) -> Result<Option<RawBson>, String> {
    if array.is_null(row) {
        return Ok(None);
    }
    let bad = |reason: &str| format!("column {}: {reason}", column.path);
    let value = match (&column.kind, array.data_type()) {
        (_, DataType::Null) => return Ok(None),
        (Kind::ObjectIds, _) => {
            let text = text(array, row);
            let id = ObjectId::parse_str(text);
            RawBson::ObjectId(
                id.map_err(|_| bad(&format!("invalid ObjectId '{text}': expected 24 hex digits")))?,
            )
        }
        (Kind::Decimals, _) => {
            RawBson::Decimal128(decimal(text(array, row)).map_err(|why| bad(&why))?)
        }
        (Kind::Binary(subtype), _) => binary(*subtype, bytes(array, row)),
        (Kind::List(item), _) => RawBson::Array(list(item, &elements(array, row), notes)?),
        (Kind::Struct(fields), _) => {
            let array = array.as_struct();
            let columns = fields.iter().zip(array.columns());
            let columns = columns.map(|(column, array)| (column, array.as_ref() as &dyn Array));
            RawBson::Document(document(columns, row, notes)?)
        }
        (Kind::Map(of), _) => map(of, array, row, notes)?,
        (Kind::Dictionary(of), _) => {
            let dictionary = array.as_any_dictionary();
            let key = integer(dictionary.keys(), row).and_then(|key| usize::try_from(key).ok());
            let key = key.filter(|key| *key < dictionary.values().len());
            let key = key.ok_or_else(|| bad("a value is not in the dictionary"))?;
            return self::value(of, dictionary.values().as_ref(), key, notes);
        }
        (Kind::Plain, of) => match plain(array, of, row, column, notes).map_err(|why| bad(&why))? {
            Some(value) => value,
            None => return Err(bad(&format!("the type {of} can't be read"))),
        },
    };
    Ok(Some(value))
}

/// A value that has no parts; `None` for a type that is not known.
fn plain(
    array: &dyn Array,
    of: &DataType,
    row: usize,
    column: &Column,
    notes: &mut Notes,
) -> Result<Option<RawBson>, String> {
    Ok(Some(match of {
        DataType::Boolean => RawBson::Boolean(array.as_boolean().value(row)),
        DataType::Float16 => {
            RawBson::Double(f64::from(array.as_primitive::<Float16Type>().value(row)))
        }
        DataType::Float32 => {
            RawBson::Double(f64::from(array.as_primitive::<Float32Type>().value(row)))
        }
        DataType::Float64 => RawBson::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            RawBson::String(text(array, row).to_owned())
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            let number = integer(array, row).and_then(|number| i32::try_from(number).ok());
            RawBson::Int32(number.unwrap_or_default())
        }
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => {
            let number = integer(array, row).unwrap_or_default();
            match i64::try_from(number) {
                Ok(number) => RawBson::Int64(number),
                Err(_) => RawBson::Decimal128(decimal(&number.to_string())?),
            }
        }
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => RawBson::Decimal128(scaled(array, of, row)?),
        DataType::Date32 => {
            date(i64::from(array.as_primitive::<Date32Type>().value(row)).checked_mul(DAY_MILLIS))?
        }
        DataType::Date64 => date(Some(array.as_primitive::<Date64Type>().value(row)))?,
        DataType::Timestamp(unit, _) => time(array, *unit, row, column, notes)?,
        _ => return Ok(None),
    }))
}

/// An integer of any size.
fn integer(array: &dyn Array, row: usize) -> Option<i128> {
    Some(match array.data_type() {
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        _ => return None,
    })
}

/// A text; empty if the array has none.
fn text(array: &dyn Array, row: usize) -> &str {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row),
        DataType::Utf8View => array.as_string_view().value(row),
        _ => "",
    }
}

fn bytes(array: &dyn Array, row: usize) -> &[u8] {
    match array.data_type() {
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::BinaryView => array.as_binary_view().value(row),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => &[],
    }
}

fn binary(subtype: BinarySubtype, bytes: &[u8]) -> RawBson {
    RawBson::Binary(Binary { subtype, bytes: bytes.to_vec() })
}

/// A number by its digits.
fn decimal(digits: &str) -> Result<Decimal128, String> {
    let no = || format!("invalid decimal '{digits}': expected up to 34 digits");
    digits.parse().map_err(|_| no())
}

/// A number by its digits and the places behind the point.
fn scaled(array: &dyn Array, of: &DataType, row: usize) -> Result<Decimal128, String> {
    let (digits, scale) = match of {
        DataType::Decimal32(_, scale) => {
            (array.as_primitive::<Decimal32Type>().value(row).to_string(), scale)
        }
        DataType::Decimal64(_, scale) => {
            (array.as_primitive::<Decimal64Type>().value(row).to_string(), scale)
        }
        DataType::Decimal128(_, scale) => {
            (array.as_primitive::<Decimal128Type>().value(row).to_string(), scale)
        }
        DataType::Decimal256(_, scale) => {
            (array.as_primitive::<Decimal256Type>().value(row).to_string(), scale)
        }
        _ => return Err("it is no decimal".to_owned()),
    };
    decimal(&format!("{digits}E{}", -i32::from(*scale)))
}

fn date(millis: Option<i64>) -> Result<RawBson, String> {
    let millis = millis.ok_or("the time is out of the range of dates")?;
    Ok(RawBson::DateTime(DateTime::from_millis(millis)))
}

/// A time in milliseconds. What is finer is cut off, and noted.
fn time(
    array: &dyn Array,
    unit: TimeUnit,
    row: usize,
    column: &Column,
    notes: &mut Notes,
) -> Result<RawBson, String> {
    let (time, units) = match unit {
        TimeUnit::Second => {
            let seconds = array.as_primitive::<TimestampSecondType>().value(row);
            return date(seconds.checked_mul(1000));
        }
        TimeUnit::Millisecond => (array.as_primitive::<TimestampMillisecondType>().value(row), 1),
        TimeUnit::Microsecond => {
            (array.as_primitive::<TimestampMicrosecondType>().value(row), 1000)
        }
        TimeUnit::Nanosecond => {
            (array.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000)
        }
    };
    if time % units != 0 {
        let path = &column.path;
        notes.insert(format!(
            "column {path} has times with more than milliseconds, and lost what is finer"
        ));
    }
    date(Some(time.div_euclid(units)))
}

/// The elements of an array.
fn elements(array: &dyn Array, row: usize) -> ArrayRef {
    match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::ListView(_) => array.as_list_view::<i32>().value(row),
        DataType::LargeListView(_) => array.as_list_view::<i64>().value(row),
        _ => array.as_fixed_size_list().value(row),
    }
}

fn list(item: &Column, array: &ArrayRef, notes: &mut Notes) -> Result<RawArrayBuf, String> {
    let mut list = RawArrayBuf::new();
    for row in 0..array.len() {
        list.push(value(item, array, row, notes)?.unwrap_or(RawBson::Null));
    }
    Ok(list)
}

/// A document, if the keys are texts; else an array of documents with a `key` and a `value`.
fn map(
    [key, of]: &[Column; 2],
    array: &dyn Array,
    row: usize,
    notes: &mut Notes,
) -> Result<RawBson, String> {
    let entries = array.as_map().value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    if !matches!(keys.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let mut list = RawArrayBuf::new();
        for row in 0..entries.len() {
            let columns = [(key, keys.as_ref() as &dyn Array), (of, values.as_ref())];
            list.push(document(columns.into_iter(), row, notes)?);
        }
        return Ok(RawBson::Array(list));
    }
    let mut names = BTreeSet::new();
    let mut document = RawDocumentBuf::new();
    for row in 0..entries.len() {
        let name = text(keys, row);
        if !names.insert(name) {
            return Err(format!("column {}: the map has the key '{name}' twice", key.path));
        }
        let field = CString::try_from(name)
            .map_err(|_| format!("column {}: the key {name:?} has a NUL", key.path))?;
        document.append(field, value(of, values, row, notes)?.unwrap_or(RawBson::Null));
    }
    Ok(RawBson::Document(document))
}
