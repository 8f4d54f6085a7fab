//! Which documents of capped collections a commit leaves no room for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::orders::size;
use super::{CappedLimits, InsertionOrder, InsertionOrders, InsertionPosition, Source};
use crate::document::key::Key;
use crate::engine::catalog::{Catalog, CollectionInfo};
use crate::engine::write::{CollectionChange, Enforced, Operation, WriteRequest};
use crate::model::{Change, CollectionId, CollectionName, Image, Lsn, View};
use crate::{DetailKey, Error, Result};

/// The capped collections that requests write to, as their commits are sequenced.
pub(crate) struct CappedCollections(HashMap<CollectionId, CappedCollection>);

/// A capped collection after the commits that were sequenced so far.
struct CappedCollection {
    name: CollectionName,
    limits: CappedLimits,
    /// What all commits put into it, as if all of that were new.
    put: Put,
    /// The documents before these commits.
    base: Arc<InsertionOrder>,
    /// Where in `base` the documents begin that the commits have left.
    next: Option<InsertionPosition>,
    /// The documents of `base` that were removed; some may be inserted again.
    removed: HashSet<Key>,
    /// The documents of `base` whose size was changed.
    resized: HashMap<Key, u32>,
    /// The documents that the commits have inserted.
    inserted: InsertionOrder,
    documents: u64,
    bytes: u64,
}

/// Documents that are put into a collection.
#[derive(Debug, Clone, Copy, Default)]
struct Put {
    documents: u64,
    bytes: u64,
}

/// A document that is removed.
pub(crate) struct Victim {
    pub(crate) collection: CollectionId,
    pub(crate) key: Key,
    /// Whether it existed before the commit.
    pub(crate) existed: bool,
}

/// Reads the orders of the capped collections that requests put documents into.
pub(crate) async fn prepare(
    requests: &[WriteRequest],
    view: &View,
    catalog: &Catalog,
    orders: &InsertionOrders,
    source: &Source<'_>,
) -> Result<CappedCollections> {
    let mut found = HashMap::new();
    if requests.iter().any(|request| request.enforced == Enforced::All) {
        for (info, limits) in capped(requests, catalog) {
            let (name, put) = (info.name.clone(), Put::of(requests, info));
            if put.documents > 0 {
                let base = orders.of(source, view, info.id).await?;
                found.insert(info.id, CappedCollection::new(name, limits, put, base));
            }
        }
    }
    Ok(CappedCollections(found))
}

/// The capped collections that requests name.
fn capped<'c>(
    requests: &[WriteRequest],
    catalog: &'c Catalog,
) -> Vec<(&'c CollectionInfo, CappedLimits)> {
    let (mut names, mut infos) = (HashSet::new(), Vec::new());
    let mut last = None;
    for operation in requests.iter().flat_map(|request| &request.operations) {
        match operation {
            // Most operations are on the collection of the one before.
            Operation::Document { collection, .. } if last == Some(collection) => {}
            Operation::Document { collection, .. } => {
                last = Some(collection);
                infos.extend(catalog.get(collection).filter(|_| names.insert(collection)));
            }
            Operation::Exact(change) => infos.extend(catalog.by_id(change.collection)),
            // After it, a name can refer to any collection.
            Operation::Collection(CollectionChange::Rename { .. }) => infos.extend(catalog.iter()),
            Operation::Collection(_) => {}
        }
    }
    let mut seen = HashSet::new();
    let capped = infos.into_iter().filter_map(|info| Some((&**info, info.capped()?)));
    capped.filter(|(info, _)| seen.insert(info.id)).collect()
}

impl Put {
    /// What requests may put into a collection.
    fn of(requests: &[WriteRequest], info: &CollectionInfo) -> Self {
        let operations = || requests.iter().flat_map(|request| &request.operations);
        // After a rename, a name can refer to any collection.
        let renames = operations().any(|operation| {
            matches!(operation, Operation::Collection(CollectionChange::Rename { .. }))
        });
        let mut put = Self::default();
        for operation in operations() {
            let (image, is_meant) = match operation {
                Operation::Document { collection, image, .. } => {
                    (image, renames || *collection == info.name)
                }
                Operation::Exact(change) => (&change.image, change.collection == info.id),
                Operation::Collection(_) => continue,
            };
            if let Some(bytes) = bytes_after(image).filter(|_| is_meant) {
                put.documents += 1;
                put.bytes += u64::from(bytes);
            }
        }
        put
    }
}

impl CappedCollections {
    /// The documents that the commits may displace at most.
    pub(crate) fn candidates(&self) -> Vec<(CollectionId, Key)> {
        let of_each = self.0.iter().flat_map(|(id, collection)| {
            collection.oldest_beyond(collection.put).map(|key| (*id, key.clone()))
        });
        of_each.collect()
    }

    /// The documents for which the changes of a commit leave no room. A commit that inserts nothing leaves room
    /// for all, even if its documents grow.
    ///
    /// # Errors
    /// `BadValue` for a document that is larger than its collection may be.
    pub(crate) fn victims(&self, changes: &[Change]) -> Result<Vec<Victim>> {
        let mut victims = Vec::new();
        for (id, collection) in &self.0 {
            let changes = changes.iter().filter(|change| change.collection == *id);
            collection.victims(*id, changes, &mut victims)?;
        }
        Ok(victims)
    }

