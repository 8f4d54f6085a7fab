//! The sorted documents that windows are in.

use argon_core::{Error, Result};
use bson::raw::{RawBsonRef, RawDocument};

use crate::Code;
use crate::expression::{Expression, Scope};
use crate::number::{self, Number};
use crate::value::{Value, type_name};

/// The documents of a partition, in the order of `sortBy`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partition<'a> {
    documents: &'a [&'a RawDocument],
    scope: Scope<'a>,
}

/// The places of the first and the last document of a window; `None` if it is empty.
pub(super) type Endpoints = Option<(usize, usize)>;

impl<'a> Partition<'a> {
    /// A partition whose expressions see the variables of a scope.
    pub(super) fn new(documents: &'a [&'a RawDocument], scope: Scope<'a>) -> Self {
        Self { documents, scope }
    }

    /// The number of documents.
    pub(super) fn len(&self) -> usize {
        self.documents.len()
    }

    /// The scope of a document.
    pub(super) fn scope(&self, index: usize) -> Scope<'a> {
        self.scope.of(self.documents[index])
    }

    /// The value of an expression for a document.
    pub(super) fn value(&self, expression: &Expression, index: usize) -> Result<Value<'static>> {
        Ok(expression.evaluate(&self.scope(index))?.into_owned())
    }

    /// The values of an expression for all documents.
    pub(super) fn values(&self, expression: &Expression) -> Result<Vec<Value<'static>>> {
        (0..self.len()).map(|index| self.value(expression, index)).collect()
    }

    /// The scope of a document without fields.
    pub(super) fn empty_scope(&self) -> Scope<'a> {
        self.scope.of(crate::expression::empty())
    }
}

/// The difference of two numbers, or of two dates in milliseconds, as `$subtract` has it; `None` if
/// one is null or missing.
pub(super) fn difference(a: &Value<'_>, b: &Value<'_>) -> Result<Option<Number>> {
    match (a.get(), b.get()) {
        _ if a.is_nullish() || b.is_nullish() => Ok(None),
        (Some(RawBsonRef::DateTime(a)), Some(RawBsonRef::DateTime(b))) => {
            let milliseconds = a.timestamp_millis().saturating_sub(b.timestamp_millis());
            Ok(Some(Number::Long(milliseconds)))
        }
        (Some(a), Some(b)) => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => Ok(Some(number::subtract(a, b))),
            _ => Err(not_subtractable(a, b)),
        },
        _ => Ok(None),
    }
}

fn not_subtractable(a: RawBsonRef<'_>, b: RawBsonRef<'_>) -> Error {
    Code::TYPE_MISMATCH.error(format!("can't $subtract {} from {}", type_name(b), type_name(a)))
}
