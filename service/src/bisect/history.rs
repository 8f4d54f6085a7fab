//! The history that is searched, and the names of its states.

use std::fmt;

use argon_core::model::{BranchName, Lsn};
use argon_core::{ErrorKind, Named, Revision, Selector, State};

use crate::{Result, Workspace};

/// The history of a bad state.
#[derive(Debug, Clone)]
pub struct History {
    /// The last of it.
    upto: Lsn,
    names: Names,
}

#[derive(Debug, Clone)]
enum Names {
    /// It is the present history of this branch.
    Branch(BranchName),
    /// It is another one, whose last state has this name.
    Before(Revision),
}

impl History {
    /// The history of `bad`, the state that `revision` names.
    ///
    /// # Errors
    /// Those of resolving the revision.
    pub async fn of(workspace: &Workspace, revision: &Revision, bad: &State) -> Result<Self> {
        let branch = revision.branch_or(&workspace.branch);
        let selector = Selector::Lsn(bad.lsn());
        let on_branch = Revision { selector, ..Revision::head(branch.clone()) };
        let is_on_branch = match &revision.name {
            Named::Pin(_) => false,
            _ => match on_branch.resolve(&workspace.project, &workspace.branch).await {
                Ok(state) => state.view() == bad.view(),
                // A branch that is gone, or one that has been reset to an earlier state.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => {
                    false
                }
                Err(error) => return Err(error.into()),
            },
        };
        let names = if is_on_branch {
            Names::Branch(branch.clone())
        } else {
            Names::Before(revision.clone())
        };
        Ok(Self { upto: bad.lsn(), names })
    }

    /// The branch, if it is the history of one.
    pub fn branch(&self) -> Option<&BranchName> {
        match &self.names {
            Names::Branch(branch) => Some(branch),
            Names::Before(_) => None,
        }
    }

    /// A name of the state at `lsn`.
    pub fn revision(&self, lsn: Lsn) -> Revision {
        match &self.names {
            Names::Branch(branch) => {
                Revision { selector: Selector::Lsn(lsn), ..Revision::head(branch.clone()) }
            }
            Names::Before(last) => {
                let back = last.back + (self.upto.get() - lsn.get());
                Revision { back, ..last.clone() }
            }
        }
    }

    /// The name of the last state, if the names of the states change as soon as a branch moves.
    pub fn unstable_name(&self) -> Option<&Revision> {
        match &self.names {
            Names::Before(last) if last.selector != Selector::Head => Some(last),
            Names::Before(_) | Names::Branch(_) => None,
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.names {
            Names::Branch(branch) => branch.fmt(f),
            Names::Before(last) => last.fmt(f),
        }
    }
}
