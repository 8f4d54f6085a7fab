//! Where in a document something is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the path of a whole document is written.
const WHOLE_DOCUMENT: &str = "(document)";

/// The way from a document down to a value in it, key by key; empty for the document itself.
///
/// An element of an array is a key as well: its index (`tags.2`), or, in an array that is merged by
/// a field of its elements, that field and its value (`items.sku="A1".price`), which stays the same
/// wherever the element stands.
///
/// Written with dots between the keys; `\` before a dot or a `\` in a key makes it part of the key.
/// The whole document is `(document)`. What is written can be parsed back.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// The path of the whole document.
    pub const DOCUMENT: Self = Self(Vec::new());

    /// The path along these keys.
    pub fn new<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }

    /// The keys from the document down.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// Whether it is the path of the whole document.
    pub fn is_document(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the other path is this one, or leads further down from it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str(WHOLE_DOCUMENT),
            [only] if only == WHOLE_DOCUMENT => write!(f, "\\{WHOLE_DOCUMENT}"),
            keys => {
                let keys: Vec<String> = keys.iter().map(|key| escaped(key)).collect();
                f.write_str(&keys.join("."))
            }
        }
    }
}

impl FromStr for FieldPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(Self(split(text)?.into_iter().map(|part| part.key).collect()))
    }
}

/// A key as it was written in a path.
pub(crate) struct Part {
    pub(crate) key: String,
    /// Whether a `\` was in it, which takes their meaning from wildcards.
    pub(crate) escaped: bool,
}

/// Takes a written path apart; nothing for the whole document.
pub(crate) fn split(text: &str) -> Result<Vec<Part>> {
    if text == WHOLE_DOCUMENT {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let mut part = Part { key: String::new(), escaped: false };
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '.' => parts
                .push(std::mem::replace(&mut part, Part { key: String::new(), escaped: false })),
            '\\' => {
                part.escaped = true;
                part.key.push(rest.next().ok_or_else(|| dangling(text))?);
            }
            _ => part.key.push(character),
        }
    }
    parts.push(part);
    Ok(parts)
}

/// A key as [`split`] reads it.
pub(super) fn escaped(key: &str) -> String {
    key.replace('\\', "\\\\").replace('.', "\\.")
}

fn dangling(text: &str) -> Error {
    Error::invalid(format!(
        "the path '{text}' ends with a single \\, which needs a character after it: \
         write \\\\ for the character itself"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_parsed_back() {
        for keys in [
            &[][..],
            &["a"],
            &["a", "b", "2"],
            &["a.b", "c\\"],
            &[""],
            &["", ""],
            &["(document)"],
            &["(document)", "a"],
        ] {
            let path = FieldPath::new(keys.iter().copied());
            assert_eq!(path.to_string().parse::<FieldPath>().unwrap(), path, "{path}");
        }
        assert_eq!(FieldPath::new(["a.b", "c"]).to_string(), "a\\.b.c");
        assert!("a\\".parse::<FieldPath>().is_err());
    }
}
