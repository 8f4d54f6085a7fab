//! The rules that the definitions of a collection set for its documents: unique indexes, and the
//! validator.

#[cfg(feature = "json-schema")]
pub(crate) mod schema;
#[cfg(not(feature = "json-schema"))]
#[path = "schema_off.rs"]
pub(crate) mod schema;
mod unique;
pub(crate) mod validator;

use std::collections::HashMap;
use std::sync::Arc;

use crate::document::Index;
use crate::document::key::Key;
use crate::engine::catalog::CollectionInfo;
use crate::engine::rules::validator::Validator;
use crate::model::{CollectionId, Document};
use crate::{DetailKey, Error, Result};

pub(crate) use unique::{UniqueIndex, duplicate};

/// MongoDB's error for a document that does not match a validator.
const VALIDATION_FAILURE: (u32, &str) = (121, "DocumentValidationFailure");

/// How many problems an error names.
const NAMED: usize = 5;

/// The rules of a collection.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) unique: Vec<UniqueIndex>,
    validator: Option<Validator>,
}

impl Rules {
    /// Rules that are not supported are left out: the check of a merge reports them.
    fn of(info: &CollectionInfo) -> Self {
        let compiled = info.indexes.iter();
        let compiled =
            compiled.filter_map(|definition| Index::compile(definition, &info.options).ok());
        let unique = compiled.filter(|index| index.is_unique() && !index.is_id_index());
        let unique = unique.map(|index| UniqueIndex { identity: index.identity(), index });
        let validator = Validator::of_collection(info).ok().flatten();
        Self { unique: unique.collect(), validator }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unique.is_empty() && self.validator.is_none()
    }

    /// Checks a document against the validator.
    ///
    /// # Errors
    /// `Invalid`, with MongoDB's code, if it does not match, unless the collection allows it.
    pub(crate) fn validate(
        &self,
        info: &CollectionInfo,
        id: &Key,
        before: Option<&Document>,
        after: &Document,
    ) -> Result<()> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let problems = validator.problems(after, NAMED, |_, _| {})?;
        if problems.is_empty() {
            return Ok(());
        }
        let was_invalid = || match before {
            Some(before) => Ok::<_, Error>(!validator.problems(before, 1, |_, _| {})?.is_empty()),
            None => Ok(false),
        };
        if validator.moderate && was_invalid()? {
            return Ok(());
        }
        let path = problems.iter().find_map(|(path, _)| path.clone());
        let problems: Vec<String> = problems.into_iter().map(|(_, problem)| problem).collect();
        let (code, name) = VALIDATION_FAILURE;
        let error = Error::invalid(format!(
            "document {id} fails the validator of collection '{}': {}",
            info.name,
            problems.join("; ")
        ))
        .with_detail(DetailKey::Collection, info.name.as_str())
        .with_detail(DetailKey::Id, id.to_string())
        .with_code(code, name);
        Err(match path {
            Some(path) => error.with_detail(DetailKey::Path, path),
            None => error,
        })
    }
}

/// The rules of the collections that were written to, compiled once for each definition.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownRules(HashMap<CollectionId, (Arc<CollectionInfo>, Arc<Rules>)>);

impl KnownRules {
    pub(crate) fn of(&mut self, info: &Arc<CollectionInfo>) -> Arc<Rules> {
        if let Some((known, rules)) = self.0.get(&info.id)
            && Arc::ptr_eq(known, info)
        {
            return rules.clone();
        }
        let rules = Arc::new(Rules::of(info));
        self.0.insert(info.id, (info.clone(), rules.clone()));
        rules
    }
}
