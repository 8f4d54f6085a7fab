//! Revisions: the grammar in which users name a state, and its resolver.
//!
//! | text | state |
//! | --- | --- |
//! | `main` | the head of branch main |
//! | `main@1234` | main after its commit with LSN 1234; `main@0` is the empty state |
//! | `main@2026-07-07T09:00`, `main@yesterday`, `main@1h` | main after its last commit up to then: a [`Moment`] |
//! | `main@{2}` | main before its last two entries in the [reflog](crate::reflog) |
//! | `v1`, `pin:v1` | a pin; `v1` is the branch if one has that name |
//! | `main~3`, `main^` | three commits, or one, before any of these |
//! | `@`, `HEAD` | the head of the current branch |
//! | `@1234`, `1234`, `@{2}`, `~3`, `HEAD~3` | the same of the current branch; `1234` is a branch if one has that name |

use std::fmt;
use std::str::FromStr;

use bson::DateTime;

use crate::history::reflog;
use crate::model::moment::Moment;
use crate::model::{BranchName, Lsn, PinName};
use crate::store::{Branch, Project, State, kept};
use crate::{Error, Result};

/// A state, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The branch or pin.
    pub name: Named,
    /// The selected state.
    pub selector: Selector,
    /// The number of commits to go back from it.
    pub back: u64,
}

/// A branch or a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// The current branch.
    Current,
    /// The branch of this name, or otherwise the pin.
    Any(BranchName),
    /// The pin of this name.
    Pin(PinName),
}

/// A selector of a state of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The head.
    Head,
    /// After the commit with this LSN.
    Lsn(Lsn),
    /// After the last commit that is not later.
    Time(Moment),
    /// Before the last N entries of the reflog.
    Moved(u64),
}

impl Revision {
    /// The head of a branch.
    pub fn head(branch: BranchName) -> Self {
        Self { name: Named::Any(branch), selector: Selector::Head, back: 0 }
    }

    /// The head of the current branch.
    pub fn current() -> Self {
        Self { name: Named::Current, selector: Selector::Head, back: 0 }
    }

    /// Returns the same revision so that it says by itself what it names: the position of the current
    /// branch if a number names no branch, and the time itself in place of one relative to now.
    ///
    /// # Errors
    /// The errors of reading the refs.
    pub async fn explicit(&self, project: &Project) -> Result<Self> {
        let mut explicit = self.clone();
        if let Some(lsn) = self.position()
            && let Named::Any(name) = &self.name
            && project.find(name).await?.is_none()
            && self.pin(project).await?.is_none()
        {
            (explicit.name, explicit.selector) = (Named::Current, Selector::Lsn(lsn));
        }
        if let Selector::Time(moment) = &self.selector {
            explicit.selector = Selector::Time(moment.at(now(project)).into());
        }
        Ok(explicit)
    }

    /// Returns the position that a name of digits alone may stand for.
    fn position(&self) -> Option<Lsn> {
        match (&self.name, &self.selector) {
            (Named::Any(name), Selector::Head) if is_number(name.as_str()) => {
                name.as_str().parse().ok().map(Lsn::new)
            }
            _ => None,
        }
    }

    /// The named branch or pin, or the current branch.
    pub fn branch_or<'a>(&'a self, current: &'a BranchName) -> &'a BranchName {
        match &self.name {
            Named::Current => current,
            Named::Any(name) => name,
            Named::Pin(name) => name.as_branch(),
        }
    }

    /// Returns the pin whose own state is named, if any.
    pub async fn pin(&self, project: &Project) -> Result<Option<PinName>> {
        match &self.name {
            _ if self.back > 0 => Ok(None),
            Named::Pin(name) => Ok(Some(name.clone())),
            Named::Any(name) if project.find(name).await?.is_none() => {
                let Ok(pin) = PinName::new(name.as_str()) else { return Ok(None) };
                Ok(project.find_pin(&pin).await?.map(|_| pin))
            }
            Named::Any(_) | Named::Current => Ok(None),
        }
    }

