//! The commits of a branch.

mod graph;
mod names;
mod pattern;
mod reach;

use std::collections::BTreeMap;

use argon_core::model::{Actor, Commit, CommitMeta, Lsn, Touched};
use argon_core::{Moment, Revision, State};
use bson::DateTime;
use futures::{Stream, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::graph::{GraphCommit, GraphEntry, GraphPoint, ShowGraph, graph};
use self::names::CollectionNames;
pub use self::pattern::MessagePattern;
pub use self::reach::{Reach, ShowReach, reach};
use crate::changes::ChangeFilter;
use crate::json::{self, ChangedCollection, Origin, Time};
use crate::{Failure, Result, Workspace};

/// List the commits of a branch, the newest first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListCommits {
    /// The state that has the first commit of the list; default: the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
    /// Only commits that this state does not have, along forks and merges.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub above: Option<Revision>,
    /// The maximum number of commits.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Only commits at or after this time: a date, a time such as `2026-07-07T09:00`, `yesterday`, `1h ago`.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Moment>,
    /// Only commits at or before this time.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Moment>,
    /// Only commits whose message this regular expression finds.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub pattern: Option<MessagePattern>,
    /// Only commits that changed these collections or documents.
    #[serde(flatten)]
    pub filter: ChangeFilter,
    /// Only commits of this actor.
    #[serde(default, deserialize_with = "json::actor")]
    #[schemars(with = "Option<String>")]
    pub actor: Option<Actor>,
    /// Only commits with this trailer: `KEY=VALUE`, or `KEY` for any value.
    #[serde(default)]
    pub trailer: Option<String>,
}

impl ListCommits {
    /// Whether a commit is listed, as far as its changes don't matter.
    fn asks_for(&self, commit: &CommitMeta) -> Result<bool> {
        let has = |trailer: &str| match trailer.split_once('=') {
            Some((key, value)) => commit.trailers.get(key) == Some(value),
            None => commit.trailers.get(trailer).is_some(),
        };
        let is_signed = self.actor.as_ref().is_none_or(|actor| *actor == commit.actor)
            && self.trailer.as_deref().is_none_or(has);
        match &self.pattern {
            Some(pattern) if is_signed => Ok(pattern.finds(&commit.message)?),
            _ => Ok(is_signed),
        }
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
///
/// # Errors
/// `NotFound` if a state does not exist; `Invalid` for a filter that can't be.
pub async fn list(
    workspace: &Workspace,
    request: ListCommits,
) -> Result<impl Stream<Item = Result<LogEntry, Failure>> + Send + use<>> {
    request.filter.check()?;
    let state = workspace.state(request.revision.as_ref()).await?;
    let above = match &request.above {
        Some(above) => workspace.state(Some(above)).await?.merged_lsn(&state).await?,
        None => Lsn::ZERO,
    };
    let now = state.environment().now();
    let walk = Walk {
        commits: Box::pin(argon_core::log::headers(&state)),
        names: CollectionNames::new(&state),
        left: request.limit.unwrap_or(usize::MAX),
        above,
        since: request.since.as_ref().map(|since| since.at(now)),
        until: request.until.as_ref().map(|until| until.at(now)),
        state,
        request,
        ended: false,
    };
    Ok(stream::try_unfold(walk, |mut walk| async move {
        Ok(walk.next().await?.map(|entry| (entry, walk)))
    }))
}

type Commits = std::pin::Pin<Box<dyn Stream<Item = argon_core::Result<Commit<Touched>>> + Send>>;

struct Walk {
    commits: Commits,
    names: CollectionNames,
    left: usize,
    /// The last position that is not listed.
    above: Lsn,
    since: Option<DateTime>,
    until: Option<DateTime>,
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
            let meta = &commit.meta;
            // Times never go back along a log.
            if meta.lsn <= self.above || self.since.is_some_and(|since| meta.time < since) {
                self.ended = true;
            } else if self.until.is_none_or(|until| meta.time <= until)
                && self.request.asks_for(meta)?
                && let Some(listed) = self.listed(&commit).await?
            {
                self.left -= 1;
                return Ok(Some(LogEntry::Commit(Box::new(listed))));
            }
        }
        Ok(None)
    }

    /// The commit, if it changed something that is wanted.
    async fn listed(&mut self, commit: &Commit<Touched>) -> Result<Option<ListedCommit>> {
        let filter = &self.request.filter;
        if !filter.ids.is_empty()
            && !commit.changes.iter().any(|change| filter.takes_key(&change.key))
        {
            return Ok(None);
        }
        let collections = self.names.changed_by(commit).await?;
        let filter = &self.request.filter;
        let is_wanted = |changed: &ChangedCollection| filter.takes_collection(&changed.collection);
        let is_listed = filter.is_empty() || collections.iter().any(is_wanted);
        // A document of another collection may have the same _id.
        if !is_listed || !self.touches_wanted(commit) {
            return Ok(None);
        }
        Ok(Some(ListedCommit::of(commit, collections)))
    }

    /// Whether a commit touched one of the documents that are wanted, if any are.
    fn touches_wanted(&self, commit: &Commit<Touched>) -> bool {
        let filter = &self.request.filter;
        let is_wanted = |change: &Touched| {
            let name = self.names.known(change.collection);
            filter.takes_key(&change.key) && name.is_some_and(|name| filter.takes_collection(name))
        };
        filter.ids.is_empty() || commit.changes.iter().any(is_wanted)
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
