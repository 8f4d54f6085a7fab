//! Policies, from a file and options.

use std::path::PathBuf;

use argon_core::checks::Checks;
use argon_core::merge::Strategy;
use argon_core::plan::Rules;
use argon_service::merge_policy;
use clap::Args;

use super::Strictness;

/// The policy of a command.
#[derive(Args)]
pub(crate) struct PolicyArgs {
    /// Strategies for conflicts and checks of the result, in TOML; docs/merge-policy.toml explains it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    strictness: Strictness,
}

impl PolicyArgs {
    /// The rules of the file, or none but what collections say themselves; `default` goes before the
    /// file's own.
    ///
    /// # Errors
    /// `Invalid`, naming the file, for what is no policy; `NotFound` and the like for the file.
    pub(crate) fn rules(&self, default: Option<Strategy>) -> argon_core::Result<Rules> {
        let rules = self.policy.as_deref().map(merge_policy::read).transpose()?.unwrap_or_default();
        let strict = self.strictness.strict || rules.checks.strict;
        let checks = Checks { strict, ..rules.checks };
        Ok(Rules { default: default.or(rules.default), checks, ..rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_goes_before_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.toml");
        std::fs::write(&path, "default = 'ours'").unwrap();
        let policy = PolicyArgs { policy: Some(path), strictness: Strictness { strict: true } };
        assert_eq!(policy.rules(None).unwrap().default, Some(Strategy::Ours));
        assert_eq!(policy.rules(Some(Strategy::Max)).unwrap().default, Some(Strategy::Max));
        assert!(policy.rules(None).unwrap().checks.strict);
    }
}
