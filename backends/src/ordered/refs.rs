//! Refs: the value of `R name` is the version, 8 random bytes, and the record.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::codec::put_bytes;
use argon_core::model::Digest;
use argon_core::storage::{
    CasResult, RefChange, RefName, RefVersion, Refs, Together, VersionedRef,
};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;

use crate::ordered::engine::{Batch, Direction};
use crate::ordered::ref_cache::RefCache;
use crate::ordered::rows::Rows;
use crate::ordered::{Ordered, keys, value};

#[async_trait]
impl Refs for Ordered {
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.in_place(|parts| parts.refs.read(name))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let prefix = prefix.to_owned();
        self.run(move |parts| parts.refs.list(&prefix)).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult> {
        let (name, expected) = (name.to_owned(), expected.cloned());
        let change = RefChange { name, expected, value };
        self.run_write(move |parts| parts.refs.compare_and_set(&change)).await
    }

    async fn change_together(&self, changes: Vec<RefChange>) -> Result<Together> {
        self.run_write(move |parts| parts.refs.change_together(&changes)).await
    }
}

/// The refs of a store.
pub(super) struct RefTable {
    rows: Arc<Rows>,
    environment: Environment,
    cache: RefCache,
    /// Held while a ref is compared and set.
    moving: Mutex<()>,
}

impl RefTable {
    pub(super) fn new(rows: Arc<Rows>, environment: Environment) -> Self {
        Self { rows, environment, cache: RefCache::default(), moving: Mutex::default() }
    }

    fn read(&self, name: &str) -> Result<Option<VersionedRef>> {
        self.cache.get(name, || {
            value::get(self.rows.engine(), &keys::reference(name))?.map(decode).transpose()
        })
    }

    fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>> {
        let from = keys::reference(prefix);
        let mut rows = Vec::new();
        self.rows.engine().visit(
            &from,
            &keys::after_prefix(&from),
            Direction::Ascending,
            &mut |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            },
        )?;
        rows.into_iter()
            .map(|(key, stored)| {
                let name = String::from_utf8(key[1..].to_vec()).map_err(|source| {
                    Error::corrupt("a ref's name is not UTF-8").with_source(source)
                })?;
                Ok((name, decode(value::payload(self.rows.engine(), &key, &stored)?)?))
            })
            .collect()
    }

    /// A digest of all refs as they are stored.
    pub(super) fn digest(&self) -> Result<Digest> {
        let mut all = Vec::new();
        let (from, to) = ([keys::REF], [keys::REF + 1]);
        self.rows.engine().visit(&from, &to, Direction::Ascending, &mut |key, value| {
            put_bytes(&mut all, key);
            put_bytes(&mut all, value);
            ControlFlow::Continue(())
        })?;
        Ok(Digest::of(&all))
    }

    fn compare_and_set(&self, change: &RefChange) -> Result<CasResult> {
        let _moving = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.read(&change.name)?;
        if current.as_ref().map(|current| &current.version) != change.expected.as_ref() {
            return Ok(CasResult::Moved(current));
        }
        let mut batch = Batch::new();
        let version = self.put_change(&mut batch, change)?;
        self.apply(batch)?;
        Ok(CasResult::Done(version))
    }

    fn change_together(&self, changes: &[RefChange]) -> Result<Together> {
        let _moving = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::new();
        for change in changes {
            let current = self.read(&change.name)?;
            if current.as_ref().map(|current| &current.version) != change.expected.as_ref() {
                return Ok(Together::Moved(change.name.clone()));
            }
            self.put_change(&mut batch, change)?;
        }
        self.apply(batch)?;
        Ok(Together::Done)
    }

    /// Adds a change to a batch; returns the ref's new version.
    fn put_change(&self, batch: &mut Batch, change: &RefChange) -> Result<Option<RefVersion>> {
        let key = keys::reference(&change.name);
        let Some(value) = &change.value else {
            value::remove(self.rows.engine(), batch, key)?;
            return Ok(None);
        };
        let version: [u8; 8] = self.environment.random();
        value::replace(self.rows.engine(), batch, key, &[&version, value])?;
        Ok(Some(version_of(version)))
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        if let Some(witness) = self.rows.witness() {
            witness.forget_refs()?;
        }
        self.cache.write(|| self.rows.apply(batch))
    }
}

fn decode(mut bytes: Vec<u8>) -> Result<VersionedRef> {
    let Some(version) = bytes.first_chunk().copied() else {
        return Err(Error::corrupt("a stored ref ends too early"));
    };
    bytes.drain(..version.len());
    Ok(VersionedRef { version: version_of(version), value: bytes })
}

fn version_of(bytes: [u8; 8]) -> RefVersion {
    RefVersion(format!("{:016x}", u64::from_be_bytes(bytes)))
}
