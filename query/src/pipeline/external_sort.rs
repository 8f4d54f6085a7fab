//! Sorts rows by keys, in memory and then in temporary files.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};

use argon_core::{Error, Result};
use bson::raw::RawDocumentBuf;

use super::execution::Limits;
use super::rows::Row;

/// A row with the key by which it is sorted.
pub(crate) type KeyedRow = (Box<[u8]>, Row);

/// Sorts rows by their keys as bytes; rows with equal keys keep their order.
pub(crate) struct Sorter {
    stage: &'static str,
    limits: Limits,
    /// The first rows that are wanted.
    limit: Option<usize>,
    /// The keys, one after the other: one allocation for many.
    keys: Vec<u8>,
    entries: Vec<Entry>,
    /// The bytes of the rows in memory.
    held: usize,
    /// A key that as many rows as are wanted do not exceed: a row with it, or a greater one, comes
    /// after them.
    bound: Option<Vec<u8>>,
    runs: Vec<File>,
}

struct Entry {
    from: usize,
    to: usize,
    row: Row,
}

impl Sorter {
    /// A sorter for a stage, which is named in errors.
    pub(crate) fn new(stage: &'static str, limits: Limits, limit: Option<usize>) -> Self {
        Self {
            stage,
            limits,
            limit,
            keys: Vec::new(),
            entries: Vec::new(),
            held: 0,
            bound: None,
            runs: Vec::new(),
        }
    }

