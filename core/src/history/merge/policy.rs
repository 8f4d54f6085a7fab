//! The policy that assigns strategies to conflicts.

use serde::{Deserialize, Serialize};

use super::Strategy;
use crate::document::Pattern;
use crate::model::CollectionPattern;
use crate::{Error, Result};

/// Rules that assign strategies to conflicts; the first match applies.
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
    /// The rules in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// The strategy for conflicts that no rule matches, including whole documents; without it, they
    /// stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Strategy>,
}

/// A strategy for some paths of some collections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The collections; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionPattern>,
    /// The paths.
    pub path: Pattern,
    /// The strategy.
    pub strategy: Strategy,
}

impl Policy {
    /// Refuses rules that could never apply.
    ///
    /// # Errors
    /// `Invalid`, naming the rule and a valid alternative.
    pub fn check(&self) -> Result<()> {
        for rule in &self.rules {
            if rule.path.to_string().is_empty() {
                let strategy = &rule.strategy;
                return Err(Error::invalid(format!(
                    "the rule with strategy '{strategy}' has an empty path; expected a field, \
                     '(document)' for the document itself, or '**' for all"
                )));
            }
            rule.path.check().map_err(|error| {
                Error::invalid(format!("the rule with strategy '{}': {error}", rule.strategy))
            })?;
            self.rules.iter().try_for_each(|keyed| rule.check_below(keyed))?;
        }
        Ok(())
    }

    /// Returns the strategy for conflicts at the path with these names, if any.
    pub fn strategy(&self, collection: &str, names: &[impl AsRef<str>]) -> Option<&Strategy> {
        let fits = |rule: &&Rule| {
            rule.collection.as_ref().is_none_or(|pattern| pattern.matches(collection))
                && rule.path.matches_names(names.iter().map(AsRef::as_ref))
        };
        let rule = self.rules.iter().find(fits);
        rule.map(|rule| &rule.strategy).or(self.default.as_ref())
    }

    /// Whether a strategy may apply.
    pub(crate) fn uses(&self, strategy: &Strategy) -> bool {
        self.default.as_ref() == Some(strategy)
            || self.rules.iter().any(|rule| rule.strategy == *strategy)
    }

    /// The strategies that don't depend on which side is which, need only the values, and can
    /// resolve something.
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

impl Rule {
    /// Refuses a rule for the content of elements of an array that another rule merges by a field,
    /// if its path omits the element, which is a name of the path.
    fn check_below(&self, keyed: &Self) -> Result<()> {
        let Strategy::ByKey(field) = &keyed.strategy else { return Ok(()) };
        let same = keyed.collection.is_none() || keyed.collection == self.collection;
        match self.path.through(&keyed.path, &format!("{field}=")) {
            Some(through) if same => Err(Error::invalid(format!(
                "the rule for '{}' would never apply: '{}' is an array that is merged {}, and each \
                 element of it is a name of the path; write '{through}'",
                self.path, keyed.path, keyed.strategy
            ))),
            _ => Ok(()),
        }
    }
}
