//! The error type of Argon: a kind that says what the caller does, a message for people, details
//! for programs, a hint, and the source.

use std::convert::Infallible;
use std::sync::Arc;
use std::{fmt, io};

use crate::{DetailKey, DetailValue, Hint};

/// The action that an [`Error`] requires of the caller.
///
/// A front end maps every kind to a code of its own; an embedding program matches on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The named object does not exist. Check the name.
    NotFound,
    /// The object to create already exists. Choose another name, or use the existing object.
    AlreadyExists,
    /// Another writer changed the same object. Read again, and decide again.
    Conflict,
    /// The input can never succeed. Correct it.
    Invalid,
    /// The store can't answer now, and **nothing was changed**. Retry later.
    Unavailable,
    /// The write may or may not have happened. Check before you retry.
    Indeterminate,
    /// Stored bytes differ from the bytes that were written. Check the store; don't write.
    Corrupt,
    /// This store, or this version of Argon, doesn't support the operation.
    Unsupported,
    /// Protection or permissions forbid it.
    Denied,
    /// A defect in Argon.
    Internal,
}

impl ErrorKind {
    /// The name for programs, such as `already_exists`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::Indeterminate => "indeterminate",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Denied => "denied",
            Self::Internal => "internal",
        }
    }

    /// The hint that applies to every error of this kind.
    fn hint(self) -> Option<Hint> {
        match self {
            Self::Corrupt => Some(Hint::CheckStore),
            Self::Indeterminate => Some(Hint::CheckLog),
            Self::Internal => Some(Hint::ReportDefect),
            _ => None,
        }
    }
}

/// An error: its [kind](ErrorKind), a message that names the input and what was expected, details
/// for programs, a [hint](Hint), and the source, if any.
///
/// A storage error is *determinate* (nothing was changed) unless its kind is
/// [`ErrorKind::Indeterminate`]. An error never contains a credential.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// Boxed, because few errors have details or a hint, and a `Result` should stay small.
    extra: Option<Box<Extra>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Default, Clone)]
struct Extra {
    details: Vec<(DetailKey, DetailValue)>,
    hint: Option<Hint>,
}

