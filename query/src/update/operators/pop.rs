//! `$pop`.

use argon_core::Result;
use bson::Bson;

use super::{Change, Missing, Modifier, Place, type_of, whole_number};
use crate::Code;
use crate::expression::Context;
use crate::update::tree::Tree;

/// Removes an element at an end of an array.
#[derive(Debug)]
enum Pop {
    First,
    Last,
}

pub(super) fn compile(field: &str, argument: &Bson) -> Result<Box<dyn Modifier>> {
    match whole_number(argument) {
        Ok(1) => Ok(Box::new(Pop::Last)),
        Ok(-1) => Ok(Box::new(Pop::First)),
        Ok(number) => {
            Err(Code::FAILED_TO_PARSE.error(format!("$pop expects 1 or -1, found: {number}")))
        }
        Err("double" | "decimal") => {
            Err(Code::FAILED_TO_PARSE.error(format!("Expected an integer: {field}: {argument}")))
        }
        Err(_) => {
            Err(Code::FAILED_TO_PARSE.error(format!("Expected a number in: {field}: {argument}")))
        }
    }
}

impl Modifier for Pop {
    fn update<'a>(&'a self, value: &mut Tree<'a>, place: &Place<'_>) -> Result<Change> {
        let found = type_of(value);
        let Some(elements) = value.elements()? else {
            return Err(Code::TYPE_MISMATCH.error(format!(
                "Path '{}' contains an element of non-array type '{found}'",
                place.path()
            )));
        };
        match self {
            _ if elements.is_empty() => return Ok(Change::Nothing),
            Self::First => elements.remove(0),
            Self::Last => elements.remove(elements.len() - 1),
        };
        Ok(Change::Updated)
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        Ok(Missing::IgnoreIfViable)
    }

    fn adds_values(&self) -> bool {
        false
    }
}
