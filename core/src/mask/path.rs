//! Patterns of paths in documents, and of names of collections.

use crate::merge::split;
use crate::{Error, Result};

/// The most steps of a pattern.
const MOST_STEPS: usize = 63;

/// A pattern: names with dots between, `*` for one name, `**` for any number of them; `\.` is a dot in
/// a name.
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

impl Place {
    /// Where either is.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Pattern {
    /// Reads a pattern: `\` before a dot, a star or a `\` makes it part of a name.
    ///
    /// # Errors
    /// `Invalid` if a name is empty, or there are too many.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let steps = split(text)?.into_iter().map(|part| match part.key.as_str() {
            "*" if !part.escaped => Step::Any,
            "**" if !part.escaped => Step::AnyNumber,
            _ => Step::Name(part.key),
        });
        Self::of(text, steps.collect())
    }

    /// Reads a pattern of a mask that was made when a `\` was a character like any other.
    ///
    /// # Errors
    /// As [`Pattern::parse`].
    pub(super) fn parse_unescaped(text: &str) -> Result<Self> {
        let steps = text.split('.').map(|step| match step {
            "*" => Step::Any,
            "**" => Step::AnyNumber,
            name => Step::Name(name.to_owned()),
        });
        Self::of(text, steps.collect())
    }

    /// Refuses a pattern of a new policy that would be taken for a name, and so hide nothing, though it
    /// looks like the language of another tool.
    ///
    /// # Errors
    /// `Invalid`, with what to write instead; those of [`Pattern::parse`].
    pub(super) fn check(text: &str) -> Result<Self> {
        let refused = |problem: &str| {
            Err(Error::invalid(format!("invalid path '{}': {problem}", text.escape_debug())))
        };
        for part in split(text)? {
            let (key, escaped) = (part.key, part.escaped);
            let star = key.contains('*') && key != "*" && key != "**";
            let dollar = key.starts_with('$') && !matches!(key.as_str(), "$ref" | "$id" | "$db");
            match () {
                () if key.contains('\0') => return refused("a name has no NUL"),
                () if escaped => {}
                () if star => {
                    return refused(
                        "* stands for a whole name, and ** for any number of them; write \\* for a \
                         star in a name",
                    );
                }
                () if dollar || key.contains(['[', ']']) => {
                    return refused(
                        "a path goes through arrays by itself, and items.0 is the first element; \
                         write \\$ or \\[ for a name that has such a character",
                    );
                }
                () => {}
            }
        }
        Self::parse(text)
    }

    fn of(text: &str, steps: Vec<Step>) -> Result<Self> {
        if steps.is_empty() || steps.contains(&Step::Name(String::new())) {
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

    /// After one name more, however its dots are read: as part of the name, or as standing between
    /// names, numbers of elements among them. If what is read so far matches before the name ends, the
    /// whole name does, since all below a match is hidden with it.
    pub(super) fn next_in_any_reading(&self, place: Place, name: &str) -> Place {
        let mut after = self.next(place, name).0;
        if name.contains('.') {
            let parts: Vec<&str> = name.split('.').collect();
            let mut sets = vec![0; parts.len() + 1];
            sets[0] = place.0;
            // The stars that have begun: one is a name, which may have dots itself.
            let mut open = 0;
            for at in 0..parts.len() {
                sets[at] = self.closed(sets[at]).0;
                open |= sets[at] & self.stars();
                sets[at + 1] |= open << 1;
                self.read_part(&mut sets, at, &parts);
                if at > 0 {
                    after |= sets[at] & self.matched();
                }
            }
            after |= sets[parts.len()];
        }
        self.closed(after)
    }

    /// Goes on from a cut in a name: `sets` has for each cut the steps that may come next there.
    fn read_part(&self, sets: &mut [u64], at: usize, parts: &[&str]) {
        let from = sets[at];
        let may_come = |(step, _): &(usize, &Step)| from & (1 << step) != 0;
        for (step, wanted) in self.steps.iter().enumerate().filter(may_come) {
            match wanted {
                Step::Name(wanted) => {
                    let end = at + wanted.split('.').count();
                    let read = parts.get(at..end).unwrap_or_default();
                    if wanted.split('.').eq(read.iter().copied()) {
                        sets[end] |= 1 << (step + 1);
                    }
                }
                Step::Any => {}
                Step::AnyNumber => sets[at + 1] |= 1 << step,
            }
        }
        if parts[at].parse::<u32>().is_ok() {
            sets[at + 1] |= from;
        }
    }

    /// The bits of the steps that are any one name.
    fn stars(&self) -> u64 {
        let stars = self.steps.iter().enumerate().filter(|(_, step)| **step == Step::Any);
        stars.fold(0, |stars, (at, _)| stars | 1 << at)
    }

    /// Whether the path matches.
    pub(super) fn matches(&self, place: Place) -> bool {
        place.0 & self.matched() != 0
    }

    /// The bit of a path that matches.
    fn matched(&self) -> u64 {
        1 << self.steps.len()
    }

    /// Whether a longer path may match.
    pub(super) fn goes_on(&self, place: Place) -> bool {
        place.0 & (self.matched() - 1) != 0
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
    fn a_name_with_dots_is_read_in_every_way() {
        let hit = |pattern: &str, names: &[&str]| {
            let pattern = Pattern::parse(pattern).unwrap();
            let step = |place, name: &&str| pattern.next_in_any_reading(place, name);
            pattern.matches(names.iter().fold(pattern.start(), step))
        };
        for (pattern, names) in [
            ("a.b", &["a.b"][..]),
            ("a.b", &["a.b.c"]),
            ("a", &["a."]),
            ("a\\.b", &["a.b"]),
            ("a.b.c", &["a", "b.c"]),
            ("a.b.c", &["a.b", "c"]),
            ("a\\.b.c", &["a.b.c"]),
            ("*.c", &["a.b.c"]),
            ("**.c", &["x.c"]),
            ("items.price", &["items.0.price"]),
        ] {
            assert!(hit(pattern, names), "{pattern} {names:?}");
        }
        for (pattern, names) in [
            ("a\\.b", &["a", "b"][..]),
            ("a.b", &["a.c"]),
            ("a.b", &["x.a.b"]),
            ("b", &["a.b"]),
            ("a.*", &["a"]),
            ("*.c", &["a", "b", "c"]),
        ] {
            assert!(!hit(pattern, names), "{pattern} {names:?}");
        }
    }

    #[test]
    fn a_pattern_of_another_language_is_refused() {
        for text in
            ["e*mail", "items[0].price", "items[*]", "items.$.price", "$email", "(document)"]
        {
            assert_eq!(
                Pattern::check(text).unwrap_err().kind(),
                crate::ErrorKind::Invalid,
                "{text}"
            );
        }
        for text in ["a\\.b", "\\$a", "items\\[0\\]", "owner.$id", "*.a", "\\*"] {
            assert!(Pattern::check(text).is_ok(), "{text}");
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
