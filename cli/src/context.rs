//! What a command works on: the opened store, the project, the branch.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use argon_core::model::{Actor, BranchName, ProjectName};
use argon_core::storage::{CacheOptions, OpenOptions, StoreUrl};
use argon_core::write::WriteRequest;
use argon_core::{Branch, Environment, Error, ErrorKind, Project, Revision, State, Store, sandbox};

use crate::args::{GlobalOptions, Signature};
use crate::config::{self, Config};
use crate::credentials::{self, Exposure, SaidBy};
use crate::discover::{self, Place};
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::{Format, Output};
use crate::settings::{self, Resolved, Settings};

/// What all commands are given.
pub(crate) struct Context {
    /// The global options.
    pub(crate) options: GlobalOptions,
    /// What is configured, by whom.
    pub(crate) resolved: Resolved,
    /// Where to print.
    pub(crate) output: Output,
    /// Clock and identifiers.
    pub(crate) environment: Environment,
    /// The store that the command has opened, for what is done after it.
    used: Mutex<Option<Store>>,
}

/// An opened store and what is current in it.
pub(crate) struct OpenStore {
    pub(crate) store: Store,
    pub(crate) place: Place,
    pub(crate) config: Config,
    /// The file that `config` is from; `None` if there is no place for one.
    pub(crate) config_file: Option<PathBuf>,
}

/// The project and branch that a command works in.
pub(crate) struct Workspace {
    pub(crate) opened: OpenStore,
    pub(crate) project: Project,
    pub(crate) branch: BranchName,
}

impl Context {
    /// Reads the settings.
    ///
    /// # Errors
    /// What is wrong in them, and where to say so.
    pub(crate) fn new(
        mut options: GlobalOptions,
        is_deprecated: bool,
    ) -> Result<Self, (Failure, Output)> {
        let (quiet, format) = (options.quiet, options.output.unwrap_or(Format::Table));
        let output = |format| Output::new(format, quiet);
        let chosen = if is_deprecated { legacy_store(&mut options) } else { Ok(()) };
        let resolved = chosen
            .and_then(|()| Ok(resolved(&options)?))
            .map_err(|failure| (failure, output(format)))?;
        let output = output(resolved.settings.output);
        let environment = argon_backends::environment();
        Ok(Self { options, resolved, output, environment, used: Mutex::default() })
    }

    /// What is configured.
    pub(crate) fn settings(&self) -> &Settings {
        &self.resolved.settings
    }

    /// Who signs a commit when nobody says otherwise.
    pub(crate) fn actor(&self) -> argon_core::Result<Actor> {
        match &self.settings().actor {
            Some(actor) => Ok(actor.clone()),
            None => user(),
        }
    }

    /// How stores are opened, as the options and the environment say.
    ///
    /// # Errors
    /// `Invalid` when the password is given twice; those of reading its file.
    pub(crate) fn open_options(&self) -> argon_core::Result<OpenOptions> {
        let password = credentials::password()?;
        let file = password.as_ref().and_then(|password| password.file.as_deref());
        if let Some(exposure) = file.and_then(Exposure::of_file) {
            self.output.note(&exposure.to_string());
        }
        Ok(OpenOptions {
            lock_timeout: self.settings().lock_timeout,
            password: password.map(|password| password.secret),
            cache: self.cache(),
        })
    }

    /// The cache that the options ask for; `None` if they ask for none, or there is no place for it.
    pub(crate) fn cache(&self) -> Option<CacheOptions> {
        let most_bytes = self.settings().cache.size;
        let said = self.settings().cache.dir.clone();
        let directory = said.or_else(|| config::user_directory("XDG_CACHE_HOME", ".cache"))?;
        (most_bytes > 0).then_some(CacheOptions { directory, most_bytes })
    }

    /// Opens the store that the options name or that is nearest.
    pub(crate) async fn store(&self) -> CommandResult<OpenStore> {
        let place = discover::find(&self.options, self.settings())?;
        if let Some(by) = place.found.said_by() {
            self.warn_of_exposure(&place.url, by);
        }
        let store = Store::open(
            &crate::backends::registry(),
            &place.url,
            &self.open_options()?,
            self.environment.clone(),
            self.actor()?,
        )
        .await
        .map_err(|error| unopened(error, &place))?;
        self.opened(&store);
        let config_file = place.config(&store.info());
        let config = config_file.as_deref().map(Config::load).transpose()?;
        Ok(OpenStore { store, place, config: config.unwrap_or_default(), config_file })
    }

    /// Takes note of a store that was opened, and says what had to be mended.
    pub(crate) fn opened(&self, store: &Store) {
        if let Some(recovered) = store.info().recovered {
            self.output.note(&recovered);
        }
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(store.clone());
    }

    /// The store that the command has open.
    pub(crate) fn opened_store(&self) -> Option<Store> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes a store that the command goes on without: others may need it.
    pub(crate) async fn close(&self, store: Store) {
        store.settle().await;
        drop(store);
        drop(self.take_opened());
    }

    /// The store that the command has opened; it is closed once this is dropped.
    pub(crate) fn take_opened(&self) -> Option<Store> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Warns of a password that others on this machine can read.
    pub(crate) fn warn_of_exposure(&self, url: &StoreUrl, by: &SaidBy) {
        if let Some(exposure) = Exposure::of_url(url, by) {
            self.output.note(&exposure.to_string());
        }
    }

