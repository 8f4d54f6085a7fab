//! Plain objects under a prefix, for a backend that keeps nothing else in S3.

use argon_core::Result;
use argon_core::storage::{Network, ObjectInfo, Objects};
use async_trait::async_trait;
use bson::DateTime;

use crate::s3::bucket::{Bucket, Wanted};

/// [`Objects`] in a bucket.
pub(super) struct S3Objects(pub(super) Bucket);

#[async_trait]
impl Objects for S3Objects {
    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        self.0.put_always(name, &bytes.into()).await.map(drop)
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(name, Wanted::Whole(0)).await?.map(|object| object.bytes))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        let listed = self.0.list_all(prefix).await?.into_iter();
        let info = listed.map(|object| ObjectInfo {
            name: object.name,
            bytes: object.length,
            modified: DateTime::from_millis(object.modified.saturating_mul(1000)),
        });
        Ok(info.collect())
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.0.delete(name).await
    }

    fn location(&self) -> String {
        self.0.settings.to_string()
    }

    fn network(&self) -> Option<&dyn Network> {
        Some(&self.0)
    }
}
