//! What Tab completes in the shell.

use argon_service::shell::{COLLECTION_METHODS, CURSOR_METHODS, DATABASE_METHODS};

const COMMANDS: [&str; 7] = ["db", "exit", "help", "it", "quit", "show", "use"];
const SHOWN: [&str; 3] = ["branches", "collections", "dbs"];

/// The names of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) projects: Vec<String>,
    pub(super) branches: Vec<String>,
    pub(super) collections: Vec<String>,
}

/// The completions of the last word of a line, and where that begins.
pub(super) fn complete(line: &str, names: &Names) -> (usize, Vec<String>) {
    let trimmed = line.trim_start();
    if let Some(word) = trimmed.strip_prefix("show ") {
        return matching(line, word.trim_start(), SHOWN.iter().copied());
    }
    if let Some(place) = trimmed.strip_prefix("use ") {
        let place = place.trim_start();
        return match place.rsplit_once('@') {
            Some((_, branch)) => matching(line, branch, names.branches.iter().map(String::as_str)),
            None => matching(line, place, names.projects.iter().map(String::as_str)),
        };
    }
    let Some((before, word)) = line.rsplit_once('.') else {
        return matching(line, trimmed, COMMANDS.iter().copied());
    };
    if !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return (line.len(), Vec::new());
    }
    let before = before.trim_end();
    let owner = before.rsplit(|c: char| c.is_whitespace() || c == ';').next().unwrap_or(before);
    if owner == "db" {
        let collections = names.collections.iter().map(String::as_str);
        return matching(line, word, collections.chain(DATABASE_METHODS.iter().copied()));
    }
    if before.ends_with(')') {
        return matching(line, word, CURSOR_METHODS.iter().copied());
    }
    if owner.starts_with("db.") || owner.starts_with("db[") {
        return matching(line, word, COLLECTION_METHODS.iter().copied());
    }
    (line.len(), Vec::new())
}

fn matching<'n>(
    line: &str,
    word: &str,
    names: impl Iterator<Item = &'n str>,
) -> (usize, Vec<String>) {
    let names = names.filter(|name| name.starts_with(word)).map(str::to_owned).collect();
    (line.len() - word.len(), names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_completed_by_what_may_stand_there() {
        let names = Names {
            projects: vec!["shop".into(), "ship".into()],
            branches: vec!["main".into(), "try".into()],
            collections: vec!["users".into()],
        };
        for (line, start, expected) in [
            ("s", 0, vec!["show"]),
            ("show b", 5, vec!["branches"]),
            ("use sh", 4, vec!["shop", "ship"]),
            ("use shop@t", 9, vec!["try"]),
            ("db.us", 3, vec!["users"]),
            ("db.getN", 3, vec!["getName"]),
            (
                "db.users.findO",
                9,
                vec!["findOne", "findOneAndDelete", "findOneAndReplace", "findOneAndUpdate"],
            ),
            ("db.users.findOneAndU", 9, vec!["findOneAndUpdate"]),
            ("db.users.find({a: 1}).li", 22, vec!["limit"]),
            ("db.users.find({a: 'x.y", 22, vec![]),
            ("foo.b", 5, vec![]),
        ] {
            assert_eq!(
                complete(line, &names),
                (start, expected.into_iter().map(str::to_owned).collect()),
                "{line}"
            );
        }
    }
}
