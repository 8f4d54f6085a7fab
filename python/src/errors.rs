//! Errors as Python's exceptions.

use argon_core::{DetailValue, Error, ErrorKind, Hint};
use argon_service::{Failure, of_format};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::hints;

/// A failure as an exception: of the class in `argondb.errors` that its kind has.
pub(crate) fn exception(py: Python<'_>, failure: &Failure) -> PyErr {
    let made = match failure {
        Failure::Interrupted => return PyKeyboardInterrupt::new_err(()),
        Failure::Error { error, hint } => made(py, error, error.hint().or(hint.clone()).as_ref()),
        Failure::Format { error, hint } => made(py, &of_format(error), hint.as_ref()),
        Failure::Output(source) => {
            made(py, &Error::new(ErrorKind::Unavailable, source.to_string()), None)
        }
        _ => return PyRuntimeError::new_err(failure.in_full()),
    };
    made.map_or_else(|error| error, PyErr::from_value)
}

/// The exception itself; documents among its details are bytes.
fn made<'py>(py: Python<'py>, error: &Error, hint: Option<&Hint>) -> PyResult<Bound<'py, PyAny>> {
    let details = PyDict::new(py);
    for (key, value) in error.details() {
        match value {
            DetailValue::Text(text) => details.set_item(key.as_str(), text.as_str())?,
            DetailValue::Number(number) => details.set_item(key.as_str(), *number)?,
            DetailValue::Document(document) => {
                let bytes = document.to_vec().unwrap_or_default();
                details.set_item(key.as_str(), PyBytes::new(py, &bytes))?;
            }
        }
    }
    let hint = hint.and_then(hints::words);
    py.import("argondb.errors")?.getattr("_from_native")?.call1((
        error.kind().as_str(),
        error.in_full(),
        details,
        hint,
    ))
}
