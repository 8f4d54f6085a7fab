//! `_id`s for documents that have none.

use std::path::Path;
use std::time::UNIX_EPOCH;

use argon_core::{Environment, Error, Result};
use bson::RawDocumentBuf;
use bson::oid::ObjectId;
use bson::raw::RawDocument;

use super::Input;

/// Makes an `ObjectId` for each document of a file that has none.
///
/// The same document of the same file gets the same one again, so that an import that was cut off
/// can be repeated without making documents twice. They rise in the order of the file.
pub(super) enum IdMaker {
    /// From the file's path, size and time of modification, and the document's number.
    OfFile { seconds: u32, file: [u8; 5], documents: u32 },
    /// A pipe is never the same again.
    Fresh(Environment),
}

/// The part of an `ObjectId` that counts has three bytes.
const COUNTER: u32 = 1 << 24;

impl IdMaker {
    pub(super) fn new(input: &Input, environment: &Environment) -> Self {
        let file = match input {
            Input::File(path, _) => Self::of_file(path),
            Input::Stdin(_) => None,
        };
        file.unwrap_or_else(|| Self::Fresh(environment.clone()))
    }

    fn of_file(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let mut hasher = blake3::Hasher::new_derive_key("argon 1 import id");
        hasher.update(path.canonicalize().ok()?.as_os_str().as_encoded_bytes());
        hasher.update(&metadata.len().to_le_bytes());
        hasher.update(&modified.as_nanos().to_le_bytes());
        let file = *hasher.finalize().as_bytes().first_chunk()?;
        // As many seconds as an ObjectId has room for: until 2106.
        let seconds = u32::try_from(modified.as_secs() & 0xffff_ffff).ok()?;
        Some(Self::OfFile { seconds, file, documents: 0 })
    }

    /// Gives a document an `_id` if it has none, before its other fields, where MongoDB puts it.
    pub(super) fn identified(&mut self, document: RawDocumentBuf) -> Result<RawDocumentBuf> {
        let id = self.next();
        match document.get("_id") {
            Ok(None) => with_id(&document, id),
            _ => Ok(document),
        }
    }

    fn next(&mut self) -> ObjectId {
        match self {
            Self::Fresh(environment) => environment.object_id(),
            Self::OfFile { seconds, file, documents } => {
                let number = *documents;
                *documents = documents.wrapping_add(1);
                // What is too large to count goes on in the next second.
                let seconds = seconds.wrapping_add(number / COUNTER).to_be_bytes();
                let counter = (number % COUNTER).to_be_bytes();
                let mut bytes = [0; 12];
                bytes[..4].copy_from_slice(&seconds);
                bytes[4..9].copy_from_slice(file);
                bytes[9..].copy_from_slice(&counter[1..]);
                ObjectId::from_bytes(bytes)
            }
        }
    }
}

fn with_id(document: &RawDocument, id: ObjectId) -> Result<RawDocumentBuf> {
    let malformed = |source| Error::invalid("the document is not valid BSON").with_source(source);
    let mut identified = RawDocumentBuf::new();
    identified.append(bson::raw::cstr!("_id"), id);
    for element in document {
        let (name, value) = element.map_err(malformed)?;
        identified.append(name, value);
    }
    Ok(identified)
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    fn ids(path: &Path, number: usize) -> Vec<ObjectId> {
        let input = Input::File(path.to_owned(), None);
        let mut maker = IdMaker::new(&input, &argon_backends::environment());
        (0..number)
            .map(|_| maker.identified(rawdoc! { "a": 1 }).unwrap().get_object_id("_id").unwrap())
            .collect()
    }

    #[test]
    fn a_file_s_documents_get_the_same_ids_again_in_rising_order() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("a.csv"), directory.path().join("b.csv"));
        std::fs::write(&one, "x").unwrap();
        std::fs::write(&other, "x").unwrap();
        let first = ids(&one, 300);
        assert_eq!(first, ids(&one, 300));
        assert!(first.is_sorted());
        assert!(ids(&other, 300).iter().all(|id| !first.contains(id)));
    }

    #[test]
    fn an_id_that_is_there_is_kept_and_one_that_is_made_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.json");
        std::fs::write(&file, "x").unwrap();
        let mut maker = IdMaker::new(&Input::File(file, None), &argon_backends::environment());
        let kept = rawdoc! { "a": 1, "_id": 5 };
        assert_eq!(maker.identified(kept.clone()).unwrap(), kept);
        let made = maker.identified(rawdoc! { "a": 1 }).unwrap();
        assert_eq!(made.iter().next().unwrap().unwrap().0.as_str(), "_id");
    }
}
