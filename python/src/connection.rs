//! A store that is let go while nobody uses it, so that other processes can open it.
//!
//! A local store is open in one process at a time. A [`Connection`] opens it at the first call and
//! closes it once a while has passed without a call, an open cursor or a transaction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, mem};

use argon_core::model::{BranchName, ProjectName, Trailers};
use argon_core::{Branch, Error, Project, State, Store};
use argon_service::config::Config;
use argon_service::discover::Place;
use argon_service::{OpenStore, Result, StoreOpener, Workspace, backends};

use crate::runtime;
use crate::users::{StoreUsers, closed};

/// How often a store that was closed is looked at, at most: for two seconds.
const LOOKS_AT_LOCKS: u32 = 2000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// The way to a store.
pub(crate) struct Connection {
    pub(crate) place: Place,
    opener: StoreOpener,
    /// How long the store stays open without a call; `None` for always.
    idle: Option<Duration>,
    /// The process that made the connection.
    process: u32,
    slot: Mutex<Slot>,
    /// The cursors, transactions and watches.
    pub(crate) users: StoreUsers,
    /// Held by whoever opens or closes the store.
    gate: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Slot {
    opened: Option<Arc<Opened>>,
    /// The number of leases.
    leases: usize,
    /// The number of leases that there have been.
    calls: u64,
    closed: bool,
}

/// A store while it is open, with what was looked up in it.
pub(crate) struct Opened {
    pub(crate) store: Store,
    branches: Mutex<HashMap<(ProjectName, BranchName), Branch>>,
    /// By the number of their place.
    states: Mutex<HashMap<u64, State>>,
}

/// Somebody has a lease of the store.
struct InUse;

/// Keeps a store open.
pub(crate) struct Lease {
    connection: Arc<Connection>,
    /// `None` only while it is dropped.
    opened: Option<Arc<Opened>>,
}

impl Connection {
    pub(crate) fn new(place: Place, opener: StoreOpener, idle: Option<Duration>) -> Self {
        let process = std::process::id();
        let (slot, gate) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { place, opener, idle, process, slot, users: StoreUsers::new(), gate }
    }

    /// The connection as one of the process.
    ///
    /// # Errors
    /// See [`runtime::register`].
    pub(crate) fn registered(self) -> Result<Arc<Self>> {
        let connection = Arc::new(self);
        runtime::register(&connection)?;
        Ok(connection)
    }

    /// Opens the store, unless it is open, and keeps it open as long as the lease exists.
    ///
    /// # Errors
    /// `Invalid` after [`close`](Self::close), and in a child of the process that made the connection; those of opening
    /// the store.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        self.check_process()?;
        if let Some(lease) = self.lease_opened()? {
            return Ok(lease);
        }
        let _gate = self.gate.lock().await;
        if let Some(lease) = self.lease_opened()? {
            return Ok(lease);
        }
        let store = self.opener.open(&self.place.url).await?;
        self.put(store);
        match self.lease_opened()? {
            Some(lease) => Ok(lease),
            None => Err(Error::internal("a store that was opened is closed").into()),
        }
    }

