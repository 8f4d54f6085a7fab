//! The paths of updates.

use std::cmp::Ordering;

use argon_core::Result;

use crate::Code;

/// The path of an update: `grades.$[element].score`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UpdatePath {
    text: String,
    parts: Vec<Part>,
}

/// A name in the path of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A field, or the index of an element.
    Name(String),
    /// `$`: the element that the query matched.
    Positional,
    /// `$[identifier]`: the elements that match an array filter; all, if it is empty.
    Elements(String),
}

impl UpdatePath {
    /// Parses a path.
    ///
    /// # Errors
    /// `EmptyFieldName`; `BadValue` if `$` stands twice or first, or `$[…]` first.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Code::EMPTY_FIELD_NAME.error("An empty update path is not valid."));
        }
        let parts = text.split('.').map(|name| match name {
            "" => Err(Code::EMPTY_FIELD_NAME.error(format!(
                "The update path '{text}' contains an empty field name, which is not allowed."
            ))),
            "$" => Ok(Part::Positional),
            _ => Ok(match name.strip_prefix("$[").and_then(|name| name.strip_suffix(']')) {
                Some(identifier) => Part::Elements(identifier.to_owned()),
                None => Part::Name(name.to_owned()),
            }),
        });
        let path = Self { text: text.to_owned(), parts: parts.collect::<Result<_>>()? };
        path.check_positional()?;
        Ok(path)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The first names of the path as text.
    pub(super) fn beginning(&self, length: usize) -> String {
        self.text.split('.').take(length).collect::<Vec<_>>().join(".")
    }

    /// The names, if each is a field or an index.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        let name = |part: &Part| match part {
            Part::Name(name) => Some(name.clone()),
            Part::Positional | Part::Elements(_) => None,
        };
        self.parts.iter().map(name).collect()
    }

    /// Whether this path leads to a value that contains the other's.
    pub(super) fn is_prefix_of(&self, other: &Self) -> bool {
        self.parts.len() < other.parts.len() && other.parts.starts_with(&self.parts)
    }

    fn check_positional(&self) -> Result<()> {
        let text = &self.text;
        if self.parts.iter().filter(|part| **part == Part::Positional).count() > 1 {
            return Err(Code::BAD_VALUE
                .error(format!("Too many positional (i.e. '$') elements found in path '{text}'")));
        }
        match self.parts.first() {
            Some(Part::Positional) => Err(Code::BAD_VALUE.error(format!(
                "Cannot have positional (i.e. '$') element in the first position in path '{text}'"
            ))),
            Some(Part::Elements(_)) => Err(Code::BAD_VALUE.error(format!(
                "Cannot have array filter identifier (i.e. '$[<id>]') element in the first \
                 position in path '{text}'"
            ))),
            _ => Ok(()),
        }
    }
}

/// A name by the order in which the server updates fields, which is the order of new ones: numbers
/// by their size, others by their bytes (`cmpPathsAndArrayIndexes` in `path_support.h`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldKey(pub(super) String);

impl Ord for FieldKey {
    fn cmp(&self, other: &Self) -> Ordering {
        // A number with zeros before it is text.
        let number = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_digit())
                && (name.len() == 1 || !name.starts_with('0'))
        };
        let by_bytes = self.0.cmp(&other.0);
        if number(&self.0) && number(&other.0) {
            return self.0.len().cmp(&other.0.len()).then(by_bytes);
        }
        by_bytes
    }
}

impl PartialOrd for FieldKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_order_of_their_size() {
        let mut names: Vec<_> = ["b", "10", "9", "a", "B", "02", "0", "100", "_"]
            .into_iter()
            .map(|name| FieldKey(name.to_owned()))
            .collect();
        names.sort();
        let names: Vec<_> = names.iter().map(|name| name.0.as_str()).collect();
        assert_eq!(names, ["0", "02", "9", "10", "100", "B", "_", "a", "b"]);
    }
}
