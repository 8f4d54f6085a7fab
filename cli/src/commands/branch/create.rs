//! `argon branch create`

use std::path::PathBuf;

use argon_core::mask::{MaskPolicy, Treatment, coverage};
use argon_core::model::BranchName;
use argon_core::{ErrorKind, Revision};
use argon_service::Workspace;
use argon_service::mask_policy;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::{Json, count};

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
        let Some(policy) = policy else {
            let new =
                NewBranch { name: &self.name, from: self.from.as_ref(), read_only: self.read_only };
            return create(context, &workspace, new).await;
        };
        self.masked(context, &workspace, policy).await
    }

    async fn masked(
        &self,
        context: &Context,
        workspace: &Workspace,
        policy: MaskPolicy,
    ) -> CommandResult {
        let (name, from) = (&self.name, self.from.as_ref());
        let state = workspace.state(from).await?;
        let parent = from.map_or(&workspace.branch, |from| from.branch_or(&workspace.branch));
        let coverage = coverage(&policy, &state);
        workspace
            .project
            .create_masked_branch(name, &state, Some(parent), policy)
            .await
            .hint_on(ErrorKind::AlreadyExists, || {
                "a branch that is there gets no mask".to_owned()
            })?;
        for entry in &coverage.unused {
            context.output.note(&format!("the policy's entry '{entry}' names no collection"));
        }
        let lsn = state.lsn();
        let mut words = format!("made masked branch {name} of {parent} at LSN {lsn}");
        for covered in &coverage.collections {
            words.push_str(&format!("\n  {}: {}", covered.collection, in_words(covered.treatment)));
        }
        words.push_str(&format!("\n`argon switch {name}` makes it the current one"));
        context.output.done(&words, || {
            let collections = coverage.collections.iter().map(|covered| {
                Json::object([
                    ("collection", covered.collection.as_str().into()),
                    ("shown", in_words(covered.treatment).into()),
                ])
            });
            Json::object([
                ("branch", name.as_str().into()),
                ("parent", parent.as_str().into()),
                ("lsn", lsn.get().into()),
                ("masked", true.into()),
                ("collections", Json::Array(collections.collect())),
            ])
        })
    }
}

fn in_words(treatment: Treatment) -> String {
    match treatment {
        Treatment::Hidden => "hidden".to_owned(),
        Treatment::HiddenUnlisted => "hidden, since the policy has no entry for it".to_owned(),
        Treatment::ShownUnlisted => "shown as it is, since unlisted = \"show\"".to_owned(),
        Treatment::Masked { fields, allow_list, filtered } => {
            let mut parts = vec![count(fields as u64, "rule")];
            parts.extend(allow_list.then(|| "only what is allowed is shown".to_owned()));
            parts.extend(filtered.then(|| "only documents that match".to_owned()));
            parts.join(", ")
        }
    }
}

/// A branch that is to be made.
pub(crate) struct NewBranch<'a> {
    pub(crate) name: &'a BranchName,
    /// What it starts from; the head of the current branch if it is not said.
    pub(crate) from: Option<&'a Revision>,
    pub(crate) read_only: bool,
}

/// Makes a branch.
pub(crate) async fn create(
    context: &Context,
    workspace: &Workspace,
    NewBranch { name, from, read_only }: NewBranch<'_>,
) -> CommandResult {
    let state = workspace.state(from).await?;
    let parent = from.map_or(&workspace.branch, |from| from.branch_or(&workspace.branch));
    let made = if read_only {
        workspace.project.create_read_only_branch(name, &state, Some(parent)).await
    } else {
        workspace.project.create_branch(name, &state, Some(parent)).await
    };
    if made.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
        let advice = match Revision::head(name.clone()).pin(&workspace.project).await? {
            Some(_) => format!(
                "`--at {name}` reads it; `argon branch create NAME --from {name}` makes a branch of it"
            ),
            None => format!("`argon switch {name}` makes it current"),
        };
        made.hint_on(ErrorKind::AlreadyExists, || advice)?;
    } else {
        made?;
    }
    let lsn = state.lsn();
    let kind = if read_only { "read-only branch" } else { "branch" };
    let words = format!(
        "made {kind} {name} of {parent} at LSN {lsn}\n`argon switch {name}` makes it the current one"
    );
    context.output.done(&words, || {
        Json::object([
            ("branch", name.as_str().into()),
            ("parent", parent.as_str().into()),
            ("lsn", lsn.get().into()),
            ("read_only", read_only.into()),
        ])
    })
}
