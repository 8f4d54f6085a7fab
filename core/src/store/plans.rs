//! Plans as they are written, whatever they say, and the open ones into a branch that gets another name.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::BranchName;
use crate::model::backoff::Backoff;
use crate::storage::{CasResult, RefChange, RefVersion};
use crate::store::Project;
use crate::store::records::{self, VersionedRecord};
use crate::{Error, ErrorKind, Result};

/// The most bytes that a plan with its decisions may take: 8 MiB.
pub(crate) const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What a renaming reads of a plan.
#[derive(Deserialize)]
struct BranchOfPlan {
    branch: String,
    open: bool,
}

/// The plans of a project, by identifier.
pub(crate) async fn all<R: DeserializeOwned>(
    project: &Project,
) -> Result<Vec<(String, VersionedRecord<R>)>> {
    let prefix = records::plans_of(project.id());
    let refs = project.shared.backend.refs.list(&prefix).await?;
    refs.into_iter()
        .map(|(name, stored)| {
            let id = name.strip_prefix(&prefix).unwrap_or(&name).to_owned();
            Ok((id, records::decode(&name, stored)?))
        })
        .collect()
}

/// The bytes of a plan.
///
/// # Errors
/// `Invalid` if they are more than [`MOST_BYTES`].
pub(crate) fn encode<R: Serialize>(record: &R) -> Result<Vec<u8>> {
    let value = records::encode(record)?;
    if value.len() > MOST_BYTES {
        return Err(Error::invalid(format!(
            "the plan would take {} bytes with its decisions, and at most {MOST_BYTES} are allowed; decide by a \
             policy instead of document by document",
            value.len()
        )));
    }
    Ok(value)
}

/// Writes a plan if it is still as it was read; gives its new version.
///
/// # Errors
/// `Conflict` if it was changed meanwhile.
pub(crate) async fn swap<R: Serialize>(
    project: &Project,
    id: &str,
    read: &RefVersion,
    record: &R,
) -> Result<RefVersion> {
    let (name, value) = (records::plan_ref(project.id(), id), encode(record)?);
    match project.shared.backend.refs.compare_and_set(&name, Some(read), Some(value)).await? {
        CasResult::Done(Some(version)) => Ok(version),
        _ => Err(Error::conflict(format!("plan {id} was changed meanwhile; try again"))),
    }
}

/// What has the open plans into a branch go on under its new name.
pub(crate) async fn renamed(
    project: &Project,
    from: &BranchName,
    to: &BranchName,
) -> Result<Vec<RefChange>> {
    let plans = open_plans_into(project, from, to).await?;
    plans
        .into_iter()
        .map(|(id, VersionedRecord { version, record })| {
            let name = records::plan_ref(project.id(), &id);
            Ok(RefChange { name, expected: Some(version), value: Some(encode(&record)?) })
        })
        .collect()
}

/// Has the open plans into a branch go on under its new name. If it is cut off, those that are left ask
/// for the old name.
///
/// # Errors
/// `Conflict` if others change the plans all the time.
pub(crate) async fn follow(project: &Project, from: &BranchName, to: &BranchName) -> Result<()> {
    let mut backoff = Backoff::new(&project.shared.environment);
    while backoff.attempt().await {
        let mut done = true;
        for (id, VersionedRecord { version, record }) in open_plans_into(project, from, to).await? {
            match swap(project, &id, &version, &record).await {
                Err(error) if error.kind() == ErrorKind::Conflict => done = false,
                other => drop(other?),
            }
        }
        if done {
            return Ok(());
        }
    }
    Err(Error::conflict(format!(
        "branch '{from}' is renamed to '{to}', but plans into it changed during every attempt, and some \
         still name '{from}'; abort these and create them again"
    )))
}

/// The open plans into a branch, each as it is under the branch's new name.
async fn open_plans_into(
    project: &Project,
    from: &BranchName,
    to: &BranchName,
) -> Result<Vec<(String, VersionedRecord<bson::Document>)>> {
    let prefix = records::plans_of(project.id());
    let mut found = Vec::new();
    for (name, stored) in project.shared.backend.refs.list(&prefix).await? {
        let BranchOfPlan { branch, open } = records::decode(&name, stored.clone())?.record;
        if open && branch == from.as_str() {
            let mut plan: VersionedRecord<bson::Document> = records::decode(&name, stored)?;
            plan.record.insert("branch", to.as_str());
            found.push((name.strip_prefix(&prefix).unwrap_or(&name).to_owned(), plan));
        }
    }
    Ok(found)
}
