//! Saved plans, which can be reviewed, resolved and applied later, by anybody.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bson::DateTime;

use crate::history::plan::record::{PlanRecord, SourceRecord};
use crate::history::plan::{MergeResult, Plan, Source, commit};
use crate::log::walk;
use crate::model::{Actor, BranchName, Lsn, Message, Point};
use crate::storage::{CasResult, RefVersion, VersionedRef};
use crate::store::records::{self, BaseRecord, VersionedRecord as StoredRecord};
use crate::store::{Project, State, kept, log, plans};
use crate::{DetailKey, Error, Hint, Result};

/// The identifier of a saved plan: 8 hex digits. A unique prefix is sufficient.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanId(String);

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PlanId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(Error::invalid(format!("invalid plan id '{text}': expected up to 8 hex digits"))
            .with_hint(Hint::ListPlans))
    }
}

/// The status of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanStatus {
    /// It can be changed and applied.
    Open,
    /// It was applied, as the commit at this position.
    Applied(Lsn),
    /// It was aborted.
    Aborted,
    /// It was closed, because its decisions left nothing to commit.
    Nothing,
}

/// The properties of a saved plan in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlanInfo {
    /// The identifier.
    pub id: PlanId,
    /// The target branch.
    pub branch: BranchName,
    /// The state of the branch for which the plan was created.
    pub ours: Lsn,
    /// A short description of the operation.
    pub what: String,
    /// The status.
    pub status: PlanStatus,
    /// The creator.
    pub actor: String,
    /// The time of creation.
    pub created: DateTime,
    /// The reason that the creator gave.
    pub message: String,
    /// The number of decisions.
    pub decisions: usize,
}

/// A plan that is saved in the store.
#[derive(Debug)]
pub struct SavedPlan {
    id: PlanId,
    version: RefVersion,
    pub(super) record: PlanRecord,
    pub(super) project: Project,
    pub(super) plan: Plan,
    pub(super) left_open: Option<Error>,
}

impl SavedPlan {
    /// The maximum size of a plan with its decisions: 8 MiB.
    pub const MOST_BYTES: usize = plans::MOST_BYTES;

    /// Saves a plan. One durable write. Until it is applied or aborted, garbage collection retains
    /// its states.
    ///
    /// # Errors
    /// `NotFound` if one of the states was collected concurrently; nothing is saved then.
    pub async fn create(plan: Plan, message: &Message) -> Result<Self> {
        let project = plan.branch.project().clone();
        let environment = &project.shared.environment;
        let digits: [u8; 4] = environment.random();
        let id = PlanId(digits.iter().map(|byte| format!("{byte:02x}")).collect());
        let record = PlanRecord {
            branch: plan.branch.name().to_string(),
            ours: base_record(&plan.ours).await?,
            source: SourceRecord::of(&plan.source)?,
            rules: plan.rules.clone(),
            resolved: plan.decisions.to_records(),
            actor: project.shared.actor.to_string(),
            created: environment.now(),
            message: message.to_string(),
            open: true,
            points: plan.points().into_iter().map(Into::into).collect(),
            applied: None,
            nothing: false,
            closed: None,
        };
        let value = plans::encode(&record)?;
        let name = records::plan_ref(project.id(), &id.0);
        let refs = &project.shared.backend.refs;
        let CasResult::Done(Some(version)) = refs.compare_and_set(&name, None, Some(value)).await?
        else {
            return Err(Error::conflict(format!("plan {id} already exists; try again")));
        };
        if let Err(error) = kept::confirm_all(&project.shared, &plan.views()).await {
            // A leftover plan can't be opened, but aborted.
            let _ = refs.compare_and_set(&name, Some(&version), None).await;
            return Err(error);
        }
        Ok(Self { id, version, record, project, plan, left_open: None })
    }

    /// Opens the plan whose identifier begins with `id`.
    ///
    /// # Errors
    /// `NotFound` if no plan matches, `Invalid` if several do, `NotFound` if the plan is closed and
    /// its states were collected.
    pub async fn open(project: &Project, id: &PlanId) -> Result<Self> {
        let (id, stored) = find(project, id).await?;
        let StoredRecord { version, record } = stored;
        let branch = project.branch(&BranchName::new(record.branch.clone())?).await?;
        let near = branch.head().await?;
        let ours = match &record.ours {
            Some(base) => record.state(&near, base.point()).await?,
            None => near.at(Lsn::ZERO).await?,
        };
        let source = record.source.clone().load(&near).await?;
        let (rules, decisions) = (record.rules.clone(), record.decisions()?);
        let plan = Plan { branch, ours, source, rules, decisions };
        Ok(Self { id, version, record, project: project.clone(), plan, left_open: None })
    }

