//! Hints: the index that a query must use.

use argon_core::Result;
use bson::{Bson, Document};

use super::Direction;
use crate::Code;

/// How a query must be read. As in MongoDB, a sparse index that is named leaves out the documents that
/// have none of its fields.
#[derive(Debug, Clone, PartialEq)]
pub enum Hint {
    /// By the index of this name.
    Name(String),
    /// By the index with this key.
    Key(Document),
    /// By a scan of the collection, in its order or the reverse: that of `_id`s, or of insertion in a capped
    /// collection.
    Natural(Direction),
}

impl Hint {
    /// Compiles a hint: the name of an index, its key, or `{ $natural: 1 }`. `None` for an empty
    /// document.
    ///
    /// # Errors
    /// `FailedToParse` for a value of another type; `BadValue` for another number of `$natural`.
    pub fn compile(hint: &Bson) -> Result<Option<Self>> {
        let key = match hint {
            Bson::String(name) => return Ok(Some(Self::Name(name.clone()))),
            Bson::Document(key) if key.is_empty() => return Ok(None),
            Bson::Document(key) => key,
            other => {
                return Err(Code::FAILED_TO_PARSE.error(format!(
                    "hint must be the name of an index or its key, such as \"a_1\" or {{ a: 1 }}; \
                     found {other}"
                )));
            }
        };
        match key.get("$natural") {
            None => Ok(Some(Self::Key(key.clone()))),
            Some(order) => Self::natural("$natural hint", order).map(Some),
        }
    }

    /// Compiles the hint of a query with its sort: a sort by `$natural` is a hint.
    ///
    /// # Errors
    /// Those of [`compile`](Self::compile); `BadValue` for `$natural` beside other fields or another hint.
    pub(crate) fn of_query(hint: Option<&Bson>, sort: &Document) -> Result<Option<Self>> {
        let hint = hint.map(Self::compile).transpose()?.flatten();
        let Some(order) = sort.get("$natural") else { return Ok(hint) };
        if sort.len() > 1 {
            return Err(Code::BAD_VALUE
                .error(format!("Cannot include '$natural' in compound sort: {sort}")));
        }
        let natural = Self::natural("$natural sort", order)?;
        if hint.is_some_and(|hint| hint != natural) {
            return Err(Code::BAD_VALUE.error(format!("a sort by {sort} has no other hint")));
        }
        Ok(Some(natural))
    }

    fn natural(what: &str, order: &Bson) -> Result<Self> {
        match number(order) {
            Some(1.0) => Ok(Self::Natural(Direction::Ascending)),
            Some(-1.0) => Ok(Self::Natural(Direction::Descending)),
            _ => Err(Code::BAD_VALUE.error(format!("{what} can only be set to 1 or -1"))),
        }
    }

    /// Returns whether this is the index with a definition.
    pub fn names(&self, definition: &Document) -> bool {
        match self {
            Self::Name(name) => definition.get_str("name").is_ok_and(|known| known == name),
            Self::Key(key) => {
                definition.get_document("key").is_ok_and(|known| is_same_key(key, known))
            }
            Self::Natural(_) => false,
        }
    }

    /// The error for an index that is not among the definitions of a collection.
    pub(super) fn unknown(definitions: &[Document]) -> argon_core::Error {
        let names = definitions.iter().map(|definition| {
            let name = definition.get_str("name").unwrap_or_default();
            let is_hidden = definition.get_bool("hidden").unwrap_or_default();
            if is_hidden { format!("{name} (hidden)") } else { name.to_owned() }
        });
        let names: Vec<String> = names.collect();
        let of_collection = match names.as_slice() {
            [] => "the collection has none but _id_".to_owned(),
            names => format!("indexes of the collection: {}", names.join(", ")),
        };
        Code::BAD_VALUE.error(format!(
            "hint provided does not correspond to an existing index; {of_collection}"
        ))
    }
}

/// Returns whether two keys of indexes have the same fields in the same order, and equal directions or
/// kinds.
fn is_same_key(key: &Document, other: &Document) -> bool {
    key.len() == other.len()
        && key.iter().zip(other).all(|((name, kind), (other_name, other))| {
            name == other_name
                && match (number(kind), number(other)) {
                    (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
                    _ => kind == other,
                }
        })
}

fn number(value: &Bson) -> Option<f64> {
    match value {
        Bson::Int32(number) => Some((*number).into()),
        #[expect(clippy::cast_precision_loss, reason = "directions are small")]
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn a_hint_is_a_name_a_key_or_natural() {
        let definition = doc! { "name": "a_1_b_-1", "key": { "a": 1, "b": -1 } };
        for (hint, names) in [
            (Bson::from("a_1_b_-1"), true),
            (Bson::from("a_1"), false),
            (doc! { "a": 1_i64, "b": -1.0 }.into(), true),
            (doc! { "b": -1, "a": 1 }.into(), false),
            (doc! { "a": 1 }.into(), false),
            (doc! { "a": 1, "b": "hashed" }.into(), false),
        ] {
            let hint = Hint::compile(&hint).unwrap().unwrap();
            assert_eq!(hint.names(&definition), names, "{hint:?}");
        }
        let natural = |order: i32| Hint::compile(&doc! { "$natural": order }.into());
        assert_eq!(natural(-1).unwrap(), Some(Hint::Natural(Direction::Descending)));
        assert_eq!(Hint::compile(&doc! {}.into()).unwrap(), None);
        assert_eq!(Code::of(&natural(2).unwrap_err()), Some(Code::BAD_VALUE));
        assert_eq!(Code::of(&Hint::compile(&5.into()).unwrap_err()), Some(Code::FAILED_TO_PARSE));
    }
}
