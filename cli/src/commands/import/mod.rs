//! `argon import`

mod summary;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon_core::model::{CollectionName, Lsn};
use argon_core::{Error, ErrorKind};
use argon_formats::BadRecord;
use argon_service::import::{
    self, BATCH, ColumnTypes, CsvFormat, ImportFiles, ImportFormat, ImportOutcome, ImportSummary,
    LostIndex, MAX_BATCH, NamespacePattern, Plan, Separator, Target,
};
use argon_service::{Interrupt, Watcher};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{Output, progress, to_stderr};
use crate::plans::note_indexes;

const EXAMPLES: &str = "\
Examples:
  argon import dump/shop                     a mongodump of one database, all collections
  argon import dump --database shop          one of several databases
  argon import zips.bson.gz                  one collection; indexes from zips.metadata.json.gz
  argon import users.json -c people          JSON lines or an array, Extended JSON of any version
  argon import prices.csv --keep-going       good lines in, bad lines listed, exit code 2
  argon import zips.csv --separator ';'      a header such as zip.string(),since.date(2006-01-02) gives types
  argon import zips.parquet                  a table: a document from each row
  argon import dump/shop --on-duplicate skip      continue an import that was interrupted
  argon import dump/shop --mode replace-collection --dry-run    what a newer dump would change
  argon import shop.archive --ns-exclude 'shop.log*'            a file of mongodump --archive
  zcat x.json.gz | argon import - -c x";

/// Import a mongodump directory or archive, or a BSON, JSON, CSV, Parquet or Arrow file.
///
/// Files end in .bson, .json, .jsonl, .ndjson, .csv, .parquet, .arrow or .feather, each also with .gz; an
/// archive may have any name.
/// A commit holds up to --batch documents and 4 MiB; each commit is durable and atomic. A document of a file
/// without an _id gets an `ObjectId`, the same one if the same content is imported again. Views and time
/// series become collections with their options, and are exported as such.
///
/// A CSV file has the names of the fields in its first line; a.b is the field b in a document a. Blanks
/// around a cell are ignored unless it is quoted; a quote inside an unquoted cell is text. A quote that is
/// never closed, or text behind a closing quote, makes a row bad. A cell is a number if it is not quoted
/// and the number is exact. Types in the header take precedence, as in
/// `zip.string(),n.int32(),since.date(2006-01-02)`: all types of mongoimport.
///
/// A Parquet or Arrow file is read once before the first document is imported, so nothing of a damaged file is. A
/// null is a missing field, unless the file is an export that says that it was a null; docs/COLUMNS.md lists the
/// types. A build without the feature columnar has neither format.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// A file, a directory, or - for standard input
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The collection a file goes into [default: named by the file]; of a dump, the only one to import
    /// [default: all]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    #[command(flatten)]
    dump: DumpArgs,
    /// The format of the file [default: by its name; for standard input: json]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FileFormat>,
    #[command(flatten)]
    existing: ExistingArgs,
    /// Import documents although they break the validator or a unique index of their collection
    #[arg(long)]
    bypass_rules: bool,
    /// Leave out bad documents, list them on stderr, and then exit with code 2
    #[arg(long)]
    keep_going: bool,
    /// The maximum number of documents in a commit
    #[arg(long, value_name = "N", default_value_t = BATCH,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_BATCH as u64))]
    batch: usize,
    #[command(flatten)]
    csv: CsvArgs,
    #[command(flatten)]
    signature: Signature,
}

