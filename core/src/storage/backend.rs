//! An opened backend, and what it says about itself.

use std::sync::Arc;

use async_trait::async_trait;
use bson::DateTime;
use futures::stream::BoxStream;

use crate::Result;
use crate::model::TimelineId;
use crate::storage::{Materialize, Refs, Snapshots, Wal};

/// What a backend can do beyond the contracts, which every backend owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// What was acknowledged is there after closing and opening again.
    pub durable: bool,
    /// Several processes may have the store open at once.
    pub shared: bool,
}

/// Facts about an opened store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// The scheme of its URL.
    pub engine: String,
    /// The version of its format.
    pub format: u32,
    /// Its identity: 32 hexadecimal digits.
    pub id: String,
    /// When it was made; `None` if the backend does not keep it.
    pub created: Option<DateTime>,
    /// Where it is, without credentials.
    pub location: String,
    /// What had to be mended when it was opened (a process that did not close it), for a person.
    pub recovered: Option<String>,
}

/// When snapshots are made by themselves, and how.
///
/// A backend that answers reads from an index needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// After this many commits above the last snapshot of a branch; `None` for never.
    pub after_commits: Option<u64>,
    /// After this many bytes of documents, counted by the process that writes; `None` for never.
    pub after_bytes: Option<u64>,
    /// The level of zstd for chunks: 1 (fast) to 22 (small).
    pub level: i32,
}

impl SnapshotPolicy {
    /// Snapshots are made when somebody asks for them.
    pub const BY_HAND: SnapshotPolicy =
        SnapshotPolicy { after_commits: None, after_bytes: None, level: 3 };
}

/// What went over the network since a store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent, those that were repeated counted each time.
    pub requests: u64,
    /// Those of them that repeated one that had failed.
    pub retries: u64,
    /// Bytes of content sent, without what the protocol adds.
    pub sent: u64,
    /// Bytes of content received.
    pub received: u64,
}

/// How the commits of a timeline are packed, where a backend packs them by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compression {
    /// How many objects have them.
    pub objects: u64,
    /// Their bytes before and after compression.
    pub raw_bytes: u64,
    /// See `raw_bytes`.
    pub stored_bytes: u64,
}

impl Compression {
    /// How many times smaller compression made them.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    pub fn ratio(&self) -> f64 {
        self.raw_bytes as f64 / self.stored_bytes.max(1) as f64
    }
}

/// Work that a backend still owes for what it has acknowledged, done by workers from a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that wait, those that wait to be tried again among them.
    pub waiting: u64,
    /// Jobs that are being done, in any process.
    pub running: u64,
    /// Jobs that were given up, and stay until somebody sees to them.
    pub dead: u64,
    /// When the oldest job that is neither done nor given up was asked for.
    pub oldest: Option<DateTime>,
    /// The workers of this process, and how many of them have a job.
    pub workers: u32,
    /// See `workers`.
    pub busy: u32,
}

/// What a server that a store is on shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its host and port.
    pub address: String,
    /// By how many milliseconds its clock is ahead of this machine's, at least; negative if it is
    /// behind. What the way there and back leaves open counts for nothing. `None` if it does not tell.
    pub clock_ahead: Option<i64>,
    /// Its certificate.
    pub certificate: Certificate,
}

/// The certificate of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// It is not asked for one: the connection is not encrypted.
    NotUsed,
    /// When it ends, or another of its chain that ends before.
    Ends(DateTime),
    /// It did not show one; why.
    Unknown(String),
}

impl ServerFacts {
    /// By how much the clock of a server is ahead if it showed something from `earliest` to `latest`
    /// when this machine's showed something from `asked` to `answered`, all in milliseconds.
    pub fn ahead((earliest, latest): (i64, i64), (asked, answered): (i64, i64)) -> i64 {
        match (earliest.saturating_sub(answered), latest.saturating_sub(asked)) {
            (least, _) if least > 0 => least,
            (_, most) if most < 0 => most,
            _ => 0,
        }
    }
}

/// Something wrong in a store's files, found by [`Maintenance::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, what it affects and what to do, as a sentence.
    pub problem: String,
}

/// The upkeep of a store.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Facts about the store.
    fn info(&self) -> StoreInfo;

    /// The bytes that the store takes on disk, or in memory if it is there.
    async fn stored_bytes(&self) -> Result<u64>;

    /// Gives back dead space as far as the engine can.
    async fn compact(&self) -> Result<()>;

    /// What went over the network since the store was opened; `None` for a store on this machine.
    fn traffic(&self) -> Option<Traffic> {
        None
    }

    /// The servers that the store is on, asked now; none for a store on this machine.
    ///
    /// # Errors
    /// Those of asking. A server that does not show its certificate is no error.
    async fn servers(&self) -> Result<Vec<ServerFacts>> {
        Ok(Vec::new())
    }

    /// What is still to be done for what was acknowledged; `None` for a backend that is done with a
    /// write when it acknowledges it.
    async fn backlog(&self) -> Result<Option<Backlog>> {
        Ok(None)
    }

    /// How the commits of a timeline are packed; `None` for a backend that can't tell.
    async fn compression(&self, timeline: TimelineId) -> Result<Option<Compression>> {
        let _ = timeline;
        Ok(None)
    }

    /// Waits until nothing is owed of what was acknowledged before the call, as far as that can be
    /// done in this process.
    ///
    /// # Errors
    /// `Unavailable` when a job was given up, or is somebody else's and does not end.
    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Ends what is being done in the background at a point where it can be left, and begins nothing
    /// more until something is written: what a process does before it ends.
    async fn quiesce(&self) {}

    /// Looks at every stored record and gives what does not belong or can't be read. What the log
    /// says of itself (digests, chain) is checked by core.
    fn verify(&self) -> BoxStream<'static, Result<Finding>>;
}

/// An opened backend: its traits, each behind a pointer, so that decorators can stand between.
#[derive(Clone)]
pub struct Backend {
    /// The log.
    pub wal: Arc<dyn Wal>,
    /// The refs.
    pub refs: Arc<dyn Refs>,
    /// The snapshots.
    pub snapshots: Arc<dyn Snapshots>,
    /// Reads by the backend's own index; `None` if it has none.
    pub materialize: Option<Arc<dyn Materialize>>,
    /// The upkeep.
    pub maintenance: Arc<dyn Maintenance>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// When it wants snapshots.
    pub snapshot_policy: SnapshotPolicy,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend")
            .field("info", &self.maintenance.info())
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_by_what_the_way_there_and_back_does_not_explain() {
        for (shown, between, ahead) in [
            ((100, 100), (90, 110), 0),
            ((130, 130), (90, 110), 20),
            ((60, 60), (90, 110), -30),
            // A clock that shows whole seconds.
            ((1000, 1999), (1990, 2100), 0),
            ((1000, 1999), (2100, 2200), -101),
            ((3000, 3999), (2100, 2200), 800),
        ] {
            assert_eq!(ServerFacts::ahead(shown, between), ahead, "{shown:?} {between:?}");
        }
    }
}
