//! Patterns of collection names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A pattern of collection names in which `*` matches any characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CollectionPattern(String);

impl CollectionPattern {
    /// Creates a pattern; every text is valid.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Returns whether this collection matches.
    pub fn matches(&self, collection: &str) -> bool {
        name_matches(&self.0, collection)
    }
}

impl fmt::Display for CollectionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Returns whether a name matches a pattern in which `*` matches any characters.
pub(crate) fn name_matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_in_names_of_collections_stand_for_any_characters() {
        for (pattern, name) in
            [("a", "a"), ("*", "a"), ("a*", "ab"), ("*b", "ab"), ("a*c*e", "abcde")]
        {
            assert!(name_matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("a", "ab"), ("a*", "ba"), ("ab*b", "ab"), ("a*c*e", "aed"), ("", "a")]
        {
            assert!(!name_matches(pattern, name), "{pattern} {name}");
        }
    }
}