/// How to read a CSV file.
#[derive(Args)]
struct CsvArgs {
    /// CSV: the character between cells; 'tab' for a tab
    #[arg(long, value_name = "CHARACTER", default_value = ",")]
    separator: Separator,
    /// CSV: an empty cell gives no field, not an empty string
    #[arg(long)]
    ignore_blanks: bool,
    /// CSV: the types of cells whose column has no type in the header (as in `zip.string()`, `n.int32()`)
    #[arg(long, value_name = "TYPES", default_value = "auto")]
    types: Types,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Types {
    /// Numbers, if a cell is not quoted and the number is exact: 01234 and "5" are text
    Auto,
    /// As mongoimport guesses: 01234 is 1234, "5" is 5, nan is a number
    Mongoimport,
    /// Text
    Strings,
}

impl From<Types> for ColumnTypes {
    fn from(types: Types) -> Self {
        match types {
            Types::Auto => Self::Auto,
            Types::Mongoimport => Self::Mongoimport,
            Types::Strings => Self::Strings,
        }
    }
}

/// The selection from a dump.
#[derive(Args)]
struct DumpArgs {
    /// The database, of a dump that has several
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Collections of a dump to import: DATABASE.COLLECTION with * for any text, or COLLECTION
    #[arg(long, value_name = "PATTERN", conflicts_with = "collection")]
    ns_include: Vec<NamespacePattern>,
    /// Collections of a dump to leave out
    #[arg(long, value_name = "PATTERN")]
    ns_exclude: Vec<NamespacePattern>,
    /// Leave out files of a dump that can't be loaded, list them, and then exit with code 2
    #[arg(long)]
    skip_bad_files: bool,
}

/// What becomes of existing collections and documents.
#[derive(Args)]
struct ExistingArgs {
    /// What to do with existing collections
    #[arg(long, value_name = "MODE", default_value = "insert")]
    mode: ImportMode,
    /// What to do about a document whose _id exists [default: error]
    #[arg(long, value_name = "WHAT", conflicts_with = "drop")]
    on_duplicate: Option<OnDuplicate>,
    /// Drop each imported collection before its first document is written
    #[arg(long)]
    drop: bool,
    /// Read and compare everything, report what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnDuplicate {
    /// Stop, and name the document
    Error,
    /// Keep the existing one
    Skip,
    /// Take the new one, unless they are equal
    Replace,
}

impl From<ImportMode> for import::ImportMode {
    fn from(mode: ImportMode) -> Self {
        match mode {
            ImportMode::Insert => Self::Insert,
            ImportMode::ReplaceCollection => Self::ReplaceCollection,
        }
    }
}

impl From<OnDuplicate> for import::OnDuplicate {
    fn from(on_duplicate: OnDuplicate) -> Self {
        match on_duplicate {
            OnDuplicate::Error => Self::Error,
            OnDuplicate::Skip => Self::Skip,
            OnDuplicate::Replace => Self::Replace,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ImportMode {
    /// Add documents to them; --on-duplicate decides about those that exist
    Insert,
    /// Make each what the file is, by one commit of the differences: documents that are new, changed or
    /// removed, options and indexes. Collections that are not in the dump stay as they are
    ReplaceCollection,
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
    /// Parquet
    Parquet,
    /// Arrow's own format, which is called Feather too
    Arrow,
    /// A file of mongodump --archive
    Archive,
}

impl From<FileFormat> for ImportFormat {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Bson => Self::Bson,
            FileFormat::Json => Self::Json,
            FileFormat::Jsonl => Self::Jsonl,
            FileFormat::Csv => Self::Csv,
            FileFormat::Parquet => Self::Parquet,
            FileFormat::Arrow => Self::Arrow,
            FileFormat::Archive => Self::Archive,
        }
    }
}

impl ImportArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let trailers = self.signature.notes.clone();
        let request = self.request();
        if let Some(key) = request.contradiction() {
            let option = key.replace('_', "-");
            let error = format!("--mode replace-collection can't be combined with --{option}");
            return Err(Error::invalid(error).into());
        }
        let plan = Plan::make(&request)?;
        plan.notes().for_each(|note| context.output.note(&note));
        let workspace = context.workspace_noting(&trailers).await?;
        let progress = Progress { bar: progress::bytes(plan.bytes()), notes: Mutex::default() };
        let progress = Arc::new(progress);
        let target = Target {
            branch: workspace.branch().await?,
            environment: context.environment.clone(),
            watcher: progress.clone(),
        };
        let ImportOutcome { summary, result } = import::import(&request, &plan, &target).await;
        progress.bar.finish_and_clear();
        for note in std::mem::take(&mut *progress.notes()) {
            context.output.note(&note);
        }
        if let Some(lsn) = summary.lsn {
            context.output.committed(Lsn::new(lsn), &summary.branch);
        }
        let result = result.map_err(Failure::from);
        report(&context.output, &request, &result, &summary)?;
        result?;
        if summary.is_complete() { Ok(()) } else { Err(Failure::Reported(ErrorKind::Invalid)) }
    }

    fn request(self) -> ImportFiles {
        let CsvArgs { separator, ignore_blanks, types } = self.csv;
        ImportFiles {
            path: self.path,
            collection: self.collection,
            database: self.dump.database,
            include: self.dump.ns_include,
            exclude: self.dump.ns_exclude,
            skip_bad_files: self.dump.skip_bad_files,
            format: self.format.map(ImportFormat::from),
            mode: self.existing.mode.into(),
            on_duplicate: self.existing.on_duplicate.map(import::OnDuplicate::from),
            drop: self.existing.drop,
            dry_run: self.existing.dry_run,
            bypass_rules: self.bypass_rules,
            keep_going: self.keep_going,
            batch: self.batch,
            csv: CsvFormat { separator, ignore_blanks, types: types.into() },
            signature: self.signature.into(),
        }
    }
}

/// The bar of bytes that are read, with the file above it; bad records come on lines of their own.
struct Progress {
    bar: ProgressBar,
    /// What is to be noted at the end.
    notes: Mutex<BTreeSet<String>>,
}

impl Progress {
    fn notes(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Progress {
    fn begins(&self, part: &str) {
        self.bar.set_message(part.to_owned());
    }

    fn advances(&self, units: u64) {
        self.bar.inc(units);
    }

    fn notes(&self, note: &str) {
        self.notes().insert(note.to_owned());
    }

    fn rejects(&self, record: &BadRecord) {
        self.bar.suspend(|| to_stderr(&format!("bad: {record}")));
    }

    fn interrupt(&self) -> Interrupt {
        Box::pin(async {
            // If the signal can't be waited for, the import ends too.
            let _ = tokio::signal::ctrl_c().await;
        })
    }
}

/// Reports what was imported, or would be.
fn report(
    output: &Output,
    request: &ImportFiles,
    result: &CommandResult,
    summary: &ImportSummary,
) -> CommandResult {
    let text = summary::text(summary);
    let inserts = request.mode == import::ImportMode::Insert;
    match result {
        Ok(()) if request.dry_run => {
            output.reply(&format!("would import {text}; nothing was written"), summary)?;
        }
        Ok(()) => output.reply(&format!("imported {text}"), summary)?,
        Err(_) if request.dry_run => output.say("nothing was written"),
        Err(Failure::Interrupted) if inserts => output.say(&format!(
            "interrupted; committed before that: {text}\nto continue, repeat the command with \
             --on-duplicate skip"
        )),
        Err(Failure::Interrupted) if summary.commits == 0 => {
            output.say("interrupted; nothing was written");
        }
        Err(_) if summary.commits > 0 => {
            output.say(&format!("committed before the error: {text}"));
        }
        Err(_) => {}
    }
    for LostIndex { collection, index } in &summary.dropped_indexes {
        let dropped = if request.dry_run { "would drop" } else { "dropped" };
        output
            .note(&format!("{dropped} index {index} of {collection}, which the files do not have"));
    }
    note_indexes(output, &summary.indexes);
    Ok(())
}
