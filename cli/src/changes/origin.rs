//! What brought a commit about, in words.

use argon_core::model::Origin;

/// What brought a commit about; `None` if somebody wrote documents.
pub(crate) fn origin_text(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Write => None,
        Origin::Import { source } => Some(format!("import of {source}")),
        Origin::Merge(merged) => Some(format!("merge of {} (plan {})", merged.source, merged.plan)),
        Origin::Undo { above, upto, plan } if above.next() == *upto => {
            Some(format!("undo of {upto}{}", by_plan(plan.as_deref())))
        }
        Origin::Undo { above, upto, plan } => {
            Some(format!("undo of {} to {upto}{}", above.next(), by_plan(plan.as_deref())))
        }
        Origin::CherryPick { commits: picked, plan } => {
            let picked: Vec<String> = picked
                .iter()
                .map(|picked| format!("{} ({})", picked.commit.lsn, picked.digest.short()))
                .collect();
            Some(format!("cherry-pick of {}{}", picked.join(", "), by_plan(plan.as_deref())))
        }
        Origin::Patch { source } => Some(format!("patch {source}")),
    }
}

fn by_plan(plan: Option<&str>) -> String {
    plan.map(|plan| format!(" (plan {plan})")).unwrap_or_default()
}

/// The file from which a commit was imported.
pub(crate) fn import_source(origin: &Origin) -> Option<&str> {
    match origin {
        Origin::Import { source } => Some(source),
        _ => None,
    }
}
