//! Where the next page of a list begins.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The place of a page: in the list of one state, so that nothing is there twice or missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The revision of the state, with its position; absent where the list is of no state.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<String>,
    /// The timeline of that state: after a reset, the position may be another state.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) timeline: Option<String>,
    /// What the request asks for.
    #[serde(rename = "q", default)]
    pub(super) request: String,
    /// How many items are before it.
    #[serde(rename = "n")]
    pub(super) before: u64,
}

impl Cursor {
    /// The cursor of a text that [`text`](Self::text) gave.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
            Problem::bad_request("'cursor' should be the 'next' of an earlier page, unchanged")
        })
    }

    /// The cursor as a text.
    pub(super) fn text(&self) -> String {
        BASE64URL_NOPAD.encode(&serde_json::to_vec(self).unwrap_or_default())
    }
}
