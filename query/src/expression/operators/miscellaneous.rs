//! `$rand`, `$toHashedIndexKey`, and what is not supported.

use argon_core::Result;
use bson::Bson;

use super::hash::hash;
use crate::Code;
use crate::expression::{Arguments, Compiler, Definition, Expression, Form, Scope};
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::form("$rand", random),
    Definition::function("$toHashedIndexKey", Arguments::Exactly(1), |values, _| {
        Ok(hash(&values[0])?.into())
    }),
    Definition::Refused {
        name: "$function",
        code: Code::COMMAND_NOT_SUPPORTED,
        reason: "runs JavaScript",
    },
    Definition::Refused {
        name: "$meta",
        code: Code::COMMAND_NOT_SUPPORTED,
        reason: "reads the score of a search",
    },
];

/// A random number, another at each evaluation.
#[derive(Debug)]
struct Random;

fn random(argument: &Bson, _: &Compiler<'_>) -> Result<Expression> {
    let is_empty = match argument {
        Bson::Document(fields) => fields.is_empty(),
        Bson::Array(operands) => operands.is_empty(),
        _ => {
            return Err(
                Code::location(10065).error("invalid parameter: expected an object ($rand)")
            );
        }
    };
    if !is_empty {
        return Err(Code::location(3_040_501).error("$rand does not currently accept arguments"));
    }
    Ok(Expression::Form(Box::new(Random)))
}

impl Form for Random {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        Ok(scope.context().random().into())
    }
}
