//! The footer: the metadata of a segment, and the index of its blocks.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use bson::DateTime;

use crate::log::segment::block::Block;
use crate::log::segment::{
    BEGINNING_BYTES, MAGIC, MAX_SEGMENT_BYTES, SEGMENT_VERSION, TRAILER_BYTES, check_version,
    corrupt,
};
use crate::model::codec::{Reader, put_varint};
use crate::model::{Digest, Head, Lsn, Point, Timeline, TimelineId};
use crate::{Error, Result};

const SEALED: u8 = 1;
const HAS_BASE: u8 = 2;

/// The metadata of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentMeta {
    /// The timeline.
    pub timeline: Timeline,
    /// The head before the first commit.
    pub before: Head,
    /// Whether the segment seals the timeline. Only such a segment may be empty.
    pub sealed: bool,
}

/// The footer of a segment. It has checksums of all bytes of the commits, so these may come from
/// any source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    name: Arc<str>,
    meta: SegmentMeta,
    head: Head,
    /// Both in the order of offsets and LSNs, without gaps: header blocks follow document blocks.
    pub(super) documents: Vec<Block>,
    pub(super) headers: Vec<Block>,
}

/// The result of [`Footer::parse`].
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is given")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FooterRead {
    /// The footer.
    Complete(Footer),
    /// The footer is longer than the given tail: parse this number of bytes from the end of the
    /// file.
    NeedLast(u64),
}

impl Footer {
    pub(super) fn new(
        meta: SegmentMeta,
        head: Head,
        documents: Vec<Block>,
        headers: Vec<Block>,
    ) -> Self {
        Self { name: "".into(), meta, head, documents, headers }
    }

    /// Parses the footer from the last bytes of a file that has `file_length` bytes; a tail of 64
    /// KiB nearly always suffices, and often includes all headers. `name` names the file in errors.
    ///
    /// # Errors
    /// `Corrupt` if the checksum or the structure is invalid; `Unsupported` for a newer version.
    pub fn parse(name: &str, tail: &[u8], file_length: u64) -> Result<FooterRead> {
        let shortest = BEGINNING_BYTES + TRAILER_BYTES as u64;
        if file_length < shortest || tail.len() as u64 > file_length {
            return Err(corrupt(name, format!("has an invalid length of {file_length} bytes")));
        }
        let Some((rest, trailer)) = tail.split_last_chunk::<TRAILER_BYTES>() else {
            return Ok(FooterRead::NeedLast(shortest));
        };
        let mut reader = Reader::new("segment", trailer);
        let length = u32::from_le_bytes(reader.array()?);
        let crc = u32::from_le_bytes(reader.array()?);
        let version = reader.byte()?;
        if reader.rest() != MAGIC {
            return Err(corrupt(name, "does not end like a segment"));
        }
        check_version(name, version)?;
        if u64::from(length) > file_length - shortest {
            return Err(corrupt(name, "has a footer that is longer than the file"));
        }
        let Some(start) = rest.len().checked_sub(length as usize) else {
            return Ok(FooterRead::NeedLast(u64::from(length) + TRAILER_BYTES as u64));
        };
        let content = &rest[start..];
        if checksum(content, length, version) != crc {
            return Err(corrupt(name, "has a footer that does not match its checksum"));
        }
        let blocks_end = file_length - TRAILER_BYTES as u64 - u64::from(length);
        Self::decode(name, content, blocks_end)
            .map(FooterRead::Complete)
            .map_err(|source| corrupt(name, "has a damaged footer").with_source(source))
    }

    /// The name that was passed to [`parse`](Self::parse).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The metadata.
    pub fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    /// The timeline.
    pub fn timeline(&self) -> Timeline {
        self.meta.timeline
    }

    /// The head before the first commit.
    pub fn before(&self) -> Head {
        self.meta.before
    }

    /// The head after the last commit; [`before`](Self::before) if the segment is empty.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Whether this segment seals the timeline.
    pub fn sealed(&self) -> bool {
        self.meta.sealed
    }

    /// The positions of the commits; an empty range if the segment is empty.
    pub fn lsns(&self) -> RangeInclusive<Lsn> {
        self.meta.before.lsn.next()..=self.head.lsn
    }

