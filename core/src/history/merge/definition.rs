//! Merges the metadata of a collection: name, options and indexes.
//!
//! Each index (by name) and each option is one value: a mixture of two definitions would be neither
//! side's intention. If both sides changed one differently, it is a conflict.

use super::merger::Merger;
use super::sides::Sides;
use super::{Cause, Merged, Policy, Resolutions, Rule, Strategy, Versions};
use crate::Result;
use crate::document::value::Value;

/// Options that form one value together.
const TOGETHER: [&[&str]; 2] = [&["capped", "size", "max"], &["viewOn", "pipeline"]];

/// The fields of the options and indexes in a collection's document.
const OPTIONS: &str = "options";
const INDEXES: &str = "indexes";

/// The options that form one value together and were changed on both sides.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    torn: Vec<&'static str>,
}

/// Merges the versions of a collection's document in the catalog. Conflicts are at the paths of
/// whole options (`options.validator`) and whole indexes (`indexes.name="email_1"`).
///
/// # Errors
/// See [`merge_document`](super::merge_document).
pub(crate) fn merge_definition(
    versions: &Versions<'_>,
    default: Option<&Strategy>,
    resolutions: &Resolutions,
) -> Result<Merged> {
    let by_name =
        Rule { collection: None, path: INDEXES.parse()?, strategy: Strategy::ByKey("name".into()) };
    // For a value that can't be combined, only strategies that take a side apply.
    let side = |strategy: &&Strategy| matches!(strategy, Strategy::Ours | Strategy::Theirs);
    let policy = Policy { rules: vec![by_name], default: default.filter(side).cloned() };
    let definition = Definition::of(versions)?;
    super::document::merge_as(versions, &policy, resolutions, Some(definition))
}

impl Definition {
    fn of(versions: &Versions<'_>) -> Result<Self> {
        let [base, ours, theirs] = [versions.base, versions.ours, versions.theirs].map(|side| {
            let options = side.and_then(|side| side.get_document(OPTIONS).ok());
            options.map(|options| Value::of(options).entries()).transpose()
        });
        let (base, ours, theirs) = (base?, ours?, theirs?);
        let mut torn = Vec::new();
        for group in TOGETHER {
            let [base, ours, theirs] = [&base, &ours, &theirs].map(|side| {
                let entries = side.iter().flatten().filter(|entry| group.contains(&entry.name));
                let mut values: Vec<_> = entries.map(|entry| (entry.name, entry.value)).collect();
                values.sort_by_key(|(name, _)| *name);
                values
            });
            if ours != base && theirs != base && ours != theirs {
                torn.extend(group);
            }
        }
        Ok(Self { torn })
    }
}

impl<'a> Merger<'a> {
    /// Returns whether the value at the current path can't be merged in parts.
    pub(super) fn is_one_value(&self) -> bool {
        self.definition.is_some()
            && self.path.len() == 2
            && [OPTIONS, INDEXES].contains(&self.path[0].as_ref())
    }

    /// Returns whether it is a part, changed by only one side, of a value that both sides changed.
    pub(super) fn is_torn(&self, sides: &Sides<'a>) -> bool {
        let Some(definition) = &self.definition else { return false };
        self.is_one_value()
            && self.path[0] == OPTIONS
            && definition.torn.contains(&self.path[1].as_ref())
            && sides.ours != sides.theirs
    }

    /// Resolves a conflict of such a value, or records it.
    pub(super) fn settle_one_value(&mut self, name: &str, sides: Sides<'a>) -> Result<bool> {
        let torn = self.is_torn(&sides);
        let found = self.conflicts.len();
        let written = self.settle(name, sides)?;
        if torn && let Some(conflict) = self.conflicts.get_mut(found) {
            let group =
                TOGETHER.iter().find(|group| group.contains(&name)).map(|group| group.join(", "));
            conflict.cause = Cause::BothChanged;
            conflict.note =
                group.map(|names| format!("{names} form one value, which both sides changed"));
        }
        Ok(written)
    }
}
