//! Compiles accumulators.

use std::fmt;

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBsonRef;

use super::{Accumulator, accumulators};
use crate::Code;
use crate::expression::{Compiler, Expression, Scope};
use crate::message::suggestion;
use crate::value::Value;

/// A compiled accumulator, such as `{$sum: "$price"}`.
#[derive(Debug)]
pub struct Accumulation {
    /// The name with its `$`.
    name: &'static str,
    /// The value that a document adds.
    input: Expression,
    /// The value that a group starts with: `n` of those that have it.
    initial: Expression,
    start: Start,
}

/// Makes the state of a group from the initial value.
pub(super) struct Start(Box<StartFunction>);

type StartFunction = dyn Fn(Value<'_>) -> Result<Box<dyn Accumulator>> + Send + Sync;

impl Accumulation {
    /// Compiles the accumulator of a field of a stage.
    ///
    /// # Errors
    /// MongoDB's error for what is malformed, with its code, as `$group` gives it.
    pub fn compile(field: &str, accumulator: &Bson, compiler: &Compiler<'_>) -> Result<Self> {
        let Some((name, argument)) = single_operator(accumulator) else {
            return Err(Self::not_an_accumulator(field, accumulator));
        };
        if field.contains('.') {
            return Err(
                Code::location(40235).error(format!("The field name '{field}' cannot contain '.'"))
            );
        }
        if field.starts_with('$') {
            return Err(Code::location(40236)
                .error(format!("The field name '{field}' cannot be an operator name")));
        }
        if matches!(argument, Bson::Array(_)) {
            return Err(
                Code::location(40237).error(format!("The {name} accumulator is a unary operator"))
            );
        }
        Self::operator(name, argument, compiler)
    }

    /// Compiles an accumulator by its name and argument.
    ///
    /// # Errors
    /// See [`compile`](Self::compile).
    pub fn operator(name: &str, argument: &Bson, compiler: &Compiler<'_>) -> Result<Self> {
        match accumulators().get(name) {
            Some(definition) => (definition.compile)(argument, compiler),
            None if name == "$accumulator" => Err(Code::COMMAND_NOT_SUPPORTED
                .error("the accumulator $accumulator is not supported: it runs JavaScript")),
            None => Err(Code::location(15952).error(format!(
                "unknown group operator '{name}'{}",
                suggestion(name, accumulators().keys().copied())
            ))),
        }
    }

    fn not_an_accumulator(field: &str, value: &Bson) -> argon_core::Error {
        match value {
            Bson::Document(fields)
                if fields.keys().next().is_some_and(|name| name.starts_with('$')) =>
            {
                Code::location(40238)
                    .error(format!("The field '{field}' must specify one accumulator"))
            }
            _ => Code::location(40234)
                .error(format!("The field '{field}' must be an accumulator object")),
        }
    }

    /// An accumulator whose state is made from the value of `initial`.
    pub(super) fn new(
        name: &'static str,
        input: Expression,
        initial: Expression,
        start: impl Fn(Value<'_>) -> Result<Box<dyn Accumulator>> + Send + Sync + 'static,
    ) -> Self {
        Self { name, input, initial, start: Start(Box::new(start)) }
    }

    /// An accumulator of one expression that all groups start alike.
    pub(super) fn unary(
        name: &'static str,
        argument: &Bson,
        compiler: &Compiler<'_>,
        start: fn() -> Box<dyn Accumulator>,
    ) -> Result<Self> {
        let input = compiler.compile(argument)?;
        Ok(Self::new(name, input, Compiler::constant(&Bson::Null)?, move |_| Ok(start())))
    }

    /// The same with another state of groups.
    pub(super) fn starting(self, start: fn() -> Box<dyn Accumulator>) -> Self {
        Self { start: Start(Box::new(move |_| Ok(start()))), ..self }
    }

    /// The value that each document adds, if it is always the same.
    pub(super) fn constant(&self) -> Option<RawBsonRef<'_>> {
        self.input.constant()
    }

    /// The name with its `$`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The expression for the value that a document adds.
    pub(crate) fn into_input(self) -> Expression {
        self.input
    }

    /// Starts the accumulator of a group. The document of the scope is the key of the group if that
    /// is a document, or else an empty one: `n` may depend on it.
    ///
    /// # Errors
    /// An [error with a code](Code) if `n` is not a positive integer.
    pub fn start(&self, key: &Scope<'_>) -> Result<Box<dyn Accumulator>> {
        (self.start.0)(self.initial.evaluate(key)?)
    }

    /// Returns the value that a document adds.
    ///
    /// # Errors
    /// See [`Expression::evaluate`].
    pub fn input<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        self.input.evaluate(scope)
    }

    /// Adds a document to the accumulator of a group.
    ///
    /// # Errors
    /// See [`Expression::evaluate`] and [`Accumulator::add`].
    pub fn add(&self, accumulator: &mut dyn Accumulator, scope: &Scope<'_>) -> Result<()> {
        scope.context().check()?;
        accumulator.add(self.input(scope)?)
    }
}

fn single_operator(accumulator: &Bson) -> Option<(&str, &Bson)> {
    let fields = accumulator.as_document()?;
    let (name, argument) = fields.iter().next()?;
    (fields.len() == 1 && name.starts_with('$')).then_some((name.as_str(), argument))
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Start")
    }
}
