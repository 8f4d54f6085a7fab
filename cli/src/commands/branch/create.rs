//! `argon branch create`

use std::path::PathBuf;

use argon_core::Revision;
use argon_core::model::BranchName;
use argon_service::Workspace;
use argon_service::branch::{self, CreateBranch, CreateMaskedBranch};
use argon_service::mask_policy;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon branch create try                                  from the current branch
  argon branch create audit --from main@2026-07-07         from the past
  argon branch create again --from backup/main/20260707T090000.123Z
  argon branch create shared --mask mask.toml              documents changed as the file says

A masked branch never gives the originals: its documents are changed, or left out, as the policy
says, on every read, and nothing is copied. What is written on it is given as it was written. No
command takes the mask off, and what is made of the branch has it too. Whoever may read the branch
from which it was made, or the store itself, reads the originals. docs/mask.toml explains a policy.";

/// Make a branch of any state; it costs one write, whatever the size of the data.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    /// Letters, digits, '-', '_', '.' and '/'
    name: BranchName,
    /// The state it starts from [default: the head of the current branch]
    #[arg(long, value_name = "REV")]
    from: Option<Revision>,
    /// Hash, redact, make up or leave out what this policy says
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// Make a branch that takes no commits
    #[arg(long, conflicts_with = "mask")]
    read_only: bool,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let policy = self.mask.as_deref().map(mask_policy::load).transpose()?;
        let workspace = context.workspace().await?;
        let Self { name: branch, from, read_only, .. } = self;
        let Some(policy) = policy else {
            let request = CreateBranch { branch, from, read_only };
            return create(context, &workspace, request).await;
        };
        let request = CreateMaskedBranch { branch, from, policy };
        let made = branch::create_masked(&workspace, request, &context.output).await?;
        let (name, parent, lsn) = (&made.branch, &made.parent, made.lsn);
        let mut words = format!("made masked branch {name} of {parent} at LSN {lsn}");
        for covered in &made.collections {
            words.push_str(&format!("\n  {}: {}", covered.collection, covered.shown));
        }
        words.push_str(&format!("\n`argon switch {name}` makes it the current one"));
        context.output.reply(&words, &made)
    }
}

/// Makes a branch.
pub(crate) async fn create(
    context: &Context,
    workspace: &Workspace,
    request: CreateBranch,
) -> CommandResult {
    let made = branch::create(workspace, request).await?;
    let (name, parent, lsn) = (&made.branch, &made.parent, made.lsn);
    let kind = if made.read_only { "read-only branch" } else { "branch" };
    let words = format!(
        "made {kind} {name} of {parent} at LSN {lsn}\n`argon switch {name}` makes it the current one"
    );
    context.output.reply(&words, &made)
}
