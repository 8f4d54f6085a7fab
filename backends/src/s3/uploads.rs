//! Unfinished uploads in parts, which earlier versions of Argon left: they wrote objects above 16 MiB so.

use argon_core::Result;
use futures::FutureExt;

use crate::s3::bucket::Bucket;
use crate::s3::failure::Failure;

/// Aborts the uploads that began before a time, in seconds since 1970. If one can't be aborted, a later
/// call finds it again, or the bucket's lifecycle rule does.
pub(super) async fn abort_before(bucket: &Bucket, time: i64) -> Result<()> {
    let request = bucket.client.list_multipart_uploads().bucket(&bucket.settings.bucket);
    let answer = request.prefix(&bucket.settings.prefix).send().boxed().await;
    let what = bucket.request("list uploads", "");
    let answer = answer.map_err(|error| Failure::of(&what, &error).error)?;
    for upload in answer.uploads.unwrap_or_default() {
        let old = upload.initiated.is_some_and(|begun| begun.secs() < time);
        if let (true, Some(key), Some(id)) = (old, upload.key, upload.upload_id) {
            let request = bucket.client.abort_multipart_upload().bucket(&bucket.settings.bucket);
            if request.key(&key).upload_id(id).send().boxed().await.is_err() {
                tracing::warn!(key, "an unfinished upload can't be aborted");
            }
        }
    }
    Ok(())
}
