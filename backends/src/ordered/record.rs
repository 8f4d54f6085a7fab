//! The values of the layout: commits and timelines. docs/FORMAT.md describes them.

use argon_core::codec::{Reader, put_bytes, put_varint};
use argon_core::key::Key;
use argon_core::model::{
    Commit, CommitMeta, Digest, Head, Image, Lsn, Point, Timeline, TimelineId, Touched,
};
use argon_core::{Error, Result};
use bson::DateTime;

use crate::ordered::collections::CollectionNumbers;
use crate::ordered::keys::Short;

/// A commit without its documents: digest, meta data, then each change as
/// `collection number * 2 + (1 if deleted)` and key.
pub(super) fn encode_commit(commit: &Commit, mut short: impl FnMut(usize) -> Short) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    out.extend_from_slice(commit.digest.as_bytes());
    commit.meta.encode(&mut out);
    put_varint(&mut out, commit.changes.len() as u64);
    for (at, change) in commit.changes.iter().enumerate() {
        let deleted = matches!(change.image, Image::Deleted);
        put_varint(&mut out, u64::from(short(at)) << 1 | u64::from(deleted));
        put_bytes(&mut out, change.key.as_bytes());
    }
    out
}

/// Reads what [`encode_commit`] wrote.
pub(super) fn decode_commit(
    bytes: &[u8],
    collections: &CollectionNumbers,
) -> Result<Commit<Touched>> {
    let mut reader = Reader::new("commit", bytes);
    let digest = Digest::from_bytes(reader.array()?);
    let meta = CommitMeta::decode(&mut reader)?;
    let count = reader.varint()?;
    let mut changes = Vec::new();
    for _ in 0..count {
        let mark = reader.varint()?;
        let short = Short::try_from(mark >> 1)
            .map_err(|_| reader.corrupt("names a collection with too large a number"))?;
        let key = Key::from_bytes(reader.bytes()?)
            .map_err(|source| reader.corrupt("has a malformed key").with_source(source))?;
        changes.push(Touched { collection: collections.id(short)?, key, deleted: mark & 1 == 1 });
    }
    reader.finish()?;
    Ok(Commit { meta, digest, changes })
}

/// The head that a commit makes, from its value.
pub(super) fn decode_head(bytes: &[u8]) -> Result<Head> {
    let mut reader = Reader::new("commit", bytes);
    let digest = Digest::from_bytes(reader.array()?);
    let meta = CommitMeta::decode(&mut reader)?;
    Ok(Head { lsn: meta.lsn, digest, time: meta.time })
}

/// The stored record of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimelineRecord {
    pub(super) timeline: Timeline,
    pub(super) sealed: bool,
    /// The head until the first commit.
    pub(super) base_head: Head,
    /// The commits up to this one were removed; the base if none were.
    pub(super) floor: Lsn,
}

