//! From the name of a database to the branch that a grant has to cover.
//!
//! The name is parsed by the same function that decides what is read, after aliases and percent-encoding, so both
//! always mean the same.

use argon_core::model::ProjectName;
use argon_core::users::Scope;
use argon_core::{Named, Revision};

use super::Right;
use crate::failure::Result;
use crate::namespace::Database;
use crate::place::Places;

/// What a grant has to cover for a right on a database; `None` if every user has it: MongoDB's own databases are
/// empty, so everyone may read them.
///
/// # Errors
/// `InvalidNamespace` for a malformed name.
pub(crate) fn of_database(places: &Places, database: &str, right: Right) -> Result<Option<Scope>> {
    Ok(match places.parse(database)? {
        Database::Internal if matches!(right, Right::Read | Right::List) => None,
        Database::Internal => Some(Scope::All),
        Database::Project { project, revision } => Some(match revision {
            None => Scope::Branch(project, places.default_branch().clone()),
            Some(revision) => match revision.name {
                Named::Current => Scope::Branch(project, places.default_branch().clone()),
                // It may be a pin, or a position; a grant on a branch of that name covers it too.
                Named::Any(branch) => Scope::Branch(project, branch),
                Named::Pin(_) => Scope::Project(project),
            },
        }),
    })
}

/// The same for a revision of the project of a database, as `at` of `$lookup` names it.
pub(super) fn of_revision(
    places: &Places,
    database: &str,
    revision: &str,
    right: Right,
) -> Result<Option<Scope>> {
    let Some(own) = of_database(places, database, right)? else { return Ok(None) };
    let (Scope::Branch(project, _) | Scope::Project(project)) = &own else { return Ok(Some(own)) };
    let revision: Revision = revision.parse()?;
    Ok(Some(of_named(project, revision.name)))
}

/// What a grant has to cover for the state of a branch or a pin.
pub(super) fn of_named(project: &ProjectName, name: Named) -> Scope {
    match name {
        Named::Any(branch) => Scope::Branch(project.clone(), branch),
        // The current branch may be that of a pin, or of a position of another one.
        Named::Current | Named::Pin(_) => Scope::Project(project.clone()),
    }
}
