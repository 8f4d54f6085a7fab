//! An archive of `mongodump`: one file with interleaved collections.
//!
//! A first pass verifies the archive before anything is loaded, so a damaged one is refused as a
//! whole; then each collection is read from its blocks. An archive that can't be read twice,
//! because it is compressed or a pipe, is first unpacked to an unnamed file.

mod crc64;
mod scan;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use self::scan::{Contents, Entry, Fault, Namespace};
use super::super::FormatError;
use super::super::source::Input;
use super::root::{Database, Root};
use super::{
    BUCKETS, BadFile, Documents, Dump, DumpCollection, Metadata, SkipReason, Skipped, names,
};

/// The first four bytes, which are not a valid length of a BSON document.
const MAGIC: u32 = 0x8199_e26d;

/// A verified archive.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: Arc<Mutex<File>>,
    contents: Contents,
}

/// A range of bytes of an archive.
#[derive(Debug, Clone, Copy)]
struct Extent {
    start: u64,
    length: u64,
}

/// The documents of one collection of an archive.
#[derive(Debug, Clone)]
pub struct ArchivePart {
    /// The archive and the namespace, for people.
    name: PathBuf,
    file: Arc<Mutex<File>>,
    extents: Arc<[Extent]>,
}

impl Archive {
    /// Returns whether a file begins like an archive, compressed or not; false if unknown.
    pub fn is_at(path: &Path) -> bool {
        let mut head = [0; 4];
        path.is_file()
            && Input::open(path).is_ok_and(|mut input| input.read_exact(&mut head).is_ok())
            && Self::is_begun_by(&head)
    }

    /// Returns whether these are the first bytes of an uncompressed archive.
    pub fn is_begun_by(head: &[u8]) -> bool {
        head.starts_with(&MAGIC.to_le_bytes())
    }

