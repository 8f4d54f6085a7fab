use argon_core::storage::Backlog;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backends::LegacyStore;
use crate::json::Time;
use crate::{Interrupt, Result};

/// Show the workers of this process and the work of all.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ShowWorkers {}

/// Set the number of workers of every process. Running ones follow within a second.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ScaleWorkers {
    /// The number, 1 to 20.
    pub workers: u32,
}

/// Work the queue until it is interrupted.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct RunWorkers {
    /// The number of workers of this process, 1 to 20; default: the number that was set for every process, or 5.
    #[serde(default)]
    pub workers: Option<u32>,
    /// Whether to end when the queue is empty.
    #[serde(default)]
    pub until_empty: bool,
}

/// Workers and their work.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WorkersState {
    /// The number of workers of this process.
    pub workers: u32,
    /// The number of them that have a job.
    pub busy: u32,
    /// The number of jobs that wait.
    pub waiting: u64,
    /// The number of jobs that run, in any process.
    pub running: u64,
    /// The number of jobs that were given up.
    pub dead: u64,
    /// The creation of the oldest job that waits or runs.
    pub oldest: Option<Time>,
}

/// The new number of workers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ScaledWorkers {
    /// The number of workers of every process.
    pub workers: u32,
}

impl From<Backlog> for WorkersState {
    fn from(backlog: Backlog) -> Self {
        let Backlog { waiting, running, dead, oldest, workers, busy } = backlog;
        Self { workers, busy, waiting, running, dead, oldest: oldest.map(Time) }
    }
}

/// Returns the workers of this process and the work of all.
pub async fn workers(store: &LegacyStore, _: ShowWorkers) -> Result<WorkersState> {
    let (workers, busy) = store.pool().load();
    Ok(Backlog { workers, busy, ..store.queue().backlog().await? }.into())
}

/// Sets the number of workers of every process.
///
/// # Errors
/// `Invalid` unless it is 1 to 20.
pub async fn scale(store: &LegacyStore, request: ScaleWorkers) -> Result<ScaledWorkers> {
    store.pool().scale_all(request.workers).await?;
    Ok(ScaledWorkers { workers: request.workers })
}

/// Works the queue until `interrupt` resolves or, if the request says so, the queue is empty. Returns the work that
/// remains.
///
/// # Errors
/// `Invalid` unless the number of workers is 1 to 20.
pub async fn run(
    store: &LegacyStore,
    request: RunWorkers,
    interrupt: Interrupt,
) -> Result<WorkersState> {
    if let Some(workers) = request.workers {
        store.pool().scale(workers)?;
    }
    let emptied = async {
        if request.until_empty {
            return store.pool().flush().await;
        }
        std::future::pending().await
    };
    tokio::select! {
        emptied = emptied => emptied?,
        () = interrupt => {}
    }
    Ok(store.queue().backlog().await?.into())
}
