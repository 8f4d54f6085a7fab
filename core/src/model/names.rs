//! Names of user objects.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the rules of the type; the error of kind `Invalid` names the first violated
            /// rule.
            pub fn new(name: impl Into<String>) -> Result<Self> {
                let name = name.into();
                $check(&name)?;
                Ok(Self(name))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(name: String) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<&String> for $name {
            type Error = Error;

            fn try_from(name: &String) -> Result<Self> {
                Self::new(name)
            }
        }

        impl From<&$name> for $name {
            fn from(name: &$name) -> Self {
                name.clone()
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// A project name: 1 to 63 letters, digits, `-`, `_` or `.`, beginning with a letter or digit.
    ProjectName,
    check_project
);
name!(
    /// A branch name: 1 to 200 letters, digits, `-`, `_`, `.` or `/`. No part between slashes is
    /// empty, or begins with `-` or `.`. A backup's name may be longer by its prefix and suffix.
    BranchName,
    check_branch
);
name!(
    /// A collection name, by MongoDB's rules: 1 to 255 bytes, without `$` and NUL, not beginning or
    /// ending with `.`, and not beginning with `system.`.
    CollectionName,
    check_collection
);

impl BranchName {
    /// The first part of the names of backups, in which a reset or a deletion saves the previous
    /// state.
    pub const BACKUP: &'static str = "backup";

    /// The word for the current branch in revisions; no branch is created with this name.
    pub const CURRENT: &'static str = "HEAD";

    /// Whether this is the name of a backup: `backup/<branch>/<time>`.
    pub fn is_backup(&self) -> bool {
        is_backup(&self.0)
    }
}

/// A pin name, by the rules of a branch name, but not that of a backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinName(BranchName);

impl PinName {
    /// Checks the rules; the error of kind `Invalid` names the first violated rule.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        check_named("pin", &name, 200)?;
        if is_backup(&name) {
            return Err(Error::invalid(format!(
                "invalid pin name '{name}': names under '{}/' are reserved for backups that Argon \
                 creates",
                BranchName::BACKUP
            )));
        }
        Ok(Self(BranchName(name)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name as that of a branch.
    pub fn as_branch(&self) -> &BranchName {
        &self.0
    }
}

impl fmt::Display for PinName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PinName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

fn is_backup(branch: &str) -> bool {
    branch.split_once('/').is_some_and(|(first, _)| first == BranchName::BACKUP)
}

fn check_project(name: &str) -> Result<()> {
    check_length("project", name, 63)?;
    check_characters("project", name, "-_.")?;
    if name.starts_with(['-', '_', '.']) {
        return Err(Error::invalid(format!(
            "invalid project name '{name}': expected a letter or a digit at the beginning"
        )));
    }
    Ok(())
}

fn check_branch(name: &str) -> Result<()> {
    // So that a branch with a name of the maximum length can have a backup.
    let most = if is_backup(name) { 240 } else { 200 };
    check_named("branch", name, most)
}

fn check_named(what: &str, name: &str, most: usize) -> Result<()> {
    check_length(what, name, most)?;
    check_characters(what, name, "-_./")?;
    match name.split('/').find(|part| part.is_empty() || part.starts_with(['-', '.'])) {
        Some(part) => Err(Error::invalid(format!(
            "invalid {what} name '{name}': the part '{part}' between slashes is empty, or begins \
             with '-' or '.'"
        ))),
        None => Ok(()),
    }
}

fn check_collection(name: &str) -> Result<()> {
    check_length("collection", name, 255)?;
    if let Some(found) = name.chars().find(|c| matches!(c, '$' | '\0')) {
        return Err(Error::invalid(format!(
            "invalid collection name '{}': it contains {found:?}, which MongoDB does not allow",
            name.escape_debug()
        )));
    }
    if name.starts_with('.') || name.ends_with('.') || name.starts_with("system.") {
        return Err(Error::invalid(format!(
            "invalid collection name '{name}': it begins or ends with '.', or begins with 'system.'"
        )));
    }
    Ok(())
}

fn check_length(what: &str, name: &str, most: usize) -> Result<()> {
    if name.is_empty() || name.len() > most {
        return Err(Error::invalid(format!(
            "invalid {what} name '{}': it has {} bytes, expected 1 to {most}",
            name.chars().take(40).collect::<String>(),
            name.len()
        )));
    }
    Ok(())
}

fn check_characters(what: &str, name: &str, also: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    match name.char_indices().find(|&(_, c)| !allowed(c)) {
        Some((at, found)) => {
            let also: Vec<String> = also.chars().map(|c| format!("'{c}'")).collect();
            Err(Error::invalid(format!(
                "invalid {what} name '{}': found {found:?} at byte {at}, expected letters (a-z, \
                 A-Z), digits, {}",
                name.escape_debug(),
                also.join(", ")
            )))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_name_may_hold_letters_digits_and_some_punctuation() {
        for name in ["main", "feature/login-2", "v1.2_rc", "backup/main/20261122T210400.123Z"] {
            assert_eq!(BranchName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn the_error_for_another_character_says_which_ones_are_allowed() {
        let error = BranchName::new("my branch").unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid branch name 'my branch': found ' ' at byte 2, expected letters (a-z, A-Z), digits, '-', '_', '.', '/'"
        );
    }

    #[test]
    fn names_that_would_be_read_as_something_else_are_refused() {
        for name in ["", "-x", "a//b", "/a", "a/", "a/..", "main@1", "main~3", "ä"] {
            assert!(BranchName::new(name).is_err(), "{name:?}");
        }
        for name in ["", "a$b", "a\0b", ".a", "a.", "system.views"] {
            assert!(CollectionName::new(name).is_err(), "{name:?}");
        }
        for name in ["", "-a", "a b", "a/b", "_x"] {
            assert!(ProjectName::new(name).is_err(), "{name:?}");
        }
    }
}
