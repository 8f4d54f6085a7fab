//! A state into files: a `mongodump` directory, or one collection as one file or a stream.

use std::fs;
use std::path::{Path, PathBuf};

use argon_core::model::{CollectionName, Document};
use argon_core::{CollectionView, Error, State};
use argon_formats::extjson::Mode;
use argon_formats::{
    BsonWriter, CsvColumns, CsvWriter, Format, JsonLinesWriter, Metadata, OpenOutput, Target,
    Written, buckets_name, remove_others, write_metadata,
};
use futures::TryStreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::loss::loss;
use crate::{Failure, Hint, Result, Watcher};

/// Export a state as a `mongodump` directory, or one collection as a file or on standard output.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches of a request")]
pub struct ExportDocuments {
    /// A directory; a file whose name ends in `.json`, `.jsonl`, `.ndjson`, `.bson` or `.csv`, also with
    /// `.gz`; or `-` for standard output.
    pub target: PathBuf,
    /// The format of a file; without it, the name of the file determines it, and standard output gets JSON.
    #[serde(default)]
    pub format: Option<ExportFormat>,
    /// The only collection to export; without it, a directory gets all, and a file the only one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub collection: Option<CollectionName>,
    /// Whether the files of a directory, or standard output, are compressed.
    #[serde(default)]
    pub gzip: bool,
    /// CSV: the fields that are columns, with dots within them; without any, all.
    #[serde(default)]
    pub fields: Vec<String>,
    /// JSON: whether it is relaxed Extended JSON, which loses some types.
    #[serde(default)]
    pub relaxed: bool,
    /// JSON: whether a document that it can't express is changed and noted, not refused.
    #[serde(default)]
    pub lossy: bool,
    /// Whether a directory that is not empty, or an existing file, is overwritten.
    #[serde(default)]
    pub force: bool,
}

/// The format of an exported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// BSON, as `mongodump` writes it.
    Bson,
    /// Extended JSON, one document a line.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Bson => Self::Bson,
            ExportFormat::Json => Self::JsonLines,
            ExportFormat::Csv => Self::Csv,
        }
    }
}

/// The result of an export.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExportedFiles {
    /// The position of the state.
    pub lsn: u64,
    /// The files, one for each collection.
    pub files: Vec<ExportedFile>,
}

/// A file with the documents of a collection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExportedFile {
    /// Its path.
    pub path: String,
    /// The number of its documents.
    pub documents: u64,
}

impl From<Written> for ExportedFile {
    fn from(Written { path, documents }: Written) -> Self {
        Self { path: path.display().to_string(), documents }
    }
}

impl ExportDocuments {
    /// Whether the target is standard output.
    pub fn is_stdout(&self) -> bool {
        self.target == Path::new("-")
    }
}

/// Writes the documents of a state; for standard output, to what `stdout` opens. The units that `watcher`
/// counts are documents.
///
/// A file gets its name only once it is complete.
///
/// # Errors
/// `AlreadyExists` if the target exists and is not to be overwritten; `Unsupported` for a document that JSON
/// can't express; those of reading and writing.
pub async fn export(
    state: &State,
    request: &ExportDocuments,
    stdout: OpenOutput,
    watcher: &dyn Watcher,
) -> Result<ExportedFiles> {
    let export = Export { request, watcher };
    let target = request.target.as_path();
    let format = request.format.map(Format::from);
    let written = match format.or_else(|| Format::of_path(target)) {
        _ if request.is_stdout() => {
            let format = format.unwrap_or(Format::JsonLines);
            vec![export.file(Target::Stdout(stdout), format, request.gzip, state).await?]
        }
        Some(format) => {
            if target.exists() && !request.force {
                return Err(taken(target, "exists already"));
            }
            let gzip = target.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
            vec![export.file(Target::File(target), format, gzip, state).await?]
        }
        None => export.directory(target, state).await?,
    };
    let files = written.into_iter().map(ExportedFile::from).collect();
    Ok(ExportedFiles { lsn: state.lsn().get(), files })
}

struct Export<'a> {
    request: &'a ExportDocuments,
    watcher: &'a dyn Watcher,
}

/// The writer of a collection's file.
enum Writer {
    Bson(BsonWriter),
    Json(JsonLinesWriter),
    Csv(CsvWriter),
}

