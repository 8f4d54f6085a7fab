//! `argon import`

use std::path::PathBuf;

use argon_core::ErrorKind;
use argon_core::model::CollectionName;
use clap::{Args, ValueEnum};

use crate::args::Signature;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::formats::extjson::DoubledNames;
use crate::formats::{CellTypes, CsvOptions, Format, SourceOptions};
use crate::import::{self, OnDuplicate, Options, Plan, Request, Summary, Target};
use crate::output::progress;

const EXAMPLES: &str = "\
Examples:
  argon import dump/shop                     a mongodump of one database, all collections
  argon import dump --database shop          one of several databases
  argon import zips.bson.gz                  one collection; indexes from zips.metadata.json.gz
  argon import users.json -c people          JSON lines or an array, Extended JSON of any version
  argon import prices.csv --keep-going       good lines in, bad lines listed, exit code 2
  argon import zips.csv --separator ';'      a header such as zip.string(),since.date(2006-01-02) gives types
  argon import dump/shop --on-duplicate skip      go on with an import that was cut off
  zcat x.json.gz | argon import - -c x";

/// Import a mongodump directory, or a BSON, JSON or CSV file.
///
/// Files end in .bson, .json, .jsonl, .ndjson or .csv, each also with .gz.
/// Documents go in by commits of up to --batch documents and 4 MiB; each commit is durable and whole.
/// A document of a file that has no _id gets an `ObjectId`, the same one if the import is repeated.
///
/// A CSV file has the names of the fields in its first line; a.b is the field b in a document a. Blanks
/// around a cell are no part of it unless it is quoted; a quote inside a cell that is not quoted is
/// text. A quote that is never closed, or text behind a closing quote, makes a row bad. A cell is a
/// number if it is not quoted and nothing of it is lost by that; types in the header go before, as in
/// `zip.string(),n.int32(),since.date(2006-01-02)`, all that mongoimport has.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// A file, a directory, or - for standard input
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The collection [default: named by the file; for a dump: all]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    /// Which database of a dump that has several
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// What is in the file [default: by its name; for standard input: json]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FileFormat>,
    /// What to do about a document whose _id is there already
    #[arg(long, value_name = "WHAT", default_value = "error")]
    on_duplicate: OnDuplicate,
    /// Pass over bad documents, list them on stderr, and exit with code 2 if there were any
    #[arg(long)]
    keep_going: bool,
    /// The most documents in a commit
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    batch: usize,
    #[command(flatten)]
    csv: CsvArgs,
    #[command(flatten)]
    signature: Signature,
}

/// How to read a CSV file.
#[derive(Args)]
struct CsvArgs {
    /// CSV: what stands between cells, one character; 'tab' for a tab
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = separator)]
    separator: u8,
    /// CSV: an empty cell gives no field, not an empty string
    #[arg(long)]
    ignore_blanks: bool,
    /// CSV: what cells are whose column has no type in the header (as in zip.string(), n.int32())
    #[arg(long, value_name = "TYPES", default_value = "auto")]
    types: Types,
}

impl CsvArgs {
    fn options(&self) -> CsvOptions {
        let Self { separator, ignore_blanks, types } = *self;
        CsvOptions { separator, ignore_blanks, types: types.into() }
    }
}

/// A separator of CSV.
fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => {
            Err("expected one ASCII character that is no quote and no line break, or 'tab'"
                .to_owned())
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Types {
    /// Numbers where a cell is not quoted and nothing is lost: 01234 and "5" are text
    Auto,
    /// Whatever mongoimport guesses: 01234 is 1234, "5" is 5, nan is a number
    Mongoimport,
    /// Text, all of them
    Strings,
}

impl From<Types> for CellTypes {
    fn from(types: Types) -> Self {
        match types {
            Types::Auto => Self::Auto,
            Types::Mongoimport => Self::Mongoimport,
            Types::Strings => Self::Strings,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileFormat {
    /// As mongodump writes
    Bson,
    /// Extended JSON: documents one after the other, or one array
    Json,
    /// Extended JSON, one document a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Bson => Self::Bson,
            FileFormat::Json => Self::Json,
            FileFormat::Jsonl => Self::JsonLines,
            FileFormat::Csv => Self::Csv,
        }
    }
}

impl ImportArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let plan = Plan::make(&Request {
            path: &self.path,
            collection: self.collection.as_ref(),
            database: self.database.as_deref(),
            format: self.format.map(Format::from),
        })?;
        for skipped in &plan.skipped {
            context.output.note(&format!(
                "left out {}: {}",
                skipped.path.display(),
                skipped.reason
            ));
        }
        let workspace = context.workspace().await?;
        let target = Target {
            branch: workspace.branch().await?,
            environment: context.environment.clone(),
            progress: progress::bytes(plan.bytes()),
        };
        self.import(context, &plan, &target).await
    }

    async fn import(self, context: &Context, plan: &Plan, target: &Target) -> CommandResult {
        let options = Options {
            on_duplicate: self.on_duplicate,
            keep_going: self.keep_going,
            batch: self.batch,
            source: SourceOptions { csv: self.csv.options(), doubled_names: DoubledNames::Keep },
            actor: self.signature.actor,
            message: self.signature.message,
        };
        let started = context.environment.now();
        let mut summary = Summary::default();
        let result = import::load(plan, target, &options, &mut summary).await;
        target.progress.finish_and_clear();
        if let Some(lsn) = summary.lsn {
            context.output.committed(lsn, target.branch.name());
        }
        let millis = context.environment.now().timestamp_millis() - started.timestamp_millis();
        let seconds = std::time::Duration::from_millis(u64::try_from(millis).unwrap_or_default());
        let (branch, seconds) = (&target.branch, seconds.as_secs_f64());
        let text = summary.text(branch, seconds);
        match &result {
            Ok(()) => {
                context.output.done(&format!("imported {text}"), || summary.json(branch, seconds))?;
            }
            Err(Failure::Interrupted) => context.output.say(&format!(
                "interrupted; committed before that: {text}\nrun it again with --on-duplicate skip to go on"
            )),
            Err(_) if !summary.is_empty() => context.output.say(&format!("committed before the error: {text}")),
            Err(_) => {}
        }
        result?;
        if summary.bad > 0 { Err(Failure::Reported(ErrorKind::Invalid)) } else { Ok(()) }
    }
}
