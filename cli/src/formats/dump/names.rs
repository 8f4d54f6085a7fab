//! File names of a dump, and the names of the collections they stand for.

use std::path::Path;

use super::super::FormatError;
use super::{Metadata, SkipReason};

/// The longest encoded name; longer ones are cut and made unique, so that with the longest
/// extension, `.metadata.json.gz`, they fit into the 255 bytes of a file name.
const MAX_ENCODED_BYTES: usize = 238;
const CUT_BYTES: usize = 208;
/// Stands between the cut name and what makes it unique: an encoded `$`.
const CUT_MARK: &str = "%24";

/// What a file in a dump is, by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum File {
    /// Half of a collection. The name may be [cut](full_name).
    Collection {
        /// Which half.
        kind: Kind,
        /// Decoded.
        name: String,
    },
    /// Something that isn't loaded.
    Other(SkipReason),
}

impl File {
    /// Whether a directory that holds this file is a database's.
    pub(super) fn is_of_database(&self) -> bool {
        use SkipReason::{SystemCollection, TimeSeries};
        matches!(self, Self::Collection { .. } | Self::Other(SystemCollection | TimeSeries))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Documents,
    Metadata,
}

/// Fails if the name has the ending of a collection's file, but can't be decoded.
pub(super) fn classify(path: &Path) -> Result<File, FormatError> {
    let Some(file_name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(File::Other(SkipReason::Unknown));
    };
    let plain = file_name.strip_suffix(".gz").unwrap_or(file_name);
    match plain {
        "oplog.bson" => return Ok(File::Other(SkipReason::Oplog)),
        "prelude.json" => return Ok(File::Other(SkipReason::Prelude)),
        _ => {}
    }
    let (encoded, kind) = if let Some(encoded) = plain.strip_suffix(".metadata.json") {
        (encoded, Kind::Metadata)
    } else if let Some(encoded) = plain.strip_suffix(".bson") {
        (encoded, Kind::Documents)
    } else {
        return Ok(File::Other(SkipReason::Unknown));
    };
    let name = decode(encoded).ok_or_else(|| FormatError::CollectionFile {
        path: path.to_owned(),
        reason: "the name has a % that isn't followed by two hexadecimal digits of a character"
            .to_owned(),
    })?;
    if name.starts_with("system.buckets.") {
        return Ok(File::Other(SkipReason::TimeSeries));
    }
    if name.starts_with("system.") || name.starts_with("$admin.") {
        return Ok(File::Other(SkipReason::SystemCollection));
    }
    Ok(File::Collection { kind, name })
}

/// The collection's whole name, which for a cut file name is only in the metadata.
pub(super) fn full_name(
    documents: &Path,
    name: String,
    metadata: &Metadata,
) -> Result<String, FormatError> {
    let file_name = documents.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let encoded = file_name.strip_suffix(".gz").unwrap_or(file_name);
    let encoded = encoded.strip_suffix(".bson").unwrap_or(encoded);
    if encoded.len() != MAX_ENCODED_BYTES || !encoded.contains(CUT_MARK) {
        return Ok(name);
    }
    metadata.collection_name.clone().ok_or_else(|| FormatError::CollectionFile {
        path: documents.to_owned(),
        reason: "the name is cut, and the whole one is not in its metadata file".to_owned(),
    })
}

/// The file name of a collection, without an extension: as `mongodump` makes it, but for what makes
/// a cut name unique, on which nothing depends.
pub(in super::super) fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            _ => encoded.extend(['%', hexadecimal(byte >> 4), hexadecimal(byte & 0xf)]),
        }
    }
    if encoded.len() > MAX_ENCODED_BYTES {
        let digest = blake3::hash(name.as_bytes()).to_hex();
        let room = MAX_ENCODED_BYTES - CUT_BYTES - CUT_MARK.len();
        encoded.truncate(CUT_BYTES);
        encoded.push_str(CUT_MARK);
        encoded.push_str(&digest[..room]);
    }
    encoded
}

fn hexadecimal(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit)])
}

/// Reverses the encoding; a cut name that ends within a character's bytes loses that character,
/// for its whole name is elsewhere.
fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).ok()?
            }
            other => other,
        });
    }
    if encoded.len() == MAX_ENCODED_BYTES && encoded.contains(CUT_MARK) {
        return Some(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).ok()
}
