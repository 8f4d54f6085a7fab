use super::*;
use crate::ErrorKind;

/// The commits as segments of the given lengths, the rest in the last one.
fn split(meta: &SegmentMeta, commits: &[Commit], lengths: &[usize]) -> Vec<Vec<u8>> {
    let (mut rest, mut before) = (commits, meta.before);
    let mut segments = Vec::new();
    for length in lengths {
        let (taken, after) = rest.split_at((*length).min(rest.len().saturating_sub(1)));
        if taken.is_empty() {
            continue;
        }
        let part = SegmentMeta { before, sealed: false, ..*meta };
        segments.push(encode_with(&part, taken, 300));
        before = taken.last().map_or(before, Commit::head);
        rest = after;
    }
    segments.push(encode(&SegmentMeta { before, ..*meta }, rest, 1).unwrap());
    segments
}

fn merge_all(segments: &[Vec<u8>]) -> crate::Result<Vec<u8>> {
    merge(segments.iter().map(|bytes| ("part", bytes.as_slice())), DEFAULT_LEVEL)
}

proptest! {
    #[test]
    fn parts_that_are_merged_are_the_whole(
        (meta, commits) in segment(),
        lengths in proptest::collection::vec(0..4_usize, 0..5),
    ) {
        let merged = merge_all(&split(&meta, &commits, &lengths)).unwrap();
        prop_assert_eq!(&merged, &encode(&meta, &commits, DEFAULT_LEVEL).unwrap());
        prop_assert_eq!(decode("test", &merged).unwrap().commits, commits);
    }
}

#[test]
fn many_small_segments_become_one_that_is_much_smaller() {
    let mut before = Head::EMPTY;
    let mut commits = Vec::new();
    for id in 0..200_i32 {
        let sketch = (99, id, Some(250), id.to_le_bytes().to_vec());
        commits.extend(chain(&before, vec![(String::new(), vec![sketch])]));
        before = commits.last().map_or(before, Commit::head);
    }
    let parts = split(&meta(), &commits, &[1; 199]);
    let merged = merge_all(&parts).unwrap();
    let footer = footer_of(&merged);
    assert_eq!((footer.documents.len(), footer.headers.len()), (1, 1));
    let apart: usize = parts.iter().map(Vec::len).sum();
    assert!(merged.len() * 3 < apart, "{} of {apart} bytes", merged.len());
}

#[test]
fn a_sealing_segment_ends_the_merged_one() {
    let commits = small(1, &Head::EMPTY);
    let first = encode(&meta(), &commits, 3).unwrap();
    let seal = SegmentMeta { before: commits[0].head(), sealed: true, ..meta() };
    let seal = encode(&seal, &[], 3).unwrap();
    let merged = decode("test", &merge_all(&[first, seal]).unwrap()).unwrap();
    assert!(merged.footer.sealed());
    assert_eq!(merged.commits, commits);
}

#[test]
fn segments_that_do_not_follow_each_other_are_not_merged() {
    let one = small(1, &Head::EMPTY);
    let two = small(2, &one[0].head());
    let other = chain(&Head::EMPTY, vec![("other".into(), vec![])]);
    let segment = |before: Head, commits: &[Commit], sealed| {
        encode(&SegmentMeta { before, sealed, ..meta() }, commits, 3).unwrap()
    };
    let first = segment(Head::EMPTY, &one, false);
    let second = segment(one[0].head(), &two, false);
    assert!(merge_all(&[first.clone(), second.clone()]).is_ok());
    let elsewhere = SegmentMeta {
        timeline: Timeline { id: TimelineId::from_bytes([1; 16]), base: None },
        before: one[0].head(),
        sealed: false,
    };
    let elsewhere = encode(&elsewhere, &two, 3).unwrap();
    let pairs = [
        ("a gap or an overlap", [second.clone(), first.clone()]),
        ("another history", [segment(Head::EMPTY, &other, false), second.clone()]),
        ("another timeline", [first.clone(), elsewhere]),
        ("after a seal", [segment(Head::EMPTY, &one, true), second]),
    ];
    for (what, pair) in pairs {
        assert_eq!(merge_all(&pair).unwrap_err().kind(), ErrorKind::Corrupt, "{what}");
    }
    assert_eq!(merge_all(&[]).unwrap_err().kind(), ErrorKind::Invalid);
}
