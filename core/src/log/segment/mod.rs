//! Segments: a self-contained file format for a run of commits of one timeline. Objects of a log in
//! object storage and bundles use it. docs/FORMAT.md describes the bytes.
//!
//! | bytes | content |
//! | --- | --- |
//! | beginning | `argonseg`, version |
//! | document blocks | the documents of all commits, one after the other |
//! | header blocks | for each commit its metadata, the touched keys with the lengths of their documents, its digest |
//! | footer | the metadata of the segment, and the index of its blocks |
//! | trailer | length and checksum of the footer, version, `argonseg` |
//!
//! A reader begins at the end: [`Footer::parse`] returns which bytes have which commits, and which
//! have only their headers. [`decode`] reads a whole segment at once.

mod block;
mod commit;
mod footer;
mod merge;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use commit::{decode_commit, encode_commit};
pub use footer::{Footer, FooterRead, SegmentMeta};
pub use merge::merge;
pub use read::{Part, SegmentFile, decode, verify_chain};
pub use write::{Writer, encode};

use crate::Error;

/// The version of the format that is written.
pub const SEGMENT_VERSION: u8 = 1;

/// The default compression level of zstd.
pub const DEFAULT_LEVEL: i32 = 3;

/// The maximum uncompressed size of a block. A larger document has a block of its own; a larger
/// header takes several blocks.
pub const BLOCK_BYTES: usize = 256 * 1024;

/// The maximum uncompressed size of a segment: 1 GiB. It bounds the memory that a reader can be
/// made to use, and is four times the maximum size of the documents of a commit.
pub const MAX_SEGMENT_BYTES: u64 = 1024 * 1024 * 1024;

const DIGEST_BYTES: usize = 32;

const MAGIC: &[u8; 8] = b"argonseg";

/// Magic and version.
const BEGINNING_BYTES: u64 = 9;

/// Length of the footer, CRC32C, version, magic.
const TRAILER_BYTES: usize = 17;

/// An error of kind `Corrupt` about the segment of this name.
fn corrupt(name: &str, problem: impl std::fmt::Display) -> Error {
    Error::corrupt(format!("segment {name} {problem}"))
}

fn check_version(name: &str, found: u8) -> Result<(), Error> {
    if found == SEGMENT_VERSION {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "segment {name} has format {found}; this version of Argon reads {SEGMENT_VERSION}"
    )))
}
