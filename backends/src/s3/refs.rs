//! Refs: an object each, changed with `If-Match`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::Result;
use argon_core::storage::{CasResult, RefName, RefVersion, VersionedRef};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::s3::bucket::{Object, Wanted};
use crate::s3::condition::PutCondition;
use crate::s3::names;
use crate::s3::put::{Put, Write, WriteResolution};
use crate::s3::reference::Reference;
use crate::s3::store::S3Store;

/// The most refs that are fetched at once.
const AT_ONCE: usize = 32;

/// The most refs in memory.
const MOST_KNOWN: usize = 16 * 1024;

/// The refs of a store: [`Refs`](argon_core::storage::Refs) in a bucket.
pub(super) struct RefStore {
    store: Arc<S3Store>,
    /// The last content seen of each object. It holds as long as the object has this `ETag`.
    known: Mutex<HashMap<String, CachedRef>>,
}

/// A ref as it was read, and its `ETag`.
#[derive(Debug, Clone)]
struct CachedRef {
    etag: String,
    reference: Arc<Reference>,
}

impl CachedRef {
    fn public(&self) -> Option<VersionedRef> {
        let value = self.reference.value.clone()?;
        Some(VersionedRef { version: RefVersion(self.etag.clone()), value })
    }
}

impl RefStore {
    pub(super) fn new(store: Arc<S3Store>) -> Self {
        Self { store, known: Mutex::default() }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, CachedRef>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, object: &str, known: &CachedRef) {
        let mut all = self.known();
        if all.len() >= MOST_KNOWN {
            all.clear();
        }
        all.insert(object.to_owned(), known.clone());
    }

    fn decode(&self, name: &str, object: &str, stored: &Object) -> Result<CachedRef> {
        let reference = Arc::new(Reference::decode(name, &stored.bytes)?);
        let known = CachedRef { etag: stored.etag.clone(), reference };
        self.remember(object, &known);
        Ok(known)
    }

    /// The stored ref, which may be a removed one.
    async fn read(&self, name: &str, object: &str) -> Result<Option<CachedRef>> {
        let found = self.store.bucket.get(object, Wanted::Whole(0)).await?;
        found.map(|stored| self.decode(name, object, &stored)).transpose()
    }

    /// The content of a ref with the `ETag` of a listing; `None` if the object is gone.
    async fn of_listing(&self, name: &str, object: &str, etag: &str) -> Result<Option<CachedRef>> {
        let known = self.known().get(object).cloned();
        if let Some(known) = known.filter(|known| known.etag == etag) {
            return Ok(Some(known));
        }
        let Some(stored) = self.store.get_listed(object, etag, 0).await? else { return Ok(None) };
        self.decode(name, object, &stored).map(Some)
    }

    /// Writes after `previous`, the last content seen; `None` if the object has another content.
    async fn write(
        &self,
        object: &str,
        previous: Option<&CachedRef>,
        value: Option<Vec<u8>>,
    ) -> Result<Option<RefVersion>> {
        let nonce = self.store.environment.random();
        let before = previous.map(|known| &*known.reference);
        let reference = Arc::new(Reference::after(before, nonce, value));
        let bytes = reference.encode().into();
        let resolve_ambiguous = |found: Option<&Object>| match (found, previous) {
            (None, None) => WriteResolution::Unchanged,
            // No ref object is ever deleted.
            (None, Some(_)) => WriteResolution::Unknown,
            (Some(found), Some(previous)) if found.etag == previous.etag => {
                WriteResolution::Unchanged
            }
            (Some(found), _) => {
                let Ok(now) = Reference::decode(object, &found.bytes) else {
                    return WriteResolution::Unknown;
                };
                match now.follows(&nonce, before.map(|before| &before.nonce)) {
                    Some(true) if now.nonce == nonce => WriteResolution::Ours,
                    Some(true) => WriteResolution::OursBefore,
                    Some(false) => WriteResolution::Theirs,
                    None => WriteResolution::Unknown,
                }
            }
        };
        let condition =
            previous.map_or(PutCondition::Absent, |previous| PutCondition::Match(&previous.etag));
        let write = Write::new(object, &bytes, condition).resolved_by(&resolve_ambiguous);
        match write.put(&self.store.bucket).await? {
            Put::Lost => Ok(None),
            Put::Done(Some(etag)) => {
                self.remember(object, &CachedRef { etag: etag.clone(), reference });
                Ok(Some(RefVersion(etag)))
            }
            Put::Done(None) => {
                let hex: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
                Ok(Some(RefVersion(format!("past-{hex}"))))
            }
        }
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        let known = self.read(name, &names::reference(name)).await?;
        Ok(known.and_then(|known| known.public()))
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let listed = self.store.bucket.list_all(&names::reference(prefix)).await?;
        let named = listed.into_iter().filter_map(|listed| {
            let name = names::parse_reference(&listed.name)?;
            Some((name, listed))
        });
        let fetched = stream::iter(named).map(|(name, listed)| async move {
            let known = self.of_listing(&name, &listed.name, &listed.etag).await?;
            Ok::<_, argon_core::Error>(
                known.and_then(|known| known.public()).map(|found| (name, found)),
            )
        });
        let found: Vec<_> = fetched.buffered(AT_ONCE).try_collect().await?;
        let mut found: Vec<(RefName, VersionedRef)> = found.into_iter().flatten().collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    pub(super) async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        let object = names::reference(name);
        names::check_reference(&self.store.bucket.settings.prefix, &object, name)?;
        let removes = value.is_none();
        let done = |version| Ok(CasResult::Done(if removes { None } else { Some(version) }));
        let known = self.known().get(&object).cloned();
        // The content to write after, from memory; a new ref has none.
        let mut previous = match expected {
            None => None,
            Some(version) => known.filter(|known| known.etag == version.0),
        };
        if (expected.is_none() && !removes) || previous.is_some() {
            let written = self.write(&object, previous.as_ref(), value.clone()).await?;
            if let Some(version) = written {
                return done(version);
            }
        }
        loop {
            previous = self.read(name, &object).await?;
            let current = previous.as_ref().and_then(CachedRef::public);
            if current.as_ref().map(|current| &current.version) != expected {
                return Ok(CasResult::Moved(current));
            }
            if removes && expected.is_none() {
                return Ok(CasResult::Done(None));
            }
            if let Some(version) = self.write(&object, previous.as_ref(), value.clone()).await? {
                return done(version);
            }
        }
    }
}
