//! The parts of sled's log (as of sled 0.34.7, src/pagecache): segments and the messages in them.
//!
//! A segment begins with the CRC32 of what follows, the position in the log at which it begins, and a
//! position below which everything was written when it was begun (i64 each, both combined with `7fff…` by
//! xor). Messages follow: CRC32 (u32), kind, length of the body, number of the segment, page (variable
//! lengths, see [`varint`]), body. The last one of a full segment is a cap.
//!
//! With each batch we set a [number](BatchNumber) in a tree of its own, so that a small message behind
//! the batch says which one it was.

use std::ops::RangeInclusive;

use super::SEGMENT_BYTES;

/// How a number of a batch is stored, so that it is found in the log.
pub(super) struct BatchNumber;

/// The tree that holds the number, and its key.
pub(super) const NUMBER_TREE: &[u8] = b"argon batches";
pub(super) const NUMBER_KEY: &[u8] = b"number";

const MAGIC: &[u8; 16] = b"argon batch no. ";
const NUMBER_LEN: usize = 32;
/// A message with a number is no longer than this.
const MOST_BODY: usize = 200;

impl BatchNumber {
    /// Magic, number (u64), 8 bytes of the BLAKE3 digest of both.
    pub(super) fn encode(number: u64) -> [u8; NUMBER_LEN] {
        let mut out = [0; NUMBER_LEN];
        out[..16].copy_from_slice(MAGIC);
        out[16..24].copy_from_slice(&number.to_le_bytes());
        let digest = blake3::hash(&out[..24]);
        out[24..].copy_from_slice(&digest.as_bytes()[..8]);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<u64> {
        let number = u64::from_le_bytes(bytes.get(16..24)?.try_into().ok()?);
        (bytes == Self::encode(number)).then_some(number)
    }

    /// The number in the body of a message.
    pub(super) fn find(body: &[u8]) -> Option<u64> {
        if body.len() > MOST_BODY {
            return None;
        }
        body.windows(NUMBER_LEN).rev().find_map(Self::decode)
    }
}

pub(super) const SEGMENT: u64 = SEGMENT_BYTES as u64;
pub(super) const HEADER_BYTES: usize = 20;
/// Nothing begins in the last bytes of a segment.
pub(super) const RED_ZONE: usize = 32;

pub(super) const CAP: u8 = 2;
/// Begins a batch, and tells the position of its last byte.
pub(super) const BATCH: u8 = 3;
pub(super) const LINK: u8 = 10;
const LAST_KIND: u8 = 11;
/// Kinds of messages that hold a page or a part of it, and those that hold it as a whole, or say that
/// it is free.
pub(super) const OF_PAGES: RangeInclusive<u8> = 4..=LAST_KIND;
pub(super) const REPLACES: RangeInclusive<u8> = 4..=9;

/// All messages of a segment that are whole, wherever they begin.
pub(super) fn each_message(bytes: &[u8], segment: u64, mut visit: impl FnMut(&Message<'_>)) {
    let mut at = 0;
    while at < bytes.len() {
        match message(&bytes[at..], |number| number == segment) {
            Some(found) => {
                at += found.bytes;
                visit(&found);
            }
            None => at += 1,
        }
    }
}

/// A message that is whole.
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) segment: u64,
    pub(super) page: u64,
    pub(super) body: &'a [u8],
    pub(super) bytes: usize,
}

/// The message at the beginning of `bytes`, which go on to the end of its segment, if it is of a
/// segment that is wanted.
pub(super) fn message(bytes: &[u8], wanted: impl Fn(u64) -> bool) -> Option<Message<'_>> {
    let (checksum, rest) = bytes.split_first_chunk()?;
    let (&kind, rest) = rest.split_first()?;
    if !(1..=LAST_KIND).contains(&kind) {
        return None;
    }
    let (length, rest) = varint(rest)?;
    let (segment, rest) = varint(rest)?;
    let (page, rest) = varint(rest)?;
    if !wanted(segment) {
        return None;
    }
    let body = rest.get(..usize::try_from(length).ok()?)?;
    let header = bytes.len() - rest.len();
    let mut hash = crc32fast::Hasher::new();
    hash.update(body);
    hash.update(&bytes[4..header]);
    let is_whole = !hash.finalize() == u32::from_le_bytes(*checksum);
    is_whole.then_some(Message { kind, segment, page, body, bytes: header + body.len() })
}

/// A number of sled's, and what follows it: up to 240 in one byte, up to 2,287 in two, up to 67,823
/// in three, else the count of bytes and as many.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let first = u64::from(first);
    match first {
        0..=240 => Some((first, rest)),
        241..=248 => {
            let (&second, rest) = rest.split_first()?;
            Some((240 + 256 * (first - 241) + u64::from(second), rest))
        }
        249 => {
            let ([high, low], rest) = rest.split_first_chunk()?;
            Some((2288 + 256 * u64::from(*high) + u64::from(*low), rest))
        }
        _ => {
            let (number, rest) = rest.split_at_checked(usize::try_from(first - 247).ok()?)?;
            let mut bytes = [0; 8];
            bytes[..number.len()].copy_from_slice(number);
            Some((u64::from_le_bytes(bytes), rest))
        }
    }
}

/// The header of a segment that begins at `position`, when the log was written up to `stable`.
pub(super) fn encode_header(position: u64, stable: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    for (at, number) in [(4, position), (12, stable)] {
        header[at..at + 8].copy_from_slice(&(number.cast_signed() ^ i64::MAX).to_le_bytes());
    }
    let checksum = !crc32fast::hash(&header[4..]);
    header[..4].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Where a segment begins in the log, and up to where it was stable then.
pub(super) fn decode_header(bytes: &[u8; HEADER_BYTES]) -> Option<(u64, u64)> {
    const MASK: i64 = i64::MAX;
    let number = |at: usize| {
        let bytes = bytes[at..].first_chunk().copied().unwrap_or_default();
        i64::from_le_bytes(bytes) ^ MASK
    };
    let checksum = u32::from_le_bytes(bytes.first_chunk().copied()?);
    if !crc32fast::hash(&bytes[4..]) != checksum {
        return None;
    }
    let (position, stable) = (u64::try_from(number(4)).ok()?, number(12));
    position.is_multiple_of(SEGMENT).then(|| (position, u64::try_from(stable).unwrap_or(0)))
}
