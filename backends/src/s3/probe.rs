//! The probe: whether the server keeps conditions. It leaves nothing behind.
//!
//! An object (`argon.json`) is written with the bytes that it has, once on condition that it does not
//! exist, and once on condition that it has another `ETag`. The server must refuse both. A server that
//! ignores conditions writes the same bytes again, which does no harm and shows it.

use argon_core::{Error, Result};
use bytes::Bytes;
use futures::future::join;

use crate::s3::bucket::Bucket;
use crate::s3::condition::PutCondition;
use crate::s3::failure::Outcome;

/// An `ETag` that no content has.
const NO_ETAG: &str = "argon-probe-00000000000000000000";

/// The result of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probed {
    /// The server keeps conditions.
    Kept,
    /// The credentials allow no writes, so no writes can be lost.
    ReadOnly,
}

/// Tries both conditions at once on an object with this content.
///
/// # Errors
/// `Unsupported`, naming the condition that the server ignores.
pub(super) async fn probe(bucket: &Bucket, name: &str, content: &Bytes) -> Result<Probed> {
    let absent = refuses(bucket, name, content, PutCondition::Absent, "If-None-Match: *");
    let matching = refuses(bucket, name, content, PutCondition::Match(NO_ETAG), "If-Match");
    // Waits for both: one that is still on its way when the other fails would arrive after the
    // caller's reaction to that.
    let (absent, matching) = join(absent, matching).await;
    let (absent, matching) = (absent?, matching?);
    let denied = Probed::ReadOnly;
    Ok(if absent == denied || matching == denied { denied } else { Probed::Kept })
}

async fn refuses(
    bucket: &Bucket,
    name: &str,
    content: &Bytes,
    condition: PutCondition<'_>,
    called: &str,
) -> Result<Probed> {
    let mut attempts = bucket.retry(0);
    let what = bucket.request("probe", name);
    loop {
        let sent = bucket.put_once(&what, name, content, Some(condition));
        let Err(failure) = attempts.one(&what, sent).await else {
            return Err(ignored(called, &what));
        };
        match failure.outcome {
            Outcome::Condition => return Ok(Probed::Kept),
            Outcome::Refused if failure.error.kind() == argon_core::ErrorKind::Denied => {
                return Ok(Probed::ReadOnly);
            }
            outcome if outcome.may_pass() && attempts.again().await => {}
            outcome if outcome.may_pass() => return Err(failure.error),
            _ => return Err(ignored(called, &what).with_source(failure.error)),
        }
    }
}

fn ignored(condition: &str, what: &str) -> Error {
    Error::unsupported(format!(
        "the server ignores the condition '{condition}' of a write ({what}), so that two writers would \
         overwrite each other; use a server that keeps it (recent versions of Amazon S3, MinIO, \
         Cloudflare R2 and Ceph do)"
    ))
}
