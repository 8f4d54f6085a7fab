//! The operations of the service: a request as JSON, and the result as JSON, in which documents are
//! canonical Extended JSON.

use argon_core::model::{BranchName, ProjectName, Trailers};
use argon_core::{Error, Revision, State};
use argon_service::changes::{CompareStates, Listing, ShowCommit};
use argon_service::collections::{
    CreateCollection, DropCollection, ListCollections, RenameCollection,
};
use argon_service::document::{BlameDocument, HistoryEntry, ListVersions};
use argon_service::log::{ListCommits, LogEntry};
use argon_service::plan::{PlanOutcome, PlanReview, Refusal, ShownPlan};
use argon_service::reflog::{ListReflog, ReflogLine};
use argon_service::{
    Result, Workspace, branch, changes, collections, document, dvc, index, keys, log, pin, plan,
    project, reflog, restore, sandbox,
};
use futures::TryStreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::connection::Lease;

/// An operation with its request.
pub(crate) struct Operation {
    name: String,
    request: String,
    project: Option<ProjectName>,
    branch: BranchName,
    /// The trailers of what the operation commits.
    trailers: Trailers,
}

impl Operation {
    /// # Errors
    /// `Invalid` for a name that no project or branch can have.
    pub(crate) fn parse(
        name: &str,
        request: String,
        project: Option<&str>,
        branch: Option<&str>,
        trailers: Trailers,
    ) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            request,
            project: project.map(ProjectName::new).transpose()?,
            branch: branch.map_or_else(|| Ok(argon_service::first_branch()), BranchName::new)?,
            trailers,
        })
    }

    fn request<T: DeserializeOwned>(&self) -> Result<T> {
        let request = serde_json::from_str(&self.request);
        Ok(request.map_err(|error| Error::invalid(error.to_string()))?)
    }
}

/// Runs an operation.
///
/// # Errors
/// Those of the operation; `Invalid` for a request that can't be read.
pub(crate) async fn run(lease: &Lease, operation: Operation) -> Result<String> {
    if let Some(result) = of_store(lease, &operation).await? {
        return Ok(result);
    }
    let Some(project) = &operation.project else {
        return Err(unknown(&operation.name));
    };
    let workspace = lease.workspace(project, &operation.branch, &operation.trailers).await?;
    if let Some(result) = of_project(&workspace, &operation).await? {
        return Ok(result);
    }
    if let Some(result) = of_states(&workspace, &operation).await? {
        return Ok(result);
    }
    match of_plans(&workspace, &operation).await? {
        Some(result) => Ok(result),
        None => Err(unknown(&operation.name)),
    }
}

fn unknown(name: &str) -> argon_service::Failure {
    Error::invalid(format!("unknown operation '{name}'")).into()
}

async fn of_store(lease: &Lease, operation: &Operation) -> Result<Option<String>> {
    let opened = lease.open_store();
    Ok(Some(match operation.name.as_str() {
        "project.list" => json(&project::list(&opened, operation.request()?).await?)?,
        "project.create" => json(&project::create(&opened, operation.request()?, &()).await?)?,
        "dvc.update" => json(&dvc::update(&opened, operation.request()?).await?)?,
        "dvc.check" => json(&dvc::check(&opened, operation.request()?).await?)?,
        _ => return Ok(None),
    }))
}

/// Operations on branches, pins and collections.
async fn of_project(workspace: &Workspace, operation: &Operation) -> Result<Option<String>> {
    let of_project = &workspace.project;
    let environment = workspace.opened.store.environment();
    Ok(Some(match operation.name.as_str() {
        "branch.list" => json(&branch::list(workspace, operation.request()?).await?)?,
        "branch.create" => json(&branch::create(workspace, operation.request()?).await?)?,
        "branch.delete" => json(&branch::delete(workspace, operation.request()?).await?)?,
        "branch.rename" => json(&branch::rename(workspace, operation.request()?, &()).await?)?,
        "branch.protect" => json(&branch::protect(of_project, operation.request()?).await?)?,
        "pin.list" => json(&pin::list(of_project, operation.request()?).await?)?,
        "pin.create" => {
            let SignedBy { key } = operation.request()?;
            let request = operation.request()?;
            let key = key.map(|file| keys::read_private(file.as_ref())).transpose()?;
            json(&pin::create(workspace, request, key.as_ref()).await?)?
        }
        "dvc.pin" => json(&dvc::pin(workspace, operation.request()?).await?)?,
        "pin.delete" => json(&pin::delete(of_project, operation.request()?).await?)?,
        "sandbox.create" => {
            json(&sandbox::create(workspace, environment, operation.request()?).await?)?
        }
        "sandbox.list" => json(&sandbox::list(of_project, operation.request()?).await?)?,
        "sandbox.extend" => {
            json(&sandbox::extend(of_project, environment, operation.request()?).await?)?
        }
        "sandbox.keep" => json(&sandbox::keep(workspace, operation.request()?, &()).await?)?,
        "sandbox.discard" => json(&sandbox::discard(workspace, operation.request()?).await?)?,
        "collection.create" => {
            let request: CreateCollection = operation.request()?;
            json(&collections::create(&workspace.branch().await?, request).await?)?
        }
        "collection.drop" => {
            let request: DropCollection = operation.request()?;
            json(&collections::drop(&workspace.branch().await?, request).await?)?
        }
        "collection.rename" => {
            let request: RenameCollection = operation.request()?;
            json(&collections::rename(&workspace.branch().await?, request).await?)?
        }
        "index.create" => {
            json(&index::create(&workspace.branch().await?, operation.request()?).await?)?
        }
        "index.drop" => {
            json(&index::drop(&workspace.branch().await?, operation.request()?).await?)?
        }
        _ => return Ok(None),
    }))
}

