//! What an operation works on: the opened store, the project, the branch.

use std::path::PathBuf;

use argon_core::model::{BranchName, ProjectName};
use argon_core::{Branch, Error, ErrorKind, Project, Revision, State, Store, sandbox};

use crate::config::Config;
use crate::discover::Place;
use crate::{Failure, Hint, Result, Watcher};

/// An opened store and what is current in it.
#[derive(Clone)]
pub struct OpenStore {
    /// The store.
    pub store: Store,
    /// Where it is, and how it was found.
    pub place: Place,
    /// What is current.
    pub config: Config,
    /// The file that `config` is from; `None` if there is no place for one.
    pub config_file: Option<PathBuf>,
}

/// The project and branch that an operation works in.
#[derive(Clone)]
pub struct Workspace {
    /// The store.
    pub opened: OpenStore,
    /// The project.
    pub project: Project,
    /// The branch, which need not be there.
    pub branch: BranchName,
}

impl OpenStore {
    /// A store that was opened at a place, with what is current in it.
    ///
    /// # Errors
    /// Those of reading the file with what is current.
    pub fn new(store: Store, place: Place) -> Result<Self> {
        let config_file = place.config(&store.info());
        let config = config_file.as_deref().map(Config::load).transpose()?;
        Ok(Self { store, place, config: config.unwrap_or_default(), config_file })
    }

    /// The project of this name; without one, that of the store's URL, or the current one, or the only one of the
    /// store.
    ///
    /// # Errors
    /// `NotFound` if it is not there; `Invalid` if none is chosen.
    pub async fn project(&self, named: Option<&ProjectName>) -> Result<Project> {
        let said = named.or(self.place.project.as_ref());
        let Some(name) = said.or(self.config.project.as_ref()) else { return self.only().await };
        self.store.project(name).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Failure::from(error).hint(Hint::CreateProject { project: name.to_string() })
            }
            _ => error.into(),
        })
    }

    /// The only project of the store, where none is chosen.
    async fn only(&self) -> Result<Project> {
        let projects = self.store.projects().await?;
        if let [only] = projects.as_slice() {
            return Ok(self.store.project(&only.name).await?);
        }
        let known = projects.into_iter().map(|project| project.name.to_string()).collect();
        let error = Error::invalid("no project is chosen");
        Err(Failure::from(error).hint(Hint::ChooseProject { known }))
    }

    /// The branch of this name in a project; without one, that of the store's URL, or the one that is
    /// current in this project, or the first.
    pub fn branch(&self, project: &ProjectName, named: Option<&BranchName>) -> BranchName {
        let of_url = || {
            let place = &self.place;
            place.branch.clone().filter(|_| place.project.as_ref() == Some(project))
        };
        let current = || {
            let current = self.config.project.as_ref() == Some(project);
            self.config.branch.clone().filter(|_| current)
        };
        named.cloned().or_else(of_url).or_else(current).unwrap_or_else(first_branch)
    }

    /// Makes a project and branch current.
    ///
    /// # Errors
    /// `Unsupported` if there is no place for that; those of writing the file.
    pub fn set_current(&self, config: &Config) -> Result {
        match &self.config_file {
            Some(file) => Ok(config.save(file)?),
            None => {
                let error = Error::unsupported(format!(
                    "there is no place to keep what is current in {}",
                    self.place.url
                ));
                Err(Failure::from(error).hint(Hint::NameProjectAndBranch))
            }
        }
    }

    /// Makes a project and branch current after an operation has done what it was asked for: if that
    /// can't be written down, it is done all the same, and noted. Says whether it is written.
    pub fn set_current_after(&self, config: &Config, watcher: &dyn Watcher) -> bool {
        match self.set_current(config) {
            Ok(()) => true,
            Err(failure) => {
                watcher.notes(&format!(
                    "what is current could not be written down: {}",
                    failure.in_full()
                ));
                false
            }
        }
    }
}

impl Workspace {
    /// The branch.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn branch(&self) -> Result<Branch> {
        self.branch_named(&self.branch).await
    }

    /// This branch of the project; without a name, the branch.
    ///
    /// # Errors
    /// `NotFound` if it does not exist.
    pub async fn branch_or_current(&self, name: Option<&BranchName>) -> Result<Branch> {
        self.branch_named(name.unwrap_or(&self.branch)).await
    }

    /// A branch of the project.
    ///
    /// # Errors
    /// `NotFound` if it does not exist.
    pub async fn branch_named(&self, name: &BranchName) -> Result<Branch> {
        self.project.branch(name).await.map_err(|error| {
            if error.kind() != ErrorKind::NotFound {
                return error.into();
            }
            let is_sandbox = name.as_str().starts_with(&format!("{}/", sandbox::PREFIX));
            let hint = if is_sandbox {
                Hint::SandboxEnded { first: Store::FIRST_BRANCH.to_owned() }
            } else {
                Hint::CreateBranch { branch: name.to_string() }
            };
            Failure::from(error).hint(hint)
        })
    }

    /// The head of the branch, as a revision.
    pub fn head(&self) -> Revision {
        Revision::head(self.branch.clone())
    }

    /// The state that a revision names; the head of the branch if none is given.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn state(&self, revision: Option<&Revision>) -> Result<State> {
        match revision {
            Some(revision) if *revision != Revision::current() => {
                Ok(revision.resolve(&self.project, &self.branch).await?)
            }
            _ => Ok(self.branch().await?.head().await?),
        }
    }

    /// The state that a revision names, and the branch or the pin that it is of; the head of the branch if none
    /// is given.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn named_state(&self, revision: Option<&Revision>) -> Result<(State, BranchName)> {
        let explicit = match revision {
            Some(revision) => Some(revision.explicit(&self.project).await?),
            None => None,
        };
        let state = self.state(explicit.as_ref()).await?;
        let branch = explicit.as_ref().map_or(&self.branch, |named| named.branch_or(&self.branch));
        Ok((state, branch.clone()))
    }

    /// Whether this branch is the one that is current if nobody names another. Where no project was chosen, every
    /// project counts as current.
    pub fn is_current(&self, branch: &BranchName) -> bool {
        let config = &self.opened.config;
        config.project.as_ref().is_none_or(|project| project == self.project.name())
            && config.branch.as_ref().unwrap_or(&first_branch()) == branch
    }

    /// Makes another branch current if `from` is.
    pub fn follow(&self, from: &BranchName, to: &BranchName, watcher: &dyn Watcher) {
        if self.is_current(from) {
            let project = Some(self.project.name().clone());
            let current =
                Config { project, branch: Some(to.clone()), ..self.opened.config.clone() };
            self.opened.set_current_after(&current, watcher);
        }
    }
}

/// The branch that every project has at first.
#[expect(clippy::expect_used, reason = "it is a constant that is a name")]
pub fn first_branch() -> BranchName {
    BranchName::new(Store::FIRST_BRANCH).expect("the name of the first branch is a name")
}
