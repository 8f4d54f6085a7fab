//! Compiles expressions.

use std::sync::atomic::{AtomicU32, Ordering};

use argon_core::{Error, Result};
use bson::raw::{CString, RawBson, RawDocument};
use bson::{Bson, Document};

use super::definition::{Arguments, Definition, Function, Signature, operators};
use super::{Context, Expression, Scope};
use crate::Code;
use crate::message::suggestion;
use crate::value::type_name;

/// The most that documents, arrays and operators of an expression nest.
const MAX_DEPTH: usize = 200;

/// A variable of expressions. Two variables of one name, of which the inner hides the outer, are
/// two of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variable(u32);

impl Variable {
    /// `$$ROOT`: the document.
    pub const ROOT: Self = Self(0);
    /// `$$NOW`: the time of the command.
    pub const NOW: Self = Self(1);
    /// `$$CLUSTER_TIME`: the time of the command on the cluster's clock.
    pub const CLUSTER_TIME: Self = Self(2);
    /// `$$REMOVE`: missing.
    pub const REMOVE: Self = Self(3);
    const FIRST_OTHER: u32 = 4;
}

/// The names that an expression may use. It gives each variable that is declared a number, which is
/// unique in the process.
#[derive(Debug, Clone, Default)]
pub struct Compiler<'c> {
    /// The variables of the operators around, the innermost last.
    names: Vec<(&'c str, Variable)>,
    depth: usize,
}

impl<'c> Compiler<'c> {
    /// Declares a variable: the name is checked, and hides others from where it is put by
    /// [`with`](Self::with).
    ///
    /// # Errors
    /// `FailedToParse` if the name is no name for a variable of a user.
    pub fn variable(&self, name: &str) -> Result<Variable> {
        check_user_name(name)?;
        Ok(Self::system_variable())
    }

