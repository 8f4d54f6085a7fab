//! Storage of plans, independent of their content, and the renaming of a branch that open plans
//! target.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::BranchName;
use crate::model::backoff::Backoff;
use crate::storage::{CasResult, RefChange, RefVersion};
use crate::store::Project;
use crate::store::records::{self, VersionedRecord};
use crate::{Error, ErrorKind, Result};

/// The maximum size of a plan with its decisions: 8 MiB.
pub(crate) const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The part of a plan that a rename reads.
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

/// Encodes a plan.
///
/// # Errors
/// `Invalid` if the plan exceeds [`MOST_BYTES`].
pub(crate) fn encode<R: Serialize>(record: &R) -> Result<Vec<u8>> {
    let value = records::encode(record)?;
    if value.len() > MOST_BYTES {
        return Err(Error::invalid(format!(
            "the plan has {} bytes with its decisions; at most {MOST_BYTES} are allowed: decide by \
             a policy instead of document by document",
            value.len()
        )));
    }
    Ok(value)
}

/// Writes a plan if it is still at the version that was read; returns its new version.
///
/// # Errors
/// `Conflict` if the plan was changed concurrently.
pub(crate) async fn swap<R: Serialize>(
    project: &Project,
    id: &str,
    read: &RefVersion,
    record: &R,
) -> Result<RefVersion> {
    let (name, value) = (records::plan_ref(project.id(), id), encode(record)?);
    match project.shared.backend.refs.compare_and_set(&name, Some(read), Some(value)).await? {
        CasResult::Done(Some(version)) => Ok(version),
        _ => Err(Error::conflict(format!("plan {id} was changed concurrently; try again"))),
    }
}

/// Retargets the open plans into a branch to its new name.
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

/// Retargets the open plans into a branch to its new name. After an interruption, the remaining
/// plans still target the old name.
///
/// # Errors
/// `Conflict` if others keep changing the plans.
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

/// Returns the open plans into a branch, retargeted to its new name.
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
