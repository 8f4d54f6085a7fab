use argon_core::model::{BranchName, ProjectName};
use argon_core::{ErrorKind, Hint, Project, State};
use bson::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{Check, ShownCheck, Verdict};
use super::checks;
use super::measured::Measured;
use crate::settings::HealthSettings;
use crate::{Failure, OpenStore, Result, Wording};

/// Check a store against the thresholds of the settings `health.*`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CheckHealth {
    /// The project with the branch whose head is verified; default: the current one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub project: Option<ProjectName>,
    /// The branch; default: the current one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub branch: Option<BranchName>,
}

/// The health of a store.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HealthReport {
    /// Whether no check failed.
    pub healthy: bool,
    /// The checks.
    pub checks: Vec<ShownCheck>,
}

impl HealthReport {
    /// A report of these checks in the words of `wording`.
    pub fn new(checks: Vec<Check>, wording: &dyn Wording) -> Self {
        let checks = checks.into_iter().map(|check| ShownCheck::new(check, wording));
        let mut report = Self { healthy: false, checks: checks.collect() };
        report.healthy = !report.has(Verdict::Failed);
        report
    }

    /// Whether a check has this result.
    pub fn has(&self, verdict: Verdict) -> bool {
        self.checks.iter().any(|check| check.state == verdict)
    }
}

/// Checks an open store. Failures are checks that failed.
pub async fn check(
    opened: &OpenStore,
    limits: &HealthSettings,
    now: DateTime,
    request: &CheckHealth,
) -> Vec<Check> {
    let found = format!("{} opens", opened.place.url);
    let mut checks = vec![Check::of("store", Verdict::Good, found)];
    let mut state = None;
    match head(opened, request).await {
        Ok(Some((project, head))) => {
            checks.push(checks::head(&project, &head).await);
            state = Some(head);
        }
        Ok(None) => checks.push(Check::skipped("head", "no project is chosen")),
        Err(failure) => checks.push(Check::of_failure("head", &failure)),
    }
    match Measured::of(&opened.store, &opened.place, state.as_ref(), now).await {
        Ok(measured) => checks.extend(checks::of(&measured, limits)),
        Err(error) => checks.push(Check::failed("measures", &error, Hint::CheckStore)),
    }
    checks
}

/// Returns the project and the head of the branch of a request; `None` if no project is chosen.
///
/// # Errors
/// `NotFound` if the project or the branch does not exist.
pub async fn head(opened: &OpenStore, request: &CheckHealth) -> Result<Option<(Project, State)>> {
    let project = match opened.project(request.project.as_ref()).await {
        Err(Failure::Error { error, .. }) if error.kind() == ErrorKind::Invalid => return Ok(None),
        project => project?,
    };
    let name = opened.branch(project.name(), request.branch.as_ref());
    let head = project.branch(&name).await?.head().await?;
    Ok(Some((project, head)))
}
