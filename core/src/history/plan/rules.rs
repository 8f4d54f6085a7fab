//! The strategies for conflicts, and the checks of a result.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::history::checks::Checks;
use crate::history::merge::{Policy, Rule, Strategy};

/// A policy for merges: strategies for conflicts, and checks of the result. The command line reads
/// it from TOML; a saved plan contains it.
///
/// ```toml
/// default = "newest"           # for conflicts that no rule takes; without it they are left
///
/// [[rules]]                    # the first rule that fits counts
/// collection = "users"
/// path = "stats.*"
/// strategy = "sum"
///
/// [checks]                     # see `Checks`
/// schema = true
///
/// [[checks.unique]]
/// collection = "users"
/// fields = ["email"]
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The strategy for conflicts that no rule matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Strategy>,
    /// Strategies by collection and path; the first match applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// The checks of the result.
    #[serde(default)]
    pub checks: Checks,
}

impl Rules {
    /// Refuses invalid rules, and rules that could never apply or find anything.
    ///
    /// # Errors
    /// `Invalid`, naming the rule and a valid alternative.
    pub fn check(&self) -> Result<()> {
        self.policy().check()?;
        self.checks.validate()
    }

    pub(super) fn policy(&self) -> Policy {
        Policy { default: self.default.clone(), rules: self.rules.clone() }
    }
}
