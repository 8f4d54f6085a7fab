//! What brought a commit about, in words.

use argon_core::model::Origin;

/// What brought a commit about; `None` if somebody wrote documents.
pub(crate) fn origin_text(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Write => None,
        Origin::Import { source } => Some(format!("import of {source}")),
        Origin::Merge(merged) => Some(format!("merge of {} (plan {})", merged.source, merged.plan)),
        Origin::Undo { above, upto } if above.next() == *upto => Some(format!("undo of {upto}")),
        Origin::Undo { above, upto } => Some(format!("undo of {} to {upto}", above.next())),
        Origin::CherryPick(picked) => {
            let picked: Vec<String> = picked
                .iter()
                .map(|picked| format!("{} ({})", picked.commit.lsn, picked.digest.short()))
                .collect();
            Some(format!("cherry-pick of {}", picked.join(", ")))
        }
        Origin::Patch { source } => Some(format!("patch {source}")),
    }
}

/// The file from which a commit was imported.
pub(crate) fn import_source(origin: &Origin) -> Option<&str> {
    match origin {
        Origin::Import { source } => Some(source),
        _ => None,
    }
}
