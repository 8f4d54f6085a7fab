use argon_core::blame::{self, BlamedField, Brought, Since};
use argon_core::model::{BranchName, CollectionName, CommitMeta, Origin as CommitOrigin, View};
use argon_core::{Error, State};
use argon_formats::extjson::Mode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::json::{ExtJson, Id, Origin, Time};

/// Find for each field of a document the commit that gave it its value.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct BlameDocument {
    /// Its collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Its `_id`.
    pub id: Id,
    /// Whether a merged value is attributed to the commit that merged it, not to the one that wrote it.
    #[serde(default)]
    pub first_parent: bool,
    /// Whether values are canonical Extended JSON, in which every value keeps its type.
    #[serde(default)]
    pub canonical: bool,
}

/// A field of a document, and the commit that gave it its value.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FieldBlame {
    /// Its path: `address.city`, `tags.2`.
    pub path: String,
    /// Its value.
    pub value: ExtJson,
    /// The commit, unless it was collected.
    #[serde(flatten)]
    pub commit: Option<BlamedCommit>,
    /// The position of the oldest commit in the log, if the field had its value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_or_before: Option<u64>,
    /// The timeline of the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<String>,
    /// The merged branch of which the commit is, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub branch: Option<BranchName>,
    /// The commits that brought the value here, the last one first; none if it was written here.
    pub brought_by: Vec<BlamedCommit>,
    /// Whether the commit is on a timeline other than those of the state.
    #[serde(skip)]
    pub is_elsewhere: bool,
}

/// A commit that wrote a value, or brought it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BlamedCommit {
    /// Its position.
    pub lsn: u64,
    /// When it was made.
    pub time: Time,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub message: String,
    /// What brought it about.
    pub origin: Origin,
    /// The commit as the log has it.
    #[serde(skip)]
    pub meta: CommitMeta,
}

/// Finds the commit of each field, in the order of the document.
///
/// # Errors
/// `NotFound` if the document or its collection does not exist.
pub async fn blame(state: &State, request: &BlameDocument) -> Result<Vec<FieldBlame>> {
    let BlameDocument { collection, id: Id(id), first_parent, canonical } = request;
    let found = if *first_parent {
        blame::blame_first_parent(state, collection, id).await?
    } else {
        blame::blame(state, collection, id).await?
    };
    let fields = found.ok_or_else(|| {
        let lsn = state.lsn();
        Error::not_found(format!(
            "collection '{collection}' has no document with _id {id} at LSN {lsn}"
        ))
    })?;
    let mode = if *canonical { Mode::Canonical } else { Mode::Relaxed };
    fields.iter().map(|field| FieldBlame::of(field, state.view(), mode)).collect()
}

impl FieldBlame {
    fn of(field: &BlamedField, view: &View, mode: Mode) -> Result<Self> {
        let (commit, at_or_before) = match &field.since {
            Since::Commit(meta) => (Some(BlamedCommit::of(meta)), None),
            Since::AtOrBefore(lsn) => (None, Some(lsn.get())),
        };
        let is_elsewhere = commit.is_some()
            && field.written_at.is_some_and(|point| {
                let own = view.segment_of(point.lsn);
                own.is_none_or(|segment| segment.timeline != point.timeline)
            });
        Ok(Self {
            path: field.path.to_string(),
            value: ExtJson::value(field.value.as_raw_bson_ref(), mode)?,
            commit,
            at_or_before,
            timeline: field.written_at.map(|point| point.timeline.to_string()),
            branch: field.brought_by.last().and_then(merged).filter(|_| is_elsewhere),
            brought_by: field.brought_by.iter().map(|by| BlamedCommit::of(&by.meta)).collect(),
            is_elsewhere,
        })
    }
}

/// The branch that a commit merged. Its chain has the commits of all that was merged into it before.
fn merged(brought: &Brought) -> Option<BranchName> {
    match &brought.meta.origin {
        CommitOrigin::Merge(merged) => BranchName::new(merged.source.as_str()).ok(),
        _ => None,
    }
}

impl BlamedCommit {
    fn of(meta: &CommitMeta) -> Self {
        Self {
            lsn: meta.lsn.get(),
            time: Time(meta.time),
            actor: meta.actor.to_string(),
            message: meta.message.as_str().to_owned(),
            origin: Origin::from(&meta.origin),
            meta: meta.clone(),
        }
    }
}
