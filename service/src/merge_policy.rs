//! The policy of a merge as a TOML file.

use std::path::Path;

use argon_core::plan::Rules;
use argon_core::{Error, Result};

use crate::{config, small_file};

/// Reads and checks a policy.
///
/// # Errors
/// `Invalid`, with the file in the message, if it does not contain a valid policy; those of reading the file.
pub fn read(path: &Path) -> Result<Rules> {
    let text = small_file::read(path).map_err(|error| config::failed("read", path, error))?;
    parse(&text).map_err(|error| {
        Error::invalid(format!("invalid merge policy in {}", path.display())).with_source(error)
    })
}

fn parse(text: &str) -> Result<Rules, Box<dyn std::error::Error + Send + Sync>> {
    let rules: Rules = toml::from_str(text)?;
    rules.check()?;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_in_the_documentation_is_a_policy() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/merge-policy.toml");
        let rules = read(&path).unwrap();
        let strategies: Vec<String> =
            rules.rules.iter().map(|rule| rule.strategy.to_string()).collect();
        for strategy in ["newest", "sum", "union", "append", "max", "by-key(sku)"] {
            let all = strategies.iter().chain(rules.default.iter().map(|_| &strategies[0]));
            assert!(all.into_iter().any(|known| known == strategy), "{strategy}");
        }
        assert!(rules.default.is_some() && rules.checks.schema);
        assert_eq!(rules.checks.schemas.len(), 1);
        assert_eq!((rules.checks.unique.len(), rules.checks.references.len()), (1, 1));
        assert_eq!(rules.checks.hooks.len(), 1);
    }

    #[test]
    fn an_invalid_policy_is_reported_with_its_file_its_key_and_the_allowed_values() {
        let directory = tempfile::tempdir().unwrap();
        for (text, parts) in [
            ("defualt = 'ours'", &["defualt", "expected", "default", "rules", "checks"][..]),
            ("default = 'summ'", &["default = 'summ'", "by-key(<field>)", "newest"]),
            ("[[rules]]\npath = 'a'", &["missing field `strategy`"]),
            ("[[rules]]\npath = 'a'\nstrategy = 'sum'\nx = 1", &["x = 1", "`collection`, `path`"]),
            (
                "[[rules]]\npath = ''\nstrategy = 'sum'",
                &["strategy 'sum'", "empty", "(document)", "**"],
            ),
            ("[[rules]]\npath = 'items[0].n'\nstrategy = 'sum'", &["'items[0].n'", "\\["]),
            (
                "[[rules]]\npath = 'items'\nstrategy = 'by-key(sku)'\n\
                 [[rules]]\npath = 'items.n'\nstrategy = 'sum'",
                &["'items.n'", "by-key(sku)", "write 'items.*.n'"],
            ),
            ("[[checks.unique]]\ncollection = 'a'\nfields = ['x[].y']", &["'a'", "'x[].y'"]),
            ("[checks]\nshema = true", &["shema", "`schema`, `strict`, `schemas`"]),
            ("[[checks.unique]]\ncollection = 'a$b'\nfields = ['x']", &["a$b"]),
            ("[checks.schemas.users]\nrequired = 'email'", &["'users'", "required"]),
            ("default", &["line 1"]),
        ] {
            let path = directory.path().join("policy.toml");
            std::fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let said = format!("{error}: {}", cause.unwrap_or_default());
            for part in [&["invalid merge policy in ", "policy.toml"][..], parts].concat() {
                assert!(said.contains(part), "'{part}' is not in: {said}");
            }
        }
    }
}
