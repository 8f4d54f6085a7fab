//! What `mongodump` leaves in a directory: for every collection the documents and the metadata.

mod metadata;
mod names;
mod root;
mod skipped;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use self::metadata::Metadata;
pub(super) use self::names::encode;
use self::names::{File, Kind};
use self::root::{Root, entries};
pub use self::skipped::{SkipReason, Skipped};
use super::{FormatError, Source};

/// One database of a dump.
#[derive(Debug, Clone, PartialEq)]
pub struct Dump {
    /// Its name, which is its directory's.
    pub database: String,
    /// Its collections, sorted by name.
    pub collections: Vec<DumpCollection>,
    /// What else is in the directory, and is not loaded.
    pub skipped: Vec<Skipped>,
}

/// One collection of a dump.
#[derive(Debug, Clone, PartialEq)]
pub struct DumpCollection {
    /// Its name, decoded.
    pub name: String,
    /// Its `.bson` or `.bson.gz` file.
    pub documents: PathBuf,
    /// Its options and indexes; the default if the dump has no metadata file for it.
    pub metadata: Metadata,
}

impl DumpCollection {
    /// The collection of one `.bson` file of a dump, with the metadata beside it; `None` if the file
    /// has no name that `mongodump` gives, or no metadata.
    pub fn of_file(documents: &Path) -> Result<Option<Self>, FormatError> {
        let Ok(File::Collection { kind: Kind::Documents, name }) = names::classify(documents)
        else {
            return Ok(None);
        };
        let file_name = documents.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let encoded = file_name.strip_suffix(".gz").unwrap_or(file_name).trim_end_matches(".bson");
        let metadata = ["", ".gz"]
            .map(|end| documents.with_file_name(format!("{encoded}.metadata.json{end}")))
            .into_iter()
            .find(|path| path.is_file());
        let Some(metadata) = metadata else { return Ok(None) };
        let metadata = Metadata::read(&metadata)?;
        let name = names::full_name(documents, name, &metadata)?;
        Ok(Some(Self { name, documents: documents.to_owned(), metadata }))
    }

    /// Opens the documents.
    pub fn source(&self) -> Result<Source, FormatError> {
        Source::open(&self.documents, None)
    }
}

impl Dump {
    /// Finds the collections of one database. `directory` is the database's own directory, or the
    /// root of a dump, with a directory for each; then `database` chooses, and may be left out if
    /// there is only one that isn't the server's own. Reads all metadata, but no documents.
    pub fn open(directory: &Path, database: Option<&str>) -> Result<Self, FormatError> {
        let root = Root::read(directory)?;
        let chosen = root.choose(directory, database)?;
        let mut skipped = root.skipped_beside(&chosen);
        let mut files = CollectionFiles::default();
        for path in entries(&chosen.path)? {
            if let Some(reason) = files.add(&path)? {
                skipped.push(Skipped { path, reason });
            }
        }
        let collections = files.into_collections(&mut skipped)?;
        Ok(Self { database: chosen.name, collections, skipped })
    }
}

/// The files of collections, by the name in their file names.
#[derive(Default)]
struct CollectionFiles {
    documents: BTreeMap<String, PathBuf>,
    metadata: BTreeMap<String, PathBuf>,
}

impl CollectionFiles {
    /// Takes a file, or says why not.
    fn add(&mut self, path: &Path) -> Result<Option<SkipReason>, FormatError> {
        if path.is_dir() {
            return Ok(Some(SkipReason::Unknown));
        }
        let (kind, name) = match names::classify(path)? {
            File::Other(reason) => return Ok(Some(reason)),
            File::Collection { kind, name } => (kind, name),
        };
        let files = match kind {
            Kind::Documents => &mut self.documents,
            Kind::Metadata => &mut self.metadata,
        };
        match files.insert(name, path.to_owned()) {
            None => Ok(None),
            Some(other) => Err(FormatError::CollectionFile {
                path: path.to_owned(),
                reason: format!("belongs to the same collection as {}", other.display()),
            }),
        }
    }

    fn into_collections(
        mut self,
        skipped: &mut Vec<Skipped>,
    ) -> Result<Vec<DumpCollection>, FormatError> {
        let mut collections = Vec::with_capacity(self.documents.len());
        for (name, documents) in self.documents {
            let metadata = match self.metadata.remove(&name) {
                Some(path) => Metadata::read(&path)?,
                None => Metadata::default(),
            };
            let name = names::full_name(&documents, name, &metadata)?;
            collections.push(DumpCollection { name, documents, metadata });
        }
        for path in self.metadata.into_values() {
            let reason = Metadata::read(&path)?.why_no_documents();
            skipped.push(Skipped { path, reason });
        }
        collections.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(collections)
    }
}
