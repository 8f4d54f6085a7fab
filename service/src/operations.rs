//! Operations by their names, for front ends that hold BSON: the package for Python, the server.
//!
//! The values of documents in results are bytes, as [`ExtJson`](crate::json::ExtJson) says, so that none is taken
//! for a value of another type.

use argon_core::model::{BranchName, ProjectName};
use argon_core::{Error, Revision, State};
use futures::TryStreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::changes::{CompareStates, Listing, ShowCommit};
use crate::collections::{CreateCollection, DropCollection, ListCollections, RenameCollection};
use crate::document::{BlameDocument, HistoryEntry, ListVersions};
use crate::log::{ListCommits, LogEntry};
use crate::plan::{PlanOutcome, PlanReview, Refusal, ShownPlan};
use crate::reflog::{ListReflog, ReflogLine};
use crate::{
    OpenStore, Result, Workspace, branch, changes, collections, document, dvc, index, keys, log,
    pin, plan, project, reflog, restore, sandbox,
};

/// An operation with its request.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The name, such as `branch.create`.
    pub name: String,
    /// The request.
    pub request: Request,
    /// The project; `None` for an operation on the store.
    pub project: Option<ProjectName>,
    /// The branch.
    pub branch: BranchName,
}

/// The request of an operation.
#[derive(Debug, Clone)]
pub enum Request {
    /// BSON, in which values of documents are bytes, as [`ExtJson`](crate::json::ExtJson) says.
    Bson(Vec<u8>),
    /// JSON, in which values of documents are Extended JSON.
    Json(String),
}

impl Operation {
    fn request<T: DeserializeOwned>(&self) -> Result<T> {
        let message = match &self.request {
            Request::Json(text) => match serde_json::from_str(text) {
                Ok(request) => return Ok(request),
                Err(error) => without_position(&error),
            },
            Request::Bson(bytes) => match bson::deserialize_from_slice(bytes) {
                Ok(request) => return Ok(request),
                // The text of such an error is about BSON, which nobody has written; its message is about
                // the request.
                Err(error) => error.message.unwrap_or_else(|| error.kind.to_string()),
            },
        };
        Err(Error::invalid(message).into())
    }
}

/// The message of an error without the place in the text, which is made by a program.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

/// Runs an operation. Returns its result as the field `result` of a document, in which values of documents are
/// bytes.
///
/// # Errors
/// Those of the operation; `Invalid` for a request that can't be read, and for an unknown operation.
pub async fn run(opened: OpenStore, operation: &Operation) -> Result<Vec<u8>> {
    if let Some(result) = of_store(&opened, operation).await? {
        return Ok(result);
    }
    let Some(project) = &operation.project else {
        return Err(unknown(&operation.name));
    };
    let project = opened.project(Some(project)).await?;
    let workspace = Workspace { opened, project, branch: operation.branch.clone() };
    if let Some(result) = of_project(&workspace, operation).await? {
        return Ok(result);
    }
    if let Some(result) = of_states(&workspace, operation).await? {
        return Ok(result);
    }
    match of_plans(&workspace, operation).await? {
        Some(result) => Ok(result),
        None => Err(unknown(&operation.name)),
    }
}

fn unknown(name: &str) -> crate::Failure {
    Error::invalid(format!("unknown operation '{name}'")).into()
}

async fn of_store(opened: &OpenStore, operation: &Operation) -> Result<Option<Vec<u8>>> {
    Ok(Some(match operation.name.as_str() {
        "project.list" => encoded(&project::list(opened, operation.request()?).await?)?,
        "project.create" => encoded(&project::create(opened, operation.request()?, &()).await?)?,
        "dvc.update" => encoded(&dvc::update(opened, operation.request()?).await?)?,
        "dvc.check" => encoded(&dvc::check(opened, operation.request()?).await?)?,
        _ => return Ok(None),
    }))
}

