//! An open store.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::Notify;

use crate::engine::active_states::ActiveStates;
use crate::engine::capped::InsertionOrders;
use crate::engine::catalog::Catalogs;
use crate::engine::replay::LogMaterializer;
use crate::engine::snapshot::{Automatic, SnapshotContext};
use crate::engine::write::committer::{CommitterContext, Committers};
use crate::log::timelines::Timelines;
use crate::model::environment::Environment;
use crate::model::{Actor, BranchName, ProjectName, TimelineId, Trailers};
use crate::storage::timed::{TimedMaterialize, TimedRefs};
use crate::storage::{
    Backend, Backlog, Capabilities, CasResult, Compression, Materialize, OpenOptions, Registry,
    ServerFacts, SnapshotPolicy, StoreInfo, StoreUrl, Traffic,
};
use crate::store::records::{self, BranchRecord, ProjectRecord};
use crate::store::{Project, ProjectInfo, garbage};
use crate::{DetailKey, Error, ErrorKind, Result};

/// An open store. Cheap to clone; the store is closed when the last handle to it or to any of its
/// parts is dropped.
///
/// ```
/// # use argon_core::model::ProjectName;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let store = argon_backends::memory_store().await?;
/// let shop = store.create_project(&ProjectName::new("shop")?).await?;
/// assert_eq!(store.projects().await?.len(), 1);
/// assert_eq!(shop.branches().await?[0].name.as_str(), "main");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) shared: Arc<Session>,
}

/// The shared state of the handles of one session: a store and an actor.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    /// Signs commits, movements of refs, pins and plans.
    pub(crate) actor: Actor,
    /// The trailers of every commit of the session.
    pub(crate) trailers: Trailers,
}

impl Deref for Session {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// The shared state of all handles of a store.
pub(crate) struct Shared {
    pub(crate) backend: Backend,
    pub(crate) materialize: Arc<dyn Materialize>,
    /// The same as `materialize`, if that reads log and snapshots.
    pub(crate) replay: Option<Arc<LogMaterializer>>,
    pub(crate) environment: Environment,
    pub(crate) timelines: Arc<Timelines>,
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) orders: Arc<InsertionOrders>,
    pub(crate) committers: Committers,
    pub(crate) automatic: Arc<Automatic>,
    /// Notified after the appends and the seals of this process, and of others that write through it.
    pub(crate) appends: Arc<Notify>,
    /// The number of retried requests that metrics already include.
    pub(crate) retries: AtomicU64,
    /// Held while a branch is moved off a timeline, from the seal to the ref. So a writer that
    /// finds the seal waits for the move; otherwise it would continue in a fork and undo the move.
    pub(crate) moving: tokio::sync::Mutex<()>,
    /// The states that this process has open.
    pub(crate) open: Arc<ActiveStates>,
    /// Held while an index is built: one at a time, so that every other build that is not complete
    /// was interrupted.
    pub(crate) building: tokio::sync::Mutex<()>,
    /// Held during a garbage collection: one at a time.
    pub(crate) collecting: tokio::sync::Mutex<()>,
    /// Held for reading while a snapshot is made, for writing during a garbage collection.
    pub(crate) snapshots: Arc<tokio::sync::RwLock<()>>,
}

