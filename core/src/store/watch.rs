//! The log of a branch as a stream of commits that follows new ones.
//!
//! A watcher reads the log and nothing else, so it needs no place in the store, and misses nothing
//! that was committed while it was away. It is woken by the commits of this process. On a store that
//! other processes may have open, it also asks for the head of the timeline, after pauses that double
//! while nothing happens.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::sync::futures::Notified;

use crate::document::key::Key;
use crate::engine::catalog::{Catalog, CollectionInfo, decode};
use crate::log::walk;
use crate::model::{
    Change, CollectionId, CollectionName, Commit, CommitMeta, Head, Image, Lsn, Point, View,
};
use crate::storage::CommitStream;
use crate::store::records::{BranchRecord, MoveRecord, PointRecord};
use crate::store::{Branch, State, log};
use crate::{DetailKey, Error, ErrorKind, Result};

/// The pauses between two looks at a store that other processes may have open.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The position after which a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchFrom {
    /// The head of the branch: only new commits.
    Head,
    /// This LSN on the present history of the branch; [`Lsn::ZERO`] for all commits.
    Lsn(Lsn),
    /// The token of a commit that was seen before. Its timeline shows whether the branch was reset
    /// since.
    Point(Point),
}

/// A commit that a watch delivers.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedCommit {
    /// The token from which another watch [continues](WatchFrom::Point), after this commit.
    pub point: Point,
    /// Position, time, actor, message, origin.
    pub meta: CommitMeta,
    /// The changes in the order of the request.
    pub changes: Vec<WatchedChange>,
}

/// A change in a [`WatchedCommit`].
#[derive(Debug, Clone, PartialEq)]
pub enum WatchedChange {
    /// A document was written or deleted.
    Document {
        /// The name of its collection after the commit.
        collection: CollectionName,
        /// Its `_id`.
        id: Key,
        /// The document after the commit.
        image: Image,
    },
    /// A collection was created, renamed or dropped, or its options or indexes were set. No change
    /// of a document follows from a drop.
    Collection {
        /// The collection after the commit.
        info: CollectionInfo,
        /// Whether it was dropped.
        dropped: bool,
    },
}

/// Commits that were made, and those that follow. The stream ends with an error, or not at all.
pub type WatchStream = BoxStream<'static, Result<WatchedCommit>>;

impl From<Lsn> for WatchFrom {
    fn from(lsn: Lsn) -> Self {
        Self::Lsn(lsn)
    }
}

impl From<Point> for WatchFrom {
    fn from(point: Point) -> Self {
        Self::Point(point)
    }
}

impl Branch {
    /// Follows the branch: gives every commit after `from`, oldest first, and then each new one as
    /// soon as it is known, whichever process made it.
    ///
    /// A commit of this process is delivered at once. On a store that several processes may have open,
    /// those of others are found by asking for the head, at intervals of 10 ms that double up to one
    /// second while nothing happens; each costs one request to the store, and a waiting watcher
    /// occupies a blocking thread of the runtime.
    ///
    /// [`WatchedCommit::point`] is a token: a later watch from there gives the commits after it.
    /// Dropping the stream ends the watch.
    ///
    /// ```
    /// # use bson::rawdoc;
    /// # use futures::TryStreamExt;
    /// # use argon_core::model::Lsn;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> argon_core::Result<()> {
    /// let main = argon_backends::memory_branch().await?;
    /// let users = main.collection_of::<bson::Document>("users")?;
    /// users.insert(&bson::doc! { "_id": 1 }).await?;
    ///
    /// let mut commits = main.watch(Lsn::ZERO).await?;
    /// let first = commits.try_next().await?.expect("a watch does not end");
    /// users.insert(&bson::doc! { "_id": 2 }).await?;
    /// let second = commits.try_next().await?.expect("a watch does not end");
    /// assert_eq!((first.meta.lsn, second.meta.lsn), (Lsn::new(1), Lsn::new(2)));
    ///
    /// let mut again = main.watch(first.point).await?;
    /// assert_eq!(again.try_next().await?, Some(second));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the branch has no such LSN; `Conflict` if the commit of the token is not in its
    /// history, because it was reset.
    ///
    /// In the stream, as its end: `Conflict` if the branch was reset to a state that lacks commits that
    /// it had; `NotFound` if it was renamed or deleted, or if a commit was collected before it was
    /// read; the errors of reading the store. All commits before a reset are delivered before the
    /// error.
    pub async fn watch(&self, from: impl Into<WatchFrom>) -> Result<WatchStream> {
        let watcher = Watcher::new(self.clone(), from.into()).await?;
        let commits = stream::try_unfold(watcher, |mut watcher| async move {
            let commit = watcher.next().await?;
            Ok::<_, Error>(Some((commit, watcher)))
        });
        Ok(commits.boxed())
    }
}

