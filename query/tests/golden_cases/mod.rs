//! Reads golden cases.

use std::fs;
use std::path::Path;

use argon_formats::extjson;
use argon_query::Code;
use bson::raw::RawDocument;
use bson::{Bson, Document};

/// The cases in the files of a folder, with the file and the line of each.
pub(crate) fn cases(folder: &str) -> Vec<(String, Document)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let mut files: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if line.trim().is_empty() || line.starts_with("//") {
                continue;
            }
            let place = format!("{name}:{}", number + 1);
            match extjson::parse_value(line) {
                Ok(Bson::Document(case)) => cases.push((place, case)),
                other => panic!("{place}: expected a document, found {other:?}"),
            }
        }
    }
    cases
}

/// The number of an error.
pub(crate) fn number(error: &argon_core::Error) -> u32 {
    match Code::of(error) {
        Some(code) => code.number(),
        None => panic!("an error without a code: {error}"),
    }
}

/// A document as text, and its bytes.
pub(crate) fn shown(document: &RawDocument) -> String {
    format!("{:?} = {:x?}", Document::try_from(document).unwrap(), document.as_bytes())
}
