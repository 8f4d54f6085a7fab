//! Expressions: field paths, variables, constants and operators.
//!
//! An expression compiles once ([`Compiler::compile`]) and is evaluated in a [`Scope`], which has
//! the document and the values of variables. A value is borrowed from there as far as possible.
//!
//! | file | content |
//! | --- | --- |
//! | `compile.rs` | compiles expressions; the names of variables |
//! | `evaluate.rs` | evaluates what is not an operator |
//! | `scope.rs` | [`Scope`]: the document, the variables, and what is the same for all documents |
//! | `definition.rs` | how an operator is defined, and the table of all |
//! | `operators/` | the operators, a file a family |

mod compile;
mod declared;
mod definition;
mod evaluate;
mod operators;
mod scope;

use std::fmt;

use argon_core::Result;
use bson::raw::{CString, RawBson};

pub use compile::{Compiler, Variable};
pub(crate) use compile::{empty, field_name, field_path, raw};
pub(crate) use declared::Declared;
pub use definition::{Arguments, Definition, Function, Refusal, Signature, families, operators};
pub(crate) use operators::dates::{Unit, Zone, date_add};
pub use scope::{Binding, Context, Evaluation, Scope};

use crate::value::Value;

/// A compiled expression.
#[derive(Debug)]
pub enum Expression {
    /// A value that is the same for all documents.
    Constant(RawBson),
    /// The value at a path in a variable; in an array the path continues in each document.
    Path(Variable, Vec<String>),
    /// A document of these fields, without those that are missing.
    Document(Vec<(CString, Expression)>),
    /// An array; what is missing becomes null.
    Array(Vec<Expression>),
    /// A function of the values of its arguments. `None` is an optional argument that is not given.
    Call(&'static Function, Vec<Option<Expression>>),
    /// An operator that evaluates its arguments by itself.
    Form(Box<dyn Form>),
}

/// An operator that does not evaluate all of its arguments, or not once, or with other variables.
pub trait Form: fmt::Debug + Send + Sync {
    /// Returns the value in a scope.
    ///
    /// # Errors
    /// An [error with a code](crate::Code) that MongoDB gives too.
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>>;
}
