//! Who did what over a server, and who was refused, as the server recorded it.

use argon_core::model::{CollectionName, ProjectName};
use argon_core::{Environment, Error, Moment, Store};
use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{DateTime, doc};
use futures::{Stream, TryStreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{self, FindDocuments};
use crate::json::{self, QueryDocument, Time};
use crate::{Failure, Result, first_branch};

/// The project that has the events, if nobody names another.
pub const PROJECT: &str = "audit";
/// The collection that has them.
pub const EVENTS: &str = "events";

/// The most bytes of a text of an event.
const MOST_TEXT_BYTES: usize = 1024;

/// How far back a list goes, in milliseconds.
const RECENT_MS: i64 = 24 * 3600 * 1000;

/// Something that a client did, or wanted to do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AuditEvent {
    /// When it ended.
    pub time: Time,
    /// The protocol: `mongodb`, `http` or `mcp`; `server` for the server itself.
    pub via: String,
    /// The user; null if nobody was logged in.
    pub user: Option<String>,
    /// The id of the token by which a program acted as the user.
    pub token: Option<String>,
    /// The address of the client.
    pub client: Option<String>,
    /// The command, the operation, or `login`.
    pub action: String,
    /// The project.
    pub project: Option<String>,
    /// The branch or the revision.
    pub branch: Option<String>,
    /// How it ended: `done`, `refused` or `failed`.
    pub outcome: String,
    /// Why it was refused, or failed.
    pub reason: Option<String>,
}

/// How something ended that a client wanted to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// The client had no right to it, or its login failed.
    Refused,
    /// It failed.
    Failed,
}

impl Outcome {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl AuditEvent {
    /// An event of now.
    pub fn new(environment: &Environment, via: &str, action: &str, outcome: Outcome) -> Self {
        Self {
            time: Time(environment.now()),
            via: via.to_owned(),
            user: None,
            token: None,
            client: None,
            action: short(action).to_owned(),
            project: None,
            branch: None,
            outcome: outcome.as_str().to_owned(),
            reason: None,
        }
    }

    /// The document of the event; its `_id`s order events by time.
    ///
    /// # Errors
    /// `Internal` if it can't be encoded.
    pub fn document(&self, id: ObjectId) -> argon_core::Result<RawDocumentBuf> {
        let mut document = doc! {
            "_id": id, "time": self.time.0, "via": &self.via, "action": &self.action,
            "outcome": &self.outcome,
        };
        let texts = [
            ("user", &self.user),
            ("token", &self.token),
            ("client", &self.client),
            ("project", &self.project),
            ("branch", &self.branch),
            ("reason", &self.reason),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                document.insert(name, text);
            }
        }
        let failed = |error| Error::internal("an event can't be encoded").with_source(error);
        RawDocumentBuf::try_from(&document).map_err(failed)
    }

    fn of(document: &RawDocument) -> Self {
        let text = |name: &str| document.get_str(name).ok().map(str::to_owned);
        let time = document.get_datetime("time").unwrap_or(DateTime::from_millis(0));
        Self {
            time: Time(time),
            via: text("via").unwrap_or_default(),
            user: text("user"),
            token: text("token"),
            client: text("client"),
            action: text("action").unwrap_or_default(),
            project: text("project"),
            branch: text("branch"),
            outcome: text("outcome").unwrap_or_default(),
            reason: text("reason"),
        }
    }
}

/// The beginning of a text that clients choose.
pub fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_TEXT_BYTES)]
}

/// List what clients of a server did, and what they were refused, the oldest first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListAudit {
    /// The project that has the events, as the server was told; without it, `audit`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub project: Option<ProjectName>,
    /// Only what this user did.
    #[serde(default)]
    pub user: Option<String>,
    /// Only what ended so.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Only what happened at or after this time: a date, a time such as `2026-07-07T09:00`, `yesterday`, `1h ago`; without
    /// it, the last day.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Moment>,
}

/// Lists events as they are read.
///
/// # Errors
/// `NotFound` if the server has recorded nothing.
pub async fn list(
    store: &Store,
    request: ListAudit,
) -> Result<impl Stream<Item = Result<AuditEvent, Failure>> + Send + use<>> {
    let project = request.project.map_or_else(|| PROJECT.to_owned(), |name| name.to_string());
    let project = store.project(project.as_str()).await?;
    let state = project.branch(&first_branch()).await?.head().await?;
    let now = store.environment().now();
    let since = match &request.since {
        Some(moment) => moment.at(now).timestamp_millis(),
        None => now.timestamp_millis().saturating_sub(RECENT_MS),
    };
    // An `_id` begins with its second.
    let second = u32::try_from(since.div_euclid(1000).max(0)).unwrap_or(u32::MAX);
    let mut first = [0; 12];
    first[..4].copy_from_slice(&second.to_be_bytes());
    let mut filter = doc! {
        "_id": { "$gte": ObjectId::from_bytes(first) },
        "time": { "$gte": DateTime::from_millis(since) },
    };
    if let Some(user) = &request.user {
        filter.insert("user", user);
    }
    if let Some(outcome) = request.outcome {
        filter.insert("outcome", outcome.as_str());
    }
    let events: CollectionName = CollectionName::new(EVENTS)?;
    let find = FindDocuments {
        collection: events,
        filter: QueryDocument(filter),
        projection: QueryDocument::default(),
        sort: QueryDocument::default(),
        skip: 0,
        limit: None,
        collation: QueryDocument::default(),
        hint: None,
    };
    let found = document::find(&state, find)?;
    Ok(found.map_ok(|row| AuditEvent::of(row.as_raw())))
}
