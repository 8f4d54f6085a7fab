//! A state into files: a `mongodump` directory, or one collection as one file or a stream.

use std::fs;
use std::path::{Path, PathBuf};

use argon_core::model::{CollectionName, Document};
use argon_core::{CollectionView, Error, State};
use argon_formats::columns::{Change, ChangedColumn, Fields};
use argon_formats::extjson::Mode;
use argon_formats::{
    BsonWriter, ColumnarFormat, ColumnarWriter, CsvColumns, CsvWriter, Format, JsonLinesWriter,
    Metadata, OpenOutput, Target, Written, buckets_name, remove_others, write_metadata,
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
    /// A directory; a file whose name ends in `.json`, `.jsonl`, `.ndjson`, `.bson`, `.csv`, `.parquet`, `.arrow`
    /// or `.feather`, also with `.gz`; or `-` for standard output.
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
    /// CSV, Parquet and Arrow: the fields that are columns, with dots within them; without any, all.
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
    /// Parquet, in builds with the feature `columnar`.
    Parquet,
    /// Arrow's own format, which is called Feather too, in the same builds.
    Arrow,
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Bson => Self::Bson,
            ExportFormat::Json => Self::JsonLines,
            ExportFormat::Csv => Self::Csv,
            ExportFormat::Parquet => Self::Columnar(ColumnarFormat::Parquet),
            ExportFormat::Arrow => Self::Columnar(ColumnarFormat::Arrow),
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
    /// The columns of a Parquet or Arrow file that do not give back what they were made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed_columns: Vec<ExportedColumn>,
}

/// A column whose values, or some of them, are others when the file is imported again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExportedColumn {
    /// The names down to it, with dots between them; `item` stands for the elements of an array.
    pub column: String,
    /// What the values became.
    pub became: ColumnType,
    /// The types of the values as the query operator `$type` names them, if they are the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<&'static str>,
}

/// What the values of a column became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text: strings as they are, other values as canonical Extended JSON.
    Text,
    /// Integers of 64 bits.
    Long,
    /// Doubles, of the same value.
    Double,
    /// Binary values of subtype 0.
    Binary,
    /// Missing fields: some documents have a null, and others no such field.
    Missing,
}

impl From<ChangedColumn> for ExportedColumn {
    fn from(ChangedColumn { path: column, change }: ChangedColumn) -> Self {
        let (became, types) = match change {
            Change::Text(types) => (ColumnType::Text, types),
            Change::Number(types, "long") => (ColumnType::Long, types),
            Change::Number(types, _) => (ColumnType::Double, types),
            Change::Subtype => (ColumnType::Binary, Vec::new()),
            Change::Null => (ColumnType::Missing, Vec::new()),
        };
        Self { column, became, types }
    }
}

impl From<Written> for ExportedFile {
    fn from(Written { path, documents }: Written) -> Self {
        Self { path: path.display().to_string(), documents, changed_columns: Vec::new() }
    }
}

impl ExportDocuments {
    /// The fields that are columns, each as the names down to it.
    fn paths(&self) -> Vec<Vec<String>> {
        let path = |name: &String| name.split('.').map(str::to_owned).collect();
        self.fields.iter().map(path).collect()
    }

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
    stdout: OpenOutput<'_>,
    watcher: &dyn Watcher,
) -> Result<ExportedFiles> {
    let export = Export { request, watcher };
    let target = request.target.as_path();
    let format = request.format.map(Format::from);
    let files = match format.or_else(|| Format::of_path(target)) {
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
        None => export.directory(target, state).await?.into_iter().map(Into::into).collect(),
    };
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
    Columnar(ColumnarWriter),
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
    ) -> Result<ExportedFile> {
        let request = self.request;
        let collection = state.collection(&self.chosen(state)?)?;
        let mut changed_columns = Vec::new();
        let writer = match format {
            Format::Bson => BsonWriter::to(target, gzip).map(Writer::Bson),
            Format::Csv => {
                let columns = self.columns(&collection).await?;
                CsvWriter::create(target, columns, gzip).map(Writer::Csv)
            }
            Format::Columnar(format) => {
                format.check(&request.target)?;
                let fields = self.fields(&collection).await?;
                let changes = fields.changes();
                for change in &changes {
                    self.watcher.notes(&change.to_string());
                }
                changed_columns.extend(changes.into_iter().map(ExportedColumn::from));
                ColumnarWriter::create(target, format, fields, gzip).map(Writer::Columnar)
            }
            Format::Json | Format::JsonLines => {
                let mode = if request.relaxed { Mode::Relaxed } else { Mode::Canonical };
                JsonLinesWriter::create(target, mode, gzip).map(Writer::Json)
            }
        };
        let written = self.write(writer?, &collection).await?;
        Ok(ExportedFile { changed_columns, ..written.into() })
    }

    /// The columns of a CSV file. Unless the request names them, the collection is read once for them.
    async fn columns(&self, collection: &CollectionView) -> Result<Vec<Vec<String>>> {
        let paths = self.request.paths();
        if !paths.is_empty() {
            return Ok(paths);
        }
        let mut columns = CsvColumns::default();
        let mut documents = collection.scan();
        while let Some(document) = documents.try_next().await? {
            columns.note(document.as_raw())?;
        }
        Ok(columns.paths())
    }

    /// The fields of a table, for which the collection is read once.
    async fn fields(&self, collection: &CollectionView) -> Result<Fields> {
        let mut fields = Fields::default();
        let mut documents = collection.scan();
        while let Some(document) = documents.try_next().await? {
            fields.add(document.as_raw())?;
        }
        let paths = self.request.paths();
        if !paths.is_empty() {
            fields = fields.select(&paths);
        }
        fields.replace_empty_documents();
        Ok(fields)
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
                Writer::Columnar(writer) => writer.write(document.as_raw())?,
            }
            self.watcher.advances(1);
        }
        Ok(match writer {
            Writer::Bson(writer) => writer.finish()?,
            Writer::Json(writer) => writer.finish()?,
            Writer::Csv(writer) => writer.finish()?,
            Writer::Columnar(writer) => writer.finish()?,
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
