//! What a database of a command is: the head of a branch, a past state, or nothing yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::model::{BranchName, ProjectName};
use argon_core::{Branch, Error, ErrorKind, Named, Project, Revision, Selector, State, Store};
use argon_query::expression::Context;
use argon_query::pipeline::{Execution, Limits, MemoryCollections, StateCollections};

use crate::failure::{CommandError, Result};
use crate::namespace::Database;
use crate::options::ServeOptions;
use crate::past::{PastState, PastStates};
use crate::views::ViewedCollections;

/// A database of a command.
#[derive(Clone)]
pub(crate) enum Place {
    /// Nothing: an internal database, or a project that does not exist yet.
    Empty,
    /// The head of a branch, which takes writes.
    Head(Branch),
    /// Another state, which does not.
    Past {
        /// The project.
        project: Project,
        /// The branch that it is of.
        branch: BranchName,
        /// The state.
        state: State,
    },
}

/// The branches of a store by the names of databases.
pub(crate) struct Places {
    store: Store,
    default: BranchName,
    aliases: BTreeMap<String, String>,
    /// Whether errors name no branches.
    hides_names: bool,
    /// Branches that were looked up. One that was deleted since fails when it is read, and is looked up again.
    branches: Mutex<HashMap<(ProjectName, BranchName), Branch>>,
    past: PastStates,
}

/// What a command reads.
pub(crate) struct Reading {
    /// The state; `None` if there is none yet.
    pub(crate) state: Option<State>,
    /// The project and the branch of the state.
    pub(crate) project: Option<(Project, BranchName)>,
    /// The collections with their views, as far as the client may read what these read.
    pub(crate) viewed: Option<ViewedCollections>,
    /// What queries run with.
    pub(crate) execution: Execution,
}

impl Places {
    pub(crate) fn new(store: Store, options: &ServeOptions) -> Self {
        let (default, aliases) = (options.branch.clone(), options.aliases.clone());
        let hides_names = options.auth;
        let (branches, past) = (Mutex::default(), PastStates::default());
        Self { store, default, aliases, hides_names, branches, past }
    }

    /// The meaning of the name of a database.
    pub(crate) fn parse(&self, database: &str) -> Result<Database> {
        Database::parse(self.aliased(database))
    }

    /// What the name of a database stands for, if it is an alias.
    pub(crate) fn aliased<'n>(&'n self, database: &'n str) -> &'n str {
        self.aliases.get(database).map_or(database, String::as_str)
    }

    /// The branch of databases whose name has no revision.
    pub(crate) fn default_branch(&self) -> &BranchName {
        &self.default
    }

