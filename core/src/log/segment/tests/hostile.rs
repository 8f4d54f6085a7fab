//! Forged and damaged bytes.

use super::super::block::Block;
use super::*;
use crate::ErrorKind;
use crate::model::Digest;

fn several() -> Vec<u8> {
    let sketch = |id: i32| {
        let changes = vec![
            (99, id, Some(200), vec![id.to_le_bytes()[0]; 40]),
            (17, id + 1, None, Vec::new()),
        ];
        (format!("commit {id}"), changes)
    };
    let commits = chain(&Head::EMPTY, (0..6).map(sketch).collect());
    encode_with(&meta(), &commits, 400)
}

/// Every way to read bytes must return a result or an error.
fn read_all_ways(bytes: &[u8]) {
    let _ = decode("test", bytes);
    if let Ok(FooterRead::Complete(footer)) = Footer::parse("test", bytes, bytes.len() as u64) {
        let lsns = Lsn::new(2)..=Lsn::new(3);
        let whole = Part { offset: 0, bytes };
        let _ = (footer.header_range(&lsns), footer.document_range(&lsns));
        let _ = footer.headers(&lsns, whole);
        let _ = footer.commits(&lsns, whole, whole);
    }
}

/// Recomputes the footer's checksum, as a forger would.
fn sign(bytes: &mut [u8]) {
    let trailer = bytes.len() - TRAILER_BYTES;
    let length = u32::from_le_bytes(*bytes[trailer..].first_chunk().unwrap());
    let Some(start) = trailer.checked_sub(length as usize) else { return };
    let crc = crc32c::crc32c(&bytes[start..trailer + 4]);
    let crc = crc32c::crc32c_append(crc, &bytes[trailer + 8..trailer + 9]);
    bytes[trailer + 4..trailer + 8].copy_from_slice(&crc.to_le_bytes());
}

/// A sealed segment with one block of documents and one of headers, which claim to have `raw`
/// bytes.
fn forged(commits: u64, documents: (&[u8], u32), headers: (&[u8], u32)) -> Vec<u8> {
    let head = Head { lsn: Lsn::new(commits), digest: Digest::ZERO, ..Head::EMPTY };
    let mut out = [&MAGIC[..], &[SEGMENT_VERSION]].concat();
    let mut block = |(stored, raw): (&[u8], u32)| {
        let offset = out.len() as u64;
        out.extend_from_slice(stored);
        Block {
            first: Lsn::new(1),
            last: head.lsn,
            offset,
            stored: u32::try_from(stored.len()).unwrap(),
            raw,
            crc: crc32c::crc32c(stored),
            position: 0,
        }
    };
    let (documents, headers) = (block(documents), block(headers));
    let meta = SegmentMeta { sealed: true, ..meta() };
    Footer::new(meta, head, vec![documents], vec![headers]).encode(&mut out).unwrap();
    out
}

#[test]
fn a_flipped_byte_anywhere_is_found() {
    let bytes = several();
    assert!(decode("test", &bytes).is_ok());
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut broken = bytes.clone();
            broken[at] ^= flip;
            let kind = decode("test", &broken).unwrap_err().kind();
            assert!(matches!(kind, ErrorKind::Corrupt | ErrorKind::Unsupported), "byte {at}");
        }
    }
}

#[test]
fn a_file_that_is_cut_or_goes_on_is_found() {
    let bytes = several();
    for cut in 0..bytes.len() {
        assert_eq!(decode("test", &bytes[..cut]).unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(decode("test", &bytes[bytes.len() - cut..]).is_err(), "only the last {cut}");
    }
    assert!(decode("test", &[&bytes[..], b"x"].concat()).is_err());
    assert!(decode("test", &[&bytes[..], &bytes[..]].concat()).is_err());
}

#[test]
fn a_newer_version_is_refused_with_both_versions() {
    let bytes = several();
    for at in [8, bytes.len() - 9] {
        let mut newer = bytes.clone();
        newer[at] = 2;
        let error = decode("log/1.seg", &newer).unwrap_err();
        let expected = "segment log/1.seg has format 2; this version of Argon reads 1";
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unsupported, expected));
    }
}

