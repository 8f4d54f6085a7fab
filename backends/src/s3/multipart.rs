//! Writing large objects in parts.

use argon_core::Result;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::s3::bucket::{Bucket, without_quotes};
use crate::s3::failure::Failure;
use crate::s3::put::Condition;

/// Objects of more bytes are written in parts.
pub(super) const ABOVE: usize = 16 * 1024 * 1024;

/// The bytes of a part; the last one may have fewer. S3 takes 10,000 parts, and a segment has at
/// most 1 GiB.
const PART: usize = 8 * 1024 * 1024;

/// How many parts are sent at once.
const AT_ONCE: usize = 4;

impl Bucket {
    /// Sends an object in parts; the condition is checked when all are there. Nothing is seen of it
    /// before that, and the parts are given up if something fails.
    pub(super) async fn put_in_parts(
        &self,
        what: &str,
        name: &str,
        bytes: &[u8],
        condition: Option<Condition<'_>>,
    ) -> Result<String, Failure> {
        let (encryption, key) = self.encryption();
        let request = self.client.create_multipart_upload().bucket(&self.settings.bucket);
        let answer = request
            .key(self.key(name))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key)
            .send()
            .boxed()
            .await
            .map_err(|error| Failure::of(what, &error).before_it_counts())?;
        let upload = answer.upload_id.unwrap_or_default();
        let sent = async {
            let parts = self.send_parts(what, name, &upload, bytes).await;
            let parts = parts.map_err(Failure::before_it_counts)?;
            self.complete(what, name, &upload, parts, condition).await
        };
        let sent = sent.await;
        if sent.is_err() {
            self.abort(name, &upload).await;
        }
        sent
    }

    async fn send_parts(
        &self,
        what: &str,
        name: &str,
        upload: &str,
        bytes: &[u8],
    ) -> Result<Vec<CompletedPart>, Failure> {
        let parts: Vec<_> = (1_i32..)
            .zip(bytes.chunks(PART))
            .map(|(number, part)| self.send_part(what, name, upload, number, part))
            .collect();
        stream::iter(parts).buffered(AT_ONCE).try_collect().await
    }

    async fn send_part(
        &self,
        what: &str,
        name: &str,
        upload: &str,
        number: i32,
        part: &[u8],
    ) -> Result<CompletedPart, Failure> {
        let mut attempts = self.attempts(part.len() as u64);
        loop {
            let request = self.client.upload_part().bucket(&self.settings.bucket);
            let request = request
                .key(self.key(name))
                .upload_id(upload)
                .part_number(number)
                .body(ByteStream::from(part.to_vec()));
            let sent =
                async { request.send().boxed().await.map_err(|error| Failure::of(what, &error)) };
            match attempts.one(what, sent).await {
                Ok(answer) => {
                    let part = CompletedPart::builder().part_number(number);
                    let part = part.set_checksum_crc32(answer.checksum_crc32);
                    return Ok(part.set_e_tag(answer.e_tag).build());
                }
                Err(failure) if !failure.outcome.may_pass() => return Err(failure),
                Err(failure) => {
                    if !attempts.again().await {
                        return Err(failure);
                    }
                }
            }
        }
    }

    async fn complete(
        &self,
        what: &str,
        name: &str,
        upload: &str,
        parts: Vec<CompletedPart>,
        condition: Option<Condition<'_>>,
    ) -> Result<String, Failure> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.settings.bucket);
        let answer = request
            .key(self.key(name))
            .upload_id(upload)
            .multipart_upload(parts)
            .set_if_match(condition.and_then(|condition| condition.if_match(false)))
            .set_if_none_match(condition.and_then(|condition| condition.if_none_match()))
            .send()
            .boxed()
            .await
            .map_err(|error| Failure::of(what, &error).of_an_upload())?;
        Ok(without_quotes(answer.e_tag))
    }

    /// Gives up the parts. If that fails, `compact` finds them, or the bucket's lifecycle rule.
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
        let answer = answer.map_err(|error| Failure::of("list uploads", &error).error)?;
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
