//! `_id`s for documents that have none.

use argon_core::{Environment, Error, Result};
use bson::RawDocumentBuf;
use bson::oid::ObjectId;
use bson::raw::RawDocument;

use super::Input;
use crate::failure::of_format;

/// Makes an `ObjectId` for each document of a file that has none.
///
/// The same document of the same file gets the same one again, so that an import that was cut off
/// can be repeated without making documents twice. The file is the same if its content is, whatever
/// its name and its time. They rise in the order of the file.
pub(super) struct IdMaker {
    input: Input,
    environment: Environment,
    /// How many documents there were.
    documents: u32,
    basis: Basis,
}

/// What identifiers are made from.
enum Basis {
    /// No document was without one yet.
    Unknown,
    /// A digest of the file's content, which takes reading it, and the document's number.
    Content { start: u32, rest: [u8; 5] },
    /// A pipe is never the same again.
    Fresh,
}

/// The part of an `ObjectId` that counts has three bytes.
const COUNTER: u32 = 1 << 24;

impl IdMaker {
    pub(super) fn new(input: &Input, environment: &Environment) -> Self {
        let (input, environment) = (input.clone(), environment.clone());
        Self { input, environment, documents: 0, basis: Basis::Unknown }
    }

    /// Gives a document an `_id` if it has none, before its other fields, where MongoDB puts it.
    ///
    /// # Errors
    /// Those of reading the file, for its digest.
    pub(super) fn identified(&mut self, document: RawDocumentBuf) -> Result<RawDocumentBuf> {
        let number = self.documents;
        self.documents = number.wrapping_add(1);
        match document.get("_id") {
            Ok(None) => with_id(&document, self.make(number)?),
            _ => Ok(document),
        }
    }

    fn make(&mut self, number: u32) -> Result<ObjectId> {
        if matches!(self.basis, Basis::Unknown) {
            self.basis = Basis::of(&self.input)?;
        }
        let Basis::Content { start, rest } = &self.basis else {
            return Ok(self.environment.object_id());
        };
        // A number that is too large to count continues in the part before.
        let start = (start + number / COUNTER).to_be_bytes();
        let counter = (number % COUNTER).to_be_bytes();
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&start);
        bytes[4..9].copy_from_slice(rest);
        bytes[9..].copy_from_slice(&counter[1..]);
        Ok(ObjectId::from_bytes(bytes))
    }
}

impl Basis {
    fn of(input: &Input) -> Result<Self> {
        let digest = input.digest().map_err(|error| of_format(&error))?;
        let Some([a, b, c, d, e, f, g, h, i, ..]) = digest else { return Ok(Self::Fresh) };
        // Room above, so that identifiers rise to the last document.
        Ok(Self::Content { start: u32::from_be_bytes([a, b, c, d]) >> 1, rest: [e, f, g, h, i] })
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
    use std::path::Path;

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
    fn documents_get_the_same_ids_again_in_rising_order_if_the_content_is_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let first = ids(&file("a.csv", "x"), 300);
        assert!(first.is_sorted());
        assert_eq!(first, ids(&file("b.csv", "x"), 300));
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(first, ids(&file("a.csv", "x"), 300));
        assert!(ids(&file("a.csv", "y"), 300).iter().all(|id| !first.contains(id)));
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
