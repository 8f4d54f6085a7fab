//! The history that is searched, and what its states are called.

use std::fmt;

use argon_core::model::{BranchName, Lsn};
use argon_core::{Error, ErrorKind, Named, Revision, Selector, State};
use argon_service::Workspace;

use crate::exit::{CommandResult, Failure};

/// The history of a bad state.
pub(super) struct History {
    /// The last of it.
    upto: Lsn,
    names: Names,
}

enum Names {
    /// It is the present history of this branch.
    Branch(BranchName),
    /// It is another, whose last state has this name.
    Before(Revision),
}

impl History {
    /// The history of `bad`, which is the state that `revision` names.
    pub(super) async fn of(
        workspace: &Workspace,
        revision: &Revision,
        bad: &State,
    ) -> CommandResult<Self> {
        let branch = revision.branch_or(&workspace.branch);
        let selector = Selector::Lsn(bad.lsn());
        let on_branch = Revision { selector, ..Revision::head(branch.clone()) };
        let is_on_branch = match &revision.name {
            Named::Pin(_) => false,
            _ => match on_branch.resolve(&workspace.project, &workspace.branch).await {
                Ok(state) => state.view() == bad.view(),
                // A pin, a branch that is gone, or one that has been reset to an earlier state.
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
    pub(super) fn branch(&self) -> Option<&BranchName> {
        match &self.names {
            Names::Branch(branch) => Some(branch),
            Names::Before(_) => None,
        }
    }

    /// A name of the state at `lsn`.
    pub(super) fn revision(&self, lsn: Lsn) -> Revision {
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

    /// Refuses a history whose names mean another state as soon as its branch moves.
    ///
    /// # Errors
    /// `Invalid`, with the pin that would help.
    pub(super) fn must_keep_its_names(&self) -> CommandResult {
        let Names::Before(last) = &self.names else { return Ok(()) };
        if last.selector == Selector::Head {
            return Ok(());
        }
        let error = Error::invalid(format!(
            "'{last}' is of an earlier history, whose states have no lasting names that a command \
             could be given"
        ));
        let advice = format!("`argon pin create NAME '{last}'` gives it one; then --bad NAME");
        Err(Failure::from(error).hint(advice))
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
