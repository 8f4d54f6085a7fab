//! Conflicts as text, and what to do about them.

use argon_core::document::Path;
use argon_service::plan::{ConflictCause, ShownConflict};

use crate::output::escape;

/// The longest value that people are shown, in characters.
const LONGEST: usize = 400;

/// At most `most` conflicts, and how many more there are.
pub(super) fn text(conflicts: &[ShownConflict], most: usize) -> String {
    let mut lines: Vec<String> = conflicts.iter().take(most).map(one).collect();
    let more = conflicts.len().saturating_sub(most);
    if more > 0 {
        lines.push(format!("and {more} more; -o json lists all"));
    }
    lines.join("\n")
}

fn one(conflict: &ShownConflict) -> String {
    let mut text = format!(
        "conflict in {} at {}: {}",
        place_of(conflict),
        path_text(&conflict.path),
        cause_text(conflict.cause)
    );
    for (name, value) in
        [("base", &conflict.base), ("ours", &conflict.ours), ("theirs", &conflict.theirs)]
    {
        let value = value.as_ref().map(|value| shortened(value.as_str()));
        text.push_str(&format!("\n  {name:<7} {}", value.unwrap_or("(absent)".to_owned())));
    }
    if let Some(note) = &conflict.note {
        text.push_str(&format!("\n  note    {note}"));
    }
    text
}

/// A document as commands take it: `users 1`; a collection itself by its name alone.
fn place_of(conflict: &ShownConflict) -> String {
    let collection = escape::line(conflict.collection.as_str());
    match &conflict.id {
        Some(id) => format!("{collection} {}", id.as_str()),
        None => collection.into_owned(),
    }
}

/// A path on one line; the name of a field may be empty.
fn path_text(path: &str) -> String {
    if path.is_empty() { "\"\"".to_owned() } else { escape::line(path).into_owned() }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(super) fn cause_text(cause: ConflictCause) -> &'static str {
    match cause {
        ConflictCause::BothChanged => "both changed it",
        ConflictCause::ChangedAndDeleted => "ours changed it, theirs deleted it",
        ConflictCause::DeletedAndChanged => "ours deleted it, theirs changed it",
        ConflictCause::BothInserted => "both inserted it",
        ConflictCause::BothDeleted => "both deleted it",
    }
}

/// What to do next with an open plan whose first conflict is this.
pub(crate) fn next(plan: &str, conflict: Option<&ShownConflict>) -> String {
    let Some(conflict) = conflict else { return format!("next: argon merge apply {plan}") };
    let at = conflict.id.as_ref().map(|id| format!(" {}", escape::argument(id.as_str())));
    let at = at.unwrap_or_default();
    let is_whole = conflict.path == Path::DOCUMENT.to_string();
    let choices = match &conflict.id {
        None if is_whole => "--ours or --theirs",
        None if conflict.path == "name" => "--ours, --theirs or --value '\"NAME\"'",
        _ => "--ours, --theirs, --base, --value JSON or --absent",
    };
    let path = if is_whole {
        String::new()
    } else {
        format!(" --path {}", escape::argument(&conflict.path))
    };
    format!(
        "next: argon merge resolve {plan} -c {}{at}{path} {choices}\nor for all that are left: argon merge resolve {plan} --all --ours, --theirs or --base",
        escape::argument(conflict.collection.as_str())
    )
}
