//! File names of a dump, and the collection names that they encode.

use std::path::Path;

use super::super::FormatError;
use super::{Metadata, SkipReason};

/// The maximum length of an encoded name; longer ones are truncated and made unique, so that with
/// the longest extension, `.metadata.json.gz`, they fit into the 255 bytes of a file name.
const MAX_ENCODED_BYTES: usize = 238;
const CUT_BYTES: usize = 208;
/// Separates the truncated name from its unique suffix: an encoded `$`.
const CUT_MARK: &str = "%24";
/// The prefix of the collection with a time series' documents.
pub(in super::super) const BUCKETS: &str = "system.buckets.";

/// The kind of a file in a dump, by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum File {
    /// One of the two files of a collection.
    Collection {
        /// Which of the two.
        kind: Kind,
        /// The encoded name, perhaps truncated.
        stem: String,
    },
    /// The documents of a time series, whose metadata has its own name.
    Buckets {
        /// The encoded name, with the prefix `system.buckets.`.
        stem: String,
    },
    /// `system.indexes.bson`: the index definitions of all collections, before MongoDB 3.0.
    Indexes,
    /// A file that isn't loaded.
    Other(SkipReason),
}

impl File {
    /// Returns whether a directory with this file is a database's.
    pub(super) fn is_of_database(&self) -> bool {
        !matches!(self, Self::Other(reason) if *reason != SkipReason::SystemCollection)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Documents,
    Metadata,
}

pub(super) fn classify(path: &Path) -> File {
    let Some(file_name) = path.file_name().and_then(|name| name.to_str()) else {
        return File::Other(SkipReason::Unknown);
    };
    if file_name.starts_with("._") {
        return File::Other(SkipReason::AppleDouble);
    }
    let plain = file_name.strip_suffix(".gz").unwrap_or(file_name);
    match plain {
        // A collection with that name has metadata.
        "oplog.bson" if !has_metadata(path, "oplog") => return File::Other(SkipReason::Oplog),
        "prelude.json" => return File::Other(SkipReason::Prelude),
        "system.indexes.bson" => return File::Indexes,
        _ => {}
    }
    let (stem, kind) = if let Some(stem) = plain.strip_suffix(".metadata.json") {
        (stem, Kind::Metadata)
    } else if let Some(stem) = plain.strip_suffix(".bson") {
        (stem, Kind::Documents)
    } else {
        return File::Other(SkipReason::Unknown);
    };
    let stem = stem.to_owned();
    match kind {
        Kind::Documents if stem.starts_with(BUCKETS) => File::Buckets { stem },
        _ if is_of_server(&stem) => File::Other(SkipReason::SystemCollection),
        _ => File::Collection { kind, stem },
    }
}

fn has_metadata(path: &Path, stem: &str) -> bool {
    let of_end = |end| path.with_file_name(format!("{stem}.metadata.json{end}"));
    ["", ".gz"].into_iter().any(|end| of_end(end).is_file())
}

/// Returns whether a collection is the server's own, by its name, encoded or not.
pub(super) fn is_of_server(name: &str) -> bool {
    ["system.", "%24admin.", "$admin."].iter().any(|start| name.starts_with(start))
}

/// Returns the collection's full name, which for a truncated file name is only in the metadata.
pub(super) fn full_name(
    path: &Path,
    stem: &str,
    metadata: Option<&Metadata>,
) -> Result<String, FormatError> {
    let said = metadata.and_then(|metadata| metadata.collection_name.as_ref());
    let reason = if is_cut(stem) {
        if let Some(name) = said {
            return Ok(name.clone());
        }
        "the name is truncated, and its metadata file lacks the full name"
    } else if let Some(name) = said.filter(|name| unescaped(stem, b'+').as_ref() == Some(*name)) {
        // Some versions of mongodump do not encode a +.
        return Ok(name.clone());
    } else {
        "the name has a % that isn't followed by two hex digits of a character"
    };
    decode(stem).ok_or_else(|| FormatError::CollectionFile {
        path: path.to_owned(),
        reason: reason.to_owned(),
    })
}

/// Returns whether a file's name only has the beginning of a collection's name.
fn is_cut(stem: &str) -> bool {
    stem.len() == MAX_ENCODED_BYTES
        && stem.get(CUT_BYTES..).is_some_and(|s| s.starts_with(CUT_MARK))
}

/// Returns whether `stem` may be the file name of a collection whose name [`encode`]s to `encoded`:
/// the names are equal, apart from the unique suffix of a truncated one.
pub(super) fn may_be(stem: &str, encoded: &str) -> bool {
    let cut = is_cut(stem) && is_cut(encoded);
    stem == encoded || cut && stem.as_bytes()[..CUT_BYTES] == encoded.as_bytes()[..CUT_BYTES]
}

/// Returns the file name of a collection, without an extension, like `mongodump`, apart from the
/// unique suffix of a truncated name, on which nothing depends. As there, the truncation may split
/// the three characters of an encoded byte.
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

/// Decodes a name that isn't truncated.
pub(super) fn decode(encoded: &str) -> Option<String> {
    unescaped(encoded, b' ')
}

fn unescaped(encoded: &str, plus: u8) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => plus,
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
