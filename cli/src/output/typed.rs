//! Results of the service as JSON.

use argon_core::{Error, Result};
use serde::Serialize;

/// On one line.
pub(crate) fn compact(result: &impl Serialize) -> Result<String> {
    serde_json::to_string(result).map_err(|error| unprintable(&error))
}

/// With a line for each field and element; documents stand on one line each.
pub(crate) fn pretty(result: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(result).map_err(|error| unprintable(&error))
}

fn unprintable(error: &serde_json::Error) -> Error {
    Error::internal("a result can't be written as JSON").with_source(error.to_string())
}
