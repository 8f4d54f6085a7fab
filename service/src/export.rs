//! A state into files: a `mongodump` directory, or one collection as one file or a stream.

use std::fs;
use std::path::{Path, PathBuf};

use argon_core::model::{CollectionName, Document};
use argon_core::{CollectionView, Error, State};
use argon_formats::extjson::Mode;
use argon_formats::{
    BsonWriter, CsvColumns, CsvWriter, Format, JsonLinesWriter, Metadata, Target, Written,
    buckets_name, remove_others, write_metadata,
};
use futures::TryStreamExt;

use crate::loss::loss;
use crate::{Failure, Hint, Result, Watcher};

/// Where an export goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A directory as `mongodump` writes it.
    Directory(PathBuf),
    /// One file; a name that ends in `.gz` is compressed.
    File(PathBuf, Format),
    /// Standard output of this process.
    Stdout(Format),
}

/// What is done about a document that JSON can't express.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLoss {
    /// The export ends.
    Refuse,
    /// It is written as another document, and noted.
    Note,
}

/// What to export, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it goes.
    pub destination: Destination,
    /// This collection only. Without one, a directory takes all, and a file the only one.
    pub collection: Option<CollectionName>,
    /// Whether the files of a directory, or standard output, are compressed.
    pub gzip: bool,
    /// CSV: the fields that are columns, with dots within them; all if there are none.
    pub fields: Vec<String>,
    /// JSON: how values are written.
    pub mode: Mode,
    /// JSON: what is done about a document that it can't express.
    pub on_loss: OnLoss,
    /// Whether a directory may have files already, and a file be there.
    pub force: bool,
}

/// Writes what a state holds. The units that `watcher` is told of are documents.
///
/// A file has its name only once it is whole.
///
/// # Errors
/// `AlreadyExists` if something is there already; `Unsupported` for a document that JSON can't
/// express; those of reading and writing.
pub async fn export(
    state: &State,
    request: &Request,
    watcher: &dyn Watcher,
) -> Result<Vec<Written>> {
    let export = Export { request, watcher };
    match &request.destination {
        Destination::Directory(directory) => export.directory(directory, state).await,
        Destination::File(path, format) => {
            if path.exists() && !request.force {
                return Err(taken(path, "is there already"));
            }
            let gzip = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
            Ok(vec![export.file(Target::File(path), *format, gzip, state).await?])
        }
        Destination::Stdout(format) => {
            Ok(vec![export.file(Target::Stdout, *format, request.gzip, state).await?])
        }
    }
}

struct Export<'a> {
    request: &'a Request,
    watcher: &'a dyn Watcher,
}

/// One collection's file being written.
enum Writer {
    Bson(BsonWriter),
    Json(JsonLinesWriter, OnLoss),
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
                "{name} is a view and has documents, which mongorestore does not take"
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

    /// A directory that is written over may have files of the same collections under other names.
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
            _ => JsonLinesWriter::create(target, request.mode, gzip)
                .map(|writer| Writer::Json(writer, request.on_loss)),
        };
        self.write(writer?, &collection).await
    }

    /// The columns of a CSV file. Without the user's word the collection is read once for them.
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
            [] => Err(Error::not_found("there is no collection to export").into()),
            names => {
                let known = names.iter().map(ToString::to_string).collect();
                let error = Error::invalid("a file takes one collection, and there are several");
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
                Writer::Json(writer, on_loss) => {
                    self.check_loss(&document, *on_loss)?;
                    writer.write(document.as_raw())?;
                }
                Writer::Csv(writer) => writer.write(document.as_raw())?,
            }
            self.watcher.advances(1);
        }
        Ok(match writer {
            Writer::Bson(writer) => writer.finish()?,
            Writer::Json(writer, _) => writer.finish()?,
            Writer::Csv(writer) => writer.finish()?,
        })
    }

    /// Refuses or notes a document that would be another one after it was written as JSON and read.
    fn check_loss(&self, document: &Document, on_loss: OnLoss) -> Result {
        let Some(words) = loss(document.as_raw())? else { return Ok(()) };
        match on_loss {
            OnLoss::Refuse => Err(Failure::from(Error::unsupported(words)).hint(Hint::ExportBson)),
            OnLoss::Note => {
                self.watcher.notes(&words);
                Ok(())
            }
        }
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