    /// Verifies an archive, and finds its collections.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let input = Input::open(path)?;
        if input.is_compressed() || !path.is_file() {
            return Self::unpacked(path, input);
        }
        let file = File::open(path).map_err(FormatError::io("open", path))?;
        Self::walked(path, file, input)
    }

    /// [`Archive::open`] for standard input.
    pub fn stdin() -> Result<Self, FormatError> {
        Self::unpacked(Path::new("standard input"), Input::stdin()?)
    }

    fn unpacked(path: &Path, input: Input) -> Result<Self, FormatError> {
        let failed = || FormatError::io("unpack", path);
        let file = tempfile::tempfile().map_err(failed())?;
        let copy = file.try_clone().map_err(failed())?;
        Self::walked(path, file, BufReader::new(Tee { input, copy }))
    }

    fn walked(path: &Path, file: File, input: impl io::BufRead) -> Result<Self, FormatError> {
        let contents = scan::scan(input).map_err(|Fault { offset, reason }| {
            FormatError::Archive { path: path.to_owned(), offset, reason }
        })?;
        Ok(Self { path: path.to_owned(), file: Arc::new(Mutex::new(file)), contents })
    }

    /// Returns the collections of one database: `database`, or the only one that isn't the server's
    /// own.
    pub fn dump(&self, database: Option<&str>) -> Result<Dump, FormatError> {
        let root = Root::of_archive(self.databases());
        let chosen = root.choose(&self.path, database)?;
        let mut dump = Dump {
            skipped: root.skipped_beside(&chosen),
            database: chosen.name.clone(),
            collections: Vec::new(),
            bad: Vec::new(),
        };
        if self.contents.documents.contains_key(&(String::new(), "oplog".to_owned())) {
            dump.skipped.push(Skipped { path: self.part_name("oplog"), reason: SkipReason::Oplog });
        }
        let entries = self.entries_of(&chosen.name);
        let mut documents = self.documents_of(&chosen.name);
        for entry in entries {
            self.collection(entry, &mut documents, &mut dump);
        }
        for ((database, collection), _) in documents {
            let path = self.part_name(&format!("{database}.{collection}"));
            let is_series = collection.starts_with(BUCKETS);
            let reason =
                if is_series { SkipReason::TimeSeries } else { SkipReason::SystemCollection };
            dump.skipped.push(Skipped { path, reason });
        }
        dump.collections.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(dump)
    }

    fn databases(&self) -> Vec<Database> {
        let of_prelude = self.contents.entries.iter().map(|entry| &entry.namespace);
        let all = of_prelude.chain(self.contents.documents.keys());
        let mut names: Vec<&str> = all.map(|(database, _)| database.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let database = |name: &str| Database { name: name.to_owned(), path: self.part_name(name) };
        names.into_iter().filter(|name| !name.is_empty()).map(database).collect()
    }

    /// Returns the collections of a database in the prelude, and those that the prelude lacks.
    fn entries_of(&self, database: &str) -> Vec<(&str, &str)> {
        let said =
            self.contents.entries.iter().filter(|Entry { namespace, .. }| namespace.0 == database);
        let mut entries: BTreeMap<&str, &str> = BTreeMap::new();
        entries.extend(said.map(|entry| (entry.namespace.1.as_str(), entry.metadata.as_str())));
        for (_, collection) in self.contents.documents.keys().filter(|(name, _)| name == database) {
            if !names::is_of_server(collection) {
                entries.entry(collection).or_default();
            }
        }
        entries.into_iter().collect()
    }

    fn documents_of(&self, database: &str) -> BTreeMap<Namespace, Vec<Extent>> {
        let documents = self.contents.documents.iter().filter(|((name, _), _)| name == database);
        documents.map(|(namespace, extents)| (namespace.clone(), extents.clone())).collect()
    }

    fn collection(
        &self,
        (name, metadata): (&str, &str),
        documents: &mut BTreeMap<Namespace, Vec<Extent>>,
        dump: &mut Dump,
    ) {
        let plain = name.strip_prefix(BUCKETS).unwrap_or(name);
        let path = self.part_name(&format!("{}.{plain}", dump.database));
        if names::is_of_server(plain) {
            documents.remove(&(dump.database.clone(), name.to_owned()));
            dump.skipped.push(Skipped { path, reason: SkipReason::SystemCollection });
            return;
        }
        let metadata = match Metadata::parse(metadata, &path) {
            Ok(metadata) => metadata,
            Err(error) => {
                dump.bad.push(BadFile { collection: plain.to_owned(), error });
                return;
            }
        };
        let names = [name.to_owned(), format!("{BUCKETS}{plain}")];
        let mut found =
            names.into_iter().filter_map(|name| documents.remove(&(dump.database.clone(), name)));
        let documents = match found.next() {
            Some(extents) => Documents::Part(ArchivePart {
                name: path,
                file: self.file.clone(),
                extents: extents.into(),
            }),
            None if metadata.as_ref().is_some_and(Metadata::is_view) => Documents::None(path),
            // Each has at least the block that ends it.
            None => {
                let reason = format!("it is truncated before {}.{name}", dump.database);
                let (path, offset) = (self.path.clone(), self.contents.bytes);
                let error = FormatError::Archive { path, offset, reason };
                dump.bad.push(BadFile { collection: plain.to_owned(), error });
                return;
            }
        };
        dump.collections.push(DumpCollection { name: plain.to_owned(), documents, metadata });
    }

    fn part_name(&self, namespace: &str) -> PathBuf {
        PathBuf::from(format!("archive {}: {namespace}", self.path.display()))
    }
}

impl ArchivePart {
    /// The archive and the namespace, for people.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The total size of the documents.
    pub fn bytes(&self) -> u64 {
        self.extents.iter().map(|extent| extent.length).sum()
    }

    /// The concatenated documents, as in a `.bson` file.
    pub(in super::super) fn reader(&self) -> impl Read + Send + use<> {
        PartReader { part: self.clone(), current: 0, done: 0 }
    }
}

struct PartReader {
    part: ArchivePart,
    /// The current extent.
    current: usize,
    /// The number of bytes read from it.
    done: u64,
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(extent) = self.part.extents.get(self.current) {
            let left = extent.length - self.done;
            if left == 0 {
                (self.current, self.done) = (self.current + 1, 0);
                continue;
            }
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let mut file = self.part.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(extent.start + self.done))?;
            let count = file.read(&mut buffer[..most])?;
            self.done += count as u64;
            return Ok(count);
        }
        Ok(0)
    }
}

/// Passes bytes on, and keeps a copy.
struct Tee {
    input: Input,
    copy: File,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.copy.write_all(&buffer[..count])?;
        Ok(count)
    }
}
