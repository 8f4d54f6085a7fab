//! Columns as Python's tuples: the type, the length, the number of nulls, the buffers, the children as pairs of name
//! and column, and what BSON's types were.

use argon_formats::columns::{Bytes, Column, TextOf, Values};
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
    let (name, of) = match &column.values {
        Values::Null => ("null", None),
        Values::Bool(bits) => {
            add(&bits.bytes)?;
            ("bool", None)
        }
        Values::Int32(bytes) => {
            add(bytes)?;
            ("int32", None)
        }
        Values::Int64(bytes) => {
            add(bytes)?;
            ("int64", None)
        }
        Values::Double(bytes) => {
            add(bytes)?;
            ("float64", None)
        }
        Values::Date(bytes) => {
            add(bytes)?;
            ("timestamp", None)
        }
        Values::Text(bytes, of) => {
            add_both(bytes)?;
            ("string", types(of))
        }
        Values::Binary(bytes) => {
            add_both(bytes)?;
            ("binary", None)
        }
        Values::List(offsets, of) => {
            add(offsets)?;
            children.append(("item", exported(py, of)?))?;
            ("list", None)
        }
        Values::Struct(columns, _) => {
            for (name, column) in columns {
                children.append((name, exported(py, column)?))?;
            }
            ("struct", None)
        }
    };
    (name, column.length, column.nulls, buffers, children, of).into_pyobject(py)
}

/// The types of the values that became texts.
fn types(of: &TextOf) -> Option<String> {
    match of {
        TextOf::Strings => None,
        TextOf::ObjectIds => Some("objectId".to_owned()),
        TextOf::Decimals => Some("decimal".to_owned()),
        TextOf::Mixed(types) => {
            Some(format!("mixed:{}", types.iter().copied().collect::<Vec<_>>().join(",")))
        }
    }
}