    /// The uncompressed size of all blocks, which is the minimum memory of
    /// [`decode`](crate::segment::decode). At most [`MAX_SEGMENT_BYTES`].
    pub fn raw_bytes(&self) -> u64 {
        raw_bytes(&self.documents) + raw_bytes(&self.headers)
    }

    /// The bytes of the file with the headers of the commits in `lsns`; positions outside of the
    /// segment are ignored, so the range may be empty.
    pub fn header_range(&self, lsns: &RangeInclusive<Lsn>) -> Range<u64> {
        byte_range(covering(&self.headers, lsns))
    }

    /// The bytes of the file with the documents of the commits in `lsns`, like
    /// [`header_range`](Self::header_range).
    pub fn document_range(&self, lsns: &RangeInclusive<Lsn>) -> Range<u64> {
        byte_range(covering(&self.documents, lsns))
    }

    /// The number of bytes of documents before those of the commit after the header block `at`.
    pub(super) fn documents_until(&self, at: usize) -> u64 {
        self.headers.get(at).map_or_else(|| raw_bytes(&self.documents), |block| block.position)
    }

    /// Appends footer and trailer.
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        let SegmentMeta { timeline, before, sealed } = &self.meta;
        out.extend_from_slice(timeline.id.as_bytes());
        let sealed = if *sealed { SEALED } else { 0 };
        out.push(sealed | if timeline.base.is_some() { HAS_BASE } else { 0 });
        if let Some(base) = timeline.base {
            out.extend_from_slice(base.timeline.as_bytes());
            put_varint(out, base.lsn.get());
        }
        put_varint(out, before.lsn.get());
        put_head(out, before);
        put_varint(out, self.head.lsn.get() - before.lsn.get());
        if self.head.lsn != before.lsn {
            put_head(out, &self.head);
        }
        put_blocks(out, before.lsn, &self.documents, |_, _| {});
        let mut position = 0;
        put_blocks(out, before.lsn, &self.headers, |out, block| {
            put_varint(out, block.position - position);
            position = block.position;
        });
        let length = u32::try_from(out.len() - start)
            .map_err(|_| Error::internal("the footer of a segment is too long"))?;
        let crc = checksum(&out[start..], length, SEGMENT_VERSION);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&crc.to_le_bytes());
        out.push(SEGMENT_VERSION);
        out.extend_from_slice(MAGIC);
        Ok(())
    }

    fn decode(name: &str, content: &[u8], blocks_end: u64) -> Result<Self> {
        let mut reader = Reader::new("footer", content);
        let (timeline, sealed) = decode_timeline(&mut reader)?;
        let lsn = reader.lsn()?;
        let before = decode_head(&mut reader, lsn)?;
        let last = lsn.get().checked_add(reader.varint()?).map(Lsn::new);
        let last = last
            .filter(|last| *last <= Lsn::MAX && lsn >= timeline.base_lsn())
            .ok_or_else(|| reader.corrupt("has invalid positions"))?;
        let head = if last == lsn { before } else { decode_head(&mut reader, last)? };
        let (documents, offset) = decode_documents(&mut reader, lsn, last)?;
        let (headers, end) = decode_headers(&mut reader, lsn, last, offset)?;
        let footer = Self {
            name: name.into(),
            meta: SegmentMeta { timeline, before, sealed },
            head,
            documents,
            headers,
        };
        footer.check(&reader, end == blocks_end)?;
        reader.finish()?;
        Ok(footer)
    }

    /// Checks the invariants across entries.
    fn check(&self, reader: &Reader<'_>, blocks_fill_the_file: bool) -> Result<()> {
        let documents = raw_bytes(&self.documents);
        let first = self.meta.before.lsn;
        if self.headers.last().map_or(first, |block| block.last) != self.head.lsn {
            return Err(reader.corrupt("lacks headers"));
        }
        if self.headers.last().is_some_and(|block| block.position > documents) {
            return Err(reader.corrupt("lacks documents"));
        }
        if !blocks_fill_the_file {
            return Err(reader.corrupt("does not list exactly the blocks in the file"));
        }
        if self.raw_bytes() > MAX_SEGMENT_BYTES {
            return Err(reader.corrupt("exceeds the maximum size of a segment"));
        }
        if self.head.lsn == first && !(self.meta.sealed && self.documents.is_empty()) {
            return Err(reader.corrupt("has no commit and does not seal its timeline"));
        }
        Ok(())
    }
}

