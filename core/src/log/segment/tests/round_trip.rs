use std::ops::Range;

use super::*;

/// Exactly the bytes of a range, as a reader of a remote file would have them.
fn fetch(bytes: &[u8], range: &Range<u64>) -> Vec<u8> {
    bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec()
}

proptest! {
    #[test]
    fn a_segment_comes_back((meta, commits) in segment(), block_bytes in 1..3000_usize) {
        let bytes = encode_with(&meta, &commits, block_bytes);
        let file = decode("test", &bytes).unwrap();
        prop_assert_eq!(&file.commits, &commits);
        prop_assert_eq!(file.footer.meta(), &meta);
        prop_assert_eq!(file.footer.head(), commits.last().unwrap().head());
        prop_assert!(file.verify().is_ok());
    }

    #[test]
    fn a_part_that_is_read_by_ranges_is_the_same_part_of_the_whole(
        (meta, commits) in segment(),
        block_bytes in 1..3000_usize,
        (a, b) in (0..16_u64, 0..16_u64),
    ) {
        let bytes = encode_with(&meta, &commits, block_bytes);
        let footer = footer_of(&bytes);
        let lsns = Lsn::new(meta.before.lsn.get() + a)..=Lsn::new(meta.before.lsn.get() + b);
        let (headers, documents) = (footer.header_range(&lsns), footer.document_range(&lsns));
        let fetched = (fetch(&bytes, &headers), fetch(&bytes, &documents));
        let headers = Part { offset: headers.start, bytes: &fetched.0 };
        let documents = Part { offset: documents.start, bytes: &fetched.1 };
        let expected: Vec<Commit> =
            commits.iter().filter(|commit| lsns.contains(&commit.meta.lsn)).cloned().collect();
        prop_assert_eq!(
            footer.headers(&lsns, headers).unwrap(),
            expected.iter().cloned().map(Commit::without_documents).collect::<Vec<_>>()
        );
        prop_assert_eq!(footer.commits(&lsns, headers, documents).unwrap(), expected);
    }

    #[test]
    fn the_footer_is_found_from_any_tail((meta, commits) in segment(), tail in 0..400_usize) {
        let bytes = encode_with(&meta, &commits, 500);
        let length = bytes.len() as u64;
        let mut tail = tail.min(bytes.len());
        for _ in 0..3 {
            match Footer::parse("test", &bytes[bytes.len() - tail..], length).unwrap() {
                FooterRead::Complete(footer) => {
                    prop_assert_eq!(footer, footer_of(&bytes));
                    return Ok(());
                }
                FooterRead::NeedLast(more) => {
                    prop_assert!(more > tail as u64 && more <= length);
                    tail = usize::try_from(more).unwrap();
                }
            }
        }
        prop_assert!(false, "two more reads must suffice");
    }
}

#[test]
fn a_part_takes_no_more_blocks_than_it_needs() {
    let sketch = |id: i32| (String::new(), vec![(99, id, Some(10), vec![id.to_le_bytes()[0]; 90])]);
    let commits = chain(&Head::EMPTY, (0..40).map(sketch).collect());
    let bytes = encode_with(&meta(), &commits, 400);
    let footer = footer_of(&bytes);
    let one = Lsn::new(20)..=Lsn::new(20);
    let (headers, documents) = (footer.header_range(&one), footer.document_range(&one));
    assert!(!headers.is_empty() && headers.end - headers.start <= 400, "{headers:?}");
    assert!(!documents.is_empty() && documents.end - documents.start <= 400, "{documents:?}");
    assert!(documents.end <= footer.header_range(&footer.lsns()).start, "documents come first");
    let none = Lsn::new(41)..=Lsn::new(50);
    assert!(footer.header_range(&none).is_empty() && footer.document_range(&none).is_empty());
}

#[test]
fn a_large_document_has_a_block_of_its_own() {
    let noise = |seed: u8| vec![seed; 10];
    let sketches = vec![
        ("a".into(), vec![(99, 1, Some(10), noise(1)), (99, 2, Some(BLOCK_BYTES), noise(2))]),
        ("b".into(), vec![(99, 3, Some(10), noise(3))]),
    ];
    let commits = chain(&Head::EMPTY, sketches);
    let bytes = encode(&meta(), &commits, DEFAULT_LEVEL).unwrap();
    let footer = footer_of(&bytes);
    assert_eq!(footer.documents.len(), 3);
    assert!(footer.documents[1].raw as usize > BLOCK_BYTES);
    assert_eq!(decode("test", &bytes).unwrap().commits, commits);
}

