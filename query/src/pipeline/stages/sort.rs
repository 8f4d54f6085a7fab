//! `$sort`, and `$sample`, which is a sort by random numbers.

use std::sync::Arc;

use argon_core::Result;
use bson::Bson;
use futures::TryStreamExt;

use crate::Code;
use crate::pipeline::execution::Execution;
use crate::pipeline::external_sort::Sorter;
use crate::pipeline::rows::{self, Rows};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler, object};
use crate::sort::SortPattern;

pub(super) const STAGES: &[Definition] = &[
    Definition::new("$sort", Position::Any, compile),
    Definition::new("$sample", Position::Any, compile_sample),
];

/// Sorts all rows.
#[derive(Debug)]
pub(crate) struct Sort {
    pub(crate) pattern: SortPattern,
    /// The first rows that are wanted.
    pub(crate) limit: Option<u64>,
}

#[derive(Debug)]
struct Sample(usize);

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let pattern = object(argument, || {
        Code::location(15973).error("the $sort key specification must be an object")
    })?;
    let pattern = SortPattern::compile(pattern)?.with_collation(compiler.collation.clone());
    Ok(Part::stage(Sort { pattern, limit: None }))
}

impl Sort {
    /// The reverse of the order in which collections are stored.
    pub(crate) fn by_id_descending(limit: Option<u64>) -> Self {
        Self { pattern: SortPattern::descending(vec!["_id".to_owned()]), limit }
    }
}

impl Stage for Sort {
    fn run(self: Arc<Self>, mut input: Rows, execution: &Execution) -> Rows {
        let limit = self.limit.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        let mut sorter = Sorter::new("$sort", execution.limits, limit);
        rows::deferred(async move {
            while let Some(batch) = input.try_next().await? {
                for row in batch {
                    sorter.push(row, |row, key| self.pattern.key(row.as_raw(), key))?;
                }
            }
            Ok(rows::from_iter(sorter.finish()?.map(|row| row.map(|(_, row)| row))))
        })
    }

    fn as_sort(&self) -> Option<(&SortPattern, Option<u64>)> {
        Some((&self.pattern, self.limit))
    }

    fn limited(&self, rows: u64) -> Option<Arc<dyn Stage>> {
        let limit = self.limit.map_or(rows, |limit| limit.min(rows));
        Some(Arc::new(Self { pattern: self.pattern.clone(), limit: Some(limit) }))
    }
}

fn compile_sample(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let fields = object(argument, || {
        Code::location(28745).error("the $sample stage specification must be an object")
    })?;
    let mut size = None;
    for (name, value) in fields {
        if name != "size" {
            return Err(
                Code::location(28748).error(format!("unrecognized option to $sample: {name}"))
            );
        }
        let number = match value {
            Bson::Int32(number) => i64::from(*number),
            Bson::Int64(number) => *number,
            #[expect(clippy::cast_possible_truncation, reason = "as the server converts it")]
            Bson::Double(number) => *number as i64,
            Bson::Decimal128(number) => number.to_string().parse().unwrap_or_default(),
            _ => {
                return Err(
                    Code::location(28746).error("size argument to $sample must be a number")
                );
            }
        };
        size = Some(usize::try_from(number).ok().filter(|size| *size > 0).ok_or_else(|| {
            Code::location(28747).error("size argument to $sample must be a positive integer")
        })?);
    }
    let size =
        size.ok_or_else(|| Code::location(28749).error("$sample stage must specify a size"))?;
    Ok(Part::stage(Sample(size)))
}

impl Stage for Sample {
    fn run(self: Arc<Self>, mut input: Rows, execution: &Execution) -> Rows {
        let mut sorter = Sorter::new("$sample", execution.limits, Some(self.0));
        let evaluation = execution.evaluation.clone();
        rows::deferred(async move {
            while let Some(batch) = input.try_next().await? {
                for row in batch {
                    // A number in [0, 1) orders as its bits do.
                    let number = evaluation.context().random().to_bits().to_be_bytes();
                    sorter.push(row, |_, key| {
                        key.extend_from_slice(&number);
                        Ok(())
                    })?;
                }
            }
            Ok(rows::from_iter(sorter.finish()?.map(|row| row.map(|(_, row)| row))))
        })
    }
}
