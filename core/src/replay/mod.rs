//! Reads from log and snapshots alone: the nearest snapshot below a view, and the commits above it.

mod overlay;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::key::Key;
use crate::log::above_of;
use crate::model::{Change, CollectionId, Image, Lsn, View};
use crate::replay::overlay::{Overlay, merge};
use crate::snapshot::SnapshotReader;
use crate::storage::{KeyRange, Materialize, Snapshots, Stamp, Version, VersionStream, Wal};
use crate::{Error, Result};

/// [`Materialize`] for any backend, from [`Wal`] and [`Snapshots`].
///
/// A read costs O(commits since the last snapshot below the view), in time and memory; a backend
/// that has an index does better by itself.
pub struct LogMaterializer {
    source: Arc<Source>,
}

struct Source {
    wal: Arc<dyn Wal>,
    snapshots: Arc<dyn Snapshots>,
}

/// What a view holds: a snapshot, if there is one, and what the log says since.
struct Base {
    snapshot: Option<SnapshotReader>,
    above: Lsn,
}

impl LogMaterializer {
    /// Reads of this log and these snapshots.
    pub fn new(wal: Arc<dyn Wal>, snapshots: Arc<dyn Snapshots>) -> Self {
        Self { source: Arc::new(Source { wal, snapshots }) }
    }
}

impl Source {
    async fn base(&self, view: &View) -> Result<Base> {
        for segment in view.segments() {
            let found = self.snapshots.latest_manifest(segment.timeline, segment.upto).await?;
            if let Some(manifest) = found.filter(|manifest| manifest.point.lsn > segment.above) {
                let above = manifest.point.lsn;
                let snapshot = SnapshotReader::new(self.snapshots.clone(), manifest);
                return Ok(Base { snapshot: Some(snapshot), above });
            }
        }
        Ok(Base { snapshot: None, above: Lsn::ZERO })
    }

    /// The changes of a view above `above` that `wanted` asks for, oldest first.
    fn changes(
        self: &Arc<Self>,
        view: &View,
        above: Lsn,
    ) -> BoxStream<'static, Result<(Lsn, Change)>> {
        let wal = self.wal.clone();
        stream::iter(above_of(view, above))
            .flat_map(move |segment| {
                wal.read(segment.timeline, segment.above.next()..=segment.upto)
            })
            .map_ok(|commit| {
                let lsn = commit.meta.lsn;
                stream::iter(commit.changes.into_iter().map(move |change| Ok((lsn, change))))
            })
            .try_flatten()
            .boxed()
    }

    async fn overlay(
        self: &Arc<Self>,
        view: &View,
        above: Lsn,
        collection: CollectionId,
        range: &KeyRange,
    ) -> Result<Overlay> {
        let mut overlay = Overlay::new();
        let mut changes = self.changes(view, above);
        while let Some((lsn, change)) = changes.try_next().await? {
            if change.collection == collection && range.contains(&change.key) {
                overlay.insert(change.key, (lsn, change.image));
            }
        }
        Ok(overlay)
    }

    async fn get(
        self: &Arc<Self>,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(Vec::new()) };
        let base = self.base(view).await?;
        let range = KeyRange { from: Some(first.clone()), to: None };
        let mut overlay = self.overlay(view, base.above, collection, &range).await?;
        overlay.retain(|key, _| key <= last);
        let mut found = Vec::with_capacity(keys.len());
        for key in &keys {
            found.push(match (overlay.remove(key), &base.snapshot) {
                (Some((lsn, image)), _) => {
                    image.into_document().map(|document| Version { lsn, document })
                }
                (None, Some(snapshot)) => snapshot.get(collection, key).await?,
                (None, None) => None,
            });
        }
        Ok(found)
    }
}

#[async_trait]
impl Materialize for LogMaterializer {
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>> {
        Ok(self.source.get(view, collection, vec![key.clone()]).await?.pop().flatten())
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        self.source.get(view, collection, keys).await
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Stamp>>> {
        let found = self.source.get(view, collection, keys).await?;
        Ok(found.into_iter().map(|found| found.map(|version| Stamp { lsn: version.lsn })).collect())
    }

    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream {
        let (source, view) = (self.source.clone(), view.clone());
        stream::once(async move {
            let base = source.base(&view).await?;
            let overlay = source.overlay(&view, base.above, collection, &range).await?;
            let stored = match base.snapshot {
                Some(snapshot) => snapshot.scan(collection, range),
                None => stream::empty().boxed(),
            };
            Ok::<_, Error>(merge(overlay, stored))
        })
        .try_flatten()
        .boxed()
    }

    fn history(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>> {
        let (source, view, key) = (self.source.clone(), view.clone(), key.clone());
        stream::once(async move {
            let mut images: Vec<(Lsn, Image)> = source
                .changes(&view, Lsn::ZERO)
                .try_filter(|(_, change)| {
                    let wanted = change.collection == collection && change.key == key;
                    async move { wanted }
                })
                .map_ok(|(lsn, change)| (lsn, change.image))
                .try_collect()
                .await?;
            images.reverse();
            Ok::<_, Error>(stream::iter(images.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }
}
