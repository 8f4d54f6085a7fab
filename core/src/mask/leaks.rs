//! No reading of a document's names makes a rule miss a value: random documents through random
//! policies, held to a model that tries every reading.

use bson::raw::{RawArrayBuf, RawBson, RawDocumentBuf};
use bson::rawdoc;
use proptest::prelude::*;

use crate::filter::Filter;
use crate::mask::hash::Secret;
use crate::mask::transform::Rules;
use crate::mask::{CollectionPolicy, FieldPolicy, MaskPolicy, Transform};
use crate::model::Document;

const NAMES: &[&str] = &[
    "a", "b", "c", "a.b", "b.c", "a.b.c", "a.0.b", "a.", ".a", "", ".", "0", "1", "$a", "a\\",
    "_id",
];

/// Pieces of paths, as they are written in a policy.
const STEPS: &[&str] = &["a", "b", "c", "a\\.b", "0", "1", "*", "**", "\\$a", "a\\\\", "_id"];

/// A value of a document; the leaves get texts that occur once.
#[derive(Debug, Clone)]
enum Shape {
    Leaf,
    Document(Vec<(String, Shape)>),
    Array(Vec<Shape>),
}

/// A step from a document down to a value.
#[derive(Debug, Clone)]
enum Way {
    Field(String),
    Element(usize),
}

/// A document, and the way to each of its texts.
#[derive(Debug, Default)]
struct Built {
    ways: Vec<Vec<Way>>,
}

fn document() -> impl Strategy<Value = Vec<(String, Shape)>> {
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

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(STEPS), 1..4).prop_map(|steps| steps.join("."))
}

impl Built {
    fn of(fields: &[(String, Shape)]) -> (Self, Document) {
        let mut built = Self::default();
        let mut raw = rawdoc! { "_id": 1 };
        built.fields(fields, &mut Vec::new(), &mut raw);
        (built, Document::checked(raw).unwrap().1)
    }

    fn fields(&mut self, fields: &[(String, Shape)], way: &mut Vec<Way>, out: &mut RawDocumentBuf) {
        for (name, shape) in fields {
            way.push(Way::Field(name.clone()));
            let name = bson::raw::CString::try_from(name.clone()).unwrap();
            out.append(name, self.value(shape, way));
            way.pop();
        }
    }

    fn value(&mut self, shape: &Shape, way: &mut Vec<Way>) -> RawBson {
        match shape {
            Shape::Leaf => {
                self.ways.push(way.clone());
                RawBson::String(text(self.ways.len() - 1))
            }
            Shape::Document(fields) => {
                let mut out = RawDocumentBuf::new();
                self.fields(fields, way, &mut out);
                RawBson::Document(out)
            }
            Shape::Array(elements) => {
                let mut out = RawArrayBuf::new();
                for (index, element) in elements.iter().enumerate() {
                    way.push(Way::Element(index));
                    out.push(self.value(element, way));
                    way.pop();
                }
                RawBson::Array(out)
            }
        }
    }
}

fn text(leaf: usize) -> String {
    format!("<secret {leaf}>")
}

/// Every way to read the names down to a value.
fn readings(way: &[Way]) -> Vec<Vec<String>> {
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

fn shown(policy: &CollectionPolicy, document: &Document) -> String {
    let rules = Rules::new(policy, true).unwrap();
    let shown = rules.shown(&Secret::new([7; 32]), document).unwrap();
    shown.map_or(String::new(), |shown| String::from_utf8_lossy(shown.as_bytes()).into_owned())
}

fn users(policy: CollectionPolicy) -> Option<CollectionPolicy> {
    let policy = CollectionPolicy { name: "users".to_owned(), ..policy };
    let whole = MaskPolicy { collections: vec![policy.clone()], ..MaskPolicy::default() };
    whole.check().is_ok().then_some(policy)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_value_is_hidden_if_a_rule_matches_any_reading_of_its_path_and_else_shown(
        fields in document(),
        paths in prop::collection::vec(path(), 1..3),
        with in prop::sample::select(vec![
            Transform::Hash, Transform::Redact, Transform::Fake, Transform::Null, Transform::Remove,
        ]),
    ) {
        let rules = paths.iter().map(|path| FieldPolicy { path: path.clone(), with, fake: None });
        let policy = CollectionPolicy { fields: rules.collect(), ..CollectionPolicy::default() };
        let Some(policy) = users(policy) else { return Ok(()) };
        let (built, document) = Built::of(&fields);
        let shown = shown(&policy, &document);
        for (leaf, way) in built.ways.iter().enumerate() {
            let readings = readings(way);
            let hit = |path: &String| readings.iter().any(|names| matches(&steps(path), names));
            prop_assert_eq!(shown.contains(&text(leaf)), !paths.iter().any(hit), "{:?}", way);
        }
    }

    #[test]
    fn nothing_is_shown_but_what_is_allowed_by_its_very_name(
        fields in document(),
        allowed in path(),
    ) {
        let policy = CollectionPolicy { allow: Some(vec![allowed.clone()]), ..CollectionPolicy::default() };
        let Some(policy) = users(policy) else { return Ok(()) };
        let (built, document) = Built::of(&fields);
        let shown = shown(&policy, &document);
        for (leaf, way) in built.ways.iter().enumerate() {
            let by_name = way.iter().fold(vec![Vec::new()], |all: Vec<Vec<String>>, step| {
                let with = |name: String| all.iter().map(move |names| [names.as_slice(), std::slice::from_ref(&name)].concat());
                match step {
                    Way::Field(name) => with(name.clone()).collect(),
                    Way::Element(index) => with(index.to_string()).chain(all.iter().cloned()).collect(),
                }
            });
            let hit = by_name.iter().any(|names| matches(&steps(&allowed), names));
            prop_assert_eq!(shown.contains(&text(leaf)), hit, "{:?}", way);
        }
    }

    #[test]
    fn a_document_is_left_out_if_any_reading_of_a_path_has_the_value_that_it_must_not_have(
        fields in document(),
        chosen in any::<prop::sample::Index>(),
    ) {
        let (built, document) = Built::of(&fields);
        if built.ways.is_empty() {
            return Ok(());
        }
        let leaf = chosen.index(built.ways.len());
        let nested = |pair: &[Way]| matches!(pair, [Way::Element(_), Way::Element(_)]);
        if built.ways[leaf].windows(2).any(nested) {
            return Ok(());
        }
        for names in readings(&built.ways[leaf]) {
            let query = bson::doc! { names.join("."): { "$ne": text(leaf) } };
            if Filter::parse(&query).and_then(|filter| filter.check_paths()).is_err() {
                continue;
            }
            let policy = CollectionPolicy { keep: Some(query.clone()), ..CollectionPolicy::default() };
            prop_assert_eq!(shown(&policy, &document), "", "{}", query);
        }
    }
}
