//! Which users and roles there are.

use argon_core::users::{User, UserDatabase, UserName};
use argon_service::user::roles;
use argon_service::user::scram::Mechanism;
use bson::raw::{RawBsonRef, RawDocument};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use futures::FutureExt;

use super::database::matching;
use super::{Call, Command, Effect, Reply, user_database};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::rights::{Need, users};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "usersInfo",
        aliases: &[],
        about: "Lists users with their roles.",
        fields: &[
            "filter",
            "showAuthenticationRestrictions",
            "showCredentials",
            "showCustomData",
            "showPrivileges",
        ],
        effect: Effect::Read,
        need: Need::Arguments(|call| async { users::of_info(call) }.boxed()),
        is_stable: false,
        run: |call| users_info(call).boxed(),
    },
    Command {
        name: "rolesInfo",
        aliases: &[],
        about: "Lists the roles that can be granted.",
        fields: &["showAuthenticationRestrictions", "showBuiltinRoles", "showPrivileges"],
        effect: Effect::None,
        need: Need::Login,
        is_stable: false,
        run: |call| async { roles_info(call) }.boxed(),
    },
];

/// The users that `usersInfo` asks for.
pub(crate) enum UserArgument {
    /// All users.
    Everywhere,
    /// Those that are known in a database.
    Database(UserDatabase),
    /// These.
    Named(Vec<UserName>),
}

impl UserArgument {
    pub(crate) fn parse(call: &Call<'_>) -> Result<Self> {
        Ok(match call.arguments.raw().get("usersInfo")? {
            Some(RawBsonRef::Document(document)) if document.get("forAllDBs")?.is_some() => {
                Self::Everywhere
            }
            Some(RawBsonRef::String(name)) => Self::Named(vec![in_command(call, name)?]),
            Some(RawBsonRef::Document(document)) => Self::Named(vec![in_document(call, document)?]),
            Some(RawBsonRef::Array(names)) => {
                let names = names.into_iter().map(|name| match name? {
                    RawBsonRef::String(name) => in_command(call, name),
                    RawBsonRef::Document(document) => in_document(call, document),
                    _ => Err(CommandError::type_mismatch(
                        "usersInfo: expected names, or documents with user and db",
                    )),
                });
                Self::Named(names.collect::<Result<_>>()?)
            }
            _ => Self::Database(user_database(call, call.database)?),
        })
    }
}

fn in_command(call: &Call<'_>, name: &str) -> Result<UserName> {
    Ok(UserName::new(user_database(call, call.database)?, name)?)
}

fn in_document(call: &Call<'_>, document: &RawDocument) -> Result<UserName> {
    let document = Arguments::new("usersInfo", document);
    let database = user_database(call, document.required_text("db")?)?;
    Ok(UserName::new(database, document.required_text("user")?)?)
}

async fn users_info(call: &Call<'_>) -> Result<Reply> {
    if call.arguments.is_set("showCredentials")? {
        return Err(CommandError::new(115, "credentials are not shown to anyone"));
    }
    let store = call.store()?;
    let found = match UserArgument::parse(call)? {
        UserArgument::Everywhere => store.users().await?,
        UserArgument::Database(database) => {
            let mut users = store.users().await?;
            users.retain(|user| *user.name.database() == database);
            users
        }
        UserArgument::Named(names) => {
            let mut users = Vec::new();
            for name in names {
                users.extend(store.find_user(&name).await?);
            }
            users
        }
    };
    let shown = found.iter().map(shown).collect();
    let filter = call.arguments.document("filter")?;
    Reply::of(&doc! { "users": matching(call, shown, filter).await? })
}

fn shown(user: &User) -> Document {
    let (database, name) = (user.name.database().to_string(), user.name.name());
    let mechanisms: Vec<_> = match user.name.database() {
        UserDatabase::External => vec!["external"],
        _ => Mechanism::ALL
            .into_iter()
            .filter(|mechanism| mechanism.keys(&user.credentials).is_some())
            .map(Mechanism::name)
            .collect(),
    };
    doc! {
        "_id": format!("{database}.{name}"),
        "userId": Binary { subtype: BinarySubtype::Uuid, bytes: user.id.to_vec() },
        "user": name,
        "db": database,
        "roles": roles_of(user),
        "mechanisms": mechanisms,
    }
}

/// The roles of a user, as MongoDB writes them.
pub(super) fn roles_of(user: &User) -> Vec<Document> {
    let grants = user.grants.iter().map(roles::of_mongodb);
    grants.map(|(role, db)| doc! { "role": role, "db": db }).collect()
}

fn roles_info(call: &Call<'_>) -> Result<Reply> {
    let asked = call.arguments.raw().get("rolesInfo")?;
    let lists_all = !matches!(
        asked,
        Some(RawBsonRef::String(_) | RawBsonRef::Document(_) | RawBsonRef::Array(_))
    );
    let mut wanted = Vec::new();
    let mut add = |value: RawBsonRef<'_>| -> Result<()> {
        match value {
            RawBsonRef::String(name) => wanted.push((name.to_owned(), call.database.to_owned())),
            RawBsonRef::Document(role) => {
                let role = Arguments::new("rolesInfo", role);
                let (name, db) = (role.required_text("role")?, role.required_text("db")?);
                wanted.push((name.to_owned(), db.to_owned()));
            }
            _ => return Err(CommandError::type_mismatch("rolesInfo: expected names or documents")),
        }
        Ok(())
    };
    match asked {
        Some(RawBsonRef::Array(roles)) => {
            for role in roles {
                add(role?)?;
            }
        }
        Some(role) if !lists_all => add(role)?,
        _ => {}
    }
    if lists_all && call.arguments.is_set("showBuiltinRoles")? {
        wanted.extend(roles::known().map(|(name, _)| (name.to_owned(), call.database.to_owned())));
    }
    let is_known = |name: &str, db: &str| {
        roles::known()
            .any(|(known, is_of_database)| known == name && (is_of_database || db == "admin"))
    };
    let none = Vec::<Bson>::new();
    let found = wanted.iter().filter(|(name, db)| is_known(name, db)).map(|(name, db)| {
        doc! {
            "_id": format!("{db}.{name}"), "role": name, "db": db, "isBuiltin": true,
            "roles": none.clone(), "inheritedRoles": none.clone(),
        }
    });
    Reply::of(&doc! { "roles": found.collect::<Vec<_>>() })
}
