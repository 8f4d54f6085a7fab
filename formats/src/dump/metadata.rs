//! A collection's `.metadata.json`: its options and index definitions.

use std::io::Read;
use std::path::Path;

use bson::{Bson, Document};

use super::super::FormatError;
use super::super::extjson::{Layout, Mode, parse_value, print_value};
use super::super::source::Input;

/// The maximum uncompressed size: enough for options and 64 indexes of the maximum size; it bounds
/// the memory for a file that decompresses to more.
const MAX_TEXT_BYTES: u64 = 32 * 1024 * 1024;

/// The metadata of a collection in a dump.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// The collection's full name; older versions of `mongodump` omit it.
    pub collection_name: Option<String>,
    /// `collection`, `view` or `timeseries`; older versions omit it.
    pub kind: Option<String>,
    /// The options of `create`, such as `validator`.
    pub options: Document,
    /// The index definitions as found, including the one of `_id`, with the types of numbers in the
    /// file.
    pub indexes: Vec<Document>,
    /// The collection's UUID, 32 hex digits.
    pub uuid: Option<String>,
}

impl Metadata {
    /// Reads a `.metadata.json` or `.metadata.json.gz` file. An empty file has no metadata, like
    /// for `mongorestore`; unknown keys are ignored.
    pub fn read(path: &Path) -> Result<Option<Self>, FormatError> {
        let mut text = String::new();
        let mut input = Input::open(path)?.take(MAX_TEXT_BYTES + 1);
        input.read_to_string(&mut text).map_err(FormatError::io("read", path))?;
        if text.len() as u64 > MAX_TEXT_BYTES {
            let reason = format!("it exceeds {MAX_TEXT_BYTES} bytes, uncompressed");
            return Err(FormatError::Metadata { path: path.to_owned(), reason });
        }
        Self::parse(&text, path)
    }

    /// Parses the text of a file.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Option<Self>, FormatError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let json = |source| FormatError::MetadataJson { path: path.to_owned(), source };
        let value = parse_value(text).map_err(json)?;
        let wrong = |reason| FormatError::Metadata { path: path.to_owned(), reason };
        Self::from_value(value).map(Some).map_err(|reason| wrong(reason.to_owned()))
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

    /// Formats the text of a `.metadata.json` file for `mongorestore`, in canonical Extended JSON.
    /// Unknown properties are omitted, except for the type, which follows from the options.
    pub(in super::super) fn to_json(&self, collection: &str) -> Result<String, FormatError> {
        let indexes = self.indexes.iter().cloned().map(Bson::Document).collect();
        let mut document = Document::new();
        document.insert("options", self.options.clone());
        document.insert("indexes", Bson::Array(indexes));
        if let Some(uuid) = &self.uuid {
            document.insert("uuid", uuid);
        }
        document.insert("collectionName", collection);
        document.insert("type", self.kind.as_deref().unwrap_or_else(|| self.kind_of_options()));
        print_value(&Bson::Document(document), Mode::Canonical, Layout::Compact).map_err(|error| {
            FormatError::Metadata { path: collection.into(), reason: error.to_string() }
        })
    }

    /// Whether it is a view, which has no documents.
    pub fn is_view(&self) -> bool {
        self.options.contains_key("viewOn")
    }

    /// Whether it is a time series, whose documents are buckets of another collection.
    pub fn is_time_series(&self) -> bool {
        self.options.contains_key("timeseries")
    }

    /// The name that `mongodump` has for such a collection.
    fn kind_of_options(&self) -> &'static str {
        match self {
            _ if self.is_time_series() => "timeseries",
            _ if self.is_view() => "view",
            _ => "collection",
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
