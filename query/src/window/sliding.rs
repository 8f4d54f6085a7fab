//! Windows that move over a partition.

use argon_core::Result;

use super::bounds::Window;
use super::partition::Partition;
use super::removable::Removable;
use crate::expression::Expression;
use crate::value::Value;

/// The results of a removable accumulator for all windows. Each document is added and removed once:
/// a window neither begins nor ends before the one before it.
pub(super) fn slide(
    partition: &Partition<'_>,
    window: &Window,
    input: &Expression,
    mut state: Box<dyn Removable>,
) -> Result<Vec<Value<'static>>> {
    let mut values: Vec<Option<Value<'static>>> = vec![None; partition.len()];
    // The documents from `first` to before `next` are in the state.
    let (mut first, mut next) = (0, 0);
    let mut results = Vec::with_capacity(partition.len());
    for endpoints in window.endpoints(partition)? {
        let (begin, end) = match endpoints {
            Some((begin, last)) => (begin, last + 1),
            // An empty window has lost all documents.
            None => (next, next),
        };
        for (index, value) in values.iter_mut().enumerate().take(end).skip(next.max(begin)) {
            let value = value.insert(partition.value(input, index)?);
            state.add(value)?;
        }
        for value in values.iter_mut().take(begin.min(next)).skip(first) {
            if let Some(value) = value.take() {
                state.remove(&value)?;
            }
        }
        (first, next) = (begin, end.max(next));
        results.push(state.finish()?);
    }
    Ok(results)
}
