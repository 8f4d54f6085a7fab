//! `argon import`

mod summary;

use std::path::PathBuf;
use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::{Branch, Error, ErrorKind};
use argon_formats::extjson::DoubledNames;
use argon_formats::{BadRecord, CellTypes, CsvOptions, Format, SourceOptions};
use argon_service::import::{
    self, NamespacePattern, Options, Plan, Request, Selection, Summary, Target,
};
use argon_service::{Interrupt, Watcher};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{progress, to_stderr};

const EXAMPLES: &str = "\
Examples:
  argon import dump/shop                     a mongodump of one database, all collections
  argon import dump --database shop          one of several databases
  argon import zips.bson.gz                  one collection; indexes from zips.metadata.json.gz
  argon import users.json -c people          JSON lines or an array, Extended JSON of any version
  argon import prices.csv --keep-going       good lines in, bad lines listed, exit code 2
  argon import zips.csv --separator ';'      a header such as zip.string(),since.date(2006-01-02) gives types
  argon import dump/shop --on-duplicate skip      go on with an import that was cut off
  argon import dump/shop --mode replace-collection --dry-run    what a newer dump would change
  argon import shop.archive --ns-exclude 'shop.log*'            a file of mongodump --archive
  zcat x.json.gz | argon import - -c x";

/// Import a mongodump directory or archive, or a BSON, JSON or CSV file.
///
/// Files end in .bson, .json, .jsonl, .ndjson or .csv, each also with .gz; an archive may have any name.
/// Documents go in by commits of up to --batch documents and 4 MiB; each commit is durable and whole.
/// A document of a file that has no _id gets an `ObjectId`, the same one if the same content is imported
/// again. Views and time series come in as collections with their options, and are exported as such.
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
    /// The collection a file goes into [default: named by the file]; of a dump, the only one to import
    /// [default: all]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    #[command(flatten)]
    dump: DumpArgs,
    /// What is in the file [default: by its name; for standard input: json]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FileFormat>,
    #[command(flatten)]
    existing: ExistingArgs,
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
    /// CSV: what cells are whose column has no type in the header (as in `zip.string()`, `n.int32()`)
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

/// What is imported of a dump.
#[derive(Args)]
struct DumpArgs {
    /// Which database of a dump that has several
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Collections of a dump to import: DATABASE.COLLECTION with * for any text, or COLLECTION
    #[arg(long, value_name = "PATTERN", conflicts_with = "collection")]
    ns_include: Vec<NamespacePattern>,
    /// Collections of a dump to leave out
    #[arg(long, value_name = "PATTERN")]
    ns_exclude: Vec<NamespacePattern>,
    /// Leave out files of a dump that can't be loaded, list them, and exit with code 2 if there were any
    #[arg(long)]
    skip_bad_files: bool,
}

/// What becomes of what is there.
#[derive(Args)]
struct ExistingArgs {
    /// What to do with the collections that are there
    #[arg(long, value_name = "MODE", default_value = "insert")]
    mode: ImportMode,
    /// What to do about a document whose _id is there already [default: error]
    #[arg(long, value_name = "WHAT", conflicts_with = "drop")]
    on_duplicate: Option<OnDuplicate>,
    /// Drop each collection that is imported before its first document is written
    #[arg(long)]
    drop: bool,
    /// Read and compare all, say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnDuplicate {
    /// Stop, and name it
    Error,
    /// Leave the one that is there
    Skip,
    /// Take the new one, unless they are equal
    Replace,
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
    /// Add documents to them; --on-duplicate says what to do about those that are there
    Insert,
    /// Make each what the file is, by one commit of what differs: documents that are new, changed or
    /// gone, options and indexes. Collections that are not in the dump stay as they are
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
    /// A file of mongodump --archive
    Archive,
}

impl FileFormat {
    /// The format of documents; none of an archive, which says it itself.
    fn of_documents(self) -> Option<Format> {
        match self {
            Self::Bson => Some(Format::Bson),
            Self::Json => Some(Format::Json),
            Self::Jsonl => Some(Format::JsonLines),
            Self::Csv => Some(Format::Csv),
            Self::Archive => None,
        }
    }
}

