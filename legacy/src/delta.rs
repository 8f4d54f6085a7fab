//! The format of a delta: a run of commits of one timeline, compressed as a whole.
//! docs/FORMAT.md has the bytes.

use std::io::Read;

use argon_core::codec::{Reader, put_varint};
use argon_core::model::{Commit, Digest, Head, TimelineId};
use argon_core::segment::{decode_commit, encode_commit, verify_chain};
use argon_core::storage::Objects;
use argon_core::{Error, Result};
use bson::DateTime;

/// The suffix of the names of deltas.
pub(crate) const SUFFIX: &str = ".delta";

const MAGIC: &[u8; 8] = b"argondlt";
const VERSION: u8 = 1;

/// The most bytes of an unpacked delta; a commit is smaller.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;

const CHECKSUM_BYTES: usize = 32;

/// How the commits of a delta are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// The codec of new deltas.
    Zstd,
    /// The codec of older programs.
    Gzip,
}

/// The header of a delta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaHeader {
    /// The timeline of its commits.
    pub timeline: TimelineId,
    /// The commit on which the first one builds: the last one of the parent delta.
    pub parent: Head,
    /// Its last commit.
    pub head: Head,
    /// The number of changes of documents.
    pub operations: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Bytes after compression.
    pub stored_bytes: u64,
    /// The codec of its commits.
    pub codec: Codec,
}

impl DeltaHeader {
    /// The ratio of bytes before compression to bytes after.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    pub fn ratio(&self) -> f64 {
        self.raw_bytes as f64 / self.stored_bytes.max(1) as f64
    }
}

/// A decoded delta.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// Its header.
    pub header: DeltaHeader,
    /// Its commits, in order.
    pub commits: Vec<Commit>,
    /// The checksum of the whole object; a part of it is in the object's name.
    pub checksum: Digest,
}

/// An encoded delta.
pub(crate) struct Encoded {
    pub(crate) header: DeltaHeader,
    pub(crate) bytes: Vec<u8>,
    pub(crate) checksum: Digest,
}

/// Encodes one or more commits that follow `parent`, with zstd at `level`.
pub(crate) fn encode(
    timeline: TimelineId,
    parent: Head,
    commits: &[Commit],
    level: i32,
) -> Result<Encoded> {
    let raw = raw(commits);
    let stored = zstd::bulk::compress(&raw, level)
        .map_err(|source| Error::internal("a delta can't be compressed").with_source(source))?;
    pack(timeline, parent, commits, raw.len(), &stored, Codec::Zstd)
}

fn raw(commits: &[Commit]) -> Vec<u8> {
    let mut raw = Vec::new();
    for commit in commits {
        encode_commit(&mut raw, commit);
    }
    raw
}

