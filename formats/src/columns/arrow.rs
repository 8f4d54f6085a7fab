//! Columns as Arrow's arrays.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

use super::{Bytes, Column, Fields, Values};

/// The key of a field's metadata with the [note](Column::note) of its column.
pub(crate) const NOTE: &str = "bson";
/// The key of a field's metadata that says, by the value `null`, that a null is one in the document too.
pub(crate) const NULLS: &str = "bson.nulls";
/// The name of the field of a list's elements.
const ITEM: &str = "item";

/// The schema of a table with these fields.
pub(crate) fn schema(fields: &Fields) -> SchemaRef {
    let fields = match Column::of_fields(fields).values {
        Values::Struct(columns, _) => of_columns(&columns),
        _ => Vec::new(),
    };
    Arc::new(Schema::new(fields))
}

/// The rows of a table.
pub(crate) fn batch(table: Column, schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(table.length));
    let Values::Struct(columns, _) = table.values else {
        return Err(ArrowError::InvalidArgumentError("a table has columns".to_owned()));
    };
    let fields = schema.fields().iter();
    let arrays = fields.zip(columns).map(|(field, (_, column))| array(column, field.data_type()));
    let arrays = arrays.collect::<Result<_, _>>()?;
    RecordBatch::try_new_with_options(schema, arrays, &options)
}

fn of_columns(columns: &[(String, Column)]) -> Vec<Field> {
    columns.iter().map(|(name, column)| field(name, column)).collect()
}

fn field(name: &str, column: &Column) -> Field {
    let note = column.note().map(|note| (NOTE.to_owned(), note));
    let nulls = column.has_explicit_nulls.then(|| (NULLS.to_owned(), "null".to_owned()));
    let metadata: HashMap<_, _> = note.into_iter().chain(nulls).collect();
    Field::new(name, data_type(&column.values), true).with_metadata(metadata)
}

fn data_type(values: &Values) -> DataType {
    match values {
        Values::Null => DataType::Null,
        Values::Bool(_) => DataType::Boolean,
        Values::Int32(_) => DataType::Int32,
        Values::Int64(_) => DataType::Int64,
        Values::Double(_) => DataType::Float64,
        Values::Date(_) => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Values::Text(..) => DataType::LargeUtf8,
        Values::Binary(..) => DataType::LargeBinary,
        Values::List(_, of) => DataType::LargeList(Arc::new(field(ITEM, of))),
        Values::Struct(columns, _) => DataType::Struct(of_columns(columns).into()),
    }
}

fn array(column: Column, of: &DataType) -> Result<ArrayRef, ArrowError> {
    data(column, of).map(make_array)
}

fn data(column: Column, of: &DataType) -> Result<ArrayData, ArrowError> {
    let mut data = ArrayData::builder(of.clone()).len(column.length).align_buffers(true);
    if column.nulls > 0 && !matches!(column.values, Values::Null) {
        data = data.null_bit_buffer(Some(Buffer::from_vec(column.validity.bytes)));
    }
    let both = |Bytes { offsets, bytes }| [offsets, bytes].map(Buffer::from_vec).into();
    let data = match (column.values, of) {
        (Values::Bool(bits), _) => data.add_buffer(Buffer::from_vec(bits.bytes)),
        (
            Values::Int32(bytes)
            | Values::Int64(bytes)
            | Values::Double(bytes)
            | Values::Date(bytes),
            _,
        ) => data.add_buffer(Buffer::from_vec(bytes)),
        (Values::Text(bytes, _) | Values::Binary(bytes, _), _) => data.buffers(both(bytes)),
        (Values::List(offsets, of), DataType::LargeList(item)) => {
            let child = self::data(*of, item.data_type())?;
            data.add_buffer(Buffer::from_vec(offsets)).add_child_data(child)
        }
        (Values::Struct(columns, _), DataType::Struct(fields)) => {
            let children = fields.iter().zip(columns);
            let children =
                children.map(|(field, (_, column))| self::data(column, field.data_type()));
            data.child_data(children.collect::<Result<_, _>>()?)
        }
        _ => data,
    };
    data.build()
}
