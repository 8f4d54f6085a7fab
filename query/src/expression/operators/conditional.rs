//! `$cond`, `$ifNull`, `$switch`.

use argon_core::Result;
use bson::Bson;

use crate::Code;
use crate::expression::{Compiler, Definition, Expression, Form, Scope};
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::form("$cond", cond),
    Definition::form("$ifNull", if_null),
    Definition::form("$switch", switch),
];

/// The result of the first branch whose condition is true.
#[derive(Debug)]
struct Switch {
    branches: Vec<(Expression, Expression)>,
    default: Option<Expression>,
}

/// The first value that is not null or missing, or else the last.
#[derive(Debug)]
struct IfNull(Vec<Expression>);

fn cond(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let (condition, then, otherwise) = match argument {
        Bson::Document(fields) => {
            let named = |name: &str, code: u32| {
                let missing =
                    || Code::location(code).error(format!("Missing '{name}' parameter to $cond"));
                compiler.compile(fields.get(name).ok_or_else(missing)?)
            };
            if let Some(name) =
                fields.keys().find(|name| !matches!(name.as_str(), "if" | "then" | "else"))
            {
                return Err(
                    Code::location(17083).error(format!("Unrecognized parameter to $cond: {name}"))
                );
            }
            (named("if", 17080)?, named("then", 17081)?, named("else", 17082)?)
        }
        Bson::Array(operands) => match operands.as_slice() {
            [condition, then, otherwise] => (
                compiler.compile(condition)?,
                compiler.compile(then)?,
                compiler.compile(otherwise)?,
            ),
            operands => return Err(wrong_number("$cond", 3, operands.len())),
        },
        _ => return Err(wrong_number("$cond", 3, 1)),
    };
    Ok(Expression::Form(Box::new(Switch {
        branches: vec![(condition, then)],
        default: Some(otherwise),
    })))
}

fn wrong_number(name: &str, expected: usize, given: usize) -> argon_core::Error {
    Code::location(16020).error(format!(
        "Expression {name} takes exactly {expected} arguments. {given} were passed in."
    ))
}

fn if_null(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let operands = compiler.list(argument)?;
    if operands.len() < 2 {
        return Err(Code::location(1_257_300)
            .error(format!("$ifNull needs at least two arguments, had: {}", operands.len())));
    }
    Ok(Expression::Form(Box::new(IfNull(operands))))
}

fn switch(argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let Bson::Document(fields) = argument else {
        return Err(Code::location(40060).error(format!(
            "$switch requires an object as an argument, found: {}",
            Compiler::type_name(argument)
        )));
    };
    let (mut branches, mut default) = (Vec::new(), None);
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("branches", Bson::Array(given)) => {
                branches = given
                    .iter()
                    .map(|given| branch(given, compiler))
                    .collect::<Result<Vec<_>>>()?;
            }
            ("branches", other) => {
                return Err(Code::location(40061).error(format!(
                    "$switch expected an array for 'branches', found: {}",
                    Compiler::type_name(other)
                )));
            }
            ("default", value) => default = Some(compiler.compile(value)?),
            (other, _) => {
                return Err(Code::location(40067)
                    .error(format!("$switch found an unknown argument: {other}")));
            }
        }
    }
    if branches.is_empty() {
        return Err(Code::location(40068).error("$switch requires at least one branch"));
    }
    Ok(Expression::Form(Box::new(Switch { branches, default })))
}

fn branch(given: &Bson, compiler: &Compiler<'_>) -> Result<(Expression, Expression)> {
    let Bson::Document(fields) = given else {
        return Err(Code::location(40062).error(format!(
            "$switch expected each branch to be an object, found: {}",
            Compiler::type_name(given)
        )));
    };
    let unknown = |name: &&String| !matches!(name.as_str(), "case" | "then");
    if let Some(name) = fields.keys().find(unknown) {
        return Err(Code::location(40063)
            .error(format!("$switch found an unknown argument to a branch: {name}")));
    }
    let case = fields.get("case").ok_or_else(|| {
        Code::location(40064).error("$switch requires each branch have a 'case' expression")
    })?;
    let then = fields.get("then").ok_or_else(|| {
        Code::location(40065).error("$switch requires each branch have a 'then' expression.")
    })?;
    Ok((compiler.compile(case)?, compiler.compile(then)?))
}

impl Form for Switch {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        for (case, then) in &self.branches {
            if case.evaluate(scope)?.is_true() {
                return then.evaluate(scope);
            }
        }
        let default = self.default.as_ref().ok_or_else(|| {
            Code::location(40066).error(
                "$switch could not find a matching branch for an input, and no default was \
                 specified.",
            )
        })?;
        default.evaluate(scope)
    }
}

impl Form for IfNull {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let mut value = Value::Missing;
        for operand in &self.0 {
            value = operand.evaluate(scope)?;
            if !value.is_nullish() {
                break;
            }
        }
        Ok(value)
    }
}
