//! The keys of the layout. docs/FORMAT.md has the table.

use argon_core::key::Key;
use argon_core::model::{CollectionId, Digest, Lsn, TimelineId};
use argon_core::storage::BuildId;

use crate::ordered::engine::OFTEN_REMOVED;

/// `V timeline collection key !lsn`: an image of a document.
pub(super) const VERSION: u8 = b'V';
/// `L timeline lsn`: a commit.
pub(super) const COMMIT: u8 = b'L';
/// `T timeline`: the record of a timeline.
pub(super) const TIMELINE: u8 = b'T';
/// `I t id` and `I c id`: the short numbers of timelines and collections.
pub(super) const NUMBER: u8 = b'I';
/// `R name`: a ref.
pub(super) const REF: u8 = b'R';
/// `C digest`: a chunk of a snapshot.
pub(super) const CHUNK: u8 = b'C';
/// `M timeline lsn`: the manifest of a snapshot.
pub(super) const MANIFEST: u8 = b'M';
/// `P key number`: a part of the value of `key`.
pub(super) const PART: u8 = b'P';

/// `J timeline build`: a build of an index, as the timeline has it.
pub(super) const BUILD: u8 = b'J';
/// `N timeline build key id`: an entry of an index that the head has.
pub(super) const ENTRY: u8 = OFTEN_REMOVED;
/// `X timeline build key id !to`: an entry that the states before `to` had.
pub(super) const PAST_ENTRY: u8 = b'X';

/// The bytes of an LSN: enough for [`Lsn::MAX`], and a fixed number, so that a key can be split from
/// its end.
pub(super) const LSN_BYTES: usize = 6;

/// The short number of a timeline or collection, which its keys contain.
pub(super) type Short = u32;

/// Appends a short number so that the order of bytes is the order of numbers: one byte up to 0xef;
/// else 0xf0 + (number of bytes - 1), then the bytes, big-endian.
pub(super) fn put_short(out: &mut Vec<u8>, short: Short) {
    if short < 0xf0 {
        out.push(short.to_le_bytes()[0]);
    } else {
        let bytes = short.to_be_bytes();
        let skip = (short.leading_zeros() / 8) as usize;
        out.push(0xf3 - short.leading_zeros().to_le_bytes()[0] / 8);
        out.extend_from_slice(&bytes[skip..]);
    }
}

