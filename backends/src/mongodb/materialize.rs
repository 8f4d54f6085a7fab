//! Reads by the index of versions.

use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::{CollectionId, Image, Lsn, View};
use argon_core::storage::{KeyRange, Materialize, Version, VersionStamp, VersionStream};
use argon_core::{Error, Result};
use async_trait::async_trait;
use bson::doc;
use futures::future::{self, try_join_all};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use mongodb::options::ReadConcern;

use super::connection::{Connection, READ_TIME};
use super::extents::RowSource;
use super::key;
use super::lookup::{Lookup, Named, StoredVersion, of_document};
use super::scan::scan;
use super::schema;
use super::steps::{Step, steps};
use super::timeline::Timelines;

/// The versions of a document in one page of its history, and the bytes at which a page ends early.
const HISTORY: i64 = 64;
const HISTORY_BYTES: usize = 4 * 1024 * 1024;

/// [`Materialize`] over the collections of a store.
pub(super) struct MongoMaterialize {
    pub(super) server: Arc<Connection>,
    pub(super) timelines: Arc<Timelines>,
    pub(super) lookup: Lookup,
}

#[async_trait]
impl Materialize for MongoMaterialize {
    async fn get(
        &self,
        view: &View,
        collection: CollectionId,
        key: &Key,
    ) -> Result<Option<Version>> {
        let sources = self.timelines.sources(view).await?;
        match self.lookup.newest(&sources, collection, key).await? {
            Some(found) => found.version(&self.server).await,
            None => Ok(None),
        }
    }

    async fn get_many(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        let sources = self.timelines.sources(view).await?;
        let found = self.lookup.newest_of_many(&sources, collection, &keys, true).await?;
        try_join_all(found.into_iter().map(async |found| match found {
            Some(found) => found.version(&self.server).await,
            None => Ok(None),
        }))
        .await
    }

    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>> {
        let sources = self.timelines.sources(view).await?;
        let found = self.lookup.newest_of_many(&sources, collection, &keys, false).await?;
        let stamp = |found: StoredVersion| found.document.map(|_| VersionStamp { lsn: found.lsn });
        Ok(found.into_iter().map(|found| found.and_then(stamp)).collect())
    }

    fn scan(&self, view: &View, collection: CollectionId, range: KeyRange) -> VersionStream {
        let (server, timelines, view) = (self.server.clone(), self.timelines.clone(), view.clone());
        stream::once(async move {
            let sources = timelines.sources(&view).await?;
            Ok::<_, Error>(scan(&server, sources, collection, &range))
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
        let (server, timelines) = (self.server.clone(), self.timelines.clone());
        let (view, key) = (view.clone(), key.clone());
        stream::once(async move {
            // Pruning keeps versions below the floor for their content, not as history.
            let floor = timelines.floor_of(&view).await?;
            let sources = timelines.sources(&view).await?;
            let walks = sources.into_iter().map(move |source| {
                let (server, key) = (server.clone(), key.clone());
                steps(History { server, source, collection, key }, History::step)
            });
            let images = stream::iter(walks).flatten();
            let is_kept = move |(lsn, _): &(Lsn, Image)| future::ready(Ok(*lsn > floor));
            Ok::<_, Error>(images.try_take_while(is_kept))
        })
        .try_flatten()
        .boxed()
    }
}

/// A walk over the versions of a document in a source, newest first.
struct History {
    server: Arc<Connection>,
    source: RowSource,
    collection: CollectionId,
    key: Key,
}

impl History {
    async fn step(mut self) -> Result<Step<Self, (Lsn, Image)>> {
        let server = &self.server;
        let versions = server.collection(schema::VERSIONS);
        let query = versions
            .find(of_document(&self.source, self.collection, &self.key))
            .sort(doc! { "t": 1, "c": 1, "k": 1, "l": -1 })
            .limit(HISTORY)
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let mut rows = server.rows("read the history of a document", query).await?;
        let key = key::encode(&self.key);
        let named = Named { collection: self.collection, key: &key };
        let (mut items, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next().await? {
            bytes += row.as_bytes().len();
            let found = StoredVersion::of(row, &self.source, named)?;
            items.push((found.lsn, found.image(server).await?));
            if bytes >= HISTORY_BYTES {
                break;
            }
        }
        let full = i64::try_from(items.len()).is_ok_and(|items| items == HISTORY);
        let Some((last, _)) = items.last().filter(|_| full || bytes >= HISTORY_BYTES) else {
            return Ok((items, None));
        };
        self.source.upto = last.back(1).unwrap_or_default();
        Ok((items, Some(self)))
    }
}
