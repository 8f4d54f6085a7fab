//! Contracts of the merge: a file for each group of rules, and laws on random documents.

mod arrays;
mod definitions;
mod fields;
mod generators;
mod policies;
mod properties;
mod resolutions;
mod strategies;

use bson::raw::{RawDocument, RawDocumentBuf};

use super::{Choice, Merged, Policy, Resolutions, Rule, Strategy, Versions, merge_document};
use crate::document::Path;

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

fn path(text: &str) -> Path {
    text.parse().unwrap()
}
