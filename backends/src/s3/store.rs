//! The objects of an opened store, with copies on disk and in memory.

use std::sync::Arc;

use argon_core::storage::StoreInfo;
use argon_core::{Environment, Error, Result};

use crate::s3::bucket::{Bucket, Object, Wanted};
use crate::s3::cache::Cache;
use crate::s3::memory::Memory;

/// An opened store.
pub(super) struct S3Store {
    pub(super) bucket: Arc<Bucket>,
    pub(super) environment: Environment,
    pub(super) info: StoreInfo,
    pub(super) cache: Option<Cache>,
    pub(super) memory: Memory,
}

impl S3Store {
    /// An object whose `ETag` is known from a listing or a write, from a copy if one exists. `None` if it
    /// is gone; the new content if it has changed. It has about `length` bytes.
    pub(super) async fn get_listed(
        &self,
        name: &str,
        etag: &str,
        length: u64,
    ) -> Result<Option<Object>> {
        let key = copy_key(name, etag);
        if let Some(bytes) = self.cached(&key).await {
            let length = bytes.len() as u64;
            return Ok(Some(Object { bytes, etag: etag.to_owned(), length }));
        }
        let found = self.bucket.get(name, Wanted::Whole(length)).await?;
        if let Some(object) = &found {
            self.keep(&copy_key(name, &object.etag), &object.bytes).await;
        }
        Ok(found)
    }

    /// The same for an object that never changes; a small one is kept in memory too.
    pub(super) async fn get_lasting(
        &self,
        name: &str,
        etag: &str,
        length: u64,
    ) -> Result<Option<Arc<Vec<u8>>>> {
        let key = copy_key(name, etag);
        if let Some(bytes) = self.memory.get(&key) {
            return Ok(Some(bytes));
        }
        let Some(object) = self.get_listed(name, etag, length).await? else { return Ok(None) };
        let bytes = Arc::new(object.bytes);
        self.memory.put(copy_key(name, &object.etag), &bytes);
        Ok(Some(bytes))
    }

    /// A copy in the cache's directory.
    pub(super) async fn cached(&self, key: &str) -> Option<Vec<u8>> {
        match &self.cache {
            Some(cache) => cache.get(key).await,
            None => None,
        }
    }

    /// Removes a copy from the cache's directory.
    pub(super) async fn forget(&self, key: &str) {
        if let Some(cache) = &self.cache {
            cache.remove(key).await;
        }
    }

    /// Keeps a copy in the cache's directory, if one is configured.
    pub(super) async fn keep(&self, key: &str, bytes: &[u8]) {
        if let Some(cache) = &self.cache {
            cache.put(key, bytes).await;
        }
    }
}

/// The key of a copy of an object with this content.
pub(super) fn copy_key(name: &str, etag: &str) -> String {
    format!("{name}\n{etag}")
}

/// Runs long computations on a thread of their own, so that requests don't wait for them.
pub(super) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|ended| {
        if ended.is_panic() {
            std::panic::resume_unwind(ended.into_panic());
        }
        Err(Error::unavailable("the program ends"))
    })
}
