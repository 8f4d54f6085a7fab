//! How an operator is defined.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use argon_core::{Error, Result};
use bson::Bson;

use super::operators::FAMILIES;
use super::{Compiler, Context, Expression};
use crate::Code;
use crate::value::Value;

/// An operator of expressions.
#[derive(Debug)]
pub enum Definition {
    /// A function of its arguments' values.
    Function(Function),
    /// An operator that compiles its argument by itself.
    Form {
        /// The name with its `$`.
        name: &'static str,
        /// Compiles the operator's argument.
        compile: fn(&Bson, &Compiler<'_>) -> Result<Expression>,
    },
    /// An operator of MongoDB that is refused.
    Refused {
        /// The name with its `$`.
        name: &'static str,
        /// The code of the error.
        code: Code,
        /// The reason, which follows the name: `runs JavaScript`.
        reason: &'static str,
    },
}

/// A function of the values of its arguments.
pub struct Function {
    /// The name with its `$`.
    pub name: &'static str,
    /// What it takes.
    pub arguments: Arguments,
    /// Whether the same arguments always give the same value, so that a call with constants is
    /// evaluated once.
    pub pure: bool,
    /// Computes the value.
    pub apply: Apply,
}

/// How a function takes its arguments.
#[derive(Clone, Copy)]
pub enum Apply {
    /// By position. As many as [`Arguments`] allow.
    Values(for<'a> fn(Vec<Value<'a>>, &Context) -> Result<Value<'a>>),
    /// By the order of names in [`Arguments::Named`] or a [`Signature`], the required ones first;
    /// `None` if an optional one is not given.
    Named(for<'a> fn(Vec<Option<Value<'a>>>, &Context) -> Result<Value<'a>>),
}

/// The arguments of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// A list of this many; one argument may be given without a list.
    Exactly(usize),
    /// A list of as many as this, at least and at most.
    Between(usize, usize),
    /// A list of as many as this, or more.
    AtLeast(usize),
    /// A document with these fields.
    Named {
        /// The fields that must be there.
        required: &'static [&'static str],
        /// The other fields.
        optional: &'static [&'static str],
    },
    /// A document with fields whose errors have their own codes and sentences.
    Signature(&'static Signature),
}

/// The named arguments of an operator, with what is wrong if they are not there.
#[derive(Debug, PartialEq, Eq)]
pub struct Signature {
    /// The argument is not a document.
    pub object: Refusal,
    /// A field is unknown.
    pub unknown: Refusal,
    /// The fields that must be there.
    pub required: &'static [(&'static str, Refusal)],
    /// The other fields.
    pub optional: &'static [&'static str],
}

/// An error's code and sentence. What was found follows after a sentence that ends with a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal(pub u32, pub &'static str);

impl Refusal {
    pub(super) fn error(self, found: &str) -> Error {
        let Self(code, sentence) = self;
        let found = if sentence.ends_with(' ') { found } else { "" };
        Code::location(code).error(format!("{sentence}{found}"))
    }
}

impl Definition {
    /// A function of values by position, whose value follows from them.
    pub const fn function(
        name: &'static str,
        arguments: Arguments,
        apply: for<'a> fn(Vec<Value<'a>>, &Context) -> Result<Value<'a>>,
    ) -> Self {
        Self::Function(Function { name, arguments, pure: true, apply: Apply::Values(apply) })
    }

    /// A function of values by name, whose value follows from them.
    pub const fn named(
        name: &'static str,
        required: &'static [&'static str],
        optional: &'static [&'static str],
        apply: for<'a> fn(Vec<Option<Value<'a>>>, &Context) -> Result<Value<'a>>,
    ) -> Self {
        let arguments = Arguments::Named { required, optional };
        Self::Function(Function { name, arguments, pure: true, apply: Apply::Named(apply) })
    }

    /// A function of values by the names of a signature, whose value follows from them.
    pub const fn signed(
        name: &'static str,
        signature: &'static Signature,
        apply: for<'a> fn(Vec<Option<Value<'a>>>, &Context) -> Result<Value<'a>>,
    ) -> Self {
        let arguments = Arguments::Signature(signature);
        Self::Function(Function { name, arguments, pure: true, apply: Apply::Named(apply) })
    }

    /// An operator that compiles its argument by itself.
    pub const fn form(
        name: &'static str,
        compile: fn(&Bson, &Compiler<'_>) -> Result<Expression>,
    ) -> Self {
        Self::Form { name, compile }
    }

    /// The name with its `$`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Function(function) => function.name,
            Self::Form { name, .. } | Self::Refused { name, .. } => name,
        }
    }
}

impl Function {
    pub(super) fn call<'a>(
        &self,
        arguments: Vec<Option<Value<'a>>>,
        context: &Context,
    ) -> Result<Value<'a>> {
        match self.apply {
            Apply::Values(apply) => {
                apply(arguments.into_iter().map(Option::unwrap_or_default).collect(), context)
            }
            Apply::Named(apply) => apply(arguments, context),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Apply")
    }
}

/// All operators of expressions, by the families of MongoDB's documentation.
pub fn families() -> &'static [(&'static str, &'static [Definition])] {
    FAMILIES
}

/// All operators of expressions, by name.
pub fn operators() -> &'static BTreeMap<&'static str, &'static Definition> {
    static OPERATORS: OnceLock<BTreeMap<&'static str, &'static Definition>> = OnceLock::new();
    OPERATORS.get_or_init(|| {
        let all = FAMILIES.iter().flat_map(|(_, family)| family.iter());
        all.map(|definition| (definition.name(), definition)).collect()
    })
}
