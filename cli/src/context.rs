//! What a command works on: the opened store, the project, the branch.

use argon_core::model::{Actor, BranchName, ProjectName};
use argon_core::storage::OpenOptions;
use argon_core::write::WriteRequest;
use argon_core::{Branch, Environment, ErrorKind, Project, Revision, State, Store};

use crate::args::{GlobalOptions, Signature};
use crate::config::Config;
use crate::discover::{self, Place};
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::Output;

/// What all commands are given.
pub(crate) struct Context {
    /// The global options.
    pub(crate) options: GlobalOptions,
    /// Where to print.
    pub(crate) output: Output,
    /// Clock and identifiers.
    pub(crate) environment: Environment,
}

/// An opened store and what is current in it.
pub(crate) struct OpenStore {
    pub(crate) store: Store,
    pub(crate) place: Place,
    pub(crate) config: Config,
}

/// The project and branch that a command works in.
pub(crate) struct Workspace {
    pub(crate) opened: OpenStore,
    pub(crate) project: Project,
    pub(crate) branch: BranchName,
}

impl Context {
    pub(crate) fn new(options: GlobalOptions) -> Self {
        let output = Output::new(options.output, options.quiet);
        Self { options, output, environment: argon_backends::environment() }
    }

    pub(crate) fn open_options(&self) -> OpenOptions {
        OpenOptions { lock_timeout: self.options.lock_timeout, ..OpenOptions::default() }
    }

    /// Opens the store that the options name or that is nearest.
    pub(crate) async fn store(&self) -> CommandResult<OpenStore> {
        let place = discover::find(self.options.store.as_deref())?;
        let store = Store::open(
            &argon_backends::registry(),
            &place.url,
            &self.open_options(),
            self.environment.clone(),
            default_actor()?,
        )
        .await?;
        if let Some(recovered) = store.info().recovered {
            self.output.note(&recovered);
        }
        let config = place.directory.as_deref().map(Config::load).transpose()?;
        Ok(OpenStore { store, place, config: config.unwrap_or_default() })
    }

    /// Opens the store, and in it the project and branch that the options name or that are current.
    pub(crate) async fn workspace(&self) -> CommandResult<Workspace> {
        let opened = self.store().await?;
        let project = self.project_of(&opened).await?;
        Ok(self.workspace_in(opened, project))
    }

    /// The branch of `project` that the options name or that is current.
    pub(crate) fn workspace_in(&self, opened: OpenStore, project: Project) -> Workspace {
        let branch = self.branch_of(&opened, project.name());
        Workspace { opened, project, branch }
    }

    /// The project that the options name or that is current.
    pub(crate) async fn project_of(&self, opened: &OpenStore) -> CommandResult<Project> {
        let Some(name) = self.options.project.as_ref().or(opened.config.project.as_ref()) else {
            return Err(no_current_project(opened).await?);
        };
        opened
            .store
            .project(name)
            .await
            .hint_on(ErrorKind::NotFound, || format!("`argon project create {name}` makes it"))
    }

    /// The branch that the options name or that is current, if it is current in this project.
    fn branch_of(&self, opened: &OpenStore, project: &ProjectName) -> BranchName {
        let said = self.options.branch.clone();
        let current = || {
            let current = opened.config.project.as_ref() == Some(project);
            opened.config.branch.clone().filter(|_| current)
        };
        said.or_else(current).unwrap_or_else(first_branch)
    }
}

impl OpenStore {
    /// Makes a project and branch current.
    pub(crate) fn set_current(&self, config: &Config) -> CommandResult {
        match &self.place.directory {
            Some(directory) => Ok(config.save(directory)?),
            None => Err(Failure::from(argon_core::Error::unsupported(format!(
                "{} is not in a directory of this machine, so nothing can be kept there",
                self.place.url
            )))
            .hint("use -p and -b, or set ARGON_PROJECT and ARGON_BRANCH")),
        }
    }
}

impl Workspace {
    /// The branch.
    pub(crate) async fn branch(&self) -> CommandResult<Branch> {
        self.project.branch(&self.branch).await.hint_on(ErrorKind::NotFound, || {
            let name = &self.branch;
            format!("`argon branch create {name}` makes it; `argon switch NAME` goes to another")
        })
    }

    /// The head of the branch, as a revision.
    pub(crate) fn head(&self) -> Revision {
        Revision::head(self.branch.clone())
    }

    /// The state that a revision names; the head of the branch if none is given.
    pub(crate) async fn state(&self, revision: Option<&Revision>) -> CommandResult<State> {
        match revision {
            Some(revision) => Ok(revision.resolve(&self.project, &self.branch).await?),
            None => Ok(self.branch().await?.head().await?),
        }
    }

    /// Whether this branch is the one that is current without options.
    pub(crate) fn is_current(&self, branch: &BranchName) -> bool {
        let config = &self.opened.config;
        config.project.as_ref() == Some(self.project.name())
            && config.branch.as_ref().unwrap_or(&first_branch()) == branch
    }
}

impl Signature {
    /// An empty request with this signature.
    pub(crate) fn request(&self, branch: &Branch) -> WriteRequest {
        let mut request = branch.request();
        if let Some(actor) = &self.actor {
            request = WriteRequest::new(actor.clone());
        }
        request.set_message(self.message.clone().unwrap_or_default());
        request
    }
}

async fn no_current_project(opened: &OpenStore) -> CommandResult<Failure> {
    let projects = opened.store.projects().await?;
    let names: Vec<&str> = projects.iter().map(|project| project.name.as_str()).collect();
    let hint = match names.as_slice() {
        [] => "`argon project create NAME` makes one".to_owned(),
        names => format!("`argon use NAME` or -p NAME chooses one of: {}", names.join(", ")),
    };
    Ok(Failure::from(argon_core::Error::invalid("no project is chosen")).hint(hint))
}

/// The branch that every project has at first.
#[expect(clippy::expect_used, reason = "it is a constant that is a name")]
pub(crate) fn first_branch() -> BranchName {
    BranchName::new(Store::FIRST_BRANCH).expect("the name of the first branch is a name")
}

/// Who signs a commit when nobody says otherwise.
pub(crate) fn default_actor() -> argon_core::Result<Actor> {
    let name = ["ARGON_ACTOR", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find(|name| !name.is_empty());
    Actor::new(name.unwrap_or_else(|| "unknown".to_owned()))
}
