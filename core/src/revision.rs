//! How users name a state, everywhere: one grammar, one resolver.
//!
//! | text | state |
//! | --- | --- |
//! | `main` | the head of branch main |
//! | `main@1234` | main after its commit with LSN 1234; `main@0` is the empty state |
//! | `main@2026-07-07T09:00:00Z`, `main@2026-07-07` | main after its last commit up to then |
//! | `main~3` | three commits before any of these |
//! | `@1234`, `~3` | the same of the current branch |

use std::fmt;
use std::str::FromStr;

use bson::DateTime;

use crate::model::{BranchName, Lsn};
use crate::{Error, Project, Result, State};

/// A state as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The branch; `None` stands for the current one.
    pub branch: Option<BranchName>,
    /// Which of its states.
    pub selector: Selector,
    /// How many commits before that.
    pub back: u64,
}

/// Which state of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// The present one.
    Head,
    /// After the commit with this LSN.
    Lsn(Lsn),
    /// After the last commit that is not later.
    Time(DateTime),
}

impl Revision {
    /// The head of a branch.
    pub fn head(branch: BranchName) -> Self {
        Self { branch: Some(branch), selector: Selector::Head, back: 0 }
    }

    /// The branch that is meant.
    pub fn branch_or<'a>(&'a self, current: &'a BranchName) -> &'a BranchName {
        self.branch.as_ref().unwrap_or(current)
    }

    /// Finds the state.
    ///
    /// # Errors
    /// `NotFound` if there is no such branch, or it has no such state.
    pub async fn resolve(&self, project: &Project, current: &BranchName) -> Result<State> {
        let branch = project.branch(self.branch_or(current)).await?;
        let state = match self.selector {
            Selector::Head => branch.head().await?,
            Selector::Lsn(lsn) => branch.at(lsn).await?,
            Selector::Time(time) => branch.at_time(time).await?,
        };
        if self.back == 0 {
            return Ok(state);
        }
        match state.lsn().back(self.back) {
            Some(lsn) => branch.earlier(state, lsn).await,
            None => Err(Error::not_found(format!(
                "'{self}' is before the first commit: there are {} commits",
                state.lsn()
            ))),
        }
    }
}

impl FromStr for Revision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |problem: &str| {
            Error::invalid(format!(
                "'{text}' names no state: {problem}; write BRANCH, BRANCH@LSN, BRANCH@TIME \
                 (such as main@2026-07-07T09:00:00Z) or BRANCH~N"
            ))
        };
        let (text, back) = match text.split_once('~') {
            Some((before, "")) => (before, 1),
            Some((before, count)) => {
                (before, count.parse().map_err(|_| wrong("what follows '~' is no number"))?)
            }
            None if text.is_empty() => return Err(wrong("it is empty")),
            None => (text, 0),
        };
        let (branch, selector) = match text.split_once('@') {
            None => (text, Selector::Head),
            Some((branch, selector)) => (
                branch,
                parse_selector(selector)
                    .ok_or_else(|| wrong("what follows '@' is neither an LSN nor a time"))?,
            ),
        };
        let branch = (!branch.is_empty()).then(|| BranchName::new(branch)).transpose()?;
        Ok(Self { branch, selector, back })
    }
}

fn parse_selector(text: &str) -> Option<Selector> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(|number| Selector::Lsn(Lsn::new(number)));
    }
    parse_time(text).map(Selector::Time)
}

/// Reads a time: RFC 3339, or a date alone for its first moment in UTC.
pub fn parse_time(text: &str) -> Option<DateTime> {
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    DateTime::parse_rfc3339_str(full).ok()
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(branch) = &self.branch {
            write!(f, "{branch}")?;
        }
        match self.selector {
            Selector::Head => {}
            Selector::Lsn(lsn) => write!(f, "@{lsn}")?,
            Selector::Time(time) => {
                write!(f, "@{}", time.try_to_rfc3339_string().unwrap_or_default())?;
            }
        }
        if self.back > 0 {
            write!(f, "~{}", self.back)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<String>, Selector, u64) {
        let revision: Revision = text.parse().unwrap();
        (revision.branch.map(|branch| branch.to_string()), revision.selector, revision.back)
    }

    #[test]
    fn each_form_is_read() {
        let main = || Some("main".to_owned());
        let time = DateTime::parse_rfc3339_str("2026-07-07T09:00:00Z").unwrap();
        assert_eq!(parsed("main"), (main(), Selector::Head, 0));
        assert_eq!(parsed("main@1234"), (main(), Selector::Lsn(Lsn::new(1234)), 0));
        assert_eq!(parsed("main@2026-07-07T09:00:00Z"), (main(), Selector::Time(time), 0));
        assert_eq!(parsed("main@2026-07-07T11:00:00+02:00"), (main(), Selector::Time(time), 0));
        assert_eq!(parsed("main~3"), (main(), Selector::Head, 3));
        assert_eq!(parsed("main~"), (main(), Selector::Head, 1));
        assert_eq!(parsed("main@7~2"), (main(), Selector::Lsn(Lsn::new(7)), 2));
        assert_eq!(parsed("@5"), (None, Selector::Lsn(Lsn::new(5)), 0));
        assert_eq!(parsed("~1"), (None, Selector::Head, 1));
    }

    #[test]
    fn what_names_no_state_is_refused_with_the_forms_that_do() {
        for text in ["", "main@", "main@x", "main~x", "main@1@2", "a b", "main@2026-13-01"] {
            let error = text.parse::<Revision>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{text}");
        }
    }
}
