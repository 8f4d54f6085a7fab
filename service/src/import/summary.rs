//! What came of an import.

use argon_core::model::{CollectionName, Lsn};
use argon_core::write::Receipt;

/// The numbers of an import, of what is durable.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many documents were written into each collection.
    pub collections: Vec<(CollectionName, u64)>,
    /// How many commits were made.
    pub commits: u64,
    /// Documents that were there already and were left as they are.
    pub skipped: u64,
    /// Documents that are there already and equal.
    pub unchanged: u64,
    /// How many documents were added, changed and removed, where collections are replaced.
    pub replaced: Option<[u64; 3]>,
    /// Whether it says what would be done.
    pub rehearsed: bool,
    /// Documents that could not be taken.
    pub bad: u64,
    /// The last commit.
    pub lsn: Option<Lsn>,
}

impl Summary {
    /// Of an import that replaces collections.
    pub(super) fn of_replacement(rehearsed: bool) -> Self {
        Self { replaced: Some([0; 3]), rehearsed, ..Self::default() }
    }

    /// Of an import that writes nothing.
    pub(super) fn of_rehearsal() -> Self {
        Self { rehearsed: true, ..Self::default() }
    }

    pub(super) fn begin(&mut self, collection: &CollectionName) {
        self.collections.push((collection.clone(), 0));
    }

    pub(super) fn committed(&mut self, receipt: &Receipt) {
        self.written(receipt.changed as u64);
        self.commits += 1;
        self.lsn = Some(receipt.lsn);
        self.skipped(receipt.skipped);
    }

    pub(super) fn skipped(&mut self, documents: usize) {
        self.skipped += documents as u64;
    }

    pub(super) fn unchanged(&mut self, documents: usize) {
        self.unchanged += documents as u64;
    }

    /// A commit that an import would make.
    pub(super) fn would_commit(&mut self, documents: usize) {
        self.commits += 1;
        self.written(documents as u64);
    }

    pub(super) fn added(&mut self) {
        self.count(0);
        self.written(1);
    }

    pub(super) fn changed(&mut self) {
        self.count(1);
        self.written(1);
    }

    pub(super) fn removed(&mut self) {
        self.count(2);
    }

    /// A commit of what was counted.
    pub(super) fn replaced(&mut self, receipt: &Receipt) {
        self.commits += 1;
        self.lsn = Some(receipt.lsn);
    }

    fn count(&mut self, which: usize) {
        if let Some(count) = self.replaced.as_mut().and_then(|counts| counts.get_mut(which)) {
            *count += 1;
        }
    }

    fn written(&mut self, documents: u64) {
        if let Some((_, written)) = self.collections.last_mut() {
            *written += documents;
        }
    }

    /// Whether nothing was committed.
    pub fn is_empty(&self) -> bool {
        self.commits == 0
    }

    /// How many documents were written.
    pub fn documents(&self) -> u64 {
        self.collections.iter().map(|(_, documents)| documents).sum()
    }
}
