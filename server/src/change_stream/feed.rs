//! The commits of the branches that a stream follows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use argon_core::model::{BranchName, Point, ProjectName};
use argon_core::watch::{WatchStream, WatchedCommit};
use argon_core::{Branch, Error, ErrorKind};
use bson::DateTime;
use futures::stream::{BoxStream, SelectAll, StreamExt};
use tokio::time::Instant;

use super::lost;
use super::options::Start;
use super::scope::Scope;
use super::start::Beginning;
use super::token::{Given, Token};
use crate::clock::moment;
use crate::failure::{CommandError, Result};
use crate::place::Place;
use crate::shared::Shared;

/// How often branches are looked for that are new, and the branch of a database that is not there yet.
const LOOK: Duration = Duration::from_millis(500);
const LOOK_FOR_ONE: Duration = Duration::from_millis(100);

/// A branch that a stream follows.
pub(super) struct Source {
    pub(super) branch: Branch,
    /// The database that it is.
    pub(super) database: String,
    /// The commit of which events were given before the stream was resumed.
    given: Option<(Point, Given)>,
}

/// What happens on a branch.
pub(super) enum Happening {
    Commit(Box<WatchedCommit>),
    /// The branch was reset, renamed or deleted.
    Ended,
}

type Next = (usize, argon_core::Result<WatchedCommit>);

/// The commits of branches, each branch in its order.
pub(super) struct Feed {
    shared: Arc<Shared>,
    /// The database; `None` for all.
    database: Option<String>,
    since: DateTime,
    /// Set if the stream begins in the future: commits before it are skipped.
    not_before: Option<DateTime>,
    start: Start,
    sources: Vec<Source>,
    followed: HashSet<(ProjectName, BranchName)>,
    streams: SelectAll<BoxStream<'static, Next>>,
    /// The last commits that were given, of the sources; the latest is the last.
    positions: Vec<(usize, Point)>,
    looked: Instant,
    /// A branch whose commits have ended, with the reason, until that is told.
    ending: Option<(usize, Error)>,
}

impl Feed {
    /// Begins to follow the branches that are there.
    pub(super) async fn open(
        shared: &Arc<Shared>,
        database: &str,
        scope: &Scope,
        start: Start,
    ) -> Result<Self> {
        let since = match &start {
            Start::Now => shared.store.environment().now(),
            Start::At(time) => moment(*time),
            Start::After(token) => token.since,
        };
        let now = shared.store.environment().now();
        let not_before = (matches!(start, Start::At(_)) && since > now).then_some(since);
        let mut feed = Self {
            shared: shared.clone(),
            database: (*scope != Scope::Cluster).then(|| database.to_owned()),
            since,
            not_before,
            start,
            sources: Vec::new(),
            followed: HashSet::new(),
            streams: SelectAll::new(),
            positions: Vec::new(),
            looked: Instant::now(),
            ending: None,
        };
        feed.look().await?;
        feed.check_found()?;
        // Those that come later are new.
        if feed.start == Start::Now {
            feed.start = Start::At(crate::clock::timestamp(since, 0));
        }
        Ok(feed)
    }

    /// The latest position of a token must be found.
    fn check_found(&mut self) -> Result<()> {
        let Start::After(Token { positions, .. }) = &self.start else { return Ok(()) };
        let Some(latest) = positions.last() else { return Ok(()) };
        let Some(place) = self.positions.iter().position(|(_, point)| point == latest) else {
            return Err(lost(format!("no branch has commit {latest}: it was reset or deleted")));
        };
        let latest = self.positions.remove(place);
        self.positions.push(latest);
        Ok(())
    }

    /// Whether a commit is before the begin of the stream.
    pub(super) fn skips(&self, commit: &WatchedCommit) -> bool {
        self.not_before.is_some_and(|begin| commit.meta.time < begin)
    }

    pub(super) fn source(&self, source: usize) -> &Source {
        &self.sources[source]
    }

    /// A token after what was given.
    pub(super) fn token(&self, given: Given, is_end: bool) -> Token {
        let positions: Vec<_> = self.positions.iter().map(|(_, point)| *point).collect();
        // The position of the only branch is all that counts, so that an event has the same token always.
        let is_only = self.database.is_some() && !positions.is_empty();
        let since = if is_only { DateTime::from_millis(0) } else { self.since };
        Token { since, positions, given, is_end }
    }

    /// Goes on to a commit of a source.
    pub(super) fn advance(&mut self, source: usize, point: Point) {
        self.positions.retain(|(other, _)| *other != source);
        self.positions.push((source, point));
    }

    /// What was given of a commit before the stream was resumed.
    pub(super) fn given(&self, source: usize, point: Point) -> Option<Given> {
        let given = self.sources[source].given.as_ref();
        given.filter(|(known, _)| *known == point).map(|(_, given)| *given)
    }