impl Branch {
    /// Waits until the branch has another state than `seen`, such as by a commit or a reset, and returns it.
    /// Other processes are noticed as by [`watch`](Self::watch).
    ///
    /// # Errors
    /// `NotFound` if the branch does not exist any more.
    pub async fn head_after(&self, seen: &State) -> Result<State> {
        let appends = self.shared().appends.clone();
        let mut pause = FIRST_PAUSE;
        loop {
            // Before the look at the store, so that no append in between is missed.
            let woken = appends.notified();
            let head = self.head().await?;
            if head.view() != seen.view() {
                return Ok(head);
            }
            wait(self, woken, &mut pause).await;
        }
    }
}

/// The position of a watch.
struct Watcher {
    branch: Branch,
    record: Arc<BranchRecord>,
    /// The last commit that was delivered.
    seen: Lsn,
    /// The collections after `seen`, once a commit was delivered.
    catalog: Option<Arc<Catalog>>,
    /// The commits after `seen` up to the head of `view`.
    commits: Option<(View, CommitStream)>,
    pause: Duration,
}

impl Watcher {
    async fn new(branch: Branch, from: WatchFrom) -> Result<Self> {
        let shared = branch.shared();
        let (record, head) = branch.present().await?;
        let view = shared.timelines.view(record.timeline(), head.lsn).await?;
        let (name, last) = (branch.name(), head.lsn);
        let seen = match from {
            WatchFrom::Head => last,
            WatchFrom::Lsn(lsn) if lsn <= last => lsn,
            WatchFrom::Point(point) if is_in(&view, point) => point.lsn,
            WatchFrom::Lsn(lsn) => {
                return Err(Error::not_found(format!(
                    "LSN {lsn} does not exist on branch '{name}'; its last LSN is {last}"
                ))
                .with_detail(DetailKey::Branch, name.as_str())
                .with_detail(DetailKey::Lsn, lsn.get()));
            }
            WatchFrom::Point(point) => {
                return Err(Error::conflict(format!(
                    "the history of branch '{name}' does not have commit {point}, because it was \
                     reset, or is another branch; read the branch, and watch it from its head"
                ))
                .with_detail(DetailKey::Branch, name.as_str())
                .with_detail(DetailKey::Lsn, point.lsn.get()));
            }
        };
        Ok(Self { record, seen, catalog: None, commits: None, pause: FIRST_PAUSE, branch })
    }

    async fn next(&mut self) -> Result<WatchedCommit> {
        let appends = self.branch.shared().appends.clone();
        loop {
            if let Some(commit) = self.next_known().await? {
                self.pause = FIRST_PAUSE;
                return Ok(commit);
            }
            // Before the look at the store, so that no append in between is missed.
            let woken = appends.notified();
            if !self.advance().await? {
                wait(&self.branch, woken, &mut self.pause).await;
            }
        }
    }

    /// The next of the commits that are known; `None` if all were delivered.
    async fn next_known(&mut self) -> Result<Option<WatchedCommit>> {
        let Some((view, commits)) = &mut self.commits else { return Ok(None) };
        let (view, expected) = (view.clone(), self.seen.next());
        let commit = match commits.try_next().await? {
            Some(commit) if commit.meta.lsn == expected => commit,
            None if self.seen == view.lsn() => {
                self.commits = None;
                return Ok(None);
            }
            _ => return Err(missing(&self.branch, &view, expected).await),
        };
        let commit = self.watched(&view.at(expected), commit).await?;
        self.seen = expected;
        Ok(Some(commit))
    }

    /// Names what a commit changed, through the mask of the branch; `view` ends with the commit.
    async fn watched(&mut self, view: &View, commit: Commit) -> Result<WatchedCommit> {
        let shared = self.branch.shared();
        let is_same =
            !commit.changes.iter().any(|change| change.collection == CollectionId::CATALOG);
        let catalog = match self.catalog.take() {
            Some(known) if is_same => known,
            _ => shared.catalogs.of(&*shared.materialize, view).await?,
        };
        let commit = match &self.record.mask {
            None => commit,
            Some(mask) => {
                let state = State::of(shared.clone(), view.clone(), Some(mask.clone())).await?;
                log::masked(&state, mask, commit).await?
            }
        };
        let changes = commit.changes.into_iter().map(|change| named(&catalog, change));
        let changes = changes.collect::<Result<_>>()?;
        self.catalog = Some(catalog);
        let point = view.point().ok_or_else(|| Error::internal("a commit is in no view"))?;
        Ok(WatchedCommit { point, meta: commit.meta, changes })
    }

