//! Stores in a directory of this machine: `sled:DIR` and `fjall:DIR`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon_core::storage::{Backend, Capabilities, Factory, OpenOptions, StoreInfo, StoreUrl};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;

use crate::directory::{self, Directory};
use crate::ordered::{self, Place, Witness, engine::Engine};

/// How an engine is opened in the directory that it has for itself.
type OpenEngine = fn(&Path) -> Result<Arc<dyn Engine>>;

/// Makes and opens the stores of one engine.
pub(crate) struct LocalFactory {
    engine: &'static str,
    open: OpenEngine,
}

#[cfg(feature = "sled")]
pub(crate) const SLED: LocalFactory = LocalFactory {
    engine: "sled",
    open: |path| Ok(Arc::new(crate::engines::SledEngine::open(path)?)),
};

#[cfg(feature = "fjall")]
pub(crate) const FJALL: LocalFactory = LocalFactory {
    engine: "fjall",
    open: |path| Ok(Arc::new(crate::engines::FjallEngine::open(path)?)),
};

#[async_trait]
impl Factory for LocalFactory {
    async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let path = path_of(url)?;
        let (engine, id, now) = (self.engine, environment.random(), environment.now());
        blocking(move || Directory::create(&path, engine, id, now)).await?;
        self.open(url, options, environment).await
    }

    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let path = path_of(url)?;
        let (engine, open, timeout) = (self.engine, self.open, options.lock_timeout);
        let environment = environment.clone();
        blocking(move || {
            let now = environment.now();
            let directory = Directory::open(&path, engine, timeout, now)?;
            let found = directory::inspect(&path)?;
            let info = StoreInfo {
                engine: engine.into(),
                format: ordered::FORMAT,
                id: found.id.iter().map(|byte| format!("{byte:02x}")).collect(),
                created: Some(found.created),
                location: path.display().to_string(),
                recovered: directory.unclean().map(|holder| {
                    format!(
                        "the store was not closed by {holder}; it was recovered to its last durable commit"
                    )
                }),
            };
            let engine = open(&directory.data_path())?;
            let capabilities = Capabilities { durable: true, shared: false };
            let place = Place {
                witness: Witness::read(path.join("heads"))?,
                _lock: Box::new(directory),
            };
            ordered::backend(engine, info, capabilities, environment, Some(place))
        })
        .await
    }
}

fn path_of(url: &StoreUrl) -> Result<PathBuf> {
    match url.rest() {
        "" => Err(Error::invalid(format!("{url} names no directory; write {url}DIR"))),
        path => Ok(PathBuf::from(path)),
    }
}

/// Opening waits for a lock and reads files, so it gets a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|source| {
        Err(Error::corrupt(
            "the storage engine broke off while it opened; its files may be damaged",
        )
        .with_source(source))
    })
}
