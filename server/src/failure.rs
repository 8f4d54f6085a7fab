//! Errors of commands, as drivers get them.

use argon_core::{DetailKey, DetailValue, Error, ErrorKind};
use argon_query::Code;
use argon_service::Failure;
use bson::{Bson, Document, doc};

/// The error of a command: MongoDB's code and name, and a message.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandError(Box<Content>);

#[derive(Debug, Clone, PartialEq)]
struct Content {
    code: u32,
    name: String,
    message: String,
    labels: Vec<&'static str>,
    /// More fields, such as `keyPattern`.
    fields: Document,
    /// Set for a duplicate key that is not described yet.
    duplicate: Option<Duplicate>,
}

/// A key of a unique index that another document has.
#[derive(Debug, Clone, PartialEq)]
struct Duplicate {
    index: String,
}

/// The result of a command.
pub(crate) type Result<T, E = CommandError> = std::result::Result<T, E>;

/// The codes that only a server has; the others are [`Code`]s.
const NAMES: &[(u32, &str)] = &[
    (4, "NoSuchKey"),
    (6, "HostUnreachable"),
    (8, "UnknownError"),
    (11, "UserNotFound"),
    (13, "Unauthorized"),
    (17, "ProtocolError"),
    (18, "AuthenticationFailed"),
    (43, "CursorNotFound"),
    (64, "WriteConcernTimeout"),
    (72, "InvalidOptions"),
    (79, "UnknownReplWriteConcern"),
    (100, "UnsatisfiableWriteConcern"),
    (136, "CappedPositionLost"),
    (166, "CommandNotSupportedOnView"),
    (175, "QueryPlanKilled"),
    (202, "NetworkInterfaceExceededTimeLimit"),
    (206, "NoSuchSession"),
    (211, "KeyNotFound"),
    (217, "IncompleteTransactionHistory"),
    (225, "TransactionTooOld"),
    (237, "CursorKilled"),
    (239, "SnapshotTooOld"),
    (246, "SnapshotUnavailable"),
    (251, "NoSuchTransaction"),
    (256, "TransactionCommitted"),
    (260, "InvalidResumeToken"),
    (261, "TooManyLogicalSessions"),
    (263, "OperationNotSupportedInTransaction"),
    (280, "ChangeStreamFatalError"),
    (286, "ChangeStreamHistoryLost"),
    (322, "APIVersionError"),
    (323, "APIStrictError"),
    (324, "APIDeprecationError"),
    (334, "MechanismUnavailable"),
    (40414, "Location40414"),
    (40415, "Location40415"),
    (10334, "BSONObjectTooLarge"),
    (12051, "CursorInUse"),
    (51003, "OperationNotSupportedOnView"),
];