#[test]
fn a_header_that_is_larger_than_a_block_takes_several() {
    let deletions = (0..30_000).map(|id| (99, id, None, Vec::new())).collect();
    let write = |id| ("w".to_owned(), vec![(99, id, Some(10), Vec::new())]);
    let commits = chain(&Head::EMPTY, vec![write(1), ("all".into(), deletions), write(2)]);
    let bytes = encode(&meta(), &commits, DEFAULT_LEVEL).unwrap();
    let footer = footer_of(&bytes);
    assert!(footer.headers.iter().filter(|block| block.first == Lsn::new(2)).count() > 1);
    assert!(footer.headers.iter().all(|block| block.raw as usize <= BLOCK_BYTES));
    assert_eq!(decode("test", &bytes).unwrap().commits, commits);
    let whole = Part { offset: 0, bytes: &bytes };
    for commit in &commits {
        let lsn = commit.meta.lsn;
        assert_eq!(
            footer.headers(&(lsn..=lsn), whole).unwrap(),
            [commit.clone().without_documents()]
        );
    }
}

#[test]
fn a_segment_without_commits_seals() {
    let (timeline, before) = fork();
    let sealing = SegmentMeta { timeline, before, sealed: true };
    let bytes = encode(&sealing, &[], DEFAULT_LEVEL).unwrap();
    let file = decode("test", &bytes).unwrap();
    assert_eq!((file.footer.meta(), file.footer.head()), (&sealing, before));
    assert!(file.commits.is_empty() && file.footer.lsns().is_empty());
    let error = encode(&SegmentMeta { sealed: false, ..sealing }, &[], 3).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid);
}

#[test]
fn a_small_segment_has_little_around_its_content() {
    let (timeline, before) = fork();
    let commits = small(41, &before);
    let document = commits[0].document_bytes();
    assert!((290..310).contains(&document), "{document} bytes");
    let bytes = encode(&SegmentMeta { timeline, before, sealed: false }, &commits, 3).unwrap();
    let footer = footer_of(&bytes);
    let blocks = footer.documents.iter().chain(&footer.headers);
    let content: usize = blocks.map(|block| block.stored as usize).sum();
    // The footer has the last commit's digest in place of the header block.
    let around = bytes.len() - content - DIGEST_BYTES;
    assert!(around < 130, "{around} bytes around {content}");
}

#[test]
fn what_does_not_follow_is_not_written() {
    let commits = [small(1, &Head::EMPTY), small(2, &small(1, &Head::EMPTY)[0].head())].concat();
    let invalid = |result: crate::Result<Vec<u8>>| {
        assert_eq!(result.unwrap_err().kind(), crate::ErrorKind::Invalid);
    };
    invalid(encode(&meta(), &commits[1..], 3));
    invalid(encode(&meta(), &[commits[0].clone(), commits[0].clone()], 3));
    invalid(encode(&SegmentMeta { timeline: fork().0, ..meta() }, &commits, 3));
    invalid(encode(&meta(), &commits, 0));
    invalid(encode(&meta(), &commits, 23));
    assert!(encode(&meta(), &commits, 22).is_ok());
}

#[test]
fn a_document_that_is_too_large_is_not_written() {
    let raw = rawdoc! { "_id": 1, "text": "t".repeat(crate::model::MAX_DOCUMENT_BYTES) };
    let mut commits = small(1, &Head::EMPTY);
    commits[0].changes[0].image = Image::Document(Document::from_stored(raw.into_bytes()).unwrap());
    let error = encode(&meta(), &commits, 1).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid);
}

#[test]
fn a_wrong_digest_is_found_by_verifying() {
    let commits = chain(&Head::EMPTY, vec![("a".into(), vec![]), ("b".into(), vec![])]);
    for at in 0..2 {
        let mut wrong = commits.clone();
        wrong[at].digest = crate::model::Digest::of(b"wrong");
        let file = decode("test", &encode(&meta(), &wrong, 3).unwrap()).unwrap();
        assert_eq!(file.commits, wrong, "decoding does not look");
        assert_eq!(file.verify().unwrap_err().kind(), crate::ErrorKind::Corrupt);
    }
    let mut early = commits.clone();
    early[1].meta.time = DateTime::from_millis(-1);
    early[1].digest = early[1].compute_digest(&early[0].digest);
    assert!(verify_chain(&Head::EMPTY, &early).is_err(), "time goes back");
    assert!(verify_chain(&Head::EMPTY, &commits[1..]).is_err(), "a gap");
    assert!(verify_chain(&Head::EMPTY, &commits).is_ok());
}
