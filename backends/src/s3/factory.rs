//! Making and opening stores.

use std::sync::Arc;

use argon_core::storage::{Backend, Capabilities, Diagnosis, Factory, OpenOptions, StoreInfo, StoreUrl};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;

use crate::s3::bucket::Bucket;
use crate::s3::cache::Cache;
use crate::s3::connect::Connection;
use crate::s3::diagnose::diagnose;
use crate::s3::identity::{FORMAT, Identity};
use crate::s3::log::{Log, S3Wal};
use crate::s3::maintenance::S3Maintenance;
use crate::s3::memory::Memory;
use crate::s3::names;
use crate::s3::refs::S3Refs;
use crate::s3::settings::Settings;
use crate::s3::snapshots::S3Snapshots;
use crate::s3::store::S3Store;
use crate::s3::traffic::Meter;

/// Makes and opens stores in S3.
pub(crate) struct S3Factory;

#[async_trait]
impl Factory for S3Factory {
    async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let bucket = connect(url, options, environment).await?;
        let id: [u8; 16] = environment.random();
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let identity = Identity { id, created: environment.now() };
        let bytes = bucket.make_identity(&identity).await?;
        if let Err(error) = bucket.probe(&bytes).await {
            bucket.delete(names::IDENTITY).await?;
            return Err(error);
        }
        Ok(backend(bucket, identity, options, environment))
    }

    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend> {
        let bucket = connect(url, options, environment).await?;
        let stored = bucket.identity().await?;
        let identity = Identity::decode(&stored.bytes)?;
        bucket.probe(&stored.bytes).await?;
        Ok(backend(bucket, identity, options, environment))
    }

    async fn diagnose(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Vec<Diagnosis> {
        diagnose(url, options, environment).await
    }
}

/// A bucket that has answered nothing yet. While a store is opened, the server has
/// `options.lock_timeout` for each answer.
async fn connect(
    url: &StoreUrl,
    options: &OpenOptions,
    environment: &Environment,
) -> Result<Bucket> {
    let settings = Settings::parse(url)?;
    let meter = Meter::default();
    let connection = Connection::new(&settings, &meter).await;
    if connection.region().is_none() {
        return Err(Error::invalid(
            "no region is known; add region=… to the URL, or set AWS_REGION",
        ));
    }
    connection.credentials().await?;
    let mut bucket = Bucket::new(connection.client, settings, meter, environment);
    bucket.patience = options.lock_timeout;
    Ok(bucket)
}

fn backend(
    mut bucket: Bucket,
    identity: Identity,
    options: &OpenOptions,
    environment: &Environment,
) -> Backend {
    bucket.patience = crate::s3::attempts::IN_ALL;
    let snapshot_policy = bucket.settings.snapshots;
    let info = StoreInfo {
        engine: "s3".into(),
        format: FORMAT,
        id: identity.id,
        created: Some(identity.created),
        location: bucket.settings.to_string(),
        recovered: None,
    };
    let cache = options.cache.as_ref().filter(|_| bucket.settings.cache);
    let cache = cache.map(|cache| {
        let process: [u8; 8] = environment.random();
        Cache::new(cache, &info.id, process.iter().map(|byte| format!("{byte:02x}")).collect())
    });
    let environment = environment.clone();
    let store = S3Store { bucket, environment, info, cache, memory: Memory::default() };
    let store = Arc::new(store);
    let log = Arc::new(Log::new(store.clone()));
    Backend {
        wal: Arc::new(S3Wal(log.clone())),
        refs: Arc::new(S3Refs::new(store.clone())),
        snapshots: Arc::new(S3Snapshots::new(store.clone())),
        materialize: None,
        maintenance: Arc::new(S3Maintenance { store, log }),
        capabilities: Capabilities { durable: true, shared: true },
        snapshot_policy,
    }
}
