//! Columns as Python's tuples: the type, the length, the number of nulls, the buffers, the children as pairs of name
//! and column, and what BSON's types were.

use argon_formats::columns::{Bytes, Column, Values};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// A column as a tuple.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn exported<'py>(py: Python<'py>, column: &Column) -> PyResult<Bound<'py, PyTuple>> {
    let buffers = PyList::empty(py);
    if !matches!(column.values, Values::Null) {
        let validity = (column.nulls > 0).then(|| PyBytes::new(py, &column.validity.bytes));
        buffers.append(validity)?;
    }
    let children = PyList::empty(py);
    let add = |bytes: &[u8]| buffers.append(PyBytes::new(py, bytes));
    let add_both = |bytes: &Bytes| {
        add(&bytes.offsets)?;
        add(&bytes.bytes)
    };
    let name = match &column.values {
        Values::Null => "null",
        Values::Bool(bits) => {
            add(&bits.bytes)?;
            "bool"
        }
        Values::Int32(bytes) => {
            add(bytes)?;
            "int32"
        }
        Values::Int64(bytes) => {
            add(bytes)?;
            "int64"
        }
        Values::Double(bytes) => {
            add(bytes)?;
            "float64"
        }
        Values::Date(bytes) => {
            add(bytes)?;
            "timestamp"
        }
        Values::Text(bytes, _) => {
            add_both(bytes)?;
            "string"
        }
        Values::Binary(bytes, _) => {
            add_both(bytes)?;
            "binary"
        }
        Values::List(offsets, of) => {
            add(offsets)?;
            children.append(("item", exported(py, of)?))?;
            "list"
        }
        Values::Struct(columns, _) => {
            for (name, column) in columns {
                children.append((name, exported(py, column)?))?;
            }
            "struct"
        }
    };
    (name, column.length, column.nulls, buffers, children, column.note()).into_pyobject(py)
}
