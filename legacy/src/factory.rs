//! Creating and opening legacy stores.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon_core::storage::{
    Backend, Description, Factory, Locality, Objects, OpenOptions, Registry, StoreInfo, StoreUrl,
};
use argon_core::{Environment, Error, ErrorKind, Hint, Result};
use async_trait::async_trait;
use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::engine::{LegacyEngine, LegacyStore};
use crate::notification::Deliver;
use crate::settings::{ObjectLocation, PARAMETERS, Settings};

/// The object with the identity of a store.
const IDENTITY: &str = "argon-legacy.json";
const FORMAT: u32 = 1;

/// Opens the objects at an `s3:` URL.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Opens the objects, without a write.
    async fn objects(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Arc<dyn Objects>>;
}

/// Creates and opens legacy stores.
pub struct LegacyFactory {
    /// The backends for queues.
    registry: Registry,
    s3: Option<Arc<dyn Connect>>,
    /// The directory for queues of stores in S3 on this machine.
    queues: Option<PathBuf>,
    deliver: Option<Arc<dyn Deliver>>,
    /// The URL for notifications of jobs, unless the URL of a store names one.
    notify: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Identity {
    format: u32,
    id: String,
    /// The identity of the queue's store.
    queue: String,
    created: DateTime,
}

impl LegacyFactory {
    /// Creates a factory whose queues are in stores of `registry`.
    pub fn new(registry: Registry) -> Self {
        Self { registry, s3: None, queues: None, deliver: None, notify: None }
    }

    /// Adds the requirements of `legacy+s3:` stores: a connection to S3, and a directory for their
    /// queues.
    pub fn with_s3(self, s3: Arc<dyn Connect>, queues: Option<PathBuf>) -> Self {
        Self { s3: Some(s3), queues, ..self }
    }

    /// Adds the delivery of notifications.
    pub fn with_deliver(self, deliver: Arc<dyn Deliver>) -> Self {
        Self { deliver: Some(deliver), ..self }
    }

    /// Sets the URL for notifications of jobs in stores whose URL names none.
    pub fn with_notify(self, url: Option<String>) -> Self {
        Self { notify: url, ..self }
    }

    /// Opens a store together with its queue and workers.
    ///
    /// # Errors
    /// Those of [`Factory::open`].
    pub async fn open_store(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<LegacyStore> {
        let mut settings = Settings::parse(url)?;
        settings.notify = settings.notify.or_else(|| self.notify.clone());
        let objects = self.objects(&settings, options, environment).await?;
        let identity = identity(&*objects).await?.ok_or_else(|| missing(&*objects))?;
        let queue_url = self.queue_url(&settings)?;
        // What goes beyond the traits of storage, such as sharing, the store that is built on the queue does not have.
        let of_queue = OpenOptions { share: false, ..options.clone() };
        let queue = self.registry.factory(&queue_url)?;
        let queue = queue.open(&queue_url, &of_queue, environment).await;
        let queue = queue.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::corrupt(format!(
                "the queue of the legacy store at {} is missing at {queue_url}; only it has the \
                 branches and the commits without deltas; restore it, or name its location by queue=…",
                objects.location()
            )),
            kind => Error::new(kind, format!("can't open the legacy store's queue {queue_url}"))
                .with_source(error),
        })?;
        let found = queue.maintenance.info();
        if found.id != identity.queue {
            return Err(Error::invalid(format!(
                "the queue of the legacy store at {} is the store {}, but {queue_url} is the store {}; \
                 name the location of its queue by queue=…",
                objects.location(),
                identity.queue,
                found.id
            )));
        }
        let info = StoreInfo {
            engine: url.scheme().to_owned(),
            format: FORMAT,
            id: identity.id,
            created: Some(identity.created),
            location: objects.location(),
            recovered: found.recovered,
        };
        let deliver = self.deliver.clone();
        let engine =
            LegacyEngine::new(objects, queue, settings, environment.clone(), info, deliver);
        if !engine.shared {
            engine.jobs.take_back().await?;
        }
        Ok(LegacyStore::new(engine).await)
    }