impl ImportArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        self.refuse_what_does_not_fit()?;
        let plan = Plan::make(&Request {
            path: &self.path,
            selection: Selection {
                collection: self.collection.as_ref(),
                include: &self.dump.ns_include,
                exclude: &self.dump.ns_exclude,
            },
            database: self.dump.database.as_deref(),
            format: self.format.and_then(FileFormat::of_documents),
            archive: matches!(self.format, Some(FileFormat::Archive)),
            skip_bad_files: self.dump.skip_bad_files,
        })?;
        for skipped in &plan.skipped {
            context.output.note(&format!(
                "left out {}: {}",
                skipped.path.display(),
                skipped.reason
            ));
        }
        for bad in &plan.bad {
            context.output.note(&format!("left out, as it can't be loaded: {}", bad.error));
        }
        for note in plan.notes() {
            context.output.note(&note);
        }
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let bar = progress::bytes(plan.bytes());
        let target = Target {
            branch: workspace.branch().await?,
            environment: context.environment.clone(),
            watcher: Arc::new(Progress(bar.clone())),
        };
        self.import(context, &plan, &target, &bar).await
    }

    /// Refuses options that contradict each other.
    fn refuse_what_does_not_fit(&self) -> CommandResult {
        if self.existing.mode == ImportMode::Insert {
            return Ok(());
        }
        let option = match self {
            Self { existing: ExistingArgs { on_duplicate: Some(_), .. }, .. } => "--on-duplicate",
            Self { existing: ExistingArgs { drop: true, .. }, .. } => "--drop",
            // A document that can't be read is not one that is gone.
            Self { keep_going: true, .. } => "--keep-going",
            _ => return Ok(()),
        };
        let error = format!(
            "--mode replace-collection makes collections what the files are, without {option}"
        );
        Err(Error::invalid(error).into())
    }

    async fn import(
        self,
        context: &Context,
        plan: &Plan,
        target: &Target,
        bar: &ProgressBar,
    ) -> CommandResult {
        let (mode, dry_run) = (self.existing.mode, self.existing.dry_run);
        let options = Options {
            on_duplicate: self.existing.on_duplicate.unwrap_or(OnDuplicate::Error).into(),
            drop: self.existing.drop,
            dry_run,
            keep_going: self.keep_going,
            batch: self.batch,
            source: SourceOptions { csv: self.csv.options(), doubled_names: DoubledNames::Keep },
            actor: self.signature.actor,
            message: self.signature.message,
        };
        let started = context.environment.now();
        let mut summary = Summary::default();
        let result = match mode {
            ImportMode::ReplaceCollection => {
                import::replace(plan, target, &options, &mut summary).await
            }
            ImportMode::Insert if dry_run => {
                import::rehearse(plan, target, &options, &mut summary).await
            }
            ImportMode::Insert => import::load(plan, target, &options, &mut summary).await,
        }
        .map_err(Failure::from);
        bar.finish_and_clear();
        if let Some(lsn) = summary.lsn {
            context.output.committed(lsn, target.branch.name());
        }
        let millis = context.environment.now().timestamp_millis() - started.timestamp_millis();
        let seconds = std::time::Duration::from_millis(u64::try_from(millis).unwrap_or_default());
        report(context, mode, dry_run, &result, &summary, &target.branch, seconds.as_secs_f64())?;
        result?;
        let is_complete = summary.bad == 0 && plan.bad.is_empty();
        if is_complete { Ok(()) } else { Err(Failure::Reported(ErrorKind::Invalid)) }
    }
}

/// The bar of bytes that are read, with the file above it; bad records come on lines of their own.
struct Progress(ProgressBar);

impl Watcher for Progress {
    fn begins(&self, part: &str) {
        self.0.set_message(part.to_owned());
    }

    fn advances(&self, units: u64) {
        self.0.inc(units);
    }

    fn rejects(&self, record: &BadRecord) {
        self.0.suspend(|| to_stderr(&format!("bad: {record}")));
    }

    fn interrupt(&self) -> Interrupt {
        Box::pin(async {
            // A signal that can't be waited for ends it too.
            let _ = tokio::signal::ctrl_c().await;
        })
    }
}

/// Says what was done, or would be.
fn report(
    context: &Context,
    mode: ImportMode,
    dry_run: bool,
    result: &CommandResult,
    summary: &Summary,
    branch: &Branch,
    seconds: f64,
) -> CommandResult {
    let (output, text) = (&context.output, summary::text(summary, branch, seconds));
    match result {
        Ok(()) => {
            let words = if dry_run {
                format!("would import {text}; nothing was written")
            } else {
                format!("imported {text}")
            };
            output.done(&words, || summary::json(summary, branch, seconds))?;
        }
        Err(_) if dry_run => output.say("nothing was written"),
        Err(Failure::Interrupted) if mode == ImportMode::Insert => output.say(&format!(
            "interrupted; committed before that: {text}\nrun it again with --on-duplicate skip to go on"
        )),
        Err(Failure::Interrupted) if summary.is_empty() => {
            output.say("interrupted; nothing was written");
        }
        Err(_) if !summary.is_empty() => {
            output.say(&format!("committed before the error: {text}"));
        }
        Err(_) => {}
    }
    Ok(())
}
