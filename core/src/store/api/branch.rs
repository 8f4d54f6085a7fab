//! A branch: takes writes, returns states.

use std::sync::{Arc, PoisonError, RwLock};

use bson::DateTime;

use crate::engine::write::committer::{Committer, Submitted};
use crate::engine::write::{CollectionChange, Enforced, Outcome, Receipt, WriteRequest};
use crate::log::walk;
use crate::model::environment::Environment;
use crate::model::{Actor, BranchName, CollectionName, Head, Lsn};
use crate::store::mask::MaskPolicy;
use crate::store::records::BranchRecord;
use crate::store::{Collection, Project, Session, State, kept, lease, read_only};
use crate::{DetailKey, Error, ErrorKind, Result};

/// The properties of a branch in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchInfo {
    /// The name.
    pub name: BranchName,
    /// The last commit.
    pub head: Head,
    /// The branch from which this one was created.
    pub parent: Option<BranchName>,
    /// The position of the fork from the parent.
    pub forked_at: Lsn,
    /// The time of creation.
    pub created: DateTime,
    /// Whether the branch is protected.
    pub protected: bool,
    /// Whether the branch is read-only.
    pub read_only: bool,
    /// The expiry, for a [sandbox](crate::sandbox).
    pub ends: Option<DateTime>,
    /// Whether the branch is [masked](crate::mask).
    pub masked: bool,
}

impl BranchInfo {
    pub(crate) fn new(name: BranchName, record: &BranchRecord, head: Head) -> Self {
        Self {
            name,
            head,
            ends: record.ends(&head),
            parent: record.parent.as_deref().and_then(|parent| BranchName::new(parent).ok()),
            forked_at: Lsn::from_stored(record.forked_at),
            created: record.created,
            protected: record.protected,
            read_only: record.read_only,
            masked: record.mask.is_some(),
        }
    }
}

/// A handle to a branch. Cheap to clone; clones share the cached position of the branch.
///
/// The handle follows the branch: when the branch is moved to another timeline (for example by a
/// reset), its old timeline is sealed, and the next read or write looks the branch up again.
#[derive(Clone, Debug)]
pub struct Branch {
    project: Project,
    name: BranchName,
    record: Arc<RwLock<Arc<BranchRecord>>>,
}

