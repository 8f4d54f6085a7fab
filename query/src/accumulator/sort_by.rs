//! The sort of `$top`, `$sortArray` and `$setWindowFields`.

use std::cmp::Ordering;

use argon_core::Result;
use bson::raw::RawBsonRef;
use bson::{Bson, Document};

use crate::Code;
use crate::expression::{Compiler, Expression, Scope};
use crate::value::{Value, elements};

/// Fields to sort by, the most significant first.
#[derive(Debug)]
pub(crate) struct SortBy {
    parts: Vec<SortPart>,
}

/// A field to sort by.
#[derive(Debug)]
pub(crate) struct SortPart {
    /// The value of the field, as an expression gives it.
    pub(crate) field: Expression,
    /// The path as it was written.
    pub(crate) path: String,
    pub(crate) descending: bool,
}

/// The values that a document is sorted by.
pub(crate) type SortKey = Vec<Value<'static>>;

impl SortBy {
    /// Compiles the value of `sortBy`.
    ///
    /// # Errors
    /// MongoDB's error for a malformed pattern.
    pub(crate) fn compile(pattern: &Document) -> Result<Self> {
        let parts: Vec<_> = pattern
            .iter()
            .map(|(path, direction)| {
                let descending = is_descending(direction)?;
                // The fields are those of the document, whatever variables are around.
                let field = Compiler::default().compile(&Bson::String(format!("${path}")))?;
                Ok(SortPart { field, path: path.clone(), descending })
            })
            .collect::<Result<_>>()?;
        if parts.is_empty() {
            return Err(Code::location(15976).error("$sort stage must have at least one sort key"));
        }
        Ok(Self { parts })
    }

    /// The fields.
    pub(crate) fn parts(&self) -> &[SortPart] {
        &self.parts
    }

    /// Returns what the document of a scope is sorted by. An array counts as its least element, or
    /// as its greatest if the order is descending.
    ///
    /// # Errors
    /// `BadValue` if two of the fields are arrays.
    pub(crate) fn key(&self, scope: &Scope<'_>) -> Result<SortKey> {
        let mut arrays = 0;
        let keys = self.parts.iter().map(|part| {
            let value = part.field.evaluate(scope)?;
            if value.as_array().is_some() {
                arrays += 1;
            }
            if arrays > 1 {
                return Err(Code::BAD_VALUE.error("cannot sort with keys that are parallel arrays"));
            }
            SortPart::representative(value, part.descending)
        });
        keys.collect()
    }

    /// Compares what two documents are sorted by.
    ///
    /// # Errors
    /// `Corrupt` if a value can't be decoded.
    pub(crate) fn compare(&self, a: &SortKey, b: &SortKey) -> Result<Ordering> {
        for ((part, a), b) in self.parts.iter().zip(a).zip(b) {
            let order = a.compare(b)?;
            if order.is_ne() {
                return Ok(if part.descending { order.reverse() } else { order });
            }
        }
        Ok(Ordering::Equal)
    }
}

impl SortPart {
    /// The field as an expression of its own.
    ///
    /// # Errors
    /// None: it was compiled before.
    pub(crate) fn expression(&self) -> Result<Expression> {
        Compiler::default().compile(&Bson::String(format!("${}", self.path)))
    }

    /// What a value is sorted by: of an array an element, and null if it is missing.
    ///
    /// # Errors
    /// `Corrupt` if a value can't be decoded.
    pub(crate) fn representative(value: Value<'_>, descending: bool) -> Result<Value<'static>> {
        let Some(array) = value.as_array() else {
            return Ok(if value.is_missing() { Value::NULL } else { value.into_owned() });
        };
        let mut best: Option<Value<'_>> = None;
        for element in elements(array)? {
            let element = Value::Ref(element);
            let better = match &best {
                None => true,
                Some(best) if descending => element.compare(best)?.is_gt(),
                Some(best) => element.compare(best)?.is_lt(),
            };
            if better {
                best = Some(element);
            }
        }
        Ok(best.unwrap_or(Value::Ref(RawBsonRef::Undefined)).into_owned())
    }
}

/// Whether a direction of a sort is -1.
///
/// # Errors
/// If it is neither 1 nor -1.
pub(crate) fn is_descending(direction: &Bson) -> Result<bool> {
    let number = match direction {
        Bson::Int32(number) => f64::from(*number),
        #[expect(clippy::cast_precision_loss, reason = "only 1 and -1 count")]
        Bson::Int64(number) => *number as f64,
        Bson::Double(number) => *number,
        Bson::Decimal128(number) => number.to_string().parse().unwrap_or(f64::NAN),
        Bson::Document(_) => {
            return Err(Code::location(17312)
                .error("$meta is the only expression supported by $sort right now"));
        }
        other => {
            return Err(Code::location(15974).error(format!(
                "Illegal key in $sort specification: expected a number, found {other}"
            )));
        }
    };
    #[expect(clippy::float_cmp, reason = "the two directions")]
    if number == 1.0 {
        Ok(false)
    } else if number == -1.0 {
        Ok(true)
    } else {
        Err(Code::location(15975)
            .error("$sort key ordering must be 1 (for ascending) or -1 (for descending)"))
    }
}

/// Sorts stably by a comparison that may fail.
///
/// # Errors
/// The first error of the comparison.
pub(crate) fn sort<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Result<Ordering>) -> Result<()> {
    let mut failure = None;
    items.sort_by(|a, b| {
        compare(a, b).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            Ordering::Equal
        })
    });
    failure.map_or(Ok(()), Err)
}
