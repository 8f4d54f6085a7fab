//! The differences between two states.

use std::io::Write;

use argon_core::diff::{CollectionDiff, Diff, Section, diff};
use argon_core::model::{BranchName, Lsn};
use argon_core::{Error, ErrorKind, Revision, State};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use schemars::JsonSchema;
use serde::Deserialize;

use super::lister::{Change, list};
use super::{ChangeFilter, ComparedState, ComparedStates, Listing, Shown, Summary};
use crate::patches::{self, PatchHeader, Side};
use crate::{Failure, Hint, Result, Workspace, json};

/// Compare two states; the cost follows the changes, not the data.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CompareStates {
    /// The state before; without it, the head of the branch from which the branch of `to` was made.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Revision>,
    /// The state after; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub to: Option<Revision>,
    /// Whether the state before is the last one that both histories share.
    #[serde(default)]
    pub merge_base: bool,
    /// Which differences are listed.
    #[serde(flatten)]
    pub filter: ChangeFilter,
    /// How the differences are listed.
    #[serde(flatten)]
    pub listing: Listing,
}

/// Two states, and what differs.
pub struct Comparison {
    /// The two states.
    pub states: ComparedStates,
    pub(crate) summary: Summary,
    before: State,
    after: State,
    diff: Diff,
    /// Whether single documents are compared.
    is_of_documents: bool,
}

/// Compares two states.
///
/// # Errors
/// `NotFound` if a state does not exist; `Invalid` if only one is named, and its branch was not made from
/// another; `Denied` if the states have different masks; `NotFound` for a collection that neither has.
pub async fn compare(workspace: &Workspace, request: &CompareStates) -> Result<Comparison> {
    let (from, to) = sides(workspace, request).await?;
    let diff = filtered(&from, &to, &request.filter).await?;
    let is_of_documents = !request.filter.ids.is_empty();
    Ok(Comparison { is_of_documents, ..Comparison::of([from, to], diff) })
}

/// The differences that a filter takes.
async fn filtered(from: &NamedState, to: &NamedState, filter: &ChangeFilter) -> Result<Diff> {
    filter.check()?;
    for name in &filter.collections {
        if from.state.collection(name).is_err() {
            to.state.collection(name)?;
        }
    }
    let diff = diff(&from.state, &to.state).await?;
    Ok(if filter.is_empty() { diff } else { diff.only(&filter.collections, filter.keys()) })
}

/// Writes the differences between two states as a patch, in bounded memory. `listing` has no effect.
///
/// # Errors
/// Those of [`compare`]; [`Failure::Output`] if `out` takes no more.
pub async fn write_patch(
    workspace: &Workspace,
    request: &CompareStates,
    out: &mut (dyn Write + Send),
) -> Result {
    let (from, to) = sides(workspace, request).await?;
    let diff = filtered(&from, &to, &request.filter).await?;
    let side = |of: &NamedState| BranchName::new(of.branch.as_str());
    let (one, other) = (side(&from)?, side(&to)?);
    let from = Side { branch: &one, state: &from.state };
    let to = Side { branch: &other, state: &to.state };
    patches::write_patch(&PatchHeader { project: workspace.project.name(), from, to }, &diff, out)
        .await
}

/// A state, and the revision that names it.
pub(crate) struct NamedState {
    pub(crate) revision: Revision,
    pub(crate) state: State,
    branch: String,
}

impl NamedState {
    /// The state that a revision names.
    pub(crate) async fn resolve(workspace: &Workspace, revision: Revision) -> Result<Self> {
        let revision = match revision.explicit(&workspace.project).await? {
            current if current == Revision::current() => workspace.head(),
            explicit => explicit,
        };
        let state = workspace.state(Some(&revision)).await?;
        Ok(Self::of(workspace, revision, state))
    }

    /// A state that is known.
    pub(crate) fn of(workspace: &Workspace, revision: Revision, state: State) -> Self {
        let branch = revision.branch_or(&workspace.branch).to_string();
        Self { revision, state, branch }
    }

    pub(crate) fn shown(&self) -> ComparedState {
        let (revision, branch) = (self.revision.to_string(), self.branch.clone());
        ComparedState { revision, branch, lsn: self.state.lsn().get() }
    }
}