/// Operations on branches, pins and collections.
async fn of_project(workspace: &Workspace, operation: &Operation) -> Result<Option<Vec<u8>>> {
    let of_project = &workspace.project;
    let environment = workspace.opened.store.environment();
    Ok(Some(match operation.name.as_str() {
        "branch.list" => encoded(&branch::list(workspace, operation.request()?).await?)?,
        "branch.create" => encoded(&branch::create(workspace, operation.request()?).await?)?,
        "branch.delete" => encoded(&branch::delete(workspace, operation.request()?).await?)?,
        "branch.rename" => encoded(&branch::rename(workspace, operation.request()?, &()).await?)?,
        "branch.protect" => encoded(&branch::protect(of_project, operation.request()?).await?)?,
        "pin.list" => encoded(&pin::list(of_project, operation.request()?).await?)?,
        "pin.create" => {
            let SignedBy { key } = operation.request()?;
            let request = operation.request()?;
            let key = key.map(|file| keys::read_private(file.as_ref())).transpose()?;
            encoded(&pin::create(workspace, request, key.as_ref()).await?)?
        }
        "dvc.pin" => encoded(&dvc::pin(workspace, operation.request()?).await?)?,
        "pin.delete" => encoded(&pin::delete(of_project, operation.request()?).await?)?,
        "sandbox.create" => {
            encoded(&sandbox::create(workspace, environment, operation.request()?).await?)?
        }
        "sandbox.list" => encoded(&sandbox::list(of_project, operation.request()?).await?)?,
        "sandbox.extend" => {
            encoded(&sandbox::extend(of_project, environment, operation.request()?).await?)?
        }
        "sandbox.keep" => encoded(&sandbox::keep(workspace, operation.request()?, &()).await?)?,
        "sandbox.discard" => encoded(&sandbox::discard(workspace, operation.request()?).await?)?,
        "collection.create" => {
            let request: CreateCollection = operation.request()?;
            encoded(&collections::create(&workspace.branch().await?, request).await?)?
        }
        "collection.drop" => {
            let request: DropCollection = operation.request()?;
            encoded(&collections::drop(&workspace.branch().await?, request).await?)?
        }
        "collection.rename" => {
            let request: RenameCollection = operation.request()?;
            encoded(&collections::rename(&workspace.branch().await?, request).await?)?
        }
        "index.create" => {
            encoded(&index::create(&workspace.branch().await?, operation.request()?).await?)?
        }
        "index.drop" => {
            encoded(&index::drop(&workspace.branch().await?, operation.request()?).await?)?
        }
        _ => return Ok(None),
    }))
}

/// Operations on states and on the history.
async fn of_states(workspace: &Workspace, operation: &Operation) -> Result<Option<Vec<u8>>> {
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
            encoded(&commits.try_collect::<Vec<_>>().await?)?
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
            encoded(&entries.try_collect::<Vec<_>>().await?)?
        }
        "diff" => {
            let request: CompareStates = operation.request()?;
            let comparison = changes::compare(workspace, &request).await?;
            encoded(&comparison.items(request.listing).try_collect::<Vec<_>>().await?)?
        }
        "show" => {
            let request: ShowCommit = operation.request()?;
            let commit = changes::commit(workspace, &request).await?;
            encoded(&commit.items(request.listing).try_collect::<Vec<_>>().await?)?
        }
        "collection.list" => {
            let request: ListCollections = operation.request()?;
            let state = state(workspace, operation).await?;
            encoded(&collections::list(&state, &request).try_collect::<Vec<_>>().await?)?
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
            encoded(&versions.try_collect::<Vec<_>>().await?)?
        }
        "blame" => {
            let request: BlameDocument = operation.request()?;
            let state = state(workspace, operation).await?;
            encoded(&document::blame(&state, &request).await?)?
        }
        "reset" => encoded(&restore::reset(workspace, &operation.request()?).await?)?,
        "restore" => encoded(&restore::restore_part(workspace, operation.request()?).await?)?,
        _ => return Ok(None),
    }))
}

/// Operations that make, show and apply plans.
async fn of_plans(workspace: &Workspace, operation: &Operation) -> Result<Option<Vec<u8>>> {
    let outcome = match operation.name.as_str() {
        "merge" => plan::merge(workspace, operation.request()?, &()).await?,
        "undo" => plan::undo(workspace, operation.request()?, &()).await?,
        "cherry_pick" => plan::cherry_pick(workspace, operation.request()?, &()).await?,
        "plan.apply" => plan::apply(workspace, operation.request()?, &()).await?,
        "plan.show" => {
            let review = plan::show(workspace, &operation.request()?).await?;
            return encoded(&review.shown(listing(operation)?).await?).map(Some);
        }
        "plan.list" => {
            return encoded(&plan::list(&workspace.project, operation.request()?).await?).map(Some);
        }
        "plan.resolve" => {
            return encoded(&plan::resolve(workspace, operation.request()?).await?).map(Some);
        }
        "plan.abort" => {
            return encoded(&plan::abort(&workspace.project, &operation.request()?).await?)
                .map(Some);
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

async fn shown(outcome: PlanOutcome, listing: Listing) -> Result<Vec<u8>> {
    let of_review = async |outcome: &'static str, review: &PlanReview| -> Result<Vec<u8>> {
        let plan = Some(review.shown(listing).await?);
        encoded(&ShownOutcome { outcome, plan, commit: None::<()> })
    };
    match outcome {
        PlanOutcome::Committed(commit) => {
            encoded(&ShownOutcome { outcome: "committed", plan: None, commit: Some(commit) })
        }
        PlanOutcome::Nothing(nothing) => {
            encoded(&ShownOutcome { outcome: "nothing", plan: None, commit: Some(nothing) })
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

/// A result as the only field of a document.
#[derive(Serialize)]
struct Returned<'r, T> {
    result: &'r T,
}

fn encoded<T: Serialize>(result: &T) -> Result<Vec<u8>> {
    let bytes = bson::serialize_to_vec(&Returned { result })
        .map_err(|error| Error::internal("a result can't be encoded").with_source(error))?;
    if i32::try_from(bytes.len()).is_err() {
        let message = "the result has more than 2 GiB: ask for less of it";
        return Err(Error::unsupported(message).into());
    }
    Ok(bytes)
}
