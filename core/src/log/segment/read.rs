//! Reads commits from the bytes of a segment.

use std::ops::{Range, RangeInclusive};

use crate::log::segment::block::{Block, Decompressor};
use crate::log::segment::commit::{ChangeHeader, decode_header};
use crate::log::segment::footer::covering;
use crate::log::segment::{Footer, FooterRead, MAGIC, check_version, corrupt};
use crate::model::codec::Reader;
use crate::model::{Change, Commit, Digest, Document, Head, Image, Lsn, Touched};
use crate::{Error, Result};

/// Bytes of a file, and their offset in it.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The offset of the first byte.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl<'a> Part<'a> {
    /// Returns the bytes of the file at `range`, if the part contains all of them.
    pub(super) fn get(&self, range: Range<u64>) -> Option<&'a [u8]> {
        let at = |place: u64| usize::try_from(place.checked_sub(self.offset)?).ok();
        self.bytes.get(at(range.start)?..at(range.end)?)
    }
}

/// A whole segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentFile {
    /// The footer.
    pub footer: Footer,
    /// The commits, in order.
    pub commits: Vec<Commit>,
}

impl SegmentFile {
    /// Recomputes every digest and checks that the commits are consecutive.
    ///
    /// # Errors
    /// `Corrupt`, naming the first invalid commit.
    pub fn verify(&self) -> Result<()> {
        verify_chain(&self.footer.before(), &self.commits)
            .map_err(|source| corrupt(self.footer.name(), "breaks the chain").with_source(source))
    }
}

/// Decodes a whole segment; `name` names it in errors. All checksums are verified, but no digest:
/// see [`SegmentFile::verify`]. Takes [`Footer::raw_bytes`] of memory and some more for each
/// change.
///
/// # Errors
/// `Corrupt` if the bytes are damaged; `Unsupported` for a newer version.
pub fn decode(name: &str, bytes: &[u8]) -> Result<SegmentFile> {
    let FooterRead::Complete(footer) = Footer::parse(name, bytes, bytes.len() as u64)? else {
        return Err(corrupt(name, "is truncated"));
    };
    let mut reader = Reader::new("segment", bytes);
    if reader.array()? != *MAGIC {
        return Err(corrupt(name, "does not begin like a segment"));
    }
    check_version(name, reader.byte()?)?;
    let whole = Part { offset: 0, bytes };
    let commits = footer.commits(&footer.lsns(), whole, whole)?;
    Ok(SegmentFile { footer, commits })
}

/// Recomputes the digests of `commits`, the first of which follows `before`, and compares them;
/// checks that LSNs have no gap and that times don't decrease.
///
/// # Errors
/// `Corrupt`, naming the first invalid commit.
pub fn verify_chain(before: &Head, commits: &[Commit]) -> Result<()> {
    let mut previous = *before;
    for commit in commits {
        let lsn = commit.meta.lsn;
        if previous.lsn.get().checked_add(1) != Some(lsn.get()) || commit.meta.time < previous.time
        {
            return Err(Error::corrupt(format!(
                "commit {lsn} does not follow commit {}",
                previous.lsn
            )));
        }
        if commit.compute_digest(&previous.digest) != commit.digest {
            return Err(Error::corrupt(format!("commit {lsn} does not match its digest")));
        }
        previous = commit.head();
    }
    Ok(())
}

impl Footer {
    /// The commits in `lsns` without their documents, ascending. `headers` must contain the bytes
    /// of [`Footer::header_range`].
    ///
    /// # Errors
    /// `Corrupt` if the bytes are damaged; `Internal` if some are missing.
    pub fn headers(
        &self,
        lsns: &RangeInclusive<Lsn>,
        headers: Part<'_>,
    ) -> Result<Vec<Commit<Touched>>> {
        let mut zstd = Decompressor::new()?;
        self.read(&mut zstd, lsns, headers, |_, _, _, change| {
            let ChangeHeader { collection, key, length } = change;
            Ok(Touched { collection, key, deleted: length == 0 })
        })
    }

    /// The commits in `lsns`, ascending. The parts must contain the bytes of
    /// [`Footer::header_range`] and of [`Footer::document_range`]; they may be the same part.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are damaged; `Internal` if some are missing.
    pub fn commits(
        &self,
        lsns: &RangeInclusive<Lsn>,
        headers: Part<'_>,
        documents: Part<'_>,
    ) -> Result<Vec<Commit>> {
        let mut documents = Documents { footer: self, part: documents, open: None };
        let mut zstd = Decompressor::new()?;
        self.read(&mut zstd, lsns, headers, |zstd, lsn, position, change| {
            let ChangeHeader { collection, key, length } = change;
            let image = match length {
                0 => Image::Deleted,
                _ => Image::Document(documents.get(zstd, lsn, position, length)?),
            };
            Ok(Change { collection, key, image })
        })
    }

