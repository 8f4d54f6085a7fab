//! `argon export`

use std::fs;
use std::path::{Path, PathBuf};

use argon_core::model::{CollectionName, Document};
use argon_core::{CollectionView, Error, State};
use argon_formats::extjson::Mode;
use argon_formats::{
    BsonWriter, CsvColumns, CsvWriter, Format, FormatError, JsonLinesWriter, Metadata, Target,
    Written, buckets_name, remove_others, write_metadata,
};
use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use indicatif::ProgressBar;

use crate::args::AtRevision;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{Json, count, loss, progress};

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

/// One collection's file being written.
enum Writer {
    Bson(BsonWriter),
    Json(JsonLinesWriter, OnLoss),
    Csv(CsvWriter),
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
        let format = match self.format {
            Some(format) => Some(format.into()),
            None if self.is_stdout() => Some(Format::JsonLines),
            None => Format::of_path(&self.target),
        };
        let written = match format {
            None => self.directory(context, &state, &progress).await?,
            Some(format) => vec![self.file(context, &state, format, &progress).await?],
        };
        progress.finish_and_clear();
        let documents = written.iter().map(|written| written.documents).sum();
        let target = if self.is_stdout() { Path::new("standard output") } else { &self.target };
        let words = format!(
            "exported {} in {} as of LSN {} to {}",
            count(documents, "document"),
            count(written.len() as u64, "collection"),
            state.lsn(),
            target.display()
        );
        if self.is_stdout() {
            // What is there is the documents, and nothing else.
            context.output.say(&words);
            return Ok(());
        }
        context.output.done(&words, || json(&state, &written))
    }

    fn is_stdout(&self) -> bool {
        self.target == Path::new("-")
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
            written.push(self.in_directory(context, &collection, progress).await?);
        }
        Ok(written)
    }

    /// Writes the files of one collection as `mongodump` does: the documents of a time series are
    /// those of another collection, and a view has none.
    async fn in_directory(
        &self,
        context: &Context,
        collection: &CollectionView,
        progress: &ProgressBar,
    ) -> CommandResult<Written> {
        let (directory, info) = (&self.target, collection.info());
        let name = info.name.as_str();
        let metadata = Metadata {
            options: info.options.clone(),
            indexes: info.listed_indexes().into_owned(),
            ..Metadata::default()
        };
        let is_empty = || async { collection.scan().try_next().await.map(|first| first.is_none()) };
        if metadata.is_view() && is_empty().await? {
            let path = write_metadata(directory, name, &metadata, self.gzip)?;
            self.remove_others(&[name], &[&path])?;
            return Ok(Written { path, documents: 0 });
        }
        if metadata.is_view() {
            context.output.note(&format!(
                "{name} is a view and has documents, which mongorestore does not take"
            ));
        }
        let buckets = metadata.is_time_series().then(|| buckets_name(name));
        let file = buckets.as_deref().unwrap_or(name);
        let writer = Writer::Bson(BsonWriter::create(directory, file, self.gzip)?);
        let written = write(context, writer, collection, progress).await?;
        let path = write_metadata(directory, name, &metadata, self.gzip)?;
        self.remove_others(&[name, file], &[&path, &written.path])?;
        Ok(written)
    }

    /// With --force, a directory may have files of the same collections that are not written over.
    fn remove_others(&self, names: &[&str], written: &[&PathBuf]) -> CommandResult {
        let written: Vec<PathBuf> = written.iter().copied().cloned().collect();
        for name in names.iter().filter(|_| self.force) {
            remove_others(&self.target, name, &written)?;
        }
        Ok(())
    }

    async fn file(
        &self,
        context: &Context,
        state: &State,
        format: Format,
        progress: &ProgressBar,
    ) -> CommandResult<Written> {
        let path = &self.target;
        if !self.is_stdout() && path.exists() && !self.force {
            return Err(taken(path, "is there already"));
        }
        let collection = state.collection(&self.chosen(state)?)?;
        let named = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        let gzip = if self.is_stdout() { self.gzip } else { named };
        let target = if self.is_stdout() { Target::Stdout } else { Target::File(path) };
        let mode = if self.style.relaxed { Mode::Relaxed } else { Mode::Canonical };
        let writer = match format {
            Format::Bson => BsonWriter::to(target, gzip).map(Writer::Bson),
            Format::Csv => {
                let columns = self.columns(&collection).await?;
                CsvWriter::create(target, columns, gzip).map(Writer::Csv)
            }
            _ => {
                let on_loss = if self.style.lossy { OnLoss::Note } else { OnLoss::Refuse };
                JsonLinesWriter::create(target, mode, gzip)
                    .map(|writer| Writer::Json(writer, on_loss))
            }
        };
        match writer {
            Ok(writer) => write(context, writer, &collection, progress).await,
            Err(error) => Err(unwritten(error)),
        }
    }

    /// The columns of a CSV file. Without the user's word the collection is read once for them.
    async fn columns(&self, collection: &CollectionView) -> CommandResult<Vec<Vec<String>>> {
        if !self.fields.is_empty() {
            let path = |name: &String| name.split('.').map(str::to_owned).collect();
            return Ok(self.fields.iter().map(path).collect());
        }
        let mut columns = CsvColumns::default();
        let mut documents = collection.scan();
        while let Some(document) = documents.try_next().await? {
            columns.note(document.as_raw())?;
        }
        Ok(columns.paths())
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
        let written = match &mut writer {
            Writer::Bson(writer) => writer.write(document.as_raw()),
            Writer::Json(writer, on_loss) => {
                check_loss(context, &document, on_loss)?;
                writer.write(document.as_raw())
            }
            Writer::Csv(writer) => writer.write(document.as_raw()),
        };
        written.map_err(unwritten)?;
        progress.inc(1);
    }
    let finished = match writer {
        Writer::Bson(writer) => writer.finish(),
        Writer::Json(writer, _) => writer.finish(),
        Writer::Csv(writer) => writer.finish(),
    };
    finished.map_err(unwritten)
}

/// A reader of standard output that goes away, as `head` does, is no failure.
fn unwritten(error: FormatError) -> Failure {
    match error {
        FormatError::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe => {
            Failure::output(source)
        }
        other => other.into(),
    }
}

/// Refuses or notes a document that would be another one after it was written as JSON and read.
fn check_loss(context: &Context, document: &Document, on_loss: &OnLoss) -> CommandResult {
    let Some(words) = loss(document.as_raw())? else { return Ok(()) };
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
