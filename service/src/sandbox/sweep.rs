use argon_core::model::BranchName;
use argon_core::{Project, sandbox};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::json::Time;

/// Remove the sandboxes whose time is over.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct SweepSandboxes {
    /// Whether nothing is done.
    #[serde(default)]
    pub dry_run: bool,
}

/// A sandbox whose time is over.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SweptSandbox {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// When its time was over.
    pub ended: Time,
    /// What became of it.
    pub outcome: Outcome,
    /// The backup of what it was, if it was removed.
    #[schemars(with = "Option<String>")]
    pub backup: Option<BranchName>,
    /// The pin for which it stays.
    pub pin: Option<String>,
}

/// What became of a sandbox whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It would be removed.
    Due,
    /// It was removed.
    Removed,
    /// It stays: a pin is a state of its own.
    Pinned,
    /// It stays, since it is protected.
    Protected,
    /// It stays: somebody wrote to it or extended it at the same moment.
    InUse,
}

impl From<sandbox::Swept> for SweptSandbox {
    fn from(swept: sandbox::Swept) -> Self {
        let (outcome, backup, pin) = match swept.outcome {
            sandbox::Outcome::Due => (Outcome::Due, None, None),
            sandbox::Outcome::Removed(backup) => (Outcome::Removed, Some(backup), None),
            sandbox::Outcome::Pinned(pin) => (Outcome::Pinned, None, Some(pin)),
            sandbox::Outcome::Protected => (Outcome::Protected, None, None),
            sandbox::Outcome::InUse => (Outcome::InUse, None, None),
        };
        Self { branch: swept.name, ended: Time(swept.ended), outcome, backup, pin }
    }
}

/// Removes the sandboxes whose time is over; what they were is kept as backups.
pub async fn sweep(project: &Project, request: SweepSandboxes) -> Result<Vec<SweptSandbox>> {
    let swept = sandbox::sweep(project, request.dry_run).await?;
    Ok(swept.into_iter().map(SweptSandbox::from).collect())
}
