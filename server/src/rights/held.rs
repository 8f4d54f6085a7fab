//! The rights of a client.

use std::sync::Arc;

use argon_core::model::ProjectName;
use argon_core::users::{Grant, Scope, User};

use super::demand::{Demand, Target};
use super::{Right, scope};
use crate::auth::Who;
use crate::failure::Result;
use crate::place::Places;
use crate::shared::Shared;

/// The rights of a client: all of them, if the server asks for no login.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    /// Whether users have to log in.
    pub(crate) is_enforced: bool,
    /// The user, as stored; `None` before the login, and if the user was dropped since.
    pub(crate) user: Option<Arc<User>>,
    /// What the token allows at most, by which the user is here.
    pub(crate) limit: Option<Arc<[Grant]>>,
    /// The project of the audit, which nobody writes to, and which is read by those who manage all users.
    pub(crate) sealed: Option<ProjectName>,
}

/// Whose a cursor is, and what reading on in it demands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claim {
    pub(crate) user: Option<Who>,
    pub(crate) demands: Arc<[Demand]>,
}

impl Held {
    /// The rights of whoever is logged in.
    pub(super) async fn of(shared: &Shared, who: Option<&Who>) -> Result<Self> {
        let user = match who {
            Some(who) => shared.users.current(who).await?,
            None => None,
        };
        let limit = who.and_then(|who| who.token.as_ref()?.grants.clone());
        let sealed = shared.sealed().await?.cloned();
        Ok(Self { is_enforced: shared.options.auth, user, limit, sealed })
    }

    /// Whether there is a right on a scope; `None` is what every user has.
    pub(crate) fn allow(&self, right: Right, scope: Option<&Scope>) -> bool {
        if !self.is_enforced {
            return true;
        }
        if let Some(Scope::Project(project) | Scope::Branch(project, _)) = scope
            && self.sealed.as_ref() == Some(project)
        {
            let reads = matches!(right, Right::Read | Right::List);
            return reads && self.allow(Right::Users, Some(&Scope::All));
        }
        let Some(user) = &self.user else { return false };
        let Some(scope) = scope else { return true };
        let is_within = |limit: &Arc<[Grant]>| grants_allow(limit, right, scope);
        grants_allow(&user.grants, right, scope) && self.limit.as_ref().is_none_or(is_within)
    }

    /// Whether some branch of a project may be read.
    pub(super) fn reads_of(&self, project: &ProjectName) -> bool {
        let whole = Scope::Project(project.clone());
        let is_of_branch = |scope: &Scope| match scope {
            Scope::Branch(of, _) | Scope::Branches(of, _) => of == project,
            Scope::All | Scope::Project(_) => false,
        };
        let reads = |grants: &[Grant]| {
            let mut readable = grants.iter().filter(|grant| Right::Read.is_given_by(grant.role));
            readable.any(|grant| grant.scope.covers(&whole) || is_of_branch(&grant.scope))
        };
        if self.sealed.as_ref() == Some(project) {
            return self.allow(Right::Users, Some(&Scope::All));
        }
        let of_user = || self.user.as_ref().is_some_and(|user| reads(&user.grants));
        !self.is_enforced || (of_user() && self.limit.as_ref().is_none_or(|limit| reads(limit)))
    }

    /// Whether a demand is met.
    pub(super) fn meets(&self, places: &Places, demand: &Demand) -> Result<bool> {
        let right = demand.right;
        let scope = match &demand.target {
            Target::Scope(scope) => Some(scope.clone()),
            Target::Database(database) => scope::of_database(places, database, right)?,
            Target::Revision { database, revision } => {
                scope::of_revision(places, database, revision, right)?
            }
        };
        Ok(self.allow(right, scope.as_ref()))
    }
}

fn grants_allow(grants: &[Grant], right: Right, scope: &Scope) -> bool {
    grants.iter().any(|grant| right.is_given_by(grant.role) && grant.scope.covers(scope))
}
