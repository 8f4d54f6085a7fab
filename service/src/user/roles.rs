//! Roles as users and drivers write them, which are those of the model, and MongoDB's names of several.

use argon_core::users::{Grant, Role, Scope};
use argon_core::{Error, Result};

/// MongoDB's roles that stand for roles on everything.
const ON_ALL: &[(&str, &[Role])] = &[
    ("readAnyDatabase", &[Role::Read]),
    ("readWriteAnyDatabase", &[Role::ReadWrite]),
    ("dbAdminAnyDatabase", &[Role::DbAdmin]),
    ("userAdminAnyDatabase", &[Role::UserAdmin]),
    ("clusterMonitor", &[Role::ClusterMonitor]),
    ("root", &[Role::Root]),
    ("backup", &[Role::Read, Role::ClusterMonitor]),
    ("restore", &[Role::ReadWrite, Role::DbAdmin]),
];

/// MongoDB's role on one database that stands for several.
const OWNER: (&str, &[Role]) = ("dbOwner", &[Role::ReadWrite, Role::DbAdmin, Role::UserAdmin]);

/// MongoDB's roles without a meaning here, and why.
const REFUSED: &[(&str, &str)] = &[
    ("clusterAdmin", "there is no cluster to change; clusterMonitor sees how the server is doing"),
    (
        "clusterManager",
        "there is no cluster to change; clusterMonitor sees how the server is doing",
    ),
    ("hostManager", "no command changes the server; clusterMonitor sees how it is doing"),
    ("enableSharding", "nothing is sharded"),
    ("directShardOperations", "nothing is sharded"),
    ("searchCoordinator", "there is no search"),
    ("__system", "it is of MongoDB's own processes; use root"),
];

/// The grants of roles such as `readWrite@shop`, `dbOwner@shop:try`, `readAnyDatabase` or `root`.
///
/// # Errors
/// `Invalid` for a role that is not known or has no meaning, and for one without its database.
pub fn parse_all(texts: &[impl AsRef<str>]) -> Result<Vec<Grant>> {
    let mut grants = Vec::new();
    for text in texts {
        grants.extend(parse(text.as_ref())?);
    }
    Ok(grants)
}

fn parse(text: &str) -> Result<Vec<Grant>> {
    let (name, database) = match text.split_once('@') {
        Some((name, database)) => (name, Some(database)),
        None => (text, None),
    };
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Err(Error::invalid(format!("role '{name}' is not supported: {why}")));
    }
    let on_all = ON_ALL.iter().find(|(known, _)| *known == name);
    let of_database: &[Role] = match name {
        "read" => &[Role::Read],
        "readWrite" => &[Role::ReadWrite],
        "dbAdmin" => &[Role::DbAdmin],
        "userAdmin" => &[Role::UserAdmin],
        "root" => &[Role::Root],
        name if name == OWNER.0 => OWNER.1,
        _ => &[],
    };
    let (roles, scope) = match (on_all, database) {
        (Some((_, roles)), None | Some("admin" | "*")) => (*roles, Scope::All),
        (_, None) if !of_database.is_empty() => {
            return Err(Error::invalid(format!(
                "role '{name}' needs where it is granted: {name}@shop, {name}@shop:try or {name}@*"
            )));
        }
        (_, Some("admin" | "config" | "local")) if !of_database.is_empty() => {
            return Err(Error::invalid(format!(
                "role '{text}' is on a database that is empty: name a project, or {name}@* for all"
            )));
        }
        (_, Some(database)) if !of_database.is_empty() => (of_database, database.parse()?),
        (Some(_), Some(database)) => {
            return Err(Error::invalid(format!(
                "role '{name}' is on everything, not on '{database}': write {name}"
            )));
        }
        _ => return Err(unknown(name)),
    };
    Ok(roles.iter().map(|role| Grant { role: *role, scope: scope.clone() }).collect())
}

fn unknown(name: &str) -> Error {
    let on_all = ON_ALL.iter().map(|(name, _)| *name);
    let mut known: Vec<_> =
        ["read", "readWrite", "dbAdmin", "userAdmin", OWNER.0].into_iter().chain(on_all).collect();
    known.sort_unstable();
    Error::invalid(format!("unknown role '{name}'; known roles: {}", known.join(", ")))
}

/// A grant as MongoDB writes it: the name of a role, and a database.
pub fn of_mongodb(grant: &Grant) -> (&'static str, String) {
    match (&grant.scope, grant.role) {
        (Scope::All, role) => {
            let name = match role {
                Role::Read => "readAnyDatabase",
                Role::ReadWrite => "readWriteAnyDatabase",
                Role::DbAdmin => "dbAdminAnyDatabase",
                Role::UserAdmin => "userAdminAnyDatabase",
                Role::ClusterMonitor | Role::Root => role.name(),
            };
            (name, "admin".to_owned())
        }
        (scope, role) => (role.name(), scope.to_string()),
    }
}

/// The names of all roles that can be granted, and whether each is on one database.
pub fn known() -> impl Iterator<Item = (&'static str, bool)> {
    let of_database = ["read", "readWrite", "dbAdmin", "userAdmin", OWNER.0];
    of_database
        .into_iter()
        .map(|name| (name, true))
        .chain(ON_ALL.iter().map(|(name, _)| (*name, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_those_of_the_model_and_names_of_several() {
        for (text, expected) in [
            ("read@shop", "read@shop"),
            ("readWrite@shop@try", "readWrite@shop:try"),
            ("dbAdmin@*", "dbAdmin@*"),
            ("root", "root@*"),
            ("root@admin", "root@*"),
            ("root@shop", "root@shop"),
            ("readAnyDatabase@admin", "read@*"),
            ("clusterMonitor", "clusterMonitor@*"),
            ("dbOwner@shop", "readWrite@shop dbAdmin@shop userAdmin@shop"),
            ("backup", "read@* clusterMonitor@*"),
        ] {
            let grants: Vec<_> = parse(text).unwrap().iter().map(Grant::to_string).collect();
            assert_eq!(grants.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_role_that_means_nothing_is_refused_by_name() {
        for (text, part) in [
            ("clusterAdmin@admin", "role 'clusterAdmin' is not supported"),
            ("read", "read@shop:try"),
            ("readWrite@admin", "readWrite@*"),
            ("readAnyDatabase@shop", "not on 'shop'"),
            ("clusterMonitor@shop", "not on 'shop'"),
            ("writer@shop", "unknown role 'writer'; known roles: backup"),
            ("read@a b", "a b"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_grant_is_written_as_mongodb_does() {
        let written = |text: &str| of_mongodb(&parse(text).unwrap()[0]);
        assert_eq!(written("read@*"), ("readAnyDatabase", "admin".to_owned()));
        assert_eq!(written("read@shop:try"), ("read", "shop:try".to_owned()));
        assert_eq!(written("root"), ("root", "admin".to_owned()));
    }
}
