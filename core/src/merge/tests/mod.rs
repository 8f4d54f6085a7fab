//! Contracts of the merge: a file for each group of rules, and laws on random documents.

mod arrays;
mod fields;
mod generators;
mod policies;
mod properties;
mod resolutions;
mod strategies;

use bson::raw::{RawDocument, RawDocumentBuf};

use super::{
    Choice, FieldPath, Merged, Policy, Resolutions, Rule, Strategy, Versions, merge_document,
};

/// A policy that has only a default.
fn always(strategy: &str) -> Policy {
    Policy { default: Some(strategy.parse().unwrap()), ..Policy::default() }
}

/// A policy of rules `path`, `strategy`, for all collections.
fn rules(rules: &[(&str, &str)]) -> Policy {
    let rule = |(path, strategy): &(&str, &str)| Rule {
        collection: None,
        path: path.parse().unwrap(),
        strategy: strategy.parse::<Strategy>().unwrap(),
    };
    Policy { rules: rules.iter().map(rule).collect(), default: None }
}

fn resolved(decisions: &[(&str, Choice)]) -> Resolutions {
    decisions.iter().map(|(path, choice)| (path.parse().unwrap(), choice.clone())).collect()
}

fn versions<'a>(
    base: &'a RawDocumentBuf,
    ours: &'a RawDocumentBuf,
    theirs: &'a RawDocumentBuf,
) -> Versions<'a> {
    Versions { base: Some(base), ours: Some(ours), theirs: Some(theirs), times: None }
}

fn merge_with(versions: &Versions<'_>, policy: &Policy) -> Merged {
    merge_document("c", versions, policy, &Resolutions::NONE).unwrap()
}

/// Merges three versions without a policy.
fn merge(base: &RawDocumentBuf, ours: &RawDocumentBuf, theirs: &RawDocumentBuf) -> Merged {
    merge_with(&versions(base, ours, theirs), &Policy::default())
}

/// The merged document of a merge without conflicts.
#[track_caller]
fn clean(merged: &Merged) -> &RawDocument {
    assert_eq!(merged.conflicts, []);
    document(merged)
}

#[track_caller]
fn document(merged: &Merged) -> &RawDocument {
    merged.document.as_ref().unwrap().as_raw()
}

/// The paths in conflict, in order of their text.
fn paths(merged: &Merged) -> Vec<String> {
    let mut paths: Vec<String> = merged.conflicts.iter().map(|c| c.path.to_string()).collect();
    paths.sort();
    paths
}

fn path(text: &str) -> FieldPath {
    text.parse().unwrap()
}

#[test]
#[ignore]
fn zz_timing() {
    let mut docs = Vec::new();
    for n in 0..10_000_i32 {
        let make = |a: i32, s: &str, q: i32| bson::rawdoc! { "_id": n, "name": s, "email": "someone@example.com", "stats": { "visits": a, "likes": a + 1, "shares": 3 }, "address": { "city": "London", "zip": "N1", "street": "Some street 1" }, "tags": ["a", "b", s], "items": [{ "sku": "A", "qty": q }, { "sku": "B", "qty": 1 }], "created": 5_i64, "active": true, "note": "a text of some length that stays as it is, with more words in it", "score": f64::from(a) };
        docs.push((make(1, "x", 1), make(2, "y", 2), make(3, "z", 3)));
    }
    for policy in [
        always("ours"),
        always("max"),
        Policy::default(),
        rules(&[("items", "by-key(sku)"), ("tags", "union"), ("name", "max"), ("**", "sum")]),
    ] {
        #[allow(clippy::disallowed_methods)]
        let start = std::time::Instant::now();
        let mut conflicts = 0;
        for (b, o, t) in &docs {
            conflicts += merge_with(&versions(b, o, t), &policy).decided;
        }
        println!("{conflicts} {:?}", start.elapsed());
    }
}
