use std::time::Duration;

use argon_core::model::BranchName;
use argon_core::{Environment, Project, sandbox};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_ttl;
use crate::json::Time;
use crate::{Result, duration};

/// Let a sandbox live longer: for a time from now on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ExtendSandbox {
    /// The sandbox.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// For how long, such as `15m` or `7d`; without it, as it was made for.
    #[serde(default, deserialize_with = "duration::from_optional_text")]
    #[schemars(with = "Option<String>")]
    pub ttl: Option<Duration>,
}

/// When a sandbox ends.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExtendedSandbox {
    /// The sandbox.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// When it ends.
    pub ends: Time,
}

/// Lets a sandbox live longer.
///
/// # Errors
/// `NotFound` if it is not there; `Invalid` for a life without an end.
pub async fn extend(
    project: &Project,
    environment: &Environment,
    request: ExtendSandbox,
) -> Result<ExtendedSandbox> {
    let ExtendSandbox { branch, ttl } = request;
    ttl.map_or(Ok(()), |ttl| check_ttl(ttl, environment))?;
    let end = sandbox::extend(project, &branch, ttl).await?;
    Ok(ExtendedSandbox { branch, ends: Time(end) })
}
