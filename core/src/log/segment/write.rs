//! Writes a segment.

use crate::log::segment::block::{Block, BlockWriter, Compressor};
use crate::log::segment::commit::encode_header;
use crate::log::segment::{
    BEGINNING_BYTES, BLOCK_BYTES, DIGEST_BYTES, Footer, MAGIC, MAX_SEGMENT_BYTES, SEGMENT_VERSION,
    SegmentMeta,
};
use crate::model::{Commit, Digest, Head, Image, Lsn, MAX_DOCUMENT_BYTES, Timeline};
use crate::{Error, Result};

/// Encodes a segment of these commits, compressed at a zstd level of 1 to 22.
///
/// # Errors
/// The errors of [`Writer::push`] and [`Writer::finish`].
pub fn encode(meta: &SegmentMeta, commits: &[Commit], level: i32) -> Result<Vec<u8>> {
    let mut writer = Writer::new(meta.timeline, meta.before, level)?;
    commits.iter().try_for_each(|commit| writer.push(commit))?;
    writer.finish(meta.sealed)
}

/// Takes commits one by one. Takes the memory of the compressed segment, twice while it is
/// finished, and of two open blocks.
pub struct Writer {
    timeline: Timeline,
    before: Head,
    head: Head,
    zstd: Compressor,
    documents: BlockWriter,
    headers: BlockWriter,
    /// The header of the last commit; the block includes its digest unless it stays the last.
    pending: Option<Pending>,
    /// The number of bytes of documents and of headers so far.
    document_bytes: u64,
    header_bytes: u64,
}

struct Pending {
    header: Vec<u8>,
    lsn: Lsn,
    digest: Digest,
    position: u64,
}

impl Writer {
    /// Creates a writer for a segment of the commits of `timeline` after `before`.
    ///
    /// # Errors
    /// `Invalid` for a level outside of 1 to 22, or if `before` is below the timeline's base.
    pub fn new(timeline: Timeline, before: Head, level: i32) -> Result<Self> {
        Self::with_blocks(timeline, before, level, BLOCK_BYTES)
    }

    pub(super) fn with_blocks(
        timeline: Timeline,
        before: Head,
        level: i32,
        block_bytes: usize,
    ) -> Result<Self> {
        if before.lsn < timeline.base_lsn() || before.lsn > Lsn::MAX {
            return Err(Error::invalid(format!(
                "a segment of timeline {} can't begin after LSN {}; the timeline has base {}",
                timeline.id,
                before.lsn,
                timeline.base_lsn()
            )));
        }
        Ok(Self {
            timeline,
            before,
            head: before,
            zstd: Compressor::new(level)?,
            documents: BlockWriter::new(block_bytes),
            headers: BlockWriter::new(block_bytes),
            pending: None,
            document_bytes: 0,
            header_bytes: 0,
        })
    }

    /// The uncompressed size so far; at most [`MAX_SEGMENT_BYTES`].
    pub fn raw_bytes(&self) -> u64 {
        self.document_bytes + self.header_bytes
    }

    /// The last commit so far.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Appends a commit. Its digest is copied and not recomputed.
    ///
    /// # Errors
    /// `Invalid` if its LSN is not consecutive, if a document exceeds [`MAX_DOCUMENT_BYTES`], or if
    /// the segment would exceed [`MAX_SEGMENT_BYTES`]; the writer is unchanged then.
    pub fn push(&mut self, commit: &Commit) -> Result<()> {
        let lsn = commit.meta.lsn;
        if lsn > Lsn::MAX || lsn != self.head.lsn.next() {
            return Err(Error::invalid(format!(
                "commit {lsn} does not follow commit {} in a segment of timeline {}",
                self.head.lsn, self.timeline.id
            )));
        }
        let header = encode_header(commit);
        self.check_size(commit, header.len())?;
        self.flush_pending()?;
        self.header_bytes += (header.len() + DIGEST_BYTES) as u64;
        self.pending =
            Some(Pending { header, lsn, digest: commit.digest, position: self.document_bytes });
        for change in &commit.changes {
            let Image::Document(document) = &change.image else { continue };
            let bytes = document.as_bytes();
            self.documents.put(&mut self.zstd, lsn, self.document_bytes, bytes)?;
            self.document_bytes += bytes.len() as u64;
        }
        self.head = commit.head();
        Ok(())
    }