    async fn objects(
        &self,
        settings: &Settings,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Arc<dyn Objects>> {
        match (&settings.place, &self.s3) {
            (ObjectLocation::Directory(path), _) => Ok(Arc::new(Directory::new(path.clone()))),
            (ObjectLocation::S3(url), Some(s3)) => s3.objects(url, options, environment).await,
            (ObjectLocation::S3(_), None) => {
                Err(Error::unsupported("this program is built without S3"))
            }
        }
    }

    /// Returns the URL of the store with the queue.
    fn queue_url(&self, settings: &Settings) -> Result<StoreUrl> {
        match (&settings.queue, &settings.place) {
            (Some(queue), _) if queue.contains(':') => queue.parse(),
            (Some(directory), _) => Ok(StoreUrl::new("sled", directory)),
            (None, ObjectLocation::Directory(path)) => Ok(sled_in(&path.join("queue"))),
            (None, ObjectLocation::S3(url)) => {
                let queues = self.queues.as_ref().ok_or_else(|| {
                    Error::invalid("missing a directory for the queue; name one by queue=DIR")
                })?;
                let place = url.rest().split_once('?').map_or(url.rest(), |(place, _)| place);
                let name = place.trim_matches('/').replace('/', "-");
                Ok(sled_in(&queues.join(name)))
            }
        }
    }
}

fn sled_in(directory: &Path) -> StoreUrl {
    StoreUrl::new("sled", directory.to_string_lossy())
}

fn missing(objects: &dyn Objects) -> Error {
    Error::not_found(format!("no legacy store exists at {}", objects.location()))
        .with_hint(Hint::CreateStore { url: None })
}

async fn identity(objects: &dyn Objects) -> Result<Option<Identity>> {
    let Some(bytes) = objects.get(IDENTITY).await? else { return Ok(None) };
    let identity: Identity = serde_json::from_slice(&bytes).map_err(|source| {
        Error::invalid(format!("{IDENTITY} at {} is malformed", objects.location()))
            .with_source(source)
    })?;
    if identity.format == FORMAT {
        return Ok(Some(identity));
    }
    Err(Error::unsupported(format!(
        "the legacy store has format {}; this version of Argon reads format {FORMAT}",
        identity.format
    )))
}

#[async_trait]
impl Factory for LegacyFactory {
    fn describe(&self) -> Description {
        Description {
            locality: Locality::Elsewhere,
            urls: &["legacy+file:DIR[?OPTION=VALUE&…]", "legacy+s3://BUCKET[/PREFIX][?…]"],
            about: "the deprecated system of version 2, in a directory or in S3 (with the options of S3)",
            options: PARAMETERS,
        }
    }

    fn directory<'u>(&self, url: &'u StoreUrl) -> Option<&'u str> {
        let path = url.rest().split('?').next();
        path.filter(|path| url.scheme() == "legacy+file" && !path.is_empty())
    }

    async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let settings = Settings::parse(url)?;
        let objects = self.objects(&settings, options, environment).await?;
        let location = objects.location();
        if identity(&*objects).await?.is_some() {
            return Err(Error::already_exists(format!(
                "a legacy store exists at {location} already"
            )));
        }
        let others = objects.list("").await?;
        if let Some(other) = others.iter().find(|other| !other.name.starts_with("queue/")) {
            return Err(Error::invalid(format!(
                "{location} is not empty: it has '{}'; choose another location",
                other.name
            )));
        }
        let queue_url = self.queue_url(&settings)?;
        let factory = self.registry.factory(&queue_url)?;
        let queue = match factory.create(&queue_url, options, environment).await {
            // A creation that crashed left it, or it is the queue of another store.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let there = factory.open(&queue_url, options, environment).await?;
                if !there.refs.list("").await?.is_empty() {
                    return Err(Error::already_exists(format!(
                        "{queue_url} is the queue of another store; name another one by queue=…"
                    )));
                }
                there
            }
            created => created?,
        };
        let id: [u8; 16] = environment.random();
        let identity = Identity {
            format: FORMAT,
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            queue: queue.maintenance.info().id,
            created: environment.now(),
        };
        let bytes = serde_json::to_vec(&identity).map_err(|source| {
            Error::internal("an identity can't be encoded").with_source(source)
        })?;
        objects.put(IDENTITY, bytes).await?;
        drop(queue);
        Ok(self.open_store(url, options, environment).await?.backend())
    }

    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        Ok(self.open_store(url, options, environment).await?.backend())
    }
}
