//! The drivers without Argon, which give the floors.

#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "s3")]
mod s3;

use std::sync::Arc;

use async_trait::async_trait;
use bson::raw::RawDocumentBuf;
use futures::future::join_all;

use crate::Result;
use crate::network::RemoteLocation;

/// What a driver is asked for next to Argon. MongoDB's writes and reads the documents themselves,
/// S3's an object of so many bytes.
#[async_trait]
pub trait Raw: Send + Sync {
    /// Writes new documents by one request, and waits until they are durable.
    async fn write(&self, documents: &[RawDocumentBuf], bytes: u64) -> Result<()>;

    /// Writes the rows in which a store keeps new documents, with their index, by one request. `false`
    /// where [`write`](Self::write) writes the same.
    async fn write_rows(&self, _: &[RawDocumentBuf]) -> Result<bool> {
        Ok(false)
    }

    /// Writes the first so many documents, to be read.
    async fn fill(&self, documents: u64) -> Result<()>;

    /// Reads some of the documents that were filled in, by one request.
    async fn read(&self, numbers: &[u64], bytes: u64) -> Result<()>;

    /// Reads all documents, so many, that were filled in.
    async fn scan(&self, documents: u64, bytes: u64) -> Result<()>;

    /// Reads one document by a client that has no connection yet.
    async fn read_anew(&self, number: u64, bytes: u64) -> Result<()>;

    /// Removes all that this run wrote, stores of Argon among it.
    async fn remove(&self) -> Result<()>;
}

/// The driver for the server at a place.
pub async fn connect(place: &RemoteLocation) -> Result<Arc<dyn Raw>> {
    match place.server {
        #[cfg(feature = "mongodb")]
        crate::network::ServerName::MongoDb => {
            Ok(Arc::new(mongodb::MongoDriver::connect(place).await?))
        }
        #[cfg(feature = "s3")]
        crate::network::ServerName::S3 => Ok(Arc::new(s3::S3Driver::connect(place).await?)),
        #[cfg(not(all(feature = "mongodb", feature = "s3")))]
        server => Err(format!("this program was built without the feature {server}").into()),
    }
}

/// Writes documents as so many writers at once, each one document after another.
pub async fn by_writers(
    raw: &Arc<dyn Raw>,
    documents: &[RawDocumentBuf],
    writers: usize,
    bytes: u64,
) -> Result<()> {
    let tasks = documents.chunks(documents.len().div_ceil(writers)).map(|share| {
        let (raw, share) = (raw.clone(), share.to_vec());
        tokio::spawn(async move {
            for document in share {
                raw.write(&[document], bytes).await?;
            }
            Ok(())
        })
    });
    join_all(tasks.collect::<Vec<_>>()).await.into_iter().try_for_each(|joined| joined?)
}
