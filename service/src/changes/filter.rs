use argon_core::Error;
use argon_core::key::Key;
use argon_core::model::CollectionName;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Result;
use crate::json::Id;

/// The part of the changes that is listed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ChangeFilter {
    /// Only changes of these collections; all without any.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub collections: Vec<CollectionName>,
    /// Only changes of the documents with these `_id`s, in the one collection that is named.
    #[serde(default)]
    pub ids: Vec<Id>,
}

impl ChangeFilter {
    /// Whether all changes are listed.
    pub fn is_empty(&self) -> bool {
        self.collections.is_empty()
    }

    /// Refuses `_id`s without their collection.
    ///
    /// # Errors
    /// `Invalid` unless one collection is named.
    pub(crate) fn check(&self) -> Result {
        if !self.ids.is_empty() && self.collections.len() != 1 {
            let named = self.collections.len();
            let error = format!("an _id is of one collection, and {named} are named");
            return Err(Error::invalid(error).into());
        }
        Ok(())
    }

    /// Whether a collection of this name is listed.
    pub(crate) fn takes_collection(&self, name: &str) -> bool {
        self.is_empty() || self.collections.iter().any(|wanted| wanted.as_str() == name)
    }

    /// Whether a document with this `_id` is listed, if its collection is.
    pub(crate) fn takes_key(&self, key: &Key) -> bool {
        self.ids.is_empty() || self.ids.iter().any(|id| id.0 == *key)
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.ids.iter().map(|id| id.0.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_a_request_that_has_the_filter() {
        #[derive(Deserialize)]
        struct Request {
            #[serde(flatten)]
            filter: ChangeFilter,
        }
        let json = r#"{"collections": ["a"], "ids": [{"b": 1, "a": {"$numberLong": "2"}}]}"#;
        let Request { filter } = serde_json::from_str(json).unwrap();
        let id = Key::of(&bson::doc! { "b": 1, "a": 2_i64 }.into()).unwrap();
        assert_eq!(filter.keys(), [id]);
    }

    #[test]
    fn an_id_needs_its_collection() {
        let filter = |json: &str| serde_json::from_str::<ChangeFilter>(json).unwrap();
        filter("{}").check().unwrap();
        filter(r#"{"collections": ["a", "b"]}"#).check().unwrap();
        filter(r#"{"collections": ["a"], "ids": [1, 2]}"#).check().unwrap();
        for json in [r#"{"ids": [1]}"#, r#"{"collections": ["a", "b"], "ids": [1]}"#] {
            assert!(filter(json).check().is_err(), "{json}");
        }
    }
}
