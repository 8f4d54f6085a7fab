//! Patterns of paths.

mod position;
mod readings;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub(crate) use self::position::PatternPosition;
use super::path::{Name, WHOLE_DOCUMENT, wrong};
use super::written::{escaped, foreign, split};
use crate::{Error, Result};

/// The maximum number of steps of a pattern: one bit each in a [`PatternPosition`], and one for its
/// end.
const MOST_STEPS: usize = 127;

/// A pattern of paths: a [`Path`](super::Path) in which `*` matches any one name and `**` any
/// number of names, including none.
///
/// `stats.*` is every field of `stats`, `stats.**` also `stats` itself and everything below, `**`
/// everything including the document itself, `(document)` only the document. `\*` is a name that is
/// a star.
///
/// ```
/// use argon_core::document::{Path, Pattern};
///
/// # fn main() -> argon_core::Result<()> {
/// let pattern: Pattern = "**.price".parse()?;
/// assert!(pattern.matches(&"items.2.price".parse()?));
/// assert!(!pattern.matches(&"price.net".parse()?));
/// assert!("items[0].price".parse::<Pattern>()?.check().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    steps: Vec<PatternStep>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternStep {
    Name(Name),
    Any,
    AnyNumber,
}

impl Pattern {
    /// Parses a pattern from before paths had escapes.
    ///
    /// # Errors
    /// `Invalid` if it has too many names.
    pub(crate) fn dotted(text: &str) -> Result<Self> {
        let name = |text: &str| Name { text: text.to_owned(), escaped: false };
        Self::of(text, text.split('.').map(name).collect())
    }

    fn of(text: &str, names: Vec<Name>) -> Result<Self> {
        let steps: Vec<PatternStep> = names
            .into_iter()
            .map(|name| match name.as_str() {
                "*" if !name.escaped => PatternStep::Any,
                "**" if !name.escaped => PatternStep::AnyNumber,
                _ => PatternStep::Name(name),
            })
            .collect();
        if steps.len() > MOST_STEPS {
            return Err(Error::invalid(format!(
                "the path '{text}' has {} names; at most {MOST_STEPS} are allowed",
                steps.len()
            )));
        }
        Ok(Self { steps })
    }

    /// Returns whether the path matches. O(steps × names).
    pub fn matches(&self, path: &super::Path) -> bool {
        self.matches_names(path.names())
    }

    /// Returns whether the path with these names matches.
    pub(crate) fn matches_names<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> bool {
        let end = names.try_fold(self.start(), |place, name| {
            Some(self.next(place, name)).filter(|place| !place.is_nowhere())
        });
        end.is_some_and(|place| self.ends_at(place))
    }

    /// Whether this is the pattern of only the whole document.
    pub fn is_document(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns whether it can only match this field of a document and paths below it.
    pub(crate) fn begins_with(&self, name: &str) -> bool {
        matches!(self.steps.first(), Some(PatternStep::Name(first)) if first.as_str() == name)
    }

    /// Returns the pattern that would go through the elements of the array at `array`, if this one
    /// names a field directly below that array, without a star. The names of the elements begin
    /// with `names_begin`.
    pub(crate) fn through(&self, array: &Self, names_begin: &str) -> Option<Self> {
        let is_name = |step: &PatternStep| matches!(step, PatternStep::Name(_));
        let below = self.steps.strip_prefix(array.steps.as_slice())?;
        let all_names = !array.is_document() && array.steps.iter().all(is_name);
        match below.first() {
            Some(PatternStep::Name(name))
                if all_names && !name.escaped && !name.text.starts_with(names_begin) =>
            {
                let steps = [array.steps.as_slice(), &[PatternStep::Any], below].concat();
                Some(Self { steps })
            }
            _ => None,
        }
    }

    /// Refuses a pattern of a new policy that could never match because it uses the syntax of
    /// another tool.
    ///
    /// # Errors
    /// `Invalid`, with the pattern, the position, and a valid alternative.
    pub fn check(&self) -> Result<()> {
        let text = self.to_string();
        let mut at = 0;
        for step in &self.steps {
            if let PatternStep::Name(name) = step {
                if !name.escaped && name.text.contains('*') {
                    return Err(wrong(
                        &text,
                        at,
                        "* matches a whole name, and ** any number of names; write \\* for a star \
                         in a name",
                    ));
                }
                foreign(&text, at, name)?;
            }
            at += step.to_string().chars().count() + 1;
        }
        Ok(())
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::of(text, split(text)?)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.steps.as_slice() {
            [] => f.write_str(WHOLE_DOCUMENT),
            [PatternStep::Name(only)] if only.as_str() == WHOLE_DOCUMENT => {
                write!(f, "\\{WHOLE_DOCUMENT}")
            }
            steps => {
                let steps: Vec<String> = steps.iter().map(PatternStep::to_string).collect();
                f.write_str(&steps.join("."))
            }
        }
    }
}

impl fmt::Display for PatternStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::AnyNumber => f.write_str("**"),
            Self::Name(name) => f.write_str(&escaped(name)),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a path matches, by names only.
    fn matches(pattern: &str, path: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches_names(path.split('.'))
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
    fn a_pattern_of_another_language_is_refused() {
        for (text, at) in [
            ("e*mail", "'e*mail':"),
            ("items[0].price", "'items[0].price':"),
            ("items[*]", "'items[*]':"),
            ("items.$.price", "at character 7"),
            ("$email", "'$email':"),
            ("", "'':"),
            (".", "'.':"),
            ("a.", "at character 3"),
            (".a", "'.a':"),
            ("*.**.a..b", "at character 8"),
        ] {
            let error = text.parse::<Pattern>().unwrap().check().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{text}");
            assert!(error.to_string().contains(at), "{at} in {error}");
        }
        for text in ["a\\.b", "\\$a", "items\\[0\\]", "owner.$id", "*.a", "\\*", "(document)"] {
            assert!(text.parse::<Pattern>().unwrap().check().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_pattern_of_too_many_names_is_refused() {
        let longest = ["a"; MOST_STEPS].join(".");
        assert!(matches(&longest, &longest));
        assert!(format!("{longest}.a").parse::<Pattern>().is_err());
    }

    #[test]
    fn a_pattern_below_an_array_that_is_merged_by_key_has_a_star_for_its_elements() {
        let through = |pattern: &str, array: &str| {
            let [pattern, array] = [pattern, array].map(|text| text.parse::<Pattern>().unwrap());
            pattern.through(&array, "sku=").map(|through| through.to_string())
        };
        assert_eq!(through("items.price", "items").as_deref(), Some("items.*.price"));
        assert_eq!(through("a.items.0.price", "a.items").as_deref(), Some("a.items.*.0.price"));
        for (pattern, array) in [
            ("items", "items"),
            ("items.*.price", "items"),
            ("items.**", "items"),
            ("items.\\price", "items"),
            ("items.sku=\"A1\".price", "items"),
            ("other.price", "items"),
            ("items.price", "*"),
            ("items.price", "(document)"),
        ] {
            assert_eq!(through(pattern, array), None, "{pattern} {array}");
        }
    }
}
