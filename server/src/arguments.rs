//! The arguments of a command, read by name and type.

use bson::raw::{RawArray, RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

use crate::failure::{CommandError, Result};
use crate::wire::Sequence;

/// The fields that any command may have.
const GENERIC: &[&str] = &[
    "$clusterTime",
    "$db",
    "$configTime",
    "$queryOptions",
    "$readPreference",
    "$replData",
    "$topologyTime",
    "allowPartialResults",
    "apiDeprecationErrors",
    "apiStrict",
    "apiVersion",
    "autocommit",
    "comment",
    "databaseVersion",
    "help",
    "lsid",
    "maxTimeMS",
    "maxTimeMSOpOnly",
    "readConcern",
    "rawData",
    "serialization_context",
    "shardVersion",
    "startTransaction",
    "tracking_info",
    "txnNumber",
    "writeConcern",
];

/// The fields of a document of arguments: of a command, or of one of its statements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments<'a> {
    /// The name of what they are of, for messages.
    command: &'a str,
    fields: &'a RawDocument,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(command: &'a str, fields: &'a RawDocument) -> Self {
        Self { command, fields }
    }

    /// All fields.
    pub(crate) fn raw(self) -> &'a RawDocument {
        self.fields
    }

    /// Refuses fields that are not known. A command also has the generic ones.
    pub(crate) fn check_known(self, known: &[&str], is_command: bool) -> Result<()> {
        for (position, field) in self.fields.iter().enumerate() {
            let (name, _) = field?;
            let name = name.as_str();
            let is_name = is_command && position == 0;
            let is_generic = is_command && GENERIC.contains(&name);
            if !is_name && !is_generic && !known.contains(&name) {
                let command = self.command;
                return Err(CommandError::new(
                    40415,
                    format!("BSON field '{command}.{name}' is an unknown field."),
                ));
            }
        }
        Ok(())
    }

    /// A value; `None` if it is missing or null.
    pub(crate) fn value(self, name: &str) -> Result<Option<RawBsonRef<'a>>> {
        Ok(self.fields.get(name)?.filter(|value| !matches!(value, RawBsonRef::Null)))
    }

    /// Any value, decoded.
    pub(crate) fn bson(self, name: &str) -> Result<Option<Bson>> {
        self.value(name)?.map(Bson::try_from).transpose().map_err(Into::into)
    }

    pub(crate) fn text(self, name: &str) -> Result<Option<&'a str>> {
        match self.value(name)? {
            None => Ok(None),
            Some(RawBsonRef::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(name, other, "string")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required_text(self, name: &str) -> Result<&'a str> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn raw_document(self, name: &str) -> Result<Option<&'a RawDocument>> {
        match self.value(name)? {
            None => Ok(None),
            Some(RawBsonRef::Document(document)) => Ok(Some(document)),
            Some(other) => Err(self.wrong_type(name, other, "object")),
        }
    }

    /// A document; empty if it is missing.
    pub(crate) fn document(self, name: &str) -> Result<Document> {
        match self.raw_document(name)? {
            None => Ok(Document::new()),
            Some(document) => Ok(Document::try_from(document)?),
        }
    }

    pub(crate) fn array(self, name: &str) -> Result<Option<&'a RawArray>> {
        match self.value(name)? {
            None => Ok(None),
            Some(RawBsonRef::Array(array)) => Ok(Some(array)),
            Some(other) => Err(self.wrong_type(name, other, "array")),
        }
    }

    /// The documents of an array, or of a list beside the command.
    pub(crate) fn documents(
        self,
        name: &str,
        sequences: &[Sequence],
    ) -> Result<Option<Vec<RawDocumentBuf>>> {
        if let Some(sequence) = sequences.iter().find(|sequence| sequence.name == name) {
            return Ok(Some(sequence.documents.clone()));
        }
        let Some(array) = self.array(name)? else { return Ok(None) };
        let documents = array.into_iter().enumerate().map(|(index, value)| match value? {
            RawBsonRef::Document(document) => Ok(document.to_owned()),
            other => Err(self.wrong_type(&format!("{name}.{index}"), other, "object")),
        });
        documents.collect::<Result<_>>().map(Some)
    }

    /// The decoded documents of an array; none if it is missing.
    pub(crate) fn document_list(self, name: &str) -> Result<Vec<Document>> {
        let documents = self.documents(name, &[])?.unwrap_or_default();
        documents.iter().map(|document| Ok(Document::try_from(document)?)).collect()
    }

    /// A flag; numbers count as flags.
    pub(crate) fn flag(self, name: &str) -> Result<Option<bool>> {
        match self.value(name)? {
            None => Ok(None),
            Some(RawBsonRef::Boolean(flag)) => Ok(Some(flag)),
            Some(RawBsonRef::Int32(number)) => Ok(Some(number != 0)),
            Some(RawBsonRef::Int64(number)) => Ok(Some(number != 0)),
            Some(RawBsonRef::Double(number)) => Ok(Some(number != 0.0)),
            Some(other) => Err(self.wrong_type(name, other, "bool")),
        }
    }

    pub(crate) fn is_set(self, name: &str) -> Result<bool> {
        Ok(self.flag(name)?.unwrap_or(false))
    }

    /// A whole number of any type.
    pub(crate) fn integer(self, name: &str) -> Result<Option<i64>> {
        match self.value(name)? {
            None => Ok(None),
            Some(RawBsonRef::Int32(number)) => Ok(Some(number.into())),
            Some(RawBsonRef::Int64(number)) => Ok(Some(number)),
            Some(RawBsonRef::Double(number)) => {
                // Numbers out of range end at its bounds, as in MongoDB.
                #[expect(clippy::cast_possible_truncation, reason = "it is checked to be whole")]
                let whole = number as i64;
                if number.fract() == 0.0 || !number.is_finite() {
                    Ok(Some(whole))
                } else {
                    Err(CommandError::bad_value(format!(
                        "BSON field '{}.{name}' must be a whole number, not {number}",
                        self.command
                    )))
                }
            }
            Some(RawBsonRef::Decimal128(number)) => {
                let whole = number.to_string().parse();
                whole.map(Some).map_err(|_| {
                    CommandError::bad_value(format!(
                        "BSON field '{}.{name}' must be a whole number, not {number}",
                        self.command
                    ))
                })
            }
            Some(other) => Err(self.wrong_type(name, other, "long")),
        }
    }

    /// A whole number from 0 on; 0 if it is missing.
    pub(crate) fn count(self, name: &str) -> Result<u64> {
        let number = self.integer(name)?.unwrap_or(0);
        u64::try_from(number).map_err(|_| {
            CommandError::new(
                51024,
                format!("BSON field '{name}' value must be >= 0, actual value '{number}'"),
            )
        })
    }

    pub(crate) fn missing(self, name: &str) -> CommandError {
        let command = self.command;
        CommandError::new(
            40414,
            format!("BSON field '{command}.{name}' is missing but a required field"),
        )
    }

    fn wrong_type(self, name: &str, value: RawBsonRef<'_>, expected: &str) -> CommandError {
        let (command, actual) = (self.command, type_name(value));
        CommandError::type_mismatch(format!(
            "BSON field '{command}.{name}' is the wrong type '{actual}', expected type '{expected}'"
        ))
    }
}

