use argon_core::checks::{Checked, Unchecked, Violation};
use argon_core::model::{BranchName, Lsn, Origin, Picked};
use argon_core::patch::{self, Already, Applied, Patch, Preview};
use argon_core::{Branch, log};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::PatchConflict;
use super::read::{self, NamedState, ReadPatch};
use crate::collections::Signature;
use crate::index::{self, BuiltIndex};
use crate::plan::{BrokenRules, UncheckedRule, UncheckedRules};
use crate::{Result, Workspace};

/// Apply a patch to the current branch, as one commit or not at all.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ApplyPatch {
    /// The text of the patch.
    #[serde(deserialize_with = "text_of_patch")]
    #[schemars(with = "String")]
    pub patch: ReadPatch,
    /// The name of the patch, for the log.
    pub source: String,
    /// Whether the patch is taken back: what it adds is removed, values after become values before.
    #[serde(default)]
    pub reverse: bool,
    /// Whether a change that exists already is refused, and a result with rules that can't be checked.
    #[serde(default)]
    pub strict: bool,
    /// Whether nothing is changed.
    #[serde(default)]
    pub dry_run: bool,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

fn text_of_patch<'de, D: Deserializer<'de>>(input: D) -> Result<ReadPatch, D::Error> {
    read::parse_patch("the patch", String::deserialize(input)?.as_bytes()).map_err(D::Error::custom)
}

/// A patch that fits, and was applied unless it was a dry run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AppliedPatch {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The commit; none if it was a dry run, or all changes existed already.
    pub lsn: Option<u64>,
    /// The number of documents that it changed or would change.
    pub changed: u64,
    /// The number of its changes that existed already.
    pub skipped: u64,
    /// The rules of the collections that could not be checked.
    pub unchecked: Vec<UncheckedRule>,
    /// The indexes whose definitions the commit brought, which had no entries.
    pub indexes: Vec<BuiltIndex>,
    /// Further results of a dry run.
    #[serde(skip)]
    pub preview: Option<PatchPreview>,
}

/// A state, and what a patch would change of its collections.
#[derive(Debug, Clone)]
pub struct PatchPreview {
    /// The position of the state.
    pub at: Lsn,
    /// The number of collections that would be created, dropped or changed.
    pub collections: u64,
}

/// The outcome of applying a patch. Only the first changes anything.
#[derive(Debug)]
pub enum PatchOutcome {
    /// It fits.
    Applied(AppliedPatch),
    /// It does not fit in these places.
    Conflicts(Vec<PatchConflict>),
    /// Its result breaks rules of the collections; these are the first.
    Violations(BrokenRules),
    /// These rules of the collections can't be checked, which a strict request refuses.
    Unchecked(UncheckedRules),
}

/// Applies a patch.
///
/// # Errors
/// `Conflict` if other writers keep coming first; `Denied` for a masked branch; those of the commit.
pub async fn apply(workspace: &Workspace, request: ApplyPatch) -> Result<PatchOutcome> {
    let ApplyPatch { patch, source, reverse, strict, dry_run, signature } = request;
    let ReadPatch { patch, from, to } = patch;
    let (patch, leads_to) = if reverse { (patch.reversed(), from) } else { (patch, to) };
    let branch = workspace.branch().await?;
    let already = if strict { Already::Refuse } else { Already::Skip };
    if dry_run {
        return preview(&branch, &patch, already).await;
    }
    let mut request = signature.request(&branch);
    request.set_origin(origin(workspace, source, leads_to).await);
    let (receipt, skipped, unchecked) =
        match patch::apply_with(&patch, &branch, request, already).await? {
            Applied::Done { receipt, skipped, unchecked } => (receipt, skipped, unchecked),
            Applied::Conflicts(found) => return PatchOutcome::conflicts(&found),
            Applied::Violations(found) => return Ok(PatchOutcome::broken(&found)),
            Applied::Unchecked(found) => return Ok(PatchOutcome::unchecked(&found)),
        };
    let indexes = match &receipt {
        Some(receipt) => index::build_brought(&branch, index::before(receipt.lsn)).await,
        None => Vec::new(),
    };
    Ok(PatchOutcome::Applied(AppliedPatch {
        indexes,
        branch: branch.name().clone(),
        lsn: receipt.as_ref().map(|receipt| receipt.lsn.get()),
        changed: receipt.map_or(0, |receipt| receipt.changed as u64),
        skipped: skipped as u64,
        unchecked: UncheckedRules::of(&unchecked).unchecked,
        preview: None,
    }))
}

async fn preview(branch: &Branch, patch: &Patch, already: Already) -> Result<PatchOutcome> {
    let head = branch.head().await?;
    let preview = patch::check_with(patch, &head, already).await?;
    if !preview.conflicts.is_empty() {
        return PatchOutcome::conflicts(&preview.conflicts);
    }
    let Checked { violations, unchecked } = preview.check_rules(&head).await?;
    if !violations.is_empty() {
        return Ok(PatchOutcome::broken(&violations));
    }
    if already == Already::Refuse && !unchecked.is_empty() {
        return Ok(PatchOutcome::unchecked(&unchecked));
    }
    let Preview { documents, collections, skipped, .. } = preview;
    Ok(PatchOutcome::Applied(AppliedPatch {
        branch: branch.name().clone(),
        lsn: None,
        changed: documents as u64,
        skipped: skipped as u64,
        unchecked: UncheckedRules::of(&unchecked).unchecked,
        indexes: Vec::new(),
        preview: Some(PatchPreview { at: head.lsn(), collections: collections as u64 }),
    }))
}

impl PatchOutcome {
    fn broken(found: &[Violation]) -> Self {
        Self::Violations(BrokenRules::of(found))
    }

    fn unchecked(found: &[Unchecked]) -> Self {
        Self::Unchecked(UncheckedRules::of(found))
    }

    fn conflicts(found: &[patch::Conflict]) -> Result<Self> {
        let conflicts = found.iter().map(PatchConflict::of).collect::<Result<_>>()?;
        Ok(Self::Conflicts(conflicts))
    }
}

/// The origin of the commit: with the state to which the patch leads, if this store has it.
async fn origin(workspace: &Workspace, source: String, leads_to: Option<NamedState>) -> Origin {
    let Some(named) = leads_to else { return Origin::Patch { source } };
    match known(workspace, &named).await {
        Ok(Some(state)) => Origin::PatchOf { source, state },
        // The state is of another store, or its branch was deleted.
        Ok(None) | Err(_) => Origin::Patch { source },
    }
}

/// The last commit of a state that a patch names, if the branch of this name has it.
async fn known(workspace: &Workspace, named: &NamedState) -> argon_core::Result<Option<Picked>> {
    let state = workspace.project.branch(&named.branch).await?.at(named.lsn).await?;
    let Some(commit) = state.view().point().filter(|_| !state.is_masked()) else { return Ok(None) };
    let digest = log::commit_at(&state, named.lsn).await?.digest;
    Ok((digest.to_string() == named.digest).then_some(Picked { commit, digest }))
}
