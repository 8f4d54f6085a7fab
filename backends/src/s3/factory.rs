//! Creates and opens stores.

use std::sync::Arc;
use std::time::Duration;

use argon_core::storage::{
    Backend, Capabilities, Description, Diagnosis, Factory, Locality, Network, Objects,
    OpenOptions, StoreInfo, StoreUrl,
};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;
use aws_sdk_s3::config::Credentials;
use bson::DateTime;

use crate::s3::backend::S3Backend;
use crate::s3::bucket::Bucket;
use crate::s3::cache::Cache;
use crate::s3::connect::Connection;
use crate::s3::diagnose::diagnose;
use crate::s3::identity::{self, FORMAT, Identity};
use crate::s3::memory::Memory;
use crate::s3::names;
use crate::s3::objects::S3Objects;
use crate::s3::probe::{Probed, probe};
use crate::s3::retry::IN_ALL;
use crate::s3::server;
use crate::s3::settings::{PARAMETERS, Settings};
use crate::s3::store::S3Store;
use crate::s3::traffic::Meter;

/// Creates and opens stores in S3.
pub(crate) struct S3Factory;

#[async_trait]
impl Factory for S3Factory {
    fn describe(&self) -> Description {
        Description {
            locality: Locality::Elsewhere,
            urls: &["s3://BUCKET[/PREFIX][?OPTION=VALUE&…]"],
            about: "objects of Amazon S3, or of a server that speaks its protocol",
            options: PARAMETERS,
        }
    }

    async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        Opener::default().create(url, options, environment).await
    }

    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        Opener::default().open(url, options, environment).await
    }

    async fn diagnose(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Vec<Diagnosis> {
        diagnose(&Opener::default(), url, options, environment).await
    }
}

/// The objects at an `s3:` URL, for a backend that keeps only plain objects in S3. Sends no request.
///
/// # Errors
/// `Invalid` for a wrong URL or an unknown region, `Denied` without credentials.
pub async fn s3_objects(
    url: &StoreUrl,
    options: &OpenOptions,
    environment: &Environment,
) -> Result<Arc<dyn Objects>> {
    let opener = Opener::default();
    let mut bucket = opener.connect(url, options, environment).await?;
    bucket.patience = opener.patience;
    Ok(Arc::new(S3Objects(bucket)))
}

/// Parameters of an open that neither the URL nor the options have.
pub(super) struct Opener {
    /// In place of the machine's credentials.
    pub(super) credentials: Option<Credentials>,
    /// How long a request is repeated once the store is open.
    pub(super) patience: Duration,
}

impl Default for Opener {
    fn default() -> Self {
        Self { credentials: None, patience: IN_ALL }
    }
}

impl Opener {
    pub(super) async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let bucket = self.connect(url, options, environment).await?;
        let id: [u8; 16] = environment.random();
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
        // In the precision in which it is stored.
        let created = DateTime::from_millis(environment.now().timestamp_millis());
        let identity = Identity { id, created };
        let bytes = identity::create(&bucket, &identity).await?;
        if let Err(error) = probe(&bucket, names::IDENTITY, &bytes).await {
            bucket.delete(names::IDENTITY).await?;
            return Err(error);
        }
        Ok(self.backend(bucket, identity, options))
    }

    pub(super) async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let bucket = self.connect(url, options, environment).await?;
        let asked = environment.clock_time();
        let stored = identity::read(&bucket).await?;
        server::heed_clock(&bucket, asked);
        let identity = Identity::decode(&stored.bytes)?;
        if probe(&bucket, names::IDENTITY, &stored.bytes.clone().into()).await? == Probed::ReadOnly
        {
            tracing::info!("the credentials allow reads of the store, but no writes");
        }
        Ok(self.backend(bucket, identity, options))
    }

    /// A bucket, without a request to it. During an open, the server has `options.lock_timeout` for each
    /// answer.
    async fn connect(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Bucket> {
        let settings = Settings::parse(url)?;
        let meter = Meter::default();
        let connection = Connection::new(&settings, &meter, self.credentials.as_ref()).await;
        if connection.region().is_none() {
            return Err(Error::invalid(format!(
                "unknown region for {settings}; add region=… to the URL, or set AWS_REGION"
            )));
        }
        connection
            .credentials()
            .await
            .map_err(|error| error.about(format_args!("bucket '{}' of {url}", settings.bucket)))?;
        let mut bucket = Bucket::new(connection.client, settings, meter, environment);
        bucket.patience = options.lock_timeout;
        Ok(bucket)
    }

    fn backend(&self, mut bucket: Bucket, identity: Identity, options: &OpenOptions) -> Backend {
        bucket.patience = self.patience;
        let snapshot_policy = bucket.settings.snapshots;
        let info = StoreInfo {
            engine: "s3".into(),
            format: FORMAT,
            id: identity.id,
            created: Some(identity.created),
            location: bucket.settings.to_string(),
            recovered: None,
        };
        let environment = bucket.environment.clone();
        let cache = options.cache.as_ref().filter(|_| bucket.settings.cache);
        let cache = cache.map(|cache| {
            let process: [u8; 8] = environment.random();
            Cache::new(cache, &info.id, process.iter().map(|byte| format!("{byte:02x}")).collect())
        });
        let (bucket, memory) = (Arc::new(bucket), Memory::default());
        let network: Arc<dyn Network> = bucket.clone();
        let store = S3Store { bucket, environment, info, cache, memory };
        let backend = Arc::new(S3Backend::new(store));
        Backend {
            wal: backend.clone(),
            refs: backend.clone(),
            snapshots: backend.clone(),
            materialize: None,
            indexes: None,
            maintenance: backend,
            deferred: None,
            network: Some(network),
            capabilities: Capabilities { durable: true, shared: true },
            snapshot_policy,
            sharing: None,
        }
    }
}
