use argon_core::checks::Checks;
use argon_core::merge::Strategy;
use argon_core::plan::Rules;
use schemars::JsonSchema;
use serde::Deserialize;

/// The rules of a plan.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct PlanRules {
    /// Strategies for conflicts, and checks of the result; docs/merge-policy.toml explains the keys.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub policy: Rules,
    /// The strategy for conflicts that no rule of the policy takes: `ours`, `theirs`, `newest`, `max`, `min`,
    /// `sum`, `union`, `append`, `touched` or `by-key(FIELD)`; without it, the policy's own.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub strategy: Option<Strategy>,
    /// Whether a result is refused if a rule of its collections can't be checked.
    #[serde(default)]
    pub strict: bool,
}

impl PlanRules {
    /// The policy, with the strategy and the strictness that precede it.
    pub(super) fn into_rules(self) -> Rules {
        let Self { policy, strategy, strict } = self;
        let checks = Checks { strict: strict || policy.checks.strict, ..policy.checks };
        Rules { default: strategy.or(policy.default), checks, ..policy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_precedes_the_policy() {
        let rules = |request: &str| {
            let request: PlanRules = serde_json::from_str(request).unwrap();
            request.into_rules()
        };
        assert_eq!(
            rules(r#"{"policy": {"default": "ours"}}"#).default,
            Some(Strategy::Ours),
            "without a strategy, the policy's own counts"
        );
        let both = rules(r#"{"policy": {"default": "ours"}, "strategy": "max", "strict": true}"#);
        assert_eq!(both.default, Some(Strategy::Max));
        assert!(both.checks.strict);
        assert!(rules(r#"{"policy": {"checks": {"strict": true}}}"#).checks.strict);
    }
}
