//! What came of an import.

use argon_core::Branch;
use argon_core::model::{CollectionName, Lsn};
use argon_core::write::Receipt;

use crate::output::{Json, count, grouped};

/// The numbers of an import, of what is durable.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// How many documents were written into each collection.
    collections: Vec<(CollectionName, u64)>,
    commits: u64,
    /// Documents that were there already and were left as they are.
    skipped: u64,
    /// Documents that are there already and equal.
    unchanged: u64,
    /// How many documents were added, changed and removed, where collections are replaced.
    replaced: Option<[u64; 3]>,
    /// Whether it says what would be done.
    rehearsed: bool,
    /// Documents that could not be taken.
    pub(crate) bad: u64,
    /// The last commit.
    pub(crate) lsn: Option<Lsn>,
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
    pub(crate) fn is_empty(&self) -> bool {
        self.commits == 0
    }

    fn documents(&self) -> u64 {
        self.collections.iter().map(|(_, documents)| documents).sum()
    }

    /// For people.
    pub(crate) fn text(&self, branch: &Branch, seconds: f64) -> String {
        let documents = self.documents();
        let mut text = format!(
            "{} in {}, {}, {seconds:.1} s",
            count(documents, "document"),
            count(self.collections.len() as u64, "collection"),
            count(self.commits, "commit"),
        );
        if let Some(rate) = rate(documents, seconds) {
            text.push_str(&format!(" ({} documents/s)", grouped(rate)));
        }
        if let Some([added, changed, removed]) = self.replaced.map(|counts| counts.map(grouped)) {
            text.push_str(&format!("; {added} added, {changed} changed, {removed} removed"));
        }
        if self.unchanged > 0 {
            text.push_str(&format!("; {} equal", grouped(self.unchanged)));
        }
        if self.skipped > 0 {
            text.push_str(&format!("; {} there already", grouped(self.skipped)));
        }
        if self.bad > 0 {
            text.push_str(&format!("; {} bad", grouped(self.bad)));
        }
        if let Some(lsn) = self.lsn {
            text.push_str(&format!("; {} is at LSN {lsn}", branch.name()));
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self, branch: &Branch, seconds: f64) -> Json {
        let collections = self.collections.iter().map(|(name, documents)| {
            Json::object([("collection", name.as_str().into()), ("documents", (*documents).into())])
        });
        let mut fields = vec![
            ("branch", branch.name().as_str().into()),
            ("documents", self.documents().into()),
            ("skipped", self.skipped.into()),
            ("bad", self.bad.into()),
            ("commits", self.commits.into()),
            ("lsn", self.lsn.map(Lsn::get).into()),
            ("seconds", seconds.into()),
            ("unchanged", self.unchanged.into()),
        ];
        if let Some([added, changed, removed]) = self.replaced {
            fields.push(("added", added.into()));
            fields.push(("changed", changed.into()));
            fields.push(("removed", removed.into()));
        }
        if self.rehearsed {
            fields.push(("dry_run", true.into()));
        }
        fields.push(("collections", Json::Array(collections.collect())));
        Json::Object(fields)
    }
}

/// Documents a second, once there is enough to tell.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "both numbers are positive, and only the first digits matter"
)]
fn rate(documents: u64, seconds: f64) -> Option<u64> {
    (documents > 0 && seconds >= 0.01).then(|| (documents as f64 / seconds) as u64)
}
