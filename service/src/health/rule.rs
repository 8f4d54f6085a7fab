//! Configured rules of alerts.

use std::collections::{BTreeMap, BTreeSet};

use crate::duration::parse_duration;
use crate::settings::{AlertRule, Comparison, Threshold};
use argon_core::{Error, Result};

use super::measured::number;
use crate::size::parse_size;

/// A rule that can be evaluated.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The configuration.
    pub configured: AlertRule,
    /// The threshold in the metric's unit: seconds, bytes or a count.
    pub threshold: f64,
}

impl Rule {
    /// Reads the configured rules.
    ///
    /// # Errors
    /// `Invalid` for a duplicate name, a threshold that is not a number, and a rule without a receiver.
    pub fn all(configured: &[AlertRule]) -> Result<Vec<Self>> {
        let mut names = BTreeSet::new();
        let rules = configured.iter().map(|rule| {
            if !names.insert(&rule.name) {
                return Err(wrong(rule, "the name is used by two rules; rename one"));
            }
            Self::of(rule)
        });
        rules.collect()
    }

    fn of(rule: &AlertRule) -> Result<Self> {
        match (&rule.webhook, &rule.command) {
            (Some(_), None) => {}
            (None, Some(command)) if !command.is_empty() => {}
            _ => return Err(wrong(rule, "it needs either a webhook or a command")),
        }
        if rule.secret_env.is_some() && rule.webhook.is_none() {
            return Err(wrong(rule, "secret_env signs what a webhook is sent, and it has none"));
        }
        let threshold = match &rule.threshold {
            Threshold::Number(number) => Some(*number),
            Threshold::Text(text) => with_unit(&rule.metric, text),
        };
        let threshold = threshold.filter(|threshold| threshold.is_finite()).ok_or_else(|| {
            let expected = "its threshold should be a number, a duration such as \"5m\" for \
                            seconds, or a size such as \"2GiB\" for bytes";
            wrong(rule, expected)
        })?;
        Ok(Self { configured: rule.clone(), threshold })
    }

    /// The value of the rule's metric, and whether it meets the rule; `None` without a value.
    pub fn judge(&self, values: &BTreeMap<String, f64>) -> Option<(f64, bool)> {
        let value = *values.get(self.configured.metric.as_str())?;
        let threshold = self.threshold;
        #[expect(clippy::float_cmp, reason = "asked for; meant for counts")]
        let holds = match self.configured.op {
            Comparison::Above => value > threshold,
            Comparison::AtLeast => value >= threshold,
            Comparison::Below => value < threshold,
            Comparison::AtMost => value <= threshold,
            Comparison::Equal => value == threshold,
            Comparison::Different => value != threshold,
        };
        Some((value, holds))
    }

    /// Metric and threshold, as they are written.
    pub fn condition(&self) -> String {
        let AlertRule { metric, op, threshold, .. } = &self.configured;
        let threshold = match threshold {
            Threshold::Number(number) => number.to_string(),
            Threshold::Text(text) => text.clone(),
        };
        format!("{metric} {} {threshold}", op_text(*op))
    }
}

fn with_unit(metric: &str, text: &str) -> Option<f64> {
    let seconds = || parse_duration(text).ok().map(|duration| duration.as_secs_f64());
    let bytes = || parse_size(text).ok().map(number);
    if metric.ends_with("_seconds") {
        seconds()
    } else if metric.ends_with("_bytes") {
        bytes()
    } else {
        text.parse().ok()
    }
}

fn wrong(rule: &AlertRule, what: &str) -> Error {
    Error::invalid(format!("alert '{}' in the configuration: {what}", rule.name))
}

pub(super) fn op_text(op: Comparison) -> &'static str {
    match op {
        Comparison::Above => ">",
        Comparison::AtLeast => ">=",
        Comparison::Below => "<",
        Comparison::AtMost => "<=",
        Comparison::Equal => "==",
        Comparison::Different => "!=",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(metric: &str, op: &str, threshold: &str) -> AlertRule {
        let text = format!(
            "name = 'r'\nmetric = '{metric}'\nop = '{op}'\nthreshold = {threshold}\ncommand = ['x']"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_threshold_is_read_in_the_unit_of_its_metric() {
        let threshold =
            |metric, text| Rule::of(&rule(metric, ">", text)).map(|rule| rule.threshold).ok();
        assert_eq!(threshold("backlog_lag_seconds", "'5m'"), Some(300.0));
        assert_eq!(threshold("free_bytes", "'2KiB'"), Some(2048.0));
        assert_eq!(threshold("backlog_waiting", "7"), Some(7.0));
        assert_eq!(threshold("backlog_waiting", "'7'"), Some(7.0));
        for (metric, text) in [
            ("free_bytes", "'5m'"),
            ("backlog_lag_seconds", "'2KiB'"),
            ("backlog_waiting", "'5m'"),
            ("backlog_waiting", "nan"),
        ] {
            assert_eq!(threshold(metric, text), None, "{metric} {text}");
        }
    }

    #[test]
    fn every_comparison_is_the_one_that_is_written() {
        for (op, expected) in [
            (">", [false, false, true]),
            (">=", [false, true, true]),
            ("<", [true, false, false]),
            ("<=", [true, true, false]),
            ("==", [false, true, false]),
            ("!=", [true, false, true]),
        ] {
            let rule = Rule::of(&rule("m", op, "2")).unwrap();
            let judged = [1.0, 2.0, 3.0].map(|value| {
                let judged = rule.judge(&[("m".to_owned(), value)].into()).unwrap();
                assert!((judged.0 - value).abs() < f64::EPSILON);
                judged.1
            });
            assert_eq!(judged, expected, "{op}");
            assert_eq!(rule.condition(), format!("m {op} 2"));
        }
    }

    #[test]
    fn a_metric_without_a_value_is_not_judged() {
        assert_eq!(Rule::of(&rule("m", ">", "2")).unwrap().judge(&BTreeMap::new()), None);
    }

    #[test]
    fn rules_that_tell_nobody_or_have_one_name_are_refused() {
        let good = rule("m", ">", "2");
        let silent = AlertRule { command: None, ..good.clone() };
        let empty = AlertRule { command: Some(Vec::new()), ..good.clone() };
        let both = AlertRule { webhook: Some("https://x".to_owned()), ..good.clone() };
        let secret = AlertRule { secret_env: Some("S".to_owned()), ..good.clone() };
        for wrong in [[silent].as_slice(), &[empty], &[both], &[secret], &[good.clone(), good]] {
            let error = Rule::all(wrong).unwrap_err();
            assert!(error.to_string().contains("alert 'r'"), "{error}");
        }
    }
}
