//! Runs scans of an index.
//!
//! Entries are read in batches, of which the first are small, so that a few documents cost a few
//! entries. The documents of a batch are fetched at once, in the order of their `_id`s, and returned
//! in the order of the entries.
//!
//! A document has several entries in an index with arrays, and a stale entry is none of them. It is
//! returned for the first of its own entries in the ranges, and so once.

use std::collections::{BTreeMap, VecDeque};

use argon_core::document::{CUT_PREFIX_BYTES, is_cut};
use argon_core::key::Key;
use argon_core::storage::Version;
use argon_core::{ErrorKind, Result};
use bson::raw::RawDocument;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::run::Reader;
use super::source::{EntryStream, IndexSource};
use super::{ByteRange, Direction, IndexScan};

/// The entries of the first batch, and of a later one at most.
const FIRST_BATCH: usize = 16;
const LARGEST_BATCH: usize = 1024;

/// The entries of some ranges, one range after the other.
pub(super) struct RangeEntries {
    ranges: VecDeque<ByteRange>,
    current: Option<EntryStream>,
}

struct Scanning {
    scan: IndexScan,
    reader: Reader,
    entries: RangeEntries,
    batch: usize,
    ready: VecDeque<(Key, Version)>,
    /// Documents whose keys were cut behind the same prefix: their order is not that of the keys.
    cut_run: Vec<CutDocument>,
    ended: bool,
}

struct CutDocument {
    entry: Vec<u8>,
    sort_key: Vec<u8>,
    found: (Key, Version),
}

/// Returns the documents that match.
pub(super) fn read(scan: &IndexScan, reader: Reader) -> BoxStream<'static, Result<(Key, Version)>> {
    let scanning = Scanning {
        entries: RangeEntries::of(scan),
        scan: scan.clone(),
        reader,
        batch: FIRST_BATCH,
        ready: VecDeque::new(),
        cut_run: Vec::new(),
        ended: false,
    };
    stream::try_unfold(scanning, |mut scanning| async move {
        while scanning.ready.is_empty() && !scanning.ended {
            scanning.advance().await?;
        }
        Ok(scanning.ready.pop_front().map(|found| (found, scanning)))
    })
    .boxed()
}

impl RangeEntries {
    pub(super) fn of(scan: &IndexScan) -> Self {
        let mut ranges: VecDeque<ByteRange> = scan.ranges.iter().cloned().collect();
        if scan.direction == Direction::Descending {
            ranges = ranges.into_iter().rev().collect();
        }
        Self { ranges, current: None }
    }

    /// The next entry.
    pub(super) async fn next(
        &mut self,
        scan: &IndexScan,
        source: &dyn IndexSource,
    ) -> Result<Option<(Vec<u8>, Key)>> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(entry) = current.try_next().await? {
                    return Ok(Some(entry));
                }
                self.current = None;
            }
            let Some((from, to)) = self.ranges.pop_front() else { return Ok(None) };
            self.current = Some(source.entries(scan.at, from, to, scan.direction));
        }
    }
}

impl Scanning {
    /// Reads a batch.
    async fn advance(&mut self) -> Result<()> {
        let entries = self.next_entries().await?;
        if entries.is_empty() {
            self.ended = true;
            self.finish_run();
            return Ok(());
        }
        let documents = fetch(&self.reader, &entries).await?;
        for (entry, id) in entries {
            let Some(version) = documents.get(&id).cloned().flatten() else { continue };
            if self.is_first_entry(&entry, version.document.as_raw())?
                && self.reader.matches(version.document.as_raw())?
            {
                self.push(entry, (id, version))?;
            }
        }
        Ok(())
    }

    async fn next_entries(&mut self) -> Result<Vec<(Vec<u8>, Key)>> {
        let Some(source) = self.reader.source.clone() else { return Ok(Vec::new()) };
        let mut entries = Vec::with_capacity(self.batch);
        while entries.len() < self.batch {
            let Some(entry) = self.entries.next(&self.scan, &*source).await? else { break };
            entries.push(entry);
        }
        self.reader.counters.add_keys(entries.len());
        self.batch = (self.batch * 4).min(LARGEST_BATCH);
        Ok(entries)
    }

    /// Whether a document has an entry, and none in the ranges before it.
    fn is_first_entry(&self, entry: &Vec<u8>, document: &RawDocument) -> Result<bool> {
        let own = match self.scan.index.entries_of(document) {
            Ok(entries) => entries.keys,
            // It can't be in the index, so the entry is stale.
            Err(error) if error.kind() == ErrorKind::Invalid => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut inside = own.iter().filter(|key| self.scan.reads(key));
        let first = match self.scan.direction {
            Direction::Ascending => inside.next(),
            Direction::Descending => inside.next_back(),
        };
        Ok(first == Some(entry))
    }

    fn push(&mut self, entry: Vec<u8>, found: (Key, Version)) -> Result<()> {
        let mut sort_key = Vec::new();
        match &self.reader.sort {
            Some(sort) if is_cut(&entry) => {
                sort.key(found.1.document.as_raw(), &mut sort_key)?;
            }
            _ => {
                self.finish_run();
                self.ready.push_back(found);
                return Ok(());
            }
        }
        let prefix = |key: &[u8]| key[..CUT_PREFIX_BYTES].to_vec();
        if self.cut_run.last().is_some_and(|last| prefix(&last.entry) != prefix(&entry)) {
            self.finish_run();
        }
        self.cut_run.push(CutDocument { entry, sort_key, found });
        Ok(())
    }

    /// Sorts the documents with cut keys.
    fn finish_run(&mut self) {
        let backward = self.scan.direction == Direction::Descending;
        self.cut_run.sort_by(|one, other| {
            let by_id = one.found.0.cmp(&other.found.0);
            let by_id = if backward { by_id.reverse() } else { by_id };
            one.sort_key.cmp(&other.sort_key).then(by_id)
        });
        self.ready.extend(self.cut_run.drain(..).map(|document| document.found));
    }
}

/// Returns the documents of a batch of entries.
async fn fetch(
    reader: &Reader,
    entries: &[(Vec<u8>, Key)],
) -> Result<BTreeMap<Key, Option<Version>>> {
    let mut documents: BTreeMap<Key, Option<Version>> =
        entries.iter().map(|(_, id)| (id.clone(), None)).collect();
    let versions = reader.view.versions(documents.keys().cloned().collect()).await?;
    reader.counters.add_documents(documents.len());
    documents.values_mut().zip(versions).for_each(|(place, version)| *place = version);
    Ok(documents)
}

impl IndexScan {
    /// Whether a key is in the ranges.
    fn reads(&self, key: &[u8]) -> bool {
        let after = self.ranges.partition_point(|(from, _)| from.as_slice() <= key);
        after > 0 && key < self.ranges[after - 1].1.as_slice()
    }
}
