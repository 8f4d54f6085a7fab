//! Adjacent stages that work on one row at a time, fused into one.

use std::fmt;
use std::sync::Arc;

use argon_core::Result;
use futures::{StreamExt, TryStreamExt, stream};

use super::execution::Execution;
use super::rows::{Row, Rows};
use super::stage::Stage;
use super::stages::unwind::Unwind;
use crate::find::Matcher;

/// A stage that works on one row at a time.
#[derive(Debug, Clone)]
pub(crate) enum RowStep {
    /// Keeps the rows that match.
    Match(Arc<Matcher>),
    /// Makes a row of each row, or none.
    Transform(Arc<dyn Transform>),
    /// Makes a row of each element of an array.
    Unwind(Arc<Unwind>),
    /// Passes this many rows on.
    Limit(u64),
    /// Drops this many rows.
    Skip(u64),
}

/// Makes a row of a row.
pub(crate) trait Transform: fmt::Debug + Send + Sync {
    /// Returns the new row; `None` drops it.
    fn apply(&self, row: Row, execution: &Execution) -> Result<Option<Row>>;

    /// Whether each row gives a row.
    fn keeps_count(&self) -> bool {
        true
    }
}

/// Fused steps: a row passes all before the next row.
#[derive(Debug)]
pub(crate) struct RowSteps(pub(crate) Vec<RowStep>);

/// Whether more rows are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Enough,
}

struct Running {
    steps: Arc<RowSteps>,
    /// The rows that each step has seen, if it counts.
    seen: Vec<u64>,
    input: Rows,
    execution: Execution,
    enough: bool,
}

impl Stage for RowSteps {
    fn run(self: Arc<Self>, input: Rows, execution: &Execution) -> Rows {
        let running = Running {
            seen: vec![0; self.0.len()],
            enough: false,
            input,
            execution: execution.clone(),
            steps: self,
        };
        stream::try_unfold(running, |mut running| async move {
            while !running.enough {
                let Some(batch) = running.input.try_next().await? else { break };
                let passed = running.advance(batch)?;
                if !passed.is_empty() {
                    return Ok(Some((passed, running)));
                }
            }
            Ok(None)
        })
        .boxed()
    }

    fn as_row_steps(&self) -> Option<&[RowStep]> {
        Some(&self.0)
    }
}

impl Running {
    fn advance(&mut self, batch: Vec<Row>) -> Result<Vec<Row>> {
        let mut passed = Vec::with_capacity(batch.len());
        for row in batch {
            let flow = push(&self.steps.0, &mut self.seen, &self.execution, row, &mut passed)?;
            if flow == Flow::Enough {
                self.enough = true;
                break;
            }
        }
        Ok(passed)
    }
}

/// Passes a row through the steps.
fn push(
    steps: &[RowStep],
    seen: &mut [u64],
    execution: &Execution,
    mut row: Row,
    passed: &mut Vec<Row>,
) -> Result<Flow> {
    execution.evaluation.context().check()?;
    let mut flow = Flow::More;
    for (place, step) in steps.iter().enumerate() {
        match step {
            RowStep::Match(matcher) => {
                if !matcher.matches(row.as_raw(), &execution.evaluation)? {
                    return Ok(flow);
                }
            }
            RowStep::Transform(transform) => match transform.apply(row, execution)? {
                Some(transformed) => row = transformed,
                None => return Ok(flow),
            },
            RowStep::Skip(count) => {
                if seen[place] < *count {
                    seen[place] += 1;
                    return Ok(flow);
                }
            }
            RowStep::Limit(count) => {
                seen[place] += 1;
                // The last row still passes the steps that follow.
                if seen[place] >= *count {
                    flow = Flow::Enough;
                }
            }
            RowStep::Unwind(unwind) => {
                let rest = &steps[place + 1..];
                let inner = unwind.for_each(row, &mut |row| {
                    push(rest, &mut seen[place + 1..], execution, row, passed)
                })?;
                return Ok(if inner == Flow::Enough { inner } else { flow });
            }
        }
    }
    passed.push(row);
    Ok(flow)
}

/// If the first rows of the input suffice for the steps, how many: for a sort before them.
pub(crate) fn rows_needed(steps: &[RowStep]) -> Option<u64> {
    let mut skipped: u64 = 0;
    for step in steps {
        match step {
            RowStep::Limit(count) => return skipped.checked_add(*count),
            RowStep::Skip(count) => skipped = skipped.checked_add(*count)?,
            RowStep::Transform(transform) if transform.keeps_count() => {}
            _ => return None,
        }
    }
    None
}
