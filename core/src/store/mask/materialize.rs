//! Reads through a mask.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::model::{CollectionId, Image, Lsn, View};
use crate::storage::{KeyRange, Materialize, Version, VersionStamp, VersionStream};
use crate::store::mask::Mask;

/// Applies a mask to the reads of another `Materialize`, document by document. Catalog and
/// positions are those of the originals.
pub(crate) struct Masked {
    inner: Arc<dyn Materialize>,
    mask: Mask,
}

impl Masked {
    pub(crate) fn new(inner: Arc<dyn Materialize>, mask: Mask) -> Self {
        Self { inner, mask }
    }

    fn shown(&self, collection: CollectionId, found: Option<Version>) -> Result<Option<Version>> {
        found.map_or(Ok(None), |version| self.mask.version(collection, version))
    }
}

#[async_trait]
impl Materialize for Masked {
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>> {
        self.shown(collection, self.inner.get(view, collection, key).await?)
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        let found = self.inner.get_many(view, collection, keys).await?;
        found.into_iter().map(|found| self.shown(collection, found)).collect()
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>> {
        if !self.mask.filters(collection) {
            return self.inner.stamps(view, collection, keys).await;
        }
        let found = self.get_many(view, collection, keys).await?;
        Ok(found
            .into_iter()
            .map(|found| found.map(|Version { lsn, .. }| VersionStamp { lsn }))
            .collect())
    }

    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream {
        let mask = self.mask.clone();
        self.inner
            .scan(view, collection, range)
            .map(move |found| {
                let (key, version) = found?;
                Ok(mask.version(collection, version)?.map(|version| (key, version)))
            })
            .try_filter_map(|found| async move { Ok(found) })
            .boxed()
    }

    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>> {
        let mask = self.mask.clone();
        let mut absent_since = None;
        self.inner
            .history(view, collection, key)
            .map(move |image| -> Result<Vec<(Lsn, Image)>> {
                let (lsn, image) = image?;
                let shown = match image {
                    Image::Document(document) => mask.shown(collection, lsn, document)?,
                    Image::Deleted => None,
                };
                // Images come newest first. A document that became hidden appears as deleted by
                // that commit; one that was not visible before is omitted.
                Ok(match shown {
                    Some(document) => {
                        let deleted = absent_since.take().map(|lsn| (lsn, Image::Deleted));
                        deleted.into_iter().chain([(lsn, Image::Document(document))]).collect()
                    }
                    None => {
                        absent_since = Some(lsn);
                        Vec::new()
                    }
                })
            })
            .map_ok(|images| stream::iter(images.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }
}