    fn check_size(&self, commit: &Commit, header: usize) -> Result<()> {
        let lsn = commit.meta.lsn;
        let too_large = commit.changes.iter().any(|change| match &change.image {
            Image::Document(document) => document.as_bytes().len() > MAX_DOCUMENT_BYTES,
            Image::Deleted => false,
        });
        if too_large {
            return Err(Error::invalid(format!(
                "a document of commit {lsn} exceeds {MAX_DOCUMENT_BYTES} bytes"
            )));
        }
        let more = (commit.document_bytes() + header + DIGEST_BYTES) as u64;
        if self.raw_bytes() + more > MAX_SEGMENT_BYTES {
            return Err(Error::invalid(format!(
                "with commit {lsn} a segment would exceed {MAX_SEGMENT_BYTES} bytes; begin another"
            )));
        }
        Ok(())
    }

    /// Completes the pending header before the next one.
    fn flush_pending(&mut self) -> Result<()> {
        let Some(Pending { mut header, lsn, digest, position }) = self.pending.take() else {
            return Ok(());
        };
        header.extend_from_slice(digest.as_bytes());
        self.headers.put_split(&mut self.zstd, lsn, position, &header)
    }

    /// Returns the segment; `sealed` seals the timeline.
    ///
    /// # Errors
    /// `Invalid` if it has no commit and does not seal.
    pub fn finish(mut self, sealed: bool) -> Result<Vec<u8>> {
        if self.head.lsn == self.before.lsn && !sealed {
            return Err(Error::invalid("a segment without a commit must seal its timeline"));
        }
        if let Some(Pending { header, lsn, position, .. }) = self.pending.take() {
            self.headers.put_split(&mut self.zstd, lsn, position, &header)?;
        }
        self.documents.close(&mut self.zstd)?;
        self.headers.close(&mut self.zstd)?;
        let meta = SegmentMeta { timeline: self.timeline, before: self.before, sealed };
        let end = |blocks: &BlockWriter| blocks.stored.len() as u64;
        let (documents_end, headers_end) = (end(&self.documents), end(&self.headers));
        let footer = Footer::new(
            meta,
            self.head,
            shifted(self.documents.blocks, BEGINNING_BYTES),
            shifted(self.headers.blocks, BEGINNING_BYTES + documents_end),
        );
        let mut out = MAGIC.to_vec();
        out.reserve(usize::try_from(documents_end + headers_end).unwrap_or(0) + 256);
        out.push(SEGMENT_VERSION);
        out.append(&mut self.documents.stored);
        out.append(&mut self.headers.stored);
        footer.encode(&mut out)?;
        Ok(out)
    }
}

fn shifted(mut blocks: Vec<Block>, by: u64) -> Vec<Block> {
    for block in &mut blocks {
        block.offset += by;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::model::{Actor, CommitMeta, Message, Nonce, Origin, TimelineId, Trailers};

    #[test]
    fn a_full_segment_takes_no_more() {
        let timeline = Timeline { id: TimelineId::from_bytes([7; 16]), base: None };
        let mut writer = Writer::new(timeline, Head::EMPTY, 3).unwrap();
        let meta = CommitMeta {
            lsn: Lsn::new(1),
            time: Head::EMPTY.time,
            nonce: Nonce(1),
            actor: Actor::new("ada").unwrap(),
            message: Message::default(),
            origin: Origin::Write,
            trailers: Trailers::default(),
        };
        let commit = Commit::sealed(meta, &Digest::ZERO, Vec::new());
        writer.document_bytes = MAX_SEGMENT_BYTES - 10;
        assert_eq!(writer.push(&commit).unwrap_err().kind(), ErrorKind::Invalid);
        writer.document_bytes = 0;
        writer.push(&commit).unwrap();
        assert_eq!(writer.head(), commit.head());
    }
}
