//! Laws that hold for all documents.

use std::collections::BTreeSet;

use bson::raw::{RawBsonRef, RawDocument};
use bson::{Bson, Document};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{
    Cause, Choice, Merged, Policy, Resolutions, Strategy as MergeStrategy, Versions,
    conflicting_paths, merge_document,
};
use super::generators::{self, Three, raw, three};
use super::{always, document, merge_with, paths, resolved};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() }
}

/// The document without its order: of fields, and of elements if `sets`.
fn unordered(document: &RawDocument, sets: bool) -> Bson {
    sorted(&Bson::Document(Document::try_from(document).unwrap()), sets)
}

fn sorted(value: &Bson, sets: bool) -> Bson {
    match value {
        Bson::Document(fields) => {
            let mut fields: Vec<_> =
                fields.iter().map(|(name, value)| (name.clone(), sorted(value, sets))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Bson::Document(fields.into_iter().collect())
        }
        Bson::Array(elements) => {
            let mut elements: Vec<_> = elements.iter().map(|v| sorted(v, sets)).collect();
            if sets {
                elements.sort_by_key(|element| format!("{element:?}"));
            }
            Bson::Array(elements)
        }
        // As text, in which NaN is equal to itself.
        other => Bson::String(format!("{other:?}")),
    }
}

fn mirrored(cause: Cause) -> Cause {
    match cause {
        Cause::ChangedAndDeleted => Cause::DeletedAndChanged,
        Cause::DeletedAndChanged => Cause::ChangedAndDeleted,
        same => same,
    }
}

fn causes(merged: &Merged, of: fn(Cause) -> Cause) -> BTreeSet<(String, String)> {
    let conflicts = merged.conflicts.iter();
    conflicts.map(|c| (c.path.to_string(), format!("{:?}", of(c.cause)))).collect()
}

fn resolved_with(three: &Three, exchanged: bool, choice: &Choice) -> Merged {
    let versions = if exchanged { three.exchanged() } else { three.versions() };
    let conflicts = merge_with(&versions, &Policy::default()).conflicts;
    let decisions = conflicts.into_iter().map(|conflict| (conflict.path, choice.clone()));
    let resolutions: Resolutions = decisions.collect();
    merge_document("c", &versions, &Policy::default(), &resolutions).unwrap()
}

fn symmetric_strategy() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["sum", "union", "max", "min", "append", "by-key(k)"])
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_unchanged_side_gives_the_other_byte_for_byte(three in three()) {
        let Three { base, ours, .. } = &three;
        for versions in [super::versions(base, ours, base), super::versions(base, base, ours)] {
            let merged = merge_with(&versions, &always("theirs"));
            prop_assert_eq!(document(&merged).as_bytes(), ours.as_bytes());
            prop_assert_eq!((merged.conflicts.len(), merged.decided), (0, 0));
        }
        let same = super::versions(base, ours, ours);
        let merged = merge_with(&same, &Policy::default());
        prop_assert_eq!(document(&merged), &**ours);
    }

    #[test]
    fn a_merge_gives_the_same_bytes_every_time(three in three(), strategy in symmetric_strategy()) {
        let policy = always(strategy);
        let one = merge_with(&three.versions(), &policy);
        let other = merge_with(&three.versions(), &policy);
        prop_assert_eq!(document(&one).as_bytes(), document(&other).as_bytes());
        prop_assert_eq!(paths(&one), paths(&other));
    }

    #[test]
    fn exchanging_the_sides_gives_the_same_conflicts_and_the_same_content(three in three()) {
        let one = merge_with(&three.versions(), &Policy::default());
        let other = merge_with(&three.exchanged(), &Policy::default());
        prop_assert_eq!(causes(&one, |cause| cause), causes(&other, mirrored));
        if one.conflicts.is_empty() {
            prop_assert_eq!(
                unordered(document(&one), false), unordered(document(&other), false)
            );
        }
    }

    #[test]
    fn strategies_that_name_no_side_give_the_same_from_both(
        three in three(),
        strategy in symmetric_strategy(),
    ) {
        let policy = always(strategy);
        let one = merge_with(&three.versions(), &policy);
        let other = merge_with(&three.exchanged(), &policy);
        prop_assert_eq!(causes(&one, |cause| cause), causes(&other, mirrored));
        prop_assert_eq!(one.decided, other.decided);
        if one.conflicts.is_empty() {
            prop_assert_eq!(unordered(document(&one), true), unordered(document(&other), true));
        }
    }

    #[test]
    fn one_side_chosen_everywhere_leaves_no_conflict(three in three()) {
        let undecided = merge_with(&three.versions(), &Policy::default());
        for (choice, exchanged) in [(Choice::Ours, Choice::Theirs), (Choice::Theirs, Choice::Ours)] {
            let one = resolved_with(&three, false, &choice);
            prop_assert_eq!((one.conflicts.len(), one.decided), (0, undecided.conflicts.len()));
            let other = resolved_with(&three, true, &exchanged);
            prop_assert_eq!(
                unordered(document(&one), false), unordered(document(&other), false)
            );
            let whole = resolved(&[("(document)", choice)]);
            let whole = merge_document("c", &three.versions(), &Policy::default(), &whole).unwrap();
            prop_assert_eq!(document(&whole), document(&one));
        }
        let ours = resolved_with(&three, false, &Choice::Ours);
        prop_assert_eq!(document(&ours), document(&undecided));
    }

    #[test]
    fn a_side_as_the_strategy_is_that_side_as_every_resolution(three in three()) {
        for (strategy, choice) in [("ours", Choice::Ours), ("theirs", Choice::Theirs)] {
            let by_strategy = merge_with(&three.versions(), &always(strategy));
            prop_assert_eq!(&by_strategy, &resolved_with(&three, false, &choice));
        }
    }

    #[test]
    fn the_conflicting_paths_are_those_left_and_those_settled(
        three in three(),
        strategy in symmetric_strategy(),
    ) {
        let policy = always(strategy);
        let merged = merge_with(&three.versions(), &policy);
        let conflicting = conflicting_paths("c", &three.versions(), &policy).unwrap();
        prop_assert_eq!(conflicting.len(), merged.conflicts.len() + merged.decided);
        prop_assert!(merged.conflicts.iter().all(|c| conflicting.contains(&c.path)));
    }

    #[test]
    fn edits_of_different_fields_are_both_there(
        base in generators::document(),
        added in generators::document(),
        changed in generators::document(),
        split in vec(any::<bool>(), 16),
    ) {
        // Every name belongs to one side, which may change, remove or add it.
        let side = |mine: bool| {
            let names = ["a", "b", "c", "d", "é", ""].iter().zip(&split);
            let own: BTreeSet<&str> =
                names.filter(|(_, is_ours)| **is_ours == mine).map(|(name, _)| *name).collect();
            let other = if mine { &changed } else { &added };
            let kept = base.iter().filter(|(name, _)| !own.contains(name.as_str()));
            let new = other.iter().filter(|(name, _)| own.contains(name.as_str()));
            kept.chain(new).map(|(n, v)| (n.clone(), v.clone())).collect::<Document>()
        };
        let (ours, theirs) = (side(true), side(false));
        let (raw_base, raw_ours, raw_theirs) = (raw(&base), raw(&ours), raw(&theirs));
        let merged = merge_with(
            &super::versions(&raw_base, &raw_ours, &raw_theirs), &Policy::default()
        );
        prop_assert_eq!(paths(&merged), Vec::<String>::new());
        let merged = Document::try_from(document(&merged)).unwrap();
        for (name, is_ours) in ["a", "b", "c", "d", "é", ""].iter().zip(&split) {
            let expected = if *is_ours { ours.get(name) } else { theirs.get(name) };
            prop_assert_eq!(format!("{:?}", merged.get(name)), format!("{:?}", expected));
        }
    }

    #[test]
    fn each_field_is_merged_by_its_three_values_alone(
        values in vec(proptest::option::of(-1..2), 18),
    ) {
        let names = ["a", "b", "c", "d", "e", "f"];
        let side = |at: usize| {
            let fields = names.iter().zip(&values[at * 6..]);
            let present = fields.filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?)));
            raw(&present.map(|(name, value)| (name, Bson::Int32(value))).collect())
        };
        let (base, ours, theirs) = (side(0), side(1), side(2));
        let merged = merge_with(&super::versions(&base, &ours, &theirs), &Policy::default());
        for (at, name) in names.iter().enumerate() {
            let (base, ours, theirs) = (values[at], values[6 + at], values[12 + at]);
            let (expected, conflict) = match () {
                () if ours == base => (theirs, false),
                () if theirs == base || ours == theirs => (ours, false),
                () => (ours, true),
            };
            let found = document(&merged).get(name).unwrap().and_then(RawBsonRef::as_i32);
            prop_assert_eq!(found, expected);
            prop_assert_eq!(paths(&merged).contains(&(*name).to_owned()), conflict);
        }
    }

    #[test]
    fn inserted_documents_are_the_same_from_both_sides(
        three in three(),
        strategy in symmetric_strategy(),
    ) {
        let inserted = |ours, theirs| Versions { ours, theirs, ..Versions::default() };
        let (ours, theirs) = (Some(&*three.ours), Some(&*three.theirs));
        let policy = always(strategy);
        let one = merge_with(&inserted(ours, theirs), &policy);
        let other = merge_with(&inserted(theirs, ours), &policy);
        prop_assert_eq!(causes(&one, |cause| cause), causes(&other, mirrored));
        let plain = merge_with(&inserted(ours, theirs), &Policy::default());
        prop_assert_eq!(plain.conflicts.len(), usize::from(three.ours != three.theirs));
    }

    #[test]
    fn a_strategy_is_never_worse_than_none(three in three()) {
        let bare = merge_with(&three.versions(), &Policy::default());
        for strategy in ["ours", "max", "min", "sum", "append"] {
            let strategy: MergeStrategy = strategy.parse().unwrap();
            let policy = Policy { default: Some(strategy), ..Policy::default() };
            let merged = merge_with(&three.versions(), &policy);
            let outside = |path: &String| !paths(&bare).iter().any(|bare| path.starts_with(bare));
            prop_assert!(!paths(&merged).iter().any(outside));
        }
    }
}
