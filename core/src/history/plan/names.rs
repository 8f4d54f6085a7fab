//! Resolves the conflict of two collections with one name: one of ours, and one that a step
//! creates, restores or renames.
//!
//! Decided for ours, the step's collection is omitted, or keeps its name in ours. Decided for
//! theirs, it takes the name, and the one of ours is renamed (`users.ours`), so that its documents
//! stay. A value is an unused name for the step's collection.

use std::sync::Arc;

use bson::RawBson;

use crate::document::Path;
use crate::engine::catalog::CollectionInfo;
use crate::history::merge::{Cause, Choice, FieldConflict, Merged, Strategy};
use crate::history::plan::collections::raw_facts;
use crate::history::plan::work::Worker;
use crate::model::CollectionName;
use crate::{Error, Result};

const NOTE: &str = "two collections would have this name; ours omits the other one, theirs gives it the name and \
     renames that of ours, a value is a name for the other one";

impl Worker<'_> {
    /// Sets the metadata of a collection. If another one has its name, the decision applies.
    pub(super) fn place(&mut self, info: CollectionInfo) -> Result<()> {
        let Some(other) = self.catalog.get(&info.name).cloned() else {
            return self.describe(info, false);
        };
        let path = Path::new(["name"]);
        let decisions = self.decisions.of(&info.name, None);
        let decision = decisions.get(&path).or_else(|| decisions.get(&Path::DOCUMENT));
        match (decision, &self.policy.default) {
            (Some(Choice::Ours), _) | (None, Some(Strategy::Ours)) => self.stay(&info),
            (Some(Choice::Theirs), _) | (None, Some(Strategy::Theirs)) => {
                let name = self.free_name(&info.name)?;
                self.describe(CollectionInfo { name, ..(*other).clone() }, false)?;
                self.describe(info, false)?;
            }
            (Some(Choice::Value(RawBson::String(name))), _) => {
                let name = CollectionName::new(name.clone())?;
                if self.catalog.get(&name).is_some() {
                    return Err(Error::invalid(format!(
                        "collection '{name}' already exists; decide for an unused name"
                    )));
                }
                self.describe(CollectionInfo { name, ..info }, false)?;
            }
            (Some(_), _) => {
                return Err(Error::invalid(format!(
                    "two collections would have the name '{}'; decide for ours, theirs, or a name \
                     as the value",
                    info.name
                )));
            }
            (None, _) => return self.name_conflict(&info, &other, path),
        }
        self.decided += 1;
        Ok(())
    }

    fn name_conflict(
        &mut self,
        info: &CollectionInfo,
        other: &Arc<CollectionInfo>,
        path: Path,
    ) -> Result<()> {
        let conflict = FieldConflict {
            path,
            cause: Cause::BothChanged,
            base: None,
            ours: Some(raw_facts(other)?),
            theirs: Some(raw_facts(info)?),
            note: Some(NOTE.to_owned()),
        };
        let merged = Merged { document: None, conflicts: vec![conflict], decided: 0 };
        self.settled(info.name.clone(), None, &merged);
        self.stay(info);
        Ok(())
    }

    /// Restores a collection of ours whose name was released.
    fn stay(&mut self, info: &CollectionInfo) {
        if let Some(before) = self.ours.catalog().by_id(info.id) {
            self.catalog.insert((**before).clone(), false);
        }
    }

    /// Derives from `name` a name that no collection has.
    fn free_name(&self, name: &CollectionName) -> Result<CollectionName> {
        let mut free = CollectionName::new(format!("{name}.ours"))?;
        for number in 2.. {
            if self.catalog.get(&free).is_none() {
                break;
            }
            free = CollectionName::new(format!("{name}.ours{number}"))?;
        }
        Ok(free)
    }
}