    /// Adds a row. `key` appends its key.
    ///
    /// # Errors
    /// `QueryExceededMemoryLimitNoDiskUseAllowed` if the rows need more memory than is allowed, and
    /// files are not; `Unavailable` if a file can't be written.
    pub(crate) fn push(
        &mut self,
        row: Row,
        key: impl FnOnce(&Row, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let from = self.keys.len();
        key(&row, &mut self.keys)?;
        let to = self.keys.len();
        if self.bound.as_ref().is_some_and(|bound| self.keys[from..] >= **bound) {
            self.keys.truncate(from);
            return Ok(());
        }
        self.held += row.size() + size_of::<Entry>() + to - from;
        self.entries.push(Entry { from, to, row });
        if let Some(limit) = self.limit
            && self.entries.len() >= limit.saturating_mul(2).max(super::rows::BATCH)
        {
            self.keep_first(limit);
        }
        if self.held > self.limits.memory {
            self.spill()?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        let keys = &self.keys;
        self.entries.sort_by(|a, b| keys[a.from..a.to].cmp(&keys[b.from..b.to]));
    }

    /// Drops all but the first rows.
    fn keep_first(&mut self, limit: usize) {
        self.sort();
        self.entries.truncate(limit);
        let mut keys = Vec::new();
        for entry in &mut self.entries {
            let from = keys.len();
            keys.extend_from_slice(&self.keys[entry.from..entry.to]);
            (entry.from, entry.to) = (from, keys.len());
        }
        self.bound = self.entries.last().map(|last| keys[last.from..last.to].to_vec());
        self.keys = keys;
        let rows: usize = self.entries.iter().map(|e| e.row.size() + size_of::<Entry>()).sum();
        self.held = rows + self.keys.len();
    }

    /// Writes the rows in memory to a file of their own.
    fn spill(&mut self) -> Result<()> {
        self.limits.check_disk(self.stage)?;
        self.sort();
        let mut run = RunWriter::new()?;
        let wanted = self.limit.unwrap_or(usize::MAX);
        for entry in self.entries.drain(..).take(wanted) {
            run.write(&self.keys[entry.from..entry.to], entry.row.as_raw().as_bytes())?;
        }
        self.runs.push(run.finish()?);
        compact(&mut self.runs)?;
        self.keys.clear();
        self.held = 0;
        Ok(())
    }

    /// Returns the rows in order.
    ///
    /// # Errors
    /// `Unavailable` if a file can't be read.
    pub(crate) fn finish(mut self) -> Result<SortedRows> {
        self.sort();
        let limit = self.limit.unwrap_or(usize::MAX);
        let Self { keys, entries, runs, .. } = self;
        let memory = entries
            .into_iter()
            .map(move |Entry { from, to, row }| Ok((keys[from..to].into(), row)));
        if runs.is_empty() {
            return Ok(SortedRows { left: limit, rows: Box::new(memory) });
        }
        let merged = Merge::new(runs, Box::new(memory))?;
        Ok(SortedRows { left: limit, rows: Box::new(merged) })
    }
}

/// Rows in the order of their keys.
pub(crate) type Source = Box<dyn Iterator<Item = Result<KeyedRow>> + Send>;

/// The most files of a stage: a process has a limited number of open files.
const MAX_RUNS: usize = 64;

/// Merges the files into one if they are too many.
pub(crate) fn compact(runs: &mut Vec<File>) -> Result<()> {
    if runs.len() < MAX_RUNS {
        return Ok(());
    }
    let mut merged = RunWriter::new()?;
    for row in Merge::new(std::mem::take(runs), Box::new(std::iter::empty()))? {
        let (key, row) = row?;
        merged.write(&key, row.as_raw().as_bytes())?;
    }
    runs.push(merged.finish()?);
    Ok(())
}

/// Rows in order, with their keys.
pub(crate) struct SortedRows {
    left: usize,
    rows: Source,
}

impl Iterator for SortedRows {
    type Item = Result<KeyedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.rows.next()
    }
}

/// Merges sorted sources; of rows with equal keys those of an earlier source come first.
pub(crate) struct Merge {
    sources: Vec<Source>,
    heads: BinaryHeap<Reverse<Head>>,
}

struct Head {
    key: Box<[u8]>,
    source: usize,
    row: Row,
}

impl Merge {
    /// Merges files, in the order in which they were written, and rows in memory that follow.
    pub(crate) fn new(runs: Vec<File>, memory: Source) -> Result<Self> {
        let mut sources: Vec<Source> = Vec::with_capacity(runs.len() + 1);
        for run in runs {
            sources.push(Box::new(RunReader::new(run)?));
        }
        sources.push(memory);
        let mut merge = Self { heads: BinaryHeap::with_capacity(sources.len()), sources };
        for source in 0..merge.sources.len() {
            merge.advance(source)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, source: usize) -> Result<()> {
        if let Some(next) = self.sources[source].next() {
            let (key, row) = next?;
            self.heads.push(Reverse(Head { key, source, row }));
        }
        Ok(())
    }
}

impl Iterator for Merge {
    type Item = Result<KeyedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse(Head { key, source, row }) = self.heads.pop()?;
        Some(self.advance(source).map(|()| (key, row)))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.key, self.source).cmp(&(&other.key, other.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

/// Writes rows in order to a temporary file: the length of the key as a u32, the key, the document.
pub(crate) struct RunWriter(BufWriter<File>);

impl RunWriter {
    pub(crate) fn new() -> Result<Self> {
        tempfile::tempfile().map(|file| Self(BufWriter::new(file))).map_err(unwritable)
    }

    pub(crate) fn write(&mut self, key: &[u8], document: &[u8]) -> Result<()> {
        let length = u32::try_from(key.len())
            .map_err(|_| Error::unsupported("a sort key has more than 4 GiB"))?;
        self.0
            .write_all(&length.to_le_bytes())
            .and_then(|()| self.0.write_all(key))
            .and_then(|()| self.0.write_all(document))
            .map_err(unwritable)
    }

    pub(crate) fn finish(self) -> Result<File> {
        let mut file = self.0.into_inner().map_err(|error| unwritable(error.into_error()))?;
        file.rewind().map_err(unwritable)?;
        Ok(file)
    }
}

/// Reads the rows of a file in order.
struct RunReader {
    file: BufReader<File>,
    left: u64,
}

impl RunReader {
    fn new(file: File) -> Result<Self> {
        let left = file.metadata().map_err(unreadable)?.len();
        Ok(Self { file: BufReader::new(file), left })
    }

    fn read(&mut self) -> Result<KeyedRow> {
        const LENGTH: usize = size_of::<u32>();
        let mut length = [0; LENGTH];
        self.file.read_exact(&mut length).map_err(unreadable)?;
        let mut key = vec![0; u32::from_le_bytes(length) as usize];
        self.file.read_exact(&mut key).map_err(unreadable)?;
        self.file.read_exact(&mut length).map_err(unreadable)?;
        let size = u32::from_le_bytes(length) as usize;
        let mut document = vec![0; size.max(LENGTH)];
        document[..LENGTH].copy_from_slice(&length);
        self.file.read_exact(&mut document[LENGTH..]).map_err(unreadable)?;
        self.left = self.left.saturating_sub((LENGTH + key.len() + document.len()) as u64);
        let document = RawDocumentBuf::from_bytes(document).map_err(|source| {
            Error::internal("a temporary file was damaged").with_source(source)
        })?;
        Ok((key.into(), document.into()))
    }
}

impl Iterator for RunReader {
    type Item = Result<KeyedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.left > 0).then(|| self.read().inspect_err(|_| self.left = 0))
    }
}

fn unwritable(source: std::io::Error) -> Error {
    Error::unavailable("failed to write a temporary file").with_source(source)
}

fn unreadable(source: std::io::Error) -> Error {
    Error::unavailable("failed to read a temporary file").with_source(source)
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    fn sorted(memory: usize, limit: Option<usize>) -> Vec<i32> {
        let limits = Limits { memory, disk: true };
        let mut sorter = Sorter::new("$sort", limits, limit);
        for number in 0..5_000_i32 {
            let row = rawdoc! { "n": number }.into();
            let key = (number * 7919 % 1000).to_be_bytes();
            sorter
                .push(row, |_, out| {
                    out.extend_from_slice(&key);
                    Ok(())
                })
                .unwrap();
        }
        sorter.finish().unwrap().map(|row| row.unwrap().1.as_raw().get_i32("n").unwrap()).collect()
    }

    #[test]
    fn files_give_the_same_order_as_memory_and_keep_the_order_of_equals() {
        let mut expected: Vec<i32> = (0..5_000).collect();
        expected.sort_by_key(|number| number * 7919 % 1000);
        for memory in [1_000, 10_000, 1_000_000_000] {
            assert_eq!(sorted(memory, None), expected, "{memory}");
            assert_eq!(sorted(memory, Some(700)), expected[..700], "{memory}");
        }
    }

    #[test]
    fn without_files_more_memory_is_refused() {
        let limits = Limits { memory: 1_000, disk: false };
        let mut sorter = Sorter::new("$sort", limits, None);
        let refused = (0..1_000_i32)
            .find_map(|n| sorter.push(rawdoc! { "n": n }.into(), |_, _| Ok(())).err())
            .unwrap();
        assert_eq!(crate::Code::of(&refused).unwrap().number(), 292);
    }
}
