//! What `mongodump` leaves in a directory or an archive: for every collection the documents and the
//! metadata.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `root.rs` | the directory that the user named: which database is meant |
//! | `names.rs` | file names, and the names of collections |
//! | `files.rs` | the files of one database, put together to collections |
//! | `metadata.rs` | a collection's options and indexes |
//! | `indexes.rs` | the index definitions of old dumps |
//! | `archive/` | an archive of `mongodump`, one file |
//! | `skipped.rs` | what is not loaded, and why |

mod archive;
mod files;
mod indexes;
mod metadata;
mod names;
mod root;
mod skipped;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use self::archive::{Archive, ArchivePart};
use self::files::CollectionFiles;
pub use self::metadata::Metadata;
pub(super) use self::names::{BUCKETS, encode};
use self::names::{File, Kind};
use self::root::{Root, entries};
pub use self::skipped::{BadFile, SkipReason, Skipped};
use super::FormatError;

/// One database of a dump.
#[derive(Debug)]
pub struct Dump {
    /// Its name, which is its directory's.
    pub database: String,
    /// Its collections, sorted by name.
    pub collections: Vec<DumpCollection>,
    /// What should be a collection, and can't be loaded.
    pub bad: Vec<BadFile>,
    /// What else is there, and is not loaded.
    pub skipped: Vec<Skipped>,
}

/// One collection of a dump.
#[derive(Debug)]
pub struct DumpCollection {
    /// Its name, decoded.
    pub name: String,
    /// Where its documents are.
    pub documents: Documents,
    /// Its options and indexes; none if the dump says nothing of them.
    pub metadata: Option<Metadata>,
}

/// Where the documents of a dump's collection are.
#[derive(Debug, Clone)]
pub enum Documents {
    /// In a `.bson` or `.bson.gz` file.
    File(PathBuf),
    /// In an archive.
    Part(ArchivePart),
    /// Nowhere: it is a view, or a time series without any, of which this file tells.
    None(PathBuf),
}

impl DumpCollection {
    /// The collection of one `.bson` file of a dump, with the metadata beside it; `None` if the file
    /// has no name that `mongodump` gives.
    pub fn of_file(documents: &Path) -> Result<Option<Self>, FormatError> {
        let stem = match names::classify(documents) {
            File::Collection { kind: Kind::Documents, stem } => stem,
            File::Buckets { stem } => stem[BUCKETS.len()..].to_owned(),
            _ => return Ok(None),
        };
        let metadata = ["", ".gz"]
            .map(|end| documents.with_file_name(format!("{stem}.metadata.json{end}")))
            .into_iter()
            .find(|path| path.is_file());
        let metadata = metadata.map(|path| Metadata::read(&path)).transpose()?.flatten();
        let Ok(name) = names::full_name(documents, &stem, metadata.as_ref()) else {
            return Ok(None);
        };
        Ok(Some(Self { name, documents: Documents::File(documents.to_owned()), metadata }))
    }
}

impl Dump {
    /// Finds the collections of one database. `directory` is the database's own directory, or the
    /// root of a dump, with a directory for each; then `database` chooses, and may be left out if
    /// there is only one that isn't the server's own. Reads all metadata, but no documents. A file
    /// that can't be made sense of is told as [bad](Self::bad), and the others are found.
    pub fn open(directory: &Path, database: Option<&str>) -> Result<Self, FormatError> {
        let root = Root::read(directory)?;
        let chosen = root.choose(directory, database)?;
        let mut dump = Self {
            skipped: root.skipped_beside(&chosen),
            database: chosen.name,
            collections: Vec::new(),
            bad: Vec::new(),
        };
        let mut files = CollectionFiles::default();
        for path in entries(&chosen.path)? {
            if let Some(reason) = files.add(&path, &mut dump.bad) {
                dump.skipped.push(Skipped { path, reason });
            }
        }
        files.put_together(&mut dump);
        Ok(dump)
    }
}
