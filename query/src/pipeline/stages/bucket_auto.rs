//! `$bucketAuto`.
//!
//! Follows `document_source_bucket_auto.cpp` of the server: a bucket gets its share of the rows, then
//! all that are equal to its last or, with a granularity, below its rounded boundary.

use std::iter::Peekable;
use std::sync::Arc;

use argon_core::Result;
use argon_core::key;
use bson::raw::{CString, RawBson, RawBsonRef, RawDocumentBuf};
use bson::{Bson, doc};
use futures::TryStreamExt;

use super::granularity::{Granularity, double};
use super::group::{accumulate, append_results, field};
use crate::Code;
use crate::accumulator::{Accumulation, Accumulator};
use crate::expression::{Compiler, Expression};
use crate::pipeline::execution::Execution;
use crate::pipeline::external_sort::{SortedRows, Sorter};
use crate::pipeline::rows::{self, Row, Rows};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler, object};
use crate::pipeline::values::encode;
use crate::value::{malformed, to_owned};

pub(super) const STAGES: &[Definition] = &[Definition::new("$bucketAuto", Position::Any, compile)];

#[derive(Debug)]
struct BucketAuto {
    group_by: Expression,
    buckets: u64,
    granularity: Option<Granularity>,
    fields: Vec<(CString, Accumulation)>,
}

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let given = object(argument, || {
        Code::location(40240).error(format!(
            "The argument to $bucketAuto must be an object, but found type: {}.",
            Compiler::type_name(argument)
        ))
    })?;
    let (mut group_by, mut count, mut granularity) = (None, None, None);
    let mut output = doc! { "count": { "$sum": 1 } };
    for (name, value) in given {
        match name.as_str() {
            "groupBy" => group_by = Some(compile_group_by(value, &compiler.expressions)?),
            "buckets" => count = Some(buckets(value)?),
            "output" => output.clone_from(object(value, || {
                Code::location(40244).error(format!(
                    "The $bucketAuto 'output' field must be an object, but found type: {}.",
                    Compiler::type_name(value)
                ))
            })?),
            "granularity" => {
                let Bson::String(name) = value else {
                    return Err(Code::location(40261).error(format!(
                        "The $bucketAuto 'granularity' field must be a string, but found type: {}.",
                        Compiler::type_name(value)
                    )));
                };
                granularity = Some(Granularity::named(name)?);
            }
            other => {
                return Err(Code::location(40245)
                    .error(format!("Unrecognized option to $bucketAuto: {other}.")));
            }
        }
    }
    let (Some(group_by), Some(buckets)) = (group_by, count) else {
        return Err(Code::location(40246)
            .error("$bucketAuto requires 'groupBy' and 'buckets' to be specified."));
    };
    let fields = output.iter().map(|(name, value)| field(name, value, &compiler.expressions));
    let fields = fields.collect::<Result<_>>()?;
    Ok(Part::stage(BucketAuto { group_by, buckets, granularity, fields }))
}

fn compile_group_by(value: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let is_expression = match value {
        Bson::String(path) => path.len() > 1 && path.starts_with('$'),
        Bson::Document(expression) => {
            expression.keys().next().is_some_and(|name| name.starts_with('$'))
        }
        _ => false,
    };
    if !is_expression {
        return Err(Code::location(40239).error(format!(
            "The $bucketAuto 'groupBy' field must be defined as a $-prefixed path or an expression \
             object, but found: {value}"
        )));
    }
    compiler.compile(value)
}

fn buckets(value: &Bson) -> Result<u64> {
    let number = match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number is kept")]
        Bson::Double(number) => (number.fract() == 0.0).then_some(*number as i64),
        Bson::Decimal128(number) => number.to_string().parse().ok(),
        other => {
            return Err(Code::location(40241).error(format!(
                "The $bucketAuto 'buckets' field must be a numeric value, but found type: {}",
                Compiler::type_name(other)
            )));
        }
    };
    let number = number.and_then(|number| i32::try_from(number).ok()).ok_or_else(|| {
        Code::location(40242).error(format!(
            "The $bucketAuto 'buckets' field must be representable as a 32-bit integer, but found \
             {value}"
        ))
    })?;
    u64::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| {
        Code::location(40243).error(format!(
            "The $bucketAuto 'buckets' field must be greater than 0, but found: {number}"
        ))
    })
}

impl Stage for BucketAuto {
    fn run(self: Arc<Self>, mut input: Rows, execution: &Execution) -> Rows {
        let execution = execution.clone();
        rows::deferred(async move {
            let mut sorter = Sorter::new("$bucketAuto", execution.limits, None);
            let mut count = 0_u64;
            while let Some(batch) = input.try_next().await? {
                for row in batch {
                    count += 1;
                    sorter.push(row, |row, key| {
                        let value = self.value(row, &execution)?;
                        encode(value.as_raw_bson_ref(), key)
                    })?;
                }
            }
            Ok(rows::from_iter(Buckets {
                size: share(count, self.buckets),
                left: self.buckets,
                rows: sorter.finish()?.peekable(),
                previous: None,
                stage: self,
                execution,
            }))
        })
    }
}

