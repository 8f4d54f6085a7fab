//! Rules that a result breaks, and rules that could not be checked.

use std::fmt;

use argon_core::Error;
use argon_core::checks::{Unchecked, Violation};
use argon_formats::extjson::Mode;
use schemars::JsonSchema;
use serde::Serialize;

use super::conflict::id;
use crate::json::ExtJson;
use crate::{Failure, Hint};

/// A rule that the result breaks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BrokenRule {
    /// The check that found it: `schema`, `unique`, `reference` or `index`.
    pub check: &'static str,
    /// The collection.
    pub collection: String,
    /// The `_id` of the document.
    pub id: Option<ExtJson>,
    /// The field; null for the document itself, or several fields.
    pub path: Option<String>,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl From<&Violation> for BrokenRule {
    fn from(violation: &Violation) -> Self {
        Self {
            check: violation.check.as_str(),
            collection: violation.collection.to_string(),
            id: violation.key.as_ref().map(|key| id(key, Mode::Relaxed)),
            path: violation.path.clone(),
            problem: violation.problem.clone(),
        }
    }
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, collection, id, problem, .. } = self;
        match id {
            Some(id) => write!(f, "{check}: {collection} {}: {problem}", id.as_str()),
            None => write!(f, "{check}: {collection}: {problem}"),
        }
    }
}

/// The rules that a result breaks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BrokenRules {
    /// The rules, at most 20.
    pub violations: Vec<BrokenRule>,
    /// Whether it breaks more of them.
    pub more: bool,
}

impl BrokenRules {
    /// The most rules that are listed.
    pub const LISTED: usize = 20;

    /// The first of these; the caller looks for one more than are listed.
    pub fn of(violations: &[Violation]) -> Self {
        Self {
            violations: violations.iter().take(Self::LISTED).map(BrokenRule::from).collect(),
            more: violations.len() > Self::LISTED,
        }
    }

    /// The refusal of the result, which lists the rules.
    pub fn error(&self) -> Failure {
        let mut lines: Vec<String> = self.violations.iter().map(ToString::to_string).collect();
        lines.extend(self.more.then(|| "and more".to_owned()));
        let lines = lines.join("\n");
        let error = format!("the result breaks rules of its collections or the policy:\n{lines}");
        Failure::from(Error::denied(error)).hint(Hint::RepairDocuments)
    }
}

/// A rule of a collection that was not checked, or not in full.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UncheckedRule {
    /// The collection.
    pub collection: String,
    /// The rule: `validator`, `unique index 'email_1'`.
    pub rule: String,
    /// Why it was not checked.
    pub reason: String,
}

impl From<&Unchecked> for UncheckedRule {
    fn from(Unchecked { collection, rule, reason }: &Unchecked) -> Self {
        let (rule, reason) = (rule.clone(), reason.clone());
        Self { collection: collection.to_string(), rule, reason }
    }
}

impl fmt::Display for UncheckedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, rule, reason } = self;
        write!(f, "{collection}: {rule} was not checked in full: {reason}")
    }
}

/// The rules that could not be checked, where the request does not allow any.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UncheckedRules {
    /// The rules.
    pub unchecked: Vec<UncheckedRule>,
}

impl UncheckedRules {
    /// All of these.
    pub fn of(unchecked: &[Unchecked]) -> Self {
        Self { unchecked: unchecked.iter().map(UncheckedRule::from).collect() }
    }

    /// The refusal of the result, which names the rules.
    pub fn error(&self) -> Failure {
        let lines: Vec<String> = self.unchecked.iter().map(ToString::to_string).collect();
        let lines = lines.join("\n");
        let error = format!("the result is strict, and rules of it can't be checked:\n{lines}");
        Failure::from(Error::denied(error)).hint(Hint::AllowUnchecked)
    }
}
