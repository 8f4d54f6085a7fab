//! An engine under measurement.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon_backends::raw::{Engine, FjallEngine, MemoryEngine, SledEngine};
use argon_core::model::{Actor, BranchName, CollectionName, ProjectName};
use argon_core::storage::{OpenOptions, Registry, StoreUrl};
use argon_core::{Branch, Store};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::Result;
use crate::filled::Filled;

/// Who signs the commits of the benches.
pub const ACTOR: &str = "bench";

/// The project of the benches.
const PROJECT: &str = "bench";

/// An engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// `sled:`.
    Sled,
    /// `fjall:`.
    Fjall,
    /// `memory:`.
    Memory,
}

impl EngineName {
    /// Its URL's scheme.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Fjall => "fjall",
            Self::Memory => "memory",
        }
    }

    /// Whether its stores have files.
    pub fn on_disk(self) -> bool {
        self != Self::Memory
    }

    /// The engine without Argon's layout.
    pub fn open_bare(self, directory: &Path) -> Result<Arc<dyn Engine>> {
        Ok(match self {
            Self::Sled => Arc::new(SledEngine::open(directory)?),
            Self::Fjall => Arc::new(FjallEngine::open(directory)?),
            Self::Memory => Arc::new(MemoryEngine::new()),
        })
    }

    fn url(self, directory: &Path) -> StoreUrl {
        match self {
            Self::Memory => StoreUrl::new("memory", ""),
            _ => StoreUrl::new(self.scheme(), directory.to_string_lossy()),
        }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.scheme())
    }
}

/// How much work the workloads do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// The sizes that the bars are about; minutes for each engine.
    Full,
    /// The large sizes cut down, to see quickly where one stands.
    Quick,
}

impl Scale {
    /// The first for the full scale, the second for the quick one.
    pub fn size(self, full: u64, quick: u64) -> u64 {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

/// An engine under measurement, where its stores go, and the large stores that workloads share.
#[derive(Debug)]
pub struct Subject {
    /// The engine.
    pub engine: EngineName,
    /// How much work to do.
    pub scale: Scale,
    directory: TempDir,
    pub(crate) many_documents: Mutex<Option<Filled>>,
}

impl Subject {
    /// A subject whose stores go into a new directory under `parent`, which is removed in the end.
    pub fn new(engine: EngineName, scale: Scale, parent: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("argon-bench-").tempdir_in(parent)?;
        Ok(Self { engine, scale, directory, many_documents: Mutex::default() })
    }

    /// The first for the full scale, the second for the quick one.
    pub fn size(&self, full: u64, quick: u64) -> u64 {
        self.scale.size(full, quick)
    }

    /// A directory of this name for a store or a bare engine; it is not there yet.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A new bare engine.
    pub fn bare(&self, name: &str) -> Result<Arc<dyn Engine>> {
        let path = self.path(name);
        std::fs::create_dir_all(&path)?;
        self.engine.open_bare(&path)
    }

    /// A new store, and its branch `main`.
    pub async fn create(&self, name: &str) -> Result<(Store, Branch)> {
        create(&self.engine.url(&self.path(name)), &OpenOptions::default()).await
    }

    /// The same store closed and opened again, so that what writing left in memory does not count. One
    /// in memory stays open. `branch` must be its last handle.
    pub async fn open_again(
        &self,
        name: &str,
        (store, branch): (Store, Branch),
    ) -> Result<(Store, Branch)> {
        if !self.engine.on_disk() {
            return Ok((store, branch));
        }
        drop((store, branch));
        self.open(name).await
    }

    /// The store that [`create`](Self::create) made, after it was closed.
    pub async fn open(&self, name: &str) -> Result<(Store, Branch)> {
        open(&self.engine.url(&self.path(name)), &OpenOptions::default()).await
    }
}

/// A new store, and its branch `main`.
pub(crate) async fn create(url: &StoreUrl, options: &OpenOptions) -> Result<(Store, Branch)> {
    create_in(&argon_backends::registry(), url, options).await
}

/// The same in one of the backends of `registry`.
pub(crate) async fn create_in(
    registry: &Registry,
    url: &StoreUrl,
    options: &OpenOptions,
) -> Result<(Store, Branch)> {
    let environment = argon_backends::environment();
    let store = Store::create(registry, url, options, environment, Actor::new(ACTOR)?).await?;
    let project = store.create_project(&ProjectName::new(PROJECT)?).await?;
    let branch = project.branch(&BranchName::new(Store::FIRST_BRANCH)?).await?;
    Ok((store, branch))
}

/// A store that is there, and its branch `main`.
pub(crate) async fn open(url: &StoreUrl, options: &OpenOptions) -> Result<(Store, Branch)> {
    let (registry, environment) = (argon_backends::registry(), argon_backends::environment());
    let store = Store::open(&registry, url, options, environment, Actor::new(ACTOR)?).await?;
    let project = store.project(&ProjectName::new(PROJECT)?).await?;
    let branch = project.branch(&BranchName::new(Store::FIRST_BRANCH)?).await?;
    Ok((store, branch))
}

/// The collection of the benches.
pub fn collection() -> Result<CollectionName> {
    Ok(CollectionName::new("documents")?)
}
