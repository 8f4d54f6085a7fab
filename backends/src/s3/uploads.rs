//! Uploads in parts, which earlier versions of Argon made of objects above 16 MiB: what they left.

use argon_core::Result;
use futures::FutureExt;

use crate::s3::bucket::Bucket;
use crate::s3::failure::Failure;

impl Bucket {
    /// Gives up the parts of an upload that never ended. If that fails, a later `compact` finds them,
    /// or the bucket's lifecycle rule.
    async fn abort(&self, name: &str, upload: &str) {
        let request = self.client.abort_multipart_upload().bucket(&self.settings.bucket);
        if request.key(self.key(name)).upload_id(upload).send().boxed().await.is_err() {
            tracing::warn!(name, "the parts of an upload that failed are left over");
        }
    }

    /// Gives up the parts of uploads that were begun before a time, in seconds since 1970.
    pub(super) async fn abort_uploads_before(&self, time: i64) -> Result<()> {
        let request = self.client.list_multipart_uploads().bucket(&self.settings.bucket);
        let answer = request.prefix(&self.settings.prefix).send().boxed().await;
        let what = self.request("list uploads", "");
        let answer = answer.map_err(|error| Failure::of(&what, &error).error)?;
        for upload in answer.uploads.unwrap_or_default() {
            let old = upload.initiated.is_some_and(|begun| begun.secs() < time);
            if let (true, Some(key), Some(id)) = (old, upload.key, upload.upload_id) {
                let name = key.strip_prefix(&self.settings.prefix).unwrap_or(&key);
                self.abort(name, &id).await;
            }
        }
        Ok(())
    }
}
