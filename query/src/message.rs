//! Values in messages, and the names that were meant.

use std::fmt;

use bson::Bson;
use bson::raw::RawBsonRef;

use crate::value::Value;

/// A value as a message shows it: JSON-like, or `MISSING`.
pub(crate) struct Shown<'v>(Option<RawBsonRef<'v>>);

/// A value for a message.
pub(crate) fn shown<'v>(value: &'v Value<'_>) -> Shown<'v> {
    Shown(value.get())
}

impl<'v> From<RawBsonRef<'v>> for Shown<'v> {
    fn from(value: RawBsonRef<'v>) -> Self {
        Self(Some(value))
    }
}

/// The end of an error about an unknown name: `; did you mean $match?`, or nothing if no known name is
/// close.
pub(crate) fn suggestion<'k>(unknown: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let bare = |name: &str| name.trim_start_matches('$').to_lowercase();
    let unknown = bare(unknown);
    // A typing error in three letters, at most.
    let most = (unknown.chars().count() / 3).max(1);
    let distances = known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&bare(known), &unknown), known))
        .filter(|(distance, _)| *distance <= most);
    match distances.min() {
        Some((_, known)) => format!("; did you mean {known}?"),
        None => String::new(),
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = self.0 else { return f.write_str("MISSING") };
        match Bson::try_from(value) {
            Ok(value) => value.fmt(f),
            Err(_) => f.write_str("a malformed value"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn a_close_name_is_suggested() {
        let known = ["$eq", "$gte", "$exists", "$elemMatch", "$addFields"];
        for (unknown, meant) in [
            ("$gtee", "; did you mean $gte?"),
            ("$exsits", "; did you mean $exists?"),
            ("$elemmatch", "; did you mean $elemMatch?"),
            ("addFields", "; did you mean $addFields?"),
            ("$foo", ""),
            ("$where", ""),
            ("$", ""),
        ] {
            assert_eq!(suggestion(unknown, known), meant, "{unknown}");
        }
    }
}
