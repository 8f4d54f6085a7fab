//! `argon export`

use std::path::{Path, PathBuf};

use argon_core::model::CollectionName;
use argon_service::Watcher;
use argon_service::export::{self, ExportDocuments, ExportFormat};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::stream::Out;
use crate::output::{count, progress};

const EXAMPLES: &str = "\
Examples:
  argon export out/shop                          then: mongorestore -d shop out/shop
  argon export old --at main@2026-07-07 --gzip
  argon export zips.json -c zips --relaxed
  argon export zips.csv -c zips --fields _id,city,loc.x
  argon export zips.parquet -c zips --at main@2026-07-07
  argon export - -c zips | jq .pop";

/// Export a state as a mongodump directory, or one collection as a file or on standard output.
///
/// Importing an export gives collections with equal digests. A file gets its name only once it is
/// complete. JSON holds no options and indexes; a document that JSON can't express, such as one with a
/// field named $oid, is refused; --lossy changes it instead. CSV holds no types either: it is for
/// spreadsheets, and a field within a document is a column such as loc.x.
///
/// Parquet and Arrow files have a column for each field, whose type is inferred over all documents. Values of
/// several types become text, which is noted; docs/COLUMNS.md says what else changes. `ObjectId`s and decimals are
/// text too, and come back as what they were. A build without the feature columnar has neither format.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// A directory; a file whose name ends in .json, .jsonl, .ndjson, .bson, .csv, .parquet, .arrow or .feather,
    /// also with .gz; or - for standard output
    #[arg(value_name = "DIR|FILE|-")]
    target: PathBuf,
    #[command(flatten)]
    at: AtRevision,
    /// The collection [default: all, or the only one]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    /// Compress the files of a directory, or standard output
    #[arg(long)]
    gzip: bool,
    /// The format of a file [default: by its name; for standard output: json]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FileFormat>,
    /// CSV, Parquet, Arrow: the fields that are columns, such as _id,name.first [default: all]
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    fields: Vec<String>,
    #[command(flatten)]
    style: JsonStyle,
    /// Write into a directory that is not empty, and overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// How a JSON file is written.
#[derive(Args)]
struct JsonStyle {
    /// JSON: canonical Extended JSON, in which every value keeps its type (the default)
    #[arg(long, conflicts_with = "relaxed")]
    canonical: bool,
    /// JSON: relaxed Extended JSON, which is easier to read but loses some types
    #[arg(long)]
    relaxed: bool,
    /// JSON: change documents that it can't express, and list them on stderr
    #[arg(long)]
    lossy: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileFormat {
    /// As mongodump writes
    Bson,
    /// Extended JSON, one document a line
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Parquet
    Parquet,
    /// Arrow's own format, which is called Feather too
    Arrow,
}

impl From<FileFormat> for ExportFormat {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Bson => Self::Bson,
            FileFormat::Json => Self::Json,
            FileFormat::Csv => Self::Csv,
            FileFormat::Parquet => Self::Parquet,
            FileFormat::Arrow => Self::Arrow,
        }
    }
}

impl ExportArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let request = self.request();
        let progress = Progress { bar: progress::spinner("documents written"), context };
        let exported = export::export(&state, &request, &|| Box::new(Out), &progress).await?;
        progress.bar.finish_and_clear();
        let target = if request.is_stdout() {
            "standard output".to_owned()
        } else {
            request.target.display().to_string()
        };
        let words = format!(
            "exported {} in {} as of LSN {} to {target}",
            count(exported.files.iter().map(|file| file.documents).sum(), "document"),
            count(exported.files.len() as u64, "collection"),
            exported.lsn,
        );
        if request.is_stdout() {
            // Standard output holds the documents, and nothing else.
            context.output.say(&words);
            return Ok(());
        }
        context.output.reply(&words, &exported)
    }

    /// Whether standard output gets the documents.
    pub(crate) fn is_stdout(&self) -> bool {
        self.target == Path::new("-")
    }

    fn request(self) -> ExportDocuments {
        ExportDocuments {
            target: self.target,
            format: self.format.map(ExportFormat::from),
            collection: self.collection,
            gzip: self.gzip,
            fields: self.fields,
            relaxed: self.style.relaxed,
            lossy: self.style.lossy,
            force: self.force,
        }
    }
}

/// A spinner with the number of documents, and notes between.
struct Progress<'a> {
    bar: ProgressBar,
    context: &'a Context,
}

impl Watcher for Progress<'_> {
    fn advances(&self, units: u64) {
        self.bar.inc(units);
    }

    fn notes(&self, note: &str) {
        self.context.output.note(note);
    }
}
