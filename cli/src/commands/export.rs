//! `argon export`

use std::fs;
use std::path::{Path, PathBuf};

use argon_core::model::{CollectionName, Document};
use argon_core::{CollectionView, Error, State};
use bson::raw::RawBsonRef;
use clap::Args;
use futures::TryStreamExt;
use indicatif::ProgressBar;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::formats::extjson::{Layout, Mode, find_loss, print_raw_value};
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
/// whole. JSON holds no options and indexes; a document that JSON can't express, such as one with a
/// field named $oid, is refused, unless --lossy lets it become another.
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
    /// JSON: write documents that it can't express too, and list them on stderr
    #[arg(long)]
    lossy: bool,
}

/// One collection's file being written.
enum Writer {
    Bson(BsonWriter),
    Json(JsonLinesWriter, OnLoss),
}

/// What is done about a document that JSON can't express.
enum OnLoss {
    Refuse,
    Note,
}

impl ExportArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        let progress = progress::spinner("documents written");
        let written = match Format::of_path(&self.target) {
            None => self.directory(context, &state, &progress).await?,
            Some(Format::Csv) => {
                return Err(
                    Error::unsupported("argon does not write CSV; export JSON lines").into()
                );
            }
            Some(format) => vec![self.file(context, &state, format, &progress).await?],
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
        context: &Context,
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
            written.push(write(context, writer, &collection, progress).await?);
            let metadata = Metadata {
                options: info.options.clone(),
                indexes: info.listed_indexes().into_owned(),
                ..Metadata::default()
            };
            write_metadata(directory, name, &metadata, self.gzip)?;
        }
        Ok(written)
    }

    async fn file(
        &self,
        context: &Context,
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
            _ => {
                let on_loss = if self.style.lossy { OnLoss::Note } else { OnLoss::Refuse };
                Writer::Json(JsonLinesWriter::create(path, mode, compressed)?, on_loss)
            }
        };
        write(context, writer, &collection, progress).await
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
    context: &Context,
    mut writer: Writer,
    collection: &CollectionView,
    progress: &ProgressBar,
) -> CommandResult<Written> {
    let mut documents = collection.scan();
    while let Some(document) = documents.try_next().await? {
        match &mut writer {
            Writer::Bson(writer) => writer.write(document.as_raw())?,
            Writer::Json(writer, on_loss) => {
                check_loss(context, &document, on_loss)?;
                writer.write(document.as_raw())?;
            }
        }
        progress.inc(1);
    }
    Ok(match writer {
        Writer::Bson(writer) => writer.finish()?,
        Writer::Json(writer, _) => writer.finish()?,
    })
}

/// Refuses or notes a document that would be another one after it was written as JSON and read.
fn check_loss(context: &Context, document: &Document, on_loss: &OnLoss) -> CommandResult {
    let Some(loss) = find_loss(document.as_raw())? else { return Ok(()) };
    let id = document.as_raw().get("_id").ok().flatten().unwrap_or(RawBsonRef::Null);
    let id = print_raw_value(id, Mode::Relaxed, Layout::Compact)?;
    let words = format!("JSON can't express the document with _id {id}: {loss}");
    match on_loss {
        OnLoss::Refuse => {
            let hint = "export a name that ends in .bson, or let it become another by --lossy";
            Err(Failure::from(Error::unsupported(words)).hint(hint))
        }
        OnLoss::Note => {
            context.output.note(&words);
            Ok(())
        }
    }
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
