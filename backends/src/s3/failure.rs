//! The meaning of failed requests.

use std::error::Error as _;
use std::fmt::Display;
use std::io;

use argon_core::{Error, ErrorKind, Hint};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// A request that did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) outcome: Outcome,
    /// The caller's error after the last attempt; never `Indeterminate`.
    pub(super) error: Error,
}

/// The knowledge after a [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The condition of a write was not met; nothing was changed by this request.
    Condition,
    /// The named object does not exist.
    Missing,
    /// The server refuses this request for good; nothing was changed.
    Refused,
    /// The server refused for now, or the request never reached it; nothing was changed.
    Busy,
    /// The server answered that it failed: a write may have happened, and can't happen any more.
    Failed,
    /// No answer came: a write may have happened, or may still happen.
    Silent,
}

impl Outcome {
    /// Whether the same request may succeed later.
    pub(super) fn may_pass(self) -> bool {
        matches!(self, Self::Busy | Self::Failed | Self::Silent)
    }
}

impl Failure {
    /// No answer within the time of an attempt.
    pub(super) fn timeout(what: &str) -> Self {
        let error = Error::unavailable(format!("the server did not answer in time ({what})"));
        Self { outcome: Outcome::Silent, error }
    }

    /// An answer with an incomplete body.
    pub(super) fn broken(what: &str, source: impl Display) -> Self {
        let error = Error::unavailable(format!("an answer of the server is incomplete ({what})"))
            .with_source(source.to_string());
        Self { outcome: Outcome::Silent, error }
    }

    /// The meaning of an error of the SDK; `what` names the request in the message.
    ///
    /// The SDK's error is not the source: its debug form has the answer's body, in which servers repeat
    /// the access key.
    pub(super) fn of<E>(what: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let metadata = service.err().meta();
                let region = service.raw().headers().get("x-amz-bucket-region");
                let status = service.raw().status().as_u16();
                answered(what, status, metadata.code(), metadata.message(), region)
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                let region = response.raw().headers().get("x-amz-bucket-region");
                if (400..600).contains(&status) {
                    return answered(what, status, None, None, region);
                }
                let error = Error::unavailable(format!(
                    "the answer of the server is not one of S3 ({what}, status {status})"
                ));
                Self { outcome: Outcome::Silent, error }
            }
            SdkError::TimeoutError(_) => Self::timeout(what),
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().map(|error| root(error));
                let (outcome, cause) = cause.unwrap_or((Outcome::Silent, String::new()));
                let error = Error::unavailable(format!("the server can't be reached ({what})"));
                Self { outcome, error: error.with_source(cause) }
            }
            _ => {
                let cause = error.source().map(root).map(|(_, cause)| cause).unwrap_or_default();
                let error = Error::invalid(format!("a request can't be made ({what})"));
                Self { outcome: Outcome::Refused, error: error.with_source(cause) }
            }
        }
    }
}

/// The deepest cause as text, and `Busy` if it kept the request from the server.
fn root(error: &(dyn std::error::Error + 'static)) -> (Outcome, String) {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let refused = deepest.downcast_ref::<io::Error>().is_some_and(|error| {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
        matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
    });
    (if refused { Outcome::Busy } else { Outcome::Silent }, deepest.to_string())
}

/// The meaning of an answer with this status.
fn answered(
    what: &str,
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    region: Option<&str>,
) -> Failure {
    let name = code.map_or_else(|| format!("status {status}"), str::to_owned);
    let (outcome, kind, problem) = meaning(status, code, region);
    let context = match problem {
        Some(problem) => format!("{problem} ({what}: {name})"),
        None => format!("the server refused ({what}: {name})"),
    };
    let mut error = Error::new(kind, context);
    if kind == ErrorKind::Denied {
        // Messages about signatures and keys repeat what was sent.
        error = error.with_hint(Hint::Diagnose);
    } else if let Some(message) = message {
        error = error.with_source(message.to_owned());
    }
    Failure { outcome, error }
}

type Meaning = (Outcome, ErrorKind, Option<String>);

