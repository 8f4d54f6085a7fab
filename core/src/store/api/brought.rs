//! Indexes whose definitions a commit brought without their entries.

use std::sync::Arc;

use bson::Document as BsonDocument;
use futures::TryStreamExt;

use crate::Result;
use crate::document::definition::identical;
use crate::engine::catalog::CollectionInfo;
use crate::model::{CollectionName, Lsn};
use crate::store::{Branch, CollectionView, State};

/// An index whose definition a commit brought without its entries, such as that of a merge or an undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroughtIndex {
    /// The collection.
    pub collection: CollectionName,
    /// The name.
    pub index: String,
    /// Why it has no entries yet, so that queries scan, as the rest of a sentence; `None` if they were
    /// made.
    pub unbuilt: Option<String>,
}

impl Branch {
    /// Makes the entries of the indexes whose definitions came after the state at `since`, or of all
    /// without it, as [`build_indexes`](Self::build_indexes) does; but in stores on this machine, and as
    /// long as all builds together read at most `most` documents, of some kilobytes each; 0 builds none.
    /// Returns the indexes that had no entries, but those that a store can't have entries of. An index that
    /// fails has the error as its reason.
    ///
    /// Reads nothing but the catalogs if these are equal.
    ///
    /// # Errors
    /// Those of reading the head.
    pub async fn build_brought_indexes(
        &self,
        since: Option<Lsn>,
        most: usize,
    ) -> Result<Vec<BroughtIndex>> {
        let mut found = Vec::new();
        if self.is_masked() || self.shared().backend.indexes.is_none() {
            return Ok(found);
        }
        let head = self.head().await?;
        let mut budget = BuildBudget::new(most);
        let before = match since {
            None => None,
            Some(lsn) => match self.at(lsn).await {
                Ok(before) => Some(before),
                Err(error) => {
                    // Which are new is not known then, so all without entries are named.
                    tracing::warn!(%error, %lsn, "indexes can't be compared with an earlier state");
                    budget = BuildBudget::new(0);
                    None
                }
            },
        };
        let before = before.as_ref().map(State::catalog);
        if before.is_some_and(|before| {
            Arc::ptr_eq(before, head.catalog()) || **before == **head.catalog()
        }) {
            return Ok(found);
        }
        for info in head.collections() {
            let known = before.and_then(|before| before.by_id(info.id));
            let known = known.map_or(&[][..], |known| &known.indexes);
            let new = info.indexes.iter().filter(|definition| {
                !known.iter().any(|known| identical(known, definition))
                    && self.unbuilt(definition, &info.options).is_none()
            });
            let new: Vec<&str> =
                new.filter_map(|definition| definition.get_str("name").ok()).collect();
            if new.is_empty() {
                continue;
            }
            let brought =
                |(index, unbuilt)| BroughtIndex { collection: info.name.clone(), index, unbuilt };
            match self.build_within(&head, info, &new, &mut budget).await {
                Ok(built) => found.extend(built.into_iter().map(brought)),
                Err(error) => {
                    let reason = format!("could not be checked: {}", error.in_full());
                    let failed = new.iter().map(|name| ((*name).to_owned(), Some(reason.clone())));
                    found.extend(failed.map(brought));
                }
            }
        }
        Ok(found)
    }

    /// Makes the entries of those of the indexes of a collection that have none, unless that may take long;
    /// returns these, each with the reason why it has none still.
    async fn build_within(
        &self,
        head: &State,
        info: &CollectionInfo,
        names: &[&str],
        budget: &mut BuildBudget,
    ) -> Result<Vec<(String, Option<String>)>> {
        let view = head.collection(&info.name)?;
        let mut missing = view.indexes().await?.unreadable;
        missing.retain(|index| names.contains(&index.name.as_str()));
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let refused = if self.shared().backend.network.is_some() {
            Some("is not built yet".to_owned())
        } else {
            budget.take(&view, missing.len()).await?
        };
        if let Some(reason) = refused {
            return Ok(missing
                .into_iter()
                .map(|index| (index.name, Some(reason.clone())))
                .collect());
        }
        let _one_at_a_time = self.shared().building.lock().await;
        let mut built = Vec::new();
        for index in missing {
            let named = |definition: &&BsonDocument| {
                definition.get_str("name").is_ok_and(|name| name == index.name)
            };
            let Some(definition) = info.indexes.iter().find(named) else { continue };
            let failed = self.build_index(info, definition).await.err();
            let unbuilt = failed.map(|error| format!("could not be built: {}", error.in_full()));
            built.push((index.name, unbuilt));
        }
        // Others may have made them too, or dropped them.
        self.close_unneeded(&info.name).await?;
        Ok(built)
    }
}

/// What the builds of a call may still read.
struct BuildBudget {
    /// The documents at first.
    most: usize,
    documents: usize,
    bytes: usize,
}

impl BuildBudget {
    /// The bytes that a document may have on average.
    const MEAN_BYTES: usize = 2048;

    fn new(most: usize) -> Self {
        Self { most, documents: most, bytes: most.saturating_mul(Self::MEAN_BYTES) }
    }

    /// Takes what builds of some indexes of a collection read, or returns why they are too expensive. Reads
    /// no more of the collection than is left.
    async fn take(&mut self, view: &CollectionView, indexes: usize) -> Result<Option<String>> {
        if self.most == 0 {
            return Ok(Some("is not built yet".to_owned()));
        }
        let (mut documents, mut bytes) = (0, 0);
        let mut rows = view.scan();
        while let Some(document) = rows.try_next().await? {
            documents += indexes;
            bytes += indexes.saturating_mul(document.as_bytes().len());
            if documents > self.documents || bytes > self.bytes {
                return Ok(Some(format!(
                    "is not built yet: that would read more than {} documents or {} MiB",
                    self.most,
                    self.most.saturating_mul(Self::MEAN_BYTES) >> 20
                )));
            }
        }
        self.documents -= documents;
        self.bytes -= bytes;
        Ok(None)
    }
}
