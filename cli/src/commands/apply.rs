//! `argon apply`

use std::path::PathBuf;

use argon_core::checks::{Checked, Unchecked};
use argon_core::model::{Origin, Picked};
use argon_core::patch::{
    Already, Applied, Conflict, ConflictReason, MisfitReason, Patch, Preview, apply_with,
    check_with,
};
use argon_core::{Error, log};
use argon_formats::extjson::{Layout, Mode, print_raw_value};
use argon_service::Workspace;
use argon_service::patches::{NamedState, ReadPatch, read_patch};
use bson::raw::RawBson;
use clap::Args;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Json, count, escape};
use crate::plans::{note_unchecked, refused_unchecked, unchecked_json, violated};

const EXAMPLES: &str = "\
Examples:
  argon diff try --patch > try.argonpatch
  argon apply try.argonpatch --dry-run            whether it fits the current branch
  argon apply try.argonpatch -m 'from the trial'
  argon apply try.argonpatch --reverse            take it back
  argon apply claim.argonpatch --strict           only if nobody has claimed it before

Which is right:
  Without --strict a patch says how things shall be, and applying it again changes nothing: right for
  corrections that several people may send. With it a patch says what its writer does, once: right for
  a version counter or a claimed job, of whose many writers only one may be told that it is done.";

/// Apply a patch of `argon diff --patch` to the current branch, as one commit or not at all.
///
/// A change of a document fits if the fields that it touches are as the patch says; what else is in the
/// document may differ. A change that is there already is left out, or refused by --strict. If something
/// does not fit, each such place is printed, nothing is changed, and the exit code is 5. The result is held
/// to the validators and indexes of the collections; rules that can't be checked are named in notes, or
/// refused by --strict.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ApplyArgs {
    /// The patch; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take the patch back: what it adds is removed, values after become values before
    #[arg(short = 'R', long)]
    reverse: bool,
    /// Refuse a change that is there already, as somebody else made it, and a result with rules of its
    /// collections that can't be checked
    #[arg(long)]
    strict: bool,
    /// Only say whether it fits and what it would change
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    signature: Signature,
}

impl ApplyArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let ReadPatch { patch, from, to } = read_patch(&self.file)?;
        let (patch, leads_to) = if self.reverse { (patch.reversed(), from) } else { (patch, to) };
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let already = if self.strict { Already::Refuse } else { Already::Skip };
        if self.dry_run {
            return Self::preview(context, &workspace, &patch, already).await;
        }
        let mut request = self.signature.request(&branch);
        request.set_origin(self.origin(&workspace, leads_to).await);
        match apply_with(&patch, &branch, request, already).await? {
            Applied::Conflicts(conflicts) => refused(context, &workspace, &conflicts),
            Applied::Violations(found) => Err(violated(context, &found)?),
            Applied::Unchecked(found) => Err(refused_unchecked(context, &found)?),
            Applied::Done { receipt: None, skipped, unchecked } => context
                .output
                .done(&format!("nothing to apply: {} there already", are(skipped)), || {
                    json(None, 0, skipped, &unchecked)
                }),
            Applied::Done { receipt: Some(receipt), skipped, unchecked } => {
                note_unchecked(&context.output, &unchecked);
                let changed = receipt.changed;
                context.output.committed(receipt.lsn, branch.name());
                let words = format!(
                    "applied as LSN {} of {}: {} changed{}",
                    receipt.lsn,
                    branch.name(),
                    count(changed as u64, "document"),
                    there_already(skipped)
                );
                let lsn = Some(receipt.lsn.get());
                context.output.done(&words, || json(lsn, changed, skipped, &unchecked))
            }
        }
    }

    async fn preview(
        context: &Context,
        workspace: &Workspace,
        patch: &Patch,
        already: Already,
    ) -> CommandResult {
        let head = workspace.state(None).await?;
        let preview = check_with(patch, &head, already).await?;
        if !preview.conflicts.is_empty() {
            return refused(context, workspace, &preview.conflicts);
        }
        let Checked { violations, unchecked } = preview.check_rules(&head).await?;
        if !violations.is_empty() {
            return Err(violated(context, &violations)?);
        }
        if already == Already::Refuse && !unchecked.is_empty() {
            return Err(refused_unchecked(context, &unchecked)?);
        }
        note_unchecked(&context.output, &unchecked);
        let Preview { documents, collections, skipped, .. } = preview;
        let words = format!(
            "it fits {} at LSN {}: {} would change, {} would be made, dropped or changed{}",
            workspace.branch,
            head.lsn(),
            count(documents as u64, "document"),
            count(collections as u64, "collection"),
            there_already(skipped)
        );
        context.output.done(&words, || json(None, documents, skipped, &unchecked))
    }

    /// What the log says of the commit: the state to which the patch leads too, if this store has it.
    async fn origin(&self, workspace: &Workspace, leads_to: Option<NamedState>) -> Origin {
        let source = self.source();
        match leads_to {
            Some(named) => match known(workspace, &named).await {
                Ok(Some(state)) => Origin::PatchOf { source, state },
                // It is of another store, or its branch is gone.
                Ok(None) | Err(_) => Origin::Patch { source },
            },
            None => Origin::Patch { source },
        }
    }

    /// The name of the file, for the log.
    fn source(&self) -> String {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        let name = if name == "-" { "standard input".into() } else { name.to_string_lossy() };
        if self.reverse { format!("{name}, taken back") } else { name.into_owned() }
    }
}

