//! `$and`, `$or`, `$not`.

use argon_core::Result;
use bson::Bson;

use crate::expression::{Arguments, Compiler, Definition, Expression, Form, Scope};
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::form("$and", |argument, compiler| all_or_any(argument, compiler, false)),
    Definition::form("$or", |argument, compiler| all_or_any(argument, compiler, true)),
    Definition::function("$not", Arguments::Exactly(1), |values, _| {
        Ok((!values[0].is_true()).into())
    }),
];

/// The operands, up to the first that decides.
#[derive(Debug)]
struct Until {
    operands: Vec<Expression>,
    /// The truth of an operand that decides the answer, and is it.
    decisive: bool,
}

fn all_or_any(argument: &Bson, compiler: &Compiler<'_>, decisive: bool) -> Result<Expression> {
    let operands = compiler.list(argument)?;
    Ok(Expression::Form(Box::new(Until { operands, decisive })))
}

impl Form for Until {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        for operand in &self.operands {
            if operand.evaluate(scope)?.is_true() == self.decisive {
                return Ok(self.decisive.into());
            }
        }
        Ok((!self.decisive).into())
    }
}
