//! An opened store: its parts, and the handle to them.

use std::sync::Arc;

use argon_core::Environment;
use argon_core::storage::{Backend, Capabilities, Objects, StoreInfo};

use crate::batches::Appender;
use crate::delta_writer::DeltaWriter;
use crate::index::Index;
use crate::jobs::{Queue, WorkSignal};
use crate::notification::{Deliver, Notifier};
use crate::prune::Pruner;
use crate::reading::LogReader;
use crate::runner::JobRunner;
use crate::settings::Settings;
use crate::timelines::Timelines;
use crate::workers::Pool;

/// An opened store without its workers: the log, the refs, the snapshots and the network of its
/// backend.
pub(crate) struct LegacyEngine {
    pub(crate) objects: Arc<dyn Objects>,
    /// The store with the queue, the refs, and the commits that no delta has yet.
    pub(crate) queue: Backend,
    /// Whether other processes may have the queue open at the same time.
    pub(crate) shared: bool,
    pub(crate) settings: Settings,
    pub(crate) environment: Environment,
    pub(crate) info: StoreInfo,
    pub(crate) timelines: Arc<Timelines>,
    pub(crate) index: Arc<Index>,
    pub(crate) reader: LogReader,
    pub(crate) appender: Arc<Appender>,
    pub(crate) jobs: Queue,
    pub(crate) signal: Arc<WorkSignal>,
    pub(crate) writer: Arc<DeltaWriter>,
    pub(crate) pruner: Arc<Pruner>,
    pub(crate) runner: JobRunner,
}

impl LegacyEngine {
    pub(crate) fn new(
        objects: Arc<dyn Objects>,
        queue: Backend,
        settings: Settings,
        environment: Environment,
        info: StoreInfo,
        deliver: Option<Arc<dyn Deliver>>,
    ) -> Self {
        let timelines = Arc::new(Timelines::new(&queue, &environment));
        let index = Arc::new(Index::new(queue.refs.clone()));
        let reader = LogReader {
            timelines: Arc::clone(&timelines),
            index: Arc::clone(&index),
            objects: Arc::clone(&objects),
        };
        let jobs = Queue::new(queue.refs.clone(), environment.clone());
        let signal = Arc::<WorkSignal>::default();
        let appender = Appender::new(&timelines, &queue, &jobs, &signal, &settings, &environment);
        let appender = Arc::new(appender);
        let writer = Arc::new(DeltaWriter::new(&reader, &jobs, &settings, &environment));
        let pruner = Arc::new(Pruner::new(&reader, &appender, &jobs, &environment));
        let notifier = Arc::new(Notifier::new(&settings, &info, deliver, &jobs, &environment));
        let runner = JobRunner {
            jobs: jobs.clone(),
            writer: Arc::clone(&writer),
            pruner: Arc::clone(&pruner),
            notifier,
            environment: environment.clone(),
        };
        Self {
            shared: queue.capabilities.shared,
            objects,
            queue,
            settings,
            environment,
            info,
            timelines,
            index,
            reader,
            appender,
            jobs,
            signal,
            writer,
            pruner,
            runner,
        }
    }
}

/// An opened legacy store with its queue and workers, for programs that manage them. Cheap to
/// clone.
#[derive(Clone)]
pub struct LegacyStore {
    pub(crate) engine: Arc<LegacyEngine>,
    pub(crate) pool: Pool,
}

impl LegacyStore {
    pub(crate) async fn new(engine: LegacyEngine) -> Self {
        let engine = Arc::new(engine);
        let pool = Pool::start(&engine).await;
        Self { engine, pool }
    }

    /// Returns the store as a backend.
    pub fn backend(&self) -> Backend {
        let engine = &self.engine;
        let store = Arc::new(self.clone());
        Backend {
            wal: engine.clone(),
            refs: engine.clone(),
            snapshots: engine.clone(),
            materialize: None,
            indexes: None,
            maintenance: store.clone(),
            deferred: Some(store),
            network: engine.network(),
            capabilities: Capabilities { durable: true, shared: engine.shared },
            snapshot_policy: engine.settings.snapshots,
            sharing: None,
        }
    }

    /// The queue.
    pub fn queue(&self) -> &Queue {
        &self.engine.jobs
    }

    /// The workers of this process.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}
