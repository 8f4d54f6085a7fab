//! `$linearFill`, `$locf`.

use argon_core::Result;
use bson::raw::RawBsonRef;

use super::function::{Definition, PartitionFunction, Specification};
use super::partition::{Partition, difference};
use crate::Code;
use crate::expression::Expression;
use crate::number;
use crate::number::Number;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Definition] =
    &[("$linearFill", compile_linear), ("$locf", compile_last)];

/// The value, or else one on the line between the nearest values before and after.
#[derive(Debug)]
struct LinearFill {
    input: Expression,
    /// The field of the sort.
    position: Expression,
}

/// The value, or else the last one before: the last observation carried forward.
#[derive(Debug)]
struct LastObservation(Expression);

fn compile_linear(given: &Specification<'_>) -> Result<Box<dyn PartitionFunction>> {
    let input = given.compiler.compile(given.argument)?;
    given.without_window()?;
    let part = given.single_sort().ok_or_else(|| {
        Code::location(605_001).error(
            "$linearFill must be specified with a top level sortBy expression with exactly one \
             element",
        )
    })?;
    Ok(Box::new(LinearFill { input, position: part.expression()? }))
}

fn compile_last(given: &Specification<'_>) -> Result<Box<dyn PartitionFunction>> {
    let input = given.compiler.compile(given.argument)?;
    given.without_window()?;
    Ok(Box::new(LastObservation(input)))
}

impl PartitionFunction for LastObservation {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let mut last = Value::NULL;
        let values = partition.values(&self.0)?.into_iter().map(|value| {
            if !value.is_nullish() {
                last = value;
            }
            last.clone()
        });
        Ok(values.collect())
    }
}

impl PartitionFunction for LinearFill {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let positions = partition.values(&self.position)?;
        let values = partition.values(&self.input)?;
        for (index, value) in values.iter().enumerate() {
            check(value, &positions, index)?;
        }
        let mut filled = Vec::with_capacity(values.len());
        let mut before = None;
        let mut after = None;
        for (index, value) in values.iter().enumerate() {
            if !value.is_nullish() {
                before = Some(index);
                filled.push(value.clone());
                continue;
            }
            // The next value is looked for once for each gap.
            if after.is_none_or(|after| after < index) {
                after = (index..values.len()).find(|next| !values[*next].is_nullish());
            }
            filled.push(match (before, after) {
                (Some(before), Some(after)) => {
                    let (x1, y1) = (&positions[before], &values[before]);
                    let (x2, y2) = (&positions[after], &values[after]);
                    interpolate((x1, y1), (x2, y2), &positions[index])?
                }
                _ => Value::NULL,
            });
        }
        Ok(filled)
    }
}

/// Follows the checks and their order in `WindowFunctionExecLinearFill` of the server.
fn check(value: &Value<'_>, positions: &[Value<'_>], index: usize) -> Result<()> {
    if !value.is_number() && !value.is_nullish() {
        return Err(Code::TYPE_MISMATCH.error(format!(
            "Value to be filled must be numeric or nullish, but found {}",
            value.type_name()
        )));
    }
    let position = &positions[index];
    if !position.is_number() && !is_date(position) {
        return Err(Code::TYPE_MISMATCH.error(format!(
            "Value of the sortBy field must be numeric or a date, but found {}",
            position.type_name()
        )));
    }
    let Some(last) = index.checked_sub(1).map(|last| &positions[last]) else { return Ok(()) };
    if position.compare(last)?.is_eq() {
        return Err(
            Code::location(6_050_106).error("There can be no repeated values in the sort field")
        );
    }
    if position.is_number() != last.is_number() {
        return Err(Code::TYPE_MISMATCH.error(format!(
            "Conflicting sort value types, previously received type {}, but found {}",
            last.type_name(),
            position.type_name()
        )));
    }
    Ok(())
}

fn is_date(value: &Value<'_>) -> bool {
    matches!(value.get(), Some(RawBsonRef::DateTime(_)))
}

/// The value at a position on the line through two points.
fn interpolate(
    (x1, y1): (&Value<'_>, &Value<'_>),
    (x2, y2): (&Value<'_>, &Value<'_>),
    x: &Value<'_>,
) -> Result<Value<'static>> {
    let start = y1.get().and_then(Number::of);
    let parts = (difference(x, x1)?, difference(y2, y1)?, difference(x2, x1)?, start);
    let (Some(distance), Some(rise), Some(run), Some(start)) = parts else {
        return Ok(Value::NULL);
    };
    let Some(slope) = number::divide(rise, run) else {
        return Err(Code::BAD_VALUE.error("can't $divide by zero"));
    };
    Ok(number::add(start, number::multiply(distance, slope)).into())
}
