//! Which collections of a dump are wanted.

use std::fmt;
use std::str::FromStr;

use argon_core::Error;
use argon_core::model::CollectionName;

/// A pattern of namespaces, as `mongorestore` takes them: `*` stands for any characters, `\*` for a
/// star. One without a dot is of the collection's name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespacePattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Character(char),
    Any,
}

/// What the user wants of a dump.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection<'a> {
    /// This one only.
    pub(super) collection: Option<&'a CollectionName>,
    /// Those that one of these means; all if there are none.
    pub(super) include: &'a [NamespacePattern],
    /// None that one of these means.
    pub(super) exclude: &'a [NamespacePattern],
}

impl Selection<'_> {
    /// Whether a collection is wanted.
    pub(super) fn wants(&self, database: &str, collection: &str) -> bool {
        let matches = |pattern: &NamespacePattern| pattern.matches(database, collection);
        self.collection.is_none_or(|wanted| wanted.as_str() == collection)
            && (self.include.is_empty() || self.include.iter().any(matches))
            && !self.exclude.iter().any(matches)
    }

    /// Whether there are patterns, which only a dump takes.
    pub(super) fn has_patterns(&self) -> bool {
        !self.include.is_empty() || !self.exclude.is_empty()
    }

    /// Whether a pattern may mean a collection of this database.
    pub(super) fn may_mean(&self, database: &str) -> bool {
        self.include.iter().any(|pattern| {
            let dot = pattern.parts.iter().position(|part| *part == Part::Character('.'));
            dot.is_none_or(|dot| matches(&pattern.parts[..dot], &characters(database)))
        })
    }
}

impl NamespacePattern {
    fn matches(&self, database: &str, collection: &str) -> bool {
        if self.parts.contains(&Part::Character('.')) {
            matches(&self.parts, &characters(&format!("{database}.{collection}")))
        } else {
            matches(&self.parts, &characters(collection))
        }
    }
}

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// O(pattern × text): goes back to the last star only.
fn matches(pattern: &[Part], text: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(Part::Any) => {
                star = Some((at, read));
                at += 1;
            }
            Some(Part::Character(expected)) if *expected == text[read] => {
                (at, read) = (at + 1, read + 1);
            }
            _ => match star {
                Some((behind, from)) => {
                    star = Some((behind, from + 1));
                    (at, read) = (behind + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|part| *part == Part::Any)
}

impl FromStr for NamespacePattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = Vec::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '*' => Part::Any,
                '\\' => Part::Character(characters.next().ok_or_else(|| {
                    Error::invalid(format!("invalid pattern '{text}': nothing comes after the \\"))
                })?),
                other => Part::Character(other),
            });
        }
        if parts.is_empty() {
            return Err(Error::invalid("an empty pattern means no collection"));
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl fmt::Display for NamespacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The pattern that means this collection alone.
pub(super) fn pattern_of(database: &str, collection: &str) -> String {
    format!("{database}.{collection}").replace('\\', "\\\\").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NamespacePattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_star_stands_for_any_characters_and_a_pattern_without_a_dot_for_the_collection() {
        for (text, collection, matched) in [
            ("shop.users", "users", true),
            ("users", "users", true),
            ("user", "users", false),
            ("u*s", "users", true),
            ("u*s*x", "users", false),
            ("shop.*", "a.b", true),
            ("*.logs.*", "logs.2020", true),
            ("blog.*", "users", false),
            ("*", "cash$flow", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("*a*b", "aabab", true),
        ] {
            assert_eq!(pattern(text).matches("shop", collection), matched, "{text} {collection}");
        }
        assert!("".parse::<NamespacePattern>().is_err());
        assert!("a\\".parse::<NamespacePattern>().is_err());
    }

    #[test]
    fn what_is_excluded_is_not_wanted_even_if_it_is_included() {
        let (include, exclude) = ([pattern("shop.*"), pattern("b*.c")], [pattern("shop.logs*")]);
        let selection = Selection { collection: None, include: &include, exclude: &exclude };
        assert!(selection.wants("shop", "users") && selection.wants("blog", "c"));
        assert!(!selection.wants("shop", "logs1") && !selection.wants("other", "users"));
        assert!(selection.may_mean("shop") && selection.may_mean("blog"));
        assert!(!selection.may_mean("other"));
    }

    #[test]
    fn the_pattern_of_a_collection_means_it_alone() {
        let name = "a*b\\c";
        let only = pattern(&pattern_of("shop", name));
        assert!(only.matches("shop", name) && !only.matches("shop", "axb\\c"));
    }
}