    /// Lists the plans of a project, open and closed, by time.
    pub async fn list(project: &Project) -> Result<Vec<SavedPlanInfo>> {
        let mut plans = Vec::new();
        for (id, stored) in all(project).await? {
            plans.push(stored.record.info(id)?);
        }
        plans.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(plans)
    }

    /// Aborts a plan; nothing else is changed.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if the plan is already closed.
    pub async fn abort(project: &Project, id: &PlanId) -> Result<PlanId> {
        let (id, StoredRecord { version, record }) = find(project, id).await?;
        record.must_be_open(&id)?;
        let closed = Some(project.shared.environment.latest());
        let record = PlanRecord { open: false, closed, ..record };
        plans::swap(project, &id.0, &version, &record).await?;
        Ok(id)
    }

    /// The properties for a list.
    pub fn info(&self) -> Result<SavedPlanInfo> {
        self.record.info(self.id.clone())
    }

    /// Fails unless the plan is open.
    ///
    /// # Errors
    /// `Invalid` if the plan was applied or aborted.
    pub fn must_be_open(&self) -> Result<()> {
        self.record.must_be_open(&self.id)
    }

    /// The identifier.
    pub fn id(&self) -> &PlanId {
        &self.id
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan, for decisions on conflicts; call [`save`](Self::save) to save them.
    pub fn plan_mut(&mut self) -> &mut Plan {
        &mut self.plan
    }

    /// Saves the decisions.
    ///
    /// # Errors
    /// `Conflict` if another process changed the plan concurrently, `Invalid` if it is closed or
    /// exceeds [`MOST_BYTES`](Self::MOST_BYTES).
    pub async fn save(&mut self) -> Result<()> {
        self.record.must_be_open(&self.id)?;
        let record =
            PlanRecord { resolved: self.plan.decisions.to_records(), ..self.record.clone() };
        self.set(record).await
    }

    /// Commits the result of the plan exactly once: the commit requires exactly the head for which
    /// the plan was created. A plan whose commit succeeded while the answer was lost is recognized
    /// as applied. Returns the position of the commit.
    ///
    /// # Errors
    /// `Invalid` if the plan is closed; `Conflict` if unresolved conflicts remain, or if the branch
    /// has moved, which [`rebase`](Self::rebase) repairs; the errors of
    /// [`Branch::commit`](crate::Branch::commit).
    pub async fn apply(
        &mut self,
        result: &MergeResult,
        actor: Option<Actor>,
        message: Option<&Message>,
    ) -> Result<Lsn> {
        self.record.must_be_open(&self.id)?;
        let lsn = match self.find_commit().await? {
            Some(lsn) => lsn,
            None => self.commit(result, actor, message).await?,
        };
        let record = PlanRecord {
            open: false,
            applied: Some(lsn.get().cast_signed()),
            closed: Some(self.project.shared.environment.latest()),
            ..self.record.clone()
        };
        match self.set(record).await {
            // Another process applied it concurrently, with the same commit.
            Err(error) if error.kind() == crate::ErrorKind::Conflict => Ok(lsn),
            // The commit is durable, so the plan was applied. The next call of `apply` closes it.
            Err(error) => {
                self.left_open = Some(error);
                Ok(lsn)
            }
            Ok(()) => Ok(lsn),
        }
    }

    /// The error that left the plan open although [`apply`](Self::apply) has committed it; applying
    /// it again closes it without a commit.
    pub fn left_open(&self) -> Option<&Error> {
        self.left_open.as_ref()
    }

    /// Closes the plan if there is nothing to commit: no unresolved conflicts and no changes. A
    /// merge is still committed, because it is part of the history. Returns whether the plan was
    /// closed.
    ///
    /// # Errors
    /// `Conflict` if another process changed the plan concurrently, `Invalid` if it is closed.
    pub async fn close_if_nothing(&mut self, result: &MergeResult) -> Result<bool> {
        self.must_be_open()?;
        let is_merge = matches!(self.plan.source, Source::Merge { .. });
        if is_merge || !result.conflicts.is_empty() || !result.is_empty() {
            return Ok(false);
        }
        let closed = Some(self.project.shared.environment.latest());
        self.set(PlanRecord { open: false, nothing: true, closed, ..self.record.clone() }).await?;
        Ok(true)
    }

    async fn commit(
        &self,
        result: &MergeResult,
        actor: Option<Actor>,
        message: Option<&Message>,
    ) -> Result<Lsn> {
        let Plan { branch, source, .. } = &self.plan;
        let actor = actor.unwrap_or_else(|| self.project.shared.actor.clone());
        let own = Message::new(self.record.message.clone())?;
        let message = message.unwrap_or(&own);
        match commit::commit(branch, source, result, &self.id.0, &actor, message).await? {
            Some(receipt) => Ok(receipt.lsn),
            None => self.find_commit().await?.ok_or_else(|| self.plan.moved()),
        }
    }

    /// Returns the position of the plan's commit, if it was made; if its answer was lost, the plan
    /// is still open, and [`apply`](Self::apply) closes it. The commit can only be the one right
    /// after the state for which the plan was created.
    pub async fn find_commit(&self) -> Result<Option<Lsn>> {
        let head = self.plan.branch.head().await?;
        let ours = &self.plan.ours;
        let next = ours.lsn().next();
        if head.lsn() < next || head.view().common_lsn(ours.view()) < ours.lsn() {
            return Ok(None);
        }
        let wal = &*self.project.shared.backend.wal;
        let commit = walk::header(wal, head.view(), next).await?;
        let source = &self.plan.source;
        let made = commit.meta.origin == source.origin(&self.id.0).await?
            || (!matches!(source, Source::Merge { .. })
                && commit.meta.origin == source.origin("").await?
                && self.is_what_it_comes_to(&self.plan.branch.at(next).await?).await?);
        Ok(made.then_some(next))
    }

    /// Returns whether the last commit of a state has the result of the plan. Commits that name no
    /// plan, as all except merges in older versions, are recognized by that.
    async fn is_what_it_comes_to(&self, state: &State) -> Result<bool> {
        let Some(commit) = log::last_commit(state).await? else { return Ok(false) };
        let result = self.plan.compute().await?;
        let made = commit.changes.into_iter().map(|c| ((c.collection, c.key), c.image));
        let planned = result.changes().map(|c| ((c.collection, c.key), c.image));
        let (made, planned): (BTreeMap<_, _>, BTreeMap<_, _>) = (made.collect(), planned.collect());
        Ok(result.conflicts.is_empty() && made == planned)
    }

    pub(super) async fn set(&mut self, record: PlanRecord) -> Result<()> {
        self.version = plans::swap(&self.project, &self.id.0, &self.version, &record).await?;
        self.record = record;
        Ok(())
    }
}

impl PlanRecord {
    pub(super) fn must_be_open(&self, id: &PlanId) -> Result<()> {
        match self.status() {
            PlanStatus::Open => Ok(()),
            PlanStatus::Applied(lsn) => {
                Err(Error::invalid(format!("plan {id} was already applied, as LSN {lsn}")))
            }
            PlanStatus::Aborted => Err(Error::invalid(format!("plan {id} was aborted"))),
            PlanStatus::Nothing => Err(Error::invalid(format!(
                "plan {id} was closed, because there was nothing to commit"
            ))),
        }
    }

