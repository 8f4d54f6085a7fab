//! Patterns of paths in documents, and of names of collections.

use crate::{Error, Result};

/// The most steps of a pattern.
const MOST_STEPS: usize = 63;

/// A pattern: names with dots between, `*` for one name, `**` for any number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Any,
    AnyNumber,
}

/// How far a path has got in a pattern: the set of steps that may come next, a bit each; the bit after
/// the last step is set if the path matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u64);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// `Invalid` if a name is empty, or there are too many.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let steps: Vec<Step> = text
            .split('.')
            .map(|step| match step {
                "*" => Step::Any,
                "**" => Step::AnyNumber,
                name => Step::Name(name.to_owned()),
            })
            .collect();
        if steps.contains(&Step::Name(String::new())) {
            return Err(Error::invalid(format!(
                "'{text}' is no path: names with single dots between are expected, such as \
                 address.city, with * for any one name and ** for any number of them"
            )));
        }
        if steps.len() > MOST_STEPS {
            return Err(Error::invalid(format!(
                "the path '{text}' has {} names; at most {MOST_STEPS} are allowed",
                steps.len()
            )));
        }
        Ok(Self { steps })
    }

    /// Whether it can match nothing but this field of a document and what is below it.
    pub(super) fn begins_with(&self, name: &str) -> bool {
        matches!(self.steps.first(), Some(Step::Name(first)) if first == name)
    }

    /// Before the first name.
    pub(super) fn start(&self) -> Place {
        self.closed(1)
    }

    /// After one name more.
    pub(super) fn next(&self, place: Place, name: &str) -> Place {
        let mut next = 0;
        for (at, step) in self.steps.iter().enumerate() {
            if place.0 & (1 << at) == 0 {
                continue;
            }
            match step {
                Step::Name(wanted) if wanted == name => next |= 1 << (at + 1),
                Step::Any => next |= 1 << (at + 1),
                Step::AnyNumber => next |= 1 << at,
                Step::Name(_) => {}
            }
        }
        self.closed(next)
    }

    /// After an element of an array: either its number is a name of the path, or the path goes through.
    pub(super) fn element(&self, place: Place, index: &str) -> Place {
        Place(self.next(place, index).0 | place.0)
    }

    /// Whether the path matches.
    pub(super) fn matches(&self, place: Place) -> bool {
        place.0 & (1 << self.steps.len()) != 0
    }

    /// Whether a longer path may match.
    pub(super) fn goes_on(&self, place: Place) -> bool {
        place.0 & ((1 << self.steps.len()) - 1) != 0
    }

    /// The set with what may come after no name for a `**`.
    fn closed(&self, mut set: u64) -> Place {
        for (at, step) in self.steps.iter().enumerate() {
            if *step == Step::AnyNumber && set & (1 << at) != 0 {
                set |= 1 << (at + 1);
            }
        }
        Place(set)
    }
}

/// Whether a name matches a pattern in which `*` stands for any characters.
pub(super) fn name_matches(pattern: &str, name: &str) -> bool {
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

    /// Whether a path matches, by names only.
    fn matches(pattern: &str, path: &str) -> bool {
        let pattern = Pattern::parse(pattern).unwrap();
        let end = path.split('.').fold(pattern.start(), |place, name| pattern.next(place, name));
        pattern.matches(end)
    }

    #[test]
    fn a_star_is_one_name_and_two_are_any_number() {
        assert!(matches("a.b", "a.b") && !matches("a.b", "a") && !matches("a.b", "a.b.c"));
        assert!(matches("a.*.c", "a.b.c") && !matches("a.*.c", "a.c"));
        assert!(matches("**.c", "c") && matches("**.c", "a.b.c") && !matches("**.c", "a.b"));
        assert!(matches("a.**", "a.b.c") && matches("**", "a") && !matches("a.**", "b.a"));
        assert!(matches("a.**.c.*", "a.b.c.c.d") && !matches("a.**.c.*", "a.b.c"));
    }

    #[test]
    fn a_path_goes_through_arrays_or_names_an_element() {
        for (pattern, hit) in [("a.b", true), ("a.0.b", true), ("a.1.b", false), ("a.*.b", true)] {
            let pattern = Pattern::parse(pattern).unwrap();
            let array = pattern.next(pattern.start(), "a");
            let end = pattern.next(pattern.element(array, "0"), "b");
            assert_eq!(pattern.matches(end), hit, "{pattern:?}");
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        for text in ["", ".", "a.", ".a", "a..b", &"a.".repeat(64)] {
            assert_eq!(Pattern::parse(text).unwrap_err().kind(), crate::ErrorKind::Invalid);
        }
        let longest = ["a"; MOST_STEPS].join(".");
        assert!(matches(&longest, &longest));
        assert!(Pattern::parse(&format!("{longest}.a")).is_err());
    }

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