/// The rows of a bucket, rounded half up, and at least one.
fn share(rows: u64, buckets: u64) -> u64 {
    ((2 * rows + buckets) / (2 * buckets)).max(1)
}

impl BucketAuto {
    fn value(&self, row: &Row, execution: &Execution) -> Result<RawBson> {
        let value = self.group_by.evaluate(&execution.scope(row.as_raw()))?;
        if self.granularity.is_some() {
            const NUMBERS: &str = "$bucketAuto can specify a 'granularity' with";
            if !value.is_number() {
                return Err(Code::location(40258).error(format!(
                    "{NUMBERS} numeric boundaries only, but found a value with type: {}",
                    value.type_name()
                )));
            }
            let number = value.get().map_or(f64::NAN, |value| double(&to_owned(value)));
            if number.is_nan() {
                return Err(Code::location(40259)
                    .error(format!("{NUMBERS} numeric boundaries only, but found a NaN")));
            }
            if number < 0.0 {
                return Err(Code::location(40260).error(format!(
                    "{NUMBERS} non-negative numbers only, but found a negative number"
                )));
            }
        }
        Ok(value.into_bson())
    }
}

/// The buckets of sorted rows.
struct Buckets {
    stage: Arc<BucketAuto>,
    execution: Execution,
    rows: Peekable<SortedRows>,
    /// The number of rows that a bucket should have.
    size: u64,
    /// The number of buckets that may follow.
    left: u64,
    /// The upper boundary of the bucket before.
    previous: Option<RawBson>,
}

impl Buckets {
    fn bucket(&mut self, first: &Row) -> Result<Row> {
        let stage = self.stage.clone();
        let empty = RawDocumentBuf::new();
        let scope = self.execution.scope(&empty);
        let started = stage.fields.iter().map(|(_, field)| field.start(&scope));
        let mut accumulators = started.collect::<Result<Vec<_>>>()?;
        let least = stage.value(first, &self.execution)?;
        let mut greatest = self.add(first, &mut accumulators)?;
        let mut taken = 1;
        while taken < self.size || self.left == 0 {
            let Some(row) = self.rows.next() else { break };
            greatest = self.add(&row?.1, &mut accumulators)?;
            taken += 1;
        }
        let least = match (&stage.granularity, self.previous.take()) {
            (Some(_), Some(previous)) => previous,
            (Some(granularity), None) => granularity.round_down(&least),
            (None, _) => least,
        };
        let boundary = match &stage.granularity {
            Some(granularity) => granularity.round_up(&greatest),
            None => greatest.clone(),
        };
        while let Some(next) = self.peek()? {
            let within = is_order(&next, &greatest, std::cmp::Ordering::is_eq)?
                || (stage.granularity.is_some()
                    && is_order(&next, &boundary, std::cmp::Ordering::is_lt)?);
            if !within {
                break;
            }
            let Some(row) = self.rows.next() else { break };
            greatest = self.add(&row?.1, &mut accumulators)?;
        }
        let upper = match (&stage.granularity, self.peek()?) {
            (Some(granularity), Some(next)) if double(&boundary) == 0.0 => {
                granularity.round_down(&next)
            }
            (Some(_), _) => boundary,
            (None, Some(next)) => next,
            (None, None) => greatest,
        };
        self.previous = Some(upper.clone());
        stage.document(&least, &upper, &accumulators)
    }

    /// Adds a row to a bucket, and returns its value.
    fn add(&self, row: &Row, accumulators: &mut [Box<dyn Accumulator>]) -> Result<RawBson> {
        let scope = self.execution.scope(row.as_raw());
        accumulate(&self.stage.fields, accumulators, &scope)?;
        self.stage.value(row, &self.execution)
    }

    /// The value of the next row.
    fn peek(&mut self) -> Result<Option<RawBson>> {
        match self.rows.next_if(Result::is_err) {
            Some(error) => error.map(|_| None),
            None => match self.rows.peek() {
                Some(Ok((_, row))) => self.stage.value(row, &self.execution).map(Some),
                _ => Ok(None),
            },
        }
    }
}

impl BucketAuto {
    fn document(
        &self,
        min: &RawBson,
        max: &RawBson,
        accumulators: &[Box<dyn Accumulator>],
    ) -> Result<Row> {
        let mut id = RawDocumentBuf::new();
        id.append(bson::cstr!("min"), min.as_raw_bson_ref());
        id.append(bson::cstr!("max"), max.as_raw_bson_ref());
        let mut document = RawDocumentBuf::new();
        document.append(bson::cstr!("_id"), RawBsonRef::Document(&id));
        append_results(&self.fields, accumulators, &mut document)?;
        Ok(document.into())
    }
}

fn is_order(a: &RawBson, b: &RawBson, is: fn(std::cmp::Ordering) -> bool) -> Result<bool> {
    key::compare(a.as_raw_bson_ref(), b.as_raw_bson_ref()).map(is).map_err(malformed)
}

impl Iterator for Buckets {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let first = self.rows.next()?;
        Some(first.and_then(|(_, row)| self.bucket(&row)))
    }
}
