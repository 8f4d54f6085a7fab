//! What operations work on.

use std::sync::Arc;

use argon_core::model::{BranchName, ProjectName};
use argon_core::{Branch, Error, Revision, State};
use serde::Deserialize;

use super::Request;
use crate::settings::{self, Overrides, Settings};
use crate::{OpenStore, Result, Watcher, Workspace};

/// What an operation works on, and who follows it.
#[derive(Clone)]
pub struct Target {
    /// The store.
    pub opened: OpenStore,
    /// The project; `None` for an operation on the store.
    pub project: Option<ProjectName>,
    /// The branch that is meant where a request names none.
    pub branch: BranchName,
    /// The settings; without any, those of the user and of the environment.
    pub settings: Option<Arc<Settings>>,
    /// Who follows the operation.
    pub watcher: Arc<dyn Watcher>,
}

/// The state that an operation reads.
pub(super) struct StateTarget {
    pub(super) workspace: Workspace,
    /// The revision that names the state; `None` for the head of the branch.
    pub(super) revision: Option<Revision>,
    pub(super) state: State,
}

/// The revision that some requests have besides the fields of the service.
#[derive(Deserialize)]
struct AtRevision {
    #[serde(default)]
    revision: Option<String>,
}

impl Target {
    /// What nobody follows, with the settings of the user.
    pub fn new(opened: OpenStore, project: Option<ProjectName>, branch: BranchName) -> Self {
        Self { opened, project, branch, settings: None, watcher: Arc::new(()) }
    }

    /// The project and the branch, which need not be there.
    pub(super) async fn workspace(&self) -> Result<Workspace> {
        let Some(project) = &self.project else {
            return Err(Error::invalid("missing project").into());
        };
        let project = self.opened.project(Some(project)).await?;
        Ok(Workspace { opened: self.opened.clone(), project, branch: self.branch.clone() })
    }

    /// The branch.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn branch(&self) -> Result<Branch> {
        self.workspace().await?.branch().await
    }

    /// The state that a revision names, and a revision that names it even when the branch has moved.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn exact(&self, revision: &Revision) -> Result<(State, String)> {
        let workspace = self.workspace().await?;
        let (state, name) = workspace.named_state(Some(revision)).await?;
        let is_pin = revision.pin(&workspace.project).await?.is_some();
        let exact = if is_pin { revision.to_string() } else { format!("{name}@{}", state.lsn()) };
        Ok((state, exact))
    }

    /// The settings.
    pub(super) fn settings(&self) -> Result<Arc<Settings>> {
        match &self.settings {
            Some(settings) => Ok(settings.clone()),
            None => Ok(Arc::new(settings::resolve(&Overrides::default(), None)?.settings)),
        }
    }

    /// The state that a request names.
    pub(super) async fn state(&self, request: &Request) -> Result<StateTarget> {
        let AtRevision { revision } = request.read()?;
        let revision: Option<Revision> = revision.as_deref().map(str::parse).transpose()?;
        let workspace = self.workspace().await?;
        let state = workspace.state(revision.as_ref()).await?;
        Ok(StateTarget { workspace, revision, state })
    }
}
