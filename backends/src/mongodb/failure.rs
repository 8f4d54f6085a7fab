//! The meaning of the driver's errors for a caller. The driver's own messages are never shown
//! unchanged: they contain the server's whole reply, or parts of a URL.

use std::fmt;

use argon_core::{Error, ErrorKind, Hint};
use mongodb::error::{
    Error as DriverError, ErrorKind as DriverKind, NO_WRITES_PERFORMED, RETRYABLE_WRITE_ERROR,
    TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};

/// A unique index already has the key.
const DUPLICATE_KEY: i32 = 11000;

/// Not authorized, authentication failed, and authentication failed on MongoDB Atlas.
const DENIED: [i32; 3] = [UNAUTHORIZED, 18, 8000];
const UNAUTHORIZED: i32 = 13;

/// The server lacks a feature: transactions or retryable writes outside a replica set, a command, a
/// stage of a pipeline, an option. The requests are always the same, so such a server is not MongoDB, or
/// an old version.
const LACKS_IT: [i32; 12] = [9, 14, 20, 59, 72, 115, 168, 238, 303, 40_324, 40_415, 40_573];

/// Another transaction changed the same document.
const WRITE_CONFLICT: i32 = 112;

/// A document exceeds the server's limit, which is a defect of Argon.
const TOO_LARGE: [i32; 3] = [10_334, 17_419, 17_420];

/// The user or the password is wrong, or unknown in the authentication database.
const NOT_LET_IN: [i32; 2] = [18, 8000];

/// The outcome of a write that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The write was not applied.
    Definite(Error),
    /// The write may have been applied.
    Doubtful(Error),
    /// A unique index refused it.
    Duplicate,
}

impl Failure {
    /// The error for a caller that can't read the outcome back.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Definite(error) | Self::Doubtful(error) => error,
            Self::Duplicate => {
                Error::conflict("another process wrote the same record at the same time")
            }
        }
    }
}

/// The useful part of the driver's error.
#[derive(Debug)]
struct Reason(String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}

fn reason(error: &DriverError) -> Reason {
    Reason(match &*error.kind {
        DriverKind::Command(command) => {
            format!(
                "the server's error: {} ({} {})",
                command.message, command.code, command.code_name
            )
        }
        DriverKind::Write(WriteFailure::WriteError(write)) => {
            format!("the server's error: {} ({})", write.message, write.code)
        }
        DriverKind::Write(WriteFailure::WriteConcernError(concern)) => {
            format!("the server's error: {} ({})", concern.message, concern.code)
        }
        DriverKind::InsertMany(insert) => match (&insert.write_errors, &insert.write_concern_error)
        {
            (Some(errors), _) if !errors.is_empty() => {
                format!("the server's error: {} ({})", errors[0].message, errors[0].code)
            }
            (_, Some(concern)) => {
                format!("the server's error: {} ({})", concern.message, concern.code)
            }
            _ => "an insertion failed".to_owned(),
        },
        DriverKind::BulkWrite(bulk) => match bulk.write_errors.values().next() {
            Some(error) => format!("the server's error: {} ({})", error.message, error.code),
            None => "a statement failed".to_owned(),
        },
        other => other.to_string(),
    })
}

/// The server's code of an error; `None` if the error is the driver's own.
pub(super) fn code(error: &DriverError) -> Option<i32> {
    match &*error.kind {
        DriverKind::Command(command) => Some(command.code),
        DriverKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        DriverKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        DriverKind::InsertMany(insert) => match &insert.write_errors {
            Some(errors) if !errors.is_empty() => Some(errors[0].code),
            _ => insert.write_concern_error.as_ref().map(|concern| concern.code),
        },
        DriverKind::BulkWrite(bulk) => bulk.write_errors.values().next().map(|error| error.code),
        _ => None,
    }
}

