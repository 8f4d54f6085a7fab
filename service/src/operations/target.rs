//! What operations work on.

use std::sync::Arc;

use argon_core::model::{BranchName, ProjectName};
use argon_core::{Branch, Error, Revision, Selector, State};
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
    /// Whether the request is of the user of this process, and not of somebody elsewhere: it may name files, and hooks
    /// that run commands.
    pub is_local: bool,
    /// Which projects whoever asks may see; `None` for all.
    pub sees: Option<Arc<Sees>>,
}

/// Whether a project may be seen.
pub type Sees = dyn Fn(&ProjectName) -> bool + Send + Sync;

/// The state that an operation reads.
pub(super) struct StateTarget {
    pub(super) workspace: Workspace,
    /// The revision that names the state; `None` for the head of the branch.
    pub(super) revision: Option<Revision>,
    pub(super) state: State,
    /// The branch or the pin that it is of.
    pub(super) name: BranchName,
}

/// The revision that some requests have besides the fields of the service.
#[derive(Deserialize)]
struct AtRevision {
    #[serde(default)]
    revision: Option<String>,
}

impl Target {
    /// What nobody follows, with the settings of the user; the request comes from elsewhere.
    pub fn new(opened: OpenStore, project: Option<ProjectName>, branch: BranchName) -> Self {
        let (settings, watcher) = (None, Arc::new(()));
        Self { opened, project, branch, settings, watcher, is_local: false, sees: None }
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

    /// The state that a revision names, and a revision that names it even when its branch has got commits since.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn exact(&self, revision: &Revision) -> Result<(State, String)> {
        let workspace = self.workspace().await?;
        let (state, name) = workspace.named_state(Some(revision)).await?;
        // A pin and an entry of the reflog do not move with commits; the position of the latter may be on a history
        // that the branch has left.
        let is_fixed = matches!(revision.selector, Selector::Moved(_))
            || workspace.project.branch(&name).await.is_err();
        let exact = if is_fixed {
            revision.explicit(&workspace.project).await?.to_string()
        } else {
            format!("{name}@{}", state.lsn())
        };
        Ok((state, exact))
    }

    /// Refuses a file that a request from elsewhere names, or a command.
    pub(super) fn require_local(&self, what: &str) -> Result {
        if self.is_local {
            return Ok(());
        }
        let problem = format!(
            "{what} may only be named on the machine itself, by the command line or by Python"
        );
        Err(Error::denied(problem).into())
    }

    /// Whether a project may be seen.
    pub(super) fn sees(&self, project: &ProjectName) -> bool {
        self.sees.as_ref().is_none_or(|sees| sees(project))
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
        let (state, name) = workspace.named_state(revision.as_ref()).await?;
        Ok(StateTarget { workspace, revision, state, name })
    }
}
