//! The keywords with regular expressions, which are PCRE in MongoDB.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bson::{Bson, Document};
use jsonschema::Validator;

use super::instance::BsonValues;
use super::sentence;
use crate::document::Regex;

/// Whether a pattern exceeded its time limit on the current document, so that the result is
/// invalid. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub(super) struct GaveUp(Arc<AtomicBool>);

impl GaveUp {
    pub(super) fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// `pattern`: the expression that a text must match.
#[derive(Debug)]
pub(super) struct Text {
    pattern: Regex,
    gave_up: GaveUp,
}

impl Text {
    pub(super) fn new(pattern: Regex, gave_up: &GaveUp) -> Self {
        Self { pattern, gave_up: gave_up.clone() }
    }

    pub(super) fn as_str(&self) -> &str {
        self.pattern.as_str()
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.pattern.matches(text).unwrap_or_else(|_| {
            self.gave_up.0.store(true, Ordering::Relaxed);
            true
        })
    }
}

/// `patternProperties`, with the `additionalProperties` of the same schema.
pub(super) struct Fields {
    /// The fields with a schema of their own.
    named: BTreeSet<String>,
    patterns: Vec<(Text, Validator<BsonValues>)>,
    others: Others,
}

/// The rule for fields that neither a name nor a pattern in the schema matches.
pub(super) enum Others {
    Any,
    None,
    Suit(Validator<BsonValues>),
}

impl Fields {
    pub(super) fn new(
        named: BTreeSet<String>,
        patterns: Vec<(Text, Validator<BsonValues>)>,
        others: Others,
    ) -> Self {
        Self { named, patterns, others }
    }

    /// Returns the problem of the first invalid field of a document, as a predicate of the
    /// document.
    pub(super) fn problem(&self, document: &Document) -> Option<String> {
        document.iter().find_map(|(name, value)| self.problem_of_field(name, value))
    }

    fn problem_of_field(&self, name: &str, value: &Bson) -> Option<String> {
        let mut other = !self.named.contains(name);
        for (pattern, schema) in &self.patterns {
            if pattern.matches(name) {
                other = false;
                if let Some(problem) = problem(schema, value) {
                    return Some(format!("has the field {name}, which {problem}"));
                }
            }
        }
        match &self.others {
            Others::None if other => Some(format!("has fields that are not allowed: {name}")),
            Others::Suit(schema) if other => problem(schema, value)
                .map(|problem| format!("has the field {name}, which {problem}")),
            _ => None,
        }
    }
}

fn problem(schema: &Validator<BsonValues>, value: &Bson) -> Option<String> {
    schema.iter_errors(value).next().map(|error| match sentence::of(&error) {
        (Some(_), problem) => format!("does not match the schema: {problem}"),
        (None, problem) => problem.trim_start_matches("the document ").to_owned(),
    })
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<&str> =
            self.patterns.iter().map(|(pattern, _)| pattern.as_str()).collect();
        f.debug_struct("Fields")
            .field("named", &self.named)
            .field("patterns", &patterns)
            .finish_non_exhaustive()
    }
}
