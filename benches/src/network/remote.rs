//! A server under measurement.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon_core::storage::{OpenOptions, Secret};
use argon_core::{Branch, Store};
use tokio::sync::Mutex;

use crate::Result;
use crate::documents::{DOCUMENT_BYTES, checked, raw};
use crate::network::filled::Filled;
use crate::network::raw::{Raw, connect};
use crate::network::{RemoteLocation, ServerName};
use crate::subject::{Scale, create, open};
use crate::writing::Ready;

/// Documents of their usual size, as a driver takes them.
pub type RawDocuments = Vec<bson::raw::RawDocumentBuf>;

/// A server under measurement, and the large store that workloads share.
pub struct Remote {
    /// How much work to do.
    pub scale: Scale,
    /// A directory with files of BSON, to be stored and weighed.
    pub dump: Option<PathBuf>,
    place: RemoteLocation,
    raw: Arc<dyn Raw>,
    next: AtomicU64,
    filled: Mutex<Option<Arc<Filled>>>,
}

impl Remote {
    /// The server at this place.
    pub async fn new(place: RemoteLocation, scale: Scale, dump: Option<PathBuf>) -> Result<Self> {
        let raw = connect(&place).await?;
        let (next, filled) = (AtomicU64::new(0), Mutex::default());
        Ok(Self { scale, dump, place, raw, next, filled })
    }

    /// Which kind of server it is.
    pub fn server(&self) -> ServerName {
        self.place.server
    }

    /// Where the stores go.
    pub fn place(&self) -> &RemoteLocation {
        &self.place
    }

    /// The driver without Argon.
    pub fn raw(&self) -> &Arc<dyn Raw> {
        &self.raw
    }

    /// The first for the full scale, the second for the quick one.
    pub fn size(&self, full: u64, quick: u64) -> u64 {
        self.scale.size(full, quick)
    }

    /// So many numbers of documents that nobody got yet.
    pub fn fresh(&self, count: u64) -> Range<u64> {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        first..first + count
    }

    /// So many new documents, ready to be written by Argon.
    pub fn fresh_documents(&self, count: u64) -> Result<Vec<Ready>> {
        self.fresh(count).map(|number| checked(number, 0, DOCUMENT_BYTES)).collect()
    }

    /// So many new documents for the driver.
    pub fn fresh_raw(&self, count: u64) -> RawDocuments {
        self.fresh(count).map(|number| raw(number, 0, DOCUMENT_BYTES)).collect()
    }

    /// A new store, and its branch `main`.
    pub async fn create(&self, name: &str) -> Result<(Store, Branch)> {
        create(&self.place.store(name)?, &options()).await
    }

    /// The store that [`create`](Self::create) made, by another handle that knows nothing of it.
    pub async fn open(&self, name: &str) -> Result<(Store, Branch)> {
        open_at(&self.place, name).await
    }

    /// The store with many documents and some branches, made when it is first asked for.
    pub async fn filled(&self) -> Result<Arc<Filled>> {
        let mut held = self.filled.lock().await;
        match &*held {
            Some(filled) => Ok(filled.clone()),
            None => {
                let filled = Arc::new(Filled::make(self).await?);
                *held = Some(filled.clone());
                Ok(filled)
            }
        }
    }

    /// Closes the stores and removes all that was written.
    pub async fn remove(self) -> Result<()> {
        *self.filled.lock().await = None;
        self.raw.remove().await
    }
}

/// Opens a store at a place, which may be behind a proxy.
pub async fn open_at(place: &RemoteLocation, name: &str) -> Result<(Store, Branch)> {
    open(&place.store(name)?, &options()).await
}

/// Nothing is kept on this machine, so that what is measured is the network.
fn options() -> OpenOptions {
    OpenOptions { password: password().map(Secret::new), ..OpenOptions::default() }
}

/// The password of the user that the URL names without one, from the environment.
pub(crate) fn password() -> Option<String> {
    std::env::var("ARGON_STORE_PASSWORD").ok().filter(|password| !password.is_empty())
}
