//! `argon import`

use std::path::PathBuf;

use argon_core::ErrorKind;
use argon_core::model::CollectionName;
use clap::{Args, ValueEnum};

use crate::args::Signature;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::formats::{Format, SourceOptions};
use crate::import::{self, OnDuplicate, Options, Plan, Request, Summary, Target};
use crate::output::progress;

const EXAMPLES: &str = "\
Examples:
  argon import dump/shop                     a mongodump of one database, all collections
  argon import dump --database shop          one of several databases
  argon import zips.bson.gz                  one collection; indexes from zips.metadata.json.gz
  argon import users.json -c people          JSON lines or an array, Extended JSON of any version
  argon import prices.csv --keep-going       good lines in, bad lines listed, exit code 2
  argon import dump/shop --on-duplicate skip      go on with an import that was cut off
  zcat x.json.gz | argon import - -c x";

/// Import a mongodump directory, or a BSON, JSON or CSV file.
///
/// Files end in .bson, .json, .jsonl, .ndjson or .csv, each also with .gz.
/// Documents go in by commits of up to --batch documents and 4 MiB; each commit is durable and whole.
/// A document of a file that has no _id gets an `ObjectId`, the same one if the import is repeated.
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
    /// CSV: an empty cell gives no field, not an empty string
    #[arg(long)]
    ignore_blanks: bool,
    #[command(flatten)]
    signature: Signature,
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
            source: SourceOptions { ignore_blanks: self.ignore_blanks },
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