    /// Reads headers; `change` creates a change from its header, the LSN of its commit, and the
    /// position of its document among the bytes of all documents.
    fn read<C>(
        &self,
        zstd: &mut Decompressor,
        lsns: &RangeInclusive<Lsn>,
        part: Part<'_>,
        mut change: impl FnMut(&mut Decompressor, Lsn, u64, ChangeHeader) -> Result<C>,
    ) -> Result<Vec<Commit<C>>> {
        let mut commits = Vec::new();
        for group in covering(&self.headers, lsns).chunk_by(|a, b| a.last == b.first) {
            let mut content = Vec::new();
            for block in group {
                let mut piece = zstd.read(self.name(), block, part)?;
                if content.is_empty() {
                    content = piece;
                } else {
                    content.append(&mut piece);
                }
            }
            let mut change = |lsn: Lsn, position, header| change(&mut *zstd, lsn, position, header);
            self.read_group(group, &content, lsns, &mut commits, &mut change)
                .map_err(|source| self.damaged(group, source))?;
        }
        Ok(commits)
    }

    fn damaged(&self, group: &[Block], source: Error) -> Error {
        if source.kind() != crate::ErrorKind::Corrupt {
            return source;
        }
        let from = group.first().map_or(Lsn::ZERO, |block| block.first);
        corrupt(self.name(), format!("has damaged commits from LSN {from} on")).with_source(source)
    }

    /// Reads the content of a group of header blocks, up to the end of `lsns`.
    fn read_group<C>(
        &self,
        group: &[Block],
        content: &[u8],
        lsns: &RangeInclusive<Lsn>,
        commits: &mut Vec<Commit<C>>,
        change: &mut impl FnMut(Lsn, u64, ChangeHeader) -> Result<C>,
    ) -> Result<()> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok(()) };
        let mut reader = Reader::new("commit", content);
        let (mut lsn, mut position) = (first.first, first.position);
        while lsn <= last.last {
            if lsn > *lsns.end() {
                return Ok(());
            }
            let wanted = lsns.contains(&lsn);
            let header = decode_header(&mut reader, |header| {
                let at = position;
                position = position.saturating_add(header.length);
                if wanted { change(lsn, at, header).map(Some) } else { Ok(None) }
            })?;
            let (meta, changes) = header;
            let digest = self.digest(&mut reader, lsn)?;
            if meta.lsn != lsn || (lsn == self.head().lsn && meta.time != self.head().time) {
                return Err(reader.corrupt("differs from the one in the footer"));
            }
            if wanted {
                commits.push(Commit {
                    meta,
                    digest,
                    changes: changes.into_iter().flatten().collect(),
                });
            }
            lsn = lsn.next();
        }
        let next = self.headers.partition_point(|block| block.first <= last.last);
        if position != self.documents_until(next) {
            return Err(reader.corrupt("has documents whose length differs from the footer"));
        }
        reader.finish()
    }

    fn digest(&self, reader: &mut Reader<'_>, lsn: Lsn) -> Result<Digest> {
        if lsn == self.head().lsn {
            return Ok(self.head().digest);
        }
        reader.array().map(Digest::from_bytes)
    }
}

/// Returns documents by ascending positions among the bytes of all documents. One block is in
/// memory.
struct Documents<'a> {
    footer: &'a Footer,
    part: Part<'a>,
    open: Option<(Block, Vec<u8>)>,
}

impl Documents<'_> {
    fn get(
        &mut self,
        zstd: &mut Decompressor,
        lsn: Lsn,
        position: u64,
        length: u64,
    ) -> Result<Document> {
        let misplaced = || Error::corrupt("a document is not at the position in the footer");
        let end = position.saturating_add(length);
        let holds = |block: &Block| {
            block.position <= position && end <= block.position + u64::from(block.raw)
        };
        if !self.open.as_ref().is_some_and(|(block, _)| holds(block)) {
            let blocks = &self.footer.documents;
            let at = blocks.partition_point(|block| block.position <= position);
            let block = at.checked_sub(1).and_then(|at| blocks.get(at)).copied();
            let block = block.filter(holds).ok_or_else(misplaced)?;
            self.open = None;
            self.open = Some((block, zstd.read(self.footer.name(), &block, self.part)?));
        }
        let (block, content) = self.open.as_ref().ok_or_else(misplaced)?;
        if lsn < block.first || lsn > block.last {
            return Err(misplaced());
        }
        let content = Part { offset: block.position, bytes: content };
        let bytes = content.get(position..end).ok_or_else(misplaced)?;
        Document::from_stored(bytes)
    }
}
