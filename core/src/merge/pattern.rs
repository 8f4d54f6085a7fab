//! Patterns of collections and of paths, as the rules of a policy have them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::path::{escaped, split};
use crate::{Error, Result};

/// Which paths a rule is for: keys with dots between them, where `*` stands for any one key and
/// `**` for any number of keys, none included.
///
/// `stats.*` is every field of `stats`, `stats.**` also `stats` itself and all below, `**` everything
/// with the document itself, `(document)` that alone. `\*` is a key that is a star.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    AnyKey,
    AnyKeys,
}

impl PathPattern {
    /// Whether the path along these keys is one of those meant.
    pub fn matches(&self, keys: &[impl AsRef<str>]) -> bool {
        glob(
            &self.0,
            keys,
            |step| *step == Step::AnyKeys,
            |step, key| match step {
                Step::Key(wanted) => wanted == key.as_ref(),
                Step::AnyKey | Step::AnyKeys => true,
            },
        )
    }
}

impl FromStr for PathPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let steps = split(text)?.into_iter().map(|part| match part.key.as_str() {
            "*" if !part.escaped => Step::AnyKey,
            "**" if !part.escaped => Step::AnyKeys,
            _ => Step::Key(part.key),
        });
        Ok(Self(steps.collect()))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(document)");
        }
        let steps: Vec<String> = self.0.iter().map(Step::to_string).collect();
        f.write_str(&steps.join("."))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyKey => f.write_str("*"),
            Self::AnyKeys => f.write_str("**"),
            Self::Key(key) if matches!(key.as_str(), "*" | "**" | "(document)") => {
                write!(f, "\\{key}")
            }
            Self::Key(key) => f.write_str(&escaped(key)),
        }
    }
}

/// Which collections a rule is for: a name in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CollectionPattern(String);

impl CollectionPattern {
    /// The pattern that is written like this; there is none that could be wrong.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether this collection is one of those meant.
    pub fn matches(&self, collection: &str) -> bool {
        glob(self.0.as_bytes(), collection.as_bytes(), |byte| *byte == b'*', |a, b| a == b)
    }
}

impl fmt::Display for CollectionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for PathPattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.to_string()
    }
}

/// Whether a pattern fits all of a text, where some of its items stand for any run.
///
/// O(pattern × text): of the runs only the last one is ever made longer, which is enough, since the
/// ones before it have found their earliest place.
fn glob<P, T>(
    pattern: &[P],
    text: &[T],
    is_run: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut done) = (0, 0);
    let mut last_run = None;
    while done < text.len() {
        match pattern.get(at) {
            Some(item) if is_run(item) => {
                last_run = Some((at + 1, done));
                at += 1;
            }
            Some(item) if fits(item, &text[done]) => {
                at += 1;
                done += 1;
            }
            _ => {
                let Some((after, end)) = last_run else { return false };
                last_run = Some((after, end + 1));
                (at, done) = (after, end + 1);
            }
        }
    }
    pattern[at..].iter().all(is_run)
}
