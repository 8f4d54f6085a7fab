//! What `$out` and `$merge` write.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use argon_core::key::Key;
use argon_core::model::{CollectionName, Document, Point};
use argon_core::storage::KeyRange;
use argon_core::write::{Precondition, WriteRequest};
use argon_core::{Branch, CollectionView, ErrorKind, Result, State};
use futures::TryStreamExt;

use super::{Execution, Merge, MergeOutcome, Row, Write, WriteMode};
use crate::Code;
use crate::commands::duplicate_id_as;
use crate::value::malformed;

/// Collects what a pipeline writes. Rows are applied one after the other: a later row sees what an
/// earlier one of the same run makes of a document.
pub(super) struct RowWriter<'w> {
    branch: &'w Branch,
    target: &'w CollectionName,
    existing: Option<CollectionView>,
    /// The documents that rows were written to.
    pending: BTreeMap<Key, Pending>,
    /// The documents by the values of `$merge`'s `on`, if that is not `_id`.
    by_values: Option<BTreeMap<Vec<u8>, Key>>,
}

/// A document that a row was written to.
struct Pending {
    before: Before,
    after: Document,
    /// The number of the row that was the first.
    place: usize,
}

/// A document in the state that was read, with the commit that last changed it.
type Before = Option<(Point, Document)>;

impl<'w> RowWriter<'w> {
    pub(super) fn new(state: &State, branch: &'w Branch, target: &'w CollectionName) -> Self {
        let existing = state.collection(target).ok();
        Self { branch, target, existing, pending: BTreeMap::new(), by_values: None }
    }

    /// Applies a row.
    ///
    /// # Errors
    /// That of `$out` and `$merge`, with its code.
    pub(super) async fn write(
        &mut self,
        write: &Write,
        row: Row,
        execution: &Execution,
    ) -> Result<()> {
        match &write.mode {
            WriteMode::Replace => {
                let collection = self.branch.collection(self.target);
                let (key, document) = collection.with_id(row.into_raw())?;
                if self.pending.contains_key(&key) {
                    return Err(duplicate_id_as(ErrorKind::Invalid, self.target, &key));
                }
                let before = self.before(&key).await?;
                self.put(key, before, document);
                Ok(())
            }
            WriteMode::Merge(merge) => self.merge(merge, row, execution).await,
        }
    }

    async fn merge(&mut self, merge: &Merge, row: Row, execution: &Execution) -> Result<()> {
        let values = merge.key(row.as_raw())?;
        let target = self.key_of(merge, &row, values.as_ref()).await?;
        let (before, current) = match &target {
            Some(key) => self.find(key).await?,
            None => (None, None),
        };
        match merge.merge(row, current.as_ref().map(Document::as_raw), execution)? {
            MergeOutcome::Keep => {}
            MergeOutcome::Insert(document) => {
                let (key, document) = self.branch.collection(self.target).with_id(document)?;
                // By `_id` it is known that there is none.
                if !is_by_id(merge) && self.find(&key).await?.1.is_some() {
                    return Err(duplicate_id_as(ErrorKind::Invalid, self.target, &key));
                }
                if let (Some(by_values), Some(values)) = (&mut self.by_values, values) {
                    by_values.insert(values, key.clone());
                }
                self.put(key, None, document);
            }
            MergeOutcome::Replace(document) => {
                let (key, document) = Document::checked(Document::with_id_first(document)?)?;
                self.put(key, before, document);
            }
        }
        Ok(())
    }

    /// The `_id` of the document that a row is merged into; `None` if there is none.
    async fn key_of(
        &mut self,
        merge: &Merge,
        row: &Row,
        values: Option<&Vec<u8>>,
    ) -> Result<Option<Key>> {
        if is_by_id(merge) {
            let id = row.as_raw().get("_id").map_err(malformed)?;
            return id.map(Key::of_id).transpose().map_err(|error| {
                Code::BAD_VALUE.error(format!("invalid _id of a row: {error}")).with_source(error)
            });
        }
        let by_values = match self.by_values.take() {
            Some(by_values) => by_values,
            None => self.read_by_values(merge).await?,
        };
        let found = values.and_then(|values| by_values.get(values).cloned());
        self.by_values = Some(by_values);
        Ok(found)
    }

    /// The `_id`s of all documents by the values of `on`.
    ///
    /// # Errors
    /// 51183 if two documents have the same values.
    async fn read_by_values(&self, merge: &Merge) -> Result<BTreeMap<Vec<u8>, Key>> {
        let mut all = BTreeMap::new();
        let Some(existing) = &self.existing else { return Ok(all) };
        let mut rows = existing.scan_range(KeyRange::default());
        while let Some((key, version)) = rows.try_next().await? {
            // No row is merged into a document without the fields.
            let Ok(Some(values)) = merge.key(version.document.as_raw()) else { continue };
            match all.entry(values) {
                Entry::Vacant(entry) => drop(entry.insert(key)),
                Entry::Occupied(entry) => {
                    return Err(Code::location(51183).error(format!(
                        "Cannot find index to verify that join fields will be unique: the \
                         documents {} and {key} of collection '{}' have the same values of {}",
                        entry.get(),
                        self.target,
                        merge.on.join(", ")
                    )));
                }
            }
        }
        Ok(all)
    }

    /// A document in the state that was read, if no row was written to it yet, and as it is after
    /// the rows so far.
    async fn find(&self, key: &Key) -> Result<(Before, Option<Document>)> {
        if let Some(pending) = self.pending.get(key) {
            return Ok((None, Some(pending.after.clone())));
        }
        let before = self.before(key).await?;
        let current = before.as_ref().map(|(_, document)| document.clone());
        Ok((before, current))
    }

    async fn before(&self, key: &Key) -> Result<Before> {
        let Some(existing) = &self.existing else { return Ok(None) };
        let found = existing.version(key).await?;
        Ok(found.map(|found| (found.changed_by, found.document)))
    }

    fn put(&mut self, key: Key, before: Before, after: Document) {
        let place = self.pending.len();
        match self.pending.entry(key) {
            Entry::Occupied(mut entry) => entry.get_mut().after = after,
            Entry::Vacant(entry) => drop(entry.insert(Pending { before, after, place })),
        }
    }

    /// Adds the writes to a request, and returns their number. With `$out` that includes the
    /// deletion of all other documents.
    ///
    /// # Errors
    /// `Invalid` if they are too many for a commit.
    pub(super) async fn finish(self, write: &Write, request: &mut WriteRequest) -> Result<u64> {
        let mut written = 0;
        if let (WriteMode::Replace, Some(existing)) = (&write.mode, &self.existing) {
            let mut rows = existing.scan_range(KeyRange::default());
            while let Some((key, version)) = rows.try_next().await? {
                if !self.pending.contains_key(&key) {
                    let read = Precondition::ChangedBy(existing.point_of(version.lsn)?);
                    request.delete(self.target.clone(), key, read);
                    written += 1;
                }
            }
        }
        let mut pending: Vec<_> = self.pending.into_iter().collect();
        pending.sort_unstable_by_key(|(_, pending)| pending.place);
        for (key, Pending { before, after, .. }) in pending {
            let condition = match before {
                Some((_, before)) if before == after => continue,
                Some((read, _)) => Precondition::ChangedBy(read),
                None => Precondition::Absent,
            };
            request.put(self.target.clone(), key, after, condition)?;
            written += 1;
        }
        Ok(written)
    }
}

/// Whether rows are merged by `_id`, as without `on`.
fn is_by_id(merge: &Merge) -> bool {
    merge.on == ["_id"]
}
