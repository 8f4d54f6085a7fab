//! What the driver's errors mean for a caller. Its own texts never reach one as they are: they hold
//! the server's whole reply, and those about a URL may hold parts of it.

use std::fmt;

use argon_core::{Error, ErrorKind};
use mongodb::error::{
    Error as DriverError, ErrorKind as DriverKind, NO_WRITES_PERFORMED, RETRYABLE_WRITE_ERROR,
    TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};

/// A unique index has the key already.
const DUPLICATE_KEY: i32 = 11000;

/// Not authorized, authentication failed, and the latter as MongoDB Atlas says it.
const DENIED: [i32; 3] = [13, 18, 8000];

/// The server can't answer now: it is no primary (any more), shuts down, ran out of time, or met
/// another operation. The driver's specification of server discovery lists most of them.
const NOT_NOW: [i32; 20] = [
    6, 7, 24, 50, 64, 89, 91, 112, 134, 189, 202, 246, 251, 262, 9001, 10107, 11600, 11602, 13435,
    13436,
];

/// The server takes the request itself for wrong, which is a defect of this program: a bad value, a
/// failed parse, a wrong type, an overflow, names and options that can't be, conflicting updates, and an
/// unknown command.
const OUR_FAULT: [i32; 11] = [2, 9, 14, 15, 28, 40, 52, 59, 72, 73, 168];

/// A transaction or a retryable write was asked of a server that is no member of a replica set.
const ILLEGAL_OPERATION: i32 = 20;

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
            Some(code) if DENIED.contains(&code) => ErrorKind::Denied,
            Some(code) if NOT_NOW.contains(&code) => ErrorKind::Unavailable,
            Some(ILLEGAL_OPERATION) => ErrorKind::Unsupported,
            _ if is_transient(error) => ErrorKind::Unavailable,
            // What else a server says of itself (an internal error, a full disk) is no defect here.
            Some(code) if !OUR_FAULT.contains(&code) => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        },
    }
}

/// An error of something that changes nothing, or has definitely changed nothing. `what` was tried.
pub(super) fn definite(what: &str, error: &DriverError) -> Error {
    let kind = kind(error);
    let hint = match kind {
        ErrorKind::Denied | ErrorKind::Unsupported => "; run `argon doctor`",
        ErrorKind::Unavailable => "; try again later",
        _ => "",
    };
    Error::new(kind, format!("MongoDB could not {what}{hint}")).with_source(reason(error))
}

/// An error of a write that may have happened.
pub(super) fn doubtful(what: &str, error: &DriverError) -> Error {
    Error::indeterminate(format!(
        "MongoDB did not say whether it could {what}; look before you try again"
    ))
    .with_source(reason(error))
}

/// What came of a single write, not part of a transaction.
pub(super) fn of_write(what: &str, error: &DriverError) -> Failure {
    if is_duplicate(error) {
        Failure::Duplicate
    } else if may_have_happened(error) {
        Failure::Doubtful(doubtful(what, error))
    } else {
        Failure::Definite(definite(what, error))
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
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
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
    Error::corrupt(format!("a stored {what} {problem}; run `argon fsck`")).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_inside_a_server_is_no_defect_here() {
        for (code, expected) in [
            (1, ErrorKind::Unavailable),
            (8, ErrorKind::Unavailable),
            (14031, ErrorKind::Unavailable),
            (13, ErrorKind::Denied),
            (2, ErrorKind::Internal),
        ] {
            let answer = bson::doc! { "code": code, "codeName": "Some", "errmsg": "text" };
            let command = bson::deserialize_from_document(answer).unwrap();
            let error = DriverError::from(DriverKind::Command(command));
            assert_eq!(kind(&error), expected, "code {code}");
        }
    }
}
