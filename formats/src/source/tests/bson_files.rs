use super::*;

fn at(offset: u64) -> Position {
    Position::Byte { offset, line: None }
}

#[test]
fn bson_documents_come_out_byte_for_byte_with_their_offsets() {
    let content = concatenated(&three());
    for (name, content) in [("a.bson", content.clone()), ("a.bson.gz", gzip(&content))] {
        let records: Vec<_> = read(name, &content).into_iter().map(Result::unwrap).collect();
        let offsets: Vec<_> = records.iter().map(|record| record.position).collect();
        let lengths = three().map(|document| document.as_bytes().len() as u64);
        assert_eq!(offsets, [0, lengths[0], lengths[0] + lengths[1]].map(at));
        let found: Vec<_> = records.into_iter().map(|record| record.document).collect();
        assert_eq!(found, three());
    }
}

#[test]
fn a_bson_file_cut_at_any_byte_gives_the_whole_documents_and_then_one_fault() {
    let content = concatenated(&three());
    let mut ends = vec![0];
    ends.extend(three().map(|document| document.as_bytes().len()));
    for index in 1..ends.len() {
        ends[index] += ends[index - 1];
    }
    for cut in 0..content.len() {
        let found = read("a.bson", &content[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(found.iter().filter(|record| record.is_ok()).count(), whole, "cut at {cut}");
        if ends.contains(&cut) {
            assert_eq!(found.len(), whole);
        } else {
            let bad = found[whole].as_ref().unwrap_err();
            assert_eq!((found.len(), bad.resumable), (whole + 1, false));
            assert_eq!(bad.position, at(ends[whole] as u64));
            assert!(bad.reason.contains("the file ends"), "{bad}");
        }
    }
}

#[test]
fn a_flipped_byte_in_a_bson_file_never_loses_the_documents_before_it() {
    let content = concatenated(&three());
    let first = three()[0].as_bytes().len();
    for at in 0..content.len() {
        for bit in 0..8 {
            let mut damaged = content.clone();
            damaged[at] ^= 1 << bit;
            let found = read("a.bson", &damaged);
            if at >= first {
                assert_eq!(found[0].as_ref().unwrap().document, three()[0]);
            }
        }
    }
}

#[test]
fn a_bson_document_with_bad_content_is_skipped() {
    let mut bad = rawdoc! { "b": "text" }.into_bytes();
    bad[12] = 0xff;
    let content = [three()[0].as_bytes(), &bad, three()[2].as_bytes()].concat();
    let found = read("a.bson", &content);
    let fault = found[1].as_ref().unwrap_err();
    assert!(fault.resumable && fault.reason.contains("not valid BSON"), "{fault}");
    assert_eq!(fault.position, at(three()[0].as_bytes().len() as u64));
    assert_eq!(found[2].as_ref().unwrap().document, three()[2]);
}

#[test]
fn an_insane_bson_length_ends_the_reading_without_an_allocation() {
    for length in [i32::MAX, i32::MIN, -1, 0, 4, i32::try_from(MAX_DOCUMENT_BYTES).unwrap() + 1] {
        let mut content = length.to_le_bytes().to_vec();
        content.extend([0; 20]);
        let found = read("a.bson", &content);
        let fault = found[0].as_ref().unwrap_err();
        assert!(!fault.resumable && fault.reason.contains(&length.to_string()), "{fault}");
        assert_eq!(found.len(), 1);
    }
}

#[test]
fn a_bson_document_that_is_nested_too_deeply_is_skipped() {
    let mut deep = doc! {};
    for _ in 0..120 {
        deep = doc! { "a": deep };
    }
    let deep = RawDocumentBuf::try_from(&deep).unwrap();
    let found = read("a.bson", &concatenated(&[deep, rawdoc! { "a": 1 }]));
    assert!(found[0].as_ref().unwrap_err().reason.contains("deeper"));
    assert!(found[1].is_ok());
}