/// MongoDB's name of the type of a value.
fn type_name(value: RawBsonRef<'_>) -> &'static str {
    match value {
        RawBsonRef::Double(_) => "double",
        RawBsonRef::String(_) => "string",
        RawBsonRef::Document(_) => "object",
        RawBsonRef::Array(_) => "array",
        RawBsonRef::Binary(_) => "binData",
        RawBsonRef::Undefined => "undefined",
        RawBsonRef::ObjectId(_) => "objectId",
        RawBsonRef::Boolean(_) => "bool",
        RawBsonRef::DateTime(_) => "date",
        RawBsonRef::Null => "null",
        RawBsonRef::RegularExpression(_) => "regex",
        RawBsonRef::DbPointer(_) => "dbPointer",
        RawBsonRef::JavaScriptCode(_) => "javascript",
        RawBsonRef::Symbol(_) => "symbol",
        RawBsonRef::JavaScriptCodeWithScope(_) => "javascriptWithScope",
        RawBsonRef::Int32(_) => "int",
        RawBsonRef::Timestamp(_) => "timestamp",
        RawBsonRef::Int64(_) => "long",
        RawBsonRef::Decimal128(_) => "decimal",
        RawBsonRef::MinKey => "minKey",
        RawBsonRef::MaxKey => "maxKey",
    }
}
