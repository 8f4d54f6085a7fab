//! The rules to check.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::Path;
use crate::model::CollectionName;
use crate::{Error, Result};

/// The rules to check, in a policy file (TOML) and in a plan (BSON).
///
/// ```toml
/// schema = true                                   # the collections' own validators and unique indexes
/// strict = true                                   # and nothing is applied if one can't be checked
///
/// [schemas.users]                                 # more schemas, by collection
/// required = ["email"]
///
/// [[unique]]
/// collection = "users"
/// fields = ["email"]
///
/// [[references]]                                  # to_field = "_id" unless it says otherwise
/// collection = "orders"
/// field = "items.product"
/// to = "products"
///
/// [[hooks]]
/// command = ["./check-prices", "--strict"]
/// timeout_seconds = 20
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Checks {
    /// Whether the collections' own validators and unique indexes are enforced.
    pub schema: bool,
    /// Whether a result is refused if a rule can't be [checked](crate::checks::Unchecked).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// Additional schemas, as `$jsonSchema`, by collection.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub schemas: BTreeMap<CollectionName, bson::Document>,
    /// Unique values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Unique>,
    /// References.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Commands that the command line runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            schema: true,
            strict: false,
            schemas: BTreeMap::new(),
            unique: Vec::new(),
            references: Vec::new(),
            hooks: Vec::new(),
        }
    }
}

impl Checks {
    /// Validates the rules when a policy is read: finds schemas that don't compile, and checks that
    /// could never find anything.
    ///
    /// # Errors
    /// `Invalid`, naming the collection or the hook.
    pub fn validate(&self) -> Result<()> {
        self.unique.iter().try_for_each(Unique::validate)?;
        self.references.iter().try_for_each(Reference::validate)?;
        self.hooks.iter().try_for_each(Hook::validate)?;
        self.schemas.iter().try_for_each(|(name, schema)| {
            crate::engine::rules::schema::Schema::compile(name, schema).map(drop)
        })
    }
}

/// No two documents of a collection have the same values in these fields. A document without any of
/// the fields is ignored; an array is one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unique {
    /// The collection.
    pub collection: CollectionName,
    /// The fields, together.
    pub fields: Vec<Path>,
}

impl Unique {
    fn validate(&self) -> Result<()> {
        if self.fields.is_empty() {
            let name = &self.collection;
            return Err(Error::invalid(format!(
                "a check for unique values in '{name}' has no fields; expected for example fields \
                 = [\"email\"]"
            )));
        }
        self.fields.iter().try_for_each(|field| {
            let of = |error| {
                let name = &self.collection;
                Error::invalid(format!("a check for unique values in '{name}': {error}"))
            };
            field.check().map_err(of)
        })
    }
}

/// A field of a collection refers to a document of another. Null refers to nothing; each element of
/// an array must exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The referencing collection.
    pub collection: CollectionName,
    /// The referencing field.
    pub field: Path,
    /// The target collection.
    pub to: CollectionName,
    /// The target field.
    #[serde(default = "Reference::id")]
    pub to_field: Path,
}

impl Reference {
    fn validate(&self) -> Result<()> {
        [&self.field, &self.to_field].into_iter().try_for_each(|field| {
            let (from, to) = (&self.collection, &self.to);
            let of = |error| {
                Error::invalid(format!("a check for references from '{from}' to '{to}': {error}"))
            };
            field.check().map_err(of)
        })
    }

    fn id() -> Path {
        Path::new(["_id"])
    }

    /// Whether references are by `_id`.
    pub(super) fn is_by_id(&self) -> bool {
        self.to_field == Self::id()
    }
}

/// A command that accepts or refuses a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The name in messages; by default the program's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The program and its arguments, without a shell.
    pub command: Vec<String>,
    /// The time limit, after which the command is stopped and counts as a refusal.
    #[serde(default = "Hook::default_timeout_seconds")]
    pub timeout_seconds: u64,
}

