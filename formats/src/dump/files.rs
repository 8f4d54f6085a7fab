//! Groups the files of one database by collection.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bson::Document;

use super::super::FormatError;
use super::names::{self, BUCKETS, File, Kind};
use super::{BadFile, Documents, Dump, DumpCollection, Metadata, SkipReason, Skipped, indexes};

/// The files of collections, by their encoded names.
#[derive(Default)]
pub(super) struct CollectionFiles {
    documents: BTreeMap<String, PathBuf>,
    metadata: BTreeMap<String, PathBuf>,
    /// The documents of time series.
    buckets: BTreeMap<String, PathBuf>,
    /// Names with two files, so that it is ambiguous which one applies.
    doubled: BTreeSet<String>,
    indexes: Option<PathBuf>,
}

impl CollectionFiles {
    /// Adds a file, or the reason why it is refused.
    pub(super) fn add(&mut self, path: &Path, bad: &mut Vec<BadFile>) -> Option<SkipReason> {
        if path.is_dir() {
            return Some(SkipReason::Unknown);
        }
        let (files, stem) = match names::classify(path) {
            File::Other(reason) => return Some(reason),
            File::Indexes => {
                self.indexes = Some(path.to_owned());
                return None;
            }
            File::Buckets { stem } => (&mut self.buckets, stem),
            File::Collection { kind: Kind::Documents, stem } => (&mut self.documents, stem),
            File::Collection { kind: Kind::Metadata, stem } => (&mut self.metadata, stem),
        };
        if let Some(other) = files.insert(stem.clone(), path.to_owned()) {
            let reason = format!("belongs to the same collection as {}", other.display());
            let error = FormatError::CollectionFile { path: path.to_owned(), reason };
            bad.push(BadFile { collection: shown(&stem), error });
            self.doubled.insert(stem);
        }
        None
    }

    /// Creates collections from the files.
    pub(super) fn put_together(mut self, dump: &mut Dump) {
        let old = self.old_indexes(dump);
        let stems: BTreeSet<&String> = self.documents.keys().chain(self.metadata.keys()).collect();
        let once = stems.into_iter().filter(|stem| !self.doubled.contains(*stem));
        for stem in once.cloned().collect::<Vec<_>>() {
            let documents = self.documents.remove(&stem);
            let metadata = self.metadata.remove(&stem);
            match self.collection(&stem, documents, metadata.as_deref(), &old) {
                Ok(Ok(collection)) => dump.collections.push(collection),
                Ok(Err(skipped)) => dump.skipped.push(skipped),
                Err(error) => dump.bad.push(BadFile { collection: shown(&stem), error }),
            }
        }
        for (stem, path) in self.buckets {
            if !self.doubled.contains(&stem) {
                dump.skipped.push(Skipped { path, reason: SkipReason::TimeSeries });
            }
        }
        dump.collections.sort_by(|one, other| one.name.cmp(&other.name));
    }

    /// Creates a collection, or returns the problem of its only file.
    fn collection(
        &mut self,
        stem: &str,
        documents: Option<PathBuf>,
        metadata_file: Option<&Path>,
        old: &BTreeMap<String, Vec<Document>>,
    ) -> Result<Result<DumpCollection, Skipped>, FormatError> {
        let metadata = metadata_file.map(Metadata::read).transpose()?.flatten();
        let file = documents.as_deref().or(metadata_file).unwrap_or(Path::new("")).to_owned();
        let name = names::full_name(&file, stem, metadata.as_ref())?;
        let documents = match (documents, &metadata) {
            (Some(path), _) => Documents::File(path),
            (None, Some(metadata)) if metadata.is_time_series() => {
                self.take_buckets(&name)?.map_or(Documents::None(file), Documents::File)
            }
            (None, Some(metadata)) if metadata.is_view() => Documents::None(file),
            (None, _) => {
                return Ok(Err(Skipped { path: file, reason: SkipReason::NoDocuments }));
            }
        };
        let metadata = with_old_indexes(metadata, old.get(&name));
        Ok(Ok(DumpCollection { name, documents, metadata }))
    }

    /// Takes the file of the documents of a time series.
    fn take_buckets(&mut self, name: &str) -> Result<Option<PathBuf>, FormatError> {
        let encoded = names::encode(&format!("{BUCKETS}{name}"));
        if let Some(path) = self.buckets.remove(&encoded) {
            return Ok(Some(path));
        }
        // The suffix that makes a truncated name unique depends on the program that wrote the dump.
        let similar: Vec<String> =
            self.buckets.keys().filter(|stem| names::may_be(stem, &encoded)).cloned().collect();
        match similar.as_slice() {
            [] => Ok(None),
            [only] => Ok(self.buckets.remove(only)),
            [first, ..] => Err(FormatError::CollectionFile {
                path: self.buckets[first].clone(),
                reason: "the name is truncated, and several time series begin with it".to_owned(),
            }),
        }
    }

    fn old_indexes(&self, dump: &mut Dump) -> BTreeMap<String, Vec<Document>> {
        let Some(path) = &self.indexes else { return BTreeMap::new() };
        indexes::read(path).unwrap_or_else(|error| {
            dump.bad.push(BadFile { collection: "system.indexes".to_owned(), error });
            BTreeMap::new()
        })
    }
}

/// Uses the indexes of `system.indexes` if the collection's own metadata has none.
fn with_old_indexes(metadata: Option<Metadata>, old: Option<&Vec<Document>>) -> Option<Metadata> {
    let Some(old) = old else { return metadata };
    let mut metadata = metadata.unwrap_or_default();
    if metadata.indexes.is_empty() {
        metadata.indexes.clone_from(old);
    }
    Some(metadata)
}

/// Decodes the name of a file as far as possible.
fn shown(stem: &str) -> String {
    names::decode(stem).unwrap_or_else(|| stem.to_owned())
}
