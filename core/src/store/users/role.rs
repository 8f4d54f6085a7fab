//! Roles, and where a user has them.

use std::fmt;
use std::str::FromStr;

use crate::model::{BranchName, ProjectName};
use crate::{Error, Result};

/// What a user may do, where it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Read documents.
    Read,
    /// Read and write documents, create and drop collections and indexes.
    ReadWrite,
    /// Change collections and indexes, but see no documents.
    DbAdmin,
    /// Manage users and their roles.
    UserAdmin,
    /// See how the server is doing; granted on everything only.
    ClusterMonitor,
    /// Everything.
    Root,
}

/// Where a role is granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything: `*`.
    All,
    /// A project with all its branches, pins and past states: `shop`.
    Project(ProjectName),
    /// A branch and its past states: `shop:try`.
    Branch(ProjectName, BranchName),
    /// The branches whose names fit a pattern, also those that are made later: `shop:sandbox/*`.
    Branches(ProjectName, BranchPattern),
}

/// A pattern of names of branches, in which `*` stands for any text, also with `/` in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchPattern(String);

impl BranchPattern {
    /// Checks the rules: those of a name, with a `*` at least.
    ///
    /// # Errors
    /// `Invalid` if the pattern breaks one.
    pub fn new(pattern: &str) -> Result<Self> {
        BranchName::new(pattern.replace('*', "x"))?;
        if pattern.contains('*') {
            return Ok(Self(pattern.to_owned()));
        }
        Err(Error::invalid(format!("the pattern '{pattern}' should have a '*'")))
    }

    /// Whether a name fits.
    pub fn fits(&self, name: &BranchName) -> bool {
        let (first, rest) = self.0.split_once('*').unwrap_or((&self.0, ""));
        let Some(mut left) = name.as_str().strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = rest.split('*').collect();
        let last = parts.pop().unwrap_or_default();
        for part in parts {
            // The first place is as good as any later one.
            let Some((_, after)) = left.split_once(part) else { return false };
            left = after;
        }
        left.ends_with(last)
    }
}

/// A role, and where it is granted: `readWrite@shop:try`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::ReadWrite,
        Self::DbAdmin,
        Self::UserAdmin,
        Self::ClusterMonitor,
        Self::Root,
    ];

    /// The name, which is MongoDB's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadWrite => "readWrite",
            Self::DbAdmin => "dbAdmin",
            Self::UserAdmin => "userAdmin",
            Self::ClusterMonitor => "clusterMonitor",
            Self::Root => "root",
        }
    }
}

impl Scope {
    /// Whether this is all of `other`, or more.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (
                Self::Project(own),
                Self::Project(project) | Self::Branch(project, _) | Self::Branches(project, _),
            ) => own == project,
            (Self::Branches(own, pattern), Self::Branch(project, branch)) => {
                own == project && pattern.fits(branch)
            }
            (own, other) => own == other,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            Error::invalid(format!("unknown role '{text}'; known roles: {known}"))
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Project(project) => project.fmt(f),
            Self::Branch(project, branch) => write!(f, "{project}:{branch}"),
            Self::Branches(project, BranchPattern(pattern)) => write!(f, "{project}:{pattern}"),
        }
    }
}

/// `*`, `shop`, `shop:try`, which may be written `shop@try`, or `shop:sandbox/*`.
impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "*" {
            return Ok(Self::All);
        }
        match text.split_once(['@', ':']) {
            None => ProjectName::new(text).map(Self::Project),
            Some((project, pattern)) if pattern.contains('*') => {
                Ok(Self::Branches(ProjectName::new(project)?, BranchPattern::new(pattern)?))
            }
            Some((project, branch)) => {
                Ok(Self::Branch(ProjectName::new(project)?, BranchName::new(branch)?))
            }
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.role, self.scope)
    }
}
