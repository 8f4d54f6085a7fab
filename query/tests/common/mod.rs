//! Golden cases: files of Extended JSON, one case a line.

use std::fs;
use std::path::Path;

use argon_formats::extjson;
use argon_query::{Code, Value};
use bson::raw::{RawBson, RawDocumentBuf};
use bson::{Bson, Document};

/// The cases of a file of `golden`, with the line that each is in. A line that begins with `//` is
/// a comment.
pub(crate) fn cases(file: &str) -> Vec<(String, Document)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().enumerate();
    let cases = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with("//"));
    cases
        .map(|(number, line)| {
            let place = format!("{file}:{}", number + 1);
            match extjson::parse_value(line) {
                Ok(Bson::Document(case)) => (place, case),
                other => panic!("{place}: expected a document, found {other:?}"),
            }
        })
        .collect()
}

/// The documents of a case.
pub(crate) fn documents(case: &Document) -> Vec<RawDocumentBuf> {
    let documents = case.get_array("documents").cloned().unwrap_or_default();
    documents
        .into_iter()
        .map(|document| {
            let document = document.as_document().expect("a document").clone();
            RawDocumentBuf::try_from(document).unwrap()
        })
        .collect()
}

/// The number of an error.
pub(crate) fn number(error: &argon_core::Error) -> u32 {
    match Code::of(error) {
        Some(code) => code.number(),
        None => panic!("an error without a code: {error}"),
    }
}

/// A value as text, by type and content.
pub(crate) fn text(value: Value<'_>) -> String {
    match value {
        Value::Missing => "missing".to_owned(),
        value => format!("{:?}", Bson::try_from(value.into_bson()).unwrap()),
    }
}

/// A value of a case as text.
pub(crate) fn expected_text(value: &Bson) -> String {
    text(Value::Owned(RawBson::try_from(value.clone()).unwrap()))
}
