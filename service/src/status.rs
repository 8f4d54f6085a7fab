//! The status of a store and of its current branch.

use argon_core::model::{BranchName, Digest, ProjectName};
use argon_core::storage::Traffic;
use argon_core::{State, snapshot};
use schemars::JsonSchema;
use serde::Serialize;

use crate::json::Time;
use crate::{OpenStore, Result, Wording, Workspace};

/// The status of a store, and of its current branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Status {
    /// The store.
    #[serde(flatten)]
    pub store: StoreStatus,
    /// The current branch, if a project is chosen.
    #[serde(flatten)]
    pub branch: Option<BranchStatus>,
}

/// The status of a store.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StoreStatus {
    /// Its URL, without a password.
    pub store: String,
    /// Its location.
    pub location: String,
    /// What named the store, in words.
    pub named_by: String,
    /// Whether several processes can have it open at once.
    pub shared: bool,
    /// Its engine.
    pub engine: String,
    /// The version of its format.
    pub format: u32,
    /// Its identity.
    pub id: String,
    /// The time of its creation, if known.
    pub created: Option<Time>,
    /// What was repaired when it was opened, in words.
    pub recovered: Option<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// The number of jobs that wait or run, in a store with a queue.
    pub backlog: Option<u64>,
    /// The number of jobs that were given up, in a store with a queue.
    pub dead: Option<u64>,
    /// The network traffic of this process.
    pub traffic: Option<NetworkTraffic>,
    /// Whether it is on a network.
    #[serde(skip)]
    pub remote: bool,
}

/// Network traffic.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NetworkTraffic {
    /// The number of requests.
    pub requests: u64,
    /// The number of repeated requests.
    pub retries: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

impl From<Traffic> for NetworkTraffic {
    fn from(traffic: Traffic) -> Self {
        let Traffic { requests, retries, sent, received } = traffic;
        Self { requests, retries, sent, received }
    }
}

/// The status of a branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BranchStatus {
    /// The project.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Whether it is protected.
    pub protected: bool,
    /// Whether it is masked.
    pub masked: bool,
    /// The branch from which it was created.
    #[schemars(with = "Option<String>")]
    pub parent: Option<BranchName>,
    /// The position at which it left its parent.
    pub forked_at: u64,
    /// The position of its head.
    pub lsn: u64,
    /// The time of its last commit; null without commits.
    pub time: Option<Time>,
    /// The digest of its last commit.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// The number of its collections.
    pub collections: u64,
    /// The position of its last snapshot, in a store that needs snapshots.
    pub snapshot_lsn: Option<u64>,
    /// The time of its creation.
    pub snapshot_created: Option<Time>,
    /// Whether the store needs snapshots.
    #[serde(skip)]
    pub needs_snapshots: bool,
}

/// Returns the status of a store.
pub async fn store(opened: &OpenStore, wording: &dyn Wording) -> Result<StoreStatus> {
    let (store, place) = (&opened.store, &opened.place);
    let info = store.info();
    let backlog = store.backlog().await?;
    Ok(StoreStatus {
        store: place.url.to_string(),
        location: info.location,
        named_by: wording.found(&place.found),
        shared: store.capabilities().shared,
        engine: info.engine,
        format: info.format,
        id: info.id,
        created: info.created.map(Time),
        recovered: info.recovered,
        bytes: store.stored_bytes().await?,
        backlog: backlog.map(|backlog| backlog.waiting + backlog.running),
        dead: backlog.map(|backlog| backlog.dead),
        traffic: store.traffic().map(NetworkTraffic::from),
        remote: place.is_remote(),
    })
}

/// Returns the status of the branch of a workspace.
///
/// # Errors
/// `NotFound` if it does not exist.
pub async fn branch(workspace: &Workspace) -> Result<BranchStatus> {
    let branch = workspace.branch().await?;
    let head = branch.head().await?;
    let needs_snapshots = workspace.opened.store.snapshot_policy().after_commits.is_some();
    let snapshot = if needs_snapshots { last_snapshot(&head).await? } else { None };
    let info = branch.info().await?;
    Ok(BranchStatus {
        project: workspace.project.name().clone(),
        branch: info.name,
        protected: info.protected,
        masked: info.masked,
        parent: info.parent,
        forked_at: info.forked_at.get(),
        lsn: info.head.lsn.get(),
        time: (info.head.lsn.get() > 0).then_some(Time(info.head.time)),
        digest: info.head.digest,
        collections: head.collections().count() as u64,
        snapshot_lsn: snapshot.map(|(lsn, _)| lsn),
        snapshot_created: snapshot.map(|(_, created)| created),
        needs_snapshots,
    })
}

async fn last_snapshot(head: &State) -> Result<Option<(u64, Time)>> {
    let last = snapshot::list(head).await?.pop();
    Ok(last.map(|manifest| (manifest.point.lsn.get(), Time(manifest.created))))
}