/// CRC32C of the footer and of the trailer up to the checksum, and of the version.
fn checksum(content: &[u8], length: u32, version: u8) -> u32 {
    let crc = crc32c::crc32c_append(crc32c::crc32c(content), &length.to_le_bytes());
    crc32c::crc32c_append(crc, &[version])
}

fn put_head(out: &mut Vec<u8>, head: &Head) {
    out.extend_from_slice(head.digest.as_bytes());
    put_varint(out, head.time.timestamp_millis().cast_unsigned());
}

fn decode_head(reader: &mut Reader<'_>, lsn: Lsn) -> Result<Head> {
    let digest = Digest::from_bytes(reader.array()?);
    Ok(Head { lsn, digest, time: DateTime::from_millis(reader.varint()?.cast_signed()) })
}

fn decode_timeline(reader: &mut Reader<'_>) -> Result<(Timeline, bool)> {
    let id = TimelineId::from_bytes(reader.array()?);
    let flags = reader.byte()?;
    if flags & !(SEALED | HAS_BASE) != 0 {
        return Err(reader.corrupt("has unknown flags"));
    }
    let base = if flags & HAS_BASE == 0 {
        None
    } else {
        let timeline = TimelineId::from_bytes(reader.array()?);
        Some(Point { timeline, lsn: reader.lsn()? })
    };
    Ok((Timeline { id, base }, flags & SEALED != 0))
}

fn put_blocks(
    out: &mut Vec<u8>,
    before: Lsn,
    blocks: &[Block],
    mut more: impl FnMut(&mut Vec<u8>, &Block),
) {
    put_varint(out, blocks.len() as u64);
    let mut last = before;
    for block in blocks {
        block.encode(last, out);
        more(out, block);
        last = block.last;
    }
}

/// Decodes the document blocks, and the offset of their end.
fn decode_documents(reader: &mut Reader<'_>, before: Lsn, head: Lsn) -> Result<(Vec<Block>, u64)> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut last, mut offset, mut position) = (before, BEGINNING_BYTES, 0);
    for _ in 0..reader.varint()? {
        let block = Block::decode(reader, last, head, offset)?;
        if block.first == before {
            return Err(reader.corrupt("has documents before its first commit"));
        }
        (last, offset) = (block.last, block.end());
        blocks.push(Block { position, ..block });
        position += u64::from(block.raw);
    }
    Ok((blocks, offset))
}

/// Decodes the header blocks, and the offset of their end.
fn decode_headers(
    reader: &mut Reader<'_>,
    before: Lsn,
    head: Lsn,
    offset: u64,
) -> Result<(Vec<Block>, u64)> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut last, mut offset, mut position) = (before, offset, 0_u64);
    for _ in 0..reader.varint()? {
        let block = Block::decode(reader, last, head, offset)?;
        let moved = reader.varint()?;
        position = position.saturating_add(moved);
        let follows = block.first == last.next();
        // A header that takes several blocks shares none of them.
        let goes_on = blocks.last().is_some_and(|before| {
            before.first == block.last && block.first == before.last && moved == 0
        });
        if !(follows || goes_on) {
            return Err(reader.corrupt("has headers that are not consecutive"));
        }
        (last, offset) = (block.last, block.end());
        blocks.push(Block { position, ..block });
    }
    Ok((blocks, offset))
}

fn raw_bytes(blocks: &[Block]) -> u64 {
    blocks.iter().map(|block| u64::from(block.raw)).sum()
}

/// The blocks with content of the commits in `lsns`.
pub(super) fn covering<'a>(blocks: &'a [Block], lsns: &RangeInclusive<Lsn>) -> &'a [Block] {
    let from = blocks.partition_point(|block| block.last < *lsns.start());
    let to = blocks.partition_point(|block| block.first <= *lsns.end());
    blocks.get(from..to).unwrap_or_default()
}

fn byte_range(blocks: &[Block]) -> Range<u64> {
    match blocks {
        [] => 0..0,
        [first, .., last] => first.offset..last.end(),
        [only] => only.offset..only.end(),
    }
}
