//! Which files go into which collections.

use std::fs;
use std::io::{BufRead, ErrorKind as IoErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use argon_core::Error;
use argon_core::model::CollectionName;
use argon_formats::{
    Archive, ArchivePart, BadFile, Documents, Dump, DumpCollection, Format, FormatError, Metadata,
    Skipped, Source, SourceOptions, digest_of_file, digest_of_part,
};

use super::ImportFiles;
use super::select::pattern_of;
use crate::{Failure, Hint, Result};

/// What is to be read.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// Standard input.
    Stdin(Format),
    /// A file; without a format, its name says it.
    File(PathBuf, Option<Format>),
    /// A collection of an archive.
    Part(ArchivePart),
    /// No documents; this file describes the collection.
    None(PathBuf),
}

/// A file and the collection it goes into.
#[derive(Debug)]
pub(super) struct Item {
    /// Where the documents are.
    pub(super) input: Input,
    /// The collection that takes them.
    pub(super) collection: CollectionName,
    /// What a dump says of the collection; none if it says nothing.
    pub(super) metadata: Option<Metadata>,
}

/// All files of an import, in order.
#[derive(Debug)]
pub struct Plan {
    /// What the user named, for commits and messages.
    pub(super) source: String,
    /// The files, in order.
    pub(super) items: Vec<Item>,
    /// What else is in the dump.
    pub(super) skipped: Vec<Skipped>,
    /// Files that can't be loaded, and are left out by request.
    pub(super) bad: Vec<BadFile>,
}

impl Input {
    /// Opens it.
    pub(super) fn open(&self, options: SourceOptions) -> Result<Source, FormatError> {
        match self {
            Self::Stdin(format) => Source::stdin(*format, options),
            Self::File(path, format) => Source::open_with(path, *format, options),
            Self::Part(part) => Source::of_part(part),
            Self::None(path) => Source::empty(path),
        }
    }

    /// How it is named in commits and messages.
    pub(super) fn source(&self) -> String {
        match self {
            Self::Stdin(_) => "standard input".to_owned(),
            Self::File(path, _) | Self::None(path) => path.display().to_string(),
            Self::Part(part) => part.name().display().to_string(),
        }
    }

    /// Its size in bytes; 0 if that is not known.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Stdin(_) | Self::None(_) => 0,
            Self::File(path, _) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
            Self::Part(part) => part.bytes(),
        }
    }

    /// A digest of its content; `None` if it can be read only once.
    pub(super) fn digest(&self) -> Result<Option<[u8; 32]>, FormatError> {
        match self {
            Self::Stdin(_) | Self::None(_) => Ok(None),
            Self::File(path, _) => digest_of_file(path),
            Self::Part(part) => digest_of_part(part).map(Some),
        }
    }
}

impl From<Documents> for Input {
    fn from(documents: Documents) -> Self {
        match documents {
            Documents::File(path) => Self::File(path, Some(Format::Bson)),
            Documents::Part(part) => Self::Part(part),
            Documents::None(path) => Self::None(path),
        }
    }
}

