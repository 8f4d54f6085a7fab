//! Concatenated BSON documents, as in the `.bson` files of `mongodump`.

use std::io::{self, Read};

use bson::RawDocumentBuf;

use super::super::extjson::NumberTypes;
use super::super::validate::{MAX_DOCUMENT_BYTES, validate};
use super::Input;
use super::record::{Damage, Position, Record};

const LENGTH_BYTES: usize = 4;
/// The length and the final NUL of a document without fields.
const MIN_DOCUMENT_BYTES: usize = LENGTH_BYTES + 1;

#[derive(Debug)]
pub(super) struct BsonReader {
    input: Input,
    offset: u64,
}

impl BsonReader {
    pub(super) fn new(input: Input) -> Self {
        Self { input, offset: 0 }
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, Damage>> {
        let offset = self.offset;
        let position = Position::Byte { offset, line: None };
        let damage = |reason, resumable| Some(Err(Damage { position, reason, resumable }));
        let bytes = match self.next_bytes() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return None,
            Err(reason) => return damage(reason, false),
        };
        self.offset += bytes.len() as u64;
        let document = match RawDocumentBuf::from_bytes(bytes) {
            Ok(document) => document,
            Err(error) => return damage(format!("not valid BSON: {error}"), true),
        };
        match validate(&document) {
            Ok(()) => {
                let number_types = NumberTypes::Named;
                Some(Ok(Record { document, position, number_types }))
            }
            Err(error) => damage(error.to_string(), true),
        }
    }

    /// Reads the bytes of the next document; none at the end of the file; an error if it can't
    /// continue. The length is checked before anything is allocated for it.
    fn next_bytes(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut head = [0; LENGTH_BYTES];
        match self.fill(&mut head)? {
            0 => return Ok(None),
            LENGTH_BYTES => {}
            some => return Err(format!("the file ends {some} bytes into a document's length")),
        }
        let stated = i32::from_le_bytes(head);
        let length = usize::try_from(stated).unwrap_or(0);
        if !(MIN_DOCUMENT_BYTES..=MAX_DOCUMENT_BYTES).contains(&length) {
            return Err(format!(
                "invalid length of a document: {stated} bytes, expected {MIN_DOCUMENT_BYTES} to \
                 {MAX_DOCUMENT_BYTES}; the file is damaged or not BSON"
            ));
        }
        let mut bytes = vec![0; length];
        bytes[..LENGTH_BYTES].copy_from_slice(&head);
        let read = LENGTH_BYTES + self.fill(&mut bytes[LENGTH_BYTES..])?;
        if read < length {
            return Err(format!("the file ends {read} bytes into a document of {length} bytes"));
        }
        Ok(Some(bytes))
    }

    /// Fills the buffer up to the end of the file, and returns the number of bytes.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.input.explain(&error)),
            }
        }
        Ok(filled)
    }
}
