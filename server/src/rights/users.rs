//! What the commands on users demand: to manage users where the user is known, and wherever the user has roles, or
//! is to get some. So nobody gives more than they manage, and nobody takes over a user with more rights.

use argon_core::users::{Scope, UserDatabase, UserName};
use argon_service::user::roles;

use super::{Demand, Right};
use crate::command::{Call, UserArgument, role_texts, user_database};
use crate::failure::Result;

/// `createUser`: the database, and the roles.
pub(crate) fn of_create(call: &Call<'_>) -> Result<Vec<Demand>> {
    let mut demands = vec![on_database(&user_database(call, call.database)?)];
    demands.extend(of_roles(call)?);
    Ok(demands)
}

/// `grantRolesToUser`, `revokeRolesFromUser`: the same.
pub(crate) fn of_grant(call: &Call<'_>) -> Result<Vec<Demand>> {
    of_create(call)
}

/// `updateUser`: the roles that the user has, too.
pub(crate) async fn of_update(call: &Call<'_>) -> Result<Vec<Demand>> {
    let mut demands = of_create(call)?;
    let name = UserName::new(
        user_database(call, call.database)?,
        call.arguments.required_text(call.name)?,
    )?;
    if let Some(user) = call.shared.users.find(&name).await? {
        demands.extend(user.grants.iter().map(|grant| on(&grant.scope)));
    }
    Ok(demands)
}

/// `dropUser`, `dropAllUsersFromDatabase`: the database.
pub(crate) fn of_drop(call: &Call<'_>) -> Result<Vec<Demand>> {
    Ok(vec![on_database(&user_database(call, call.database)?)])
}

/// `usersInfo`: nothing for the user's own record.
pub(crate) fn of_info(call: &Call<'_>) -> Result<Vec<Demand>> {
    let own = call.claim.user.as_ref().map(|who| &who.name);
    Ok(match UserArgument::parse(call)? {
        UserArgument::Everywhere => vec![Demand::on_everything(Right::Users)],
        UserArgument::Database(database) => vec![on_database(&database)],
        UserArgument::Named(names) => names
            .iter()
            .filter(|name| Some(*name) != own)
            .map(|name| on_database(name.database()))
            .collect(),
    })
}

fn of_roles(call: &Call<'_>) -> Result<Vec<Demand>> {
    let texts = role_texts(call)?.unwrap_or_default();
    Ok(roles::parse_all(&texts)?.iter().map(|grant| on(&grant.scope)).collect())
}

fn on(scope: &Scope) -> Demand {
    Demand::on_scope(Right::Users, scope.clone())
}

fn on_database(database: &UserDatabase) -> Demand {
    match database {
        UserDatabase::Project(project) => on(&Scope::Project(project.clone())),
        UserDatabase::Admin | UserDatabase::External => Demand::on_everything(Right::Users),
    }
}