    /// The database of this name.
    ///
    /// # Errors
    /// `InvalidNamespace` for a malformed name; `NamespaceNotFound` for a revision that an existing project
    /// does not have.
    pub(crate) async fn find(&self, database: &str) -> Result<Place> {
        let Database::Project { project: name, revision } = self.parse(database)? else {
            return Ok(Place::Empty);
        };
        if let Some(branch) = self.branch_meant(revision.as_ref())
            && let Some(branch) = self.known(&name, branch)
        {
            return Ok(Place::Head(branch));
        }
        if let Some(PastState { branch, state, .. }) = self.past.get(self.aliased(database)).await {
            let (project, branch) = (branch.project().clone(), branch.name().clone());
            return Ok(Place::Past { project, branch, state });
        }
        let project = match self.store.project(&name).await {
            Ok(project) => project,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Place::Empty),
            Err(error) => return Err(error.into()),
        };
        if let Some(branch) = self.branch_meant(revision.as_ref()) {
            match project.branch(branch).await {
                Ok(branch) => return Ok(Place::Head(self.keep(branch))),
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                Err(_) if revision.is_none() => return Ok(Place::Empty),
                Err(_) => {}
            }
        }
        let is_branch = self.branch_meant(revision.as_ref()).is_some();
        let revision = revision.unwrap_or_else(|| Revision::head(self.default.clone()));
        let explicit = revision.explicit(&project).await?;
        let state = explicit.resolve(&project, &self.default).await;
        let state = state.map_err(|error| self.unknown(database, is_branch, error))?;
        let branch = explicit.branch_or(&self.default).clone();
        if let Revision { selector: Selector::Lsn(_), back: 0, .. } = explicit
            && let Ok(branch) = project.branch(&branch).await
        {
            let found = PastState::new(branch, state.clone(), explicit != revision);
            self.past.keep(self.aliased(database), found);
        }
        Ok(Place::Past { project, branch, state })
    }

    /// The error for a revision that is not there.
    fn unknown(&self, database: &str, is_branch: bool, error: Error) -> CommandError {
        if error.kind() != ErrorKind::NotFound {
            return error.into();
        }
        // Which branches there are is not for everyone.
        let unknown = if self.hides_names {
            format!("'{database}' has no such branch or state")
        } else {
            error.in_full()
        };
        let hint = if is_branch { "; the first write creates the branch" } else { "" };
        CommandError::new(26, format!("{unknown}{hint}"))
    }

    /// Whether the project of a database exists, whatever the revision.
    pub(crate) async fn has_project(&self, database: &str) -> Result<bool> {
        let Database::Project { project, .. } = self.parse(database)? else { return Ok(false) };
        match self.store.project(&project).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The branch that a write to this database goes to. A project that does not exist is created; so is a
    /// branch, from the head of the default branch.
    ///
    /// # Errors
    /// `CommandNotSupported` for a database that is not the head of a branch; `InvalidNamespace`.
    pub(crate) async fn writable(&self, database: &str, store: &Store) -> Result<Branch> {
        let Database::Project { project: name, revision } = self.parse(database)? else {
            return Err(CommandError::new(
                115,
                format!(
                    "the database '{database}' can't be written: it is MongoDB's own, and empty here"
                ),
            ));
        };
        let Some(branch) = self.branch_meant(revision.as_ref()) else {
            return Err(past(database));
        };
        if let Some(branch) = self.known(&name, branch) {
            return Ok(branch);
        }
        let project = store.project_or_create(name).await?;
        match project.branch(branch).await {
            Ok(branch) => return Ok(self.keep(branch)),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            Err(_) => {}
        }
        if let Some(revision) = &revision
            && revision.explicit(&project).await?.resolve(&project, &self.default).await.is_ok()
        {
            // Another client may have created the branch just now.
            return match project.branch(branch).await {
                Ok(branch) => Ok(self.keep(branch)),
                Err(_) => Err(past(database)),
            };
        }
        let base = project.branch(&self.default).await?.head().await?;
        Ok(self.keep(project.branch_or_create(branch, &base).await?))
    }

    /// Forgets a branch, which may have been deleted.
    pub(crate) fn forget(&self, database: &str) {
        if let Ok(Database::Project { project, revision }) = self.parse(database)
            && let Some(branch) = self.branch_meant(revision.as_ref())
        {
            let key = (project, branch.clone());
            self.branches.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
    }

    /// Whether the branch of a database was used before.
    pub(crate) fn is_known(&self, database: &str) -> bool {
        match self.parse(database) {
            Ok(Database::Project { project, revision }) => self
                .branch_meant(revision.as_ref())
                .is_some_and(|branch| self.known(&project, branch).is_some()),
            _ => false,
        }
    }

    /// The branches that were used.
    pub(crate) fn used(&self) -> Vec<Branch> {
        let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        branches.values().cloned().collect()
    }

    /// Forgets all branches: names may mean others now.
    pub(crate) fn forget_all(&self) {
        self.branches.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.past.clear();
    }

    /// Forgets past states that were not read for long.
    pub(crate) fn expire(&self) {
        self.past.expire();
    }

    /// The branch whose head is meant, if no other state is.
    fn branch_meant<'r>(&'r self, revision: Option<&'r Revision>) -> Option<&'r BranchName> {
        match revision {
            None => Some(&self.default),
            Some(Revision { name, selector: Selector::Head, back: 0 }) => match name {
                Named::Current => Some(&self.default),
                Named::Any(branch) => Some(branch),
                Named::Pin(_) => None,
            },
            Some(_) => None,
        }
    }

    fn known(&self, project: &ProjectName, branch: &BranchName) -> Option<Branch> {
        let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        branches.get(&(project.clone(), branch.clone())).cloned()
    }

    fn keep(&self, branch: Branch) -> Branch {
        let key = (branch.project().name().clone(), branch.name().clone());
        self.branches.lock().unwrap_or_else(PoisonError::into_inner).insert(key, branch.clone());
        branch
    }
}

/// The error for a write to a state that is not the head of a branch.
fn past(database: &str) -> CommandError {
    // For MongoDB's code 20 the driver of Node says that retryable writes are not supported, whatever the message.
    CommandError::new(
        115,
        format!(
            "'{database}' is a past state, which can't be written: create a branch from it, and connect to that"
        ),
    )
}

impl Place {
    /// What is read now, and evaluated in a context.
    pub(crate) async fn read(&self, context: &Arc<Context>) -> Result<Reading> {
        match self {
            Self::Empty => Ok(Reading::empty(context)),
            Self::Head(branch) => {
                let state = branch.head().await?;
                let (project, name) = (branch.project().clone(), branch.name().clone());
                Ok(Reading::new(state, project, name, context))
            }
            Self::Past { project, branch, state } => {
                Ok(Reading::new(state.clone(), project.clone(), branch.clone(), context))
            }
        }
    }
}

impl Reading {
    pub(crate) fn new(
        state: State,
        project: Project,
        branch: BranchName,
        context: &Arc<Context>,
    ) -> Self {
        let collections = StateCollections::new(state.clone());
        let collections = Arc::new(collections.with_project(project.clone(), branch.clone()));
        let execution = Execution::new(collections, context.clone(), Limits::default());
        Self { state: Some(state), project: Some((project, branch)), viewed: None, execution }
    }

    /// The same with the views of the state.
    pub(crate) fn with_views(self, views_read_others: bool) -> Self {
        let Some(state) = self.state.clone() else { return self };
        let viewed = ViewedCollections {
            base: self.execution.collections.clone(),
            state,
            project: self.project.clone(),
            context: self.execution.evaluation.context().clone(),
            views_read_others,
            depth: 0,
        };
        let execution = Execution { collections: Arc::new(viewed.clone()), ..self.execution };
        Self { viewed: Some(viewed), execution, ..self }
    }

    /// What the pipeline of a view runs with.
    ///
    /// # Errors
    /// As of [`ViewedCollections::of_view`].
    pub(crate) fn execution_of_view(&self, name: &str) -> Result<Execution> {
        let Some(viewed) = &self.viewed else { return Ok(self.execution.clone()) };
        let collections = Arc::new(viewed.of_view(name)?);
        Ok(Execution { collections, ..self.execution.clone() })
    }

    /// Without any collection.
    pub(crate) fn empty(context: &Arc<Context>) -> Self {
        let collections = Arc::new(MemoryCollections::default());
        let execution = Execution::new(collections, context.clone(), Limits::default());
        Self { state: None, project: None, viewed: None, execution }
    }
}
