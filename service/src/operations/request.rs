//! Requests as JSON or BSON.

use argon_core::Error;
use serde::de::DeserializeOwned;

use crate::Result;

/// The request of an operation.
#[derive(Debug, Clone)]
pub enum Request {
    /// BSON, in which values of documents are bytes, as [`ExtJson`](crate::json::ExtJson) says.
    Bson(Vec<u8>),
    /// JSON, in which values of documents are Extended JSON.
    Json(String),
}

impl Request {
    /// The request as what the operation expects.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        let message = match self {
            Self::Json(text) => match serde_json::from_str(text) {
                Ok(request) => return Ok(request),
                Err(error) => without_position(&error),
            },
            Self::Bson(bytes) => match bson::deserialize_from_slice(bytes) {
                Ok(request) => return Ok(request),
                // The text of such an error is about BSON, which nobody has written; its message is about
                // the request.
                Err(error) => error.message.unwrap_or_else(|| error.kind.to_string()),
            },
        };
        Err(Error::invalid(message).into())
    }
}

/// The message of an error without the place in the text, which is made by a program.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}