impl Plan {
    /// Finds the files and their collections.
    ///
    /// # Errors
    /// `Invalid` for a request that contradicts itself or what is there; `NotFound` if the path or the
    /// collection does not exist; those of reading a dump.
    pub fn make(request: &ImportFiles) -> Result<Self> {
        request.check()?;
        let path = request.path.as_path();
        if path == Path::new("-") {
            return Self::of_stdin(request);
        }
        if let Err(error) = fs::metadata(path)
            && error.kind() == IoErrorKind::NotFound
        {
            let text = format!("file or directory '{}' does not exist", path.display());
            return Err(Error::not_found(text).into());
        }
        if path.is_dir() {
            if request.format().is_some() || request.is_archive() {
                let error = Error::invalid("a format is for one file, but this is a directory");
                return Err(Failure::from(error).hint(Hint::FormatOfDirectory));
            }
            return Self::of_dump(request, |database| Dump::open(path, database));
        }
        if request.is_archive() || request.format().is_none() && Archive::is_at(path) {
            let archive = Archive::open(path)?;
            return Self::of_dump(request, |database| archive.dump(database));
        }
        Self::of_file(request)
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.input.bytes()).sum()
    }

    /// What is left out and why, and what is special about collections: a sentence each.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let skipped = self.skipped.iter();
        let skipped = skipped
            .map(|Skipped { path, reason }| format!("left out {}: {reason}", path.display()));
        let bad = self.bad.iter().map(|bad| format!("left out a bad file: {}", bad.error));
        skipped.chain(bad).chain(self.notes_of_collections())
    }

    fn notes_of_collections(&self) -> impl Iterator<Item = String> {
        self.items.iter().filter_map(|Item { collection, metadata, .. }| match metadata {
            Some(metadata) if metadata.is_time_series() => Some(format!(
                "{collection} is a time series: its documents are buckets, in the server's own format"
            )),
            Some(metadata) if metadata.is_view() => Some(format!(
                "{collection} is a view: its definition is kept, and has no documents"
            )),
            _ => None,
        })
    }

    fn of_stdin(request: &ImportFiles) -> Result<Self> {
        if request.is_archive() || request.format().is_none() && is_archive_piped() {
            let archive = Archive::stdin()?;
            return Self::of_dump(request, |database| archive.dump(database));
        }
        refuse_choice(request)?;
        let Some(collection) = request.selection().collection else {
            let error = Error::invalid("standard input has no name for the collection");
            return Err(Failure::from(error).hint(Hint::NameCollection));
        };
        let input = Input::Stdin(request.format().unwrap_or(Format::Json));
        Ok(Self::of_one(Item { input, collection: collection.clone(), metadata: None }))
    }

    fn of_file(request: &ImportFiles) -> Result<Self> {
        refuse_choice(request)?;
        let path = request.path.as_path();
        let is_bson = request.format().or_else(|| Format::of_path(path)) == Some(Format::Bson);
        // As mongorestore does: the name is decoded, and the metadata beside it belong to it.
        let (name, metadata) = match if is_bson { DumpCollection::of_file(path)? } else { None } {
            Some(found) => (Some(found.name), found.metadata),
            None => (stem(path), None),
        };
        let collection = match request.selection().collection {
            Some(said) => said.clone(),
            None => collection_name(&name.unwrap_or_default(), path)?,
        };
        let input = Input::File(path.to_owned(), request.format());
        Ok(Self::of_one(Item { input, collection, metadata }))
    }

    fn of_one(item: Item) -> Self {
        let source = item.input.source();
        Self { source, items: vec![item], skipped: Vec::new(), bad: Vec::new() }
    }

    fn of_dump(
        request: &ImportFiles,
        open: impl Fn(Option<&str>) -> Result<Dump, FormatError>,
    ) -> Result<Self> {
        let dump = match (open(request.database.as_deref()), &request.database) {
            (Err(FormatError::SeveralDatabases { path, found }), None) => {
                match only(found.iter().filter(|name| request.selection().may_mean(name))) {
                    Some(database) => open(Some(database))?,
                    None => return Err(FormatError::SeveralDatabases { path, found }.into()),
                }
            }
            (dump, _) => dump?,
        };
        let mut plan = Self {
            source: Input::File(request.path.clone(), None).source(),
            items: Vec::with_capacity(dump.collections.len()),
            skipped: dump.skipped,
            bad: dump.bad,
        };
        let database = dump.database.as_str();
        let mut names = Vec::with_capacity(dump.collections.len());
        for DumpCollection { name, documents, metadata } in dump.collections {
            match CollectionName::new(name.as_str()) {
                Ok(collection) if request.selection().wants(database, &name) => {
                    plan.items.push(Item { collection, input: documents.into(), metadata });
                }
                Ok(_) => {}
                Err(error) => plan.bad.push(unnameable(&name, documents, &error)),
            }
            names.push(name);
        }
        plan.bad.retain(|bad| request.selection().wants(database, &bad.collection));
        if !request.skip_bad_files && !plan.bad.is_empty() {
            return Err(refused(database, plan.bad));
        }
        let (path, names) = (request.path.display(), names.join(", "));
        let missing = match request.selection().collection {
            _ if !plan.items.is_empty() || !plan.bad.is_empty() => return Ok(plan),
            Some(wanted) => {
                format!("{path} has no collection '{wanted}'; known collections: {names}")
            }
            None if request.selection().has_patterns() => {
                format!("no collection of {path} matches the patterns; known collections: {names}")
            }
            None => return Ok(plan),
        };
        Err(Error::not_found(missing).into())
    }
}

/// The only one of several.
fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// Refuses what chooses from a dump.
fn refuse_choice(request: &ImportFiles) -> Result {
    let (what, hint) = if request.database.is_some() {
        ("a database", Hint::DatabaseOfFile)
    } else if request.selection().has_patterns() {
        ("a pattern", Hint::PatternsOfFile)
    } else {
        return Ok(());
    };
    let error = Error::invalid(format!("{what} chooses from a dump, but this is a file"));
    Err(Failure::from(error).hint(hint))
}

/// Whether what comes by standard input begins as an archive; nothing of it is taken.
fn is_archive_piped() -> bool {
    let stdin = std::io::stdin();
    !stdin.is_terminal() && stdin.lock().fill_buf().is_ok_and(Archive::is_begun_by)
}

/// A collection whose name Argon does not take.
fn unnameable(name: &str, documents: Documents, error: &Error) -> BadFile {
    let path = PathBuf::from(Input::from(documents).source());
    let reason = format!("can't name a collection: {error}");
    let error = FormatError::CollectionFile { path, reason };
    BadFile { collection: name.to_owned(), error }
}

/// The first file that can't be loaded, and how to continue without it.
fn refused(database: &str, bad: Vec<BadFile>) -> Failure {
    let more = bad.len() - 1;
    let Some(BadFile { collection, error }) = bad.into_iter().next() else {
        return Error::internal("a bad file is missing").into();
    };
    let pattern = pattern_of(database, &collection);
    Failure::from(error).hint(Hint::BadFiles { more, pattern })
}

/// The name of a file without its endings.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".gz").unwrap_or(name);
    Some(name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned())
}

fn collection_name(name: &str, path: &Path) -> Result<CollectionName> {
    CollectionName::new(name).map_err(|error| {
        let context = format!("{} can't name a collection: {error}", path.display());
        Failure::from(Error::invalid(context)).hint(Hint::NameCollection)
    })
}