fn meaning(status: u16, code: Option<&str>, region: Option<&str>) -> Meaning {
    let said = |outcome, kind, problem: &str| (outcome, kind, Some(problem.to_owned()));
    match code.unwrap_or_default() {
        "NoSuchBucket" => {
            return said(Outcome::Refused, ErrorKind::NotFound, "the bucket does not exist");
        }
        "RequestTimeTooSkewed" => {
            let problem =
                "the clock of this machine is off by more than the server allows; set the clock";
            return said(Outcome::Refused, ErrorKind::Denied, problem);
        }
        "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
            let problem = "the session of the credentials has ended; get new ones";
            return said(Outcome::Refused, ErrorKind::Denied, problem);
        }
        "EntityTooLarge" | "MaxMessageLengthExceeded" => return too_large(),
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            return elsewhere(region);
        }
        "SlowDown"
        | "RequestTimeout"
        | "BadDigest"
        | "XAmzContentSHA256Mismatch"
        | "XAmzContentChecksumMismatch"
        | "InvalidDigest"
        | "IncompleteBody" => {
            return (Outcome::Busy, ErrorKind::Unavailable, None);
        }
        _ => {}
    }
    match status {
        301 => elsewhere(region),
        307 | 408 | 425 | 429 => (Outcome::Busy, ErrorKind::Unavailable, None),
        404 => (Outcome::Missing, ErrorKind::NotFound, None),
        413 => too_large(),
        412 => (Outcome::Condition, ErrorKind::Conflict, None),
        401 | 403 => said(Outcome::Refused, ErrorKind::Denied, "the credentials don't allow this"),
        501 => {
            let problem = "the server lacks something that Argon needs";
            said(Outcome::Refused, ErrorKind::Unsupported, problem)
        }
        // After 409 the other writer of a conflict may still fail, so no winner is known.
        409 | 500.. => (Outcome::Failed, ErrorKind::Unavailable, None),
        _ => (Outcome::Refused, ErrorKind::Invalid, None),
    }
}

fn too_large() -> Meaning {
    let problem = "the server, or a proxy before it, refuses an object of this size in one request; \
                   raise its limit, or change less in one commit";
    (Outcome::Refused, ErrorKind::Unsupported, Some(problem.to_owned()))
}

fn elsewhere(region: Option<&str>) -> Meaning {
    let problem = match region {
        Some(region) => {
            format!("the bucket is in the region {region}; add region={region} to the URL")
        }
        None => "the bucket is in another region; add region=… to the URL".to_owned(),
    };
    (Outcome::Refused, ErrorKind::Invalid, Some(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, code: &str) -> Failure {
        answered("get x", status, Some(code), Some("about AKIAEXAMPLE"), Some("eu-west-1"))
    }

    #[test]
    fn the_kind_tells_the_caller_what_to_do() {
        for (status, code, kind, outcome) in [
            (404, "NoSuchBucket", ErrorKind::NotFound, Outcome::Refused),
            (404, "NoSuchKey", ErrorKind::NotFound, Outcome::Missing),
            (403, "AccessDenied", ErrorKind::Denied, Outcome::Refused),
            (403, "RequestTimeTooSkewed", ErrorKind::Denied, Outcome::Refused),
            (400, "ExpiredToken", ErrorKind::Denied, Outcome::Refused),
            (400, "AuthorizationHeaderMalformed", ErrorKind::Invalid, Outcome::Refused),
            (400, "BadDigest", ErrorKind::Unavailable, Outcome::Busy),
            (503, "SlowDown", ErrorKind::Unavailable, Outcome::Busy),
            (503, "ServiceUnavailable", ErrorKind::Unavailable, Outcome::Failed),
            (500, "InternalError", ErrorKind::Unavailable, Outcome::Failed),
            (409, "ConditionalRequestConflict", ErrorKind::Unavailable, Outcome::Failed),
            (412, "PreconditionFailed", ErrorKind::Conflict, Outcome::Condition),
            (501, "NotImplemented", ErrorKind::Unsupported, Outcome::Refused),
            (400, "EntityTooLarge", ErrorKind::Unsupported, Outcome::Refused),
            (413, "", ErrorKind::Unsupported, Outcome::Refused),
        ] {
            let failure = of(status, code);
            assert_eq!((failure.error.kind(), failure.outcome), (kind, outcome), "{code}");
        }
    }

    #[test]
    fn an_error_about_credentials_does_not_repeat_them() {
        for code in ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"] {
            let error = of(403, code).error;
            assert!(!format!("{error:?}").contains("AKIA"), "{error:?}");
            assert!(error.to_string().contains(code), "{error}");
        }
    }

    #[test]
    fn a_bucket_elsewhere_is_said_to_be_where_the_server_says() {
        let error = of(301, "PermanentRedirect").error;
        assert!(error.to_string().contains("region=eu-west-1"), "{error}");
    }
}
