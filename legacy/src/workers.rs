//! The pool of workers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use argon_core::storage::Backlog;
use argon_core::{DetailKey, Error, Hint, Result};
use bson::DateTime;
use tokio::sync::{Mutex, watch};

use crate::engine::LegacyEngine;
use crate::jobs::Job;
use crate::time::ago;

/// The most workers of a pool.
pub const MOST_WORKERS: u32 = 20;

/// The interval at which a pool looks for jobs that became due or that other processes added.
const POLL: Duration = Duration::from_secs(1);

/// The most jobs that a worker runs before it lists due jobs again.
const AT_A_TIME: usize = 32;

/// The pause of [`flush`](Pool::flush) between looks at jobs of other workers.
const PAUSE: Duration = Duration::from_millis(20);

/// The longest wait of a process at its end for running jobs.
const MOST_REST: Duration = Duration::from_secs(10);

/// The ref with the size that a user set for all pools.
const WANTED: &str = "legacy/workers";

/// The ref with the time of the last daily cleaning.
const CLEANED: &str = "legacy/cleaned";
const DAY: Duration = Duration::from_hours(24);

/// The longest wait of [`flush`](Pool::flush) for a job of another process.
const PATIENCE: Duration = Duration::from_mins(11);

/// The workers of a process. They end with the store; an interrupted job is handed out again.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    engine: Weak<LegacyEngine>,
    size: watch::Sender<u32>,
    busy: AtomicU32,
    name: String,
}

impl Pool {
    /// Starts the workers of a store. Their number is the one that a user set for all pools, or
    /// that of the settings.
    pub(crate) async fn start(engine: &Arc<LegacyEngine>) -> Self {
        let name: [u8; 4] = engine.environment.random();
        let name = format!("{:08x}", u32::from_be_bytes(name));
        let wanted = wanted(engine).await.unwrap_or(engine.settings.workers);
        let (size, _) = watch::channel(wanted);
        let engine_of_pool = Arc::downgrade(engine);
        let pool =
            Self(Arc::new(Shared { engine: engine_of_pool, size, busy: AtomicU32::new(0), name }));
        let lookout = Arc::new(Mutex::new(()));
        for number in 0..MOST_WORKERS {
            tokio::spawn(worker(Arc::downgrade(&pool.0), number, Arc::clone(&lookout)));
        }
        pool
    }

    /// Returns the number of workers, and the number of those that have a job.
    pub fn load(&self) -> (u32, u32) {
        (*self.0.size.borrow(), self.0.busy.load(Ordering::Relaxed))
    }

    /// Sets the number of workers of this pool, from the next job on.
    ///
    /// # Errors
    /// `Invalid` if it is not from 1 to [`MOST_WORKERS`].
    pub fn scale(&self, workers: u32) -> Result<()> {
        self.0.size.send_replace(checked(workers)?);
        Ok(())
    }

    /// Sets the number of workers of every pool of the store, now and later.
    ///
    /// # Errors
    /// `Invalid` if it is not 1 to [`MOST_WORKERS`]; those of writing a ref.
    pub async fn scale_all(&self, workers: u32) -> Result<()> {
        let value = checked(workers)?.to_le_bytes().to_vec();
        let Some(engine) = self.0.engine.upgrade() else { return Ok(()) };
        let refs = &engine.queue.refs;
        let there = refs.get(WANTED).await?;
        let expected = there.as_ref().map(|there| &there.version);
        refs.compare_and_set(WANTED, expected, Some(value)).await?;
        self.scale(workers)
    }

