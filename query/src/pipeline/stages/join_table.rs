//! A hash table over the rows of a collection, for `$lookup` and `$graphLookup`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use argon_core::Result;
use futures::TryStreamExt;

use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{Row, Rows, interruptible};
use crate::pipeline::source::{Collection, ReadRequest};
use crate::pipeline::values::keys_at;

/// The rows of a collection by the keys of the values at a path.
pub(super) struct JoinTable {
    rows: Vec<Row>,
    places: HashMap<Box<[u8]>, Vec<u32>>,
}

/// How the rows with some keys are found.
pub(super) enum JoinSource {
    /// All rows are in memory.
    Table(JoinTable),
    /// The collection is asked for those of a batch.
    Collection(Arc<dyn Collection>),
}

impl JoinTable {
    /// Reads all rows into a table; `None` if they take more bytes than `limit`.
    async fn read(mut input: Rows, path: &[String], limit: usize) -> Result<Option<Self>> {
        let mut table = Self { rows: Vec::new(), places: HashMap::new() };
        let mut held = 0;
        while let Some(batch) = input.try_next().await? {
            for row in batch {
                held += row.size();
                let place = u32::try_from(table.rows.len()).unwrap_or(u32::MAX);
                keys_at(row.as_raw(), path, &mut |key| {
                    held += size_of::<u32>();
                    match table.places.get_mut(key) {
                        Some(places) if places.last() == Some(&place) => {}
                        Some(places) => places.push(place),
                        None => {
                            held += key.len() + 64;
                            table.places.insert(key.into(), vec![place]);
                        }
                    }
                })?;
                if held > limit || place == u32::MAX {
                    return Ok(None);
                }
                table.rows.push(row);
            }
        }
        Ok(Some(table))
    }

    /// The rows that have one of the keys, in the order of the collection.
    pub(super) fn find<K: AsRef<[u8]>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> impl Iterator<Item = &Row> {
        let mut places: Vec<u32> = Vec::new();
        let mut several = false;
        for key in keys {
            if let Some(found) = self.places.get(key.as_ref()) {
                several |= !places.is_empty();
                places.extend_from_slice(found);
            }
        }
        if several {
            places.sort_unstable();
            places.dedup();
        }
        places.into_iter().map(|place| &self.rows[place as usize])
    }
}

impl JoinSource {
    /// Decides how rows are found: in a table, if the collection has no index and fits in memory.
    pub(super) async fn open(
        collection: Arc<dyn Collection>,
        path: &[String],
        execution: &Execution,
    ) -> Result<Self> {
        if collection.is_indexed(path) {
            return Ok(Self::Collection(collection));
        }
        let all = ReadRequest::all(execution.examined.clone());
        let rows = interruptible(collection.read(all)?.rows, execution.evaluation.context());
        let limit = execution.limits.memory;
        Ok(match JoinTable::read(rows, path, limit).await? {
            Some(table) => Self::Table(table),
            None => Self::Collection(collection),
        })
    }

    /// A table that has the rows with one of the keys: the one of all rows, or else one that is put
    /// in `found`.
    pub(super) async fn table<'t>(
        &'t self,
        path: &[String],
        keys: impl FnOnce() -> BTreeSet<Box<[u8]>>,
        execution: &Execution,
        found: &'t mut Option<JoinTable>,
    ) -> Result<&'t JoinTable> {
        match self {
            Self::Table(table) => Ok(table),
            Self::Collection(collection) => {
                let rows = collection.lookup(path, keys(), &execution.examined);
                let rows = interruptible(rows, execution.evaluation.context());
                let table = JoinTable::read(rows, path, usize::MAX).await?;
                Ok(found.insert(
                    table.unwrap_or(JoinTable { rows: Vec::new(), places: HashMap::new() }),
                ))
            }
        }
    }
}
