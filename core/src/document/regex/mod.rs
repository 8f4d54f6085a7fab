//! Regular expressions as in MongoDB, which uses PCRE.
//!
//! `fancy-regex` does the matching. Its syntax has other meanings than PCRE's (`\d`, `\w`, `\s` and
//! `\b` are Unicode there and ASCII in PCRE; `$` also matches before a last newline in PCRE), so a
//! pattern is parsed by PCRE's rules and translated. An unsupported construct of PCRE is refused by
//! name.

mod captures;
mod classes;
mod translate;

use fancy_regex::RegexBuilder;

pub use captures::{Captures, CapturingRegex};
use translate::Groups;

use super::refused::Refused;

/// The backtracking limit of a match.
const MOST_STEPS: usize = 1_000_000;

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub(crate) struct Regex {
    source: String,
    options: String,
    matcher: fancy_regex::Regex,
}

/// A match that exceeded its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GaveUp;

impl Regex {
    /// Compiles a pattern with options of `imsxu`.
    ///
    /// # Errors
    /// The pattern with the malformed or unsupported part.
    pub(crate) fn compile(source: &str, options: &str) -> Result<Self, Refused> {
        let with = |what: String| format!("the pattern {source} with {what}");
        let translated = translate::translate(source, options, Groups::Group).map_err(
            |refused| match refused {
                Refused::Malformed(what) => Refused::Malformed(with(what)),
                Refused::Unknown(what) => Refused::Unknown(with(what)),
                other @ (Refused::Operator(_) | Refused::Extension(_)) => other,
            },
        )?;
        let regex = RegexBuilder::new(&translated).backtrack_limit(MOST_STEPS).build();
        let regex = regex.map_err(|_| Refused::unknown(format!("the pattern {source}")))?;
        let mut options: Vec<char> = options.chars().collect();
        options.sort_unstable();
        Ok(Self {
            source: source.to_owned(),
            options: options.into_iter().collect(),
            matcher: regex,
        })
    }

    /// The original pattern.
    #[cfg(feature = "json-schema")]
    pub(crate) fn as_str(&self) -> &str {
        &self.source
    }

    /// Returns whether the original pattern and options are equal to these.
    pub(crate) fn is(&self, source: &str, options: &str) -> bool {
        let mut options: Vec<char> = options.chars().collect();
        options.sort_unstable();
        self.source == source && self.options.chars().eq(options)
    }

