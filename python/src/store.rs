//! The class of stores.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon_core::model::{Actor, BranchName, ProjectName, Trailer, Trailers};
use argon_core::storage::{CacheOptions, OpenOptions, Secret};
use argon_core::{Error, Revision};
use argon_service::discover::{self, Place};
use argon_service::operations::{Operation, Request, Target};
use argon_service::settings::{self, Overrides, Settings};
use argon_service::{Failure, Result, StoreOpener, backends, config, credentials, first_branch};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::connection::Connection;
use crate::documents::Documents;
use crate::place::PlaceOfDocuments;
use crate::runtime::{wait, wait_here};
use crate::watch::Watch;

/// A store.
#[pyclass(frozen, module = "argondb._argondb")]
pub(crate) struct Store {
    connection: Arc<Connection>,
}

#[pymethods]
impl Store {
    /// Opens a store: by its URL, by a name of the settings, or by its directory. `idle` is how long it stays open
    /// without a call, in seconds; `None` for always.
    #[new]
    #[pyo3(signature = (url, *, create, actor, idle, lock_timeout, password))]
    fn new(
        py: Python<'_>,
        url: &str,
        create: bool,
        actor: Option<String>,
        idle: Option<f64>,
        lock_timeout: Option<f64>,
        password: Option<String>,
    ) -> PyResult<Self> {
        let url = url.to_owned();
        let connection = wait(py, async move {
            let how = HowToOpen { url, actor, idle, lock_timeout, password };
            let connection = how.connection()?.registered()?;
            if create {
                connection.create().await?
            } else {
                connection.lease().await?
            };
            Ok(connection)
        })?;
        Ok(Self { connection })
    }

    /// The URL, without a password.
    #[getter]
    fn url(&self) -> String {
        let url = &self.connection.place.url;
        url.without_secrets().unwrap_or_else(|| url.clone()).to_string()
    }

    /// Whether the store is open at the moment.
    #[getter]
    fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// Lets the store go until the next call, unless a cursor, a transaction or another call uses it. Returns
    /// whether it is let go.
    fn release(&self, py: Python<'_>) -> PyResult<bool> {
        let connection = self.connection.clone();
        wait(py, async move {
            connection.check_process()?;
            Ok(connection.release().await)
        })
    }

    /// Closes the store for good.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let connection = self.connection.clone();
        wait(py, async move {
            connection.check_process()?;
            connection.close().await;
            Ok(())
        })
    }

    /// Runs an operation of the service: a request as BSON, and the result as BSON. `trailers` such as `ticket=412`
    /// are those of what it commits, here and below.
    #[pyo3(signature = (operation, request, project=None, branch=None, trailers=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        request: Vec<u8>,
        project: Option<&str>,
        branch: Option<&str>,
        trailers: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let named = |project: Option<&str>, branch: Option<&str>| -> Result<_> {
            let project = project.map(ProjectName::new).transpose()?;
            let branch = branch.map_or_else(|| Ok(first_branch()), BranchName::new)?;
            Ok((project, branch, parsed_trailers(trailers)?))
        };
        let (project, branch, trailers) =
            named(project, branch).map_err(|failure| crate::errors::exception(py, &failure))?;
        let (name, request) = (operation.to_owned(), Request::Bson(request));
        let connection = self.connection.clone();
        let result = wait(py, async move {
            let lease = connection.lease().await?;
            let mut opened = lease.open_store();
            opened.store = opened.store.with_trailers(trailers);
            let target = Target { is_local: true, ..Target::new(opened, project, branch) };
            Operation::named(&name)?.run_to_bson(&target, &request).await
        })?;
        Ok(PyBytes::new(py, &result))
    }

    /// The documents of the head of a branch, which must exist.
    #[pyo3(signature = (project, branch, trailers=None))]
    fn branch(
        &self,
        py: Python<'_>,
        project: &str,
        branch: &str,
        trailers: Option<Vec<String>>,
    ) -> PyResult<Documents> {
        let connection = self.connection.clone();
        let names = names(project, branch);
        wait_here(py, async move {
            let ((project, branch), trailers) = (names?, parsed_trailers(trailers)?);
            connection.lease().await?.look_up_branch(&project, &branch).await?;
            let place = PlaceOfDocuments::head(connection, project, branch, trailers);
            Ok(Documents::of(place))
        })
    }

    /// The documents of the state that a revision names now.
    fn state(
        &self,
        py: Python<'_>,
        project: &str,
        branch: &str,
        revision: &str,
    ) -> PyResult<Documents> {
        let connection = self.connection.clone();
        let names = names(project, branch);
        let revision = revision.parse::<Revision>();
        wait_here(py, async move {
            let ((project, branch), revision) = (names?, revision?);
            let place = PlaceOfDocuments::state(connection, project, branch, revision).await?;
            Ok(Documents::of(place))
        })
    }

    /// Begins a transaction on a branch.
    #[pyo3(signature = (project, branch, trailers=None))]
    fn begin(
        &self,
        py: Python<'_>,
        project: &str,
        branch: &str,
        trailers: Option<Vec<String>>,
    ) -> PyResult<Documents> {
        let connection = self.connection.clone();
        let names = names(project, branch);
        wait_here(py, async move {
            let ((project, branch), trailers) = (names?, parsed_trailers(trailers)?);
            let place = PlaceOfDocuments::transaction(connection, project, branch, trailers);
            Ok(Documents::of(place.await?))
        })
    }

    /// Follows a branch from its head, from an LSN, or from the token of a commit.
    #[pyo3(signature = (project, branch, from_lsn=None, token=None))]
    fn watch(
        &self,
        py: Python<'_>,
        project: &str,
        branch: &str,
        from_lsn: Option<u64>,
        token: Option<&str>,
    ) -> PyResult<Watch> {
        let connection = self.connection.clone();
        let names = names(project, branch);
        let token = token.map(str::to_owned);
        wait(py, async move {
            let (project, branch) = names?;
            Watch::begin(connection.lease().await?, &project, &branch, from_lsn, token).await
        })
    }
}

