//! The names of objects, below the store's prefix.
//!
//! S3 lists names in ascending order only. The names of segments and manifests begin with the inverted
//! position, so that the newest comes first, and a listing of one name shows the head of a timeline.

use argon_core::model::{Digest, Lsn, Point, TimelineId};
use argon_core::{Error, Result};

/// The identity of the store: see `identity.rs`.
pub(super) const IDENTITY: &str = "argon.json";
/// The beginning of the name of a diagnosis's object, which it removes at once.
pub(super) const DOCTOR: &str = "argon-doctor-";
pub(super) const LOG: &str = "log/";
pub(super) const PACKS: &str = "packs/";
pub(super) const REFS: &str = "refs/";
pub(super) const CHUNKS: &str = "chunks/";
pub(super) const MANIFESTS: &str = "manifests/";

/// The longest name in S3, with the prefix.
pub(super) const MOST_NAME_BYTES: usize = 1024;

fn inverted(lsn: Lsn) -> String {
    format!("{:016x}", u64::MAX - lsn.get())
}

/// The beginning of the names of a timeline's segments.
pub(super) fn log_of(timeline: TimelineId) -> String {
    format!("{LOG}{timeline}/")
}

/// The beginning of the names of a timeline's packs.
pub(super) fn packs_of(timeline: TimelineId) -> String {
    format!("{PACKS}{timeline}/")
}

/// The beginning of the names of a timeline's manifests.
pub(super) fn manifests_of(timeline: TimelineId) -> String {
    format!("{MANIFESTS}{timeline}/")
}

/// The segment whose first commit is, or would be, `first`.
pub(super) fn segment(timeline: TimelineId, first: Lsn) -> String {
    format!("{}{}-{first}.seg", log_of(timeline), inverted(first))
}

/// The pack of the commits from `first` to `last`.
pub(super) fn pack(timeline: TimelineId, first: Lsn, last: Lsn) -> String {
    format!("{}{}-{first}-{last}.seg", packs_of(timeline), inverted(first))
}

/// The manifest of a snapshot.
pub(super) fn manifest(point: Point) -> String {
    format!("{}{}-{}", manifests_of(point.timeline), inverted(point.lsn), point.lsn)
}

/// A chunk of a snapshot.
pub(super) fn chunk(digest: Digest) -> String {
    format!("{CHUNKS}{digest}")
}

/// The mark that the commits of a timeline up to `lsn` are pruned. A listing shows marks before all
/// segments, the highest first.
pub(super) fn floor(timeline: TimelineId, lsn: Lsn) -> String {
    format!("{}{}-{lsn}", floors_of(timeline), inverted(lsn))
}

/// The beginning of the names of a timeline's marks.
pub(super) fn floors_of(timeline: TimelineId) -> String {
    format!("{}-", log_of(timeline))
}

/// A name before all names under `prefix` with a position of at most `lsn`, and after the others.
pub(super) fn before(prefix: &str, lsn: Lsn) -> String {
    format!("{prefix}{}", inverted(lsn))
}

/// Parses a segment's or pack's name after the timeline: the first commit, and of a pack the last one.
pub(super) fn parse_segment(rest: &str) -> Option<(Lsn, Option<Lsn>)> {
    let (front, numbers) = rest.strip_suffix(".seg")?.split_once('-')?;
    let (first, last) = match numbers.split_once('-') {
        Some((first, last)) => (position(first)?, Some(position(last)?)),
        None => (position(numbers)?, None),
    };
    (front == inverted(first) && last.is_none_or(|last| first <= last)).then_some((first, last))
}

/// Parses a manifest's name after the timeline: its position.
pub(super) fn parse_manifest(rest: &str) -> Option<Lsn> {
    let (front, number) = rest.split_once('-')?;
    let lsn = position(number)?;
    (front == inverted(lsn)).then_some(lsn)
}

/// Parses a mark's name after the timeline: the floor.
pub(super) fn parse_floor(rest: &str) -> Option<Lsn> {
    parse_manifest(rest.strip_prefix('-')?)
}

/// A number as `Display` writes it.
fn position(text: &str) -> Option<Lsn> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(Lsn::new(number))
}

/// Splits a name under a folder into the timeline and the rest.
pub(super) fn split_timeline<'a>(folder: &str, name: &'a str) -> Option<(TimelineId, &'a str)> {
    let (timeline, rest) = name.strip_prefix(folder)?.split_once('/')?;
    let id: TimelineId = timeline.parse().ok()?;
    (id.to_string() == timeline).then_some((id, rest))
}

