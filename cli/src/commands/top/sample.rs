//! What is read of a store at one moment.

use argon_core::metrics::Summary;
use argon_core::model::{BranchName, Lsn, ProjectName};
use argon_core::storage::Backlog;
use argon_core::{BranchInfo, Store};
use argon_service::OpenStore;
use argon_service::usage_metrics;
use bson::DateTime;

use crate::context::Context;
use crate::exit::CommandResult;

/// A store at one moment.
pub(super) struct Sample {
    /// When it was read.
    pub(super) at: DateTime,
    /// Where the store is, for people.
    pub(super) location: String,
    pub(super) engine: String,
    pub(super) bytes: u64,
    pub(super) summary: Summary,
    pub(super) backlog: Option<Backlog>,
    pub(super) branches: Vec<Branch>,
}

/// A branch at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Branch {
    pub(super) project: ProjectName,
    pub(super) name: BranchName,
    pub(super) head: Lsn,
    /// When the last commit was made; `None` before the first.
    pub(super) last: Option<DateTime>,
}

impl Sample {
    /// Opens the store, looks at it, and closes it again.
    pub(super) async fn of(context: &Context) -> CommandResult<Self> {
        let OpenStore { store, place, .. } = context.store().await?;
        let location =
            if place.is_remote() { store.info().location } else { place.url.to_string() };
        let sample = Self::read(&store, location, context).await;
        context.close(store).await;
        sample
    }

    async fn read(store: &Store, location: String, context: &Context) -> CommandResult<Self> {
        let mut branches = Vec::new();
        for project in store.projects().await? {
            if context.options.project.as_ref().is_some_and(|chosen| *chosen != project.name) {
                continue;
            }
            let found = store.project(&project.name).await?.branches().await?;
            branches.extend(found.into_iter().map(|info| Branch::new(&project.name, info)));
        }
        Ok(Self {
            at: context.environment.now(),
            location,
            engine: store.info().engine,
            bytes: store.stored_bytes().await?,
            summary: usage_metrics::sum(store).await?,
            backlog: store.backlog().await?,
            branches,
        })
    }
}

impl Branch {
    fn new(project: &ProjectName, info: BranchInfo) -> Self {
        let head = info.head;
        Self {
            project: project.clone(),
            name: info.name,
            head: head.lsn,
            last: (head.lsn.get() > 0).then_some(head.time),
        }
    }
}
