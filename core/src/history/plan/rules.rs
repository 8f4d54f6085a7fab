//! What settles conflicts, and what a result must satisfy.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::history::checks::Checks;
use crate::history::merge::{Policy, Rule, Strategy};

/// A policy for merges: strategies for conflicts, and checks of the result. The command line reads it
/// from TOML; a stored plan keeps it.
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
    /// What settles a conflict that no rule takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Strategy>,
    /// Strategies by collection and path, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What must hold of the result.
    #[serde(default)]
    pub checks: Checks,
}

impl Rules {
    /// Refuses rules that can't be used, or that would never settle or find anything as they are written.
    ///
    /// # Errors
    /// `Invalid`, naming the rule, and with what to write instead.
    pub fn check(&self) -> Result<()> {
        self.policy().check()?;
        self.checks.validate()
    }

    pub(super) fn policy(&self) -> Policy {
        Policy { default: self.default.clone(), rules: self.rules.clone() }
    }
}
