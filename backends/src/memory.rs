//! `memory:`, a store that is gone when it is closed.

use std::sync::Arc;

use argon_core::model::{Actor, BranchName, ProjectName};
use argon_core::storage::{
    Backend, Capabilities, Description, Factory, Locality, OpenOptions, StoreInfo, StoreUrl,
};
use argon_core::{Branch, Environment, Result, Store};
use async_trait::async_trait;

use crate::engines::MemoryEngine;
use crate::ordered;

/// Makes stores in memory. Opening one gives a new, empty one: there is nothing to find again.
pub(crate) struct MemoryFactory;

#[async_trait]
impl Factory for MemoryFactory {
    fn describe(&self) -> Description {
        Description {
            locality: Locality::Process,
            urls: &["memory:"],
            about: "gone when it is closed; for tests and examples",
            options: &[],
        }
    }

    async fn create(
        &self,
        _url: &StoreUrl,
        _options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        new(environment)
    }

    async fn open(
        &self,
        _url: &StoreUrl,
        _options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        new(environment)
    }
}

fn new(environment: &Environment) -> Result<Backend> {
    let id: [u8; 16] = environment.random();
    let info = StoreInfo {
        engine: "memory".into(),
        format: ordered::FORMAT,
        id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
        created: Some(environment.now()),
        location: "this process".into(),
        recovered: None,
    };
    let capabilities = Capabilities { durable: false, shared: false };
    ordered::backend(Arc::new(MemoryEngine::new()), info, capabilities, environment.clone(), None)
}

/// A new store in memory with this machine's clock, for examples and tests.
pub async fn memory_store() -> Result<Store> {
    let environment = crate::environment();
    let backend = new(&environment)?;
    Ok(Store::new(backend, environment, Actor::new("example")?))
}

/// The branch `main` of a project in a new store in memory, for examples and tests.
pub async fn memory_branch() -> Result<Branch> {
    let project = memory_store().await?.create_project(&ProjectName::new("example")?).await?;
    project.branch(&BranchName::new(Store::FIRST_BRANCH)?).await
}
