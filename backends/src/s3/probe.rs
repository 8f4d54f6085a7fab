//! Whether the server keeps conditions, asked without leaving anything behind.
//!
//! `argon.json` is written with the very bytes that it has, once on condition that there is none, and
//! once on condition that it has another `ETag`. Both must be refused. A server that ignores
//! conditions writes what was there already, so no harm is done, and is found out.

use argon_core::{Error, Result};
use bytes::Bytes;
use futures::future::join;

use crate::s3::bucket::Bucket;
use crate::s3::failure::Outcome;
use crate::s3::names::IDENTITY;
use crate::s3::put::PutCondition;

/// An `ETag` that no content has.
const NO_ETAG: &str = "argon-probe-00000000000000000000";

/// What came of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probed {
    /// The server keeps conditions.
    Kept,
    /// Nothing may be written, so there is nothing to lose.
    ReadOnly,
}

impl Bucket {
    /// Tries both conditions at once; `identity` is what `argon.json` has in it.
    ///
    /// # Errors
    /// `Unsupported`, naming the condition that the server does not keep.
    pub(super) async fn probe(&self, identity: &Bytes) -> Result<Probed> {
        self.keeps_conditions(IDENTITY, identity).await
    }

    /// The same with any object, which has `content` in it.
    pub(super) async fn keeps_conditions(&self, name: &str, content: &Bytes) -> Result<Probed> {
        let absent = self.refuses(name, content, PutCondition::Absent, "If-None-Match: *");
        let matching = self.refuses(name, content, PutCondition::Match(NO_ETAG), "If-Match");
        // Both are waited for: one that is still on its way when the other fails would come after
        // whatever is done about that.
        let (absent, matching) = join(absent, matching).await;
        let (absent, matching) = (absent?, matching?);
        let denied = Probed::ReadOnly;
        Ok(if absent == denied || matching == denied { denied } else { Probed::Kept })
    }

    async fn refuses(
        &self,
        name: &str,
        content: &Bytes,
        condition: PutCondition<'_>,
        called: &str,
    ) -> Result<Probed> {
        let mut attempts = self.attempts(0);
        let what = self.request("probe", name);
        loop {
            let sent = self.put_once(&what, name, content, Some(condition));
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
}

fn ignored(condition: &str, what: &str) -> Error {
    Error::unsupported(format!(
        "the server does not keep the condition '{condition}' of a write ({what}), without which two \
         writers would overwrite each other; Argon needs a server that does (Amazon S3, MinIO, \
         Cloudflare R2, Ceph do in recent versions)"
    ))
}
