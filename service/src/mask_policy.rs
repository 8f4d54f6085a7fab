//! The policy of a mask as a TOML file.

use std::path::Path;

use argon_core::mask::MaskPolicy;
use argon_core::{Error, Result};
use bson::{Bson, DateTime, Document};

use crate::config::failed;
use crate::small_file;

/// How serde names a TOML time where it knows no times.
const TOML_TIME: &str = "$__toml_private_datetime";

/// Reads and checks a policy.
///
/// # Errors
/// Those of reading the file; `Invalid`, with the file, the line and what is expected there.
pub fn load(path: &Path) -> Result<MaskPolicy> {
    let text = small_file::read(path).map_err(|error| failed("read", path, error))?;
    let wrong = || format!("invalid mask policy in {}", path.display());
    let mut policy: MaskPolicy =
        toml::from_str(&text).map_err(|source| Error::invalid(wrong()).with_source(source))?;
    for keep in policy.collections.iter_mut().filter_map(|entry| entry.keep.as_mut()) {
        with_times(keep);
    }
    policy.check().map_err(|source| Error::invalid(wrong()).with_source(source))?;
    Ok(policy)
}

/// The policy as a file.
pub fn text(policy: &MaskPolicy) -> Result<String> {
    toml::to_string(policy)
        .map_err(|source| Error::internal("a policy can't be written").with_source(source))
}

/// Turns the times of TOML into those of BSON.
fn with_times(document: &mut Document) {
    document.iter_mut().for_each(|(_, value)| with_time(value));
}

fn with_time(value: &mut Bson) {
    match value {
        Bson::Array(items) => items.iter_mut().for_each(with_time),
        Bson::Document(document) => match document.get_str(TOML_TIME).ok().and_then(time) {
            Some(time) => *value = Bson::DateTime(time),
            None => with_times(document),
        },
        _ => {}
    }
}

fn time(text: &str) -> Option<DateTime> {
    argon_core::parse_time(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn loaded(text: &str) -> Result<MaskPolicy> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mask.toml");
        fs::write(&path, text).unwrap();
        load(&path)
    }

    #[test]
    fn the_example_in_the_documentation_is_a_policy_and_comes_back_as_text() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mask.toml");
        let policy = load(&example).unwrap();
        assert!(policy.collections.len() > 2);
        assert_eq!(loaded(&text(&policy).unwrap()).unwrap(), policy);
    }

    #[test]
    fn a_file_that_is_no_policy_is_refused_with_its_name_the_line_and_what_is_allowed() {
        let wrong =
            "[[collection]]\nname = \"users\"\nfields = [{ path = \"a\", with = \"blur\" }]";
        let error = loaded(wrong).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.to_string().contains("mask.toml"), "{error}");
        for part in ["line 3", "blur", "redact"] {
            assert!(cause.contains(part), "{part} in {cause}");
        }
        let error = loaded("[[collection]]\nname = \"users\"\nhid = true").unwrap_err();
        assert!(
            std::error::Error::source(&error).unwrap().to_string().contains("hide"),
            "{error:?}"
        );
    }

    #[test]
    fn a_time_in_a_query_is_one() {
        let text = "[[collection]]\nname = \"users\"\nkeep = { born = { \"$lt\" = 1970-01-01T00:00:01Z } }";
        let policy = loaded(text).unwrap();
        let expected = bson::doc! { "born": { "$lt": DateTime::from_millis(1000) } };
        assert_eq!(policy.collections[0].keep, Some(expected));
    }
}