fn names(project: &str, branch: &str) -> Result<(ProjectName, BranchName)> {
    Ok((ProjectName::new(project)?, BranchName::new(branch)?))
}

/// Trailers, each as `KEY=VALUE`.
fn parsed_trailers(trailers: Option<Vec<String>>) -> Result<Trailers> {
    let parsed = trailers.unwrap_or_default().into_iter().map(|text| text.parse::<Trailer>());
    let mut all = Trailers::default();
    for trailer in parsed {
        all = all.with(trailer?)?;
    }
    Ok(all)
}

/// What Python says about a store.
struct HowToOpen {
    url: String,
    actor: Option<String>,
    idle: Option<f64>,
    lock_timeout: Option<f64>,
    password: Option<String>,
}

impl HowToOpen {
    fn connection(self) -> Result<Connection> {
        let settings = settings::resolve(&Overrides::default(), None)?.settings;
        let place = discover::named(&self.url, &settings)?;
        check_engine(&place)?;
        let opener = self.opener(&settings)?;
        let idle = if may_be_released(&place) { seconds(self.idle)? } else { None };
        Ok(Connection::new(place, opener, idle))
    }

    fn opener(&self, settings: &Settings) -> Result<StoreOpener> {
        let password = match &self.password {
            Some(password) => Some(Secret::new(password.clone())),
            None => credentials::password()?.map(|password| password.secret),
        };
        let directory = settings.cache.dir.clone().or_else(config::user_cache);
        let most_bytes = settings.cache.size;
        let cache = directory.map(|directory| CacheOptions { directory, most_bytes });
        let options = OpenOptions {
            lock_timeout: seconds(self.lock_timeout)?.unwrap_or(settings.lock_timeout),
            password,
            cache: cache.filter(|_| most_bytes > 0),
            share: false,
            join: false,
        };
        let actor = match &self.actor {
            Some(actor) => Actor::new(actor.as_str())?,
            None => settings.actor.clone().map_or_else(user_of_machine, Ok)?,
        };
        Ok(StoreOpener { options, environment: backends::environment(), actor })
    }
}

/// Refuses an engine that hangs in this process: sled has threads of the whole process, of which a child of
/// a fork has none.
fn check_engine(place: &Place) -> Result {
    static FIRST_PROCESS: OnceLock<u32> = OnceLock::new();
    // The queue of a store of the legacy system is a sled store.
    let is_sled = matches!(place.url.scheme(), "sled" | "legacy+file" | "legacy+s3");
    let process = std::process::id();
    if !is_sled || *FIRST_PROCESS.get_or_init(|| process) == process {
        return Ok(());
    }
    Err(Error::unsupported(
        "a sled store can't be opened in a process that was forked from one that had a sled store \
         open: start processes by spawn, as in multiprocessing.set_start_method(\"spawn\"), or use a \
         fjall store",
    )
    .into())
}

/// Whether another process could use the store meanwhile, and nothing is lost when it is closed.
fn may_be_released(place: &Place) -> bool {
    backends::directory_of(&place.url).is_some() && !place.is_remote()
}

fn seconds(seconds: Option<f64>) -> Result<Option<Duration>> {
    let duration = seconds.map(Duration::try_from_secs_f64).transpose();
    duration.map_err(|source| {
        Failure::from(Error::invalid("a time in seconds must not be negative").with_source(source))
    })
}

fn user_of_machine() -> argon_core::Result<Actor> {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let mut named = named.filter(|name| !name.is_empty());
    Actor::new(named.next().unwrap_or_else(|| "unknown".to_owned()))
}