    /// Looks at the store. Returns whether there is more to deliver.
    async fn advance(&mut self) -> Result<bool> {
        let wal = &self.branch.shared().backend.wal;
        let state = wal.state(self.record.timeline).await?;
        let head = state.map_or_else(|| self.record.base_head(), |state| state.head);
        if head.lsn > self.seen {
            let view = view_of(&self.branch, &self.record, head.lsn).await?;
            let segments = walk::above_of(&view, self.seen);
            let wal = wal.clone();
            let commits = stream::iter(segments).flat_map(move |segment| {
                wal.read(segment.timeline, segment.above.next()..=segment.upto)
            });
            self.commits = Some((view, commits.boxed()));
            return Ok(true);
        }
        // A timeline without commits may have been left, and collected since.
        if state.is_none_or(|state| state.sealed) { self.follow(head).await } else { Ok(false) }
    }

    /// Follows a branch whose timeline ended at `head`, if its history continues. Returns whether it
    /// is on another timeline.
    async fn follow(&mut self, head: Head) -> Result<bool> {
        // Wait for a move of the branch in this process.
        let moving = self.branch.shared().moving.lock().await;
        let found = self.branch.project().record(self.branch.name()).await;
        drop(moving);
        let record = match found {
            Ok(stored) => Arc::new(stored.record),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(gone(&self.branch, &self.record, head, error).await);
            }
            Err(error) => return Err(error),
        };
        if record.timeline == self.record.timeline {
            return Ok(false);
        }
        let now = self.branch.project().head_of(&record).await?;
        let ended = view_of(&self.branch, &self.record, head.lsn).await?;
        let view = view_of(&self.branch, &record, now.lsn).await?;
        if view.common_lsn(&ended) < head.lsn {
            let name = self.branch.name();
            return Err(Error::conflict(format!(
                "branch '{name}' was reset from LSN {} while it was watched, and is at LSN {} now; \
                 read the branch, and watch it from its head",
                head.lsn, now.lsn
            ))
            .with_detail(DetailKey::Branch, name.as_str())
            .with_detail(DetailKey::Lsn, now.lsn.get()));
        }
        self.record = record;
        Ok(true)
    }
}

/// Waits for a commit of this process or, on a store that others may have open, for the pause.
async fn wait(branch: &Branch, woken: Notified<'_>, pause: &mut Duration) {
    let backend = &branch.shared().backend;
    if !backend.capabilities.shared || backend.sharing.is_some() {
        woken.await;
        return;
    }
    let now = *pause;
    *pause = (now * 2).min(LONGEST_PAUSE);
    // A blocking thread sleeps, because the runtime of a program need not have a timer.
    let slept = tokio::task::spawn_blocking(move || std::thread::sleep(now));
    if let Either::Left(_) = select(std::pin::pin!(woken), slept).await {
        *pause = FIRST_PAUSE;
    }
}

/// Returns whether a commit is part of a history.
fn is_in(view: &View, point: Point) -> bool {
    view.segment_of(point.lsn).is_some_and(|segment| segment.timeline == point.timeline)
}

async fn view_of(branch: &Branch, record: &BranchRecord, lsn: Lsn) -> Result<View> {
    branch.shared().timelines.view(record.timeline(), lsn).await
}

/// The error for a commit that is not in the log.
async fn missing(branch: &Branch, view: &View, lsn: Lsn) -> Error {
    let Some(segment) = view.segment_of(lsn) else {
        return Error::internal(format!("commit {lsn} is in no segment of the watched view"));
    };
    let wal = &branch.shared().backend.wal;
    walk::missing_commit(&**wal, segment.timeline, lsn).await.unwrap_or_else(|error| error)
}

/// The error for a branch that has no record any more.
async fn gone(branch: &Branch, record: &BranchRecord, head: Head, missing: Error) -> Error {
    let (project, name) = (branch.project(), branch.name());
    let ended = record.point_at(head.lsn).map(PointRecord::from);
    let note = format!(" from {name}");
    let records = project.branch_records().await.unwrap_or_default();
    // A rename is noted as a move from a point to itself; a fork has no point before.
    let renamed = records.into_iter().find(|(other, stored)| {
        let is_rename = |moved: &MoveRecord| {
            ended.is_some()
                && moved.from == ended
                && moved.to == ended
                && moved.why.ends_with(&note)
        };
        !other.is_backup() && stored.record.moves.iter().any(is_rename)
    });
    let message = match renamed {
        Some((to, _)) => format!("branch '{name}' was renamed to '{to}' while it was watched"),
        None => format!("branch '{name}' was deleted while it was watched"),
    };
    Error::not_found(message).with_detail(DetailKey::Branch, name.as_str()).with_source(missing)
}

/// Names what a change is about.
fn named(catalog: &Catalog, Change { collection, key, image }: Change) -> Result<WatchedChange> {
    match image {
        Image::Document(document) if collection == CollectionId::CATALOG => {
            let (info, dropped) = decode(&document)?;
            Ok(WatchedChange::Collection { info, dropped })
        }
        image => match catalog.name_of(collection) {
            Some(name) => Ok(WatchedChange::Document { collection: name.clone(), id: key, image }),
            None => {
                Err(Error::corrupt(format!("a commit changes unknown collection {collection}")))
            }
        },
    }
}
