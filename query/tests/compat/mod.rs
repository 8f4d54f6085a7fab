//! Reads the cases of `FerretDB`.

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use argon_formats::extjson;
use bson::raw::RawDocumentBuf;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// A line of `documents.jsonl`.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    document: &'l RawValue,
    /// Whether updates are tried on the document.
    #[serde(default)]
    sample: bool,
}

/// A line of `cases.jsonl`. The operation is kept as text, because some have a field twice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case<'l> {
    pub(crate) name: String,
    #[serde(borrow)]
    pub(crate) filter: Option<&'l RawValue>,
    #[serde(borrow)]
    pub(crate) projection: Option<&'l RawValue>,
    #[serde(borrow)]
    pub(crate) sort: Option<&'l RawValue>,
    #[serde(borrow)]
    pub(crate) skip: Option<&'l RawValue>,
    #[serde(borrow)]
    pub(crate) limit: Option<&'l RawValue>,
    #[serde(borrow)]
    pub(crate) pipeline: Option<&'l RawValue>,
    #[serde(borrow)]
    pub(crate) update: Option<&'l RawValue>,
    #[serde(borrow)]
    pub(crate) replacement: Option<&'l RawValue>,
    pub(crate) label: Option<Label>,
    #[serde(default)]
    pub(crate) refused: bool,
    pub(crate) rows: Option<(usize, String)>,
    pub(crate) kept: Option<String>,
    pub(crate) failed: Option<String>,
    #[serde(default)]
    pub(crate) changed: BTreeMap<usize, String>,
    pub(crate) disputed: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Label {
    Some,
    None,
}

pub(crate) struct Documents {
    pub(crate) all: Vec<RawDocumentBuf>,
    /// The places of those that updates are tried on.
    pub(crate) sample: Vec<usize>,
}

impl Documents {
    pub(crate) fn read() -> Self {
        let (mut all, mut sample) = (Vec::new(), Vec::new());
        for line in text("documents.jsonl").lines() {
            let line: Line<'_> = serde_json::from_str(line).unwrap();
            sample.extend(line.sample.then_some(all.len()));
            all.push(extjson::parse_document(line.document.get()).unwrap());
        }
        Self { all, sample }
    }

    pub(crate) fn id(&self, index: usize) -> &str {
        self.all[index].get_str("_id").unwrap()
    }

    pub(crate) fn index(&self, document: &RawDocumentBuf) -> usize {
        let id = document.get_str("_id").unwrap();
        (0..self.all.len()).find(|index| self.id(*index) == id).unwrap()
    }

    /// The documents that an answer lists, each with its hash; a failed update is marked as such.
    pub(crate) fn listed(&self, case: &Case<'_>) -> BTreeMap<usize, String> {
        let own = |index: usize| hash(self.all[index].as_bytes());
        let kept = ranges(case.kept.as_deref()).map(|index| (index, own(index)));
        let failed = ranges(case.failed.as_deref()).map(|index| (index, refused(&own(index))));
        let changed = case.changed.iter().map(|(index, hash)| (*index, hash.clone()));
        kept.chain(failed).chain(changed).collect()
    }
}

pub(crate) fn text(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/ferretdb");
    fs::read_to_string(folder.join(file)).unwrap()
}

/// The indexes in a list such as `3-5,9`.
pub(crate) fn ranges(list: Option<&str>) -> impl Iterator<Item = usize> {
    let parts = list.unwrap_or_default().split(',').filter(|part| !part.is_empty());
    parts.flat_map(|part| -> RangeInclusive<usize> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        first.parse().unwrap()..=last.parse().unwrap()
    })
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..6])
}

pub(crate) fn refused(hash: &str) -> String {
    format!("refused, {hash}")
}
