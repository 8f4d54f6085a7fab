//! The commits of a branch.

mod names;
mod reach;

use std::collections::BTreeMap;

use argon_core::model::{Actor, Commit, CommitMeta, Touched};
use argon_core::{Error, Revision, State, parse_time};
use bson::DateTime;
use futures::{Stream, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use self::names::CollectionNames;
pub use self::reach::{Reach, ShowReach, reach};
use crate::json::{self, ChangedCollection, Origin, Time};
use crate::{Failure, Result};

/// List the commits of a branch, the newest first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListCommits {
    /// The state that has the first commit of the list; default: the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
    /// The maximum number of commits.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Only commits at or after this date, or time as RFC 3339.
    #[serde(default, deserialize_with = "time")]
    #[schemars(with = "Option<String>")]
    pub since: Option<DateTime>,
    /// Only commits of this actor.
    #[serde(default, deserialize_with = "json::actor")]
    #[schemars(with = "Option<String>")]
    pub actor: Option<Actor>,
    /// Only commits with this trailer: `KEY=VALUE`, or `KEY` for any value.
    #[serde(default)]
    pub trailer: Option<String>,
}

fn time<'de, D: Deserializer<'de>>(input: D) -> Result<Option<DateTime>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    text.map(|text| time_filter(&text).map_err(D::Error::custom)).transpose()
}

/// Reads a date, or a time as RFC 3339.
///
/// # Errors
/// `Invalid`, with the expected forms.
pub fn time_filter(text: &str) -> argon_core::Result<DateTime> {
    parse_time(text).ok_or_else(|| {
        Error::invalid(format!(
            "invalid time '{text}': expected a date such as 2026-07-07 or a time such as \
             2026-07-07T09:00:00Z"
        ))
    })
}

impl ListCommits {
    fn asks_for(&self, commit: &CommitMeta) -> bool {
        let has = |trailer: &str| match trailer.split_once('=') {
            Some((key, value)) => commit.trailers.get(key) == Some(value),
            None => commit.trailers.get(trailer).is_some(),
        };
        self.actor.as_ref().is_none_or(|actor| *actor == commit.actor)
            && self.trailer.as_deref().is_none_or(has)
    }
}

/// A commit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedCommit {
    /// Its position.
    pub lsn: u64,
    /// The time of the commit.
    pub time: Time,
    /// The actor.
    pub actor: String,
    /// The message.
    pub message: String,
    /// The origin.
    pub origin: Origin,
    /// The trailers.
    pub trailers: BTreeMap<String, String>,
    /// The digest, which covers all earlier commits.
    pub digest: String,
    /// The changed collections.
    pub collections: Vec<ChangedCollection>,
}

/// An entry of the list of commits.
#[derive(Debug, Clone)]
pub enum LogEntry {
    /// A commit.
    Commit(Box<ListedCommit>),
    /// The log was read to its first commit; those up to this position were collected, if it is not 0.
    Floor(u64),
}

/// Lists the commits up to a state, the newest first, each as soon as it is read.
pub fn list(
    state: &State,
    request: ListCommits,
) -> impl Stream<Item = Result<LogEntry, Failure>> + Send + use<> {
    let walk = Walk {
        commits: Box::pin(argon_core::log::headers(state)),
        names: CollectionNames::new(state),
        left: request.limit.unwrap_or(usize::MAX),
        state: state.clone(),
        request,
        ended: false,
    };
    stream::try_unfold(
        walk,
        |mut walk| async move { Ok(walk.next().await?.map(|entry| (entry, walk))) },
    )
}

type Commits = std::pin::Pin<Box<dyn Stream<Item = argon_core::Result<Commit<Touched>>> + Send>>;

struct Walk {
    commits: Commits,
    names: CollectionNames,
    left: usize,
    state: State,
    request: ListCommits,
    ended: bool,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<LogEntry>> {
        while self.left > 0 && !self.ended {
            let Some(commit) = self.commits.try_next().await? else {
                self.ended = true;
                let floor = argon_core::log::floor(&self.state).await?;
                return Ok(Some(LogEntry::Floor(floor.get())));
            };
            if self.request.since.is_some_and(|since| commit.meta.time < since) {
                self.ended = true; // Times never go back along a log.
            } else if self.request.asks_for(&commit.meta) {
                self.left -= 1;
                let collections = self.names.changed_by(&commit).await?;
                return Ok(Some(LogEntry::Commit(Box::new(ListedCommit::of(
                    &commit,
                    collections,
                )))));
            }
        }
        Ok(None)
    }
}

impl ListedCommit {
    fn of(commit: &Commit<Touched>, collections: Vec<ChangedCollection>) -> Self {
        let meta = &commit.meta;
        Self {
            lsn: meta.lsn.get(),
            time: Time(meta.time),
            actor: meta.actor.to_string(),
            message: meta.message.as_str().to_owned(),
            origin: Origin::from(&meta.origin),
            trailers: json::trailers(&meta.trailers),
            digest: commit.digest.to_string(),
            collections,
        }
    }
}
