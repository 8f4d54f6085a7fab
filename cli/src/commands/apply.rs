//! `argon apply`

use std::path::PathBuf;

use argon_core::Error;
use argon_core::model::Lsn;
use argon_service::json::ExtJson;
use argon_service::patches::{
    self, AppliedPatch, ApplyPatch, PatchConflict, PatchOutcome, PatchPreview, read_patch,
};
use clap::Args;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{count, escape};
use crate::plans::{note_indexes, note_rules, print_json};

const EXAMPLES: &str = "\
Examples:
  argon diff try --patch > try.argonpatch
  argon apply try.argonpatch --dry-run            check whether it fits the current branch
  argon apply try.argonpatch -m 'from the trial'
  argon apply try.argonpatch --reverse            take it back
  argon apply claim.argonpatch --strict           only if the job is not claimed yet

When to use --strict:
  Without it, a patch describes a result, and applying it again changes nothing. This suits corrections
  that several people may send. With it, a patch is applied once. This suits a version counter or a
  claimed job, where exactly one of several writers may succeed.";

/// Apply a patch of `argon diff --patch` to the current branch, as one commit or not at all.
///
/// A change of a document fits if the fields that it touches have the values of the patch; other fields may
/// differ. A change that exists already is left out, or refused by --strict. If something does not fit, each
/// such place is printed, nothing is changed, and the exit code is 5. The result is checked against the
/// validators and indexes of the collections; rules that can't be checked are noted, or refused by --strict.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ApplyArgs {
    /// The patch; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take the patch back: remove what it adds, and turn values after into values before
    #[arg(short = 'R', long)]
    reverse: bool,
    /// Refuse a change that exists already, since another writer made it, and a result with rules of its
    /// collections that can't be checked
    #[arg(long)]
    strict: bool,
    /// Only report whether it fits, and what it would change
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    signature: Signature,
}

impl ApplyArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let patch = read_patch(&self.file)?;
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let request = ApplyPatch {
            patch,
            source: self.source(),
            reverse: self.reverse,
            strict: self.strict,
            dry_run: self.dry_run,
            signature: self.signature.into(),
        };
        match patches::apply(&workspace, request).await? {
            PatchOutcome::Applied(applied) => reply(context, &applied),
            PatchOutcome::Conflicts(conflicts) => {
                refused(context, workspace.branch.as_str(), &conflicts)
            }
            PatchOutcome::Violations(rules) => {
                print_json(&context.output, &rules)?;
                Err(rules.error().into())
            }
            PatchOutcome::Unchecked(rules) => {
                print_json(&context.output, &rules)?;
                Err(rules.error().into())
            }
        }
    }

    /// The name of the file, for the log.
    fn source(&self) -> String {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        let name = if name == "-" { "standard input".into() } else { name.to_string_lossy() };
        if self.reverse { format!("{name}, taken back") } else { name.into_owned() }
    }
}

fn reply(context: &Context, applied: &AppliedPatch) -> CommandResult {
    note_rules(&context.output, &applied.unchecked);
    let AppliedPatch { branch, lsn, changed, skipped, .. } = applied;
    let changed = count(*changed, "document");
    let existing = match skipped {
        0 => String::new(),
        skipped => format!("; {}", exist(*skipped)),
    };
    let words = match (&applied.preview, lsn) {
        (Some(PatchPreview { at, collections }), _) => format!(
            "the patch fits {branch} at LSN {at}: {changed} would change, {} would be created, dropped \
             or changed{existing}",
            count(*collections, "collection"),
        ),
        (None, Some(lsn)) => {
            context.output.committed(Lsn::new(*lsn), branch);
            format!("applied as LSN {lsn} of {branch}: {changed} changed{existing}")
        }
        (None, None) => format!("nothing to apply: {}", exist(*skipped)),
    };
    context.output.reply(&words, applied)?;
    note_indexes(&context.output, &applied.indexes);
    Ok(())
}

fn exist(changes: u64) -> String {
    let verb = if changes == 1 { "exists" } else { "exist" };
    format!("{} {verb} already", count(changes, "change"))
}

/// Prints where a patch does not fit, and fails.
fn refused(context: &Context, branch: &str, conflicts: &[PatchConflict]) -> CommandResult {
    let mut listing = context.output.listing(&[]);
    for conflict in conflicts {
        listing.result(&text(conflict), conflict)?;
    }
    listing.finish()?;
    let number = count(conflicts.len() as u64, "place");
    Err(Error::conflict(format!(
        "the patch does not fit {branch} in {number}; nothing was applied"
    ))
    .into())
}

fn text(conflict: &PatchConflict) -> String {
    let PatchConflict { collection, id, path, problem, expected, found, .. } = conflict;
    let mut text = format!("collection {}", escape::line(collection));
    if let Some(id) = id {
        text.push_str(&format!(", _id: {}", id.as_str()));
    }
    if let Some(path) = path {
        text.push_str(&format!(", {}", escape::line(path)));
    }
    text.push_str(&format!(": {problem}"));
    if expected.is_some() || found.is_some() {
        let or_nothing = |side: &Option<ExtJson>| {
            side.as_ref().map_or_else(|| "nothing".to_owned(), |value| value.as_str().to_owned())
        };
        let (expected, found) = (or_nothing(expected), or_nothing(found));
        text.push_str(&format!(" (expected {expected}, found {found})"));
    }
    text
}
