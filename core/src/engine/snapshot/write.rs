//! Makes a snapshot.

use std::collections::HashSet;
use std::sync::Arc;

use futures::TryStreamExt;

use crate::engine::catalog::Catalog;
use crate::engine::replay::LogMaterializer;
use crate::engine::snapshot::Without;
use crate::engine::snapshot::cut::ChunkWriter;
use crate::engine::snapshot::read::latest;
use crate::engine::snapshot::update::update;
use crate::model::{CollectionId, Point, View};
use crate::storage::{Backend, CollectionChunks, KeyRange, Manifest, Materialize, Snapshots};
use crate::{Error, ErrorKind, Result};

/// The dependencies of making a snapshot.
pub(crate) struct Maker<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) materialize: &'a Arc<dyn Materialize>,
    /// The same as `materialize`, if that reads log and snapshots.
    pub(crate) replay: Option<&'a Arc<LogMaterializer>>,
}

impl Maker<'_> {
    /// Makes a snapshot of a view with the collections `collections`, or returns the existing one.
    pub(crate) async fn make(
        &self,
        view: &View,
        collections: Vec<CollectionId>,
        created: bson::DateTime,
    ) -> Result<Manifest> {
        let Some(point) = view.point() else {
            return Err(Error::invalid(
                "the empty state has no snapshot; name a state after a commit",
            ));
        };
        let Backend { wal, snapshots, snapshot_policy, .. } = self.backend;
        let level = snapshot_policy.level;
        let nothing = Manifest { point, created, collections: Vec::new() };
        let before = latest(&**snapshots, view).await?;
        let materialize = match (before, self.replay) {
            (Some(manifest), _) if manifest.point == point => return Ok(manifest),
            (None, None) => self.materialize.clone(),
            (before, replay) => {
                let replay = replay.cloned().unwrap_or_else(|| {
                    Arc::new(LogMaterializer::new(wal.clone(), snapshots.clone()))
                });
                let collections = &collections;
                let made =
                    update(snapshots, &replay, before.as_ref(), view, nothing, collections, level);
                match (made.await, before) {
                    (Err(error), Some(before)) if error.kind() == ErrorKind::Corrupt => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the snapshot at LSN {} is damaged; the new one is made without it",
                            before.point.lsn
                        );
                        self.without(before.point)
                    }
                    (made, _) => return made,
                }
            }
        };
        write(snapshots, &*materialize, view, point, collections, created, level).await
    }

    /// Makes the snapshot of a view without reading the existing one, and replaces it.
    ///
    /// # Errors
    /// `Corrupt` if the log that it requires was collected.
    pub(crate) async fn make_again(&self, view: &View, created: bson::DateTime) -> Result<()> {
        let Some(point) = view.point() else { return Ok(()) };
        let materialize = self.without(point);
        let catalog = Catalog::load(&*materialize, view).await?;
        let collections = catalog.iter().map(|info| info.id).collect();
        let Backend { snapshots, snapshot_policy, .. } = self.backend;
        let level = snapshot_policy.level;
        write(snapshots, &*materialize, view, point, collections, created, level).await?;
        Ok(())
    }

    /// Reads that do not depend on the snapshot at a point.
    fn without(&self, point: Point) -> Arc<dyn Materialize> {
        let Backend { wal, snapshots, materialize, .. } = self.backend;
        materialize.clone().unwrap_or_else(|| {
            let others = Arc::new(Without::new(snapshots.clone(), point));
            Arc::new(LogMaterializer::new(wal.clone(), others))
        })
    }
}

/// Writes the chunks and the manifest of a view with the collections `collections`, by reading all
/// of its documents, in the memory of a few chunks. `level` is the zstd level.
pub async fn write(
    snapshots: &Arc<dyn Snapshots>,
    materialize: &dyn Materialize,
    view: &View,
    point: Point,
    collections: Vec<CollectionId>,
    created: bson::DateTime,
    level: i32,
) -> Result<Manifest> {
    let mut manifest = Manifest { point, created, collections: Vec::new() };
    let stored = Arc::new(HashSet::new());
    for collection in in_order(collections) {
        let mut writer = ChunkWriter::new(snapshots.clone(), stored.clone(), level);
        let mut versions = materialize.scan(view, collection, KeyRange::default());
        while let Some((key, version)) = versions.try_next().await? {
            writer.add(key, &version).await?;
        }
        let chunks = writer.finish().await?;
        if !chunks.is_empty() {
            manifest.collections.push(CollectionChunks { collection, chunks });
        }
    }
    snapshots.put_manifest(&manifest).await?;
    Ok(manifest)
}

/// The collections of a manifest in order: these and the catalog.
pub(super) fn in_order(mut collections: Vec<CollectionId>) -> Vec<CollectionId> {
    collections.push(CollectionId::CATALOG);
    collections.sort_unstable();
    collections.dedup();
    collections
}
