//! Rules that could not be checked.

use std::fmt;

use crate::history::checks::Violation;
use crate::model::CollectionName;

/// A rule of a collection that was not checked, or not in full: what it says is not known here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unchecked {
    /// The collection.
    pub collection: CollectionName,
    /// The rule: `validator`, `unique index 'email_1'`.
    pub rule: String,
    /// Why, without a full stop.
    pub reason: String,
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, rule, reason } = self;
        write!(f, "{collection}: {rule} was not checked in full: {reason}")
    }
}

/// What came of checking a result.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checked {
    /// The rules that it breaks.
    pub violations: Vec<Violation>,
    /// The rules that could not be checked, by collection.
    pub unchecked: Vec<Unchecked>,
}

/// What is found on the way: violations up to a number, and rules that can't be checked.
pub(super) struct Findings {
    violations: Vec<Violation>,
    most: usize,
    unchecked: Vec<Unchecked>,
}

impl Findings {
    pub(super) fn at_most(most: usize) -> Self {
        Self { violations: Vec::new(), most, unchecked: Vec::new() }
    }

    /// How many more violations are wanted.
    pub(super) fn wanted(&self) -> usize {
        self.most - self.violations.len()
    }

    /// Takes a violation, unless there are enough.
    pub(super) fn push(&mut self, violation: Violation) {
        if self.wanted() > 0 {
            self.violations.push(violation);
        }
    }

    /// Notes a rule that has what is not known here, such as `the operator $expr`.
    pub(super) fn unknown(&mut self, collection: &CollectionName, rule: &str, what: &str) {
        self.unchecked(collection, rule, format!("it has {what}, which is not known here"));
    }

    /// Notes a rule that could not be checked.
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
