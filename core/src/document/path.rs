//! Paths in documents.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::written::{escaped, foreign, split};
use crate::{DetailKey, Error, Result};

/// The notation for the path of a whole document.
pub(super) const WHOLE_DOCUMENT: &str = "(document)";

/// The path from a document to a value in it, name by name; empty for the document itself.
///
/// An array element has a name too: its index (`tags.2`), or, in an array that is merged by a field
/// of its elements, that field and its value (`items.sku="A1".price`), which does not depend on the
/// position of the element.
///
/// Written with dots between the names; `\` before a character makes it part of a name: `a\.b` is
/// one field whose name is `a.b`. The whole document is `(document)`. The written form can be
/// parsed.
///
/// ```
/// use argon_core::document::Path;
///
/// # fn main() -> argon_core::Result<()> {
/// let path: Path = "address.zip".parse()?;
/// assert!(path.names().eq(["address", "zip"]));
/// assert_eq!(Path::new(["a.b", "c"]).to_string(), r"a\.b.c");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(Vec<Name>);

/// A name in a path. Equality ignores the written form.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) text: String,
    /// Whether it was written with a `\`, so that it has no special meaning.
    pub(super) escaped: bool,
}

impl Path {
    /// The path of the whole document.
    pub const DOCUMENT: Self = Self(Vec::new());

    /// Creates the path with these names.
    pub fn new<K: Into<String>>(names: impl IntoIterator<Item = K>) -> Self {
        let name = |name: K| Name { text: name.into(), escaped: false };
        Self(names.into_iter().map(name).collect())
    }

    /// Parses a path of MongoDB's queries and indexes: each dot separates two names, without
    /// escapes.
    pub fn dotted(text: &str) -> Self {
        Self::new(text.split('.'))
    }

    /// The path in MongoDB's notation, if it can be expressed.
    pub(crate) fn to_dotted(&self) -> String {
        self.names().collect::<Vec<_>>().join(".")
    }

    /// The names, from the document down.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(Name::as_str)
    }

    pub(super) fn as_slice(&self) -> &[Name] {
        &self.0
    }

    /// Whether this is the path of the whole document.
    pub fn is_document(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the other path is this one, or below it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// This path and its ancestors, the document last.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        (0..=self.0.len()).rev().map(|length| Self(self.0[..length].to_vec()))
    }

    /// Refuses a path that no field can have: one that is empty, has an empty name, or uses the
    /// syntax of another tool. A rule with it would never match.
    ///
    /// # Errors
    /// `Invalid`, with the path, the position, and a valid alternative.
    pub fn check(&self) -> Result<()> {
        if self.is_document() {
            return Err(wrong(WHOLE_DOCUMENT, 0, "expected a field such as address.zip"));
        }
        let text = self.to_string();
        let mut at = 0;
        for name in &self.0 {
            if !name.escaped && name.text.contains('*') {
                return Err(wrong(
                    &text,
                    at,
                    "* is not allowed here; a path goes through arrays by itself, and items.0 is \
                     the first element; write \\* for a star in a name",
                ));
            }
            foreign(&text, at, name)?;
            at += escaped(name).chars().count() + 1;
        }
        Ok(())
    }
}

impl Name {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// The error for a written path, at this character, counted from 0.
pub(super) fn wrong(text: &str, at: usize, problem: &str) -> Error {
    let shown = if at == 0 { String::new() } else { format!(" at character {}", at + 1) };
    Error::invalid(format!("invalid path '{}'{shown}: {problem}", text.escape_debug()))
        .with_detail(DetailKey::Path, text)
        .with_detail(DetailKey::Position, at as u64)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str(WHOLE_DOCUMENT),
            [only] if only.text == WHOLE_DOCUMENT => write!(f, "\\{WHOLE_DOCUMENT}"),
            names => {
                let names: Vec<String> = names.iter().map(escaped).collect();
                f.write_str(&names.join("."))
            }
        }
    }
}

impl FromStr for Path {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        split(text).map(Self)
    }
}

impl TryFrom<String> for Path {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}

/// Serializes a path as the list of its names, as saved plans do.
pub(crate) mod as_names {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Path;

    pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        path.names().collect::<Vec<_>>().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Path, D::Error> {
        Vec::<String>::deserialize(from).map(Path::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_parsed_back() {
        for names in [
            &[][..],
            &["a"],
            &["a", "b", "2"],
            &["a.b", "c\\"],
            &[""],
            &["", ""],
            &["(document)"],
            &["(document)", "a"],
        ] {
            let path = Path::new(names.iter().copied());
            assert_eq!(path.to_string().parse::<Path>().unwrap(), path, "{path}");
        }
        assert_eq!(Path::new(["a.b", "c"]).to_string(), "a\\.b.c");
        assert!("a\\".parse::<Path>().is_err());
    }

    #[test]
    fn a_path_is_the_same_however_its_names_are_escaped_and_says_so_again() {
        let path: Path = "items\\[0\\].\\$a.em\\ail".parse().unwrap();
        assert_eq!(path, Path::new(["items[0]", "$a", "email"]));
        assert_eq!(path.to_string(), "\\items[0].\\$a.\\email");
        path.check().unwrap();
        path.to_string().parse::<Path>().unwrap().check().unwrap();
        assert_eq!(Path::dotted("a\\.b"), Path::new(["a\\", "b"]));
    }

    #[test]
    fn a_rule_that_would_name_no_field_is_refused_with_where_and_what_to_write() {
        for (text, parts) in [
            ("", &["''", "empty"][..]),
            ("(document)", &["address.zip"]),
            ("a.", &["'a.' at character 3", "empty"]),
            (".a", &["'.a'", "empty"]),
            ("a..b", &["at character 3", "empty"]),
            ("items[0].sku", &["items.0", "\\["]),
            ("a.items[]", &["at character 3"]),
            ("items.$.sku", &["at character 7", "\\$"]),
            ("items.*.sku", &["at character 7", "\\*", "through arrays by itself"]),
        ] {
            let error = text.parse::<Path>().unwrap().check().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid);
            let error = error.to_string();
            for part in parts {
                assert!(error.contains(part), "'{part}' in {error}");
            }
        }
        for text in ["a\\.b", "\\$a", "items\\[0\\]", "owner.$id", "\\*", "a.0.b", "(document).x"] {
            text.parse::<Path>().unwrap().check().unwrap();
        }
    }
}