    /// Declares a variable whose name no user gives, such as `$$DESCEND`.
    pub(crate) fn system_variable() -> Variable {
        static NEXT: AtomicU32 = AtomicU32::new(Variable::FIRST_OTHER);
        Variable(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// A compiler that knows these variables too.
    #[must_use]
    pub fn with<'d>(&self, names: &[(&'d str, Variable)]) -> Compiler<'d>
    where
        'c: 'd,
    {
        let mut inner = Compiler { names: self.names.clone(), depth: self.depth };
        inner.names.extend_from_slice(names);
        inner
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// MongoDB's error for what is malformed, with its code; `InvalidPipelineOperator` for an
    /// unknown operator. An operator whose arguments are constants is evaluated, and may fail.
    pub fn compile(&self, expression: &Bson) -> Result<Expression> {
        if self.depth >= MAX_DEPTH {
            return Err(Code::location(15)
                .error(format!("the expression nests more than {MAX_DEPTH} levels")));
        }
        let inner = Self { names: self.names.clone(), depth: self.depth + 1 };
        match expression {
            Bson::String(text) => match text.strip_prefix('$') {
                Some(path) => inner.path(path),
                None => Self::constant(expression),
            },
            Bson::Array(elements) => {
                let elements: Vec<_> =
                    elements.iter().map(|element| inner.compile(element)).collect::<Result<_>>()?;
                fold(Expression::Array(elements))
            }
            Bson::Document(document) => inner.document(document),
            _ => Self::constant(expression),
        }
    }

    /// Compiles the operands of an operator of any number: a list, or one without a list.
    ///
    /// # Errors
    /// See [`compile`](Self::compile).
    pub fn list(&self, argument: &Bson) -> Result<Vec<Expression>> {
        match argument {
            Bson::Array(operands) => operands.iter().map(|operand| self.compile(operand)).collect(),
            single => Ok(vec![self.compile(single)?]),
        }
    }

    /// Compiles named operands, in the order of the signature, the required ones first; `None` for
    /// an optional one that is not given.
    ///
    /// # Errors
    /// Those of the signature; see [`compile`](Self::compile).
    pub fn signed(
        &self,
        argument: &Bson,
        signature: &Signature,
    ) -> Result<Vec<Option<Expression>>> {
        let Bson::Document(fields) = argument else {
            return Err(signature.object.error(Self::type_name(argument)));
        };
        let required = || signature.required.iter().map(|(name, _)| *name);
        let known = |field: &str| {
            signature.optional.contains(&field) || required().any(|name| name == field)
        };
        if let Some(field) = fields.keys().find(|field| !known(field)) {
            return Err(signature.unknown.error(field));
        }
        for (name, missing) in signature.required {
            if !fields.contains_key(*name) {
                return Err(missing.error(name));
            }
        }
        let all = required().chain(signature.optional.iter().copied());
        all.map(|name| fields.get(name).map(|value| self.compile(value)).transpose()).collect()
    }

    /// The expression of a value that is taken as it is.
    ///
    /// # Errors
    /// `FailedToParse` if it can't be a value in a document.
    pub fn constant(value: &Bson) -> Result<Expression> {
        raw(value).map(Expression::Constant)
    }

    /// The name of a value's type in MongoDB's messages.
    pub fn type_name(value: &Bson) -> &'static str {
        raw(value).map_or("unknown", |value| type_name(value.as_raw_bson_ref()))
    }

    fn document(&self, document: &Document) -> Result<Expression> {
        match document.iter().next() {
            Some((name, argument)) if name.starts_with('$') => {
                if document.len() > 1 {
                    return Err(Code::location(15983).error(format!(
                        "an expression specification must contain exactly one field, the name of \
                         the expression. Found {} fields in {document}",
                        document.len()
                    )));
                }
                self.operator(name, argument)
            }
            _ => {
                let fields = document.iter().map(|(name, value)| {
                    check_field_name(name)?;
                    Ok((field_name(name)?, self.compile(value)?))
                });
                fold(Expression::Document(fields.collect::<Result<_>>()?))
            }
        }
    }

    fn operator(&self, name: &str, argument: &Bson) -> Result<Expression> {
        match operators().get(name) {
            Some(Definition::Function(function)) => {
                fold(Expression::Call(function, self.arguments(function, argument)?))
            }
            Some(Definition::Form { compile, .. }) => compile(argument, self),
            Some(Definition::Refused { code, reason, .. }) => {
                Err(code.error(format!("the operator {name} is not supported: it {reason}")))
            }
            None => {
                let meant = suggestion(name, operators().keys().copied());
                Err(Code::INVALID_PIPELINE_OPERATOR
                    .error(format!("Unrecognized expression '{name}'{meant}")))
            }
        }
    }

    fn arguments(&self, function: &Function, argument: &Bson) -> Result<Vec<Option<Expression>>> {
        let name = function.name;
        if let Arguments::Named { required, optional } = function.arguments {
            let Bson::Document(fields) = argument else {
                return Err(Code::FAILED_TO_PARSE.error(format!(
                    "{name} requires an object as an argument, found: {}",
                    Self::type_name(argument)
                )));
            };
            let known = |field: &str| required.contains(&field) || optional.contains(&field);
            if let Some(field) = fields.keys().find(|field| !known(field)) {
                return Err(Code::FAILED_TO_PARSE
                    .error(format!("{name} found an unknown argument: {field}")));
            }
            if let Some(field) = required.iter().find(|field| !fields.contains_key(**field)) {
                return Err(Code::FAILED_TO_PARSE
                    .error(format!("{name} requires '{field}' to be specified")));
            }
            let all = required.iter().chain(optional);
            return all
                .map(|field| fields.get(*field).map(|value| self.compile(value)).transpose())
                .collect();
        }
        if let Arguments::Signature(signature) = function.arguments {
            return self.signed(argument, signature);
        }
        let given: Vec<_> = self.list(argument)?.into_iter().map(Some).collect();
        let number = given.len();
        match function.arguments {
            Arguments::Exactly(count) if number != count => {
                Err(Code::location(16020).error(format!(
                    "Expression {name} takes exactly {count} arguments. {number} were passed in."
                )))
            }
            Arguments::Between(least, most) if !(least..=most).contains(&number) => {
                Err(Code::location(28667).error(format!(
                    "Expression {name} takes at least {least} arguments, and at most {most}, but \
                     {number} were passed in."
                )))
            }
            Arguments::AtLeast(least) if number < least => {
                Err(Code::location(28667).error(format!(
                    "Expression {name} takes at least {least} arguments, but {number} were passed in."
                )))
            }
            _ => Ok(given),
        }
    }

    /// Compiles a path without its first `$`: of the document, or of a variable after another `$`.
    fn path(&self, text: &str) -> Result<Expression> {
        let (variable, path) = match text.strip_prefix('$') {
            None => (self.lookup("CURRENT").unwrap_or(Variable::ROOT), Some(text)),
            Some(variable) => {
                let (name, path) = match variable.split_once('.') {
                    Some((name, path)) => (name, Some(path)),
                    None => (variable, None),
                };
                (self.known(name)?, path)
            }
        };
        let path = match path {
            None => Vec::new(),
            Some(path) => field_path(path)?,
        };
        Ok(Expression::Path(variable, path))
    }

    fn lookup(&self, name: &str) -> Option<Variable> {
        let mut names = self.names.iter().rev();
        names.find(|(known, _)| *known == name).map(|(_, variable)| *variable)
    }

    fn known(&self, name: &str) -> Result<Variable> {
        if let Some(variable) = self.lookup(name) {
            return Ok(variable);
        }
        match name {
            "ROOT" | "CURRENT" => Ok(Variable::ROOT),
            "NOW" => Ok(Variable::NOW),
            "CLUSTER_TIME" => Ok(Variable::CLUSTER_TIME),
            "REMOVE" => Ok(Variable::REMOVE),
            "" => Err(Code::FAILED_TO_PARSE.error("empty variable names are not allowed")),
            name => Err(Code::location(17276).error(format!("Use of undefined variable: {name}"))),
        }
    }
}

