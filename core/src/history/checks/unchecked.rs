//! Rules that could not be checked.

use std::fmt;

use crate::history::checks::Violation;
use crate::model::CollectionName;

/// A rule of a collection that was not checked, or not in full, because part of it is unsupported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unchecked {
    /// The collection.
    pub collection: CollectionName,
    /// The rule: `validator`, `unique index 'email_1'`.
    pub rule: String,
    /// The reason, without a full stop.
    pub reason: String,
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, rule, reason } = self;
        write!(f, "{collection}: {rule} was not checked in full: {reason}")
    }
}

/// The result of the checks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checked {
    /// The violations.
    pub violations: Vec<Violation>,
    /// The rules that could not be checked, by collection.
    pub unchecked: Vec<Unchecked>,
}

/// Collects violations up to a number, and unchecked rules.
pub(super) struct Findings {
    violations: Vec<Violation>,
    most: usize,
    unchecked: Vec<Unchecked>,
}

impl Findings {
    pub(super) fn at_most(most: usize) -> Self {
        Self { violations: Vec::new(), most, unchecked: Vec::new() }
    }

    /// The number of violations still to collect.
    pub(super) fn wanted(&self) -> usize {
        self.most - self.violations.len()
    }

    /// Adds a violation, unless there are enough.
    pub(super) fn push(&mut self, violation: Violation) {
        if self.wanted() > 0 {
            self.violations.push(violation);
        }
    }

    /// Records a rule with an unsupported part, such as `the operator $expr`.
    pub(super) fn unknown(&mut self, collection: &CollectionName, rule: &str, what: &str) {
        self.unchecked(collection, rule, format!("it has {what}, which is not supported"));
    }

    /// Records a rule that could not be checked.
    pub(super) fn unchecked(&mut self, collection: &CollectionName, rule: &str, reason: String) {
        let (collection, rule) = (collection.clone(), rule.to_owned());
        let unchecked = Unchecked { collection, rule, reason };
        if let Err(place) = self.unchecked.binary_search(&unchecked) {
            self.unchecked.insert(place, unchecked);
        }
    }

    pub(super) fn finish(self) -> Checked {
        Checked { violations: self.violations, unchecked: self.unchecked }
    }
}