    /// Resolves the state.
    ///
    /// # Errors
    /// `NotFound` if the branch, pin or state does not exist; `Invalid` for a selector on a pin,
    /// which has a single state.
    pub async fn resolve(&self, project: &Project, current: &BranchName) -> Result<State> {
        let state = match &self.name {
            Named::Pin(name) => self.of_pin(name, project.pinned(name).await?)?,
            _ => self.of_any(project, current).await?,
        };
        if self.back == 0 {
            return Ok(state);
        }
        match state.lsn().back(self.back) {
            Some(lsn) => match state.kept_earlier(lsn).await? {
                Some(earlier) => Ok(earlier),
                None => {
                    let name = self.branch_or(current).as_str();
                    Err(kept::collected(project, name, state.view(), lsn).await?)
                }
            },
            None => Err(Error::not_found(format!(
                "'{self}' is before the first commit; the history has {} commits",
                state.lsn()
            ))),
        }
    }

    async fn of_any(&self, project: &Project, current: &BranchName) -> Result<State> {
        let name = self.branch_or(current);
        if let Some(stored) = project.find(name).await? {
            let branch = Branch::new(project.clone(), name.clone(), stored.record);
            return match &self.selector {
                Selector::Head => branch.head().await,
                Selector::Lsn(lsn) => branch.at(*lsn).await,
                Selector::Time(moment) => branch.at_time(moment.at(now(project))).await,
                Selector::Moved(entries) => reflog::state(project, name, *entries).await,
            };
        }
        if let Ok(pin) = PinName::new(name.as_str())
            && let Some(stored) = project.find_pin(&pin).await?
        {
            return self.of_pin(&pin, project.pinned_by(&stored.record).await?);
        }
        match (&self.selector, self.position()) {
            // A deleted branch has a reflog.
            (Selector::Moved(entries), _) => reflog::state(project, name, *entries).await,
            (_, Some(lsn)) => project.branch(current).await?.at(lsn).await,
            _ => Err(project.neither_branch_nor_pin(name).await),
        }
    }

    fn of_pin(&self, name: &PinName, state: State) -> Result<State> {
        match self.selector {
            Selector::Head => Ok(state),
            _ => Err(Error::invalid(format!(
                "invalid revision '{self}': '{name}' is a pin, which is a single state; expected \
                 {name}, or {name}~N for N commits before"
            ))),
        }
    }
}

impl FromStr for Revision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |problem: &str| {
            Error::invalid(format!(
                "invalid revision '{text}': {problem}; expected BRANCH, BRANCH@LSN, BRANCH@TIME \
                 (such as main@2026-07-07T09:00 or main@1h), BRANCH@{{N}}, BRANCH~N, or the name of a \
                 pin"
            ))
        };
        let parents = text.len() - text.trim_end_matches('^').len();
        let (whole, text) = (text, text.trim_end_matches('^'));
        let (text, back): (&str, u64) = match text.split_once('~') {
            Some((before, "")) => (before, 1),
            Some((before, count)) => {
                (before, count.parse().map_err(|_| wrong("'~' is not followed by a number"))?)
            }
            None if whole.is_empty() => return Err(wrong("it is empty")),
            None => (text, 0),
        };
        let back = back.saturating_add(parents as u64);
        let (branch, selector) = match text.split_once('@') {
            None => (text, Selector::Head),
            Some(("", "")) => ("", Selector::Head),
            Some((branch, selector)) => (
                branch,
                parse_selector(selector)
                    .ok_or_else(|| wrong("'@' is not followed by an LSN, a time, or {N}"))?,
            ),
        };
        let name = match branch.strip_prefix("pin:") {
            Some(pin) => Named::Pin(PinName::new(pin)?),
            None if branch.is_empty() || branch == BranchName::CURRENT => Named::Current,
            None => Named::Any(BranchName::new(branch)?),
        };
        Ok(Self { name, selector, back })
    }
}

