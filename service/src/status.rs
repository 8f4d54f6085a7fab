//! Where a store is, and where its current branch is.

use argon_core::model::{BranchName, Digest, ProjectName};
use argon_core::storage::Traffic;
use argon_core::{State, snapshot};
use schemars::JsonSchema;
use serde::Serialize;

use crate::json::Time;
use crate::{OpenStore, Result, Wording, Workspace};

/// What is known of a store, and of the current branch if there is one.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Status {
    /// The store.
    #[serde(flatten)]
    pub store: StoreStatus,
    /// The current branch; without a project there is none.
    #[serde(flatten)]
    pub branch: Option<BranchStatus>,
}

/// What is known of a store.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StoreStatus {
    /// Its URL, without a password.
    pub store: String,
    /// Where it is.
    pub location: String,
    /// What named it, in words.
    pub named_by: String,
    /// Whether many processes can have it open at once.
    pub shared: bool,
    /// What keeps it.
    pub engine: String,
    /// The version of its format.
    pub format: u32,
    /// Its identity.
    pub id: String,
    /// When it was made, if that is known.
    pub created: Option<Time>,
    /// What was repaired when it was opened, in words.
    pub recovered: Option<String>,
    /// How many bytes it takes.
    pub bytes: u64,
    /// How many jobs wait or run, in a store that has a queue.
    pub backlog: Option<u64>,
    /// How many jobs were given up, in a store that has a queue.
    pub dead: Option<u64>,
    /// What went over the network so far.
    pub traffic: Option<NetworkTraffic>,
    /// Whether it is on a network.
    #[serde(skip)]
    pub remote: bool,
}

/// What went over the network.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NetworkTraffic {
    /// How many requests.
    pub requests: u64,
    /// How many of them were repeated.
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

/// What is known of a branch.
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
    /// The branch of which it was made.
    #[schemars(with = "Option<String>")]
    pub parent: Option<BranchName>,
    /// The position at which it left its parent.
    pub forked_at: u64,
    /// The position of its head.
    pub lsn: u64,
    /// When its last commit was made; none without commits.
    pub time: Option<Time>,
    /// The digest of its last commit.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// How many collections it has.
    pub collections: u64,
    /// The position of its last snapshot, in a store that needs snapshots.
    pub snapshot_lsn: Option<u64>,
    /// When that was made.
    pub snapshot_created: Option<Time>,
    /// Whether the store needs snapshots.
    #[serde(skip)]
    pub needs_snapshots: bool,
}

/// What is known of a store.
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

/// What is known of the branch of a workspace.
///
/// # Errors
/// `NotFound` if it is not there.
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
