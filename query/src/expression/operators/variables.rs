//! `$let`.

use argon_core::Result;
use bson::Bson;

use crate::Code;
use crate::expression::{Binding, Compiler, Definition, Expression, Form, Scope, Variable};
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[Definition::form("$let", compile)];

/// An expression with variables of its own.
#[derive(Debug)]
struct Let {
    variables: Vec<(Variable, Expression)>,
    inner: Expression,
}

fn compile(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let Bson::Document(fields) = argument else {
        return Err(Code::location(16874).error("$let only supports an object as its argument"));
    };
    if let Some(name) = fields.keys().find(|name| !matches!(name.as_str(), "vars" | "in")) {
        return Err(Code::location(16875).error(format!("Unrecognized parameter to $let: {name}")));
    }
    let missing =
        |name, code| Code::location(code).error(format!("Missing '{name}' parameter to $let"));
    let given = fields.get("vars").ok_or_else(|| missing("vars", 16876))?;
    let inner = fields.get("in").ok_or_else(|| missing("in", 16877))?;
    let Bson::Document(given) = given else {
        return Err(Code::TYPE_MISMATCH.error("invalid parameter: expected an object (vars)"));
    };
    let mut variables = Vec::with_capacity(given.len());
    let mut names = Vec::with_capacity(given.len());
    for (name, value) in given {
        // A variable is not visible in the values of the others.
        let variable = compiler.variable(name)?;
        variables.push((variable, compiler.compile(value)?));
        names.push((name.as_str(), variable));
    }
    let inner = compiler.with(&names).compile(inner)?;
    Ok(Expression::Form(Box::new(Let { variables, inner })))
}

impl Form for Let {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let values = self
            .variables
            .iter()
            .map(|(variable, value)| Ok((*variable, value.evaluate(scope)?)))
            .collect::<Result<Vec<_>>>()?;
        bind_all(&self.inner, &values, *scope)
    }
}

/// Evaluates with each of the values bound, one in the scope of the one before.
fn bind_all(
    inner: &Expression,
    values: &[(Variable, Value<'_>)],
    scope: Scope<'_>,
) -> Result<Value<'static>> {
    match values.split_first() {
        None => Ok(inner.evaluate(&scope)?.into_owned()),
        Some(((variable, value), others)) => {
            let binding: Binding<'_> = scope.bind(*variable, value.borrowed());
            bind_all(inner, others, scope.with(&binding))
        }
    }
}
