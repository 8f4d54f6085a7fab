//! Changes of users.

use argon_core::storage::Secret;
use argon_core::users::UserDatabase;
use argon_service::user::scram::Mechanism;
use argon_service::user::{self, CreateUser, DropUser, GrantRoles, RevokeRoles, UpdateUser};
use bson::raw::RawBsonRef;
use bson::{Bson, Document, doc};
use futures::FutureExt;

use super::{Call, Command, Effect, Reply};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::namespace::Database;
use crate::rights::{Need, users};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "createUser",
        aliases: &[],
        about: "Creates a user; roles are on a project, on a branch (`shop:try`), or on all.",
        fields: &[
            "authenticationRestrictions",
            "customData",
            "digestPassword",
            "mechanisms",
            "passwordDigestor",
            "pwd",
            "roles",
        ],
        effect: Effect::Write,
        need: Need::Arguments(|call| async { users::of_create(call) }.boxed()),
        is_stable: false,
        run: |call| create(call).boxed(),
    },
    Command {
        name: "updateUser",
        aliases: &[],
        about: "Replaces the password or the roles of a user.",
        fields: &[
            "authenticationRestrictions",
            "customData",
            "digestPassword",
            "mechanisms",
            "passwordDigestor",
            "pwd",
            "roles",
        ],
        effect: Effect::Write,
        need: Need::Arguments(|call| users::of_update(call).boxed()),
        is_stable: false,
        run: |call| update(call).boxed(),
    },
    Command {
        name: "dropUser",
        aliases: &[],
        about: "Drops a user.",
        fields: &[],
        effect: Effect::Write,
        need: Need::Arguments(|call| async { users::of_drop(call) }.boxed()),
        is_stable: false,
        run: |call| drop_user(call).boxed(),
    },
    Command {
        name: "dropAllUsersFromDatabase",
        aliases: &[],
        about: "Drops the users that are known in a database.",
        fields: &[],
        effect: Effect::Write,
        need: Need::Arguments(|call| async { users::of_drop(call) }.boxed()),
        is_stable: false,
        run: |call| drop_all(call).boxed(),
    },
    Command {
        name: "grantRolesToUser",
        aliases: &[],
        about: "Grants roles to a user.",
        fields: &["roles"],
        effect: Effect::Write,
        need: Need::Arguments(|call| async { users::of_grant(call) }.boxed()),
        is_stable: false,
        run: |call| grant(call).boxed(),
    },
    Command {
        name: "revokeRolesFromUser",
        aliases: &[],
        about: "Revokes roles of a user.",
        fields: &["roles"],
        effect: Effect::Write,
        need: Need::Arguments(|call| async { users::of_grant(call) }.boxed()),
        is_stable: false,
        run: |call| revoke(call).boxed(),
    },
];

/// Where the users of a database are known: those of all branches of a project in the project.
///
/// # Errors
/// `BadValue` for a database that has no users.
pub(crate) fn user_database(call: &Call<'_>, database: &str) -> Result<UserDatabase> {
    match database {
        "admin" => Ok(UserDatabase::Admin),
        "$external" => Ok(UserDatabase::External),
        _ => match call.shared.places.parse(database)? {
            Database::Project { project, .. } => Ok(UserDatabase::Project(project)),
            Database::Internal => Err(CommandError::bad_value(format!(
                "the database '{database}' has no users; expected admin, $external or a project"
            ))),
        },
    }
}

/// The roles that a command lists, such as `readWrite@shop`; `None` without a list. A name alone is a role on the
/// database of the command.
pub(crate) fn role_texts(call: &Call<'_>) -> Result<Option<Vec<String>>> {
    let Some(list) = call.arguments.array("roles")? else { return Ok(None) };
    let roles = list.into_iter().map(|role| match role? {
        RawBsonRef::String(name) => Ok(format!("{name}@{}", database_of_role(call, call.database))),
        RawBsonRef::Document(role) => {
            let role = Arguments::new("roles", role);
            let (name, database) = (role.required_text("role")?, role.required_text("db")?);
            Ok(format!("{name}@{}", database_of_role(call, database)))
        }
        _ => Err(CommandError::type_mismatch("Role names must be either strings or objects")),
    });
    roles.collect::<Result<_>>().map(Some)
}

/// What an alias stands for, so that a role is on what the name means now.
fn database_of_role<'c>(call: &'c Call<'_>, database: &'c str) -> &'c str {
    let database = call.shared.places.aliased(database);
    // Who has a certificate has the roles of others.
    if database == "$external" { "admin" } else { database }
}