/// Operations on states and on the history.
async fn of_states(workspace: &Workspace, operation: &Operation) -> Result<Option<String>> {
    Ok(Some(match operation.name.as_str() {
        "log" => {
            let request: ListCommits = operation.request()?;
            let entries = log::list(workspace, request).await?;
            let commits = entries.try_filter_map(|entry| async move {
                Ok(match entry {
                    LogEntry::Commit(commit) => Some(commit),
                    LogEntry::Floor(_) => None,
                })
            });
            json(&commits.try_collect::<Vec<_>>().await?)?
        }
        "reflog" => {
            let request: ListReflog = operation.request()?;
            let lines = reflog::list(workspace, request).await?;
            let entries = lines.try_filter_map(|line| async move {
                Ok(match line {
                    ReflogLine::Entry(entry) => Some(entry),
                    ReflogLine::End(_) => None,
                })
            });
            json(&entries.try_collect::<Vec<_>>().await?)?
        }
        "diff" => {
            let request: CompareStates = operation.request()?;
            let comparison = changes::compare(workspace, &request).await?;
            json(&comparison.items(request.listing).try_collect::<Vec<_>>().await?)?
        }
        "show" => {
            let request: ShowCommit = operation.request()?;
            let commit = changes::commit(workspace, &request).await?;
            json(&commit.items(request.listing).try_collect::<Vec<_>>().await?)?
        }
        "collection.list" => {
            let request: ListCollections = operation.request()?;
            let state = state(workspace, operation).await?;
            json(&collections::list(&state, &request).try_collect::<Vec<_>>().await?)?
        }
        "history" => {
            let request: ListVersions = operation.request()?;
            let state = state(workspace, operation).await?;
            let entries = document::history(&state, request)?;
            let versions = entries.try_filter_map(|entry| async move {
                Ok(match entry {
                    HistoryEntry::Version(version) => Some(version),
                    HistoryEntry::Floor(_) => None,
                })
            });
            json(&versions.try_collect::<Vec<_>>().await?)?
        }
        "blame" => {
            let request: BlameDocument = operation.request()?;
            let state = state(workspace, operation).await?;
            json(&document::blame(&state, &request).await?)?
        }
        "reset" => json(&restore::reset(workspace, &operation.request()?).await?)?,
        "restore" => json(&restore::restore_part(workspace, operation.request()?).await?)?,
        _ => return Ok(None),
    }))
}

/// Operations that make, show and apply plans.
async fn of_plans(workspace: &Workspace, operation: &Operation) -> Result<Option<String>> {
    let outcome = match operation.name.as_str() {
        "merge" => plan::merge(workspace, operation.request()?, &()).await?,
        "undo" => plan::undo(workspace, operation.request()?, &()).await?,
        "cherry_pick" => plan::cherry_pick(workspace, operation.request()?, &()).await?,
        "plan.apply" => plan::apply(workspace, operation.request()?, &()).await?,
        "plan.show" => {
            let review = plan::show(workspace, &operation.request()?).await?;
            return json(&review.shown(listing(operation)?).await?).map(Some);
        }
        "plan.list" => {
            return json(&plan::list(&workspace.project, operation.request()?).await?).map(Some);
        }
        "plan.resolve" => {
            return json(&plan::resolve(workspace, operation.request()?).await?).map(Some);
        }
        "plan.abort" => {
            return json(&plan::abort(&workspace.project, &operation.request()?).await?).map(Some);
        }
        _ => return Ok(None),
    };
    shown(outcome, listing(operation)?).await.map(Some)
}

fn listing(operation: &Operation) -> Result<Listing> {
    operation.request()
}

/// The outcome of a plan, in a fixed order of fields: documents keep theirs too.
#[derive(Serialize)]
struct ShownOutcome<C: Serialize> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<ShownPlan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<C>,
}

async fn shown(outcome: PlanOutcome, listing: Listing) -> Result<String> {
    let of_review = async |outcome: &'static str, review: &PlanReview| -> Result<String> {
        let plan = Some(review.shown(listing).await?);
        json(&ShownOutcome { outcome, plan, commit: None::<()> })
    };
    match outcome {
        PlanOutcome::Committed(commit) => {
            json(&ShownOutcome { outcome: "committed", plan: None, commit: Some(commit) })
        }
        PlanOutcome::Nothing(nothing) => {
            json(&ShownOutcome { outcome: "nothing", plan: None, commit: Some(nothing) })
        }
        PlanOutcome::Computed(review) => of_review("computed", &review).await,
        PlanOutcome::Saved(review) => of_review("saved", &review).await,
        PlanOutcome::Refused(Refusal::Conflicts(review)) => of_review("conflicts", &review).await,
        PlanOutcome::Refused(refusal) => Err(refusal.error()),
    }
}

/// The revision that some requests have besides the fields of the service.
#[derive(Deserialize)]
struct AtRevision {
    #[serde(default)]
    revision: Option<String>,
}

/// The file with the key that signs a pin.
#[derive(Deserialize)]
struct SignedBy {
    #[serde(default)]
    key: Option<String>,
}

async fn state(workspace: &Workspace, operation: &Operation) -> Result<State> {
    let AtRevision { revision } = operation.request()?;
    let revision: Option<Revision> = revision.as_deref().map(str::parse).transpose()?;
    workspace.state(revision.as_ref()).await
}

fn json(result: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(result);
    Ok(json.map_err(|error| Error::internal(error.to_string()))?)
}
