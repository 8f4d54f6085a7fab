//! Contracts of every reader, by format.

mod bson_files;
#[cfg(feature = "columnar")]
mod columnar_files;
mod csv_files;
mod files;
mod hostile;
mod json_files;

use std::fs;
use std::io::Write;

use bson::{Document, RawDocumentBuf, doc, rawdoc};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::arbitrary;
use super::super::extjson::{Layout, Mode, print_document};
use super::super::validate::MAX_DOCUMENT_BYTES;
use super::*;

fn open(name: &str, content: &[u8], options: SourceOptions) -> Result<Source, FormatError> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    // The open file outlives the directory.
    Source::open_with(&path, None, options)
}

/// All records of a file; a reader that doesn't stop fails the test.
fn read(name: &str, content: &[u8]) -> Vec<Result<Record, BadRecord>> {
    let source = open(name, content, SourceOptions::default()).unwrap();
    let limit = content.len() + 10;
    let all: Vec<_> = source.take(limit).collect();
    assert!(all.len() < limit, "the reader doesn't end");
    all
}

fn documents(name: &str, content: &[u8]) -> Vec<Document> {
    let document = |record: Result<Record, BadRecord>| record.unwrap().document;
    read(name, content).into_iter().map(|record| document(record).try_into().unwrap()).collect()
}

/// The value of `a` of each document, and the reason of each bad record.
fn outline(name: &str, content: &[u8]) -> Vec<Result<i32, String>> {
    let one = |record: Result<Record, BadRecord>| match record {
        Ok(record) => Ok(record.document.get_i32("a").unwrap_or_default()),
        Err(bad) => Err(format!("line {}: {}", bad.position.line().unwrap_or(0), bad.reason)),
    };
    read(name, content).into_iter().map(one).collect()
}

#[track_caller]
fn assert_outline(name: &str, content: &str, expected: &[Result<i32, &str>]) {
    let found = outline(name, content.as_bytes());
    let matches =
        |(found, expected): (&Result<i32, String>, &Result<i32, &str>)| match (found, expected) {
            (Ok(found), Ok(expected)) => found == expected,
            (Err(found), Err(expected)) => found.contains(expected),
            _ => false,
        };
    let same = found.len() == expected.len() && found.iter().zip(expected).all(matches);
    assert!(same, "{content:?} gave {found:#?}");
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn three() -> [RawDocumentBuf; 3] {
    [
        rawdoc! { "a": 1 },
        rawdoc! { "a": 2, "b": "text", "c": [1, { "d": 1.5 }] },
        rawdoc! { "a": 3 },
    ]
}

fn concatenated(documents: &[RawDocumentBuf]) -> Vec<u8> {
    documents.iter().flat_map(|document| document.as_bytes().to_vec()).collect()
}