impl CommandError {
    /// An error with MongoDB's code.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        let known = NAMES.iter().find(|(number, _)| *number == code);
        let name =
            known.map_or_else(|| Code::location(code).to_string(), |(_, name)| (*name).into());
        let (labels, fields) = (Vec::new(), Document::new());
        let (message, duplicate) = (message.into(), None);
        Self(Box::new(Content { code, name, message, labels, fields, duplicate }))
    }

    /// `BadValue`.
    pub(crate) fn bad_value(message: impl Into<String>) -> Self {
        Self::new(2, message)
    }

    /// `FailedToParse`.
    pub(crate) fn failed_to_parse(message: impl Into<String>) -> Self {
        Self::new(9, message)
    }

    /// `TypeMismatch`.
    pub(crate) fn type_mismatch(message: impl Into<String>) -> Self {
        Self::new(14, message)
    }

    /// `IllegalOperation`.
    pub(crate) fn illegal(message: impl Into<String>) -> Self {
        Self::new(20, message)
    }

    /// Adds a label, by which drivers know what to do.
    pub(crate) fn with_label(mut self, label: &'static str) -> Self {
        if !self.0.labels.contains(&label) {
            self.0.labels.push(label);
        }
        self
    }

    /// Whether it has a label.
    pub(crate) fn is_labelled(&self, label: &str) -> bool {
        self.0.labels.contains(&label)
    }

    /// MongoDB's code.
    pub fn code(&self) -> u32 {
        self.0.code
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The reply of a command that failed.
    pub(crate) fn reply(&self) -> Document {
        let mut reply = doc! { "ok": 0.0 };
        reply.extend(self.described());
        if !self.0.labels.is_empty() {
            reply.insert("errorLabels", self.0.labels.clone());
        }
        reply
    }

    /// The entry in `writeErrors` for the statement at a position.
    pub(crate) fn write_error(&self, index: usize) -> Document {
        let mut error = doc! { "index": i32::try_from(index).unwrap_or(i32::MAX) };
        error.extend(self.described());
        error
    }

    /// Code, name, message and further fields.
    fn described(&self) -> Document {
        let code = i32::try_from(self.0.code).unwrap_or(1);
        let mut described =
            doc! { "errmsg": &self.0.message, "code": code, "codeName": &self.0.name };
        described.extend(self.0.fields.clone());
        described
    }

    /// The same for a collection of a database: duplicate keys are described in MongoDB's sentence.
    pub(crate) fn in_namespace(mut self, namespace: &str) -> Self {
        if let Some(duplicate) = self.0.duplicate.take() {
            let index = duplicate.index;
            let fields = |document: &Document| {
                let fields = document.iter().map(|(name, value)| format!("{name}: {value}"));
                fields.collect::<Vec<_>>().join(", ")
            };
            let key = self.0.fields.get_document("keyValue").map(fields).unwrap_or_default();
            self.0.message = format!(
                "E11000 duplicate key error collection: {namespace} index: {index} dup key: {{ {key} }}"
            );
        }
        self
    }
}

/// The code of an error without one of its own.
fn code_of(kind: ErrorKind) -> u32 {
    match kind {
        ErrorKind::NotFound => 26,
        ErrorKind::AlreadyExists => 48,
        ErrorKind::Conflict => 112,
        ErrorKind::Invalid => 2,
        ErrorKind::Unavailable => 6,
        ErrorKind::Indeterminate => 64,
        ErrorKind::Unsupported => 115,
        ErrorKind::Denied => 13,
        _ => 1,
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let text = |wanted| {
            error.details().iter().find_map(|(key, value)| match value {
                DetailValue::Text(text) if *key == wanted => Some(text.as_str()),
                _ => None,
            })
        };
        let document = |wanted| {
            error.details().iter().find_map(|(key, value)| match value {
                DetailValue::Document(document) if *key == wanted => Some(document.clone()),
                _ => None,
            })
        };
        let code = Code::of(&error).map(Code::number);
        let mut converted =
            Self::new(code.unwrap_or_else(|| code_of(error.kind())), error.in_full());
        if let Some(name) = text(DetailKey::CodeName) {
            name.clone_into(&mut converted.0.name);
        }
        if converted.0.code == 121 {
            let mut details = doc! { "reason": error.message() };
            details.extend(text(DetailKey::Path).map(|path| ("path".to_owned(), path.into())));
            let id = text(DetailKey::Id).and_then(value).unwrap_or(Bson::Null);
            let info = doc! { "failingDocumentId": id, "details": details };
            converted.0.fields.insert("errInfo", info);
        }
        if converted.0.code == 11000 {
            let index = text(DetailKey::Index).unwrap_or("_id_").to_owned();
            let pattern = document(DetailKey::KeyPattern).unwrap_or_else(|| doc! { "_id": 1 });
            converted.0.fields.insert("keyPattern", pattern);
            if let Some(values) = document(DetailKey::KeyValue) {
                converted.0.fields.insert("keyValue", values);
            }
            converted.0.duplicate = Some(Duplicate { index });
        }
        converted
    }
}

/// A value that an error has as Extended JSON.
fn value(text: &str) -> Option<Bson> {
    argon_formats::extjson::parse_value(text).ok()
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Error { error, .. } => error.into(),
            other => Self::new(8, other.in_full()),
        }
    }
}

impl From<bson::error::Error> for CommandError {
    fn from(_: bson::error::Error) -> Self {
        Self::new(22, "the message has a document that is not valid BSON")
    }
}
