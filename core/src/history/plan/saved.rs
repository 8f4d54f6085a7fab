//! Plans that are kept, to be looked at, decided about and applied later, by anybody.

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

/// The identifier of a stored plan: 8 hexadecimal digits. It may be given by its first digits.
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

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanStatus {
    /// It can be decided about, and applied.
    Open,
    /// It was applied, as the commit at this position.
    Applied(Lsn),
    /// It was given up.
    Aborted,
    /// What was decided came to nothing, so that there was nothing to commit.
    Nothing,
}

/// A stored plan, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlanInfo {
    /// Its identifier.
    pub id: PlanId,
    /// The branch that gets the commit.
    pub branch: BranchName,
    /// The state of the branch for which it was made.
    pub ours: Lsn,
    /// What it does, in a few words.
    pub what: String,
    /// What became of it.
    pub status: PlanStatus,
    /// Who made it.
    pub actor: String,
    /// When.
    pub created: DateTime,
    /// Why.
    pub message: String,
    /// How many decisions it has.
    pub decisions: usize,
}

/// A plan that is kept in the store.
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
    /// The most bytes that a plan with its decisions may take: 8 MiB.
    pub const MOST_BYTES: usize = plans::MOST_BYTES;

    /// Keeps a plan. One durable write. Until it is applied or aborted, the states that it compares
    /// are kept from garbage collection.
    ///
    /// # Errors
    /// `NotFound` if one of these was collected in the meantime; nothing is kept then.
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
            return Err(Error::conflict(format!("there is a plan {id} already; try again")));
        };
        if let Err(error) = kept::confirm_all(&project.shared, &plan.views()).await {
            // If it stays, it is a plan that can't be opened, to be aborted.
            let _ = refs.compare_and_set(&name, Some(&version), None).await;
            return Err(error);
        }
        Ok(Self { id, version, record, project, plan, left_open: None })
    }

    /// Opens the plan whose identifier begins with `id`.
    ///
    /// # Errors
    /// `NotFound` if there is none, `Invalid` if there are several, `NotFound` if it is closed and the
    /// states that it compares are gone.
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

    /// The plans of a project, open ones and closed ones, by time.
    pub async fn list(project: &Project) -> Result<Vec<SavedPlanInfo>> {
        let mut plans = Vec::new();
        for (id, stored) in all(project).await? {
            plans.push(stored.record.info(id)?);
        }
        plans.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(plans)
    }

    /// Gives up a plan; nothing is changed but the plan.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if it is closed already.
    pub async fn abort(project: &Project, id: &PlanId) -> Result<PlanId> {
        let (id, StoredRecord { version, record }) = find(project, id).await?;
        record.must_be_open(&id)?;
        let closed = Some(project.shared.environment.latest());
        let record = PlanRecord { open: false, closed, ..record };
        plans::swap(project, &id.0, &version, &record).await?;
        Ok(id)
    }

    /// What can be said of it in a line.
    pub fn info(&self) -> Result<SavedPlanInfo> {
        self.record.info(self.id.clone())
    }

    /// Fails unless it can be decided about and applied.
    ///
    /// # Errors
    /// `Invalid` if it was applied or aborted.
    pub fn must_be_open(&self) -> Result<()> {
        self.record.must_be_open(&self.id)
    }

    /// Its identifier.
    pub fn id(&self) -> &PlanId {
        &self.id
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan, to decide about conflicts; [`save`](Self::save) keeps that.
    pub fn plan_mut(&mut self) -> &mut Plan {
        &mut self.plan
    }

    /// Keeps the decisions.
    ///
    /// # Errors
    /// `Conflict` if somebody else changed the plan meanwhile, `Invalid` if it is closed or has more
    /// decisions than [`MOST_BYTES`](Self::MOST_BYTES).
    pub async fn save(&mut self) -> Result<()> {
        self.record.must_be_open(&self.id)?;
        let record =
            PlanRecord { resolved: self.plan.decisions.to_records(), ..self.record.clone() };
        self.set(record).await
    }

    /// Commits what the plan comes to, exactly once: the commit asks for the very head for which the
    /// plan was made. A plan whose commit was made while the answer was lost is found to be applied.
    /// Gives the position of the commit.
    ///
    /// # Errors
    /// `Invalid` if it is closed; `Conflict` if conflicts are left, or the branch has moved on, which
    /// [`rebase`](Self::rebase) mends; those of [`Branch::commit`](crate::Branch::commit).
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
            // Somebody else applied it at the same time: there is one commit all the same.
            Err(error) if error.kind() == crate::ErrorKind::Conflict => Ok(lsn),
            // The commit is durable, so it was applied. The next one who applies it closes it.
            Err(error) => {
                self.left_open = Some(error);
                Ok(lsn)
            }
            Ok(()) => Ok(lsn),
        }
    }

    /// Why the plan is still open although [`apply`](Self::apply) has made its commit, if it is; to
    /// apply it once more closes it, and commits nothing.
    pub fn left_open(&self) -> Option<&Error> {
        self.left_open.as_ref()
    }

    /// Closes the plan if it has nothing to commit: no conflict is left, and nothing changes. A merge is
    /// committed all the same, as it is part of the history. Gives whether it was closed.
    ///
    /// # Errors
    /// `Conflict` if somebody else changed the plan meanwhile, `Invalid` if it is closed.
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

    /// The position of the commit of the plan, if it was made; if its answer was lost the plan is still
    /// open, and [`apply`](Self::apply) closes it. It can only be the one right after the state for
    /// which the plan was made.
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

    /// Whether the last commit of a state did what the plan comes to. Commits that name no plan, as
    /// all but merges did once, are told by that.
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
                Err(Error::invalid(format!("plan {id} was applied already, as LSN {lsn}")))
            }
            PlanStatus::Aborted => Err(Error::invalid(format!("plan {id} was aborted"))),
            PlanStatus::Nothing => {
                Err(Error::invalid(format!("plan {id} came to nothing, and is closed")))
            }
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

/// The states on which a plan rests, read from its record; `None` if it is closed.
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
        0 => {
            Err(Error::not_found(format!("there is no plan {id} in project '{}'", project.name()))
                .with_detail(DetailKey::Project, project.name().as_str())
                .with_detail(DetailKey::Plan, id.0.as_str())
                .with_hint(Hint::ListPlans))
        }
        several => {
            Err(Error::invalid(format!("{several} plans begin with {id}; give more digits")))
        }
    }
}