async fn sides(workspace: &Workspace, request: &CompareStates) -> Result<(NamedState, NamedState)> {
    let to = request.to.clone().unwrap_or_else(|| workspace.head());
    let to = to.explicit(&workspace.project).await?;
    let from = match &request.from {
        Some(from) => from.clone(),
        None => parent_of(workspace, &to).await?,
    };
    let from = NamedState::resolve(workspace, from).await?;
    let to = NamedState::resolve(workspace, to).await?;
    let from = if request.merge_base { merge_base(workspace, &from, &to).await? } else { from };
    Ok((from, to))
}

/// The branch from which the branch of `revision` was made.
async fn parent_of(workspace: &Workspace, revision: &Revision) -> Result<Revision> {
    let name = revision.branch_or(&workspace.branch);
    let info = workspace.project.branch(name).await?.info().await?;
    let Some(parent) = info.parent else {
        let error = Error::invalid(format!("branch '{name}' was not made from another branch"));
        return Err(Failure::from(error).hint(Hint::NameTwoStates { branch: name.to_string() }));
    };
    let is_there = workspace.project.branch(&parent).await;
    is_there.map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let hint = Hint::ParentGone { branch: name.to_string(), parent: parent.to_string() };
            Failure::from(error).hint(hint)
        }
        _ => error.into(),
    })?;
    Ok(Revision::head(parent))
}

/// The last state that both histories share, as a state of the history of `to`.
async fn merge_base(
    workspace: &Workspace,
    from: &NamedState,
    to: &NamedState,
) -> Result<NamedState> {
    let common: Lsn = from.state.view().common_lsn(to.state.view());
    let back = to.revision.back + (to.state.lsn().get() - common.get());
    let revision = Revision { back, ..to.revision.clone() };
    Ok(NamedState::of(workspace, revision, to.state.at(common).await?))
}

/// Counts changes by their summary.
pub(crate) async fn count_changes<'a>(
    items: impl FnOnce(Listing) -> BoxStream<'a, Result<Shown, Failure>>,
) -> Result<Summary> {
    let mut items = items(Listing { detail: super::Detail::Summary, ..Listing::default() });
    let mut summary = Summary::default();
    while let Some(item) = items.try_next().await? {
        if let Shown::Summary(counted) = item {
            summary = counted;
        }
    }
    Ok(summary)
}

impl Comparison {
    pub(crate) fn of([from, to]: [NamedState; 2], diff: Diff) -> Self {
        let states = ComparedStates { from: from.shown(), to: to.shown() };
        let (before, after) = (from.state, to.state);
        Self { states, summary: Summary::default(), before, after, diff, is_of_documents: false }
    }

    /// The two states, then what differs, collection by collection: first the metadata, then the documents by
    /// `_id`; the summary comes last.
    pub fn items(&self, listing: Listing) -> BoxStream<'_, Result<Shown, Failure>> {
        let sections = stream::iter(self.diff.sections());
        let changes = sections.then(move |section| self.section(section, listing)).try_flatten();
        list(Some(Shown::States(self.states.clone())), changes, Some(self.summary), listing)
    }

    /// The number of documents and collections that differ.
    ///
    /// # Errors
    /// Those of reading the documents.
    pub async fn count(&self) -> Result<Summary> {
        count_changes(|listing| self.items(listing)).await
    }

    async fn section(
        &self,
        section: Section,
        listing: Listing,
    ) -> Result<impl Stream<Item = Result<Change>> + use<>> {
        let is_whole = section.before.is_none() || section.after.is_none();
        let is_counted = is_whole && !self.is_of_documents && !listing.is_complete();
        let metadata = match section.metadata() {
            Some(metadata) => {
                let documents = if is_counted { self.documents_of(&metadata).await? } else { None };
                Some(Ok(Change::Collection(Box::new(metadata), documents)))
            }
            None => None,
        };
        let documents = if is_counted {
            stream::empty().boxed()
        } else {
            self.diff.documents_of(&section).map_ok(Change::Document).err_into().boxed()
        };
        Ok(stream::iter(metadata).chain(documents))
    }

    /// The number of documents that were added or removed with the collection.
    async fn documents_of(&self, diff: &CollectionDiff) -> Result<Option<u64>> {
        let (state, info) = match diff {
            CollectionDiff::Created(info) => (&self.after, info),
            CollectionDiff::Dropped(info) => (&self.before, info),
            CollectionDiff::Changed { .. } => return Ok(None),
        };
        Ok(Some(state.collection(&info.name)?.count().await?))
    }
}
