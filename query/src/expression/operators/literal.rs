//! `$literal`, `$const`.

use argon_core::Result;
use bson::Bson;

use crate::expression::{Compiler, Definition, Expression};

pub(super) const OPERATORS: &[Definition] =
    &[Definition::form("$literal", constant), Definition::form("$const", constant)];

fn constant(argument: &Bson, _: &Compiler<'_>) -> Result<Expression> {
    Compiler::constant(argument)
}
