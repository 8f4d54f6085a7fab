//! The origin of a commit, in words.

use argon_core::model::{Message, Origin};

/// The origin of a commit; `None` for plain writes.
pub fn origin_text(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Write => None,
        Origin::Import { source } => Some(format!("import of {source}")),
        Origin::Merge(merged) => {
            let plan = Some(merged.plan.as_str()).filter(|plan| !plan.is_empty());
            Some(format!("merge of {}{}", merged.source, by_plan(plan)))
        }
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
        Origin::Patch { source } | Origin::PatchOf { source, .. } => {
            Some(format!("patch {source}"))
        }
    }
}

/// The origin of a commit, and the first line of its message unless it is empty or repeats the origin.
pub fn origin_and_message(origin: &Origin, message: &Message) -> [Option<String>; 2] {
    let message = message.as_str().lines().next().unwrap_or_default();
    let origin = origin_text(origin);
    let is_repeated = origin.as_deref().is_some_and(|origin| repeats(message, origin));
    let message = (!message.is_empty() && !is_repeated).then(|| message.to_owned());
    [origin, message]
}

/// Whether a message repeats an origin, as the default message of a commit does.
fn repeats(message: &str, origin: &str) -> bool {
    let mut depth = 0;
    let outside = |c: &char| {
        depth += i32::from(*c == '(');
        let outside = depth == 0;
        depth -= i32::from(*c == ')');
        outside
    };
    let plain: String = origin.chars().filter(outside).collect();
    let plain = plain.trim_end().replace(" ,", ",");
    origin == message || plain == message || plain.replacen(" of ", " ", 1) == message
}

fn by_plan(plan: Option<&str>) -> String {
    plan.map(|plan| format!(" (plan {plan})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_repeats_the_origin_is_left_out() {
        for (origin, message) in [
            ("merge of f (plan 1f2e)", "merge f"),
            ("undo of 3 to 5", "undo 3 to 5"),
            ("cherry-pick of 3 (ab12), 5 (cd34) (plan 1f2e)", "cherry-pick 3, 5"),
            ("patch it.argonpatch", "patch it.argonpatch"),
        ] {
            assert!(repeats(message, origin), "{origin}: {message}");
        }
        assert!(!repeats("bring in f", "merge of f (plan 1f2e)"));
    }
}
