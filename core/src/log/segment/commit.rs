//! The headers of commits in header blocks.
//!
//! Metadata, number of changes; for each change the collection's number (8 bytes), the key with its
//! length, and the length of the document, which is 0 for a deletion; then the digest, which only
//! the segment's last commit lacks, because the footer has it.

use crate::Result;
use crate::document::key::Key;
use crate::model::codec::{Reader, put_bytes, put_varint};
use crate::model::{Change, CollectionId, Commit, CommitMeta, Digest, Document, Image};

/// The minimum size of a change: collection, a key of one byte with its length, a length.
const LEAST_CHANGE_BYTES: usize = 11;

/// A change in a header.
pub(super) struct ChangeHeader {
    pub(super) collection: CollectionId,
    pub(super) key: Key,
    /// The size of the document; 0 for a deletion.
    pub(super) length: u64,
}

/// Encodes a commit's header without the digest.
pub(super) fn encode_header(commit: &Commit) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + commit.changes.len() * 32);
    commit.meta.encode(&mut out);
    put_varint(&mut out, commit.changes.len() as u64);
    for change in &commit.changes {
        out.extend_from_slice(&change.collection.get().to_le_bytes());
        put_bytes(&mut out, change.key.as_bytes());
        let length = match &change.image {
            Image::Document(document) => document.as_bytes().len() as u64,
            Image::Deleted => 0,
        };
        put_varint(&mut out, length);
    }
    out
}

/// Decodes a header of [`encode_header`]; `change` creates the changes.
pub(super) fn decode_header<C>(
    reader: &mut Reader<'_>,
    mut change: impl FnMut(ChangeHeader) -> Result<C>,
) -> Result<(CommitMeta, Vec<C>)> {
    let meta = CommitMeta::decode(reader)?;
    let count = reader.varint()?;
    let most = reader.rest().len() / LEAST_CHANGE_BYTES;
    let mut changes = Vec::with_capacity(usize::try_from(count).unwrap_or(usize::MAX).min(most));
    for _ in 0..count {
        let collection = CollectionId::new(u64::from_le_bytes(reader.array()?));
        let key = Key::from_bytes(reader.bytes()?)
            .map_err(|source| reader.corrupt("has a malformed key").with_source(source))?;
        changes.push(change(ChangeHeader { collection, key, length: reader.varint()? })?);
    }
    Ok((meta, changes))
}

/// Appends a whole commit: its header as in a segment, its digest, and its documents in order.
pub fn encode_commit(out: &mut Vec<u8>, commit: &Commit) {
    out.extend_from_slice(&encode_header(commit));
    out.extend_from_slice(commit.digest.as_bytes());
    for change in &commit.changes {
        if let Image::Document(document) = &change.image {
            out.extend_from_slice(document.as_bytes());
        }
    }
}

/// Decodes a commit of [`encode_commit`].
///
/// # Errors
/// `Corrupt` if the bytes are malformed. The digest is not verified.
pub fn decode_commit(reader: &mut Reader<'_>) -> Result<Commit> {
    let (meta, headers) = decode_header(reader, Ok)?;
    let digest = Digest::from_bytes(reader.array()?);
    let mut changes = Vec::with_capacity(headers.len());
    for ChangeHeader { collection, key, length } in headers {
        let image = match usize::try_from(length).unwrap_or(usize::MAX) {
            0 => Image::Deleted,
            length => Image::Document(Document::from_stored(reader.take(length)?)?),
        };
        changes.push(Change { collection, key, image });
    }
    Ok(Commit { meta, digest, changes })
}
