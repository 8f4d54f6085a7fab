//! Compiles index definitions in the form of MongoDB's `listIndexes`.

use std::fmt;

use bson::{Bson, Document, doc};

use super::field::{FieldKind, IndexField};
use super::wildcard::Wildcard;
use super::{Index, Partial};
use crate::document::definition::{canonical, collation_of, is_set, locale};
use crate::document::filter::{Collation, Compiler};
use crate::{Digest, Result};

/// The version of the format of keys. Another one makes every index another.
const FORMAT: i32 = 1;

/// The reason why an index has no entries, in words that follow "it has": `the key a of the kind
/// "2dsphere"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unindexable(String);

impl Unindexable {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Unindexable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unindexable {}

impl From<Unindexable> for crate::Error {
    fn from(unindexable: Unindexable) -> Self {
        Self::unsupported(format!("the index has {unindexable}, which is not supported"))
    }
}

impl Index {
    /// Compiles a definition. The collation of the collection is that of an index without one, except
    /// of the index of `_id`; it counts for the partial filter too.
    ///
    /// # Errors
    /// The first part of the definition for which there are no entries: a text or geo key or one of
    /// another unknown kind, a number in the path of a key, a collation, a partial filter with
    /// unsupported operators.
    pub fn compile(definition: &Document, collection: &Document) -> Result<Self, Unindexable> {
        let index = Self::compile_bytewise(definition, collection)?;
        let inherits = !definition.contains_key("collation") && !index.is_id_index();
        let options = if inherits { collection } else { definition };
        match collation_of(options) {
            Collation::Simple => Ok(index),
            Collation::Other => Err(Unindexable::new(match locale(options) {
                Some(locale) => format!("the collation {locale}"),
                None => "a collation".to_owned(),
            })),
        }
    }

    /// [`compile`](Self::compile), but the keys of an index with a collation are those without it.
    pub(crate) fn compile_bytewise(
        definition: &Document,
        collection: &Document,
    ) -> Result<Self, Unindexable> {
        let key_pattern = definition.get_document("key").ok().filter(|key| !key.is_empty());
        let key_pattern = key_pattern.ok_or_else(|| Unindexable::new("no key"))?;
        let (fields, wildcard) = compile_key(key_pattern, definition)?;
        let partial = match definition.get("partialFilterExpression") {
            None => None,
            Some(Bson::Document(filter)) => Some(Partial::compile(filter, definition, collection)?),
            Some(other) => return Err(Unindexable::new(format!("the filter {other}"))),
        };
        Ok(Self {
            name: definition.get_str("name").unwrap_or_default().to_owned(),
            key_pattern: key_pattern.clone(),
            identity: identity(&fields, wildcard.as_ref(), definition),
            fields,
            wildcard,
            unique: is_set(definition, "unique"),
            sparse: is_set(definition, "sparse"),
            hidden: is_set(definition, "hidden"),
            expire_after_seconds: definition.get("expireAfterSeconds").and_then(seconds),
            partial,
        })
    }
}

impl Partial {
    fn compile(
        filter: &Document,
        definition: &Document,
        collection: &Document,
    ) -> Result<Self, Unindexable> {
        let simple = [definition, collection].map(collation_of) == [Collation::Simple; 2];
        let collation = if simple { Collation::Simple } else { Collation::Other };
        let compiled = Compiler::default().with_collation(collation).query(filter);
        let compiled = compiled.map_err(|refused| {
            Unindexable::new(format!("{} in its filter", refused.into_words()))
        })?;
        Ok(Self { definition: filter.clone(), filter: compiled })
    }
}

fn compile_key(
    key: &Document,
    definition: &Document,
) -> Result<(Vec<IndexField>, Option<Wildcard>), Unindexable> {
    let kinds = key.iter().map(|(field, kind)| Ok((field.as_str(), kind_of(field, kind)?)));
    let kinds = kinds.collect::<Result<Vec<_>, Unindexable>>()?;
    if let Some((field, kind)) = kinds.iter().find(|(field, _)| Wildcard::is_in(field)) {
        if kinds.len() > 1 {
            return Err(Unindexable::new(format!("the key {field} together with others")));
        }
        let projection = match definition.get("wildcardProjection") {
            None => None,
            Some(Bson::Document(projection)) => Some(projection),
            Some(other) => {
                return Err(Unindexable::new(format!("the wildcardProjection {other}")));
            }
        };
        let wildcard = Wildcard::compile(field, *kind == FieldKind::Descending, projection)?;
        return Ok((vec![Wildcard::field(field)], Some(wildcard)));
    }
    let fields: Vec<IndexField> =
        kinds.into_iter().map(|(field, kind)| IndexField::new(field, kind)).collect();
    if fields.iter().any(IndexField::has_number) {
        return Err(Unindexable::new("a number in the path of its key"));
    }
    Ok((fields, None))
}

fn kind_of(field: &str, kind: &Bson) -> Result<FieldKind, Unindexable> {
    let descending = match kind {
        Bson::String(kind) if kind == "hashed" && !Wildcard::is_in(field) => {
            return Ok(FieldKind::Hashed);
        }
        Bson::String(_) => {
            return Err(Unindexable::new(format!("the key {field} of the kind {kind}")));
        }
        Bson::Int32(direction) => *direction < 0,
        Bson::Int64(direction) => *direction < 0,
        Bson::Double(direction) => *direction < 0.0,
        // Old versions of MongoDB took any value for ascending.
        _ => false,
    };
    Ok(if descending { FieldKind::Descending } else { FieldKind::Ascending })
}

fn identity(fields: &[IndexField], wildcard: Option<&Wildcard>, definition: &Document) -> Digest {
    let pattern = fields.iter().map(|field| {
        let kind: i32 = match field.kind() {
            FieldKind::Ascending => 1,
            FieldKind::Descending => -1,
            FieldKind::Hashed => 2,
            FieldKind::Wildcard if wildcard.is_some_and(Wildcard::is_descending) => -3,
            FieldKind::Wildcard => 3,
        };
        Bson::from(vec![Bson::from(field.path()), Bson::from(kind)])
    });
    let mut determinants = doc! {
        "format": FORMAT,
        "key": pattern.collect::<Vec<_>>(),
        "sparse": is_set(definition, "sparse"),
    };
    for option in ["partialFilterExpression", "wildcardProjection"] {
        determinants.extend(definition.get(option).map(|value| (option.to_owned(), value.clone())));
    }
    let bytes = canonical(determinants).unwrap_or_else(String::into_bytes);
    Digest::of(&bytes)
}

fn seconds(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(seconds) => Some((*seconds).into()),
        Bson::Int64(seconds) => Some(*seconds),
        #[expect(clippy::cast_possible_truncation, reason = "too many is the most")]
        Bson::Double(seconds) if !seconds.is_nan() => Some(*seconds as i64),
        _ => None,
    }
}
