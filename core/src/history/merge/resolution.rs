//! What a person decided.

use std::collections::BTreeMap;

use bson::RawBson;
use serde::{Deserialize, Serialize};

use crate::document::{Path, as_names};
use crate::{Error, Result};

/// What is to stand at a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// What ours has.
    Ours,
    /// What theirs has.
    Theirs,
    /// What was there before either side changed it.
    Base,
    /// This value.
    Value(RawBson),
    /// Nothing.
    Absent,
}

/// Decisions about the conflicts of one document.
///
/// A decision counts for the conflict at its path and for those below it, and the nearest one above
/// a conflict wins. `Ours`, `Theirs` and `Base` are taken conflict by conflict: what only one side
/// changed is kept, also under a decision for the whole document. A `Value`, or `Absent`, replaces
/// all that is at its path, whatever is decided for paths below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Decision>", into = "Vec<Decision>")]
pub struct Resolutions(BTreeMap<Path, Choice>);

/// As it is stored: a path can't be a key of a BSON document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    #[serde(with = "as_names")]
    path: Path,
    choice: Choice,
}

impl Resolutions {
    /// No decisions.
    pub const NONE: Self = Self(BTreeMap::new());

    /// Decides for a path; gives back what was decided before.
    pub fn insert(&mut self, path: Path, choice: Choice) -> Option<Choice> {
        self.0.insert(path, choice)
    }

    /// Takes the decision for exactly this path back.
    pub fn remove(&mut self, path: &Path) -> Option<Choice> {
        self.0.remove(path)
    }

    /// The decision for exactly this path.
    pub fn get(&self, path: &Path) -> Option<&Choice> {
        self.0.get(path)
    }

    /// Whether nothing is decided.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many decisions there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The decisions, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Choice)> {
        self.0.iter()
    }

    /// Checks that each decision has a conflict at its path or below, so that a wrong path is seen.
    ///
    /// # Errors
    /// `Invalid`, naming the first path without a conflict, and those that have one.
    pub fn check(&self, conflicting: &[Path]) -> Result<()> {
        let Some(path) = self.0.keys().find(|path| !conflicting.iter().any(|c| path.contains(c)))
        else {
            return Ok(());
        };
        let conflicting: Vec<String> = conflicting.iter().map(Path::to_string).collect();
        Err(Error::invalid(if conflicting.is_empty() {
            format!("there is no conflict at {path}, nor elsewhere in the document")
        } else {
            format!(
                "there is no conflict at {path}; the document has conflicts at {}",
                conflicting.join(", ")
            )
        }))
    }

    /// The decision for exactly this path, of those that replace all that is there.
    pub(super) fn replacement(&self, path: &Path) -> Option<&Choice> {
        self.0.get(path).filter(|choice| matches!(choice, Choice::Value(_) | Choice::Absent))
    }

    /// The decision for a path, or the nearest one above it.
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
