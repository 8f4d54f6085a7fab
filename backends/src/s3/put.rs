//! Conditional writes, and how a write whose answer was lost is resolved.
//!
//! Every object, however large, is one `PutObject`. Several servers check the condition of that
//! request and ignore it when the parts of an upload are joined (docs/S3.md names them), so the
//! request that decides between two writers is always the one that the probe tries.

use std::sync::atomic::Ordering;

use argon_core::{Error, Result};
use bytes::Bytes;

use crate::s3::bucket::{Bucket, Object, Wanted};
use crate::s3::condition::PutCondition;
use crate::s3::failure::{Failure, Outcome};
use crate::s3::retry::Retry;

/// The result of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Put {
    /// It is done and durable; with its `ETag`, unless another write came after it.
    Done(Option<String>),
    /// The condition was not met, and nothing was changed.
    Lost,
}

/// What the object that is there shows about a write whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteResolution {
    /// The object is the one that was written.
    Ours,
    /// The write happened, and others after it.
    OursBefore,
    /// Another write came first.
    Theirs,
    /// Nothing was written.
    Unchanged,
    /// The object does not show it.
    Unknown,
}

/// Resolves an ambiguous write by the object that is there.
type Resolver<'a> = &'a (dyn Fn(Option<&Object>) -> WriteResolution + Sync);

/// A conditional write.
pub(super) struct Write<'a> {
    name: &'a str,
    bytes: &'a Bytes,
    condition: PutCondition<'a>,
    /// In place of the comparison of bytes.
    resolver: Option<Resolver<'a>>,
    /// Whether it may still be sent.
    may_send: Option<&'a (dyn Fn() -> bool + Sync)>,
}

/// The doubt that earlier attempts leave.
#[derive(Default)]
struct Doubt {
    /// One of them may have happened, and the object was not read since.
    open: bool,
    /// One of them had no answer, so it may still happen.
    silent: bool,
}

/// Writes an object unless one of that name is there, whoever wrote it: the name determines the content.
/// After an ambiguous answer, an object that is there counts as another writer's.
///
/// # Errors
/// Those of [`Write::put`].
pub(super) async fn put_unless_there(bucket: &Bucket, name: &str, bytes: &Bytes) -> Result<Put> {
    let resolver = |found: Option<&Object>| match found {
        None => WriteResolution::Unchanged,
        Some(_) => WriteResolution::Theirs,
    };
    Write::new(name, bytes, PutCondition::Absent).resolved_by(&resolver).put(bucket).await
}

impl<'a> Write<'a> {
    /// A write that no other writer sends with the same bytes.
    pub(super) fn new(name: &'a str, bytes: &'a Bytes, condition: PutCondition<'a>) -> Self {
        Self { name, bytes, condition, resolver: None, may_send: None }
    }

    /// Resolves an ambiguous answer by something else than the bytes of the object.
    pub(super) fn resolved_by(self, resolver: Resolver<'a>) -> Self {
        Self { resolver: Some(resolver), ..self }
    }

    /// Sends no further attempt once this is false (see `log/fence.rs`).
    pub(super) fn only_while(self, may_send: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { may_send: Some(may_send), ..self }
    }

    /// Writes if the condition is met.
    ///
    /// After an ambiguous answer (none at all, 409, 500, 412 after such a one) the object is read back.
    /// Another attempt is safe, as the condition decides.
    ///
    /// # Errors
    /// `Indeterminate` if the server did not answer often enough to resolve the write; with any other
    /// kind nothing was changed.
    pub(super) async fn put(&self, bucket: &Bucket) -> Result<Put> {
        let mut attempts = bucket.retry(self.bytes.len() as u64);
        let mut doubt = Doubt::default();
        let what = bucket.request("put", self.name);
        loop {
            let sent = bucket.put_once(&what, self.name, self.bytes, Some(self.condition));
            let failure = match attempts.one(&what, sent).await {
                Ok(etag) => return Ok(Put::Done(Some(etag))),
                Err(failure) => failure,
            };
            if let Some(put) = self.settle(bucket, &what, &failure, &mut doubt).await? {
                return Ok(put);
            }
            self.next_attempt(&what, &mut attempts, failure, &doubt).await?;
        }
    }

    /// The result after a failed attempt; `None` if another attempt may decide it.
    async fn settle(
        &self,
        bucket: &Bucket,
        what: &str,
        failure: &Failure,
        doubt: &mut Doubt,
    ) -> Result<Option<Put>> {
        let first = !doubt.open && !doubt.silent;
        match failure.outcome {
            Outcome::Busy => return Ok(None),
            Outcome::Refused if first => return Ok(None),
            // No attempt of this write can be there, and the writer reads the object that is.
            Outcome::Condition if first && self.condition == PutCondition::Absent => {
                return Ok(Some(Put::Lost));
            }
            Outcome::Failed | Outcome::Silent => {
                doubt.open = true;
                doubt.silent |= failure.outcome == Outcome::Silent;
            }
            Outcome::Refused | Outcome::Condition | Outcome::Missing => {}
        }
        let wanted = Wanted::Whole(self.bytes.len() as u64);
        let Ok(found) = bucket.get(self.name, wanted).await else { return Ok(None) };
        let refused = matches!(failure.outcome, Outcome::Condition | Outcome::Missing);
        match self.resolve(found.as_ref()) {
            WriteResolution::Unchanged if refused && first => self.other_quotes(bucket, failure),
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

    fn resolve(&self, found: Option<&Object>) -> WriteResolution {
        if let Some(resolver) = self.resolver {
            return resolver(found);
        }
        match (found, self.condition) {
            (None, PutCondition::Absent) => WriteResolution::Unchanged,
            (Some(object), _) if object.bytes == *self.bytes => WriteResolution::Ours,
            (Some(object), PutCondition::Match(etag)) if object.etag == etag => {
                WriteResolution::Unchanged
            }
            _ => WriteResolution::Theirs,
        }
    }

    /// Tries the other form of `ETag` after a condition that holds was refused: the server may want it
    /// without quotes.
    fn other_quotes(&self, bucket: &Bucket, failure: &Failure) -> Result<Option<Put>> {
        let quoted = !bucket.unquoted.swap(true, Ordering::Relaxed);
        if quoted && matches!(self.condition, PutCondition::Match(_)) {
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
        failure: Failure,
        doubt: &Doubt,
    ) -> Result<()> {
        let again = failure.outcome != Outcome::Refused && attempts.again().await;
        if again && self.may_send.is_none_or(|may_send| may_send()) {
            return Ok(());
        }
        if doubt.open || doubt.silent {
            return Err(indeterminate(what).with_source(failure.error));
        }
        Err(failure.error)
    }
}

fn indeterminate(what: &str) -> Error {
    Error::indeterminate(format!(
        "it is unknown whether the write happened, as the server did not answer ({what}); check before you \
         try again"
    ))
}