/// `Result` with Argon's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error; `message` is a whole sentence for a person, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), extra: None, source: None }
    }

    /// Copies the error of an operation for one of several callers that wait for it; `first`
    /// becomes the source.
    pub fn shared(first: Arc<Self>) -> Self {
        let (kind, message, extra) = (first.kind, first.message.clone(), first.extra.clone());
        Self { kind, message, extra, source: Some(Box::new(first)) }
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Appends a code of MongoDB's protocol and its name as details.
    #[must_use]
    pub fn with_code(self, code: u32, name: impl Into<DetailValue>) -> Self {
        self.with_detail(DetailKey::Code, u64::from(code)).with_detail(DetailKey::CodeName, name)
    }

    /// Appends a detail, or replaces the value of an existing key.
    #[must_use]
    pub fn with_detail(mut self, key: DetailKey, value: impl Into<DetailValue>) -> Self {
        let details = &mut self.extra.get_or_insert_default().details;
        match details.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value.into(),
            None => details.push((key, value.into())),
        }
        self
    }

    /// Sets the hint, which replaces the hint of the kind.
    #[must_use]
    pub fn with_hint(mut self, hint: Hint) -> Self {
        self.extra.get_or_insert_default().hint = Some(hint);
        self
    }

    /// Replaces the message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Prefixes the message with its subject, such as `branch 'main'`.
    #[must_use]
    pub fn about(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The kind, which says what the caller does.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without the source.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The details in the order in which they were added. Each key occurs at most once.
    pub fn details(&self) -> &[(DetailKey, DetailValue)] {
        self.extra.as_ref().map_or(&[], |extra| &extra.details)
    }

    /// Returns the [given](Self::with_hint) hint; otherwise [`Hint::FreeSpace`] if a write failed
    /// for lack of space; otherwise the hint of the kind; otherwise the given hint of the nearest
    /// cause.
    pub fn hint(&self) -> Option<Hint> {
        let full = || self.is_full_disk().then_some(Hint::FreeSpace);
        let below = || self.causes().find_map(|cause| cause.downcast_ref::<Self>()?.given_hint());
        self.given_hint().or_else(full).or_else(|| self.kind.hint()).or_else(below)
    }

    fn given_hint(&self) -> Option<Hint> {
        self.extra.as_ref()?.hint.clone()
    }

    /// Returns whether a write failed for lack of disk space.
    fn is_full_disk(&self) -> bool {
        let is_full = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| {
                matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            })
        };
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Indeterminate)
            && self.causes().any(is_full)
    }

    /// Shorthand for [`ErrorKind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Shorthand for [`ErrorKind::AlreadyExists`].
    pub fn already_exists(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::AlreadyExists, message)
    }

    /// Shorthand for [`ErrorKind::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// Shorthand for [`ErrorKind::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Shorthand for [`ErrorKind::Unavailable`].
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// Shorthand for [`ErrorKind::Indeterminate`].
    pub fn indeterminate(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Indeterminate, message)
    }

    /// Shorthand for [`ErrorKind::Corrupt`].
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// Shorthand for [`ErrorKind::Unsupported`].
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Shorthand for [`ErrorKind::Denied`].
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, message)
    }

    /// Shorthand for [`ErrorKind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The causes of this error, the nearest first.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        std::iter::successors(std::error::Error::source(self), |cause| cause.source())
    }

    /// The message and the messages of all causes, on one line.
    pub fn in_full(&self) -> String {
        self.causes().fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

/// For arguments that are converted, some of which can't fail.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> io::Error {
        io::ErrorKind::StorageFull.into()
    }

    #[test]
    fn an_error_shows_its_message_alone_and_all_below_it_in_full() {
        let error = Error::not_found("branch 'try' is missing")
            .with_detail(DetailKey::Branch, "main")
            .with_detail(DetailKey::Lsn, 7)
            .with_detail(DetailKey::Branch, "try")
            .with_hint(Hint::ListRetainedStates)
            .with_source(Error::corrupt("a ref is malformed").with_source("byte 3"))
            .about("project 'shop'");
        assert_eq!(error.to_string(), "project 'shop': branch 'try' is missing");
        assert_eq!(error.message(), error.to_string());
        assert_eq!(error.in_full(), format!("{error}: a ref is malformed: byte 3"));
        let details = [(DetailKey::Branch, "try".into()), (DetailKey::Lsn, 7.into())];
        assert_eq!(error.details(), details);
        let shown: Vec<String> =
            error.details().iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(shown, ["branch=try", "lsn=7"]);
        assert_eq!(Error::invalid("no").details(), []);
    }

    #[test]
    fn a_given_hint_takes_precedence_over_that_of_the_kind() {
        for (error, hint) in [
            (Error::corrupt("x"), Some(Hint::CheckStore)),
            (Error::indeterminate("x"), Some(Hint::CheckLog)),
            (Error::internal("x"), Some(Hint::ReportDefect)),
            (Error::conflict("x"), None),
            (Error::corrupt("x").with_hint(Hint::Diagnose), Some(Hint::Diagnose)),
            (
                Error::unavailable("x").with_source(full()).with_hint(Hint::ListJobs),
                Some(Hint::ListJobs),
            ),
        ] {
            assert_eq!(error.hint(), hint, "{error:?}");
        }
    }

    #[test]
    fn a_full_disk_anywhere_among_the_causes_hints_to_free_space() {
        let quota = io::Error::from(io::ErrorKind::QuotaExceeded);
        for error in [
            Error::unavailable("x").with_source(full()),
            Error::unavailable("x").with_source(quota),
            Error::indeterminate("x").with_source(Error::unavailable("y").with_source(full())),
            Error::shared(Arc::new(Error::unavailable("x").with_source(full()))),
        ] {
            assert_eq!(error.hint(), Some(Hint::FreeSpace), "{error:?}");
        }
        // Damage stays damage.
        let damaged = Error::corrupt("x").with_source(full());
        assert_eq!(damaged.hint(), Some(Hint::CheckStore));
        let other = Error::unavailable("x").with_source(io::Error::from(io::ErrorKind::TimedOut));
        assert_eq!(other.hint(), None);
    }

    #[test]
    fn an_error_without_a_hint_has_that_of_its_cause() {
        let cause = || Error::invalid("no key").with_hint(Hint::GenerateKey);
        let error = Error::invalid("key.pem").with_source(cause());
        assert_eq!(error.hint(), Some(Hint::GenerateKey));
        assert_eq!(Error::corrupt("x").with_source(cause()).hint(), Some(Hint::CheckStore));
        // The hint of the kind of a cause does not apply to the whole error.
        assert_eq!(Error::conflict("x").with_source(Error::corrupt("y")).hint(), None);
    }

    #[test]
    fn every_waiting_caller_gets_the_whole_error() {
        let first = Error::denied("x").with_detail(DetailKey::Branch, "try");
        let first = Arc::new(first.with_hint(Hint::Diagnose));
        let error = Error::shared(first.clone());
        assert_eq!((error.kind(), error.message()), (first.kind(), first.message()));
        assert_eq!((error.hint(), error.details()), (first.hint(), first.details()));
        assert_eq!(error.causes().count(), 1);
    }
}