impl TimelineRecord {
    /// Identifier, flags (1: sealed, 2: has a base, 4: has a floor), digest and time at the base;
    /// then, if it has a base, its timeline and LSN; then, if it has one above the base, the floor.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = self.timeline.id.as_bytes().to_vec();
        let has_floor = self.floor > self.timeline.base_lsn();
        let has_base = self.timeline.base.is_some();
        out.push(u8::from(self.sealed) | u8::from(has_base) << 1 | u8::from(has_floor) << 2);
        out.extend_from_slice(self.base_head.digest.as_bytes());
        put_varint(&mut out, self.base_head.time.timestamp_millis().cast_unsigned());
        if let Some(base) = self.timeline.base {
            out.extend_from_slice(base.timeline.as_bytes());
            put_varint(&mut out, base.lsn.get());
        }
        if has_floor {
            put_varint(&mut out, self.floor.get());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("timeline", bytes);
        let id = TimelineId::from_bytes(reader.array()?);
        let flags = reader.byte()?;
        if flags > 7 {
            return Err(reader.corrupt("has unknown flags"));
        }
        let digest = Digest::from_bytes(reader.array()?);
        let time = DateTime::from_millis(reader.varint()?.cast_signed());
        let base = if flags & 2 == 0 {
            None
        } else {
            let timeline = TimelineId::from_bytes(reader.array()?);
            Some(Point { timeline, lsn: reader.lsn()? })
        };
        let timeline = Timeline { id, base };
        let floor = if flags & 4 == 0 { timeline.base_lsn() } else { reader.lsn()? };
        reader.finish()?;
        let base_head = Head { lsn: timeline.base_lsn(), digest, time };
        Ok(Self { timeline, sealed: flags & 1 == 1, base_head, floor })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use argon_core::codec::for_each_damage;
    use argon_core::model::{Actor, Change, CollectionId, Message, Nonce, Origin, Trailers};

    use super::*;
    use crate::engines::MemoryEngine;
    use crate::ordered::rows::Rows;

    #[test]
    fn the_record_of_a_timeline_decodes_to_itself_and_one_without_a_floor_has_its_first_encoding() {
        let id = TimelineId::from_bytes([7; 16]);
        let base = Point { timeline: TimelineId::from_bytes([8; 16]), lsn: Lsn::new(300) };
        for base in [None, Some(base)] {
            let timeline = Timeline { id, base };
            let base_head = Head { lsn: timeline.base_lsn(), ..Head::EMPTY };
            let without =
                TimelineRecord { timeline, sealed: true, base_head, floor: timeline.base_lsn() };
            let with = TimelineRecord { floor: Lsn::new(1000), ..without };
            for record in [without, with] {
                assert_eq!(TimelineRecord::decode(&record.encode()).unwrap(), record);
            }
            let (short, long) = (without.encode(), with.encode());
            assert_eq!(short[16], 1 | u8::from(base.is_some()) << 1);
            assert_eq!((long[16], &long[long.len() - 2..]), (short[16] | 4, &[0xe8, 0x07][..]));
            assert_eq!(long.len(), short.len() + 2, "nothing else differs");
        }
    }

    #[test]
    fn a_damaged_record_is_read_or_refused() {
        let base = Point { timeline: TimelineId::from_bytes([8; 16]), lsn: Lsn::new(300) };
        let timeline = Timeline { id: TimelineId::from_bytes([7; 16]), base: Some(base) };
        let base_head = Head { lsn: base.lsn, ..Head::EMPTY };
        let record = TimelineRecord { timeline, sealed: false, base_head, floor: Lsn::new(400) };
        for_each_damage(&record.encode(), |damaged| {
            if let Ok(found) = TimelineRecord::decode(damaged) {
                assert!(found.floor <= Lsn::MAX && found.base_head.lsn <= Lsn::MAX);
            }
        });
    }

    #[test]
    fn a_damaged_commit_is_read_or_refused_and_counts_are_bounded() {
        let rows = Rows::new(Arc::new(MemoryEngine::new()), None);
        let collections = CollectionNumbers::load(rows).unwrap();
        collections.find_or_assign(CollectionId::CATALOG).unwrap();
        let meta = CommitMeta {
            lsn: Lsn::new(7),
            time: DateTime::from_millis(1_700_000_000_123),
            nonce: Nonce(1),
            actor: Actor::new("ada").unwrap(),
            message: Message::default(),
            origin: Origin::Write,
            trailers: Trailers::default(),
        };
        let key = |id: i32| Key::of(&id.into()).unwrap();
        let change =
            |id| Change { collection: CollectionId::CATALOG, key: key(id), image: Image::Deleted };
        let commit = Commit { meta, digest: Digest::of(b"x"), changes: vec![change(1), change(2)] };
        let bytes = encode_commit(&commit, |_| 0);
        assert_eq!(decode_commit(&bytes, &collections).unwrap().changes.len(), 2);
        for_each_damage(&bytes, |damaged| {
            let _ = decode_head(damaged);
            match decode_commit(damaged, &collections) {
                Ok(found) => assert!(found.changes.len() <= damaged.len()),
                Err(error) => assert_eq!(error.kind(), argon_core::ErrorKind::Corrupt),
            }
        });
    }
}
