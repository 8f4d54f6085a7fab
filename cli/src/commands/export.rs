//! `argon export`

use std::fs;
use std::path::{Path, PathBuf};

use argon_core::model::CollectionName;
use argon_core::{CollectionView, Error, State};
use clap::Args;
use futures::TryStreamExt;
use indicatif::ProgressBar;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::formats::extjson::Mode;
use crate::formats::{BsonWriter, Format, JsonLinesWriter, Metadata, Written, write_metadata};
use crate::output::{Json, count, progress};

const EXAMPLES: &str = "\
Examples:
  argon export out/shop                          then: mongorestore -d shop out/shop
  argon export old --at main@2026-07-07 --gzip
  argon export zips.json -c zips --relaxed";

/// Export a state as a mongodump directory, or one collection as a file.
///
/// Importing an export gives collections with equal digests. A file has its name only once it is
/// whole. JSON holds no options and indexes.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// A directory; or a file whose name ends in .json, .jsonl, .ndjson or .bson, also with .gz
    #[arg(value_name = "DIR|FILE")]
    target: PathBuf,
    #[command(flatten)]
    at: AtRevision,
    /// The collection [default: all, or the only one]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    /// Compress the files of a directory
    #[arg(long)]
    gzip: bool,
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
}

/// One collection's file being written.
enum Writer {
    Bson(BsonWriter),
    Json(JsonLinesWriter),
}

impl ExportArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let progress = progress::spinner("documents written");
        let written = match Format::of_path(&self.target) {
            None => self.directory(&state, &progress).await?,
            Some(Format::Csv) => {
                return Err(
                    Error::unsupported("argon does not write CSV; export JSON lines").into()
                );
            }
            Some(format) => vec![self.file(&state, format, &progress).await?],
        };
        progress.finish_and_clear();
        let documents = written.iter().map(|written| written.documents).sum();
        let words = format!(
            "exported {} in {} as of LSN {} to {}",
            count(documents, "document"),
            count(written.len() as u64, "collection"),
            state.lsn(),
            self.target.display()
        );
        context.output.done(&words, || json(&state, &written))
    }

    async fn directory(
        &self,
        state: &State,
        progress: &ProgressBar,
    ) -> CommandResult<Vec<Written>> {
        let directory = &self.target;
        let collections = match &self.collection {
            Some(name) => vec![state.collection(name)?],
            None => state
                .collections()
                .map(|info| state.collection(&info.name))
                .collect::<argon_core::Result<_>>()?,
        };
        fs::create_dir_all(directory).map_err(|error| unwritable(directory, error))?;
        self.refuse_if_taken(directory)?;
        let mut written = Vec::with_capacity(collections.len());
        for collection in collections {
            let (name, info) = (collection.info().name.as_str(), collection.info());
            let writer = Writer::Bson(BsonWriter::create(directory, name, self.gzip)?);
            written.push(write(writer, &collection, progress).await?);
            let metadata = Metadata {
                options: info.options.clone(),
                indexes: info.indexes.clone(),
                ..Metadata::default()
            };
            write_metadata(directory, name, &metadata, self.gzip)?;
        }
        Ok(written)
    }

    async fn file(
        &self,
        state: &State,
        format: Format,
        progress: &ProgressBar,
    ) -> CommandResult<Written> {
        let path = &self.target;
        if path.exists() && !self.force {
            return Err(taken(path, "is there already"));
        }
        let collection = state.collection(&self.chosen(state)?)?;
        let compressed = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        let mode = if self.style.relaxed { Mode::Relaxed } else { Mode::Canonical };
        let writer = match format {
            Format::Bson => Writer::Bson(BsonWriter::create_file(path, compressed)?),
            _ => Writer::Json(JsonLinesWriter::create(path, mode, compressed)?),
        };
        write(writer, &collection, progress).await
    }

    /// The collection that goes into a file of one.
    fn chosen(&self, state: &State) -> CommandResult<CollectionName> {
        if let Some(name) = &self.collection {
            return Ok(name.clone());
        }
        let names: Vec<&CollectionName> = state.collections().map(|info| &info.name).collect();
        match names.as_slice() {
            [only] => Ok((*only).clone()),
            [] => Err(Error::not_found("there is no collection to export").into()),
            names => {
                let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                let error = Error::invalid("a file takes one collection, and there are several");
                Err(Failure::from(error).hint(format!("-c chooses one of: {}", names.join(", "))))
            }
        }
    }

    fn refuse_if_taken(&self, directory: &Path) -> CommandResult {
        let mut entries = fs::read_dir(directory).map_err(|error| unwritable(directory, error))?;
        if entries.next().is_some() && !self.force {
            return Err(taken(directory, "is not empty"));
        }
        Ok(())
    }
}

async fn write(
    mut writer: Writer,
    collection: &CollectionView,
    progress: &ProgressBar,
) -> CommandResult<Written> {
    let mut documents = collection.scan();
    while let Some(document) = documents.try_next().await? {
        match &mut writer {
            Writer::Bson(writer) => writer.write(document.as_raw())?,
            Writer::Json(writer) => writer.write(document.as_raw())?,
        }
        progress.inc(1);
    }
    Ok(match writer {
        Writer::Bson(writer) => writer.finish()?,
        Writer::Json(writer) => writer.finish()?,
    })
}

fn taken(path: &Path, what: &str) -> Failure {
    let error = Error::already_exists(format!("{} {what}; nothing was written", path.display()));
    Failure::from(error).hint("choose another name, or write over it by --force")
}

fn unwritable(directory: &Path, error: std::io::Error) -> Failure {
    let context = format!("can't write into {}", directory.display());
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => Error::denied(context),
        std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists => {
            Error::invalid(context)
        }
        _ => Error::unavailable(context),
    }
    .with_source(error)
    .into()
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