    /// Creates the store, unless it exists.
    ///
    /// # Errors
    /// Those of creating it.
    pub(crate) async fn create(self: &Arc<Self>) -> Result<Lease> {
        use argon_core::ErrorKind::{AlreadyExists, NotFound};

        match self.lease().await {
            Err(argon_service::Failure::Error { error, .. }) if error.kind() == NotFound => {}
            lease => return lease,
        }
        match self.opener.create(&self.place.url).await {
            Ok(store) => self.put(store),
            // Somebody else was faster.
            Err(error) if error.kind() == AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        self.lease().await
    }

    /// Closes the store now if nobody uses it. Returns whether it is closed.
    pub(crate) async fn release(self: &Arc<Self>) -> bool {
        let _gate = self.gate.lock().await;
        let Ok(opened) = self.take_idle() else { return false };
        close(opened, self.directory()).await;
        true
    }

    /// Takes the store, if it is open.
    ///
    /// # Errors
    /// If somebody uses it.
    fn take_idle(&self) -> Result<Option<Arc<Opened>>, InUse> {
        let mut slot = self.slot();
        if slot.leases == 0 { Ok(slot.opened.take()) } else { Err(InUse) }
    }

    /// Whether nobody has used the store since it was asked before, and nobody uses it; `None` if it is closed.
    fn is_idle_since(&self, calls: &mut Option<u64>) -> Option<bool> {
        let slot = self.slot();
        slot.opened.as_ref()?;
        let before = calls.replace(slot.calls);
        Some(slot.leases == 0 && before == Some(slot.calls))
    }

    /// Closes the store for good: ends the cursors, transactions and watches. Calls that run in other threads end
    /// first.
    pub(crate) async fn close(self: &Arc<Self>) {
        self.slot().closed = true;
        self.users.end().await;
        self.release().await;
    }

    /// Whether the store is open.
    pub(crate) fn is_open(&self) -> bool {
        self.slot().opened.is_some()
    }

    /// Whether the store is closed for good.
    pub(crate) fn is_closed(&self) -> bool {
        self.slot().closed
    }

    /// Whether the store is never let go while the connection exists.
    pub(crate) fn is_held(&self) -> bool {
        self.idle.is_none()
    }

    /// Whether this process made the connection.
    pub(crate) fn check_process(&self) -> Result {
        if std::process::id() == self.process {
            return Ok(());
        }
        let error = format!(
            "this store was opened by process {}, of which this one was forked; a store can't be used \
             across a fork: open it again in this process",
            self.process
        );
        Err(Error::invalid(error).into())
    }

    fn lease_opened(self: &Arc<Self>) -> Result<Option<Lease>> {
        let mut slot = self.slot();
        if slot.closed {
            return Err(closed().into());
        }
        let Some(opened) = slot.opened.clone() else { return Ok(None) };
        slot.leases += 1;
        slot.calls += 1;
        Ok(Some(Lease { connection: self.clone(), opened: Some(opened) }))
    }

    fn put(self: &Arc<Self>, store: Store) {
        let (branches, states) = (Mutex::default(), Mutex::default());
        self.slot().opened = Some(Arc::new(Opened { store, branches, states }));
        if let Some(idle) = self.idle {
            let connection = Arc::downgrade(self);
            tokio::spawn(async move {
                let mut calls = None;
                loop {
                    tokio::time::sleep(idle).await;
                    let Some(connection) = connection.upgrade() else { return };
                    let Some(is_idle) = connection.is_idle_since(&mut calls) else { return };
                    if is_idle && connection.release().await {
                        return;
                    }
                }
            });
        }
    }

    /// The directory of the store, if it is on this machine.
    pub(crate) fn directory(&self) -> Option<PathBuf> {
        backends::directory_of(&self.place.url).map(PathBuf::from)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes a store as after a command: what runs in the background ends first.
async fn close(opened: Option<Arc<Opened>>, directory: Option<PathBuf>) {
    let Some(opened) = opened else { return };
    opened.store.settle().await;
    // Closing an engine writes and syncs.
    let closing = tokio::task::spawn_blocking(move || {
        drop(opened);
        if let Some(directory) = directory.and_then(|path| fs::canonicalize(path).ok()) {
            wait_for_locks(&directory);
        }
    });
    let _ = closing.await;
}

/// Waits until an engine, which closes on a thread of its own, has closed its locks: a child of a fork would
/// keep them.
fn wait_for_locks(directory: &Path) {
    for _ in 0..LOOKS_AT_LOCKS {
        if !has_locks(directory) {
            return;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Whether this process has a lock of a directory open; false where the system does not tell.
fn has_locks(directory: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else { return false };
    let mut files = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    files.any(|file| {
        file.starts_with(directory) && file.file_name().is_some_and(|name| name == "lock")
    })
}

impl Drop for Connection {
    fn drop(&mut self) {
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        let opened = slot.opened.take();
        if std::process::id() != self.process {
            // The threads that would close it are in the parent, as is the store.
            mem::forget(opened);
            return;
        }
        // Its own tasks end in the runtime.
        let _entered = runtime::current().map(tokio::runtime::Runtime::enter);
        drop(opened);
    }
}

impl Lease {
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(crate) fn store(&self) -> &Store {
        &self.opened().store
    }

    /// A branch, which is looked up once while the store is open.
    ///
    /// # Errors
    /// `NotFound` if the project or the branch does not exist.
    pub(crate) async fn branch(&self, project: &ProjectName, name: &BranchName) -> Result<Branch> {
        let key = (project.clone(), name.clone());
        let known = locked(&self.opened().branches).get(&key).cloned();
        match known {
            Some(branch) => Ok(branch),
            None => self.look_up_branch(project, name).await,
        }
    }

    /// A branch as it is now, even if one of this name was looked up before.
    ///
    /// # Errors
    /// See [`branch`](Self::branch).
    pub(crate) async fn look_up_branch(
        &self,
        project: &ProjectName,
        name: &BranchName,
    ) -> Result<Branch> {
        let branch = self.workspace(project, name, &Trailers::default()).await?.branch().await?;
        let key = (project.clone(), name.clone());
        locked(&self.opened().branches).insert(key, branch.clone());
        Ok(branch)
    }

    /// A branch whose commits have these trailers.
    ///
    /// # Errors
    /// See [`branch`](Self::branch).
    pub(crate) async fn branch_with_trailers(
        &self,
        project: &ProjectName,
        name: &BranchName,
        trailers: &Trailers,
    ) -> Result<Branch> {
        if trailers.is_empty() {
            return self.branch(project, name).await;
        }
        self.workspace(project, name, trailers).await?.branch().await
    }

    /// The state of a place, if it was looked up since the store was opened.
    pub(crate) fn known_state(&self, place: u64) -> Option<State> {
        locked(&self.opened().states).get(&place).cloned()
    }

    /// Keeps the state of a place.
    pub(crate) fn keep_state(&self, place: u64, state: &State) {
        locked(&self.opened().states).insert(place, state.clone());
    }

    /// A project.
    ///
    /// # Errors
    /// `NotFound` if it does not exist.
    pub(crate) async fn project(&self, name: &ProjectName) -> Result<Project> {
        self.open_store().project(Some(name)).await
    }

    /// What the operations of the service work on; their commits have these trailers.
    ///
    /// # Errors
    /// `NotFound` if the project does not exist.
    pub(crate) async fn workspace(
        &self,
        project: &ProjectName,
        branch: &BranchName,
        trailers: &Trailers,
    ) -> Result<Workspace> {
        let mut opened = self.open_store();
        opened.store = opened.store.with_trailers(trailers.clone());
        let project = opened.project(Some(project)).await?;
        Ok(Workspace { opened, project, branch: branch.clone() })
    }

    /// The store without anything current: Python names the project and the branch.
    pub(crate) fn open_store(&self) -> OpenStore {
        OpenStore {
            store: self.store().clone(),
            place: self.connection.place.clone(),
            config: Config::default(),
            config_file: None,
        }
    }

    #[expect(clippy::expect_used, reason = "only its own drop takes it")]
    fn opened(&self) -> &Opened {
        self.opened.as_ref().expect("a lease has its store until it is dropped")
    }
}

/// Forgets the state of a place that nobody has any more.
pub(crate) fn forget_state(connection: &Connection, place: u64) {
    if std::process::id() == connection.process
        && let Some(opened) = &connection.slot().opened
    {
        locked(&opened.states).remove(&place);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let opened = self.opened.take();
        if std::process::id() != self.connection.process {
            mem::forget(opened);
            return;
        }
        drop(opened);
        let mut slot = self.connection.slot();
        slot.leases -= 1;
        if slot.closed && slot.leases == 0 {
            // Nobody comes back to a store that is closed for good.
            drop(slot);
            let connection = self.connection.clone();
            if let Ok(runtime) = runtime::current() {
                runtime.spawn(async move { connection.release().await });
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
