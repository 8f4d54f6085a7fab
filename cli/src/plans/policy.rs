//! Policies, from a file and options.

use std::path::{Path, PathBuf};

use argon_core::Error;
use argon_core::checks::Checks;
use argon_core::merge::Strategy;
use argon_core::plan::Rules;
use argon_service::{config, small_file};
use clap::Args;

use super::Strictness;

/// The policy of a command.
#[derive(Args)]
pub(crate) struct PolicyArgs {
    /// Strategies for conflicts and checks of the result, in TOML; docs/merge-policy.toml explains it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    strictness: Strictness,
}

impl PolicyArgs {
    /// The rules of the file, or none but what collections say themselves; `default` goes before the
    /// file's own.
    ///
    /// # Errors
    /// `Invalid`, naming the file, for what is no policy; `NotFound` and the like for the file.
    pub(crate) fn rules(&self, default: Option<Strategy>) -> argon_core::Result<Rules> {
        let rules = self.policy.as_deref().map(read).transpose()?.unwrap_or_default();
        let strict = self.strictness.strict || rules.checks.strict;
        let checks = Checks { strict, ..rules.checks };
        Ok(Rules { default: default.or(rules.default), checks, ..rules })
    }
}

fn read(path: &Path) -> argon_core::Result<Rules> {
    let text = small_file::read(path).map_err(|error| config::failed("read", path, error))?;
    parse(&text).map_err(|error| {
        Error::invalid(format!("{} is no policy", path.display())).with_source(error)
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
    fn what_is_wrong_is_said_with_its_file_its_key_and_what_is_allowed() {
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
            for part in [&["policy.toml is no policy"][..], parts].concat() {
                assert!(said.contains(part), "'{part}' is not in: {said}");
            }
        }
    }

    #[test]
    fn an_option_goes_before_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.toml");
        std::fs::write(&path, "default = 'ours'").unwrap();
        let policy = PolicyArgs { policy: Some(path), strictness: Strictness { strict: true } };
        assert_eq!(policy.rules(None).unwrap().default, Some(Strategy::Ours));
        assert_eq!(policy.rules(Some(Strategy::Max)).unwrap().default, Some(Strategy::Max));
        assert!(policy.rules(None).unwrap().checks.strict);
    }
}
