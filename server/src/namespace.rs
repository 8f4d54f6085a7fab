//! Names of databases: a project, or a project and a revision.

use argon_core::Revision;
use argon_core::model::ProjectName;
use bson::raw::RawDocument;
use percent_encoding::percent_decode_str;

use crate::failure::{CommandError, Result};

/// The databases that MongoDB has by itself.
const INTERNAL: [&str; 3] = ["admin", "config", "local"];

/// What a database is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Database {
    /// One that MongoDB has for itself. It is empty.
    Internal,
    /// A project, at the head of the default branch or at a revision.
    Project {
        /// The project.
        project: ProjectName,
        /// What follows `@` or `:`.
        revision: Option<Revision>,
    },
}

impl Database {
    /// Parses the name of a database: `shop`, `shop:try`, `shop@try@1234`. It may be percent-encoded.
    ///
    /// # Errors
    /// `InvalidNamespace` for a name that no project has, and for a malformed revision.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        if INTERNAL.contains(&name) {
            return Ok(Self::Internal);
        }
        let invalid = |error: argon_core::Error| {
            CommandError::new(73, format!("Invalid database name: '{name}': {error}"))
        };
        let decoded = percent_decode_str(name).decode_utf8().map_err(|_| {
            CommandError::new(73, format!("Invalid database name: '{name}': it is not UTF-8"))
        })?;
        let (project, revision) = match decoded.split_once(['@', ':']) {
            Some((project, revision)) => (project, Some(revision)),
            None => (&*decoded, None),
        };
        let project = ProjectName::new(project).map_err(invalid)?;
        let revision = revision.map(|revision| with_selector(revision).parse()).transpose();
        Ok(Self::Project { project, revision: revision.map_err(invalid)? })
    }
}

/// The database and the collection of a command: `shop.users`, or `shop.$cmd` for one that is on no collection.
pub(crate) fn namespace_of(command: &RawDocument) -> String {
    let named = |name: &str| command.get_str(name).ok();
    let name = command.iter().next().and_then(|field| Some(field.ok()?.0.as_str()));
    let collection = match name {
        Some("getMore") => named("collection"),
        Some(name) => named(name),
        None => None,
    };
    let (database, collection) = (named("$db").unwrap_or_default(), collection.unwrap_or("$cmd"));
    format!("{database}.{collection}")
}

/// A time or a number alone selects a state of the default branch.
fn with_selector(revision: &str) -> String {
    let is_time = revision.len() > 4
        && revision.bytes().take(4).all(|byte| byte.is_ascii_digit())
        && revision.as_bytes()[4] == b'-';
    if is_time { format!("@{revision}") } else { revision.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_project_and_a_revision() {
        let parsed = |name: &str| match Database::parse(name).unwrap() {
            Database::Internal => (name.to_owned(), None),
            Database::Project { project, revision } => {
                (project.to_string(), revision.map(|revision| revision.to_string()))
            }
        };
        for (name, project, revision) in [
            ("admin", "admin", None),
            ("shop", "shop", None),
            ("shop@try", "shop", Some("try")),
            ("shop:try", "shop", Some("try")),
            ("shop%40try", "shop", Some("try")),
            ("shop:feature%2Fx", "shop", Some("feature/x")),
            ("shop@try@1234", "shop", Some("try@1234")),
            ("shop:try@1234", "shop", Some("try@1234")),
            ("shop@@1234", "shop", Some("@1234")),
            ("shop@1234", "shop", Some("1234")),
            ("shop@v1", "shop", Some("v1")),
            ("shop:main~3", "shop", Some("main~3")),
        ] {
            assert_eq!(parsed(name), (project.to_owned(), revision.map(str::to_owned)), "{name}");
        }
        assert!(parsed("shop@2026-07-07").1.unwrap().starts_with("@2026-07-07"));
        assert!(parsed("shop:2026-07-07T09:00:00Z").1.unwrap().starts_with("@2026-07-07"));
        for name in ["", "a b", "$x", "shop:", "shop@@@", "shop@ü ü"] {
            assert!(Database::parse(name).is_err(), "{name}");
        }
    }
}