fn kind(error: &DriverError) -> ErrorKind {
    match &*error.kind {
        DriverKind::Authentication { .. } => ErrorKind::Denied,
        DriverKind::InvalidArgument { .. } | DriverKind::InvalidTlsConfig { .. } => {
            ErrorKind::Invalid
        }
        DriverKind::IncompatibleServer { .. }
        | DriverKind::SessionsNotSupported
        | DriverKind::Transaction { .. } => ErrorKind::Unsupported,
        DriverKind::Io(_)
        | DriverKind::ServerSelection { .. }
        | DriverKind::ConnectionPoolCleared { .. }
        | DriverKind::DnsResolve { .. }
        | DriverKind::InvalidResponse { .. }
        | DriverKind::Shutdown => ErrorKind::Unavailable,
        _ => match code(error) {
            _ if is_transient(error) => ErrorKind::Unavailable,
            Some(code) => kind_of(code),
            None => ErrorKind::Internal,
        },
    }
}

/// The kind of a server's error code. The server's own defects (such as 1, an internal error) and
/// unknown codes are `Unavailable`: the server understood the request and did not carry it out.
fn kind_of(code: i32) -> ErrorKind {
    match code {
        code if DENIED.contains(&code) => ErrorKind::Denied,
        code if LACKS_IT.contains(&code) => ErrorKind::Unsupported,
        code if TOO_LARGE.contains(&code) => ErrorKind::Internal,
        _ => ErrorKind::Unavailable,
    }
}

/// The subject of errors: hosts and database without credentials, and the user.
#[derive(Debug, Clone)]
pub(super) struct ErrorContext {
    pub(super) location: String,
    pub(super) user: Option<String>,
}

impl ErrorContext {
    /// The error of a request that has definitely changed nothing; `what` names the request.
    pub(super) fn definite(&self, what: &str, error: &DriverError) -> Error {
        let kind = kind(error);
        let location = &self.location;
        let is_login = matches!(&*error.kind, DriverKind::Authentication { .. })
            || code(error).is_some_and(|code| NOT_LET_IN.contains(&code));
        let message = match (kind, &self.user) {
            (ErrorKind::Denied, Some(user)) if is_login => format!(
                "{location} refuses the login of user '{user}': the name, the password or the \
                 authSource of the URL is wrong"
            ),
            (ErrorKind::Denied, Some(user)) => {
                format!("{location} does not allow user '{user}' to {what}")
            }
            (ErrorKind::Denied, None) => {
                format!("{location} requires a user and a password, but the URL names no user")
            }
            (ErrorKind::Unsupported, _) => format!(
                "{location} could not {what}: a store needs a replica set of MongoDB 4.4 or later"
            ),
            (ErrorKind::Unavailable, _) => {
                format!("{location} could not {what}; try again later")
            }
            _ => format!("{location} could not {what}"),
        };
        let error_of_store = Error::new(kind, message).with_source(reason(error));
        match kind {
            ErrorKind::Denied | ErrorKind::Unsupported | ErrorKind::Unavailable => {
                error_of_store.with_hint(Hint::Diagnose)
            }
            _ => error_of_store,
        }
    }

    /// The error of a write that may have been applied.
    pub(super) fn doubtful(&self, what: &str, error: &DriverError) -> Error {
        Error::indeterminate(format!(
            "{} did not confirm the request to {what}, which may have been carried out; check before \
             trying again",
            self.location
        ))
        .with_source(reason(error))
    }

    /// The outcome of a single write outside a transaction.
    pub(super) fn of_write(&self, what: &str, error: &DriverError) -> Failure {
        if is_duplicate(error) {
            Failure::Duplicate
        } else if may_have_happened(error) {
            Failure::Doubtful(self.doubtful(what, error))
        } else {
            Failure::Definite(self.definite(what, error))
        }
    }
}

/// Returns whether a unique index refused a write.
pub(super) fn is_duplicate(error: &DriverError) -> bool {
    match &*error.kind {
        DriverKind::InsertMany(insert) => insert
            .write_errors
            .as_ref()
            .is_some_and(|errors| errors.iter().all(|error| error.code == DUPLICATE_KEY)),
        _ => code(error) == Some(DUPLICATE_KEY),
    }
}

/// Returns whether the error aborted its transaction, so that the whole of it may be tried again.
pub(super) fn is_transient(error: &DriverError) -> bool {
    // The error of a statement of a `bulkWrite` has no label.
    let of_statement = matches!(&*error.kind, DriverKind::BulkWrite(_));
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
        || (of_statement && code(error) == Some(WRITE_CONFLICT))
}

