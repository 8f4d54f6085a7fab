//! `$min`, `$max`.

use std::cmp::Ordering;

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBson;

use super::{Change, Missing, Modifier, Place};
use crate::expression::{Context, raw};
use crate::update::tree::Tree;
use crate::value::Value;

/// Makes a value this one, if that is further in a direction.
#[derive(Debug)]
struct Compare {
    value: RawBson,
    /// The order of this value and one that it replaces.
    wanted: Ordering,
}

pub(super) fn min(_: &str, value: &Bson) -> Result<Box<dyn Modifier>> {
    Ok(Box::new(Compare { value: raw(value)?, wanted: Ordering::Less }))
}

pub(super) fn max(_: &str, value: &Bson) -> Result<Box<dyn Modifier>> {
    Ok(Box::new(Compare { value: raw(value)?, wanted: Ordering::Greater }))
}

impl Modifier for Compare {
    fn update<'a>(&'a self, value: &mut Tree<'a>, _: &Place<'_>) -> Result<Change> {
        let new = self.value.as_raw_bson_ref();
        if Value::Ref(new).compare(&value.value())? != self.wanted {
            return Ok(Change::Nothing);
        }
        *value = Tree::Raw(new);
        Ok(Change::Updated)
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        Ok(Missing::Create(Tree::Raw(self.value.as_raw_bson_ref())))
    }
}
