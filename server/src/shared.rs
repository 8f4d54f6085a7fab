//! What the connections of a server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon_core::model::ProjectName;
use argon_core::{Result, Store};
use bson::oid::ObjectId;
use tokio::sync::{OnceCell, Semaphore, watch};
use tokio::time::Instant;

use crate::audit::Audit;
use crate::auth::{Throttle, Users};
use crate::clock::ClusterClock;
use crate::cursors::Cursors;
use crate::operation_counts::OperationCounts;
use crate::operations::Operations;
use crate::options::ServeOptions;
use crate::place::Places;
use crate::sessions::Sessions;
use crate::snapshots::Snapshots;
use crate::turns::Turns;
use crate::written::Written;

/// The most commands that compute at one time; others wait. Each may take a thread.
const COMPUTING: usize = 128;

/// A server.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) options: ServeOptions,
    pub(crate) places: Places,
    pub(crate) cursors: Cursors,
    pub(crate) sessions: Sessions,
    pub(crate) users: Users,
    pub(crate) throttle: Throttle,
    pub(crate) clock: ClusterClock,
    pub(crate) snapshots: Snapshots,
    pub(crate) written: Written,
    pub(crate) turns: Turns,
    pub(crate) operations: Operations,
    /// Lets commands compute.
    pub(crate) computing: Semaphore,
    pub(crate) counters: Counters,
    pub(crate) operation_counts: OperationCounts,
    /// Records what clients do.
    pub(crate) audit: Option<Audit>,
    sealed: OnceCell<Option<ProjectName>>,
    /// Identifies this run of the server.
    pub(crate) process: ObjectId,
    pub(crate) started: Instant,
    stopping: watch::Sender<bool>,
}

/// What a server counts.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) connected: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
}

/// Waits for the end of a server.
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Shared {
    pub(crate) fn new(store: Store, options: ServeOptions) -> Self {
        let process = store.environment().object_id();
        Self {
            places: Places::new(store.clone(), &options),
            users: Users::new(store.clone()),
            audit: options.audit.clone().map(Audit::new),
            sealed: OnceCell::new(),
            store,
            options,
            cursors: Cursors::default(),
            sessions: Sessions::default(),
            throttle: Throttle::default(),
            turns: Turns::new(),
            operations: Operations::default(),
            computing: Semaphore::new(COMPUTING),
            clock: ClusterClock::new(),
            snapshots: Snapshots::default(),
            written: Written::default(),
            counters: Counters::default(),
            operation_counts: OperationCounts::default(),
            process,
            started: Instant::now(),
            stopping: watch::Sender::new(false),
        }
    }

    /// The project of the audit, also if another server records in it: no client writes to it.
    pub(crate) async fn sealed(&self) -> Result<Option<&ProjectName>> {
        let sealed = self.sealed.get_or_try_init(async || {
            if let Some(audit) = &self.audit {
                self.store.set_audit_project(&audit.project).await?;
            }
            self.store.audit_project().await
        });
        Ok(sealed.await?.as_ref())
    }

    /// Ends the server: no connection reads a further request.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the server was stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    pub(crate) fn stopping(&self) -> Stopping {
        Stopping(self.stopping.subscribe())
    }
}

/// A connection that counts as open as long as this exists.
pub(crate) struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counters {
    /// Counts a connection.
    pub(crate) fn open(&self) -> Open {
        self.connected.fetch_add(1, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        Open(self.connections.clone())
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn replied(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Stopping {
    /// Waits until the server ends.
    pub(crate) async fn wait(&mut self) {
        // An error is the end of the server too.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