/// The object of a ref. All bytes but letters, digits, `-` and `_` are escaped as `=` and two
/// hexadecimal digits: no name is a folder of another, which some servers refuse, and no proxy changes
/// it, as one may a `%` or a `.`. A prefix of a name is also a prefix when both are escaped.
pub(super) fn reference(name: &str) -> String {
    let mut out = REFS.to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("={byte:02X}"));
        }
    }
    out
}

/// The name of the ref in an object; `None` for another object.
pub(super) fn parse_reference(object: &str) -> Option<String> {
    let mut bytes = object.strip_prefix(REFS)?.bytes();
    let mut name = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let digits = [bytes.next()?, bytes.next()?];
            name.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            name.push(byte);
        }
    }
    let name = String::from_utf8(name).ok()?;
    (reference(&name) == object).then_some(name)
}

/// Checks the length of the name of a ref's object.
pub(super) fn check_reference(prefix: &str, object: &str, name: &str) -> Result<()> {
    if prefix.len() + object.len() <= MOST_NAME_BYTES {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the name '{name}' is too long for S3, whose objects have names of at most \
         {MOST_NAME_BYTES} bytes"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> TimelineId {
        TimelineId::from_bytes([7; 16])
    }

    #[test]
    fn newer_segments_come_before_older_ones() {
        let names: Vec<String> = [1, 2, 9, 10, 255, 256, Lsn::MAX.get()]
            .map(|n| segment(timeline(), Lsn::new(n)))
            .into();
        assert!(names.windows(2).all(|pair| pair[0] > pair[1]));
        for (name, lsn) in names.iter().zip([1, 2, 9]) {
            let (id, rest) = split_timeline(LOG, name).unwrap();
            assert_eq!((id, parse_segment(rest)), (timeline(), Some((Lsn::new(lsn), None))));
        }
        let start = before(&log_of(timeline()), Lsn::new(9));
        assert!(names[2] > start && names[1] > start && names[3] < start);
    }

    #[test]
    fn packs_and_manifests_say_where_they_belong() {
        let name = pack(timeline(), Lsn::new(5), Lsn::new(70));
        let (_, rest) = split_timeline(PACKS, &name).unwrap();
        assert_eq!(parse_segment(rest), Some((Lsn::new(5), Some(Lsn::new(70)))));
        let name = manifest(Point { timeline: timeline(), lsn: Lsn::new(12) });
        let (_, rest) = split_timeline(MANIFESTS, &name).unwrap();
        assert_eq!(parse_manifest(rest), Some(Lsn::new(12)));
    }

    #[test]
    fn floors_come_before_all_segments_the_highest_first() {
        let floors = [u64::MAX, 300, 7].map(|lsn| floor(timeline(), Lsn::new(lsn)));
        assert!(floors.is_sorted());
        assert!(floors[2] < segment(timeline(), Lsn::MAX));
        assert!(floors[2] < before(&log_of(timeline()), Lsn::new(u64::MAX)));
        let (_, rest) = split_timeline(LOG, &floors[1]).unwrap();
        assert_eq!(parse_floor(rest), Some(Lsn::new(300)));
        assert_eq!(parse_segment(rest), None);
        assert_eq!(parse_floor("fffffffffffffffe-1"), None);
    }

    #[test]
    fn names_that_nobody_writes_are_not_taken() {
        for rest in ["", "x", "fffffffffffffffe-2.seg", "fffffffffffffffe-01.seg", "1-1"] {
            assert_eq!(parse_segment(rest), None, "{rest}");
        }
        assert_eq!(parse_segment("fffffffffffffffe-1.seg"), Some((Lsn::new(1), None)));
        for object in ["refs/a/b", "refs/=2f", "refs/=", "refs/a=6", "refs/.", "log/a"] {
            assert_eq!(parse_reference(object), None, "{object}");
        }
    }

    #[test]
    fn a_ref_comes_back_from_its_object_and_prefixes_stay_prefixes() {
        let names = ["", "a", "a/", "a/b", "a.b", "..", "a=b", "a%2Fb", "ä/ß", "~x", "A_b-c"];
        for name in names {
            assert_eq!(parse_reference(&reference(name)).as_deref(), Some(name));
            for other in names {
                let starts = reference(other).starts_with(&reference(name));
                assert_eq!(starts, other.starts_with(name), "{name} {other}");
            }
        }
    }
}