impl Branch {
    pub(crate) fn new(project: Project, name: BranchName, record: BranchRecord) -> Self {
        Self { project, name, record: Arc::new(RwLock::new(Arc::new(record))) }
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The name.
    pub fn name(&self) -> &BranchName {
        &self.name
    }

    /// The clock, the source of identifiers and the counters of this process.
    pub fn environment(&self) -> &Environment {
        &self.project.shared.environment
    }

    /// Reads the properties of the branch.
    pub async fn info(&self) -> Result<BranchInfo> {
        let stored = self.project.record(&self.name).await?;
        let head = self.project.head_of(&stored.record).await?;
        Ok(BranchInfo::new(self.name.clone(), &stored.record, head))
    }

    /// Whether reads go through a [mask](crate::mask), which no operation removes.
    pub fn is_masked(&self) -> bool {
        self.known().mask.is_some()
    }

    /// Whether the branch is a [sandbox](crate::sandbox), as its record says now.
    ///
    /// # Errors
    /// `NotFound` if the branch does not exist any more.
    pub async fn is_sandbox(&self) -> Result<bool> {
        Ok(self.project.record(&self.name).await?.record.lease.is_some())
    }

    /// The policy of the mask; `None` if the branch is not masked.
    pub fn mask_policy(&self) -> Option<MaskPolicy> {
        self.known().mask.as_ref().map(|mask| mask.policy().clone())
    }

    /// The current state.
    ///
    /// # Errors
    /// `NotFound` if the branch does not exist any more.
    pub async fn head(&self) -> Result<State> {
        loop {
            let (record, head) = self.present().await.map_err(|error| self.named(error))?;
            match self.project.state_at(&record, head.lsn).await {
                Ok(state) if self.name.is_backup() => return Ok(state.ending_with(head)),
                Ok(state) => return Ok(state.ending_with(head)),
                // The head has moved, and its previous state was collected.
                Err(error) if error.kind() == crate::ErrorKind::NotFound => {
                    if self.present().await?.1 == head {
                        return Err(error);
                    }
                }
                Err(error) => return Err(self.named(error)),
            }
        }
    }

    /// The state after the commit at `lsn`, such as `branch.at(3)`; [`Lsn::ZERO`] is the empty
    /// state.
    ///
    /// # Errors
    /// `NotFound` if the branch has no such commit yet, or the state was [collected](crate::gc).
    pub async fn at(&self, lsn: impl Into<Lsn>) -> Result<State> {
        let lsn = lsn.into();
        let (record, head) = self.present().await.map_err(|error| self.named(error))?;
        if lsn > head.lsn {
            return Err(Error::not_found(format!(
                "LSN {lsn} does not exist on branch '{}'; its last LSN is {}",
                self.name, head.lsn
            ))
            .with_detail(DetailKey::Branch, self.name.as_str())
            .with_detail(DetailKey::Lsn, lsn.get()));
        }
        if lsn < head.lsn {
            let view = self.shared().timelines.view(record.timeline(), lsn).await?;
            let earlier = State::kept(self.shared().clone(), view, record.mask.clone()).await?;
            if let Some(earlier) = earlier {
                return Ok(earlier);
            }
        }
        // The head may have moved on since; where the state was collected, the error names what is kept.
        let head = self.head().await?;
        self.earlier(head, lsn).await
    }

    /// Returns a state of the branch that is not later than `state`.
    pub(crate) async fn earlier(&self, state: State, lsn: Lsn) -> Result<State> {
        if lsn == state.lsn() {
            return Ok(state);
        }
        match state.kept_earlier(lsn).await? {
            Some(earlier) => Ok(earlier),
            None => {
                let name = self.name.as_str();
                Err(kept::collected(&self.project, name, state.view(), lsn).await?)
            }
        }
    }

    /// The state at `time`: after the last commit that is not later.
    ///
    /// # Errors
    /// `NotFound` if the first commit is later, or the state was [collected](crate::gc).
    pub async fn at_time(&self, time: DateTime) -> Result<State> {
        let head = self.head().await?;
        let lsn = walk::last_not_after(&*self.shared().backend.wal, head.view(), time).await?;
        match lsn {
            Some(lsn) => self.earlier(head, lsn).await,
            None => Err(Error::not_found(format!(
                "branch '{}' has no state at {}; its first commit is later",
                self.name,
                time.try_to_rfc3339_string().unwrap_or_default()
            ))),
        }
    }

    /// A handle to a collection of the branch, for reads of the current state and for writes. Its
    /// documents are BSON; [`collection_of`](Self::collection_of) converts them.
    pub fn collection(&self, name: &CollectionName) -> Collection {
        Collection::new(self.clone(), name.clone())
    }

    /// A handle to a collection whose documents are values of a type with serde: a struct, or
    /// [`bson::Document`]. See [`Collection`].
    ///
    /// # Errors
    /// `Invalid` if the name can't be one of a collection.
    pub fn collection_of<T>(
        &self,
        name: impl TryInto<CollectionName, Error: Into<Error>>,
    ) -> Result<Collection<T>> {
        Ok(Collection::new(self.clone(), name.try_into().map_err(Into::<Error>::into)?))
    }

    /// Creates a branch that starts at the head of this one; see
    /// [`Project::create_branch`].
    ///
    /// # Errors
    /// The errors of [`Project::create_branch`].
    pub async fn fork(&self, name: impl TryInto<BranchName, Error: Into<Error>>) -> Result<Branch> {
        let head = self.head().await?;
        self.project.create_branch(name, &head, Some(&self.name)).await
    }

    /// An empty request, signed by the session's actor and with its trailers; fill it and
    /// [commit](Branch::commit) it.
    pub fn request(&self) -> WriteRequest {
        self.request_as(None)
    }

    /// Commits a request: all of its changes in one commit, durable when this returns, or none.
    ///
    /// Concurrent callers share durable appends. If the future is dropped before it is ready, the
    /// commit is either complete or absent.
    ///
    /// ```
    /// # use bson::rawdoc;
    /// # use argon_core::model::{CollectionName, Document};
    /// # use argon_core::write::{Precondition, Outcome};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> argon_core::Result<()> {
    /// let branch = argon_backends::memory_branch().await?;
    /// let accounts = CollectionName::new("accounts")?;
    /// let mut request = branch.request();
    /// for (id, balance) in [(1, 70), (2, 30)] {
    ///     let (key, document) = Document::checked(rawdoc! { "_id": id, "balance": balance })?;
    ///     request.put(accounts.clone(), key, document, Precondition::Absent)?;
    /// }
    /// assert!(matches!(branch.commit(request.clone()).await?, Outcome::Committed(_)));
    /// assert!(matches!(branch.commit(request).await?, Outcome::Conflict(_)), "they are there now");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Unavailable` if nothing was changed because the store failed; `Indeterminate` if the result
    /// is unknown: check the log before you retry. `Denied` for a backup, a read-only branch, and
    /// an expired sandbox.
    pub async fn commit(&self, request: WriteRequest) -> Result<Outcome> {
        let outcome = self.commit_in_turn(vec![request]).await.pop();
        outcome.unwrap_or_else(|| Err(Error::internal("a request has no outcome")))
    }

    /// Commits requests one after the other, each as [`commit`](Self::commit) does; they share durable
    /// appends, so many of them cost about as many round trips as one.
    ///
    /// The outcomes are in the order of the requests. The first that is neither
    /// [committed](Outcome::Committed) nor [unchanged](Outcome::Unchanged) is the last outcome: none of
    /// the requests after it is committed. So is the first error, after which `Indeterminate` leaves
    /// open whether the request and those after it were committed.
    #[tracing::instrument(name = "commit", level = "debug", skip_all, fields(branch = %self.name))]
    pub async fn commit_in_turn(&self, requests: Vec<WriteRequest>) -> Vec<Result<Outcome>> {
        let mut outcomes = Vec::with_capacity(requests.len());
        if let Err(error) = self.commit_each(requests, &mut outcomes).await {
            outcomes.push(Err(error));
        }
        outcomes
    }

    /// The record of the branch, and the committer of its timeline.
    ///
    /// # Errors
    /// `Denied` if the branch takes no commits.
    pub(super) async fn committer(&self) -> Result<(Arc<BranchRecord>, Arc<Committer>)> {
        if self.name.is_backup() {
            return Err(Error::denied(format!(
                "'{}' is a backup and takes no commits; create a branch from it instead",
                self.name
            )));
        }
        let record = self.writable().await?;
        let committer = self.committer_of(&record);
        Ok((record, committer))
    }

    /// The committer of the timeline of a record of the branch.
    pub(super) fn committer_of(&self, record: &BranchRecord) -> Arc<Committer> {
        self.shared().committers.of(record.timeline(), || {
            crate::store::records::branch_ref(self.project.id(), &self.name)
        })
    }

    async fn commit_each(
        &self,
        mut requests: Vec<WriteRequest>,
        outcomes: &mut Vec<Result<Outcome>>,
    ) -> Result<()> {
        loop {
            let (record, committer) = self.committer().await?;
            if record.mask.is_some() {
                // A refusal would tell whether an original has a value.
                for request in &mut requests {
                    request.set_enforced(Enforced::Nothing);
                }
            }
            let submitted = committer.submit(requests, record.base_head()).await;
            requests = Vec::new();
            for submitted in submitted {
                match submitted.map_err(|error| self.named(error))? {
                    Submitted::Outcome(outcome) => {
                        let met = outcome.is_met();
                        outcomes.push(Ok(outcome));
                        if !met {
                            return Ok(());
                        }
                    }
                    Submitted::Sealed(back) => requests.push(back),
                }
            }
            if requests.is_empty() {
                return Ok(());
            }
            self.follow(&record).await?;
        }
    }

    /// Commits a change of a collection's metadata.
    ///
    /// # Errors
    /// `AlreadyExists` or `NotFound`, depending on the change; otherwise the errors of
    /// [`Branch::commit`].
    pub async fn change_collection(&self, change: CollectionChange) -> Result<Option<Receipt>> {
        let mut request = self.request();
        request.change_collection(change);
        self.commit(request).await?.receipt()
    }

    pub(crate) fn shared(&self) -> &Arc<Session> {
        &self.project.shared
    }

    /// Adds the branch to an error of its log, which only knows the timeline.
    fn named(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Unavailable | ErrorKind::Indeterminate => {
                error.about(format_args!("branch '{}'", self.name))
            }
            _ => error,
        }
    }

