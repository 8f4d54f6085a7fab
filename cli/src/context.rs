//! What a command works on: the opened store, the project, the branch.

use std::sync::{Mutex, PoisonError};

use argon_core::model::{Actor, BranchName, Lsn, ProjectName};
use argon_core::storage::{CacheOptions, OpenOptions, StoreUrl};
use argon_core::{Environment, Error, ErrorKind, Project, Store};
use argon_service::backends;
use argon_service::config;
use argon_service::credentials::{self, Exposure, SaidBy};
use argon_service::discover::{self, Place};
use argon_service::settings::{self, Overrides, Resolved, Settings};
use argon_service::{OpenStore, StoreOpener, Wording, Workspace};

use crate::args::{GlobalOptions, Notes};
use crate::exit::{CommandResult, Failure};
use crate::hints::CommandLine;
use crate::output::{Format, Output, stream};

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

impl Context {
    /// Reads the settings.
    ///
    /// # Errors
    /// What is wrong in them, and where to say so.
    pub(crate) fn new(
        mut options: GlobalOptions,
        is_deprecated: bool,
    ) -> Result<Self, (Failure, Output)> {
        let format = options.output.or_else(Format::of_environment).unwrap_or(Format::Table);
        let quiet = options.quiet;
        let output = |format| Output::new(format, quiet);
        let chosen = if is_deprecated { legacy_store(&mut options) } else { Ok(()) };
        let resolved = chosen
            .and_then(|()| Ok(resolved(&options.overrides())?))
            .map_err(|failure| (failure, output(format)))?;
        let output = output(resolved.settings.output.into());
        let environment = backends::environment();
        Ok(Self { options, resolved, output, environment, used: Mutex::default() })
    }

    /// What the options say of settings.
    pub(crate) fn overrides(&self) -> Overrides {
        self.options.overrides()
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
            self.note_exposure(&exposure);
        }
        Ok(OpenOptions {
            lock_timeout: self.settings().lock_timeout,
            password: password.map(|password| password.secret),
            cache: self.cache(),
            share: false,
            join: false,
        })
    }

    /// How stores are opened and created, and who signs what is written to them.
    ///
    /// # Errors
    /// Those of [`open_options`](Self::open_options).
    pub(crate) fn opener(&self) -> argon_core::Result<StoreOpener> {
        let (options, actor) = (self.open_options()?, self.actor()?);
        Ok(StoreOpener { options, environment: self.environment.clone(), actor })
    }

    /// The cache that the options ask for; `None` if they ask for none, or there is no place for it.
    pub(crate) fn cache(&self) -> Option<CacheOptions> {
        let most_bytes = self.settings().cache.size;
        let said = self.settings().cache.dir.clone();
        let directory = said.or_else(config::user_cache)?;
        (most_bytes > 0).then_some(CacheOptions { directory, most_bytes })
    }

    /// Opens the store that the options name or that is nearest.
    pub(crate) async fn store(&self) -> CommandResult<OpenStore> {
        self.store_by(self.opener()?).await
    }

    /// As [`store`](Self::store), and lets other processes use a local store meanwhile.
    pub(crate) async fn shared_store(&self) -> CommandResult<OpenStore> {
        let mut opener = self.opener()?;
        opener.options.share = true;
        self.store_by(opener).await
    }

    /// The same, through the process that shares the store already, if there is one.
    pub(crate) async fn shared_or_joined_store(&self) -> CommandResult<OpenStore> {
        let mut opener = self.opener()?;
        (opener.options.share, opener.options.join) = (true, true);
        self.store_by(opener).await
    }

    async fn store_by(&self, opener: StoreOpener) -> CommandResult<OpenStore> {
        let place = discover::find(&self.overrides(), self.settings())?;
        if let Some(by) = place.found.said_by() {
            self.warn_of_exposure(&place.url, by);
        }
        let opened = opener.open(&place.url).await;
        let store = opened.map_err(|error| unopened(error, &place))?;
        if !place.is_remote() {
            stream::hold_nothing_up();
        }
        self.opened(&store);
        Ok(OpenStore::new(store, place)?)
    }

    /// Records a store that was opened, and notes what was repaired.
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
            self.note_exposure(&exposure);
        }
    }

    pub(crate) fn note_exposure(&self, exposure: &Exposure) {
        let (found, remedy) = CommandLine.exposure(exposure);
        self.output.note(&format!("{found}; {remedy}"));
    }

    /// Says that the log begins after this position, if it is not its beginning.
    pub(crate) fn note_floor_at(&self, floor: Lsn) {
        if floor.get() > 0 {
            self.output.note(&format!("the commits up to LSN {floor} were collected (`argon gc`)"));
        }
    }

    /// Opens the store, and in it the project and branch that the options name or that are current.
    pub(crate) async fn workspace(&self) -> CommandResult<Workspace> {
        self.workspace_noting(&Notes::default()).await
    }

    /// As [`workspace`](Self::workspace), for a command whose commits have these notes.
    pub(crate) async fn workspace_noting(&self, notes: &Notes) -> CommandResult<Workspace> {
        let trailers = notes.trailers()?;
        let mut opened = self.store().await?;
        opened.store = opened.store.with_trailers(trailers);
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
        Ok(opened.project(self.options.project.as_ref()).await?)
    }

    /// The branch that the options name or that is current, if it is current in this project.
    pub(crate) fn branch_of(&self, opened: &OpenStore, project: &ProjectName) -> BranchName {
        opened.branch(project, self.options.branch.as_ref())
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

/// The settings, with those of the store that is found. Where none is found, whatever the reason, its
/// file says nothing; the command will say why.
fn resolved(overrides: &Overrides) -> argon_service::Result<Resolved> {
    let without_store = settings::resolve(overrides, None)?;
    let place = discover::find(overrides, &without_store.settings).ok();
    match place.as_ref().and_then(Place::settings_file).filter(|file| file.exists()) {
        Some(file) => settings::resolve(overrides, Some(&file)),
        None => Ok(without_store),
    }
}

/// Chooses the store of the deprecated commands, unless an option names one.
fn legacy_store(options: &mut GlobalOptions) -> CommandResult {
    if options.store.is_some() || options.store_file.is_some() {
        return Ok(());
    }
    // The file of the nearest store can name it too.
    options.store =
        Some(resolved(&options.overrides())?.settings.legacy.store.ok_or_else(|| {
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
