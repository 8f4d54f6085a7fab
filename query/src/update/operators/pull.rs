//! `$pull`, `$pullAll`.

use argon_core::Result;
use argon_core::document::Filter;
use bson::raw::{RawBson, RawBsonRef, cstr};
use bson::{Bson, doc, rawdoc};

use super::{Change, Missing, Modifier, Place, is_array};
use crate::Code;
use crate::expression::{Compiler, Context, raw};
use crate::filter::of_elements;
use crate::update::tree::Tree;
use crate::value::Value;

/// Removes the elements of an array for which a condition holds.
#[derive(Debug)]
enum Pull {
    /// Documents that match.
    Documents(Filter),
    /// Values for which the filter's condition on the field `value` holds.
    Values(Filter),
    /// Values that are equal to one of these.
    Equal(Vec<RawBson>),
}

pub(super) fn compile(_: &str, condition: &Bson) -> Result<Box<dyn Modifier>> {
    Ok(Box::new(match condition {
        Bson::Document(query) if !query.keys().next().is_some_and(|name| is_condition(name)) => {
            Pull::Documents(of_elements(query)?)
        }
        Bson::Document(_) | Bson::RegularExpression(_) => {
            Pull::Values(of_elements(&doc! { "value": condition.clone() })?)
        }
        value => Pull::Equal(vec![raw(value)?]),
    }))
}

pub(super) fn compile_all(_: &str, values: &Bson) -> Result<Box<dyn Modifier>> {
    let Bson::Array(values) = values else {
        return Err(Code::BAD_VALUE.error(format!(
            "$pullAll requires an array argument but was given a {}",
            Compiler::type_name(values)
        )));
    };
    Ok(Box::new(Pull::Equal(values.iter().map(raw).collect::<Result<_>>()?)))
}

/// Whether a name is an operator for the value of a field, rather than for documents.
fn is_condition(name: &str) -> bool {
    name.starts_with('$')
        && !matches!(
            name,
            "$and"
                | "$or"
                | "$nor"
                | "$expr"
                | "$where"
                | "$text"
                | "$comment"
                | "$jsonSchema"
                | "$alwaysTrue"
                | "$alwaysFalse"
                | "$sampleRate"
                | "$ref"
                | "$id"
                | "$db"
        )
}

impl Pull {
    fn matches(&self, element: &Value<'_>) -> Result<bool> {
        let Some(value) = element.get() else { return Ok(false) };
        match self {
            Self::Documents(filter) => match value {
                RawBsonRef::Document(document) => Ok(filter.matches(document)?),
                _ => Ok(false),
            },
            Self::Values(filter) => {
                let mut document = rawdoc! {};
                document.append(cstr!("value"), value);
                Ok(filter.matches(&document)?)
            }
            Self::Equal(values) => {
                for equal in values {
                    if element.compare(&Value::Ref(equal.as_raw_bson_ref()))?.is_eq() {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

impl Modifier for Pull {
    fn update<'a>(&'a self, value: &mut Tree<'a>, _: &Place<'_>) -> Result<Change> {
        if !is_array(value) {
            return Err(Code::BAD_VALUE.error("Cannot apply $pull to a non-array value"));
        }
        let Some(elements) = value.elements()? else { return Ok(Change::Nothing) };
        let before = elements.len();
        let pulled = elements
            .iter()
            .map(|element| self.matches(&element.value()))
            .collect::<Result<Vec<_>>>()?;
        let mut pulled = pulled.into_iter();
        elements.retain(|_| !pulled.next().unwrap_or(false));
        Ok(if elements.len() == before { Change::Nothing } else { Change::Updated })
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        Ok(Missing::IgnoreIfViable)
    }

    fn adds_values(&self) -> bool {
        false
    }
}
