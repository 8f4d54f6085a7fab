use std::fs;

use ::bson::{RawDocumentBuf, rawdoc};
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::arbitrary;
use super::super::extjson::Mode;
use super::super::{Metadata, Source};
use super::*;

fn names_in(directory: &TempDir) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    fs::read_dir(directory).unwrap().map(|entry| name(entry).into_string().unwrap()).collect()
}

fn read(path: &Path) -> Vec<RawDocumentBuf> {
    Source::open(path, None).unwrap().map(|record| record.unwrap().document).collect()
}

#[test]
fn a_file_has_its_name_only_when_finished() {
    let directory = TempDir::new().unwrap();
    let mut writer = BsonWriter::create(directory.path(), "a b", false).unwrap();
    writer.write(&rawdoc! { "a": 1 }).unwrap();
    assert!(!names_in(&directory).contains(&"a+b.bson".to_owned()));
    let written = writer.finish().unwrap();
    assert_eq!(names_in(&directory), ["a+b.bson"]);
    assert_eq!((written.documents, written.path), (1, directory.path().join("a+b.bson")));
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing_and_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.jsonl");
    fs::write(&path, "before").unwrap();
    let mut writer = JsonLinesWriter::create(Target::File(&path), Mode::Relaxed, true).unwrap();
    writer.write(&rawdoc! { "a": 1 }).unwrap();
    drop(writer);
    drop(BsonWriter::create(directory.path(), "b", true).unwrap());
    assert_eq!(names_in(&directory), ["a.jsonl"]);
    assert_eq!(fs::read(&path).unwrap(), b"before");
}

#[test]
fn a_finished_file_replaces_the_one_of_its_name() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.jsonl");
    fs::write(&path, "before").unwrap();
    JsonLinesWriter::create(Target::File(&path), Mode::Relaxed, false).unwrap().finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn two_writers_in_one_directory_are_not_in_each_others_way() {
    let directory = TempDir::new().unwrap();
    let mut writers: Vec<_> = ["a", "b", "c"]
        .map(|name| BsonWriter::create(directory.path(), name, false).unwrap())
        .into();
    for writer in &mut writers {
        writer.write(&rawdoc! { "a": 1 }).unwrap();
    }
    for writer in writers {
        assert_eq!(read(&writer.finish().unwrap().path), [rawdoc! { "a": 1 }]);
    }
}

#[test]
fn a_missing_directory_is_an_error() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing");
    assert!(matches!(
        BsonWriter::create(&missing, "a", false),
        Err(FormatError::Io { action: "create", .. })
    ));
}

#[test]
fn metadata_has_the_keys_that_mongorestore_reads() {
    let directory = TempDir::new().unwrap();
    let metadata = Metadata { uuid: Some("00".to_owned()), ..Metadata::default() };
    let path = write_metadata(directory.path(), "a/b", &metadata, false).unwrap();
    assert_eq!(path, directory.path().join("a%2Fb.metadata.json"));
    let expected =
        r#"{"options":{},"indexes":[],"uuid":"00","collectionName":"a/b","type":"collection"}"#;
    assert_eq!(fs::read_to_string(path).unwrap(), expected);
}

#[test]
fn an_invalid_document_is_no_part_of_a_json_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.jsonl");
    let mut writer = JsonLinesWriter::create(Target::File(&path), Mode::Canonical, false).unwrap();
    let mut bytes = rawdoc! { "b": "text" }.into_bytes();
    bytes[12] = 0xff;
    assert!(writer.write(&RawDocumentBuf::from_bytes(bytes).unwrap()).is_err());
    writer.write(&rawdoc! { "a": 1 }).unwrap();
    assert_eq!(read(&writer.finish().unwrap().path), [rawdoc! { "a": 1 }]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_byte_for_byte(
        documents in prop::collection::vec(arbitrary::document(), 0..8),
        gzip in any::<bool>(),
    ) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(if gzip { "a.jsonl.gz" } else { "a.jsonl" });
        let mut json = JsonLinesWriter::create(Target::File(&path), Mode::Canonical, gzip).unwrap();
        let mut bson = BsonWriter::create(directory.path(), "a", gzip).unwrap();
        for document in &documents {
            json.write(document).unwrap();
            bson.write(document).unwrap();
        }
        let json = json.finish().unwrap();
        let bson = bson.finish().unwrap();
        prop_assert_eq!(&read(&json.path), &documents);
        prop_assert_eq!(&read(&bson.path), &documents);
        prop_assert_eq!((json.documents, bson.documents), (documents.len() as u64, documents.len() as u64));
    }
}
