//! The rules of a plan, from a policy file and options.

use std::path::PathBuf;

use argon_core::merge::Strategy;
use argon_service::merge_policy;
use argon_service::plan::PlanRules;
use clap::Args;

/// Whether rules that can't be checked are allowed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Strictness {
    /// Refuse the result if a rule of its collections can't be checked, such as a validator with an
    /// operator that Argon does not know; without it, such rules are named in notes
    #[arg(long)]
    pub(crate) strict: bool,
}

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
    /// The rules of a plan; `strategy` precedes the file's own.
    ///
    /// # Errors
    /// `Invalid`, naming the file, if it is not a policy; `NotFound` and the like for the file.
    pub(crate) fn rules(&self, strategy: Option<Strategy>) -> argon_core::Result<PlanRules> {
        let policy = self.policy.as_deref().map(merge_policy::read).transpose()?;
        let strict = self.strictness.strict;
        Ok(PlanRules { policy: policy.unwrap_or_default(), strategy, strict })
    }
}
