//! Writing objects, and finding out what became of a write whose answer was lost.
//!
//! Every object, however large, is one `PutObject`. Several servers check the condition of that
//! request and ignore it when the parts of an upload are joined (docs/S3.md names them), so the
//! request that decides between two writers is always the one that the probe tries.

use std::sync::atomic::Ordering;

use argon_core::{Error, Result};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use bytes::Bytes;
use futures::FutureExt;

use crate::s3::bucket::{Bucket, Object, Wanted, without_quotes};
use crate::s3::failure::{Failure, Outcome};
use crate::s3::retry::Retry;
use crate::s3::settings::Encryption;

/// What must be there for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PutCondition<'a> {
    /// Nothing.
    Absent,
    /// The object with this `ETag`.
    Match(&'a str),
}

impl PutCondition<'_> {
    /// The value of an `If-Match` header. The quotes belong to it (RFC 9110, 8.8.3), but radosgw
    /// compares with what it has without them.
    pub(super) fn if_match(&self, unquoted: bool) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Match(etag) if unquoted => Some((*etag).to_owned()),
            Self::Match(etag) => Some(format!("\"{etag}\"")),
        }
    }

    /// The value of an `If-None-Match` header.
    pub(super) fn if_none_match(&self) -> Option<String> {
        matches!(self, Self::Absent).then(|| "*".to_owned())
    }
}

/// What came of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Put {
    /// It is done and durable; with its `ETag`, unless it is known only that it was done and another
    /// write came after it.
    Done(Option<String>),
    /// The condition was not met, and nothing was changed.
    Lost,
}

/// What an object that is there says of a write whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteResolution {
    /// The write happened, and this is it.
    Ours,
    /// The write happened, and others since.
    OursBefore,
    /// Another write came first.
    Theirs,
    /// Nothing was written.
    Unchanged,
    /// It can't be told.
    Unknown,
}

/// A conditional write that can be told from those of others.
pub(super) struct Write<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: &'a Bytes,
    pub(super) condition: PutCondition<'a>,
    /// Says of what is there whether it is this write.
    pub(super) resolve_ambiguous: &'a (dyn Fn(Option<&Object>) -> WriteResolution + Sync),
    /// Whether it may still be sent (see `log/fence.rs`).
    pub(super) may_send: &'a (dyn Fn() -> bool + Sync),
}

/// What is known of the attempts so far.
#[derive(Default)]
struct Doubt {
    /// One of them may have happened, and the object was not looked at since.
    open: bool,
    /// One of them had no answer, so it may happen yet.
    silent: bool,
}

impl Bucket {
    /// Writes if the condition is met.
    ///
    /// After an answer that leaves open what happened (none at all, 409, 500, 412 after such a one)
    /// the object is read back. Sending it again is safe, as the condition is what decides.
    ///
    /// # Errors
    /// `Indeterminate` if the server did not answer often enough to tell what happened; with any
    /// other kind nothing was changed.
    pub(super) async fn put(&self, write: &Write<'_>) -> Result<Put> {
        let mut attempts = self.attempts(write.bytes.len() as u64);
        let mut doubt = Doubt::default();
        let what = self.request("put", write.name);
        loop {
            let sent = self.put_once(&what, write.name, write.bytes, Some(write.condition));
            let failure = match attempts.one(&what, sent).await {
                Ok(etag) => return Ok(Put::Done(Some(etag))),
                Err(failure) => failure,
            };
            if let Some(put) = self.settle(&what, write, &failure, &mut doubt).await? {
                return Ok(put);
            }
            self.next_attempt(&what, &mut attempts, write, failure, &doubt).await?;
        }
    }

    /// Writes an object whose name determines what it holds, unless there is one of that name: whose it
    /// is does not matter.
    ///
    /// # Errors
    /// Those of [`put`](Self::put).
    pub(super) async fn put_unless_there(&self, name: &str, bytes: &Bytes) -> Result<Put> {
        let resolve_ambiguous = |found: Option<&Object>| match found {
            None => WriteResolution::Unchanged,
            Some(_) => WriteResolution::Theirs,
        };
        self.put(&Write {
            name,
            bytes,
            condition: PutCondition::Absent,
            resolve_ambiguous: &resolve_ambiguous,
            may_send: &|| true,
        })
        .await
    }

