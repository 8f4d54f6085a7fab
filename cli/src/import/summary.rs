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
    /// Documents that could not be taken.
    pub(crate) bad: u64,
    /// The last commit.
    pub(crate) lsn: Option<Lsn>,
}

impl Summary {
    pub(super) fn begin(&mut self, collection: &CollectionName) {
        self.collections.push((collection.clone(), 0));
    }

    pub(super) fn committed(&mut self, receipt: &Receipt) {
        if let Some((_, documents)) = self.collections.last_mut() {
            *documents += receipt.changed as u64;
        }
        self.commits += 1;
        self.lsn = Some(receipt.lsn);
        self.skipped(receipt.skipped);
    }

    pub(super) fn skipped(&mut self, documents: usize) {
        self.skipped += documents as u64;
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
        Json::object([
            ("branch", branch.name().as_str().into()),
            ("documents", self.documents().into()),
            ("skipped", self.skipped.into()),
            ("bad", self.bad.into()),
            ("commits", self.commits.into()),
            ("lsn", self.lsn.map(Lsn::get).into()),
            ("seconds", seconds.into()),
            ("collections", Json::Array(collections.collect())),
        ])
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