impl Hook {
    fn validate(&self) -> Result<()> {
        let name = self.name.as_deref().or(self.command.first().map(String::as_str));
        let name = name.filter(|name| !name.is_empty()).unwrap_or("without a name");
        if self.command.first().is_none_or(String::is_empty) {
            return Err(Error::invalid(format!(
                "hook '{name}' has no command; expected for example command = [\"./check\", \
                 \"--strict\"]"
            )));
        }
        if self.timeout_seconds == 0 {
            return Err(Error::invalid(format!(
                "hook '{name}' has timeout_seconds 0; expected at least 1"
            )));
        }
        Ok(())
    }

    fn default_timeout_seconds() -> u64 {
        60
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn an_empty_policy_enforces_what_the_collections_say_themselves() {
        let checks: Checks = bson::deserialize_from_document(doc! {}).unwrap();
        assert_eq!(checks, Checks::default());
        assert!(checks.schema);
    }

    #[test]
    fn a_policy_comes_back_from_bson_as_it_was() {
        let written = doc! {
            "schema": false,
            "schemas": { "users": { "required": ["email"], "properties": { "n": { "minimum": 1_i64 } } } },
            "unique": [{ "collection": "users", "fields": ["address.zip", "name"] }],
            "references": [{ "collection": "orders", "field": "user", "to": "users", "to_field": "_id" }],
            "hooks": [{ "name": "prices", "command": ["./check"], "timeout_seconds": 60_i64 }],
        };
        let checks: Checks = bson::deserialize_from_document(written.clone()).unwrap();
        assert_eq!(checks.references[0].to_field, Reference::id());
        assert_eq!(bson::serialize_to_document(&checks).unwrap(), written);
    }

    #[test]
    fn what_is_left_out_has_its_usual_value() {
        let written = doc! {
            "references": [{ "collection": "orders", "field": "user", "to": "users" }],
            "hooks": [{ "command": ["./check"] }],
        };
        let checks: Checks = bson::deserialize_from_document(written).unwrap();
        assert_eq!(checks.references[0].to_field, Reference::id());
        assert_eq!(checks.hooks[0].timeout_seconds, 60);
    }

    #[test]
    fn unknown_fields_and_names_that_can_not_be_are_refused() {
        for written in [
            doc! { "uniqe": [] },
            doc! { "unique": [{ "collection": "users", "fields": ["a"], "sparse": true }] },
            doc! { "unique": [{ "collection": "a$b", "fields": ["a"] }] },
            doc! { "schemas": { "": {} } },
        ] {
            let read: Result<Checks, _> = bson::deserialize_from_document(written.clone());
            assert!(read.is_err(), "{written}");
        }
    }

    #[test]
    fn a_check_that_would_find_nothing_is_refused_with_what_to_write() {
        for (fields, part) in [
            (vec!["a..b"], "empty"),
            (vec!["email", "items[0].sku"], "items.0"),
            (vec!["items.*.sku"], "through arrays by itself"),
            (vec!["$email"], "\\$"),
        ] {
            let unique = doc! { "unique": [{ "collection": "users", "fields": fields }] };
            let checks: Checks = bson::deserialize_from_document(unique).unwrap();
            let error = checks.validate().unwrap_err().to_string();
            assert!(error.contains("unique values in 'users'") && error.contains(part), "{error}");
        }
        let reference = doc! { "collection": "orders", "field": "user", "to": "users", "to_field": "items.$[]" };
        let checks: Checks =
            bson::deserialize_from_document(doc! { "references": [reference] }).unwrap();
        let error = checks.validate().unwrap_err().to_string();
        assert!(error.contains("from 'orders' to 'users'"), "{error}");
        let escaped =
            doc! { "unique": [{ "collection": "users", "fields": ["a\\.b", "items\\[0\\]"] }] };
        bson::deserialize_from_document::<Checks>(escaped).unwrap().validate().unwrap();
    }

    #[test]
    fn a_schema_that_can_not_be_used_is_found_without_data() {
        let schema = doc! { "required": "email" };
        let name = CollectionName::new("users").unwrap();
        let checks = Checks { schemas: [(name, schema)].into(), ..Checks::default() };
        let error = checks.validate().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Invalid);
        assert!(error.to_string().contains("'users'"), "{error}");
    }
}
