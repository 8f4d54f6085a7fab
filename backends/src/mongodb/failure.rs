//! What the driver's errors mean for a caller. Its own texts never reach one as they are: they hold
//! the server's whole reply, and those about a URL may hold parts of it.

use std::fmt;

use argon_core::{Error, ErrorKind, Hint};
use mongodb::error::{
    Error as DriverError, ErrorKind as DriverKind, NO_WRITES_PERFORMED, RETRYABLE_WRITE_ERROR,
    TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};

/// A unique index has the key already.
const DUPLICATE_KEY: i32 = 11000;

/// Not authorized, authentication failed, and the latter as MongoDB Atlas says it.
const DENIED: [i32; 3] = [13, 18, 8000];

/// The server lacks what was asked of it: a transaction or a retryable write on one that is no member
/// of a replica set, a command, a stage of a pipeline, an option. What is asked is always the same, so
/// a server that does not understand it is another one than MongoDB, or an old one.
const LACKS_IT: [i32; 12] = [9, 14, 20, 59, 72, 115, 168, 238, 303, 40_324, 40_415, 40_573];

/// Another transaction changed the same document.
const WRITE_CONFLICT: i32 = 112;

/// A document is larger than the server takes: none that is written should be.
const TOO_LARGE: [i32; 3] = [10_334, 17_419, 17_420];

/// The user or the password is wrong, or unknown to the database that was asked.
const NOT_LET_IN: [i32; 2] = [18, 8000];

/// What came of a write that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was changed.
    Definite(Error),
    /// It may have happened.
    Doubtful(Error),
    /// A unique index refused it.
    Duplicate,
}

impl Failure {
    /// What to tell a caller who has nothing to look at.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Definite(error) | Self::Doubtful(error) => error,
            Self::Duplicate => Error::conflict("another process wrote the same record meanwhile"),
        }
    }
}

/// The driver's account of an error, cut down to what helps a person.
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
            format!("the server says: {} ({} {})", command.message, command.code, command.code_name)
        }
        DriverKind::Write(WriteFailure::WriteError(write)) => {
            format!("the server says: {} ({})", write.message, write.code)
        }
        DriverKind::Write(WriteFailure::WriteConcernError(concern)) => {
            format!("the server says: {} ({})", concern.message, concern.code)
        }
        DriverKind::InsertMany(insert) => match (&insert.write_errors, &insert.write_concern_error)
        {
            (Some(errors), _) if !errors.is_empty() => {
                format!("the server says: {} ({})", errors[0].message, errors[0].code)
            }
            (_, Some(concern)) => {
                format!("the server says: {} ({})", concern.message, concern.code)
            }
            _ => "an insertion failed".to_owned(),
        },
        DriverKind::BulkWrite(bulk) => match bulk.write_errors.values().next() {
            Some(error) => format!("the server says: {} ({})", error.message, error.code),
            None => "a statement failed".to_owned(),
        },
        other => other.to_string(),
    })
}

/// The server's number for an error, if it is one of the server's.
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

/// What an error that the server names by a number means. What it says of its own defects (1, an
/// internal error, among them) and what nobody knows is no defect of ours: the request was understood
/// and not carried out.
fn kind_of(code: i32) -> ErrorKind {
    match code {
        code if DENIED.contains(&code) => ErrorKind::Denied,
        code if LACKS_IT.contains(&code) => ErrorKind::Unsupported,
        code if TOO_LARGE.contains(&code) => ErrorKind::Internal,
        _ => ErrorKind::Unavailable,
    }
}

/// Whom errors are about: hosts and database without credentials, and the user.
#[derive(Debug, Clone)]
pub(super) struct ErrorContext {
    pub(super) location: String,
    pub(super) user: Option<String>,
}

impl ErrorContext {
    /// An error of something that changes nothing, or has definitely changed nothing. `what` was
    /// tried.
    pub(super) fn definite(&self, what: &str, error: &DriverError) -> Error {
        let kind = kind(error);
        let location = &self.location;
        let is_login = matches!(&*error.kind, DriverKind::Authentication { .. })
            || code(error).is_some_and(|code| NOT_LET_IN.contains(&code));
        let message = match (kind, &self.user) {
            (ErrorKind::Denied, Some(user)) if is_login => format!(
                "{location} does not let the user '{user}' in: the name, the password or the \
                 authSource of the URL is wrong"
            ),
            (ErrorKind::Denied, Some(user)) => {
                format!("{location} does not let the user '{user}' {what}")
            }
            (ErrorKind::Denied, None) => {
                format!("{location} asks for a user and a password, and the URL names no user")
            }
            (ErrorKind::Unsupported, _) => format!(
                "{location} could not {what}: it lacks what a store needs, which is MongoDB 4.4 or \
                 later as a replica set"
            ),
            (ErrorKind::Unavailable, _) => {
                format!("{location} could not {what}; try again later")
            }
            _ => format!("{location} could not {what}"),
        };
        let told = Error::new(kind, message).with_source(reason(error));
        match kind {
            ErrorKind::Denied | ErrorKind::Unsupported | ErrorKind::Unavailable => {
                told.with_hint(Hint::Diagnose)
            }
            _ => told,
        }
    }

    /// An error of a write that may have happened.
    pub(super) fn doubtful(&self, what: &str, error: &DriverError) -> Error {
        Error::indeterminate(format!(
            "{} did not say whether it could {what}; look before you try again",
            self.location
        ))
        .with_source(reason(error))
    }

    /// What came of a single write, not part of a transaction.
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

/// Whether a unique index refused a write.
pub(super) fn is_duplicate(error: &DriverError) -> bool {
    match &*error.kind {
        DriverKind::InsertMany(insert) => insert
            .write_errors
            .as_ref()
            .is_some_and(|errors| errors.iter().all(|error| error.code == DUPLICATE_KEY)),
        _ => code(error) == Some(DUPLICATE_KEY),
    }
}

/// Whether a transaction that met this was undone, so that the whole of it may be tried again.
pub(super) fn is_transient(error: &DriverError) -> bool {
    // The errors of single statements have no labels.
    let is_conflict = matches!(&*error.kind, DriverKind::BulkWrite(_));
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
        || (is_conflict && code(error) == Some(WRITE_CONFLICT))
}

/// Whether the server does not have a command, or does not allow it to this user.
pub(super) fn lacks_or_denies(error: &DriverError) -> bool {
    matches!(kind(error), ErrorKind::Unsupported | ErrorKind::Denied)
}

/// Whether the server could not be asked, or went away.
pub(super) fn is_break(error: &DriverError) -> bool {
    matches!(
        *error.kind,
        DriverKind::Io(_)
            | DriverKind::ServerSelection { .. }
            | DriverKind::ConnectionPoolCleared { .. }
    )
}

/// Whether it is unknown if a transaction was committed.
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

/// Whether a single write that failed so may have been applied. A choice of a server that failed at
/// the first attempt sent nothing; at a later one, the driver gives the first attempt's error.
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

/// A stored record that can't be read.
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
            said(Some("ada"), 18).contains("'ada' in: the name, the password or the authSource")
        );
        assert!(said(Some("ada"), 13).contains("does not let the user 'ada' read a ref"));
        assert!(said(None, 13).contains("the URL names no user"));
    }
}