    fn known(&self) -> Arc<BranchRecord> {
        self.record.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the cached record.
    fn learn(&self, record: BranchRecord) -> Arc<BranchRecord> {
        let record = Arc::new(record);
        *self.record.write().unwrap_or_else(PoisonError::into_inner) = record.clone();
        record
    }

    /// Returns the record of a branch that takes commits. A cached record that refuses commits is
    /// read again.
    async fn writable(&self) -> Result<Arc<BranchRecord>> {
        let known = self.known();
        if !known.read_only && self.ended(&known).await?.is_none() {
            return Ok(known);
        }
        let record = self.project.record(&self.name).await?.record;
        if record.read_only {
            return Err(read_only::refused(&self.name));
        }
        if let Some(end) = self.ended(&record).await? {
            return Err(lease::refused(&self.name, end));
        }
        Ok(self.learn(record))
    }

    /// Returns the expiry of an expired sandbox. A commit would extend it, but only an explicit
    /// request may do that, because it may be swept at any moment.
    async fn ended(&self, record: &BranchRecord) -> Result<Option<DateTime>> {
        let now = self.shared().environment.earliest();
        if record.lease.is_none_or(|lease| lease.expires >= now) {
            return Ok(None);
        }
        let head = self.project.head_of(record).await?;
        Ok(record.ends(&head).filter(|end| *end < now))
    }

    /// Returns the branch and its head, after looking it up again if it has moved. A timeline
    /// without commits may have been left long ago, and have been collected since.
    pub(crate) async fn present(&self) -> Result<(Arc<BranchRecord>, Head)> {
        let record = self.known();
        match self.shared().backend.wal.state(record.timeline).await? {
            Some(state) if !state.sealed => Ok((record, state.head)),
            _ => {
                let record = self.project.record(&self.name).await?.record;
                let head = self.project.head_of(&record).await?;
                Ok((self.learn(record), head))
            }
        }
    }

    /// Looks the branch up again after its timeline was found sealed. If the branch is still on
    /// that timeline, the operation that sealed it was interrupted, and the branch continues in a
    /// fork.
    pub(super) async fn follow(&self, sealed: &BranchRecord) -> Result<()> {
        // Wait for a move of the branch in this process.
        let _moving = self.shared().moving.lock().await;
        let stored = self.project.record(&self.name).await?;
        if stored.record.read_only {
            return Err(read_only::refused(&self.name));
        }
        let record = if stored.record.timeline == sealed.timeline {
            let head = self.project.seal(sealed).await?;
            let record = self.project.forked_on(&stored.record, head).await?;
            let at = sealed.point_at(head.lsn);
            let movement = self.project.movement(at, at, "continued after an interrupted move");
            match self.project.set(&self.name, &stored, record, movement).await {
                Ok(record) => record,
                Err(error) if error.kind() == crate::ErrorKind::Conflict => {
                    self.project.record(&self.name).await?.record
                }
                Err(error) => return Err(error),
            }
        } else {
            stored.record
        };
        self.learn(record);
        Ok(())
    }
}

impl Branch {
    /// An empty request, signed by this actor or else the session's, with the session's trailers.
    pub fn request_as(&self, actor: Option<Actor>) -> WriteRequest {
        let session = self.shared();
        let mut request = WriteRequest::new(actor.unwrap_or_else(|| session.actor.clone()));
        request.set_trailers(session.trailers.clone());
        request
    }
}