    /// Returns whether the pattern matches anywhere in a text.
    pub(crate) fn matches(&self, text: &str) -> Result<bool, GaveUp> {
        self.matcher.is_match(text).map_err(|_| GaveUp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn table(rows: &[(&str, &str, &[&str], &[&str])]) {
        for (source, options, matching, others) in rows {
            let pattern = Regex::compile(source, options).unwrap();
            for text in *matching {
                assert_eq!(pattern.matches(text), Ok(true), "{source} should match {text:?}");
            }
            for text in *others {
                assert_eq!(pattern.matches(text), Ok(false), "{source} should not match {text:?}");
            }
        }
    }

    #[test]
    fn what_pcre_has_and_javascript_has_not_is_understood() {
        table(&[
            ("(?i)ABC", "", &["xabcx", "ABC"], &["ab"]),
            (r"\Aab\z", "", &["ab"], &["ab\n", "xab"]),
            (r"\Aab\Z", "", &["ab", "ab\n"], &["ab\n\n"]),
            (r"(?x) a b  # a comment", "", &["ab"], &["a b"]),
            (r"(?>a+)b", "", &["aab"], &["aac"]),
            (r"a++a", "", &[], &["aaa"]),
            (r"(?<year>\d{4})-(?P<m>\d\d)", "", &["2026-11"], &["26-11"]),
            (r"[[:digit:]]+[[:^alpha:]]", "", &["1-"], &["1a"]),
            (r"a(?#comment)b", "", &["ab"], &[]),
            (r"\Qa.b\E+", "", &["a.bb"], &["axb"]),
            (r"(?<!x)y", "", &["ay"], &["xy"]),
            (r"\x41\x{42}", "", &["AB"], &["ab"]),
            (r"\p{Lu}\PL", "", &["É1"], &["é1"]),
        ]);
    }

    #[test]
    fn classes_and_boundaries_are_those_of_ascii() {
        table(&[
            (r"^\d+$", "", &["12"], &["١٢"]),
            (r"^\w+$", "", &["ab_1"], &["é"]),
            (r"^[\w.]+$", "", &["a.b"], &["é"]),
            (r"^\W$", "", &["é"], &["e"]),
            (r"^[^\W]$", "", &["e"], &["é", "-"]),
            (r"^\s$", "", &[" ", "\x0b"], &["\u{a0}"]),
            (r"^[\S]$", "", &["\u{a0}"], &[" "]),
            (r"\bx\b", "", &["éx", "a x b"], &["ax"]),
            (r"a\Bx", "", &["ax"], &[]),
            (r"(?i)^\w$", "", &["K"], &["ſ", "\u{212a}"]),
            (r"(?i)^[\w.]$", "", &["k", "."], &["ſ", "\u{212a}"]),
            (r"(?i)^[^\w.]$", "", &["ſ", "-"], &["k", "."]),
            (r"(?i)^k$", "", &["K", "\u{212a}"], &["x"]),
        ]);
    }

    #[test]
    fn ends_of_lines_and_texts_are_where_pcre_has_them() {
        table(&[
            ("^a$", "", &["a", "a\n"], &["a\n\n", "b\na"]),
            ("a$|b$", "", &["a", "xb\n"], &["ab\n\n"]),
            ("(a$)", "", &["a\n"], &["ab"]),
            ("^a$", "m", &["b\na\nc", "a"], &["ba"]),
            ("(?m)^a$", "", &["b\na"], &["ba"]),
            ("^", "m", &["", "a\nb"], &[]),
            ("b\n^", "m", &["b\nc"], &["b\n"]),
            ("a.b", "", &["axb"], &["a\nb"]),
            ("a.b", "s", &["a\nb"], &[]),
            ("a(?s:.)b.c", "", &["a\nbxc"], &["a\nb\nc"]),
        ]);
    }

    #[test]
    fn options_hold_to_the_end_of_their_group() {
        table(&[
            ("(a(?i)b|c)d", "", &["aBd", "Cd"], &["aBD", "Abd"]),
            ("(?i:a)b", "", &["Ab"], &["aB"]),
            ("(?-i)a", "i", &["a"], &["A"]),
            ("ab", "i", &["AB"], &[]),
            ("a b", "x", &["ab"], &["a b"]),
            ("[a-c]", "i", &["B"], &["d"]),
        ]);
    }

    #[test]
    fn what_only_looks_special_is_literal() {
        table(&[
            ("a{", "", &["a{"], &["a"]),
            ("a{,3}", "", &["a{,3}"], &["aaa"]),
            ("a{2}", "", &["aa"], &["a"]),
            ("a{2,}?b", "", &["aab"], &["ab"]),
            ("]}", "", &["]}"], &[]),
            ("[]a]", "", &["]", "a"], &["b"]),
            ("[^]a]", "", &["b"], &["]", "a"]),
            ("[a&&b]", "", &["&", "a"], &["c"]),
            ("[a-]", "", &["-", "a"], &["b"]),
            (r"[\-\]]", "", &["-", "]"], &["a"]),
            (r"\.\-\/\@", "", &[".-/@"], &["a-/@"]),
            (r"[\b]", "", &["\x08"], &["b"]),
            (r"\$\^", "", &["$^"], &[]),
            ("é+", "", &["éé"], &["e"]),
        ]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (source, named) in [
            (r"(a)\1", r"\1"),
            (r"\R", r"\R"),
            (r"a\Kb", r"\K"),
            ("(?R)", "(?R"),
            ("(?|a|b)", "(?|"),
            ("(*UCP)a", "(*"),
            ("(a", "("),
            ("a)", ")"),
            ("[a", "["),
            (r"\i", r"\i"),
            ("(?J)a", "(?J"),
            ("*a", "*"),
            (r"a\", r"\"),
        ] {
            let error = Regex::compile(source, "").unwrap_err().into_words();
            assert!(error.contains(named), "{source}: {error}");
        }
        assert!(Regex::compile("a", "l").is_err());
        for source in ["(a", "a)", "[a", r"a\", "[b-a]"] {
            assert!(matches!(Regex::compile(source, ""), Err(Refused::Malformed(_))), "{source}");
        }
    }

    #[test]
    fn a_match_that_takes_too_long_is_given_up() {
        let pattern = Regex::compile(r"^(?:(?=a)a+)+$b", "").unwrap();
        assert_eq!(pattern.matches(&"a".repeat(40)), Err(GaveUp));
    }
}
