//! The result of an import in words.

use argon_service::import::{ImportSummary, Replaced};

use crate::output::{count, grouped};

/// The result in words.
pub(super) fn text(summary: &ImportSummary) -> String {
    let ImportSummary { documents, seconds, unchanged, skipped, bad, .. } = *summary;
    let mut text = format!(
        "{} in {}, {}, {seconds:.1} s",
        count(documents, "document"),
        count(summary.collections.len() as u64, "collection"),
        count(summary.commits, "commit"),
    );
    if let Some(rate) = rate(documents, seconds) {
        text.push_str(&format!(" ({} documents/s)", grouped(rate)));
    }
    if let Some(Replaced { added, changed, removed }) = summary.replaced {
        let [added, changed, removed] = [added, changed, removed].map(grouped);
        text.push_str(&format!("; {added} added, {changed} changed, {removed} removed"));
    }
    for (number, what) in [(unchanged, "equal"), (skipped, "there already"), (bad, "bad")] {
        if number > 0 {
            text.push_str(&format!("; {} {what}", grouped(number)));
        }
    }
    if let Some(lsn) = summary.lsn {
        text.push_str(&format!("; {} is at LSN {lsn}", summary.branch));
    }
    text
}

/// Documents a second; none if the time is too short for a rate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "both numbers are positive, and only the first digits matter"
)]
fn rate(documents: u64, seconds: f64) -> Option<u64> {
    (documents > 0 && seconds >= 0.01).then(|| (documents as f64 / seconds) as u64)
}