fn parse_selector(text: &str) -> Option<Selector> {
    if is_number(text) {
        return text.parse().ok().map(|number| Selector::Lsn(Lsn::new(number)));
    }
    let braced = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    if let Some(entries) = braced.filter(|text| is_number(text)) {
        return entries.parse().ok().map(Selector::Moved);
    }
    // In braces as well, as in git.
    braced.unwrap_or(text).parse().ok().map(Selector::Time)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn now(project: &Project) -> DateTime {
    project.shared.environment.now()
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Named::Current if *self == Self::current() => f.write_str("@")?,
            Named::Current => {}
            Named::Any(name) => write!(f, "{name}")?,
            Named::Pin(name) => write!(f, "pin:{name}")?,
        }
        match &self.selector {
            Selector::Head => {}
            Selector::Lsn(lsn) => write!(f, "@{lsn}")?,
            Selector::Time(moment) => write!(f, "@{moment}")?,
            Selector::Moved(entries) => write!(f, "@{{{entries}}}")?,
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
        assert_eq!(revision.to_string().parse::<Revision>().unwrap(), revision);
        let name = match revision.name {
            Named::Current => None,
            Named::Any(name) => Some(name.to_string()),
            Named::Pin(name) => Some(format!("pin {name}")),
        };
        (name, revision.selector, revision.back)
    }

    #[test]
    fn each_form_is_read() {
        let main = || Some("main".to_owned());
        let time: Moment = DateTime::parse_rfc3339_str("2026-07-07T09:00:00Z").unwrap().into();
        let ago: Moment = "1h ago".parse().unwrap();
        assert_eq!(parsed("main"), (main(), Selector::Head, 0));
        assert_eq!(parsed("main@1234"), (main(), Selector::Lsn(Lsn::new(1234)), 0));
        assert_eq!(parsed("main@2026-07-07T09:00:00Z"), (main(), Selector::Time(time.clone()), 0));
        assert_eq!(parsed("main@2026-07-07T11:00+02:00"), (main(), Selector::Time(time), 0));
        assert_eq!(parsed("main@1h ago~2"), (main(), Selector::Time(ago.clone()), 2));
        assert_eq!(parsed("main@{1h ago}"), (main(), Selector::Time(ago), 0));
        assert_eq!(parsed("main^"), (main(), Selector::Head, 1));
        assert_eq!(parsed("HEAD~2^^"), (None, Selector::Head, 4));
        assert_eq!(parsed("@"), (None, Selector::Head, 0));
        assert_eq!(parsed("HEAD"), (None, Selector::Head, 0));
        assert_eq!(parsed("HEAD@7"), (None, Selector::Lsn(Lsn::new(7)), 0));
        assert_eq!(parsed("main~3"), (main(), Selector::Head, 3));
        assert_eq!(parsed("main~"), (main(), Selector::Head, 1));
        assert_eq!(parsed("main@7~2"), (main(), Selector::Lsn(Lsn::new(7)), 2));
        assert_eq!(parsed("@5"), (None, Selector::Lsn(Lsn::new(5)), 0));
        assert_eq!(parsed("~1"), (None, Selector::Head, 1));
        assert_eq!(parsed("main@{2}~1"), (main(), Selector::Moved(2), 1));
        assert_eq!(parsed("@{0}"), (None, Selector::Moved(0), 0));
        assert_eq!(parsed("pin:v1~2"), (Some("pin v1".into()), Selector::Head, 2));
    }

    #[test]
    fn what_names_no_state_is_refused_with_the_forms_that_do() {
        for text in [
            "",
            "main@",
            "main@x",
            "main~x",
            "main^2",
            "^main",
            "main@1@2",
            "a b",
            "main@2026-13-01",
            "main@{}",
            "main@{-1}",
            "pin:",
        ] {
            let error = text.parse::<Revision>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{text}");
        }
    }
}
