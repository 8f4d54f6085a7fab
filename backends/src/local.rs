//! Stores in a directory of this machine: `sled:DIR` and `fjall:DIR`.

mod diagnosis;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use argon_core::storage::{
    Backend, Capabilities, Description, Diagnosis, Factory, Locality, OpenOptions, StoreInfo,
    StoreUrl,
};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;

use crate::directory::{self, Directory};
use crate::engines::guarded::{Guarded, KeepAlive, OpenEngine};
use crate::ordered::engine::Engine;
use crate::ordered::{self, RaiseFormat, StoreDirectory, Witness};
use crate::panics::{error_of_panic, panic_message};
use crate::relay;

/// Makes and opens the stores of one engine.
#[derive(Clone, Copy)]
pub(crate) struct LocalFactory {
    engine: &'static str,
    /// The library that is the engine, for a person.
    library: &'static str,
    description: Description,
    open: OpenEngine,
}

#[cfg(feature = "sled")]
pub(crate) const SLED: LocalFactory = LocalFactory {
    engine: "sled",
    library: "the crate sled 0.34",
    description: Description {
        locality: Locality::Directory,
        urls: &["sled:DIR"],
        about: "a directory of this machine, the default; DIR is .argon if it is left out",
        options: &[],
    },
    open: |path| Ok(Arc::new(crate::engines::SledEngine::open(path)?)),
};

#[cfg(feature = "fjall")]
pub(crate) const FJALL: LocalFactory = LocalFactory {
    engine: "fjall",
    library: "the crate fjall 3",
    description: Description {
        locality: Locality::Directory,
        urls: &["fjall:DIR"],
        about: "a directory of this machine, with a faster engine",
        options: &[],
    },
    open: |path| Ok(Arc::new(crate::engines::FjallEngine::open(path)?)),
};

#[async_trait]
impl Factory for LocalFactory {
    fn describe(&self) -> Description {
        self.description
    }

    async fn create(
        &self,
        url: &StoreUrl,
        _: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let (path, this, environment) = (path_of(url)?, *self, environment.clone());
        blocking(move || {
            let (id, now) = (environment.random(), environment.now());
            let directory = Directory::create(&path, this.engine, id, now)?;
            // What makes it a store comes last: a directory whose engine is not there yet is none.
            this.assemble(&path, directory, environment, Directory::complete)
        })
        .await
    }

    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let (path, this, timeout) = (path_of(url)?, *self, options.lock_timeout);
        let (share, may_join) = (options.share, !options.share || options.join);
        let (clock, place) = (environment, path.clone());
        let environment = environment.clone();
        let opened = blocking(move || {
            let now = environment.now();
            let mut relayed = None;
            let directory = Directory::open(&place, this.engine, timeout, now, || {
                // Who shares a store has it, unless it may end with another process.
                relayed = if may_join { relay::connect(&place).transpose() } else { None };
                relayed.is_some()
            })?;
            match (directory, relayed) {
                (Some(directory), _) => {
                    let backend = this.assemble(&place, directory, environment, |_| Ok(()))?;
                    Ok(Opened::Here(backend))
                }
                (None, Some(relayed)) => relayed.map(Opened::Elsewhere),
                (None, None) => Err(Error::internal("a lock that is not needed has no substitute")),
            }
        })
        .await?;
        match opened {
            Opened::Here(backend) if share => relay::Listener::share(&path, backend, clock).await,
            Opened::Here(backend) | Opened::Elsewhere(backend) => Ok(backend),
        }
    }

    /// A store that was not closed is not opened for this, since recovery changes its files. What
    /// opening one does write (sled's snapshot of its page table) can be derived again.
    async fn diagnose(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Vec<Diagnosis> {
        let path = match path_of(url) {
            Ok(path) => path,
            Err(error) => return vec![Diagnosis::failed("directory", &error, None)],
        };
        let (engine, library) = (self.engine, self.library);
        let looked = blocking(move || Ok(diagnosis::look(&path, engine, library))).await;
        let (mut checks, may_open) = match looked {
            Ok(looked) => looked,
            Err(error) => return vec![Diagnosis::failed("directory", &error, None)],
        };
        if may_open {
            checks.push(match self.open(url, options, environment).await {
                Ok(_) => {
                    Diagnosis::good("opens", "yes, and what it held when it was closed is there")
                }
                Err(error) => Diagnosis::failed("opens", &error, None),
            });
        }
        checks
    }
}

/// A store that was opened.
enum Opened {
    /// By this process.
    Here(Backend),
    /// By another process, which shares it.
    Elsewhere(Backend),
}

impl LocalFactory {
    /// Opens the engine in a locked directory, and makes the backend after `opened` is done.
    fn assemble(
        self,
        path: &Path,
        directory: Directory,
        environment: Environment,
        opened: fn(&Directory) -> Result<()>,
    ) -> Result<Backend> {
        let directory = Arc::new(directory);
        let held = Some(directory.clone() as KeepAlive);
        let engine = Guarded::open(self.engine, &directory.data_path(), held, self.open)?;
        opened(&directory)?;
        let found = directory::inspect(path)?;
        let heads = path.join("heads");
        let done = engine.recovered();
        if done.is_some_and(|done| done.loss_accepted) {
            Witness::remove(&heads)?;
        }
        let unclean = directory.unclean().map(|holder| {
            format!(
                "the store was not closed by {holder}; it was recovered to its last durable commit"
            )
        });
        let reports: Vec<String> =
            unclean.into_iter().chain(done.map(|done| done.report.clone())).collect();
        let info = StoreInfo {
            engine: self.engine.into(),
            format: found.format,
            id: found.id.iter().map(|byte| format!("{byte:02x}")).collect(),
            created: Some(found.created),
            location: path.display().to_string(),
            recovered: (!reports.is_empty()).then(|| reports.join("; ")),
        };
        let capabilities = Capabilities { durable: true, shared: false };
        let held = directory.clone();
        let place = StoreDirectory {
            witness: Witness::read(heads)?,
            is_in_place: Box::new(move || held.is_in_place()),
            raise_format: Mutex::new(raise_format(found.format, path)),
            _lock: Box::new(directory),
        };
        ordered::backend(Arc::new(engine), info, capabilities, environment, Some(place))
    }
}

/// What notes the newest format in a store that has an older one.
fn raise_format(format: u32, path: &Path) -> Option<RaiseFormat> {
    let path = path.to_owned();
    (format < ordered::FORMAT)
        .then(|| -> RaiseFormat { Box::new(move || directory::raise_format(&path)) })
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
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|broken| {
        let message = broken.try_into_panic().map(|payload| panic_message(&*payload));
        Err(error_of_panic("the store failed as it opened", &message.unwrap_or_default()))
    })
}
