//! Resolutions: the decisions of a person.

use std::collections::BTreeMap;

use bson::RawBson;
use serde::{Deserialize, Serialize};

use crate::document::{Path, as_names};
use crate::{Error, Result};

/// The value to take at a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The value of ours.
    Ours,
    /// The value of theirs.
    Theirs,
    /// The value before either side changed it.
    Base,
    /// This value.
    Value(RawBson),
    /// No value.
    Absent,
}

/// Resolutions of the conflicts of one document.
///
/// A resolution applies to the conflict at its path and to those below it; for a conflict, the
/// nearest one above it wins. `Ours`, `Theirs` and `Base` are applied conflict by conflict: changes
/// of only one side are kept, also under a resolution of the whole document. A `Value`, or
/// `Absent`, replaces everything at its path, whatever the resolutions of paths below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Decision>", into = "Vec<Decision>")]
pub struct Resolutions(BTreeMap<Path, Choice>);

/// The stored form: a path can't be a key of a BSON document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    #[serde(with = "as_names")]
    path: Path,
    choice: Choice,
}

impl Resolutions {
    /// No resolutions.
    pub const NONE: Self = Self(BTreeMap::new());

    /// Resolves a path; returns the previous resolution.
    pub fn insert(&mut self, path: Path, choice: Choice) -> Option<Choice> {
        self.0.insert(path, choice)
    }

    /// Removes the resolution of exactly this path.
    pub fn remove(&mut self, path: &Path) -> Option<Choice> {
        self.0.remove(path)
    }

    /// Returns the resolution of exactly this path.
    pub fn get(&self, path: &Path) -> Option<&Choice> {
        self.0.get(path)
    }

    /// Whether there are no resolutions.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of resolutions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The resolutions, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Choice)> {
        self.0.iter()
    }

    /// Checks that each resolution has a conflict at its path or below, to detect wrong paths.
    ///
    /// # Errors
    /// `Invalid`, naming the first path without a conflict, and those with one.
    pub fn check(&self, conflicting: &[Path]) -> Result<()> {
        let Some(path) = self.0.keys().find(|path| !conflicting.iter().any(|c| path.contains(c)))
        else {
            return Ok(());
        };
        let conflicting: Vec<String> = conflicting.iter().map(Path::to_string).collect();
        Err(Error::invalid(if conflicting.is_empty() {
            format!("no conflict at path {path}; the document has no conflicts")
        } else {
            format!(
                "no conflict at path {path}; the document has conflicts at {}",
                conflicting.join(", ")
            )
        }))
    }

    /// Returns the resolution of exactly this path, if it replaces everything there.
    pub(super) fn replacement(&self, path: &Path) -> Option<&Choice> {
        self.0.get(path).filter(|choice| matches!(choice, Choice::Value(_) | Choice::Absent))
    }

    /// Returns the resolution of a path, or the nearest one above it.
    pub(super) fn nearest(&self, path: &Path) -> Option<&Choice> {
        path.ancestors().find_map(|path| self.0.get(&path))
    }
}

impl FromIterator<(Path, Choice)> for Resolutions {
    fn from_iter<I: IntoIterator<Item = (Path, Choice)>>(decisions: I) -> Self {
        Self(decisions.into_iter().collect())
    }
}

impl From<Vec<Decision>> for Resolutions {
    fn from(decisions: Vec<Decision>) -> Self {
        decisions.into_iter().map(|decision| (decision.path, decision.choice)).collect()
    }
}

impl From<Resolutions> for Vec<Decision> {
    fn from(resolutions: Resolutions) -> Self {
        let decisions = resolutions.0.into_iter();
        decisions.map(|(path, choice)| Decision { path, choice }).collect()
    }
}
