//! The grammar of ranges: of commits, and of states.

use std::str::FromStr;

use argon_core::model::Lsn;
use argon_core::{Branch, Error, Project, Revision};

use crate::{Failure, Hint, Result};

/// The commits after one state up to another: `REV..REV`, or `REV` for the last commit of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionRange {
    /// The state before the first commit; `None` for the one before the last commit of `upto`.
    pub above: Option<Revision>,
    /// The state after the last commit.
    pub upto: Revision,
}

impl RevisionRange {
    /// Returns the positions on `branch` of the states before the first commit and after the last. A
    /// revision without a branch is resolved on `branch`.
    ///
    /// # Errors
    /// `Invalid` if the history of the branch does not contain both states, or no commit comes before
    /// the last one; those of [`Revision::resolve`].
    pub async fn on_branch(&self, project: &Project, branch: &Branch) -> Result<(Lsn, Lsn)> {
        let upto = position(project, branch, &self.upto).await?;
        let above = match &self.above {
            Some(above) => position(project, branch, above).await?,
            None => upto.back(1).ok_or_else(|| {
                Error::invalid(format!(
                    "invalid revision '{}': expected a state with a commit before it",
                    self.upto
                ))
            })?,
        };
        Ok((above, upto))
    }
}

/// Returns the position of a state in the history of the branch.
async fn position(project: &Project, branch: &Branch, revision: &Revision) -> Result<Lsn> {
    let state = revision.resolve(project, branch.name()).await?;
    let head = branch.head().await?;
    if head.view().common_lsn(state.view()) == state.lsn() {
        return Ok(state.lsn());
    }
    let branch = branch.name();
    Err(Failure::from(Error::invalid(format!(
        "invalid revision '{revision}': expected a state of the current branch '{branch}'; their \
         histories diverge after LSN {}",
        head.view().common_lsn(state.view())
    )))
    .hint(Hint::ListCommits { branch: branch.to_string() }))
}

impl FromStr for RevisionRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Some((above, upto)) = text.split_once("..") else {
            return Ok(Self { above: None, upto: text.parse()? });
        };
        if above.is_empty() || upto.is_empty() || upto.contains("..") || upto.starts_with('.') {
            return Err(Error::invalid(format!(
                "invalid range of commits '{text}': expected two states with .. between them, such as \
                 main~3..main or @5..@9"
            )));
        }
        Ok(Self { above: Some(above.parse()?), upto: upto.parse()? })
    }
}

/// One state, or two with `..` or `...` between them. A state that is left out beside the dots is the
/// head of the current branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRange {
    /// The state before, if there are two.
    pub from: Option<Revision>,
    /// The state after.
    pub to: Revision,
    /// Whether the state before is the last one that both histories share: `...`.
    pub merge_base: bool,
}

impl StateRange {
    /// Whether there are two states.
    pub fn is_range(&self) -> bool {
        self.from.is_some()
    }
}

impl FromStr for StateRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (merge_base, parts) = match text.split_once("...") {
            Some(parts) => (true, Some(parts)),
            None => (false, text.split_once("..")),
        };
        let Some((from, to)) = parts else {
            return Ok(Self { from: None, to: text.parse()?, merge_base });
        };
        if to.contains("..") || to.starts_with('.') || (from.is_empty() && to.is_empty()) {
            return Err(Error::invalid(format!(
                "invalid range of states '{text}': expected two states with .. between them, such as \
                 main..try or @5..@9"
            )));
        }
        let state =
            |text: &str| if text.is_empty() { Ok(Revision::current()) } else { text.parse() };
        Ok(Self { from: Some(state(from)?), to: state(to)?, merge_base })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_states_or_one_are_read() {
        let revision = |text: &str| text.parse::<Revision>().unwrap();
        for (text, above, upto) in [
            ("main~3..main", Some("main~3"), "main"),
            ("@5..@9", Some("@5"), "@9"),
            ("main@2026-07-07..~1", Some("main@2026-07-07"), "~1"),
            ("feature/x.2@7", None, "feature/x.2@7"),
        ] {
            let range: RevisionRange = text.parse().unwrap();
            assert_eq!(range, RevisionRange { above: above.map(revision), upto: revision(upto) });
        }
    }

    #[test]
    fn a_range_of_states_may_leave_out_the_current_branch() {
        let revision = |text: &str| text.parse::<Revision>().unwrap();
        for (text, from, to, merge_base) in [
            ("main..try", Some("main"), "try", false),
            ("main...try", Some("main"), "try", true),
            ("main..", Some("main"), "@", false),
            ("..try~1", Some("@"), "try~1", false),
            ("3..7", Some("3"), "7", false),
            ("main@1.hour.ago..main", Some("main@1.hour.ago"), "main", false),
            ("v1.2", None, "v1.2", false),
        ] {
            let range: StateRange = text.parse().unwrap();
            let expected = StateRange { from: from.map(revision), to: revision(to), merge_base };
            assert_eq!(range, expected, "{text}");
        }
        for text in ["..", "...", "a..b..c", "a....b"] {
            let error = text.parse::<StateRange>().unwrap_err();
            assert!(error.to_string().contains("such as main..try"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused_with_one_that_is() {
        for text in ["..", "main..", "..main", "a...b", "a..b..c", "a....b"] {
            let error = text.parse::<RevisionRange>().unwrap_err();
            assert!(error.to_string().contains("such as main~3..main"), "{text}: {error}");
        }
        for text in ["", "a b..c", "a..@x", "a~x"] {
            let error = text.parse::<RevisionRange>().unwrap_err();
            assert!(
                error.to_string().contains("invalid revision")
                    || error.to_string().contains("name")
            );
        }
    }
}
