//! The output of `mongodump` in a directory or an archive: the documents and the metadata of every
//! collection.
//!
//! | file | content |
//! | --- | --- |
//! | `root.rs` | the directory that the user named: selects the database |
//! | `names.rs` | file names, and the names of collections |
//! | `files.rs` | groups the files of one database by collection |
//! | `metadata.rs` | a collection's options and indexes |
//! | `indexes.rs` | the index definitions of old dumps |
//! | `archive/` | an archive of `mongodump`, one file |
//! | `skipped.rs` | files that are not loaded, with the reason |

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
    /// The name, which is its directory's.
    pub database: String,
    /// The collections, sorted by name.
    pub collections: Vec<DumpCollection>,
    /// Files of collections that can't be loaded.
    pub bad: Vec<BadFile>,
    /// Other files, which are not loaded.
    pub skipped: Vec<Skipped>,
}

/// One collection of a dump.
#[derive(Debug)]
pub struct DumpCollection {
    /// The decoded name.
    pub name: String,
    /// The documents.
    pub documents: Documents,
    /// The options and indexes; none if the dump has no metadata for it.
    pub metadata: Option<Metadata>,
}

/// The location of the documents of a dump's collection.
#[derive(Debug, Clone)]
pub enum Documents {
    /// In a `.bson` or `.bson.gz` file.
    File(PathBuf),
    /// In an archive.
    Part(ArchivePart),
    /// None: a view, or a time series without documents, described by this file.
    None(PathBuf),
}

impl DumpCollection {
    /// Returns the collection of one `.bson` file of a dump, with the metadata beside it; `None` if
    /// `mongodump` gives no file such a name.
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
    /// root of a dump, with a directory for each; then `database` selects one, and is optional if
    /// only one isn't the server's own. Reads all metadata, but no documents. An invalid file is
    /// listed as [bad](Self::bad), and does not affect the others.
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