/// Returns whether the server lacks a command or denies it to this user.
pub(super) fn lacks_or_denies(error: &DriverError) -> bool {
    code(error).is_some_and(|code| LACKS_IT.contains(&code) || code == UNAUTHORIZED)
}

/// Returns whether the server could not be reached, or the connection broke.
pub(super) fn is_break(error: &DriverError) -> bool {
    matches!(
        *error.kind,
        DriverKind::Io(_)
            | DriverKind::ServerSelection { .. }
            | DriverKind::ConnectionPoolCleared { .. }
    )
}

/// Returns whether it is unknown if a transaction was committed.
pub(super) fn is_unknown_commit(error: &DriverError) -> bool {
    error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) || has_concern_error(error)
}

fn has_concern_error(error: &DriverError) -> bool {
    match &*error.kind {
        DriverKind::Write(WriteFailure::WriteConcernError(_)) => true,
        DriverKind::InsertMany(insert) => insert.write_concern_error.is_some(),
        _ => false,
    }
}

/// Returns whether a single write that failed with this error may have been applied. A server
/// selection that fails at the first attempt has sent nothing; at a later attempt, the driver returns
/// the error of the first.
fn may_have_happened(error: &DriverError) -> bool {
    if error.contains_label(NO_WRITES_PERFORMED) {
        return false;
    }
    match &*error.kind {
        DriverKind::Io(_)
        | DriverKind::ConnectionPoolCleared { .. }
        | DriverKind::InvalidResponse { .. } => true,
        DriverKind::ServerSelection { .. } => false,
        _ => {
            has_concern_error(error)
                || error.contains_label(RETRYABLE_WRITE_ERROR)
                || code(error).is_some_and(|code| [50, 262].contains(&code))
        }
    }
}

/// The error of an unreadable record.
pub(super) fn corrupt(
    what: &str,
    problem: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::corrupt(format!("a stored {what} {problem}")).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(user: Option<&str>) -> ErrorContext {
        ErrorContext { location: "mongodb://db:27017/shop".into(), user: user.map(str::to_owned) }
    }

    fn answered(code: i32, name: &str) -> DriverError {
        let answer = bson::doc! { "code": code, "codeName": name, "errmsg": "so it is" };
        let command: mongodb::error::CommandError =
            bson::deserialize_from_document(answer).unwrap();
        DriverKind::Command(command).into()
    }

    #[test]
    fn what_a_server_says_of_itself_is_no_defect_of_ours_and_its_place_is_named() {
        for (code, name, kind) in [
            (1, "InternalError", ErrorKind::Unavailable),
            (8, "UnknownError", ErrorKind::Unavailable),
            (10107, "NotWritablePrimary", ErrorKind::Unavailable),
            (14031, "OutOfDiskSpace", ErrorKind::Unavailable),
            (123_456, "Unheard", ErrorKind::Unavailable),
            (13, "Unauthorized", ErrorKind::Denied),
            (18, "AuthenticationFailed", ErrorKind::Denied),
            (20, "IllegalOperation", ErrorKind::Unsupported),
            (59, "CommandNotFound", ErrorKind::Unsupported),
            (40324, "Location40324", ErrorKind::Unsupported),
        ] {
            let error = place(None).definite("read a ref", &answered(code, name));
            assert_eq!(error.kind(), kind, "{name}");
            assert!(error.to_string().starts_with("mongodb://db:27017/shop "), "{error}");
            assert!(error.in_full().contains(&format!("so it is ({code} {name})")), "{error:?}");
        }
    }

    #[test]
    fn a_wrong_password_is_told_from_a_missing_right_and_a_missing_user() {
        let said =
            |user, code| place(user).definite("read a ref", &answered(code, "x")).to_string();
        assert!(
            said(Some("ada"), 18).contains("user 'ada': the name, the password or the authSource")
        );
        assert!(said(Some("ada"), 13).contains("does not allow user 'ada' to read a ref"));
        assert!(said(None, 13).contains("the URL names no user"));
    }
}