/// The name in a command, and where the user is known.
fn named(call: &Call<'_>) -> Result<(String, Option<UserDatabase>)> {
    let name = call.arguments.required_text(call.name)?;
    Ok((name.to_owned(), Some(user_database(call, call.database)?)))
}

fn password(call: &Call<'_>) -> Result<Option<Secret>> {
    if call.arguments.flag("digestPassword")? == Some(false)
        || call.arguments.text("passwordDigestor")? == Some("client")
    {
        return Err(CommandError::bad_value(
            "passwords that the client digests are not supported, since SCRAM-SHA-256 needs the password: leave \
             digestPassword out",
        ));
    }
    Ok(call.arguments.text("pwd")?.map(Secret::new))
}

/// Refuses what users do not have here.
fn refuse_extras(call: &Call<'_>) -> Result<()> {
    let has_data = !call.arguments.document("customData")?.is_empty();
    let restrictions = call.arguments.array("authenticationRestrictions")?;
    let is_restricted = restrictions.is_some_and(|list| list.into_iter().next().is_some());
    for (is_given, what) in
        [(has_data, "customData"), (is_restricted, "authenticationRestrictions")]
    {
        if is_given {
            return Err(CommandError::new(115, format!("users have no {what}: leave it out")));
        }
    }
    Ok(())
}

fn asked_mechanisms(call: &Call<'_>) -> Result<Vec<Mechanism>> {
    let Some(list) = call.arguments.array("mechanisms")? else { return Ok(Vec::new()) };
    let mechanisms = list.into_iter().map(|name| match name? {
        RawBsonRef::String(name) => Ok(name.parse::<Mechanism>()?),
        _ => Err(CommandError::type_mismatch("mechanisms must be strings")),
    });
    mechanisms.collect()
}

async fn create(call: &Call<'_>) -> Result<Reply> {
    refuse_extras(call)?;
    let (user, database) = named(call)?;
    let roles = role_texts(call)?.ok_or_else(|| call.arguments.missing("roles"))?;
    let mechanisms = asked_mechanisms(call)?;
    let password = password(call)?;
    let request = CreateUser { user, database, roles, mechanisms };
    let shown = request.user.clone();
    let created = user::create(&call.store()?, request, password.as_ref()).await;
    created.map_err(CommandError::from).map_err(|error| match error.code() {
        48 => {
            CommandError::new(51003, format!("User \"{shown}@{}\" already exists", call.database))
        }
        _ => error,
    })?;
    changed(call)
}

async fn update(call: &Call<'_>) -> Result<Reply> {
    refuse_extras(call)?;
    let (user, database) = named(call)?;
    let (roles, password) = (role_texts(call)?, password(call)?);
    if roles.is_none() && password.is_none() {
        return Err(CommandError::bad_value(
            "Must specify at least one field to update in updateUser",
        ));
    }
    let request = UpdateUser { user, database, roles };
    user::update(&call.store()?, request, password.as_ref()).await.map_err(unknown)?;
    changed(call)
}

async fn drop_user(call: &Call<'_>) -> Result<Reply> {
    let (user, database) = named(call)?;
    user::drop(&call.store()?, DropUser { user, database }).await.map_err(unknown)?;
    changed(call)
}

async fn drop_all(call: &Call<'_>) -> Result<Reply> {
    let (store, database) = (call.store()?, user_database(call, call.database)?);
    let mut dropped = 0;
    for found in store.users().await? {
        if *found.name.database() == database {
            store.drop_user(&found.name).await?;
            dropped += 1;
        }
    }
    call.shared.users.forget();
    Reply::of(&doc! { "n": Bson::Int32(dropped) })
}

async fn grant(call: &Call<'_>) -> Result<Reply> {
    let (user, database) = named(call)?;
    let roles = role_texts(call)?.ok_or_else(|| call.arguments.missing("roles"))?;
    let request = GrantRoles { user, database, roles };
    user::grant(&call.store()?, request).await.map_err(unknown)?;
    changed(call)
}

async fn revoke(call: &Call<'_>) -> Result<Reply> {
    let (user, database) = named(call)?;
    let roles = role_texts(call)?.ok_or_else(|| call.arguments.missing("roles"))?;
    let request = RevokeRoles { user, database, roles };
    user::revoke(&call.store()?, request).await.map_err(unknown)?;
    changed(call)
}

fn changed(call: &Call<'_>) -> Result<Reply> {
    call.shared.users.forget();
    Reply::of(&Document::new())
}

/// `UserNotFound`, as MongoDB calls it.
fn unknown(failure: argon_service::Failure) -> CommandError {
    let error = CommandError::from(failure);
    if error.code() == 26 { CommandError::new(11, error.message()) } else { error }
}