    /// Runs the jobs that are in the queue now, including those of batches that are not full yet,
    /// and waits for those that other workers run.
    ///
    /// # Errors
    /// `Unavailable` if a job fails, or if another process does not end its job; the error names
    /// the job. All changes are still in the queue.
    pub async fn flush(&self) -> Result<()> {
        let Some(engine) = self.0.engine.upgrade() else { return Ok(()) };
        let asked = engine.jobs.active().await?;
        for job in &asked {
            engine.jobs.run_now(&job.id).await?;
        }
        engine.signal.wake_all();
        let mut waited = Duration::ZERO;
        loop {
            let mut left = engine.jobs.active().await?;
            left.retain(|job| asked.iter().any(|asked| asked.id == job.id));
            let before = |job: &Job| asked.iter().find(|asked| asked.id == job.id);
            let failed = left
                .iter()
                .find(|job| before(job).is_some_and(|before| before.failures < job.failures));
            if let Some(job) = failed {
                let why = job.error.clone().unwrap_or_default();
                return Err(Error::unavailable(format!(
                    "job {} failed and will be retried: {why}",
                    job.id
                ))
                .with_detail(DetailKey::Job, job.id.as_str())
                .with_hint(Hint::ListJobs));
            }
            let Some(job) = left.first() else { break };
            if waited > PATIENCE {
                return Err(Error::unavailable(format!(
                    "job {} does not end; worker {} has it",
                    job.id,
                    job.worker.as_deref().unwrap_or("unknown")
                ))
                .with_detail(DetailKey::Job, job.id.as_str())
                .with_hint(Hint::ListJobs));
            }
            if self.some(&engine, "flush", || true).await? == 0 {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
        }
        let dead = engine.jobs.dead().await?;
        match dead.first() {
            None => Ok(()),
            Some(job) => Err(Error::unavailable(format!(
                "job {} failed after its last retry: {}",
                job.id,
                job.error.as_deref().unwrap_or("unknown reason")
            ))
            .with_detail(DetailKey::Job, job.id.as_str())
            .with_hint(Hint::RetryJob { id: job.id.clone() })),
        }
    }

    /// Takes no more jobs until the next write, and waits up to ten seconds for running jobs; an
    /// interrupted job is handed out again.
    pub async fn quiesce(&self) {
        let Some(engine) = self.0.engine.upgrade() else { return };
        engine.signal.rest();
        let mut waited = Duration::ZERO;
        while self.0.busy.load(Ordering::Relaxed) > 0 && waited < MOST_REST {
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
    }

    /// Runs the most urgent jobs that are due, at most [`AT_A_TIME`], and returns their number.
    async fn some(
        &self,
        engine: &LegacyEngine,
        worker: &str,
        may: impl Fn() -> bool,
    ) -> Result<usize> {
        let name = format!("{}/{worker}", self.0.name);
        let mut count = 0;
        let due = engine.jobs.due().await?;
        if due.len() > 1 && may() {
            // The other workers may be asleep.
            engine.signal.wake_all();
        }
        for claim in due {
            let busy = Busy::new(&self.0);
            if !may() {
                break;
            }
            let Some(claim) = engine.jobs.take(&claim, &name).await? else { continue };
            engine.runner.run(&claim).await?;
            drop(busy);
            count += 1;
            if count == AT_A_TIME {
                break;
            }
        }
        Ok(count)
    }

    /// Counts the queue, and the workers of this process.
    pub(crate) async fn backlog(&self, engine: &LegacyEngine) -> Result<Backlog> {
        let (workers, busy) = self.load();
        Ok(Backlog { workers, busy, ..engine.jobs.backlog().await? })
    }
}

fn checked(workers: u32) -> Result<u32> {
    if (1..=MOST_WORKERS).contains(&workers) {
        return Ok(workers);
    }
    Err(Error::invalid(format!(
        "invalid number of workers {workers}: expected 1 to {MOST_WORKERS}"
    )))
}

/// Counts a worker as busy until it is dropped.
struct Busy<'a>(&'a Shared);

impl<'a> Busy<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.busy.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A worker runs due jobs, and sleeps until a job may be due. One of the sleeping workers is the
/// lookout, which looks for due jobs every second.
async fn worker(shared: Weak<Shared>, number: u32, lookout: Arc<Mutex<()>>) {
    let mut looks_out = number == 0;
    loop {
        let Some((pool, engine)) = alive(&shared) else { return };
        let mut size = pool.0.size.subscribe();
        if std::mem::take(&mut looks_out) {
            follow(&pool, &engine).await;
        }
        let enabled = number < *size.borrow_and_update();
        if enabled {
            let may = || !engine.signal.is_resting();
            match pool.some(&engine, &number.to_string(), may).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "a worker could not read the queue"),
            }
        }
        let signal = Arc::clone(&engine.signal);
        // A sleeping worker holds nothing of the store, so that the store can be closed.
        drop((pool, engine));
        let turn = async {
            let _turn = lookout.lock().await;
            tokio::time::sleep(POLL).await;
        };
        tokio::select! {
            () = turn, if enabled => looks_out = true,
            () = signal.woken(), if enabled => {}
            // An error means that the pool is closed.
            changed = size.changed() => if changed.is_err() { return },
        }
    }
}

fn alive(shared: &Weak<Shared>) -> Option<(Pool, Arc<LegacyEngine>)> {
    let pool = Pool(shared.upgrade()?);
    let engine = pool.0.engine.upgrade()?;
    Some((pool, engine))
}

/// Further tasks of the lookout: it follows the size that a user set for all pools, and does the
/// daily cleaning.
async fn follow(pool: &Pool, engine: &LegacyEngine) {
    if let Some(wanted) = wanted(engine).await
        && wanted != *pool.0.size.borrow()
    {
        pool.0.size.send_replace(wanted);
    }
    if let Err(error) = clean(engine).await {
        tracing::warn!(%error, "the daily cleaning failed");
    }
}

/// Returns the size that a user set for all pools.
async fn wanted(engine: &LegacyEngine) -> Option<u32> {
    let stored = engine.queue.refs.get(WANTED).await.ok()??;
    let wanted = u32::from_le_bytes(<[u8; 4]>::try_from(stored.value.as_slice()).ok()?);
    checked(wanted).ok()
}

async fn clean(engine: &LegacyEngine) -> Result<()> {
    let refs = &engine.queue.refs;
    let now = engine.environment.now();
    let there = refs.get(CLEANED).await?;
    let last = there.as_ref().and_then(|there| <[u8; 8]>::try_from(there.value.as_slice()).ok());
    let last = last.map(|bytes| DateTime::from_millis(i64::from_le_bytes(bytes)));
    if last.is_some_and(|last| last > ago(now, DAY)) {
        return Ok(());
    }
    let value = now.timestamp_millis().to_le_bytes().to_vec();
    let expected = there.as_ref().map(|there| &there.version);
    let swap = refs.compare_and_set(CLEANED, expected, Some(value)).await?;
    // The first look at a store only begins the day.
    if last.is_none() || matches!(swap, argon_core::storage::CasResult::Moved(_)) {
        return Ok(());
    }
    engine.pruner.clean_daily().await
}