    /// Makes the state after a commit the one before the next.
    pub(crate) fn accept(&mut self, lsn: Lsn, changes: &[Change]) {
        for (id, collection) in &mut self.0 {
            for (place, change) in (0..).zip(changes) {
                if change.collection == *id {
                    collection.accept(InsertionPosition { lsn, place }, change);
                }
            }
        }
    }
}

impl CappedCollection {
    fn new(
        name: CollectionName,
        limits: CappedLimits,
        put: Put,
        base: Arc<InsertionOrder>,
    ) -> Self {
        let (documents, bytes) = (base.len() as u64, base.bytes());
        let (removed, resized, inserted) = Default::default();
        Self { name, limits, put, base, next: None, removed, resized, inserted, documents, bytes }
    }

    /// The size of a document; `None` if it does not exist.
    fn bytes_of(&self, key: &Key) -> Option<u32> {
        let of_base = || self.base.bytes_of(key).filter(|_| !self.removed.contains(key));
        let inserted = self.inserted.bytes_of(key);
        inserted.or_else(|| self.resized.get(key).copied()).or_else(of_base)
    }

    /// The documents, the oldest first.
    fn oldest(&self) -> impl Iterator<Item = &Key> {
        let base = self.base.after(self.next).map(|(_, key)| key);
        let base = base.filter(|key| !self.removed.contains(*key));
        base.chain(self.inserted.after(None).map(|(_, key)| key))
    }

    /// The oldest documents, for which there would be no room beside others.
    fn oldest_beyond(&self, put: Put) -> impl Iterator<Item = &Key> {
        let (mut documents, mut bytes) = (self.documents + put.documents, self.bytes + put.bytes);
        self.oldest().take_while(move |key| {
            let is_beyond = !self.limits.allow(documents, bytes);
            documents -= 1;
            bytes -= u64::from(self.bytes_of(key).unwrap_or_default());
            is_beyond
        })
    }

    fn victims<'c>(
        &self,
        collection: CollectionId,
        changes: impl Iterator<Item = &'c Change>,
        victims: &mut Vec<Victim>,
    ) -> Result<()> {
        let (mut documents, mut bytes) = (self.documents, self.bytes);
        let (mut changed, mut inserted) = (HashMap::new(), Vec::new());
        for Change { key, image, .. } in changes {
            let (before, after) = (self.bytes_of(key), bytes_after(image));
            documents = documents + u64::from(after.is_some()) - u64::from(before.is_some());
            bytes = bytes + u64::from(after.unwrap_or(0)) - u64::from(before.unwrap_or(0));
            if let (None, Some(size)) = (before, after) {
                if !self.limits.allow(1, size.into()) {
                    return Err(self.too_large(key, size));
                }
                inserted.push(key);
            }
            changed.insert(key, after);
        }
        if inserted.is_empty() {
            return Ok(());
        }
        for key in self.oldest().chain(inserted) {
            if self.limits.allow(documents, bytes) {
                break;
            }
            let before = self.bytes_of(key);
            let Some(size) = changed.get(key).copied().unwrap_or(before) else { continue };
            documents -= 1;
            bytes -= u64::from(size);
            victims.push(Victim { collection, key: key.clone(), existed: before.is_some() });
        }
        Ok(())
    }

    fn accept(&mut self, position: InsertionPosition, Change { key, image, .. }: &Change) {
        let (before, after) = (self.bytes_of(key), bytes_after(image));
        self.documents = self.documents + u64::from(after.is_some()) - u64::from(before.is_some());
        self.bytes = self.bytes + u64::from(after.unwrap_or(0)) - u64::from(before.unwrap_or(0));
        let is_of_base = self.base.bytes_of(key).is_some() && !self.removed.contains(key);
        match after {
            Some(bytes) if is_of_base => drop(self.resized.insert(key.clone(), bytes)),
            Some(bytes) => self.inserted.put(position, key, bytes),
            None if is_of_base => {
                self.resized.remove(key);
                self.removed.insert(key.clone());
                self.skip_removed();
            }
            None => self.inserted.remove(key),
        }
    }

    /// Moves the beginning of `base` to a document that is left.
    fn skip_removed(&mut self) {
        let mut base = self.base.after(self.next);
        let removed = base.by_ref().take_while(|(_, key)| self.removed.contains(*key));
        if let Some((last, _)) = removed.last() {
            self.next = Some(last);
        }
    }

    fn too_large(&self, key: &Key, size: u32) -> Error {
        Error::invalid(format!(
            "object to insert exceeds cappedMaxSize: document {key} has {size} bytes, and the capped \
             collection '{}' at most {}",
            self.name,
            self.limits.bytes.unwrap_or_default()
        ))
        .with_detail(DetailKey::Collection, self.name.as_str())
        .with_detail(DetailKey::Id, key.to_string())
        .with_code(2, "BadValue")
    }
}

fn bytes_after(image: &Image) -> Option<u32> {
    match image {
        Image::Document(document) => Some(size(document.as_bytes())),
        Image::Deleted => None,
    }
}