fn pack(
    timeline: TimelineId,
    parent: Head,
    commits: &[Commit],
    raw_bytes: usize,
    stored: &[u8],
    codec: Codec,
) -> Result<Encoded> {
    let Some(head) = commits.last().map(Commit::head) else {
        return Err(Error::internal("a delta without commits"));
    };
    let operations = commits.iter().map(|commit| commit.changes.len() as u64).sum();
    let header = DeltaHeader {
        timeline,
        parent,
        head,
        operations,
        raw_bytes: raw_bytes as u64,
        stored_bytes: stored.len() as u64,
        codec,
    };
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    bytes.push(match codec {
        Codec::Zstd => 1,
        Codec::Gzip => 2,
    });
    bytes.extend_from_slice(timeline.as_bytes());
    for end in [&parent, &head] {
        put_varint(&mut bytes, end.lsn.get());
        bytes.extend_from_slice(end.digest.as_bytes());
        bytes.extend_from_slice(&end.time.timestamp_millis().to_le_bytes());
    }
    for number in [header.operations, header.raw_bytes, header.stored_bytes] {
        put_varint(&mut bytes, number);
    }
    bytes.extend_from_slice(stored);
    let checksum = Digest::of(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    Ok(Encoded { header, bytes, checksum })
}

/// Reads and checks a delta; `None` if the object does not exist (any more).
pub(crate) async fn read(objects: &dyn Objects, name: &str) -> Result<Option<Delta>> {
    objects.get(name).await?.map(|bytes| decode(name, &bytes)).transpose()
}

/// Decodes a delta; `name` is for errors.
///
/// # Errors
/// `Corrupt` if a byte was changed; `Unsupported` for another version.
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Delta> {
    let damaged = |problem: &str| Error::corrupt(format!("delta {name} {problem}"));
    let (content, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .filter(|(content, _)| content.len() > MAGIC.len())
        .ok_or_else(|| damaged("ends too early"))?;
    if !content.starts_with(MAGIC) {
        return Err(damaged("does not begin with the magic number of a delta"));
    }
    if content[MAGIC.len()] != VERSION {
        return Err(Error::unsupported(format!(
            "delta {name} has format {}; this version of Argon reads format {VERSION}",
            content[MAGIC.len()]
        )));
    }
    let checksum = Digest::from_bytes(*checksum);
    if Digest::of(content) != checksum {
        return Err(damaged("does not match its checksum; it was truncated or changed"));
    }
    let read = || -> Result<(DeltaHeader, Vec<Commit>)> {
        let mut reader = Reader::new("delta", &content[MAGIC.len() + 1..]);
        let header = header(&mut reader)?;
        let raw = unpack(&header, reader.take(reader.rest().len())?)?;
        Ok((header.clone(), commits(&header, &raw)?))
    };
    let (header, commits) = read().map_err(|source| {
        let kind = source.kind();
        Error::new(kind, damaged("is malformed").message().to_owned()).with_source(source)
    })?;
    Ok(Delta { header, commits, checksum })
}

fn header(reader: &mut Reader<'_>) -> Result<DeltaHeader> {
    let codec = match reader.byte()? {
        1 => Codec::Zstd,
        2 => Codec::Gzip,
        _ => return Err(reader.corrupt("has an unknown codec")),
    };
    let timeline = TimelineId::from_bytes(reader.array()?);
    let mut end = || -> Result<Head> {
        Ok(Head {
            lsn: reader.lsn()?,
            digest: Digest::from_bytes(reader.array()?),
            time: DateTime::from_millis(i64::from_le_bytes(reader.array()?)),
        })
    };
    let (parent, head) = (end()?, end()?);
    let (operations, raw_bytes, stored_bytes) =
        (reader.varint()?, reader.varint()?, reader.varint()?);
    if raw_bytes > MOST_BYTES || stored_bytes != reader.rest().len() as u64 {
        return Err(reader.corrupt("has a size other than its header states"));
    }
    Ok(DeltaHeader { timeline, parent, head, operations, raw_bytes, stored_bytes, codec })
}

fn unpack(header: &DeltaHeader, stored: &[u8]) -> Result<Vec<u8>> {
    let bad = |source| Error::corrupt("its commits can't be decompressed").with_source(source);
    let size = usize::try_from(header.raw_bytes).unwrap_or(usize::MAX);
    let raw = match header.codec {
        Codec::Zstd => zstd::bulk::decompress(stored, size).map_err(bad)?,
        Codec::Gzip => {
            let mut raw = Vec::new();
            let most = header.raw_bytes + 1;
            flate2::read::GzDecoder::new(stored).take(most).read_to_end(&mut raw).map_err(bad)?;
            raw
        }
    };
    if raw.len() == size {
        Ok(raw)
    } else {
        Err(Error::corrupt("the size of its commits is not the one in its header"))
    }
}

fn commits(header: &DeltaHeader, raw: &[u8]) -> Result<Vec<Commit>> {
    let mut reader = Reader::new("delta", raw);
    let mut commits = Vec::new();
    while !reader.rest().is_empty() {
        commits.push(decode_commit(&mut reader)?);
    }
    verify_chain(&header.parent, &commits)?;
    if commits.last().map(Commit::head) != Some(header.head) {
        return Err(Error::corrupt("its last commit is not the one in its header"));
    }
    Ok(commits)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use argon_core::ErrorKind;
    use argon_core::model::{
        Actor, Change, CollectionId, CommitMeta, Document, Image, Lsn, Message, Nonce, Origin,
        Trailers,
    };
    use bson::rawdoc;

    use super::*;

    const TIMELINE: TimelineId = TimelineId::from_bytes([7; 16]);

    fn history() -> Vec<Commit> {
        let mut previous = Digest::ZERO;
        (1..=3)
            .map(|lsn| {
                let (key, document) = Document::checked(rawdoc! { "_id": lsn, "n": "x" }).unwrap();
                let image = if lsn == 3 { Image::Deleted } else { Image::Document(document) };
                let meta = CommitMeta {
                    lsn: Lsn::new(u64::try_from(lsn).unwrap()),
                    time: DateTime::from_millis(1_700_000_000_000 + i64::from(lsn)),
                    nonce: Nonce(9),
                    actor: Actor::new("ada").unwrap(),
                    message: Message::default(),
                    origin: Origin::Write,
                    trailers: Trailers::default(),
                };
                let change = Change { collection: CollectionId::new(99), key, image };
                let mut commit = Commit { meta, digest: Digest::ZERO, changes: vec![change] };
                commit.digest = commit.compute_digest(&previous);
                previous = commit.digest;
                commit
            })
            .collect()
    }

    fn gzip() -> Encoded {
        let (commits, mut stored) = (history(), Vec::new());
        let raw = raw(&commits);
        let mut encoder =
            flate2::GzBuilder::new().mtime(0).write(&mut stored, flate2::Compression::none());
        encoder.write_all(&raw).unwrap();
        encoder.finish().unwrap();
        pack(TIMELINE, Head::EMPTY, &commits, raw.len(), &stored, Codec::Gzip).unwrap()
    }

    #[test]
    fn the_golden_deltas_read_as_they_were_written() {
        let golden: [(&str, &[u8], Codec); 2] = [
            ("zstd", include_bytes!("../golden/delta-1-zstd.delta"), Codec::Zstd),
            ("gzip", include_bytes!("../golden/delta-1-gzip.delta"), Codec::Gzip),
        ];
        for (name, bytes, codec) in golden {
            let found = decode(name, bytes).unwrap();
            assert_eq!(found.commits, history(), "{name}");
            assert_eq!((found.header.codec, found.header.operations), (codec, 3), "{name}");
            assert_eq!(found.header.parent, Head::EMPTY, "{name}");
        }
    }

    #[test]
    fn what_is_written_does_not_change_between_versions() {
        let written = [
            ("zstd", encode(TIMELINE, Head::EMPTY, &history(), 3).unwrap().bytes),
            ("gzip", gzip().bytes),
        ];
        for (name, bytes) in written {
            let path = format!("{}/golden/delta-1-{name}.delta", env!("CARGO_MANIFEST_DIR"));
            if std::env::var_os("ARGON_BLESS").is_some() {
                std::fs::write(&path, &bytes).unwrap();
            }
            // What zstd makes of it may differ between its versions; what is in it may not.
            let found = decode(name, &bytes).unwrap();
            let golden = decode(name, &std::fs::read(path).unwrap()).unwrap();
            assert_eq!((found.commits, found.header.head), (golden.commits, golden.header.head));
        }
    }

    #[test]
    fn every_byte_that_is_changed_or_missing_is_noticed_and_the_delta_named() {
        for bytes in [encode(TIMELINE, Head::EMPTY, &history(), 3).unwrap().bytes, gzip().bytes] {
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                for broken in [&changed[..], &bytes[..at]] {
                    let error = decode("d.delta", broken).unwrap_err();
                    let expected = [ErrorKind::Corrupt, ErrorKind::Unsupported];
                    assert!(expected.contains(&error.kind()), "{error:?}");
                    assert!(error.to_string().contains("d.delta"), "{error}");
                }
            }
        }
    }

    /// With its checksum made right again.
    #[test]
    fn a_delta_with_any_counts_is_read_or_refused() {
        let resealed = |content: &[u8]| {
            let checksum = Digest::of(content);
            [content, checksum.as_bytes()].concat()
        };
        for bytes in [encode(TIMELINE, Head::EMPTY, &history(), 3).unwrap().bytes, gzip().bytes] {
            let content = &bytes[..bytes.len() - CHECKSUM_BYTES];
            argon_core::codec::for_each_damage(content, |content| {
                let kind = decode("d.delta", &resealed(content)).err().map(|error| error.kind());
                let expected = [ErrorKind::Corrupt, ErrorKind::Unsupported];
                assert!(kind.is_none_or(|kind| expected.contains(&kind)), "{kind:?}");
            });
        }
    }
}
