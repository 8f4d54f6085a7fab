//! `argon export`

use std::path::{Path, PathBuf};

use argon_core::State;
use argon_core::model::CollectionName;
use argon_formats::extjson::Mode;
use argon_formats::{Format, Written};
use argon_service::Watcher;
use argon_service::export::{self, Destination, OnLoss, Request};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Json, count, progress};

const EXAMPLES: &str = "\
Examples:
  argon export out/shop                          then: mongorestore -d shop out/shop
  argon export old --at main@2026-07-07 --gzip
  argon export zips.json -c zips --relaxed
  argon export zips.csv -c zips --fields _id,city,loc.x
  argon export - -c zips | jq .pop";

/// Export a state as a mongodump directory, or one collection as a file or on standard output.
///
/// Importing an export gives collections with equal digests. A file has its name only once it is
/// whole. JSON holds no options and indexes; a document that JSON can't express, such as one with a
/// field named $oid, is refused, unless --lossy lets it become another. CSV holds no types either: it is
/// for spreadsheets, and a field within a document is a column such as loc.x.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// A directory; a file whose name ends in .json, .jsonl, .ndjson, .bson or .csv, also with .gz; or -
    /// for standard output
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
    /// What to write into a file [default: by its name; for standard output: json]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FileFormat>,
    /// CSV: the fields that are columns, such as _id,name.first [default: all]
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    fields: Vec<String>,
    #[command(flatten)]
    style: JsonStyle,
    /// Write into a directory that is not empty, and over a file that is there
    #[arg(long)]
    force: bool,
}

/// How a JSON file is written.
#[derive(Args)]
struct JsonStyle {
    /// JSON: canonical Extended JSON, in which every value keeps its type; this is the default
    #[arg(long, conflicts_with = "relaxed")]
    canonical: bool,
    /// JSON: relaxed Extended JSON, which reads better and loses some types
    #[arg(long)]
    relaxed: bool,
    /// JSON: write documents that it can't express too, and list them on stderr
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
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Bson => Self::Bson,
            FileFormat::Json => Self::JsonLines,
            FileFormat::Csv => Self::Csv,
        }
    }
}

impl ExportArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let is_stdout = self.is_stdout();
        let target = if is_stdout { PathBuf::from("standard output") } else { self.target.clone() };
        let progress = Progress { bar: progress::spinner("documents written"), context };
        let written = export::export(&state, &self.request(), &progress).await?;
        progress.bar.finish_and_clear();
        let documents = written.iter().map(|written| written.documents).sum();
        let words = format!(
            "exported {} in {} as of LSN {} to {}",
            count(documents, "document"),
            count(written.len() as u64, "collection"),
            state.lsn(),
            target.display()
        );
        if is_stdout {
            // What is there is the documents, and nothing else.
            context.output.say(&words);
            return Ok(());
        }
        context.output.done(&words, || json(&state, &written))
    }

    fn is_stdout(&self) -> bool {
        self.target == Path::new("-")
    }

    fn request(self) -> Request {
        let is_stdout = self.is_stdout();
        let format = self.format.map(Format::from);
        let destination = match format.or_else(|| Format::of_path(&self.target)) {
            _ if is_stdout => Destination::Stdout(format.unwrap_or(Format::JsonLines)),
            Some(format) => Destination::File(self.target, format),
            None => Destination::Directory(self.target),
        };
        Request {
            destination,
            collection: self.collection,
            gzip: self.gzip,
            fields: self.fields,
            mode: if self.style.relaxed { Mode::Relaxed } else { Mode::Canonical },
            on_loss: if self.style.lossy { OnLoss::Note } else { OnLoss::Refuse },
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

fn json(state: &State, written: &[Written]) -> Json {
    let files = written.iter().map(|written| {
        Json::object([
            ("path", written.path.display().to_string().into()),
            ("documents", written.documents.into()),
        ])
    });
    Json::object([("lsn", state.lsn().get().into()), ("files", Json::Array(files.collect()))])
}
