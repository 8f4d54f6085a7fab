//! `$set`, `$setOnInsert`, `$unset`.

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBson;

use super::{Change, Missing, Modifier, Place, is_identical};
use crate::expression::{Context, raw};
use crate::update::tree::Tree;

/// Makes a value this one.
#[derive(Debug)]
struct Set {
    value: RawBson,
    on_insert: bool,
}

/// Removes a field, and makes an element of an array null.
#[derive(Debug)]
struct Unset;

pub(super) fn compile(_: &str, value: &Bson) -> Result<Box<dyn Modifier>> {
    Ok(Box::new(Set { value: raw(value)?, on_insert: false }))
}

pub(super) fn compile_on_insert(_: &str, value: &Bson) -> Result<Box<dyn Modifier>> {
    Ok(Box::new(Set { value: raw(value)?, on_insert: true }))
}

#[expect(clippy::unnecessary_wraps, reason = "as all that compile")]
pub(super) fn compile_unset(_: &str, _: &Bson) -> Result<Box<dyn Modifier>> {
    Ok(Box::new(Unset))
}

impl Modifier for Set {
    fn update<'a>(&'a self, value: &mut Tree<'a>, _: &Place<'_>) -> Result<Change> {
        let new = self.value.as_raw_bson_ref();
        if value.value().get().is_some_and(|value| is_identical(value, new)) {
            return Ok(Change::Nothing);
        }
        *value = Tree::Raw(new);
        Ok(Change::Updated)
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        Ok(Missing::Create(Tree::Raw(self.value.as_raw_bson_ref())))
    }

    fn is_on_insert(&self) -> bool {
        self.on_insert
    }
}

impl Modifier for Unset {
    fn update<'a>(&'a self, _: &mut Tree<'a>, _: &Place<'_>) -> Result<Change> {
        Ok(Change::Removed)
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        Ok(Missing::Ignore)
    }
}
