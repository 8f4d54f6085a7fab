//! Random documents and paths, and a model of what a rule of a mask hides that tries every reading of the
//! names.

use bson::raw::{RawArrayBuf, RawBson, RawDocumentBuf};
use bson::rawdoc;
use proptest::prelude::*;

const NAMES: &[&str] = &[
    "a", "b", "c", "a.b", "b.c", "a.b.c", "a.0.b", "a.", ".a", "", ".", "0", "1", "$a", "a\\",
    "_id",
];

/// Pieces of paths, as they are written in a policy.
const STEPS: &[&str] = &["a", "b", "c", "a\\.b", "0", "1", "*", "**", "\\$a", "a\\\\", "_id"];

/// A value of a document.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Leaf,
    Document(Vec<(String, Shape)>),
    Array(Vec<Shape>),
}

/// A step from a document down to a value.
#[derive(Debug, Clone)]
pub(super) enum Way {
    Field(String),
    Element(usize),
}

/// The ways to the leaves of a document.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub(super) ways: Vec<Vec<Way>>,
}

pub(super) fn document() -> impl Strategy<Value = Vec<(String, Shape)>> {
    let name = || prop::sample::select(NAMES).prop_map(str::to_owned);
    let value = Just(Shape::Leaf).prop_recursive(3, 16, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Shape::Array),
            prop::collection::vec((name(), inner), 1..4).prop_map(Shape::Document),
        ]
    });
    let name = prop::sample::select(NAMES).prop_map(str::to_owned);
    prop::collection::vec((name, value), 1..5)
}

pub(super) fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(STEPS), 1..4).prop_map(|steps| steps.join("."))
}

impl Built {
    /// The document with these fields behind its `_id`; the leaves are made by their numbers.
    pub(super) fn of(
        id: i32,
        fields: &[(String, Shape)],
        leaf: &dyn Fn(usize) -> RawBson,
    ) -> (Self, RawDocumentBuf) {
        let mut built = Self::default();
        let mut raw = rawdoc! { "_id": id };
        built.fields(fields, leaf, &mut Vec::new(), &mut raw);
        (built, raw)
    }

    fn fields(
        &mut self,
        fields: &[(String, Shape)],
        leaf: &dyn Fn(usize) -> RawBson,
        way: &mut Vec<Way>,
        out: &mut RawDocumentBuf,
    ) {
        for (name, shape) in fields {
            way.push(Way::Field(name.clone()));
            let name = bson::raw::CString::try_from(name.clone()).unwrap();
            out.append(name, self.value(shape, leaf, way));
            way.pop();
        }
    }

    fn value(
        &mut self,
        shape: &Shape,
        leaf: &dyn Fn(usize) -> RawBson,
        way: &mut Vec<Way>,
    ) -> RawBson {
        match shape {
            Shape::Leaf => {
                self.ways.push(way.clone());
                leaf(self.ways.len() - 1)
            }
            Shape::Document(fields) => {
                let mut out = RawDocumentBuf::new();
                self.fields(fields, leaf, way, &mut out);
                RawBson::Document(out)
            }
            Shape::Array(elements) => {
                let mut out = RawArrayBuf::new();
                for (index, element) in elements.iter().enumerate() {
                    way.push(Way::Element(index));
                    out.push(self.value(element, leaf, way));
                    way.pop();
                }
                RawBson::Array(out)
            }
        }
    }
}

/// Every way to read the names down to a value.
pub(super) fn readings(way: &[Way]) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    for step in way {
        let of_step = match step {
            Way::Element(index) => vec![vec![], vec![index.to_string()]],
            Way::Field(name) => readings_of_name(name),
        };
        let longer = |reading: &Vec<String>| {
            let reading = reading.clone();
            of_step.iter().map(move |step| [reading.as_slice(), step].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// A name as one name, or cut at any of its dots; numbers that are cut out may be those of elements.
fn readings_of_name(name: &str) -> Vec<Vec<String>> {
    let parts: Vec<&str> = name.split('.').collect();
    let mut all = Vec::new();
    for cuts in 0..1_u32 << (parts.len() - 1) {
        let mut reading = vec![parts[0].to_owned()];
        for (at, part) in parts.iter().enumerate().skip(1) {
            match reading.last_mut() {
                Some(last) if cuts & 1 << (at - 1) == 0 => *last = format!("{last}.{part}"),
                _ => reading.push((*part).to_owned()),
            }
        }
        if parts.len() > 1 {
            let is_name = |part: &&String| part.parse::<u32>().is_err();
            all.push(reading.iter().filter(is_name).cloned().collect());
        }
        all.push(reading);
    }
    all
}

/// Whether a pattern matches some names from the first, or all of them.
fn matches(pattern: &[&str], names: &[String]) -> bool {
    match (pattern.split_first(), names.split_first()) {
        (None, _) => true,
        (Some((&"**", rest)), None) => matches(rest, names),
        (Some(_), None) => false,
        (Some((&"**", rest)), Some((_, below))) => matches(rest, names) || matches(pattern, below),
        (Some((&"*", rest)), Some((_, below))) => matches(rest, below),
        (Some((step, rest)), Some((name, below))) => {
            step.replace("\\\\", "\u{1}").replace('\\', "").replace('\u{1}', "\\") == *name
                && matches(rest, below)
        }
    }
}

/// The steps of a written path, still escaped.
fn steps(path: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, character) in path.char_indices() {
        if character == '.' && !escaped {
            steps.push(&path[start..at]);
            start = at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    steps.push(&path[start..]);
    steps
}

/// Whether a rule for a path hides a value: it matches in any reading of the names.
pub(super) fn hides(path: &str, way: &[Way]) -> bool {
    readings(way).iter().any(|names| matches(&steps(path), names))
}

/// Whether a path that is allowed shows a value: it matches by the very names, elements of arrays named by
/// their numbers or left out.
pub(super) fn shows(path: &str, way: &[Way]) -> bool {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for step in way {
        let (name, left_out) = match step {
            Way::Field(name) => (name.clone(), Vec::new()),
            Way::Element(index) => (index.to_string(), all.clone()),
        };
        for names in &mut all {
            names.push(name.clone());
        }
        all.extend(left_out);
    }
    all.iter().any(|names| matches(&steps(path), names))
}