/// Reads what [`put_short`] wrote; returns the rest too.
pub(super) fn take_short(bytes: &[u8]) -> Option<(Short, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0xf0 {
        return Some((first.into(), rest));
    }
    let (number, rest) = rest.split_at_checked(usize::from(first - 0xf0) + 1)?;
    let mut bytes = [0; 4];
    bytes.get_mut(4_usize.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some((Short::from_be_bytes(bytes), rest))
}

fn lsn_bytes(lsn: Lsn) -> [u8; LSN_BYTES] {
    let [_, _, bytes @ ..] = lsn.get().to_be_bytes();
    bytes
}

fn inverted(lsn: Lsn) -> [u8; LSN_BYTES] {
    lsn_bytes(lsn).map(|byte| !byte)
}

fn lsn_of(bytes: [u8; LSN_BYTES]) -> Lsn {
    let [a, b, c, d, e, f] = bytes;
    Lsn::new(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

fn tagged(tag: u8, rest: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.iter().map(|part| part.len()).sum::<usize>());
    key.push(tag);
    for part in rest {
        key.extend_from_slice(part);
    }
    key
}

/// The prefix of the keys of all versions of a collection on a timeline.
pub(super) fn versions(timeline: Short, collection: Short) -> Vec<u8> {
    let mut key = Vec::with_capacity(40);
    key.push(VERSION);
    put_short(&mut key, timeline);
    put_short(&mut key, collection);
    key
}

/// The key of a version; `prefix` comes from [`versions`].
pub(super) fn version(prefix: &[u8], key: &[u8], lsn: Lsn) -> Vec<u8> {
    let mut full = Vec::with_capacity(prefix.len() + key.len() + LSN_BYTES);
    full.extend_from_slice(prefix);
    put_version(&mut full, key, lsn);
    full
}

/// Completes a prefix from [`versions`] to the key of a version.
pub(super) fn put_version(prefix: &mut Vec<u8>, key: &[u8], lsn: Lsn) {
    prefix.extend_from_slice(key);
    prefix.extend_from_slice(&inverted(lsn));
}

/// Makes the key of a version that of another version of the same document.
pub(super) fn set_lsn(version: &mut [u8], lsn: Lsn) {
    if let Some(bytes) = version.last_chunk_mut() {
        *bytes = inverted(lsn);
    }
}

/// The key after all versions of a document.
pub(super) fn after_versions(prefix: &[u8], key: &[u8]) -> Vec<u8> {
    version(prefix, key, Lsn::ZERO)
}

/// The document's key and the LSN in the key of a version, after the prefix.
pub(super) fn split_version(rest: &[u8]) -> Option<(&[u8], Lsn)> {
    let (key, lsn) = rest.split_last_chunk()?;
    Some((key, lsn_of(lsn.map(|byte| !byte))))
}

/// The error about the key of a version that [`split_version`] can't split.
pub(super) fn malformed_version() -> argon_core::Error {
    argon_core::Error::corrupt("a version's key is malformed")
}

/// The key of a commit.
pub(super) fn commit(timeline: Short, lsn: Lsn) -> Vec<u8> {
    let mut key = vec![COMMIT];
    put_short(&mut key, timeline);
    key.extend_from_slice(&lsn_bytes(lsn));
    key
}

/// The timeline and LSN in the key of a commit.
pub(super) fn split_commit(key: &[u8]) -> Option<(Short, Lsn)> {
    let (timeline, rest) = take_short(key.get(1..)?)?;
    Some((timeline, lsn_of(rest.try_into().ok()?)))
}

/// The key of a timeline's record.
pub(super) fn timeline(timeline: Short) -> Vec<u8> {
    let mut key = vec![TIMELINE];
    put_short(&mut key, timeline);
    key
}

/// The key of a timeline's short number.
pub(super) fn timeline_number(id: TimelineId) -> Vec<u8> {
    tagged(NUMBER, &[b"t", id.as_bytes()])
}

/// The key of a collection's short number.
pub(super) fn collection_number(id: CollectionId) -> Vec<u8> {
    tagged(NUMBER, &[b"c", &id.get().to_be_bytes()])
}

/// The key of the number of the last build.
pub(super) fn last_build() -> Vec<u8> {
    tagged(NUMBER, &[b"b"])
}

fn numbered(tag: u8, timeline: Short, build: Option<BuildId>) -> Vec<u8> {
    let mut key = Vec::with_capacity(48);
    key.push(tag);
    put_short(&mut key, timeline);
    if let Some(BuildId(build)) = build {
        put_short(&mut key, build);
    }
    key
}

/// The prefix of the keys of all builds on a timeline.
pub(super) fn builds(timeline: Short) -> Vec<u8> {
    numbered(BUILD, timeline, None)
}

/// The key of a build on a timeline.
pub(super) fn build(timeline: Short, build: BuildId) -> Vec<u8> {
    numbered(BUILD, timeline, Some(build))
}

/// The prefix of the keys of the entries that a timeline has now.
pub(super) fn entries(timeline: Short, build: BuildId) -> Vec<u8> {
    numbered(ENTRY, timeline, Some(build))
}

/// The prefix of the keys of the entries that a timeline had.
pub(super) fn past_entries(timeline: Short, build: BuildId) -> Vec<u8> {
    numbered(PAST_ENTRY, timeline, Some(build))
}

/// The prefixes of all rows of builds and entries of a timeline.
pub(super) fn index_rows(timeline: Short) -> [Vec<u8>; 3] {
    [ENTRY, PAST_ENTRY, BUILD].map(|tag| numbered(tag, timeline, None))
}

/// Completes the key of an entry to that of one that ended before the state `to`.
pub(super) fn ending_at(mut row: Vec<u8>, to: Lsn) -> Vec<u8> {
    row.extend_from_slice(&inverted(to));
    row
}

/// The timeline and build in the key of an entry, and the rest.
pub(super) fn split_entry(key: &[u8]) -> Option<(Short, BuildId, &[u8])> {
    let (timeline, rest) = take_short(key.get(1..)?)?;
    let (build, rest) = take_short(rest)?;
    Some((timeline, BuildId(build), rest))
}

/// The key of a ref.
pub(super) fn reference(name: &str) -> Vec<u8> {
    tagged(REF, &[name.as_bytes()])
}

/// The key of a chunk.
pub(super) fn chunk(digest: &Digest) -> Vec<u8> {
    tagged(CHUNK, &[digest.as_bytes()])
}

/// The key of a manifest.
pub(super) fn manifest(timeline: TimelineId, lsn: Lsn) -> Vec<u8> {
    tagged(MANIFEST, &[timeline.as_bytes(), &lsn_bytes(lsn)])
}

/// The timeline and LSN in the key of a manifest.
pub(super) fn split_manifest(key: &[u8]) -> Option<(TimelineId, Lsn)> {
    let (timeline, lsn) = key.get(1..)?.split_first_chunk()?;
    Some((TimelineId::from_bytes(*timeline), lsn_of(lsn.try_into().ok()?)))
}

/// The key of a part of a value.
pub(super) fn part(key: &[u8], number: u16) -> Vec<u8> {
    tagged(PART, &[key, &number.to_be_bytes()])
}

/// Describes the value of a key to people, as far as the key alone shows.
pub(super) fn describe(key: &[u8]) -> String {
    let version = || {
        let (_, rest) = take_short(key.get(1..)?)?;
        let (document, lsn) = split_version(take_short(rest)?.1)?;
        let id = Key::from_bytes(document).ok()?;
        Some(format!("the version of the document with _id {id} at LSN {lsn}"))
    };
    let described = match key.first() {
        Some(&VERSION) => version(),
        Some(&COMMIT) => split_commit(key).map(|(_, lsn)| format!("the record of commit {lsn}")),
        Some(&TIMELINE) => Some("the record of a timeline".to_owned()),
        Some(&NUMBER) => Some("the number of a timeline, collection or build".to_owned()),
        Some(&REF) => Some(format!("the ref '{}'", String::from_utf8_lossy(&key[1..]))),
        Some(&BUILD) => Some("the record of an index's build".to_owned()),
        Some(&(ENTRY | PAST_ENTRY)) => Some("an entry of an index".to_owned()),
        Some(&CHUNK) => Some("a chunk of a snapshot".to_owned()),
        Some(&MANIFEST) => {
            split_manifest(key).map(|(_, lsn)| format!("the manifest of a snapshot at LSN {lsn}"))
        }
        _ => None,
    };
    described.unwrap_or_else(|| "a stored value".to_owned())
}

/// The first key after all that begin with `prefix`; `prefix` is not all 0xff.
pub(super) fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if *last < 0xff {
            *last += 1;
            break;
        }
        end.pop();
    }
    end
}