/// Evaluates what does not depend on the document.
fn fold(expression: Expression) -> Result<Expression> {
    let constant = |part: &Expression| part.constant().is_some();
    let foldable = match &expression {
        Expression::Array(elements) => elements.iter().all(constant),
        Expression::Document(fields) => fields.iter().all(|(_, field)| constant(field)),
        Expression::Call(function, arguments) => {
            function.pure && arguments.iter().flatten().all(constant)
        }
        _ => false,
    };
    if !foldable {
        return Ok(expression);
    }
    let context = Context::new(bson::DateTime::from_millis(0), 1);
    let value = expression.evaluate(&Scope::new(&context, empty()))?.into_owned();
    match value {
        // A missing value has no constant.
        value if value.is_missing() => Ok(Expression::Path(Variable::REMOVE, Vec::new())),
        value => Ok(Expression::Constant(value.into_bson())),
    }
}

/// A document without fields.
pub(crate) fn empty() -> &'static RawDocument {
    #[expect(clippy::expect_used, reason = "the smallest document")]
    RawDocument::from_bytes(&[5, 0, 0, 0, 0]).expect("a length and an end")
}

/// Splits the path of a field.
///
/// # Errors
/// If a name is empty, begins with `$`, or contains a NUL.
pub(crate) fn field_path(path: &str) -> Result<Vec<String>> {
    if path.is_empty() {
        return Err(Code::location(16872)
            .error("'$' by itself is not a valid FieldPath: a name must follow"));
    }
    if path.ends_with('.') {
        return Err(Code::location(40353).error("FieldPath must not end with a '.'."));
    }
    let names = path.split('.').map(|name| {
        if name.is_empty() {
            return Err(
                Code::location(15998).error("FieldPath field names may not be empty strings.")
            );
        }
        // The names of a reference to another document are allowed.
        if name.starts_with('$') && !matches!(name, "$ref" | "$id" | "$db") {
            return Err(Code::location(16410).error(format!(
                "FieldPath field names may not start with '$'. Consider using $getField or \
                 $setField: '{name}'"
            )));
        }
        if name.contains('\0') {
            return Err(Code::location(16411).error("FieldPath field names may not contain '\\0'."));
        }
        Ok(name.to_owned())
    });
    names.collect()
}

/// Refuses a name that a field in an expression can't have.
fn check_field_name(name: &str) -> Result<()> {
    if name.contains('.') {
        return Err(Code::location(16412).error(format!(
            "FieldPath field names may not contain '.'. Consider using $getField or $setField: \
             '{name}'"
        )));
    }
    if name.starts_with('$') {
        return Err(Code::location(16410)
            .error(format!("FieldPath field names may not start with '$': '{name}'")));
    }
    Ok(())
}

/// Refuses a name that no variable of a user has: it begins with a lower-case letter, or is
/// CURRENT.
fn check_user_name(name: &str) -> Result<()> {
    let wrong = |problem: &str| {
        Err(Code::FAILED_TO_PARSE
            .error(format!("'{name}' {problem} for a user-definable variable name")))
    };
    match name.chars().next() {
        _ if name == "CURRENT" => return Ok(()),
        None => return Err(Code::FAILED_TO_PARSE.error("empty variable names are not allowed")),
        Some(first) if first.is_ascii_lowercase() || !first.is_ascii() => {}
        Some(_) => return wrong("starts with an invalid character"),
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    if name.chars().all(allowed) { Ok(()) } else { wrong("contains an invalid character") }
}

pub(crate) fn field_name(name: &str) -> Result<CString> {
    CString::try_from(name.to_owned())
        .map_err(|_| Code::FAILED_TO_PARSE.error(format!("the field name {name:?} contains a NUL")))
}

/// A value as bytes.
pub(crate) fn raw(value: &Bson) -> Result<RawBson> {
    RawBson::try_from(value.clone()).map_err(|source| -> Error {
        Code::FAILED_TO_PARSE.error(format!("invalid value {value}: {source}")).with_source(source)
    })
}
