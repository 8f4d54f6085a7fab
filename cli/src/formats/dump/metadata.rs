//! A collection's `.metadata.json`: its options and index definitions.

use std::io::Read;
use std::path::Path;

use bson::{Bson, Document};

use super::super::FormatError;
use super::super::extjson::{Layout, Mode, parse_value, print_value};
use super::super::source::Input;
use super::SkipReason;

/// The longest text that is read, uncompressed: options and 64 indexes of the largest size there are,
/// and a file that decompresses to more is none.
const MAX_TEXT_BYTES: u64 = 32 * 1024 * 1024;

/// What a dump says of a collection beside its documents.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// The collection's whole name; older versions of `mongodump` leave it out.
    pub collection_name: Option<String>,
    /// `collection`, `view` or `timeseries`; older versions leave it out.
    pub kind: Option<String>,
    /// The options of `create`, such as `validator`.
    pub options: Document,
    /// Index definitions as found, with the one of `_id`, numbers of the type they have in the file.
    pub indexes: Vec<Document>,
    /// The collection's UUID, 32 hexadecimal digits.
    pub uuid: Option<String>,
}

impl Metadata {
    /// Reads a `.metadata.json` or `.metadata.json.gz` file. An empty file says nothing, as it does
    /// to `mongorestore`; keys that aren't known are passed over.
    pub fn read(path: &Path) -> Result<Self, FormatError> {
        let mut text = String::new();
        let mut input = Input::open(path)?.take(MAX_TEXT_BYTES + 1);
        input.read_to_string(&mut text).map_err(FormatError::io("read", path))?;
        let wrong = |reason: String| FormatError::Metadata { path: path.to_owned(), reason };
        if text.len() as u64 > MAX_TEXT_BYTES {
            return Err(wrong(format!("it has more than {MAX_TEXT_BYTES} bytes, uncompressed")));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let json = |source| FormatError::MetadataJson { path: path.to_owned(), source };
        let value = parse_value(&text).map_err(json)?;
        Self::from_value(value).map_err(|reason| wrong(reason.to_owned()))
    }

    fn from_value(value: Bson) -> Result<Self, &'static str> {
        let Bson::Document(document) = value else { return Err("expected a document") };
        let mut metadata = Self::default();
        for (key, value) in document {
            match (key.as_str(), value) {
                ("collectionName", Bson::String(name)) => metadata.collection_name = Some(name),
                ("type", Bson::String(kind)) => metadata.kind = Some(kind),
                ("uuid", Bson::String(uuid)) => {
                    metadata.uuid = Some(uuid).filter(|uuid| !uuid.is_empty());
                }
                ("options", Bson::Document(options)) => metadata.options = options,
                ("options" | "indexes" | "uuid" | "type", Bson::Null) => {}
                ("indexes", Bson::Array(indexes)) => metadata.indexes = documents(indexes)?,
                ("options", _) => return Err("options must be a document"),
                ("indexes", _) => return Err("indexes must be an array of documents"),
                ("collectionName" | "type" | "uuid", _) => {
                    return Err("collectionName, type and uuid must be strings");
                }
                _ => {}
            }
        }
        Ok(metadata)
    }

    /// The text of a `.metadata.json` file as `mongorestore` reads it, in canonical Extended JSON.
    /// What isn't known is left out, but for the type: a `collection`.
    pub(in super::super) fn to_json(&self, collection: &str) -> Result<String, FormatError> {
        let indexes = self.indexes.iter().cloned().map(Bson::Document).collect();
        let mut document = Document::new();
        document.insert("options", self.options.clone());
        document.insert("indexes", Bson::Array(indexes));
        if let Some(uuid) = &self.uuid {
            document.insert("uuid", uuid);
        }
        document.insert("collectionName", collection);
        document.insert("type", self.kind.as_deref().unwrap_or("collection"));
        print_value(&Bson::Document(document), Mode::Canonical, Layout::Compact).map_err(|error| {
            FormatError::Metadata { path: collection.into(), reason: error.to_string() }
        })
    }

    /// Why a dump has no documents for this metadata.
    pub(super) fn why_no_documents(&self) -> SkipReason {
        if self.options.contains_key("viewOn") {
            SkipReason::View
        } else if self.options.contains_key("timeseries") {
            SkipReason::TimeSeries
        } else {
            SkipReason::NoDocuments
        }
    }
}

fn documents(values: Vec<Bson>) -> Result<Vec<Document>, &'static str> {
    let document = |value| match value {
        Bson::Document(document) => Ok(document),
        _ => Err("indexes must be an array of documents"),
    };
    values.into_iter().map(document).collect()
}
