//! No reading of a document's names makes a rule miss a value: random documents through random
//! policies, held to a model that tries every reading.

use bson::RawBson;
use proptest::prelude::*;

use crate::document::{Filter, Path};
use crate::model::Document;
use crate::store::mask::hash::Secret;
use crate::store::mask::readings::{Built, Shape, Way, document, hides, path, readings, shows};
use crate::store::mask::transform::Rules;
use crate::store::mask::{CollectionPolicy, FieldPolicy, MaskPolicy, Transform};

fn text(leaf: usize) -> String {
    format!("<secret {leaf}>")
}

/// The document with these fields, and the ways to its texts.
fn built(fields: &[(String, Shape)]) -> (Built, Document) {
    let (built, raw) = Built::of(1, fields, &|leaf| RawBson::String(text(leaf)));
    (built, Document::checked(raw).unwrap().1)
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
        let (built, document) = built(&fields);
        let shown = shown(&policy, &document);
        for (leaf, way) in built.ways.iter().enumerate() {
            let hidden = paths.iter().any(|path| hides(path, way));
            prop_assert_eq!(shown.contains(&text(leaf)), !hidden, "{:?}", way);
        }
    }

    #[test]
    fn nothing_is_shown_but_what_is_allowed_by_its_very_name(
        fields in document(),
        allowed in path(),
    ) {
        let policy = CollectionPolicy { allow: Some(vec![allowed.clone()]), ..CollectionPolicy::default() };
        let Some(policy) = users(policy) else { return Ok(()) };
        let (built, document) = built(&fields);
        let shown = shown(&policy, &document);
        for (leaf, way) in built.ways.iter().enumerate() {
            prop_assert_eq!(shown.contains(&text(leaf)), shows(&allowed, way), "{:?}", way);
        }
    }

    #[test]
    fn a_document_is_left_out_if_any_reading_of_a_path_has_the_value_that_it_must_not_have(
        fields in document(),
        chosen in any::<prop::sample::Index>(),
    ) {
        let (built, document) = built(&fields);
        if built.ways.is_empty() {
            return Ok(());
        }
        let leaf = chosen.index(built.ways.len());
        let nested = |pair: &[Way]| matches!(pair, [Way::Element(_), Way::Element(_)]);
        if built.ways[leaf].windows(2).any(nested) {
            return Ok(());
        }
        for names in readings(&built.ways[leaf]) {
            let query = bson::doc! { Path::new(names).to_string(): { "$ne": text(leaf) } };
            if Filter::rule(&query).is_err() {
                continue;
            }
            let policy = CollectionPolicy { keep: Some(query.clone()), ..CollectionPolicy::default() };
            prop_assert_eq!(shown(&policy, &document), "", "{}", query);
        }
    }
}