impl Export<'_> {
    async fn directory(&self, directory: &Path, state: &State) -> Result<Vec<Written>> {
        let collections = match &self.request.collection {
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
            written.push(self.in_directory(directory, &collection).await?);
        }
        Ok(written)
    }

    /// Writes the files of one collection as `mongodump` does: the documents of a time series are
    /// those of another collection, and a view has none.
    async fn in_directory(&self, directory: &Path, collection: &CollectionView) -> Result<Written> {
        let (info, gzip) = (collection.info(), self.request.gzip);
        let name = info.name.as_str();
        let metadata = Metadata {
            options: info.options.clone(),
            indexes: info.listed_indexes().into_owned(),
            ..Metadata::default()
        };
        let is_empty = || async { collection.scan().try_next().await.map(|first| first.is_none()) };
        if metadata.is_view() && is_empty().await? {
            let path = write_metadata(directory, name, &metadata, gzip)?;
            self.remove_others(directory, &[name], &[&path])?;
            return Ok(Written { path, documents: 0 });
        }
        if metadata.is_view() {
            self.watcher.notes(&format!(
                "{name} is a view with documents, which mongorestore does not accept"
            ));
        }
        let buckets = metadata.is_time_series().then(|| buckets_name(name));
        let file = buckets.as_deref().unwrap_or(name);
        let writer = Writer::Bson(BsonWriter::create(directory, file, gzip)?);
        let written = self.write(writer, collection).await?;
        let path = write_metadata(directory, name, &metadata, gzip)?;
        self.remove_others(directory, &[name, file], &[&path, &written.path])?;
        Ok(written)
    }

    /// Removes files of the same collections that have other names.
    fn remove_others(&self, directory: &Path, names: &[&str], written: &[&PathBuf]) -> Result {
        let written: Vec<PathBuf> = written.iter().copied().cloned().collect();
        for name in names.iter().filter(|_| self.request.force) {
            remove_others(directory, name, &written)?;
        }
        Ok(())
    }

    async fn file(
        &self,
        target: Target<'_>,
        format: Format,
        gzip: bool,
        state: &State,
    ) -> Result<Written> {
        let request = self.request;
        let collection = state.collection(&self.chosen(state)?)?;
        let writer = match format {
            Format::Bson => BsonWriter::to(target, gzip).map(Writer::Bson),
            Format::Csv => {
                let columns = self.columns(&collection).await?;
                CsvWriter::create(target, columns, gzip).map(Writer::Csv)
            }
            _ => {
                let mode = if request.relaxed { Mode::Relaxed } else { Mode::Canonical };
                JsonLinesWriter::create(target, mode, gzip).map(Writer::Json)
            }
        };
        self.write(writer?, &collection).await
    }

    /// The columns of a CSV file. Unless the request names them, the collection is read once for them.
    async fn columns(&self, collection: &CollectionView) -> Result<Vec<Vec<String>>> {
        if !self.request.fields.is_empty() {
            let path = |name: &String| name.split('.').map(str::to_owned).collect();
            return Ok(self.request.fields.iter().map(path).collect());
        }
        let mut columns = CsvColumns::default();
        let mut documents = collection.scan();
        while let Some(document) = documents.try_next().await? {
            columns.note(document.as_raw())?;
        }
        Ok(columns.paths())
    }

    /// The collection that goes into a file of one.
    fn chosen(&self, state: &State) -> Result<CollectionName> {
        if let Some(name) = &self.request.collection {
            return Ok(name.clone());
        }
        let names: Vec<&CollectionName> = state.collections().map(|info| &info.name).collect();
        match names.as_slice() {
            [only] => Ok((*only).clone()),
            [] => Err(Error::not_found("no collection to export").into()),
            names => {
                let known = names.iter().map(ToString::to_string).collect();
                let error =
                    Error::invalid("a file holds one collection, but the state has several");
                Err(Failure::from(error).hint(Hint::ChooseCollection { known }))
            }
        }
    }

    fn refuse_if_taken(&self, directory: &Path) -> Result {
        let mut entries = fs::read_dir(directory).map_err(|error| unwritable(directory, error))?;
        if entries.next().is_some() && !self.request.force {
            return Err(taken(directory, "is not empty"));
        }
        Ok(())
    }

    async fn write(&self, mut writer: Writer, collection: &CollectionView) -> Result<Written> {
        let mut documents = collection.scan();
        while let Some(document) = documents.try_next().await? {
            match &mut writer {
                Writer::Bson(writer) => writer.write(document.as_raw())?,
                Writer::Json(writer) => {
                    self.check_loss(&document)?;
                    writer.write(document.as_raw())?;
                }
                Writer::Csv(writer) => writer.write(document.as_raw())?,
            }
            self.watcher.advances(1);
        }
        Ok(match writer {
            Writer::Bson(writer) => writer.finish()?,
            Writer::Json(writer) => writer.finish()?,
            Writer::Csv(writer) => writer.finish()?,
        })
    }

    /// Refuses or notes a document that JSON would change.
    fn check_loss(&self, document: &Document) -> Result {
        match loss(document.as_raw())? {
            None => {}
            Some(words) if self.request.lossy => self.watcher.notes(&words),
            Some(words) => {
                return Err(Failure::from(Error::unsupported(words)).hint(Hint::ExportBson));
            }
        }
        Ok(())
    }
}

fn taken(path: &Path, what: &str) -> Failure {
    let error = Error::already_exists(format!("{} {what}; nothing was written", path.display()));
    Failure::from(error).hint(Hint::Overwrite)
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