/// The last commit of a state that a patch names, if the branch of this name has it.
async fn known(workspace: &Workspace, named: &NamedState) -> argon_core::Result<Option<Picked>> {
    let state = workspace.project.branch(&named.branch).await?.at(named.lsn).await?;
    let Some(commit) = state.view().point().filter(|_| !state.is_masked()) else { return Ok(None) };
    let digest = log::commit_at(&state, named.lsn).await?.digest;
    Ok((digest.to_string() == named.digest).then_some(Picked { commit, digest }))
}

fn json(lsn: Option<u64>, changed: usize, skipped: usize, unchecked: &[Unchecked]) -> Json {
    Json::object([
        ("lsn", lsn.into()),
        ("changed", (changed as u64).into()),
        ("skipped", (skipped as u64).into()),
        ("unchecked", unchecked_json(unchecked)),
    ])
}

fn are(number: usize) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number as u64, "change"))
}

fn there_already(skipped: usize) -> String {
    match skipped {
        0 => String::new(),
        skipped => format!("; {} there already", are(skipped)),
    }
}

/// Prints where a patch does not fit, and fails.
fn refused(context: &Context, workspace: &Workspace, conflicts: &[Conflict]) -> CommandResult {
    let mut listing = context.output.listing(&[]);
    for conflict in conflicts {
        let line = Line::of(conflict)?;
        listing.line(&line.text(), || line.json().compact())?;
    }
    listing.finish()?;
    let number = count(conflicts.len() as u64, "place");
    let branch = &workspace.branch;
    Err(Error::conflict(format!(
        "the patch does not fit {branch} in {number}; nothing was applied"
    ))
    .into())
}

/// A conflict as it is printed.
struct Line {
    collection: String,
    id: Option<String>,
    path: Option<String>,
    problem: String,
    expected: Option<String>,
    found: Option<String>,
}

impl Line {
    fn of(conflict: &Conflict) -> CommandResult<Self> {
        let print = |value: &RawBson| {
            print_raw_value(value.as_raw_bson_ref(), Mode::Relaxed, Layout::Compact)
        };
        let id = conflict.key.as_ref().map(|key| RawBson::try_from(key.to_bson()));
        let id = id.and_then(Result::ok).map(|id| print(&id)).transpose()?;
        let (expected, found) = match &conflict.reason {
            ConflictReason::Field { expected, found, .. } => (expected.as_ref(), found.as_ref()),
            _ => (None, None),
        };
        Ok(Self {
            collection: conflict.collection.to_string(),
            id,
            path: Some(&conflict.path).filter(|path| !path.is_document()).map(ToString::to_string),
            problem: problem(&conflict.reason).to_owned(),
            expected: expected.map(print).transpose()?,
            found: found.map(print).transpose()?,
        })
    }

    fn text(&self) -> String {
        let mut text = format!("collection {}", escape::line(&self.collection));
        if let Some(id) = &self.id {
            text.push_str(&format!(", _id: {id}"));
        }
        if let Some(path) = &self.path {
            text.push_str(&format!(", {}", escape::line(path)));
        }
        text.push_str(&format!(": {}", self.problem));
        if self.expected.is_some() || self.found.is_some() {
            let or_nothing = |side: &Option<String>| side.clone().unwrap_or("nothing".to_owned());
            let (expected, found) = (or_nothing(&self.expected), or_nothing(&self.found));
            text.push_str(&format!(" (expected {expected}, found {found})"));
        }
        text
    }

    fn json(&self) -> Json {
        let verbatim = |value: &Option<String>| Json::from(value.clone().map(Json::Verbatim));
        Json::object([
            ("kind", "conflict".into()),
            ("collection", self.collection.as_str().into()),
            ("id", verbatim(&self.id)),
            ("path", self.path.as_deref().into()),
            ("problem", self.problem.as_str().into()),
            ("expected", verbatim(&self.expected)),
            ("found", verbatim(&self.found)),
        ])
    }
}

fn problem(reason: &ConflictReason) -> &'static str {
    match reason {
        ConflictReason::Missing => "it is not there",
        ConflictReason::Exists => "there is another one already",
        ConflictReason::Differs => "they are not as the patch says",
        ConflictReason::Unknown => "the patch drops the collection and does not have this document",
        ConflictReason::Already => "it is so already, and --strict was given",
        ConflictReason::Field { reason, .. } => match reason {
            MisfitReason::Value => "it is not as the patch says",
            MisfitReason::NotInside => "there is nothing inside it to change",
            MisfitReason::Length => "the array has another length",
            MisfitReason::Order => "the fields stand in another order",
            MisfitReason::Ambiguous => "it has two fields of one name",
            MisfitReason::Already => "it is so already",
        },
    }
}
