//! Evaluates paths, documents, arrays and calls.

use argon_core::Result;
use argon_core::document::field;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};

use super::{Expression, Scope, Variable};
use crate::value::{Value, malformed};

impl Expression {
    /// Returns the value in a scope. Cost: the size of the values that it touches.
    ///
    /// # Errors
    /// An [error with a code](crate::Code) that MongoDB gives too; that of an [`Interrupt`](crate::Interrupt).
    pub fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        match self {
            Self::Constant(value) => Ok(Value::Ref(value.as_raw_bson_ref())),
            Self::Path(Variable::ROOT, path) => at(scope.root().into(), path),
            Self::Path(variable, path) => at(scope.variable(*variable), path),
            Self::Document(fields) => {
                let mut document = RawDocumentBuf::new();
                for (name, field) in fields {
                    if let Some(value) = field.evaluate(scope)?.get() {
                        document.append(name, value);
                    }
                }
                Ok(document.into())
            }
            Self::Array(elements) => {
                let mut array = RawArrayBuf::new();
                for element in elements {
                    array.push(element.evaluate(scope)?.get().unwrap_or(RawBsonRef::Null));
                }
                Ok(array.into())
            }
            Self::Call(function, arguments) => {
                scope.context().check()?;
                let values = arguments.iter().map(|argument| {
                    argument.as_ref().map(|argument| argument.evaluate(scope)).transpose()
                });
                function.call(values.collect::<Result<_>>()?, scope.context())
            }
            Self::Form(form) => {
                scope.context().check()?;
                form.evaluate(scope)
            }
        }
    }

    /// The value, if it is the same for all documents.
    pub fn constant(&self) -> Option<RawBsonRef<'_>> {
        match self {
            Self::Constant(value) => Some(value.as_raw_bson_ref()),
            _ => None,
        }
    }
}

/// Returns the value at a path: in a document the field's; in an array an array of the values at
/// the path in each of its documents; otherwise missing.
fn at<'a>(value: Value<'a>, path: &[String]) -> Result<Value<'a>> {
    match value {
        value if path.is_empty() => Ok(value),
        Value::Missing => Ok(Value::Missing),
        Value::Ref(value) => in_value(value, path),
        Value::Owned(value) => Ok(in_value(value.as_raw_bson_ref(), path)?.into_owned()),
    }
}

fn in_value<'a>(value: RawBsonRef<'a>, path: &[String]) -> Result<Value<'a>> {
    match value {
        RawBsonRef::Document(document) => in_document(document, path),
        RawBsonRef::Array(array) if !path.is_empty() => {
            let mut values = RawArrayBuf::new();
            for element in array {
                // An array in the array has no fields.
                let RawBsonRef::Document(document) = element.map_err(malformed)? else { continue };
                if let Some(found) = in_document(document, path)?.get() {
                    values.push(found);
                }
            }
            Ok(Value::Owned(RawBson::Array(values)))
        }
        value if path.is_empty() => Ok(Value::Ref(value)),
        _ => Ok(Value::Missing),
    }
}

fn in_document<'a>(document: &'a RawDocument, path: &[String]) -> Result<Value<'a>> {
    let Some((name, rest)) = path.split_first() else { return Ok(document.into()) };
    match field(document, name).map_err(malformed)? {
        Some(value) if rest.is_empty() => Ok(Value::Ref(value)),
        Some(value) => in_value(value, rest),
        None => Ok(Value::Missing),
    }
}
