//! Arguments that are easily mistaken, and what was meant.

use std::ffi::OsString;

use argon_core::model::CollectionName;

use crate::output::escape;

/// The arguments in whose place the name of a collection may stand, with what they are.
const QUERIES: &[(&str, &str)] = &[
    ("FILTER", "a filter such as '{field: 1}'"),
    ("PIPELINE", "a list of stages such as '[{$match: {field: 1}}]'"),
];

/// The name of a collection in place of a filter or a pipeline: `argon find zips`. Returns the error, and
/// what to type.
pub(crate) fn collection(
    args: &[OsString],
    argument: &str,
    value: &str,
) -> Option<(String, String)> {
    let argument = argument.trim_matches(|c| "[]<>".contains(c));
    let (_, expected) = QUERIES.iter().find(|(name, _)| argument.starts_with(name))?;
    let mut words = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    let is_given = |word: &str| {
        let is_short = word.starts_with("-c") && !word.starts_with("--");
        is_short || word == "--collection" || word.starts_with("--collection=")
    };
    let is_word = value.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c));
    if !is_word || CollectionName::new(value).is_err() || words.clone().any(|word| is_given(&word))
    {
        return None;
    }
    let command = words.find(|word| !word.starts_with('-'))?;
    let quoted = escape::argument(value);
    Some((
        format!("invalid {argument} '{value}': expected {expected}"),
        format!("`argon {command} -c {quoted}` names the collection"),
    ))
}

/// A negative number for an option that counts. Returns the error, and what to type.
pub(crate) fn negative_number(option: &str, value: &str) -> Option<(String, String)> {
    let option = option.split(['=', ' ']).next().unwrap_or(option);
    let without = match option {
        "--limit" => "without --limit, all are printed",
        "--skip" => "without --skip, none is left out",
        _ => return None,
    };
    Some((
        format!("invalid {option} '{value}': expected a number that is not negative"),
        without.to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_in_place_of_a_query_is_named_by_the_option() {
        let hint = |line: &str, argument: &str, value: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            collection(&args, argument, value).map(|(_, hint)| hint)
        };
        assert_eq!(
            hint("argon find zips", "[FILTER]", "zips").as_deref(),
            Some("`argon find -c zips` names the collection")
        );
        assert!(hint("argon aggregate zips", "<PIPELINE>", "zips").is_some());
        assert!(hint("argon explain zips", "[FILTER|PIPELINE]", "zips").is_some());
        assert_eq!(hint("argon find -c a zips", "[FILTER]", "zips"), None);
        assert_eq!(hint("argon find {a", "[FILTER]", "{a"), None);
        assert_eq!(hint("argon find zips", "--sort <ORDER>", "zips"), None);
    }
}
