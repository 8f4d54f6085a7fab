use std::pin::Pin;

use argon_core::model::{CollectionName, CommitMeta, Image, Lsn};
use argon_core::{CollectionView, Error, State};
use argon_formats::extjson::Mode;
use futures::{Stream, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::{ExtJson, Id, Time};
use crate::{Failure, Result};

/// List every content that a document had, the newest first.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ListVersions {
    /// Its collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Its `_id`.
    pub id: Id,
    /// The maximum number of contents.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Whether documents are canonical Extended JSON, in which every value keeps its type.
    #[serde(default)]
    pub canonical: bool,
}

/// A content of a document, and the commit that gave it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DocumentVersion {
    /// The position of the commit.
    pub lsn: u64,
    /// When the commit was made.
    pub time: Time,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub message: String,
    /// Whether the commit deleted the document.
    pub deleted: bool,
    /// The document; none if it was deleted.
    pub document: Option<ExtJson>,
}

/// An entry of the history of a document.
#[derive(Debug, Clone)]
pub enum HistoryEntry {
    /// A content.
    Version(Box<DocumentVersion>),
    /// The log was read to its first commit; those up to this position were collected, if it is not 0.
    Floor(Lsn),
}

/// Lists the contents of a document up to a state, each as soon as it is read.
///
/// # Errors
/// `NotFound` if the collection does not exist; in the stream, if the document never existed.
pub fn history(
    state: &State,
    request: ListVersions,
) -> Result<impl Stream<Item = Result<HistoryEntry, Failure>> + Send + use<>> {
    let collection = state.collection(&request.collection)?;
    let walk = Walk {
        images: Box::pin(collection.history(&request.id.0)),
        collection,
        state: state.clone(),
        request,
        listed: 0,
        ended: false,
    };
    Ok(stream::try_unfold(walk, |mut walk| async move {
        Ok(walk.next().await?.map(|entry| (entry, walk)))
    }))
}

type Images = Pin<Box<dyn Stream<Item = argon_core::Result<(Lsn, Image)>> + Send>>;

struct Walk {
    images: Images,
    collection: CollectionView,
    state: State,
    request: ListVersions,
    listed: usize,
    ended: bool,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<HistoryEntry>> {
        if self.ended || self.request.limit.is_some_and(|limit| self.listed >= limit) {
            return Ok(None);
        }
        if let Some((lsn, image)) = self.images.try_next().await? {
            self.listed += 1;
            let meta = argon_core::log::commit_at(&self.state, lsn).await?.meta;
            let mode = if self.request.canonical { Mode::Canonical } else { Mode::Relaxed };
            let version = DocumentVersion::of(&meta, &image, mode)?;
            return Ok(Some(HistoryEntry::Version(Box::new(version))));
        }
        self.ended = true;
        let floor = argon_core::log::floor(&self.state).await?;
        if self.listed == 0 && self.collection.get(&self.request.id.0).await?.is_none() {
            return Err(self.missing(floor));
        }
        Ok(Some(HistoryEntry::Floor(floor)))
    }

    fn missing(&self, floor: Lsn) -> Failure {
        let (collection, id) = (&self.request.collection, &self.request.id.0);
        Error::not_found(if floor.get() == 0 {
            format!("collection '{collection}' never had a document with _id {id}")
        } else {
            format!(
                "collection '{collection}' had no document with _id {id} after LSN {floor}; older \
                 commits were collected"
            )
        })
        .into()
    }
}

impl DocumentVersion {
    fn of(meta: &CommitMeta, image: &Image, mode: Mode) -> Result<Self> {
        let document = match image {
            Image::Document(document) => Some(ExtJson::document(document.as_raw(), mode)?),
            Image::Deleted => None,
        };
        Ok(Self {
            lsn: meta.lsn.get(),
            time: Time(meta.time),
            actor: meta.actor.to_string(),
            message: meta.message.as_str().to_owned(),
            deleted: document.is_none(),
            document,
        })
    }
}
