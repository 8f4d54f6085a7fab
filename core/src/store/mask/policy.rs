//! The policy of a mask, as a user writes it.

use std::fmt;

use bson::Document as BsonDocument;
use serde::{Deserialize, Serialize};

use crate::document::{Filter, Pattern};
use crate::model::name_matches;
use crate::{Error, Result};

/// The rules for the documents of a masked branch's parent. docs/mask.toml is an example with
/// explanations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskPolicy {
    /// The rule for collections without an entry.
    #[serde(default)]
    pub unlisted: Unlisted,
    /// The entries, each for one or more collections. The first that matches a collection applies.
    #[serde(default, rename = "collection", skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<CollectionPolicy>,
}

/// The rule for collections without an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlisted {
    /// Their documents are hidden.
    #[default]
    Hide,
    /// Their documents are shown unchanged.
    Show,
}

/// The rules for a collection's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionPolicy {
    /// The name of the collection; `*` matches any characters.
    pub name: String,
    /// Hides all documents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hide: bool,
    /// Hides documents that don't match this query, which [`Filter::rule`] accepts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<BsonDocument>,
    /// The paths that are shown unchanged, with their descendants; if given, `default` masks
    /// everything else but `_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// The transformation of values that neither `allow` nor `fields` matches;
    /// [`Transform::Redact`] if `allow` is given. If given without `allow`, nothing is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Transform>,
    /// The transformations of single values. The match nearest to the root of the document applies,
    /// also to descendants; of several at the same depth, the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldPolicy>,
}

/// The transformation of the values at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldPolicy {
    /// A path of names separated by dots. `*` is one name, `**` any number of names. As in
    /// MongoDB's queries, a path goes through arrays: `items.price` is the price of every item,
    /// `items.0.price` that of the first. `a.b` also matches a field with the name `a.b`; `a\.b`
    /// matches only that field.
    pub path: String,
    /// The transformation.
    pub with: Transform,
    /// The kind of fake, for [`Transform::Fake`]; by default the value's type and the field's name
    /// decide.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub fake: Option<Fake>,
}

/// A transformation of a value. Only `Null` and `Remove` change null, undefined, `MinKey` and
/// `MaxKey`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// Replaces the value by one of the same type from a keyed hash: equal values stay equal. In a
    /// document or an array, it applies to every value; field names stay.
    Hash,
    /// Replaces the value by a constant of its type: `"[redacted]"`, 0, false, 1970, an empty
    /// document or array.
    Redact,
    /// Replaces the value by a fake of the same type from a keyed hash: equal values stay equal. It
    /// applies to documents and arrays like `Hash`.
    Fake,
    /// Replaces the value by null.
    Null,
    /// Removes the field, or the element of an array.
    Remove,
}

/// The kind of fake for a string. Values of other types get a fake of their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fake {
    /// A person's first and last name.
    Name,
    /// A person's first name.
    FirstName,
    /// A person's last name.
    LastName,
    /// An address at example.com.
    Email,
    /// An unassigned phone number.
    Phone,
    /// A street address.
    Street,
    /// A fictional city.
    City,
    /// A country.
    Country,
    /// A company.
    Company,
    /// A URL at example.com.
    Url,
    /// A few words.
    Text,
    /// Up to four digits.
    Number,
    /// A date, such as `2001-12-31`.
    Date,
}

impl MaskPolicy {
    /// Checks that the policy can be enforced.
    ///
    /// # Errors
    /// `Invalid`, naming the entry and the invalid rule.
    pub fn check(&self) -> Result<()> {
        if self.collections.is_empty() && self.unlisted == Unlisted::Show {
            return Err(Error::invalid(
                "the policy masks nothing: it has no [[collection]], and unlisted is \"show\"",
            ));
        }
        self.collections.iter().try_for_each(CollectionPolicy::check)
    }

    /// The index of the first entry for a collection of this name.
    pub(crate) fn entry_for(&self, name: &str) -> Option<usize> {
        self.collections.iter().position(|entry| name_matches(&entry.name, name))
    }
}

impl CollectionPolicy {
    /// The transformation of values that no rule matches.
    pub(crate) fn otherwise(&self) -> Option<Transform> {
        self.default.or(self.allow.as_ref().map(|_| Transform::Redact))
    }

    /// The allowed paths.
    pub(crate) fn allowed(&self) -> &[String] {
        self.allow.as_deref().unwrap_or_default()
    }

    fn check(&self) -> Result<()> {
        self.check_entry().map_err(|error| {
            Error::invalid(format!("collection '{}' in the policy: {error}", self.name))
        })
    }

    fn check_entry(&self) -> Result<()> {
        if self.name.is_empty() {
            return Err(Error::invalid("the name is empty"));
        }
        let shapes = !self.fields.is_empty() || self.allow.is_some() || self.default.is_some();
        if self.hide && (shapes || self.keep.is_some()) {
            return Err(Error::invalid(
                "hide = true hides all documents, so it excludes keep, allow, default and fields; \
                 remove one or the other",
            ));
        }
        if !self.hide && !shapes && self.keep.is_none() {
            return Err(Error::invalid(
                "the entry masks nothing; add fields, allow, default, keep or hide = true",
            ));
        }
        if let Some(keep) = &self.keep {
            Filter::rule(keep).map_err(|error| Error::invalid(format!("keep: {error}")))?;
        }
        for path in self.allowed() {
            pattern(path)?;
        }
        self.fields.iter().try_for_each(FieldPolicy::check)
    }
}

impl FieldPolicy {
    fn check(&self) -> Result<()> {
        let pattern = pattern(&self.path)?;
        if pattern.begins_with("_id") {
            return Err(Error::invalid(format!(
                "'{}' can't be masked: documents are found and ordered by their _id; hide \
                 documents by keep, or all by hide = true",
                self.path
            )));
        }
        if self.fake.is_some() && self.with != Transform::Fake {
            return Err(Error::invalid(format!(
                "'{}' has `as`, which requires `with = \"fake\"`",
                self.path
            )));
        }
        Ok(())
    }
}

/// Parses the path of a new policy.
fn pattern(path: &str) -> Result<Pattern> {
    let pattern: Pattern = path.parse()?;
    if pattern.is_document() {
        return Err(Error::invalid(format!(
            "invalid path '{path}': expected a field such as address.city, or ** for all; to hide \
             all documents, use hide = true"
        )));
    }
    pattern.check()?;
    Ok(pattern)
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hash => "hash",
            Self::Redact => "redact",
            Self::Fake => "fake",
            Self::Null => "null",
            Self::Remove => "remove",
        })
    }
}
