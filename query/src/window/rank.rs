//! `$rank`, `$denseRank`, `$documentNumber`.

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBsonRef;

use super::function::{Definition, PartitionFunction, Specification};
use super::partition::Partition;
use crate::Code;
use crate::accumulator::sort_by::SortPart;
use crate::expression::Expression;
use crate::number::Number;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Definition] = &[
    ("$rank", |given| compile(given, Kind::Rank)),
    ("$denseRank", |given| compile(given, Kind::Dense)),
    ("$documentNumber", |given| compile(given, Kind::Number)),
];

/// The place of a document in the order.
#[derive(Debug)]
struct Rank {
    kind: Kind,
    field: Expression,
    descending: bool,
}

/// How documents with equal values of the sort are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// They have the place of the first of them.
    Rank,
    /// They have one place.
    Dense,
    /// Each has a place.
    Number,
}

fn compile(given: &Specification<'_>, kind: Kind) -> Result<Box<dyn PartitionFunction>> {
    if given.has_window() {
        return Err(
            Code::location(5_371_601).error("Rank style window functions take no other arguments")
        );
    }
    if !matches!(given.argument, Bson::Document(fields) if fields.is_empty()) {
        return Err(Code::location(5_371_603)
            .error(format!("{} must be specified with '{{}}' as the value", given.name)));
    }
    let part = given.single_sort().ok_or_else(|| {
        Code::location(5_371_602).error(format!(
            "{} must be specified with a top level sortBy expression with exactly one element",
            given.name
        ))
    })?;
    Ok(Box::new(Rank { kind, field: part.expression()?, descending: part.descending }))
}

impl PartitionFunction for Rank {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let mut results = Vec::with_capacity(partition.len());
        let mut last: Option<Value<'static>> = None;
        let mut rank = 0;
        for (number, value) in (1..).zip(partition.values(&self.field)?) {
            let value = self.sort_value(value)?;
            let same = match &last {
                Some(last) => last.compare(&value)?.is_eq(),
                None => false,
            };
            if self.kind == Kind::Number || !same {
                rank = if self.kind == Kind::Dense { rank + 1 } else { number };
                last = Some(value);
            }
            results.push(Number::int_or_long(rank).into());
        }
        Ok(results)
    }
}

impl Rank {
    /// The value by which documents are the same: null for what is missing, and an element of an
    /// array.
    fn sort_value(&self, value: Value<'static>) -> Result<Value<'static>> {
        match value.get() {
            Some(RawBsonRef::Undefined) => Ok(Value::NULL),
            _ => SortPart::representative(value, self.descending),
        }
    }
}
