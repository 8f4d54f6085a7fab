//! What to import, and how.

use std::path::PathBuf;
use std::str::FromStr;

use argon_core::Error;
use argon_core::model::CollectionName;
use argon_core::write::Precondition;
use argon_formats::extjson::DoubledNames;
use argon_formats::{CellTypes, ColumnarFormat, CsvOptions, Format, SourceOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::select::{NamespacePattern, Selection};
use crate::collections::Signature;
use crate::json;

/// The largest batch.
pub const MAX_BATCH: usize = 100_000;

/// The default of [`ImportFiles::batch`].
pub const BATCH: usize = 1000;

/// Import a `mongodump` directory or archive, or a BSON, JSON, CSV, Parquet or Arrow file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches of a request")]
pub struct ImportFiles {
    /// A file, a directory, or `-` for standard input.
    pub path: PathBuf,
    /// The collection that a file goes into; without it, the one that the file is named after. Of a dump,
    /// the only collection to import.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub collection: Option<CollectionName>,
    /// The database, of a dump that has several.
    #[serde(default)]
    pub database: Option<String>,
    /// The collections of a dump to import: `DATABASE.COLLECTION` with `*` for any text, or `COLLECTION`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub include: Vec<NamespacePattern>,
    /// The collections of a dump to leave out.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub exclude: Vec<NamespacePattern>,
    /// Whether files of a dump that can't be loaded are left out.
    #[serde(default)]
    pub skip_bad_files: bool,
    /// The format of a file; without it, its name determines it, and standard input is JSON.
    #[serde(default)]
    pub format: Option<ImportFormat>,
    /// What becomes of existing collections.
    #[serde(default)]
    pub mode: ImportMode,
    /// What becomes of a document whose `_id` exists; without it, the import stops.
    #[serde(default)]
    pub on_duplicate: Option<OnDuplicate>,
    /// Whether each collection is dropped before its first document is written.
    #[serde(default)]
    pub drop: bool,
    /// Whether nothing is written.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether documents are imported that break the rules of their collection: its validator, and
    /// its unique indexes.
    #[serde(default)]
    pub bypass_rules: bool,
    /// Whether bad documents are left out.
    #[serde(default)]
    pub keep_going: bool,
    /// The maximum number of documents in a commit, from 1 to 100,000.
    #[serde(default = "default_batch")]
    pub batch: usize,
    /// How a CSV file is read.
    #[serde(default)]
    pub csv: CsvFormat,
    /// How the commits are signed.
    #[serde(flatten)]
    pub signature: Signature,
}

fn default_batch() -> usize {
    BATCH
}

/// The format of an imported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    /// BSON, as `mongodump` writes it.
    Bson,
    /// Extended JSON: documents one after the other, or one array.
    Json,
    /// Extended JSON, one document a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Parquet, in builds with the feature `columnar`.
    Parquet,
    /// Arrow's own format, which is called Feather too, in the same builds.
    Arrow,
    /// A file of `mongodump --archive`.
    Archive,
}

/// What becomes of existing collections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// Documents are added to them.
    #[default]
    Insert,
    /// Each becomes what the file is, by one commit of the differences. Collections that are not in the dump
    /// stay as they are.
    ReplaceCollection,
}

/// What becomes of a document whose `_id` exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDuplicate {
    /// The import stops, and names it.
    Error,
    /// The existing document stays.
    Skip,
    /// The new document replaces it, unless they are equal.
    Replace,
}

impl OnDuplicate {
    pub(super) fn condition(self) -> Precondition {
        match self {
            Self::Error => Precondition::Absent,
            Self::Skip => Precondition::SkipUnlessAbsent,
            Self::Replace => Precondition::Any,
        }
    }
}

/// How a CSV file is read.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub struct CsvFormat {
    /// The character between cells, or `tab`.
    #[serde(default, deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub separator: Separator,
    /// Whether an empty cell gives no field, instead of an empty string.
    #[serde(default)]
    pub ignore_blanks: bool,
    /// The types of cells whose column has no type in the header.
    #[serde(default)]
    pub types: ColumnTypes,
}

/// The types of cells whose column has no type in the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnTypes {
    /// Numbers, if a cell is not quoted and the number is exact; else text.
    #[default]
    Auto,
    /// As `mongoimport` guesses.
    Mongoimport,
    /// Text.
    Strings,
}

/// What separates the cells of a CSV file: an ASCII character that is neither a quote nor a line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separator(u8);

impl Default for Separator {
    fn default() -> Self {
        Self(b',')
    }
}

impl FromStr for Separator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.as_bytes() {
            _ if text == "tab" || text == "\\t" => Ok(Self(b'\t')),
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(Self(*byte)),
            _ => Err(Error::invalid(
                "expected one ASCII character, neither a quote nor a line break, or 'tab'",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for NamespacePattern {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        json::text(input)
    }
}

impl ImportFiles {
    /// The key of this request that contradicts its mode.
    pub fn contradiction(&self) -> Option<&'static str> {
        match self {
            Self { mode: ImportMode::Insert, .. } => None,
            Self { on_duplicate: Some(_), .. } => Some("on_duplicate"),
            Self { drop: true, .. } => Some("drop"),
            // A document that can't be read is not one that was removed.
            Self { keep_going: true, .. } => Some("keep_going"),
            _ => None,
        }
    }

    /// Refuses a request that contradicts itself.
    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(key) = self.contradiction() {
            return Err(Error::invalid(format!(
                "a collection can't be replaced with '{key}': it becomes exactly what the file is"
            )));
        }
        if !(1..=MAX_BATCH).contains(&self.batch) {
            let batch = self.batch;
            return Err(Error::invalid(format!(
                "invalid batch {batch}: expected 1 to {MAX_BATCH} documents"
            )));
        }
        Ok(())
    }

    pub(super) fn on_duplicate(&self) -> OnDuplicate {
        self.on_duplicate.unwrap_or(OnDuplicate::Error)
    }

    /// The format of documents; none of an archive, which says it itself.
    pub(super) fn format(&self) -> Option<Format> {
        match self.format? {
            ImportFormat::Bson => Some(Format::Bson),
            ImportFormat::Json => Some(Format::Json),
            ImportFormat::Jsonl => Some(Format::JsonLines),
            ImportFormat::Csv => Some(Format::Csv),
            ImportFormat::Parquet => Some(Format::Columnar(ColumnarFormat::Parquet)),
            ImportFormat::Arrow => Some(Format::Columnar(ColumnarFormat::Arrow)),
            ImportFormat::Archive => None,
        }
    }

    pub(super) fn is_archive(&self) -> bool {
        self.format == Some(ImportFormat::Archive)
    }

    pub(super) fn selection(&self) -> Selection<'_> {
        let Self { collection, include, exclude, .. } = self;
        Selection { collection: collection.as_ref(), include, exclude }
    }

    pub(super) fn source(&self) -> SourceOptions {
        let CsvFormat { separator: Separator(separator), ignore_blanks, types } = self.csv;
        let types = match types {
            ColumnTypes::Auto => CellTypes::Auto,
            ColumnTypes::Mongoimport => CellTypes::Mongoimport,
            ColumnTypes::Strings => CellTypes::Strings,
        };
        let csv = CsvOptions { separator, ignore_blanks, types };
        SourceOptions { csv, doubled_names: DoubledNames::Keep }
    }
}
