//! What the libraries hint at, as commands: the one place that knows how `argon` spells an operation.

use argon_core::storage::Remedy;
use argon_core::{Error, ErrorKind, Hint};

/// What to do about an error, as a sentence without a full stop: the hint of the error, and then what the command
/// that met it `said`, if anything.
pub(crate) fn advice(error: &Error, said: Option<String>) -> Option<String> {
    let hint = error.hint();
    // What is true of every error of a kind gives way to what a command knows better.
    let is_general = matches!(hint, Some(Hint::CheckStore | Hint::CheckLog | Hint::ReportDefect));
    let own = hint.as_ref().and_then(|hint| match (hint, error.kind()) {
        (Hint::FreeSpace, ErrorKind::Indeterminate) => {
            Some("the disk is full: make room, and look at `argon log` before you try again".into())
        }
        _ => command(hint),
    });
    match (own, said) {
        (Some(own), Some(said)) if !is_general => Some(format!("{own}; {said}")),
        (own, said) => said.or(own),
    }
}

/// What repairs what a check found.
pub(crate) fn of_diagnosis(remedy: &Remedy) -> Option<String> {
    match remedy {
        Remedy::Hint(Hint::CreateStore { url: None }) => {
            Some("`argon init` with this URL makes one".to_owned())
        }
        Remedy::Hint(hint) => command(hint),
        Remedy::Text(text) => Some(text.clone()),
    }
}

/// A hint in the words of this program; `None` if it has none for it.
fn command(hint: &Hint) -> Option<String> {
    let text = match hint {
        Hint::CheckStore => "`argon fsck` says what is damaged; write nothing until then",
        Hint::CheckLog => "look at `argon log` before you try again",
        Hint::CreateStore { url: None } => "`argon init` makes one",
        Hint::CreateStore { url: Some(url) } => {
            return Some(format!("`argon init {url}` makes one"));
        }
        Hint::Diagnose => "`argon doctor` looks at what the store needs, one thing after the other",
        Hint::AllowWrites { branch } => {
            return Some(format!(
                "`argon branch read-write {branch}` lets it take commits; `argon branch create NAME \
                 --from {branch}` makes a branch from it"
            ));
        }
        Hint::Unprotect { branch } => {
            return Some(format!("`argon branch unprotect {branch}` ends the protection"));
        }
        Hint::ExtendSandbox { branch } => {
            return Some(format!("`argon sandbox extend {branch}` lets it live on"));
        }
        Hint::DeleteBranch { branch } => {
            return Some(format!("`argon branch delete {branch}` deletes it"));
        }
        Hint::ListPlans => "`argon merge list` lists the plans",
        Hint::ShowReflog { branch } => {
            return Some(format!("`argon reflog {branch}` says when it was"));
        }
        Hint::ListRetainedStates => "`argon reflog` and `argon log` say what is kept",
        Hint::RestoreState => "`argon restore` goes back to a state that is kept",
        Hint::ExportState => "`argon export` takes the documents of a state",
        Hint::GenerateKey => "`argon pin keygen FILE` makes a key",
        Hint::ListJobs => "`argon jobs list` shows all jobs",
        Hint::RetryJob { id } => return Some(format!("`argon jobs retry {id}` tries it again")),
        Hint::FreeSpace => "the disk is full: make room, then try again",
        Hint::CompactStore => "make room, or run `argon compact` once there is a little",
        Hint::ReportDefect => "this is a defect in argon; please report it",
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn full() -> io::Error {
        io::ErrorKind::StorageFull.into()
    }

    #[test]
    fn a_hint_is_a_command_and_what_a_command_says_comes_after_it_or_in_place_of_what_is_general() {
        let protected =
            || Error::denied("x").with_hint(Hint::Unprotect { branch: "try".to_owned() });
        let unprotect = "`argon branch unprotect try` ends the protection";
        for (error, said, expected) in [
            (protected(), None, Some(unprotect.to_owned())),
            (protected(), Some("try again"), Some(format!("{unprotect}; try again"))),
            (Error::denied("x"), Some("try again"), Some("try again".to_owned())),
            (Error::denied("x"), None, None),
            (Error::corrupt("x"), Some("take a backup"), Some("take a backup".to_owned())),
        ] {
            assert_eq!(advice(&error, said.map(str::to_owned)), expected);
        }
        assert!(advice(&Error::corrupt("x"), None).unwrap().contains("`argon fsck`"));
    }

    #[test]
    fn a_full_disk_is_named_and_so_is_the_log_if_the_write_may_have_happened() {
        let said = advice(&Error::unavailable("x").with_source(full()), None).unwrap();
        assert!(said.contains("disk is full") && !said.contains("argon log"), "{said}");
        let said = advice(&Error::indeterminate("x").with_source(full()), None).unwrap();
        assert!(said.contains("disk is full") && said.contains("argon log"), "{said}");
    }

    #[test]
    fn a_remedy_is_a_command_or_words() {
        let hint = Hint::CreateStore { url: Some("sled:x".to_owned()) };
        assert_eq!(of_diagnosis(&hint.into()).unwrap(), "`argon init sled:x` makes one");
        assert_eq!(of_diagnosis(&"set the clock".into()).unwrap(), "set the clock");
    }
}