impl Shared {
    /// Asks the servers of the store for the time before an irreversible decision, if the clock is
    /// the machine's: the machine's clock may have been set while the process runs.
    pub(crate) async fn look_at_clocks(&self) -> Result<()> {
        if let (true, Some(network)) = (self.environment.heeds_servers(), &self.backend.network) {
            network.servers().await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Store {
    /// The initial branch of a new project.
    pub const FIRST_BRANCH: &'static str = "main";

    /// Creates a store at `url`, and opens it. `actor` signs all writes through it unless a write
    /// has its own actor.
    ///
    /// # Errors
    /// The errors of [`Factory::create`](crate::storage::Factory::create).
    #[tracing::instrument(level = "info", skip_all, name = "create_store", fields(store = %url))]
    pub async fn create(
        registry: &Registry,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: Environment,
        actor: Actor,
    ) -> Result<Self> {
        let backend = registry.factory(url)?.create(url, options, &environment).await?;
        Ok(Self::new(backend, environment, actor))
    }

    /// Opens the store at `url`. `actor` signs all writes through it unless a write has its own
    /// actor.
    ///
    /// # Errors
    /// The errors of [`Factory::open`](crate::storage::Factory::open).
    #[tracing::instrument(level = "info", skip_all, name = "open_store", fields(store = %url))]
    pub async fn open(
        registry: &Registry,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: Environment,
        actor: Actor,
    ) -> Result<Self> {
        let backend = registry.factory(url)?.open(url, options, &environment).await?;
        Ok(Self::new(backend, environment, actor))
    }

    /// Creates a store from an open backend.
    pub fn new(backend: Backend, environment: Environment, actor: Actor) -> Self {
        let refs = TimedRefs { inner: backend.refs, environment: environment.clone() };
        let backend = Backend { refs: Arc::new(refs), ..backend };
        let Backend { wal, snapshots, .. } = &backend;
        let (materialize, replay): (Arc<dyn Materialize>, _) = match &backend.materialize {
            Some(native) => (native.clone(), None),
            None => {
                let replay = Arc::new(LogMaterializer::new(wal.clone(), snapshots.clone()));
                (replay.clone(), Some(replay))
            }
        };
        let inner = materialize;
        let timed = TimedMaterialize { inner, environment: environment.clone() };
        let materialize: Arc<dyn Materialize> = Arc::new(timed);
        let timelines = Arc::new(Timelines::new(wal.clone()));
        let (catalogs, orders) = (Arc::new(Catalogs::default()), Arc::<InsertionOrders>::default());
        let (open, making) = (Arc::<ActiveStates>::default(), Arc::default());
        let automatic = Arc::new(Automatic::new(SnapshotContext {
            open: Arc::clone(&open),
            snapshots: Arc::clone(&making),
            backend: backend.clone(),
            materialize: materialize.clone(),
            replay: replay.clone(),
            timelines: timelines.clone(),
            environment: environment.clone(),
        }));
        let appends = match &backend.sharing {
            Some(sharing) => {
                let open = open.clone();
                sharing.set_open_states(move || open.points());
                sharing.writes.clone()
            }
            None => Arc::default(),
        };
        let committers = Committers::new(CommitterContext {
            backend: backend.clone(),
            materialize: materialize.clone(),
            replay: replay.clone(),
            timelines: timelines.clone(),
            environment: environment.clone(),
            catalogs: catalogs.clone(),
            orders: orders.clone(),
            automatic: automatic.clone(),
            appends: appends.clone(),
        });
        let shared = Shared {
            backend,
            materialize,
            replay,
            environment,
            timelines,
            catalogs,
            orders,
            committers,
            automatic,
            appends,
            retries: AtomicU64::new(0),
            moving: tokio::sync::Mutex::default(),
            open,
            building: tokio::sync::Mutex::default(),
            collecting: tokio::sync::Mutex::default(),
            snapshots: making,
        };
        Self::of(Session { shared: Arc::new(shared), actor, trailers: Trailers::default() })
    }

    fn of(session: Session) -> Self {
        Self { shared: Arc::new(session) }
    }

    /// The same store for another actor, who signs all writes through the returned handle and its
    /// descendants: commits, movements of branches, pins and plans. Costs nothing; a process that
    /// serves many users has one store and a session for each.
    pub fn session(&self, actor: Actor) -> Self {
        let Session { shared, trailers, .. } = &*self.shared;
        Self::of(Session { shared: shared.clone(), actor, trailers: trailers.clone() })
    }

    /// The same store for a session whose commits have these trailers, unless a
    /// [request](crate::write::WriteRequest::set_trailers) sets others.
    pub fn with_trailers(&self, trailers: Trailers) -> Self {
        let Session { shared, actor, .. } = &*self.shared;
        Self::of(Session { shared: shared.clone(), actor: actor.clone(), trailers })
    }

    /// The actor who signs writes through this handle.
    pub fn actor(&self) -> &Actor {
        &self.shared.actor
    }

    /// Waits for background work: the snapshots that the backend's
    /// [policy](crate::storage::SnapshotPolicy) requested after the commits so far. A program calls
    /// it before it exits. Dropping the store without it only interrupts that work, and the next
    /// process that commits resumes it.
    pub async fn settle(&self) {
        self.shared.automatic.settle().await;
        if let Some(deferred) = &self.shared.backend.deferred {
            deferred.quiesce().await;
        }
    }

    /// The clock, the source of identifiers and the counters of this process.
    pub fn environment(&self) -> &Environment {
        &self.shared.environment
    }

    /// Properties of the store.
    pub fn info(&self) -> StoreInfo {
        self.shared.backend.maintenance.info()
    }

    /// Whether the store is on a network, so that its time is that of its servers.
    pub fn is_remote(&self) -> bool {
        self.shared.backend.network.is_some()
    }

    /// The capabilities of the backend.
    pub fn capabilities(&self) -> Capabilities {
        self.shared.backend.capabilities
    }

    /// The policy for automatic snapshots.
    pub fn snapshot_policy(&self) -> SnapshotPolicy {
        self.shared.backend.snapshot_policy
    }

    /// The size of the store on disk, or in memory, in bytes.
    pub async fn stored_bytes(&self) -> Result<u64> {
        self.shared.backend.maintenance.stored_bytes().await
    }

    /// Frees dead space as far as the engine can. Reads and writes may continue concurrently.
    #[tracing::instrument(level = "info", skip_all)]
    pub async fn compact(&self) -> Result<()> {
        self.shared.backend.maintenance.compact().await?;
        garbage::forget(&*self.shared.backend.refs).await
    }

    /// Asks the servers that the store is on for their clocks and certificates; none for a store on
    /// this machine.
    ///
    /// # Errors
    /// The errors of [`Network::servers`](crate::storage::Network::servers).
    pub async fn servers(&self) -> Result<Vec<ServerFacts>> {
        match &self.shared.backend.network {
            Some(network) => network.servers().await,
            None => Ok(Vec::new()),
        }
    }

    /// The traffic since the store was opened; `None` for a store on this machine.
    pub fn traffic(&self) -> Option<Traffic> {
        self.shared.backend.network.as_ref().map(|network| network.traffic())
    }

    /// The queue of the backend's deferred work; `None` if it defers none.
    pub async fn backlog(&self) -> Result<Option<Backlog>> {
        match &self.shared.backend.deferred {
            Some(deferred) => deferred.backlog().await.map(Some),
            None => Ok(None),
        }
    }

    /// The objects into which deferred work packs the commits of a timeline; `None` if the backend
    /// defers no work.
    pub async fn compression(&self, timeline: TimelineId) -> Result<Option<Compression>> {
        match &self.shared.backend.deferred {
            Some(deferred) => deferred.compression(timeline).await.map(Some),
            None => Ok(None),
        }
    }

    /// Does the work that the backend deferred for earlier writes; see
    /// [`DeferredWork::flush`](crate::storage::DeferredWork::flush).
    #[tracing::instrument(level = "info", skip_all)]
    pub async fn flush(&self) -> Result<()> {
        match &self.shared.backend.deferred {
            Some(deferred) => deferred.flush().await,
            None => Ok(()),
        }
    }

    /// The projects, by name.
    pub async fn projects(&self) -> Result<Vec<ProjectInfo>> {
        let refs = self.shared.backend.refs.list(records::PROJECTS).await?;
        refs.into_iter()
            .map(|(name, stored)| {
                let record: ProjectRecord = records::decode(&name, stored)?.record;
                let short = name.strip_prefix(records::PROJECTS).unwrap_or(&name);
                Ok(ProjectInfo { name: ProjectName::new(short)?, created: record.created })
            })
            .collect()
    }

    /// Creates a project with one empty branch, [`Store::FIRST_BRANCH`].
    ///
    /// # Errors
    /// `AlreadyExists` if a project has the name; `Invalid` if no project can have it.
    pub async fn create_project(
        &self,
        name: impl TryInto<ProjectName, Error: Into<Error>>,
    ) -> Result<Project> {
        self.create_named(&name.try_into().map_err(Into::<Error>::into)?).await
    }

    #[tracing::instrument(level = "info", skip_all, name = "create_project", fields(project = %name))]
    async fn create_named(&self, name: &ProjectName) -> Result<Project> {
        let Shared { backend, environment, .. } = &**self.shared;
        let record = ProjectRecord { id: environment.project_id(), created: environment.now() };
        let project = Project::new(self.shared.clone(), name.clone(), record.id);
        let main = BranchRecord {
            timeline: environment.timeline_id(),
            base: None,
            parent: None,
            forked_at: 0,
            created: record.created,
            protected: false,
            read_only: false,
            lease: None,
            mask: None,
            renaming: None,
            moves: vec![project.movement(None, None, "created with the project")],
        };
        // The branch first, so that a project is never visible without it. An interruption leaves a
        // record under an id that nothing names.
        let branch = records::branch_ref(record.id, &BranchName::new(Self::FIRST_BRANCH)?);
        backend.refs.compare_and_set(&branch, None, Some(records::encode(&main)?)).await?;
        let value = records::encode(&record)?;
        match backend.refs.compare_and_set(&records::project_ref(name), None, Some(value)).await? {
            CasResult::Done(_) => Ok(project),
            CasResult::Moved(_) => {
                Err(Error::already_exists(format!("project '{name}' already exists"))
                    .with_detail(DetailKey::Project, name.as_str()))
            }
        }
    }

    /// Opens a project.
    ///
    /// # Errors
    /// `NotFound`, with a list of the known projects; `Invalid` if no project can have the name.
    pub async fn project(
        &self,
        name: impl TryInto<ProjectName, Error: Into<Error>>,
    ) -> Result<Project> {
        let name = name.try_into().map_err(Into::<Error>::into)?;
        match self.find_project(&name).await? {
            Some(project) => Ok(project),
            None => Err(self.no_project(&name).await?),
        }
    }

    /// Opens a project, or creates it if it does not exist.
    ///
    /// # Errors
    /// `Invalid` if no project can have the name; the errors of the store.
    pub async fn project_or_create(
        &self,
        name: impl TryInto<ProjectName, Error: Into<Error>>,
    ) -> Result<Project> {
        let name = name.try_into().map_err(Into::<Error>::into)?;
        if let Some(project) = self.find_project(&name).await? {
            return Ok(project);
        }
        match self.create_named(&name).await {
            // Another writer was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.project(&name).await,
            created => created,
        }
    }

    async fn find_project(&self, name: &ProjectName) -> Result<Option<Project>> {
        let reference = records::project_ref(name);
        let Some(stored) = self.shared.backend.refs.get(&reference).await? else { return Ok(None) };
        let record: ProjectRecord = records::decode(&reference, stored)?.record;
        Ok(Some(Project::new(self.shared.clone(), name.clone(), record.id)))
    }

    pub(super) async fn no_project(&self, name: &ProjectName) -> Result<Error> {
        let known: Vec<String> =
            self.projects().await?.into_iter().map(|project| project.name.to_string()).collect();
        Ok(Error::not_found(match known.as_slice() {
            [] => format!("unknown project '{name}': the store has no projects"),
            known => format!("unknown project '{name}'; known projects: {}", known.join(", ")),
        })
        .with_detail(DetailKey::Project, name.as_str()))
    }
}
