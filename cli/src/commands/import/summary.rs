//! What came of an import, as a person and as a program read it.

use argon_core::Branch;
use argon_core::model::Lsn;
use argon_service::import::Summary;

use crate::output::{Json, count, grouped};

/// For people.
pub(super) fn text(summary: &Summary, branch: &Branch, seconds: f64) -> String {
    let documents = summary.documents();
    let mut text = format!(
        "{} in {}, {}, {seconds:.1} s",
        count(documents, "document"),
        count(summary.collections.len() as u64, "collection"),
        count(summary.commits, "commit"),
    );
    if let Some(rate) = rate(documents, seconds) {
        text.push_str(&format!(" ({} documents/s)", grouped(rate)));
    }
    if let Some([added, changed, removed]) = summary.replaced.map(|counts| counts.map(grouped)) {
        text.push_str(&format!("; {added} added, {changed} changed, {removed} removed"));
    }
    if summary.unchanged > 0 {
        text.push_str(&format!("; {} equal", grouped(summary.unchanged)));
    }
    if summary.skipped > 0 {
        text.push_str(&format!("; {} there already", grouped(summary.skipped)));
    }
    if summary.bad > 0 {
        text.push_str(&format!("; {} bad", grouped(summary.bad)));
    }
    if let Some(lsn) = summary.lsn {
        text.push_str(&format!("; {} is at LSN {lsn}", branch.name()));
    }
    text
}

/// For programs.
pub(super) fn json(summary: &Summary, branch: &Branch, seconds: f64) -> Json {
    let collections = summary.collections.iter().map(|(name, documents)| {
        Json::object([("collection", name.as_str().into()), ("documents", (*documents).into())])
    });
    let mut fields = vec![
        ("branch", branch.name().as_str().into()),
        ("documents", summary.documents().into()),
        ("skipped", summary.skipped.into()),
        ("bad", summary.bad.into()),
        ("commits", summary.commits.into()),
        ("lsn", summary.lsn.map(Lsn::get).into()),
        ("seconds", seconds.into()),
        ("unchanged", summary.unchanged.into()),
    ];
    if let Some([added, changed, removed]) = summary.replaced {
        fields.push(("added", added.into()));
        fields.push(("changed", changed.into()));
        fields.push(("removed", removed.into()));
    }
    if summary.rehearsed {
        fields.push(("dry_run", true.into()));
    }
    fields.push(("collections", Json::Array(collections.collect())));
    Json::Object(fields)
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
