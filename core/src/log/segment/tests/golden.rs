//! Segments that earlier versions wrote. After an intended change of the format,
//! `ARGON_WRITE_GOLDEN=1 cargo test -p argon-core segment::tests::golden` writes those of the new
//! version; those of the old ones stay.

use std::fs;
use std::path::Path;

use super::*;

fn golden(name: &str, meta: &SegmentMeta, commits: &[Commit]) -> (Vec<u8>, Vec<u8>) {
    let name = format!("{name}-{SEGMENT_VERSION}.seg");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/log/segment/golden").join(name);
    let written = encode(meta, commits, DEFAULT_LEVEL).unwrap();
    if std::env::var_os("ARGON_WRITE_GOLDEN").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let bytes = fs::read(&path).unwrap();
    let file = decode("golden", &bytes).unwrap();
    assert_eq!(file.footer.meta(), meta);
    assert_eq!(file.commits, commits);
    file.verify().unwrap();
    (bytes, written)
}

#[test]
fn a_segment_of_one_commit_of_format_1_reads_and_is_written_the_same() {
    let (timeline, before) = fork();
    let commits = chain(&before, vec![("why".into(), vec![(99, 1, Some(5), vec![1, 2, 3])])]);
    let (read, written) =
        golden("one-commit", &SegmentMeta { timeline, before, sealed: false }, &commits);
    assert_eq!(read, written, "nothing in it is long enough to be compressed");
}

#[test]
fn a_segment_with_trailers_of_format_1_reads_and_is_written_the_same() {
    let changes = (1..=3).map(|id| (99, id, Some(5), vec![])).collect();
    let (timeline, before) = fork();
    let commits = chain(&before, vec![("why".into(), changes)]);
    assert_eq!(commits[0].meta.trailers.get("run"), Some("7"));
    let (read, written) =
        golden("trailers", &SegmentMeta { timeline, before, sealed: false }, &commits);
    assert_eq!(read, written, "nothing in it is long enough to be compressed");
}

#[test]
fn a_segment_that_only_seals_of_format_1_reads_and_is_written_the_same() {
    let (timeline, before) = fork();
    let (read, written) =
        golden("sealed-empty", &SegmentMeta { timeline, before, sealed: true }, &[]);
    assert_eq!(read, written);
}

/// The output of zstd may change with its version, so only reading is tested.
#[test]
fn a_segment_of_many_commits_of_format_1_reads() {
    let commit = |id: i32| {
        let text = usize::try_from(id % 50 * 100).unwrap();
        let write = (99, id, Some(text), id.to_le_bytes().to_vec());
        (format!("commit {id}"), vec![write, (17, id / 2, None, Vec::new())])
    };
    let deletions = (0..22_000).map(|id| (99, id, None, Vec::new())).collect();
    let mut sketches: Vec<_> = (0..300).map(commit).collect();
    sketches.push(("all".into(), deletions));
    sketches.push(("large".into(), vec![(99, 1, Some(300_000), vec![9; 9])]));
    sketches.push(("nothing".into(), Vec::new()));
    let (bytes, _) = golden("many-commits", &meta(), &chain(&Head::EMPTY, sketches));
    let footer = footer_of(&bytes);
    assert!(footer.documents.len() > 3 && footer.headers.len() > 1);
}
