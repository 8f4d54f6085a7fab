//! Which strategy settles which conflict.

use serde::{Deserialize, Serialize};

use super::{CollectionPattern, PathPattern, Strategy};

/// Rules that say which strategy settles a conflict; the first one that fits counts.
///
/// In TOML:
///
/// ```toml
/// default = "newest"
///
/// [[rules]]
/// collection = "orders"
/// path = "items"
/// strategy = "by-key(sku)"
///
/// [[rules]]
/// path = "stats.*"
/// strategy = "sum"
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// In the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// For what no rule fits, the whole document included; without it such a conflict is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Strategy>,
}

/// A strategy for some paths of some collections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For which collections; without it, for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionPattern>,
    /// For which paths.
    pub path: PathPattern,
    /// What settles a conflict there.
    pub strategy: Strategy,
}

impl Policy {
    /// What settles a conflict at the path along these keys, if anything does.
    pub fn strategy(&self, collection: &str, keys: &[impl AsRef<str>]) -> Option<&Strategy> {
        let fits = |rule: &&Rule| {
            rule.collection.as_ref().is_none_or(|pattern| pattern.matches(collection))
                && rule.path.matches(keys)
        };
        let rule = self.rules.iter().find(fits);
        rule.map(|rule| &rule.strategy).or(self.default.as_ref())
    }

    /// Whether a strategy may be asked for.
    pub(crate) fn uses(&self, strategy: &Strategy) -> bool {
        self.default.as_ref() == Some(strategy)
            || self.rules.iter().any(|rule| rule.strategy == *strategy)
    }

    /// The strategies that give the same whichever side is which, ask for nothing but the values, and can
    /// settle something.
    pub(crate) fn symmetric(&self) -> Self {
        let is_symmetric = |strategy: &Strategy| {
            !matches!(
                strategy,
                Strategy::Ours | Strategy::Theirs | Strategy::Newest | Strategy::Touched
            )
        };
        let rules = self.rules.iter().filter(|rule| is_symmetric(&rule.strategy));
        Self { rules: rules.cloned().collect(), default: self.default.clone().filter(is_symmetric) }
    }
}
