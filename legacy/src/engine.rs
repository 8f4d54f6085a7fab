//! What the parts of an opened legacy store share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use argon_core::model::TimelineId;
use argon_core::storage::{Backend, Capabilities, Objects, StoreInfo};
use argon_core::{Environment, Result, branch_of_timeline};
use bson::DateTime;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::sync::Notify;

use crate::delta::{self, Delta};
use crate::index::Index;
use crate::jobs::Queue;
use crate::log::LegacyWal;
use crate::maintenance::LegacyMaintenance;
use crate::network::LegacyNetwork;
use crate::notification::Deliver;
use crate::refs::LegacyRefs;
use crate::settings::Settings;
use crate::snapshots::ObjectSnapshots;
use crate::timeline::TimelineCache;
use crate::workers::Pool;

/// What stands for itself in the name of a project or a branch inside an object's name.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'/').add(b'%').add(b'?').add(b'#').add(b'\\').add(b':');

/// An opened store.
pub(crate) struct LegacyEngine {
    pub(crate) objects: Arc<dyn Objects>,
    /// The store that has the queue, the refs, and what is not uploaded yet.
    pub(crate) queue: Backend,
    /// Whether other processes may have the queue open too.
    pub(crate) shared: bool,
    pub(crate) jobs: Queue,
    pub(crate) index: Index,
    pub(crate) known: TimelineCache,
    pub(crate) settings: Settings,
    pub(crate) environment: Environment,
    pub(crate) info: StoreInfo,
    pub(crate) deliver: Option<Arc<dyn Deliver>>,
    /// Whether workers take no jobs until something is written.
    pub(crate) resting: AtomicBool,
    /// Told when a job may have become due.
    pub(crate) wake: Arc<Notify>,
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
        Self {
            objects,
            shared: queue.capabilities.shared,
            jobs: Queue::new(queue.refs.clone(), environment.clone()),
            index: Index::new(queue.refs.clone()),
            known: TimelineCache::default(),
            settings,
            environment,
            info,
            deliver,
            resting: AtomicBool::new(false),
            wake: Arc::default(),
            queue,
        }
    }

    /// Now, and when a batch that begins now is ended.
    pub(crate) fn batch_due(&self) -> (DateTime, DateTime) {
        let now = self.environment.now();
        (now, after(now, self.settings.batch_time))
    }

    /// The folder for the deltas of a timeline, by the branch that it is of now.
    pub(crate) async fn folder_of(&self, timeline: TimelineId) -> Result<String> {
        let branch = branch_of_timeline(&*self.queue.refs, timeline).await?;
        let escaped = |name: &str| utf8_percent_encode(name, ESCAPED).to_string();
        Ok(match branch {
            Some((project, branch)) => {
                let (project, branch) = (escaped(project.as_str()), escaped(branch.as_str()));
                format!("projects/{project}/branches/{branch}/deltas/")
            }
            None => "projects/-/branches/-/deltas/".to_owned(),
        })
    }

    /// A delta, checked; `None` if it is not there (any more).
    pub(crate) async fn delta(&self, object: &str) -> Result<Option<Delta>> {
        let bytes = self.objects.get(object).await?;
        bytes.map(|bytes| delta::decode(object, &bytes)).transpose()
    }
}

/// A time that much later.
pub(crate) fn after(time: DateTime, by: Duration) -> DateTime {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(time.timestamp_millis().saturating_add(millis))
}

/// A time that much earlier.
pub(crate) fn ago(time: DateTime, by: Duration) -> DateTime {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(time.timestamp_millis().saturating_sub(millis))
}

/// An opened legacy store with its queue and workers, for whoever looks after them. Cheap to clone.
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

    /// The store as a backend.
    pub fn backend(&self) -> Backend {
        let engine = &self.engine;
        let upkeep = Arc::new(LegacyMaintenance(self.clone()));
        Backend {
            wal: Arc::new(LegacyWal(Arc::clone(engine))),
            refs: Arc::new(LegacyRefs(engine.queue.refs.clone())),
            snapshots: Arc::new(ObjectSnapshots::new(engine)),
            materialize: None,
            maintenance: upkeep.clone(),
            deferred: Some(upkeep),
            network: LegacyNetwork::new(&engine.objects, &engine.queue),
            capabilities: Capabilities { durable: true, shared: engine.shared },
            snapshot_policy: engine.settings.snapshots,
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