    /// Says where the log of a state begins, if commits before that were collected.
    pub(crate) async fn note_floor(&self, state: &State) -> CommandResult {
        let floor = argon_core::log::floor(state).await?;
        if floor.get() > 0 {
            self.output.note(&format!("the commits up to LSN {floor} were collected (`argon gc`)"));
        }
        Ok(())
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
        let said = self.options.project.as_ref().or(opened.place.project.as_ref());
        let Some(name) = said.or(opened.config.project.as_ref()) else {
            return Err(no_current_project(opened).await?);
        };
        opened
            .store
            .project(name)
            .await
            .hint_on(ErrorKind::NotFound, || format!("`argon project create {name}` makes it"))
    }

    /// The branch that the options name or that is current, if it is current in this project.
    pub(crate) fn branch_of(&self, opened: &OpenStore, project: &ProjectName) -> BranchName {
        let place = &opened.place;
        let named = place.branch.clone().filter(|_| place.project.as_ref() == Some(project));
        let said = self.options.branch.clone().or(named);
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
        match &self.config_file {
            Some(file) => Ok(config.save(file)?),
            None => Err(Failure::from(Error::unsupported(format!(
                "there is no place to keep what is current in {}",
                self.place.url
            )))
            .hint("use -p and -b, or set ARGON_PROJECT and ARGON_BRANCH")),
        }
    }
}

impl OpenStore {
    /// Makes a project and branch current after a command has done what it was asked for: if that can't
    /// be written down, it is done all the same.
    pub(crate) fn set_current_after(&self, context: &Context, config: &Config) -> bool {
        match self.set_current(config) {
            Ok(()) => true,
            Err(failure) => {
                context.output.note(&format!(
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
    pub(crate) async fn branch(&self) -> CommandResult<Branch> {
        self.project.branch(&self.branch).await.hint_on(ErrorKind::NotFound, || {
            let name = &self.branch;
            let is_sandbox = name.as_str().starts_with(&format!("{}/", sandbox::PREFIX));
            if is_sandbox {
                let first = first_branch();
                return format!(
                    "its time may be over; `argon switch {first}` goes to another branch"
                );
            }
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

/// What to do about a store on a network that can't be opened; errors of others say it themselves.
fn unopened(error: Error, place: &Place) -> Failure {
    let kind = error.kind();
    let has_hint = error.hint().is_some();
    let failure = Failure::from(error);
    match kind {
        _ if !place.is_remote() => failure,
        ErrorKind::NotFound => failure.hint("`argon doctor` looks closer"),
        _ if has_hint => failure,
        ErrorKind::Unavailable | ErrorKind::Denied | ErrorKind::Invalid => {
            failure.hint("`argon doctor` looks at what the store needs, one thing after the other")
        }
        _ => failure,
    }
}

async fn no_current_project(opened: &OpenStore) -> CommandResult<Failure> {
    let projects = opened.store.projects().await?;
    let names: Vec<&str> = projects.iter().map(|project| project.name.as_str()).collect();
    let hint = match names.as_slice() {
        [] => "`argon project create NAME` makes one".to_owned(),
        names => format!("`argon use NAME` or -p NAME chooses one of: {}", names.join(", ")),
    };
    Ok(Failure::from(Error::invalid("no project is chosen")).hint(hint))
}

/// The branch that every project has at first.
#[expect(clippy::expect_used, reason = "it is a constant that is a name")]
pub(crate) fn first_branch() -> BranchName {
    BranchName::new(Store::FIRST_BRANCH).expect("the name of the first branch is a name")
}

/// The settings, with those of the store that is found. Where none is found, whatever the reason, its
/// file says nothing; the command will say why.
fn resolved(options: &GlobalOptions) -> argon_core::Result<Resolved> {
    let without_store = settings::resolve(options, None)?;
    let place = discover::find(options, &without_store.settings).ok();
    match place.as_ref().and_then(Place::settings_file).filter(|file| file.exists()) {
        Some(file) => settings::resolve(options, Some(file)),
        None => Ok(without_store),
    }
}

/// Chooses the store of the deprecated commands, unless an option names one.
fn legacy_store(options: &mut GlobalOptions) -> CommandResult {
    if options.store.is_some() || options.store_file.is_some() {
        return Ok(());
    }
    // The file of the nearest store can name it too.
    options.store = Some(resolved(options)?.settings.legacy.store.ok_or_else(|| {
        Failure::from(Error::invalid(
            "the setting 'legacy.store' does not say which store is meant",
        ))
        .hint("`argon config set legacy.store URL` does; or name the store by --store")
    })?);
    Ok(())
}

/// The name of the user of this machine: as the environment says, or else as the system does, which
/// matters where a service or a container sets no variables.
fn user() -> argon_core::Result<Actor> {
    let name = ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find(|name| !name.is_empty());
    Actor::new(name.or_else(name_by_system).unwrap_or_else(|| "unknown".to_owned()))
}

/// What `id -un` prints.
fn name_by_system() -> Option<String> {
    let output = std::process::Command::new("id").arg("-un").output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?;
    Some(name.trim().to_owned()).filter(|name| output.status.success() && !name.is_empty())
}
