mod golden;
mod hostile;
mod merging;
mod round_trip;

use bson::{Binary, DateTime, rawdoc, spec::BinarySubtype};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::model::{
    Actor, Change, CollectionId, Commit, CommitMeta, Document, Head, Image, Lsn, Message, Nonce,
    Origin, Point, Timeline, TimelineId, Trailers,
};

/// A sketch of a change: collection, `_id`, bytes of text (none: a deletion), random bytes.
type Sketch = (u64, i32, Option<usize>, Vec<u8>);

fn change((collection, id, text, noise): Sketch) -> Change {
    let noise = Binary { subtype: BinarySubtype::Generic, bytes: noise };
    let raw = rawdoc! { "_id": id, "text": "t".repeat(text.unwrap_or(0)), "noise": noise };
    let (key, document) = Document::checked(raw).unwrap();
    let image = if text.is_some() { Image::Document(document) } else { Image::Deleted };
    Change { collection: CollectionId::new(collection), key, image }
}

/// A chain of commits after `before`.
fn chain(before: &Head, sketches: Vec<(String, Vec<Sketch>)>) -> Vec<Commit> {
    let mut head = *before;
    let mut commits = Vec::new();
    for (message, changes) in sketches {
        let length = i64::try_from(message.len()).unwrap();
        let meta = CommitMeta {
            lsn: head.lsn.next(),
            time: DateTime::from_millis(head.time.timestamp_millis() + length),
            nonce: Nonce(u32::try_from(head.lsn.get()).unwrap().wrapping_mul(0x9e37_79b9)),
            actor: Actor::new("ada").unwrap(),
            origin: match changes.len() {
                0 => Origin::Import { source: message.clone() },
                _ => Origin::Write,
            },
            message: Message::new(message).unwrap(),
            trailers: match changes.len() {
                3 => Trailers::default().with("run=7".parse().unwrap()).unwrap(),
                _ => Trailers::default(),
            },
        };
        let changes = changes.into_iter().map(change).collect();
        commits.push(Commit::sealed(meta, &head.digest, changes));
        head = commits.last().map_or(head, Commit::head);
    }
    commits
}

fn root() -> Timeline {
    Timeline { id: TimelineId::from_bytes([7; 16]), base: None }
}

/// A timeline that forks at LSN 40, and the head there.
fn fork() -> (Timeline, Head) {
    let (parent, lsn) = (TimelineId::from_bytes([8; 16]), Lsn::new(40));
    let timeline = Timeline {
        id: TimelineId::from_bytes([9; 16]),
        base: Some(Point { timeline: parent, lsn }),
    };
    let (digest, time) =
        (crate::model::Digest::of(b"40"), DateTime::from_millis(1_700_000_000_000));
    (timeline, Head { lsn, digest, time })
}

/// An unsealed segment of a root timeline's first commits.
fn meta() -> SegmentMeta {
    SegmentMeta { timeline: root(), before: Head::EMPTY, sealed: false }
}

/// One to twelve commits, some without changes, on a fork or a root.
fn segment() -> impl Strategy<Value = (SegmentMeta, Vec<Commit>)> {
    let sketch = (
        0..3_u64,
        any::<i32>(),
        prop::option::weighted(0.8, 0..600_usize),
        vec(any::<u8>(), 0..60),
    );
    let commit = ("[a-z ]{0,30}", vec(sketch, 0..6));
    (vec(commit, 1..12), any::<bool>(), any::<bool>()).prop_map(|(sketches, forked, sealed)| {
        let (timeline, before) = if forked { fork() } else { (root(), Head::EMPTY) };
        (SegmentMeta { timeline, before, sealed }, chain(&before, sketches))
    })
}

fn encode_with(meta: &SegmentMeta, commits: &[Commit], block_bytes: usize) -> Vec<u8> {
    let mut writer = Writer::with_blocks(meta.timeline, meta.before, 3, block_bytes).unwrap();
    for commit in commits {
        writer.push(commit).unwrap();
    }
    writer.finish(meta.sealed).unwrap()
}

/// One commit of one document of about 300 bytes, half of it noise.
fn small(lsn: u64, before: &Head) -> Vec<Commit> {
    let noise = |at: u64| blake3::hash(&(lsn * 8 + at).to_le_bytes()).as_bytes().to_vec();
    let noise = (0..5).flat_map(noise).take(120).collect();
    let id = i32::try_from(lsn).unwrap();
    chain(before, vec![(String::new(), vec![(99, id, Some(145), noise)])])
}

fn footer_of(bytes: &[u8]) -> Footer {
    match Footer::parse("test", bytes, bytes.len() as u64).unwrap() {
        FooterRead::Complete(footer) => footer,
        FooterRead::NeedLast(_) => panic!("all bytes were given"),
    }
}
