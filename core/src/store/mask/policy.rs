//! What a user asks of a mask.

use std::fmt;

use bson::Document as BsonDocument;
use serde::{Deserialize, Serialize};

use crate::document::{Filter, Pattern};
use crate::model::name_matches;
use crate::{Error, Result};

/// What a masked branch shows of the documents of the branch it is made of. docs/mask.toml is an
/// example with explanations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskPolicy {
    /// What becomes of collections that no entry names.
    #[serde(default)]
    pub unlisted: Unlisted,
    /// An entry for a collection, or for several. The first that names a collection counts.
    #[serde(default, rename = "collection", skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<CollectionPolicy>,
}

/// What becomes of collections that no entry names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlisted {
    /// Their documents look absent.
    #[default]
    Hide,
    /// Their documents are shown as they are.
    Show,
}

/// What is shown of a collection's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionPolicy {
    /// The name of the collection; `*` in it stands for any characters.
    pub name: String,
    /// All documents look absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hide: bool,
    /// Documents that don't match look absent: a query that [`Filter::rule`] takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<BsonDocument>,
    /// The paths that are shown as they are, with all below them; given, everything else is masked
    /// by `default`, but for `_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// What becomes of what neither `allow` nor `fields` names; [`Transform::Redact`] if there is
    /// `allow`. Given without it, nothing is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Transform>,
    /// What becomes of single values. The one that matches nearest to the root of the document
    /// counts, for all below it too; of several that match there, the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldPolicy>,
}

/// What becomes of the values at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldPolicy {
    /// Names with dots between. `*` is one name, `**` any number of them. As in MongoDB's queries, a
    /// path goes through arrays: `items.price` is the price of every item, `items.0.price` that of
    /// the first. `a.b` is also a field whose name is `a.b`; `a\.b` is that field alone.
    pub path: String,
    /// What becomes of them.
    pub with: Transform,
    /// What is made up, for [`Transform::Fake`]; else the value's type and the field's name say.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub fake: Option<Fake>,
}

/// What becomes of a value. Null, undefined, `MinKey` and `MaxKey` are kept by all but `Null` and
/// `Remove`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// Another value of its type, by a keyed hash: equal values stay equal. In a document or an
    /// array it becomes of every value; the names of fields stay.
    Hash,
    /// The same for all of a type: `"[redacted]"`, 0, false, 1970, and no content of documents and
    /// arrays.
    Redact,
    /// A made-up value of its type, by a keyed hash: equal values stay equal. It goes into documents
    /// and arrays as `Hash` does.
    Fake,
    /// Null.
    Null,
    /// Nothing: the field, or the element of an array, is left out.
    Remove,
}

/// What is made up for a string. Values of other types get one of their type.
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
    /// A number that nobody has.
    Phone,
    /// A house in a street.
    Street,
    /// A city that there is not.
    City,
    /// A country.
    Country,
    /// A company.
    Company,
    /// A page at example.com.
    Url,
    /// A few words.
    Text,
    /// Up to four digits.
    Number,
    /// A date, as `2001-12-31`.
    Date,
}

impl MaskPolicy {
    /// Checks that all of it can be enforced.
    ///
    /// # Errors
    /// `Invalid`, naming the entry and the rule that is broken.
    pub fn check(&self) -> Result<()> {
        if self.collections.is_empty() && self.unlisted == Unlisted::Show {
            return Err(Error::invalid(
                "the policy masks nothing: it has no [[collection]], and unlisted is \"show\"",
            ));
        }
        self.collections.iter().try_for_each(CollectionPolicy::check)
    }

    /// The first entry for a collection of this name.
    pub(crate) fn entry_for(&self, name: &str) -> Option<usize> {
        self.collections.iter().position(|entry| name_matches(&entry.name, name))
    }
}

impl CollectionPolicy {
    /// Whether nothing is shown but what is allowed.
    pub(crate) fn otherwise(&self) -> Option<Transform> {
        self.default.or(self.allow.as_ref().map(|_| Transform::Redact))
    }

    /// The paths that are allowed.
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
            return Err(Error::invalid("its name is empty"));
        }
        let shapes = !self.fields.is_empty() || self.allow.is_some() || self.default.is_some();
        if self.hide && (shapes || self.keep.is_some()) {
            return Err(Error::invalid(
                "hide = true shows no document, so keep, allow, default and fields mean nothing \
                 beside it; remove one or the other",
            ));
        }
        if !self.hide && !shapes && self.keep.is_none() {
            return Err(Error::invalid(
                "it says nothing to mask; give fields, allow, default, keep or hide = true",
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
                "'{}' can't be masked: an _id is how a document is found and where it stands in its \
                 collection; leave out documents by keep, or all by hide = true",
                self.path
            )));
        }
        if self.fake.is_some() && self.with != Transform::Fake {
            return Err(Error::invalid(format!(
                "'{}' has `as`, which goes with `with = \"fake\"` only",
                self.path
            )));
        }
        Ok(())
    }
}

/// Reads the path of a new policy.
fn pattern(path: &str) -> Result<Pattern> {
    let pattern: Pattern = path.parse()?;
    if pattern.is_document() {
        return Err(Error::invalid(format!(
            "invalid path '{path}': a field is expected, such as address.city, or ** for all; hide = \
             true shows no document"
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
