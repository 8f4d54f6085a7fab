//! Where a regular expression matches, and what its groups capture.

use std::ops::Range;

use fancy_regex::{Regex, RegexBuilder};

use super::MOST_STEPS;
use super::translate::{Groups, translate};
use crate::{Error, Result};

/// A regular expression of PCRE that finds its matches one after the other.
#[derive(Debug, Clone)]
pub struct CapturingRegex {
    matcher: Regex,
}

/// A match, as ranges of bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captures {
    /// The whole match.
    pub whole: Range<usize>,
    /// What each group matched last, in the order of their opening parentheses; `None` for a group
    /// that took no part.
    pub groups: Vec<Option<Range<usize>>>,
}

impl CapturingRegex {
    /// Compiles a pattern with options of `imsxu`.
    ///
    /// # Errors
    /// `Invalid` with the malformed or unsupported part.
    pub fn compile(source: &str, options: &str) -> Result<Self> {
        let translated = translate(source, options, Groups::Capture)
            .map_err(|refused| Error::invalid(refused.into_words()))?;
        let matcher = RegexBuilder::new(&translated).backtrack_limit(MOST_STEPS).build();
        matcher
            .map(|matcher| Self { matcher })
            .map_err(|source| Error::invalid("an unsupported pattern").with_source(source))
    }

    /// Returns the first match that begins at a byte of the text or later. What stands before
    /// `from` is visible to assertions.
    ///
    /// # Errors
    /// `Invalid` if the match takes too many steps.
    pub fn find(&self, text: &str, from: usize) -> Result<Option<Captures>> {
        let found = self.matcher.captures_from_pos(text, from).map_err(|source| {
            Error::invalid(format!("a match takes more than {MOST_STEPS} steps"))
                .with_source(source)
        })?;
        Ok(found.and_then(|found| {
            let whole = found.get(0)?.range();
            let groups = (1..found.len()).map(|group| Some(found.get(group)?.range())).collect();
            Some(Captures { whole, groups })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        source: &str,
        options: &str,
        text: &str,
        from: usize,
    ) -> Option<(String, Vec<String>)> {
        let regex = CapturingRegex::compile(source, options).unwrap();
        regex.find(text, from).unwrap().map(|captures| {
            let groups = captures.groups.into_iter();
            let groups = groups.map(|group| group.map_or("-".to_owned(), |at| text[at].to_owned()));
            (text[captures.whole].to_owned(), groups.collect())
        })
    }

    fn expected(whole: &str, groups: &[&str]) -> (String, Vec<String>) {
        (whole.to_owned(), groups.iter().map(|&group| group.to_owned()).collect())
    }

    #[test]
    fn groups_capture_by_number() {
        assert_eq!(found("(a)|(b)", "", "xb", 0), Some(expected("b", &["-", "b"])));
        assert_eq!(
            found("(?<y>\\d+)-((?:x)(z))?", "", "12-xz", 0),
            Some(expected("12-xz", &["12", "xz", "z"]))
        );
        assert_eq!(found("(A+)(?i)(b)", "", "aAAB", 0), Some(expected("AAB", &["AA", "B"])));
        assert_eq!(found("a", "", "b", 0), None);
    }

    #[test]
    fn a_pattern_refers_to_its_groups() {
        assert_eq!(found(r"(\w)\1", "", "hello", 0), Some(expected("ll", &["l"])));
        assert!(CapturingRegex::compile(r"(a)\2", "").is_err());
        assert!(CapturingRegex::compile(r"(a)\1", "i").is_err());
    }

    #[test]
    fn an_end_of_the_text_is_no_part_of_the_match() {
        assert_eq!(found("a$", "", "a\n", 0), Some(expected("a", &[])));
    }

    #[test]
    fn a_search_from_a_position_sees_what_is_before() {
        assert_eq!(found("(?<=a)b", "", "ab", 1), Some(expected("b", &[])));
        assert_eq!(found("^b", "", "ab", 1), None);
    }
}
