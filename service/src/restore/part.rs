use argon_core::checks::Checked;
use argon_core::diff::CollectionDiff;
use argon_core::model::{BranchName, CollectionName, Message};
use argon_core::restore::{Part, PartialRestore, part};
use argon_core::{ErrorKind, Revision};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::changes::{
    Change, ComparedStates, Listing, NamedState, Shown, Summary, count_changes, list,
};
use crate::collections::Signature;
use crate::index::{self, BuiltIndex};
use crate::json::{self, Id};
use crate::plan::{BrokenRules, UncheckedRule, UncheckedRules};
use crate::words::count;
use crate::{Failure, Hint, Result, Workspace};

/// How many `_id`s a message names.
const NAMED: usize = 3;

/// Preview the restore of a part of a state.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PreviewPart {
    /// The past state.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub revision: Revision,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The `_id`s of the documents; without any, the whole collection.
    #[serde(default)]
    pub ids: Vec<Id>,
    /// How the changes are listed.
    #[serde(flatten)]
    pub listing: Listing,
}

/// Restore a part of a state by a new commit of the current branch, which changes nothing else.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct RestorePart {
    /// The past state.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub revision: Revision,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The `_id`s of the documents; without any, the whole collection.
    #[serde(default)]
    pub ids: Vec<Id>,
    /// How the commit is signed; the default message says what was restored.
    #[serde(flatten)]
    pub signature: Signature,
}

/// A part of a state that was restored.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RestoredPart {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The position of the commit; null if the branch has the part already.
    pub lsn: Option<u64>,
    /// The number of documents that were added.
    pub added: u64,
    /// The number of documents that were changed.
    pub changed: u64,
    /// The number of documents that were removed.
    pub removed: u64,
    /// The rules of the collections that could not be checked.
    pub unchecked: Vec<UncheckedRule>,
    /// The indexes whose definitions the commit brought, which had no entries.
    pub indexes: Vec<BuiltIndex>,
}

/// A part of a state that would be restored.
pub struct PartPreview {
    /// The head of the branch, and the past state.
    pub states: ComparedStates,
    branch: argon_core::Branch,
    part: Part,
    restore: PartialRestore,
}

/// Previews the restore of a part of a state.
///
/// # Errors
/// `NotFound` if the state or the branch does not exist, or no state has the collection or a document; `Denied` for
/// masked states.
pub async fn preview_part(
    workspace: &Workspace,
    revision: &Revision,
    part_of: Part,
) -> Result<PartPreview> {
    let branch = workspace.branch().await?;
    let target = NamedState::resolve(workspace, revision.clone()).await?;
    let restore = part(&branch, &target.state, &part_of).await?;
    let head = NamedState::of(workspace, workspace.head(), restore.head.clone());
    let states = ComparedStates { from: head.shown(), to: target.shown() };
    Ok(PartPreview { states, branch, part: part_of, restore })
}

/// Restores a part of a state.
///
/// # Errors
/// Those of [`preview_part`] and [`PartPreview::restore`].
pub async fn restore_part(workspace: &Workspace, request: RestorePart) -> Result<RestoredPart> {
    let RestorePart { revision, collection, ids, signature } = request;
    let part = Part { collection, ids: ids.into_iter().map(|id| id.0).collect() };
    preview_part(workspace, &revision, part).await?.restore(signature).await
}

impl PartPreview {
    /// The two states, then what would change; the summary comes last.
    pub fn items(&self, listing: Listing) -> BoxStream<'_, Result<Shown, Failure>> {
        let states = Some(Shown::States(self.states.clone()));
        let collections =
            stream::iter(&self.restore.collections).then(|diff| self.collection(diff));
        let documents = self.restore.documents.iter().cloned().map(Change::Document).map(Ok);
        let changes = collections.chain(stream::iter(documents));
        list(states, changes, Some(Summary::default()), listing)
    }

    /// The number of documents that would change.
    ///
    /// # Errors
    /// Those of reading the documents.
    pub async fn count(&self) -> Result<Summary> {
        count_changes(|listing| self.items(listing)).await
    }

    /// Whether the branch has the part already.
    pub fn is_nothing(&self) -> bool {
        self.restore.is_empty()
    }

    async fn collection(&self, diff: &CollectionDiff) -> Result<Change> {
        if matches!(diff, CollectionDiff::Created(_)) {
            // Single documents of a new collection are listed.
            let documents = self.part.ids.is_empty().then_some(self.restore.created);
            return Ok(Change::Collection(Box::new(diff.clone()), documents));
        }
        Change::of_collection(diff.clone(), &self.restore.head).await
    }

    /// Makes the commit that was previewed.
    ///
    /// # Errors
    /// `Denied` if the result breaks rules of its collections, or for a read-only branch; `Conflict` if the branch was
    /// moved meanwhile.
    pub async fn restore(&self, signature: Signature) -> Result<RestoredPart> {
        let Summary { added, changed, removed, .. } = self.count().await?;
        let mut restored = RestoredPart {
            branch: self.branch.name().clone(),
            collection: self.part.collection.clone(),
            lsn: None,
            added,
            changed,
            removed,
            unchecked: Vec::new(),
            indexes: Vec::new(),
        };
        if self.restore.is_empty() {
            return Ok(restored);
        }
        let Checked { violations, unchecked } = self.restore.check(BrokenRules::LISTED + 1).await?;
        if !violations.is_empty() {
            return Err(BrokenRules::of(&violations).error());
        }
        restored.unchecked = UncheckedRules::of(&unchecked).unchecked;
        let message = match signature.message.clone() {
            Some(message) => message,
            None => Message::new(self.what())?,
        };
        let signature = Signature { message: Some(message), ..signature };
        let receipt =
            self.restore.commit(signature.request(&self.branch)).await.map_err(|error| {
                Failure::from(error).hint_on(ErrorKind::Conflict, Hint::BranchMoved)
            })?;
        restored.lsn = Some(receipt.lsn.get());
        restored.indexes = index::build_brought(&self.branch, index::before(receipt.lsn)).await;
        Ok(restored)
    }

    /// What is restored, in words.
    pub fn what(&self) -> String {
        let Part { collection, ids } = &self.part;
        let ids = match ids.len() {
            0 => String::new(),
            1..=NAMED => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                format!(" {}", ids.join(", "))
            }
            more => format!(" ({})", count(more as u64, "document")),
        };
        let to = &self.states.to;
        format!("restore {collection}{ids} from {}@{}", to.branch, to.lsn)
    }
}