    fn status(&self) -> PlanStatus {
        match self.applied {
            _ if self.open => PlanStatus::Open,
            Some(lsn) => PlanStatus::Applied(Lsn::from_stored(lsn)),
            None if self.nothing => PlanStatus::Nothing,
            None => PlanStatus::Aborted,
        }
    }

    fn info(&self, id: PlanId) -> Result<SavedPlanInfo> {
        Ok(SavedPlanInfo {
            id,
            branch: BranchName::new(self.branch.clone())?,
            ours: self.ours.as_ref().map_or(Lsn::ZERO, |ours| ours.point().lsn),
            what: self.source.describe(),
            status: self.status(),
            actor: self.actor.clone(),
            created: self.created,
            message: self.message.clone(),
            decisions: self.decisions()?.len(),
        })
    }
}

pub(super) async fn base_record(state: &State) -> Result<Option<BaseRecord>> {
    Ok(BaseRecord::of(state.view().point(), &state.last().await?))
}

async fn all(project: &Project) -> Result<Vec<(PlanId, StoredRecord<PlanRecord>)>> {
    let plans = plans::all(project).await?;
    Ok(plans.into_iter().map(|(id, stored)| (PlanId(id), stored)).collect())
}

/// Returns the states that an open plan depends on, from its record; `None` if it is closed.
///
/// # Errors
/// `Corrupt` if the record can't be read.
pub(crate) fn open_points(name: &str, stored: VersionedRef) -> Result<Option<Vec<Point>>> {
    let record: PlanRecord = records::decode(name, stored)?.record;
    record.decisions()?;
    Ok(record.open.then(|| record.points.into_iter().map(Into::into).collect()))
}

async fn find(project: &Project, id: &PlanId) -> Result<(PlanId, StoredRecord<PlanRecord>)> {
    let mut found = all(project).await?;
    found.retain(|(known, _)| known.0.starts_with(&id.0));
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Error::not_found(format!("unknown plan {id} in project '{}'", project.name()))
            .with_detail(DetailKey::Project, project.name().as_str())
            .with_detail(DetailKey::Plan, id.0.as_str())
            .with_hint(Hint::ListPlans)),
        several => Err(Error::invalid(format!(
            "ambiguous plan id {id}: {several} plans begin with it; give more digits"
        ))),
    }
}
