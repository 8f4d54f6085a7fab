//! Which files go into which collections.

use std::fs;
use std::path::{Path, PathBuf};

use argon_core::Error;
use argon_core::model::CollectionName;

use crate::exit::{CommandResult, Failure};
use crate::formats::{
    Dump, DumpCollection, Format, FormatError, Metadata, Skipped, Source, SourceOptions,
};

/// What the user asks for.
pub(crate) struct Request<'a> {
    /// A file, a directory, or `-` for standard input.
    pub(crate) path: &'a Path,
    pub(crate) collection: Option<&'a CollectionName>,
    pub(crate) database: Option<&'a str>,
    pub(crate) format: Option<Format>,
}

/// What is to be read.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    Stdin(Format),
    File(PathBuf, Option<Format>),
}

/// A file and the collection it goes into.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) input: Input,
    pub(crate) collection: CollectionName,
    /// What a dump says of the collection.
    pub(crate) metadata: Option<Metadata>,
}

/// All files of an import, in order.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
    /// What else is in the dump.
    pub(crate) skipped: Vec<Skipped>,
}

impl Input {
    /// Opens it.
    pub(crate) fn open(&self, options: SourceOptions) -> Result<Source, FormatError> {
        match self {
            Self::Stdin(format) => Source::stdin(*format, options),
            Self::File(path, format) => Source::open_with(path, *format, options),
        }
    }

    /// How it is named in commits and messages.
    pub(crate) fn source(&self) -> String {
        match self {
            Self::Stdin(_) => "standard input".to_owned(),
            Self::File(path, _) => path.display().to_string(),
        }
    }

    /// Its size in bytes; 0 if that is not known.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Stdin(_) => 0,
            Self::File(path, _) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
        }
    }
}

impl Plan {
    /// Looks at what is there.
    pub(crate) fn make(request: &Request<'_>) -> CommandResult<Self> {
        if request.path == Path::new("-") {
            return Self::of_stdin(request);
        }
        if request.path.is_dir() {
            return Self::of_dump(request);
        }
        if request.database.is_some() {
            let error = Error::invalid("--database chooses from a dump, and this is a file");
            return Err(error.into());
        }
        Self::of_file(request)
    }

    /// The bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.input.bytes()).sum()
    }

    fn of_stdin(request: &Request<'_>) -> CommandResult<Self> {
        let Some(collection) = request.collection else {
            let error = Error::invalid("standard input has no name to take the collection's from");
            return Err(Failure::from(error).hint("say it by -c NAME"));
        };
        let input = Input::Stdin(request.format.unwrap_or(Format::Json));
        let item = Item { input, collection: collection.clone(), metadata: None };
        Ok(Self { items: vec![item], skipped: Vec::new() })
    }

    fn of_file(request: &Request<'_>) -> CommandResult<Self> {
        let path = request.path;
        let is_bson = request.format.or_else(|| Format::of_path(path)) == Some(Format::Bson);
        // As mongorestore does: the metadata beside a .bson file belong to it.
        let beside = if is_bson { DumpCollection::of_file(path)? } else { None };
        let (name, metadata) = match beside {
            Some(found) => (Some(found.name), Some(found.metadata)),
            None => (stem(path), None),
        };
        let collection = match (request.collection, name) {
            (Some(said), _) => said.clone(),
            (None, name) => collection_name(&name.unwrap_or_default(), path)?,
        };
        let input = Input::File(path.to_owned(), request.format);
        Ok(Self { items: vec![Item { input, collection, metadata }], skipped: Vec::new() })
    }

    fn of_dump(request: &Request<'_>) -> CommandResult<Self> {
        if request.format.is_some() {
            return Err(Error::invalid("--format is of one file, and this is a directory").into());
        }
        let dump = Dump::open(request.path, request.database)?;
        let mut items = Vec::with_capacity(dump.collections.len());
        for found in dump.collections {
            items.push(Item {
                collection: collection_name(&found.name, &found.documents)?,
                input: Input::File(found.documents, Some(Format::Bson)),
                metadata: Some(found.metadata),
            });
        }
        if let Some(wanted) = request.collection {
            let names: Vec<String> = items.iter().map(|item| item.collection.to_string()).collect();
            items.retain(|item| item.collection == *wanted);
            if items.is_empty() {
                let (path, names) = (request.path.display(), names.join(", "));
                let error = format!("{path} has no collection '{wanted}'; there are: {names}");
                return Err(Error::not_found(error).into());
            }
        }
        Ok(Self { items, skipped: dump.skipped })
    }
}

/// The name of a file without its endings.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".gz").unwrap_or(name);
    Some(name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned())
}

fn collection_name(name: &str, path: &Path) -> CommandResult<CollectionName> {
    CollectionName::new(name).map_err(|error| {
        let context = format!("{} can't name a collection: {error}", path.display());
        Failure::from(Error::invalid(context)).hint("say the collection's name by -c NAME")
    })
}
