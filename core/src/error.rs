//! The one error type of Argon: a kind that tells the caller what to do, a sentence, and the source.

use std::fmt;

/// What a caller should do about an [`Error`].
///
/// The command line gives every kind its own exit code; an embedding program matches on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// What was named is not there. Check the name.
    NotFound,
    /// What was to be created is there already. Choose another name, or use what is there.
    AlreadyExists,
    /// Someone else changed the same thing. Read again, decide again.
    Conflict,
    /// The input can never succeed. Correct it.
    Invalid,
    /// The store can't answer now, and **nothing was changed**. Try again later.
    Unavailable,
    /// The write may or may not have happened. Look before trying again.
    Indeterminate,
    /// Stored bytes are not what was written. Run `argon fsck`; don't write.
    Corrupt,
    /// This store, or this version of Argon, can't do it.
    Unsupported,
    /// Protection or permissions forbid it.
    Denied,
    /// A defect in Argon.
    Internal,
}

/// An error with its [kind](ErrorKind), a sentence that names the input, what was expected and
/// what to do, and the error below it, if any.
///
/// A storage error is *determinate* (nothing was changed) unless its kind is
/// [`ErrorKind::Indeterminate`]. No credential is ever put into one.
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// `Result` with Argon's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind; `context` is a whole sentence for a person, without a full stop.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
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

    /// Puts what it is about, such as `branch 'main'`, before the sentence.
    #[must_use]
    pub fn about(mut self, what: impl fmt::Display) -> Self {
        self.context = format!("{what}: {}", self.context);
        self
    }

    /// What the caller should do.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence, without the source.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Shorthand for [`ErrorKind::NotFound`].
    pub fn not_found(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, context)
    }

    /// Shorthand for [`ErrorKind::AlreadyExists`].
    pub fn already_exists(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::AlreadyExists, context)
    }

    /// Shorthand for [`ErrorKind::Conflict`].
    pub fn conflict(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, context)
    }

    /// Shorthand for [`ErrorKind::Invalid`].
    pub fn invalid(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, context)
    }

    /// Shorthand for [`ErrorKind::Unavailable`].
    pub fn unavailable(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, context)
    }

    /// Shorthand for [`ErrorKind::Indeterminate`].
    pub fn indeterminate(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Indeterminate, context)
    }

    /// Shorthand for [`ErrorKind::Corrupt`].
    pub fn corrupt(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, context)
    }

    /// Shorthand for [`ErrorKind::Unsupported`].
    pub fn unsupported(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, context)
    }

    /// Shorthand for [`ErrorKind::Denied`].
    pub fn denied(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, context)
    }

    /// Shorthand for [`ErrorKind::Internal`].
    pub fn internal(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, context)
    }

    /// The errors below this one, the nearest first.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        std::iter::successors(std::error::Error::source(self), |cause| cause.source())
    }

    /// This error and those below it on one line.
    pub fn in_full(&self) -> String {
        self.causes().fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("context", &self.context)
            .field("source", &self.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}
