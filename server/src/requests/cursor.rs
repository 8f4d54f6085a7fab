//! Where the next page of a list begins.

use std::fmt::Display;

use argon_core::{Error, Revision, State};
use argon_service::Result;
use argon_service::operations::Target;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The place of a page: in the list of one state, so that nothing is there twice or missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The revision of the state, with its position; absent where the list is of no state.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<String>,
    /// The timeline of that state: after a reset, the position may be another state.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeline: Option<String>,
    /// What the request asks for.
    #[serde(rename = "q", default)]
    pub(crate) request: String,
    /// How many items are before it.
    #[serde(rename = "n")]
    pub(crate) before: u64,
}

/// The state that a request reads, by a revision that names it even when its branch has got commits since.
pub(crate) struct StatePlace {
    pub(crate) state: State,
    pub(crate) revision: String,
    pub(crate) timeline: Option<String>,
}

/// The fields of a request that differ from page to page.
const OF_PAGE: [&str; 2] = ["revision", "limit"];

/// What a request asks for, whatever page of it: a cursor of one is not one of another.
pub(crate) fn of_pages<'f>(
    operation: &str,
    fields: impl IntoIterator<Item = (&'f String, &'f (impl Display + 'f))>,
) -> String {
    let mut hash = Sha256::new();
    hash.update(operation);
    let fields = fields.into_iter().filter(|(name, _)| !OF_PAGE.contains(&name.as_str()));
    for (name, value) in fields {
        hash.update(format!("\n{name}:{value}"));
    }
    HEXLOWER.encode(&hash.finalize()[..8])
}

impl Cursor {
    /// The cursor of a text that [`text`](Self::text) gave.
    ///
    /// # Errors
    /// `Invalid` for any other text.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
            let problem = "'cursor' should be the 'next' of an earlier page, unchanged";
            Error::invalid(problem).into()
        })
    }

    /// The cursor as a text.
    pub(crate) fn text(&self) -> String {
        BASE64URL_NOPAD.encode(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The cursor of the page that a request wants.
    ///
    /// # Errors
    /// `Invalid` if the cursor that it names is of another request.
    pub(crate) fn of_page(
        cursor: Option<&Self>,
        request: String,
        state: Option<&StatePlace>,
    ) -> Result<Self> {
        if cursor.is_some_and(|cursor| cursor.request != request) {
            return Err(Error::invalid("'cursor' is of another request").into());
        }
        let revision = state.map(|state| state.revision.clone());
        let timeline = state.and_then(|state| state.timeline.clone());
        Ok(Self { revision, timeline, request, before: cursor.map_or(0, |cursor| cursor.before) })
    }

    /// How many items an operation has to give for a page of `room` items, and to tell whether there is another page.
    pub(crate) fn most(&self, room: u64) -> u64 {
        self.before.saturating_add(room).saturating_add(1).min(i64::MAX.unsigned_abs())
    }
}

impl StatePlace {
    /// The state of a revision.
    ///
    /// # Errors
    /// `NotFound` if it is not there; `Conflict` if it is not the state of the cursor any more.
    pub(crate) async fn find(
        target: &Target,
        revision: &Revision,
        cursor: Option<&Cursor>,
    ) -> Result<Self> {
        let (state, revision) = target.exact(revision).await?;
        let timeline = state.view().point().map(|point| point.timeline.to_string());
        let expected = cursor.and_then(|cursor| cursor.timeline.as_ref());
        if expected.is_some() && expected != timeline.as_ref() {
            let problem = "the branch was reset since the first page; begin again";
            return Err(Error::conflict(problem).into());
        }
        Ok(Self { state, revision, timeline })
    }
}
