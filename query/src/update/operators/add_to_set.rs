//! `$addToSet`.

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBson;

use super::{Change, Missing, Modifier, Place, type_of};
use crate::Code;
use crate::expression::{Compiler, Context, raw};
use crate::update::tree::Tree;
use crate::value::Value;

/// Adds values to an array that does not have equal ones.
#[derive(Debug)]
struct AddToSet(Vec<RawBson>);

pub(super) fn compile(_: &str, argument: &Bson) -> Result<Box<dyn Modifier>> {
    let values = match argument {
        Bson::Document(clauses) => match clauses.iter().next() {
            Some((name, Bson::Array(values))) if name == "$each" => {
                if clauses.len() > 1 {
                    return Err(Code::BAD_VALUE.error(format!(
                        "Found unexpected fields after $each in $addToSet: {clauses}"
                    )));
                }
                values.as_slice()
            }
            Some((name, other)) if name == "$each" => {
                return Err(Code::TYPE_MISMATCH.error(format!(
                    "The argument to $each in $addToSet must be an array but it was of type {}",
                    Compiler::type_name(other)
                )));
            }
            _ => std::slice::from_ref(argument),
        },
        value => std::slice::from_ref(value),
    };
    let mut distinct: Vec<RawBson> = Vec::with_capacity(values.len());
    for value in values {
        let value = raw(value)?;
        if !contains(&distinct, &value)? {
            distinct.push(value);
        }
    }
    Ok(Box::new(AddToSet(distinct)))
}

fn contains(values: &[RawBson], value: &RawBson) -> Result<bool> {
    let value = Value::Ref(value.as_raw_bson_ref());
    for known in values {
        if Value::Ref(known.as_raw_bson_ref()).compare(&value)?.is_eq() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Modifier for AddToSet {
    fn update<'a>(&'a self, value: &mut Tree<'a>, place: &Place<'_>) -> Result<Change> {
        let found = type_of(value);
        let Some(elements) = value.elements()? else {
            return Err(Code::BAD_VALUE.error(format!(
                "Cannot apply $addToSet to non-array field. Field named '{}' has non-array type \
                 {found}",
                place.name()
            )));
        };
        let before = elements.len();
        'values: for new in &self.0 {
            let new = new.as_raw_bson_ref();
            for known in &elements[..before] {
                if known.value().compare(&Value::Ref(new))?.is_eq() {
                    continue 'values;
                }
            }
            elements.push(Tree::Raw(new));
        }
        Ok(if elements.len() == before { Change::Nothing } else { Change::Updated })
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        let values = self.0.iter().map(|value| Tree::Raw(value.as_raw_bson_ref())).collect();
        Ok(Missing::Create(Tree::Array(values)))
    }
}