#[test]
fn errors_name_the_segment() {
    let mut bytes = several();
    bytes[20] ^= 1;
    let error = decode("log/1.seg", &bytes).unwrap_err();
    assert!(error.message().starts_with("segment log/1.seg "), "{error}");
}

#[test]
fn bytes_that_were_not_given_are_asked_for() {
    let bytes = several();
    let footer = footer_of(&bytes);
    let error = footer.headers(&footer.lsns(), Part { offset: 9, bytes: b"" }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}

#[test]
fn more_than_a_block_says_is_not_decompressed() {
    let zeros = |length: usize| zstd::bulk::compress(&vec![0; length], 3).unwrap();
    let headers: (&[u8], u32) = (b"h", 1);
    let huge = zeros(64 * 1024 * 1024);
    assert!(huge.len() < 16 * 1024);
    let refused = |bytes: &[u8]| {
        let error = decode("test", bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        format!("{error:?}")
    };
    let most = 16 * 1024 * 1024;
    let claimed = refused(&forged(1, (&huge, 64 * 1024 * 1024), headers));
    assert!(claimed.contains("an invalid length"), "{claimed}");
    let hidden = refused(&forged(1, (b"d", 1), (&huge, most)));
    assert!(hidden.contains("can't be decompressed"), "{hidden}");
    let short = refused(&forged(1, (b"d", 1), (&zeros(1000), 1001)));
    assert!(short.contains("shorter than its declared length"), "{short}");
}

#[test]
fn a_footer_of_more_than_a_segment_may_hold_is_refused() {
    let stored = [0; 1];
    let block = |first: u64| Block {
        first: Lsn::new(first),
        last: Lsn::new(first),
        offset: 0,
        stored: 1,
        raw: 16 * 1024 * 1024,
        crc: crc32c::crc32c(&stored),
        position: 0,
    };
    let head = Head { lsn: Lsn::new(65), ..Head::EMPTY };
    let mut out = [&MAGIC[..], &[SEGMENT_VERSION], &[0; 65]].concat();
    let headers = (1..=65).map(block).collect();
    Footer::new(meta(), head, Vec::new(), headers).encode(&mut out).unwrap();
    let error = Footer::parse("test", &out, out.len() as u64).unwrap_err();
    assert!(format!("{error:?}").contains("exceeds the maximum size of a segment"), "{error:?}");
}

/// The error of reading `several` with a changed footer that is signed again.
fn contradicted(
    change: impl FnOnce(&mut SegmentMeta, &mut Head, &mut Vec<Block>, &mut Vec<Block>),
) -> String {
    let bytes = several();
    let footer = footer_of(&bytes);
    let (mut meta, mut head) = (*footer.meta(), footer.head());
    let (mut documents, mut headers) = (footer.documents.clone(), footer.headers.clone());
    let end = usize::try_from(headers.last().unwrap().end()).unwrap();
    change(&mut meta, &mut head, &mut documents, &mut headers);
    let mut out = bytes[..end].to_vec();
    Footer::new(meta, head, documents, headers).encode(&mut out).unwrap();
    let error = match Footer::parse("test", &out, out.len() as u64) {
        Ok(FooterRead::Complete(footer)) => {
            let whole = Part { offset: 0, bytes: &out };
            let headers = footer.headers(&footer.lsns(), whole).err();
            headers.or_else(|| decode("test", &out).err()).unwrap()
        }
        other => other.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    format!("{error:?}")
}

fn moved(block: &mut Block) {
    block.first = block.first.next();
    block.last = block.last.next();
}

#[test]
fn a_footer_that_contradicts_itself_or_the_blocks_is_refused() {
    let found = contradicted(|_, head, _, _| head.lsn = head.lsn.next());
    assert!(found.contains("lacks headers"), "{found}");
    let found = contradicted(|_, _, _, headers| headers.last_mut().unwrap().position += 10_000);
    assert!(found.contains("lacks documents"), "{found}");
    let found = contradicted(|_, _, documents, _| documents.truncate(5));
    assert!(found.contains("does not list exactly the blocks"), "{found}");
    let found = contradicted(|_, _, _, headers| headers[1..].iter_mut().for_each(moved));
    assert!(found.contains("outside of the segment"), "{found}");
    let found = contradicted(|meta, _, _, headers| {
        meta.sealed = true;
        headers[0].last = headers[1].first;
    });
    assert!(found.contains("are not consecutive"), "{found}");
    let found = contradicted(|_, _, _, headers| headers[1].position += 1);
    assert!(found.contains("documents whose length differs"), "{found}");
    let found = contradicted(|_, _, documents, _| {
        documents[1].first = Lsn::new(1);
        documents[1].last = Lsn::new(1);
    });
    assert!(found.contains("not at the position in the footer"), "{found}");
    let found = contradicted(|_, _, documents, _| documents[0].first = Lsn::ZERO);
    assert!(found.contains("documents before its first commit"), "{found}");
    let found = contradicted(|_, head, _, _| head.time = DateTime::from_millis(5));
    assert!(found.contains("differs from the one in the footer"), "{found}");
    let found = contradicted(|meta, head, documents, headers| {
        (meta.before.lsn, head.lsn) = (Lsn::new(1), head.lsn.next());
        documents.iter_mut().chain(headers).for_each(moved);
    });
    assert!(found.contains("differs from the one in the footer"), "{found}");
    let found = contradicted(|meta, _, _, _| meta.timeline = fork().0);
    assert!(found.contains("invalid positions"), "{found}");
}

#[test]
fn a_footer_without_commits_and_without_a_seal_is_refused() {
    let mut out = [&MAGIC[..], &[SEGMENT_VERSION]].concat();
    Footer::new(meta(), Head::EMPTY, Vec::new(), Vec::new()).encode(&mut out).unwrap();
    let error = decode("test", &out).unwrap_err();
    assert!(format!("{error:?}").contains("does not seal its timeline"), "{error:?}");
}

#[test]
fn flags_that_are_not_known_are_refused() {
    let mut bytes = encode(&SegmentMeta { sealed: true, ..meta() }, &[], 3).unwrap();
    let flags = 9 + 16;
    assert_eq!(bytes[flags], 1);
    bytes[flags] = 5;
    sign(&mut bytes);
    let error = decode("test", &bytes).unwrap_err();
    assert!(format!("{error:?}").contains("unknown flags"), "{error:?}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes: Vec<u8>) {
        read_all_ways(&bytes);
        read_all_ways(&[&MAGIC[..], &[1], &bytes, &[0; 8], &[1], MAGIC].concat());
    }

    #[test]
    fn an_arbitrary_footer_with_a_right_checksum_is_read_or_refused(footer: Vec<u8>) {
        let mut bytes = [&MAGIC[..], &[1], &[0; 30], &footer].concat();
        bytes.extend_from_slice(&u32::try_from(footer.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 0, 1]);
        bytes.extend_from_slice(MAGIC);
        sign(&mut bytes);
        read_all_ways(&bytes);
    }

    #[test]
    fn a_changed_footer_with_a_right_checksum_is_read_or_refused(
        back in 1..300_usize,
        flip in 1..=255_u8,
    ) {
        let mut bytes = several();
        let at = bytes.len() - back.min(bytes.len());
        bytes[at] ^= flip;
        sign(&mut bytes);
        read_all_ways(&bytes);
    }

    #[test]
    fn arbitrary_headers_and_documents_are_read_or_refused(
        commits in 0..5_u64,
        headers in proptest::collection::vec(any::<u8>(), 1..200),
        documents in proptest::collection::vec(any::<u8>(), 1..200),
    ) {
        let raw = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        let blocks = ((&documents[..], raw(&documents)), (&headers[..], raw(&headers)));
        read_all_ways(&forged(commits.max(1), blocks.0, blocks.1));
    }

    #[test]
    fn a_changed_header_with_a_right_checksum_is_read_or_refused(at: usize, flip in 1..=255_u8) {
        let commits = small(1, &Head::EMPTY);
        let mut header = super::super::commit::encode_header(&commits[0]);
        let at = at % header.len();
        header[at] ^= flip;
        let Image::Document(document) = &commits[0].changes[0].image else { unreachable!() };
        let raw = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        let document = document.as_bytes();
        read_all_ways(&forged(1, (document, raw(document)), (&header, raw(&header))));
    }
}