    /// What came of the write, if that can be told after this failure.
    async fn settle(
        &self,
        what: &str,
        write: &Write<'_>,
        failure: &Failure,
        doubt: &mut Doubt,
    ) -> Result<Option<Put>> {
        let first = !doubt.open && !doubt.silent;
        match failure.outcome {
            Outcome::Busy => return Ok(None),
            Outcome::Refused if first => return Ok(None),
            // Nothing of ours is there, and the writer reads what is.
            Outcome::Condition if first && write.condition == PutCondition::Absent => {
                return Ok(Some(Put::Lost));
            }
            Outcome::Failed | Outcome::Silent => {
                doubt.open = true;
                doubt.silent |= failure.outcome == Outcome::Silent;
            }
            Outcome::Refused | Outcome::Condition | Outcome::Missing => {}
        }
        let wanted = Wanted::Whole(write.bytes.len() as u64);
        let Ok(found) = self.get(write.name, wanted).await else { return Ok(None) };
        let refused = matches!(failure.outcome, Outcome::Condition | Outcome::Missing);
        match (write.resolve_ambiguous)(found.as_ref()) {
            WriteResolution::Unchanged if refused && first => self.other_quotes(write, failure),
            _ if refused && first => Ok(Some(Put::Lost)),
            WriteResolution::Ours => Ok(Some(Put::Done(found.map(|object| object.etag)))),
            WriteResolution::OursBefore => Ok(Some(Put::Done(None))),
            WriteResolution::Theirs => Ok(Some(Put::Lost)),
            WriteResolution::Unchanged => {
                doubt.open = false;
                Ok(None)
            }
            WriteResolution::Unknown => Err(indeterminate(what)),
        }
    }

    /// The condition was refused although it holds: the server may want its `ETag` without quotes.
    fn other_quotes(&self, write: &Write<'_>, failure: &Failure) -> Result<Option<Put>> {
        let quoted = !self.unquoted.swap(true, Ordering::Relaxed);
        if quoted && matches!(write.condition, PutCondition::Match(_)) {
            tracing::debug!("the server takes ETags without quotes");
            return Ok(None);
        }
        Err(Error::unsupported(format!(
            "the server refuses a condition that holds ({}), so it can't keep a store",
            failure.error
        )))
    }

    /// Waits until the write may be sent again.
    async fn next_attempt(
        &self,
        what: &str,
        attempts: &mut Retry,
        write: &Write<'_>,
        failure: Failure,
        doubt: &Doubt,
    ) -> Result<()> {
        let again = match failure.outcome {
            Outcome::Refused => false,
            _ => attempts.again().await,
        };
        if again && (write.may_send)() {
            return Ok(());
        }
        if doubt.open || doubt.silent {
            return Err(indeterminate(what).with_source(failure.error));
        }
        Err(failure.error)
    }

    /// Writes an object whose name says what is in it, or one of which the last writer is right.
    pub(super) async fn put_always(&self, name: &str, bytes: &Bytes) -> Result<String> {
        let mut attempts = self.attempts(bytes.len() as u64);
        let what = self.request("put", name);
        loop {
            match attempts.one(&what, self.put_once(&what, name, bytes, None)).await {
                Ok(etag) => return Ok(etag),
                Err(failure) if !failure.outcome.may_pass() => return Err(failure.error),
                Err(failure) => {
                    if !attempts.again().await {
                        return Err(failure.error);
                    }
                }
            }
        }
    }

    /// Sends a write once; gives its `ETag`. The bytes are shared with the request, not copied: a segment
    /// may have a gigabyte.
    pub(super) async fn put_once(
        &self,
        what: &str,
        name: &str,
        bytes: &Bytes,
        condition: Option<PutCondition<'_>>,
    ) -> Result<String, Failure> {
        let answer = self.put_request(name, bytes, condition).send().boxed().await;
        let answer = answer.map_err(|error| Failure::of(what, &error))?;
        Ok(without_quotes(answer.e_tag))
    }

    /// The request that writes.
    pub(super) fn put_request(
        &self,
        name: &str,
        bytes: &Bytes,
        condition: Option<PutCondition<'_>>,
    ) -> PutObjectFluentBuilder {
        let unquoted = self.unquoted.load(Ordering::Relaxed);
        let (encryption, key) = self.encryption();
        let request = self.client.put_object().bucket(&self.settings.bucket).key(self.key(name));
        request
            .body(ByteStream::from(bytes.clone()))
            .set_if_match(condition.and_then(|condition| condition.if_match(unquoted)))
            .set_if_none_match(condition.and_then(|condition| condition.if_none_match()))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key)
    }

    /// How objects are to be encrypted.
    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.settings.encryption {
            None => (None, None),
            Some(Encryption::Aes256) => (Some(ServerSideEncryption::Aes256), None),
            Some(Encryption::Kms(key)) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        }
    }
}

fn indeterminate(what: &str) -> Error {
    Error::indeterminate(format!(
        "the server did not say whether the write happened ({what}); look before you try again"
    ))
}