    /// Waits for what happens next. It may be dropped while it waits.
    ///
    /// # Errors
    /// `ChangeStreamHistoryLost` if commits were collected before they were read; the errors of the store.
    pub(super) async fn next(&mut self) -> Result<(usize, Happening)> {
        loop {
            if self.ending.is_some() {
                return self.ended().await;
            }
            // One branch that is followed is all that there is of a database.
            let needs_look = self.database.is_none() || self.streams.is_empty();
            let pause = if self.database.is_none() { LOOK } else { LOOK_FOR_ONE };
            let pause = pause.saturating_sub(self.looked.elapsed());
            let look = async {
                if needs_look {
                    tokio::time::sleep(pause).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                Some((source, next)) = self.streams.next(), if !self.streams.is_empty() => {
                    match next {
                        Ok(commit) => return Ok((source, Happening::Commit(Box::new(commit)))),
                        Err(error) => self.ending = Some((source, error)),
                    }
                }
                () = look => self.look_again().await?,
            }
        }
    }

    async fn ended(&mut self) -> Result<(usize, Happening)> {
        let source = self.ending.as_ref().map(|(source, _)| *source).unwrap_or_default();
        let Source { branch, .. } = &self.sources[source];
        let key = (branch.project().name().clone(), branch.name().clone());
        let is_there = branch.project().branch(branch.name()).await.is_ok();
        // Nothing waits from here on.
        if let Some((_, error)) = self.ending.take() {
            match error.kind() {
                ErrorKind::NotFound if is_there => return Err(lost(error)),
                ErrorKind::Conflict | ErrorKind::NotFound => {}
                _ => return Err(error.into()),
            }
        }
        self.followed.remove(&key);
        self.positions.retain(|(other, _)| *other != source);
        Ok((source, Happening::Ended))
    }

    async fn look_again(&mut self) -> Result<()> {
        match self.look().await {
            // The project has been created since, and not yet the branch.
            Err(error) if error.code() == 26 && self.sources.is_empty() => Ok(()),
            looked => looked,
        }
    }

    /// Begins to follow the branches that are new.
    async fn look(&mut self) -> Result<()> {
        self.looked = Instant::now();
        let branches = match &self.database {
            Some(database) => branch_of(&self.shared, database).await?.into_iter().collect(),
            None => branches(&self.shared, &self.followed).await?,
        };
        for (branch, database) in branches {
            let key = (branch.project().name().clone(), branch.name().clone());
            if self.followed.contains(&key) {
                continue;
            }
            // Such as one that is deleted meanwhile.
            match self.follow(branch, database).await {
                Err(error) if error.code() == 26 && self.database.is_none() => {}
                followed => {
                    followed?;
                    self.followed.insert(key);
                }
            }
        }
        Ok(())
    }

    async fn follow(&mut self, branch: Branch, database: String) -> Result<()> {
        let beginning = match &self.start {
            Start::Now => Beginning::after(&branch.head().await?),
            Start::At(_) => Beginning::of_time(&branch, self.since).await?,
            Start::After(token) => match Beginning::of_token(&branch, token).await? {
                Some(beginning) => beginning,
                None => Beginning::of_time(&branch, self.since).await?,
            },
        };
        let Beginning { after, given, point } = beginning;
        // Of many branches, those without a position are found by the time.
        let point = point.filter(|point| self.database.is_some() || self.is_in_token(point));
        let commits: WatchStream = branch.watch(after).await?;
        let source = self.sources.len();
        self.streams.push(commits.map(move |commit| (source, commit)).boxed());
        self.sources.push(Source { branch, database, given });
        self.positions.extend(point.map(|point| (source, point)));
        Ok(())
    }

    fn is_in_token(&self, point: &Point) -> bool {
        matches!(&self.start, Start::After(token) if token.positions.contains(point))
    }
}

/// The branch that a database is, if there is one.
async fn branch_of(shared: &Shared, database: &str) -> Result<Option<(Branch, String)>> {
    shared.places.forget(database);
    match shared.places.find(database).await? {
        Place::Empty => Ok(None),
        Place::Head(branch) => Ok(Some((branch, database.to_owned()))),
        Place::Past { .. } => Err(CommandError::new(
            115,
            format!("'{database}' is a past state, which does not change: watch the branch"),
        )),
    }
}

/// The branches that are not followed, and the databases that they are.
async fn branches(
    shared: &Shared,
    followed: &HashSet<(ProjectName, BranchName)>,
) -> Result<Vec<(Branch, String)>> {
    let default = &shared.options.branch;
    let mut branches = Vec::new();
    for project in shared.store.projects().await? {
        let project = shared.store.project(&project.name).await?;
        for info in project.branches().await? {
            let key = (project.name().clone(), info.name.clone());
            if info.name.is_backup() || followed.contains(&key) {
                continue;
            }
            let database = if info.name == *default {
                project.name().to_string()
            } else {
                format!("{}:{}", project.name(), info.name)
            };
            branches.push((project.branch(&info.name).await?, database));
        }
    }
    Ok(branches)
}