/// The key of a document, from the key of a version.
pub(super) fn document_key(bytes: &[u8]) -> argon_core::Result<Key> {
    Key::from_bytes(bytes).map_err(|source| {
        argon_core::Error::corrupt("a stored key is malformed").with_source(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_keep_their_order_and_come_back() {
        let numbers =
            [0, 1, 0xef, 0xf0, 0xff, 0x100, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000, u32::MAX];
        let encoded: Vec<Vec<u8>> = numbers
            .iter()
            .map(|&number| {
                let mut out = Vec::new();
                put_short(&mut out, number);
                out
            })
            .collect();
        assert!(encoded.is_sorted());
        for (bytes, number) in encoded.iter().zip(numbers) {
            assert_eq!(take_short(bytes), Some((number, &[][..])));
        }
    }

    #[test]
    fn newer_versions_come_first() {
        let prefix = versions(300, 2);
        let key = |lsn| version(&prefix, b"key", Lsn::new(lsn));
        assert!(key(2) < key(1));
        assert!(key(1 << 40) < key(2));
        assert!(key(1) < after_versions(&prefix, b"key"));
        let full = key(77);
        assert_eq!(split_version(&full[prefix.len()..]), Some((&b"key"[..], Lsn::new(77))));
    }

    #[test]
    fn the_key_of_a_commit_is_split_into_its_parts() {
        assert_eq!(split_commit(&commit(700, Lsn::new(9))), Some((700, Lsn::new(9))));
        assert_eq!(split_commit(b"L"), None);
    }
}
