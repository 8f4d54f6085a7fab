//! Accumulators over windows.

use argon_core::Result;

use super::bounds::Window;
use super::function::{PartitionFunction, Specification};
use super::partition::Partition;
use super::removable::{self, Removable};
use super::sliding::slide;
use crate::Code;
use crate::accumulator::arguments::{count, n_and_input};
use crate::accumulator::percentile::{Percentiles, arguments};
use crate::accumulator::{Accumulation, Accumulator};
use crate::expression::Expression;
use crate::value::Value;

/// The result of an accumulator for the documents of each window.
#[derive(Debug)]
struct Aggregate {
    accumulation: Accumulation,
    window: Window,
}

/// The accumulator of a window, which grows as long as windows begin at the same document.
struct Growing {
    endpoints: (usize, usize),
    accumulator: Box<dyn Accumulator>,
    result: Value<'static>,
}

pub(super) const COMPILE: fn(&Specification<'_>) -> Result<Box<dyn PartitionFunction>> = compile;

fn compile(given: &Specification<'_>) -> Result<Box<dyn PartitionFunction>> {
    let accumulation = Accumulation::operator(given.name, given.argument, given.compiler)?;
    let window = given.window()?;
    if given.name == "$mergeObjects" && !window.is_left_unbounded() {
        return Err(Code::location(5_461_500)
            .error("Window function $mergeObjects is not supported with a removable window"));
    }
    if window.is_left_unbounded() {
        return Ok(Box::new(Aggregate { accumulation, window }));
    }
    Ok(match Sliding::kind(given)? {
        Some(kind) => Box::new(Sliding { input: accumulation.into_input(), window, kind }),
        None => Box::new(Aggregate { accumulation, window }),
    })
}

/// The result of an accumulator that can take back what was added, so that windows may begin
/// anywhere.
#[derive(Debug)]
struct Sliding {
    input: Expression,
    window: Window,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sum,
    Average,
    Deviation { sample: bool },
    Extreme { least: bool },
    Extremes { least: bool, n: Expression },
    Quantiles(Percentiles),
}

impl Sliding {
    /// What a function needs; `None` if it can't take back what was added.
    fn kind(given: &Specification<'_>) -> Result<Option<Kind>> {
        let code = Code::FAILED_TO_PARSE;
        Ok(Some(match given.name {
            "$sum" | "$count" => Kind::Sum,
            "$avg" => Kind::Average,
            "$stdDevPop" => Kind::Deviation { sample: false },
            "$stdDevSamp" => Kind::Deviation { sample: true },
            "$min" => Kind::Extreme { least: true },
            "$max" => Kind::Extreme { least: false },
            "$minN" | "$maxN" => {
                let (n, _) = n_and_input(given.argument, given.compiler, code)?;
                Kind::Extremes { least: given.name == "$minN", n }
            }
            "$median" | "$percentile" => {
                let name = if given.name == "$median" { "$median" } else { "$percentile" };
                Kind::Quantiles(arguments(name, given.argument, given.compiler, code)?.0)
            }
            _ => return Ok(None),
        }))
    }

    fn start(&self, partition: &Partition<'_>) -> Result<Box<dyn Removable>> {
        Ok(match &self.kind {
            Kind::Sum => Box::<removable::Sum>::default(),
            Kind::Average => Box::<removable::Average>::default(),
            Kind::Deviation { sample } => Box::new(removable::Deviation::new(*sample)),
            Kind::Extreme { least } => Box::new(removable::Extremes::one(*least)),
            Kind::Extremes { least, n } => {
                let most = count(&n.evaluate(&partition.empty_scope())?)?;
                Box::new(removable::Extremes::several(*least, most))
            }
            Kind::Quantiles(percentiles) => {
                Box::new(removable::Quantiles::new(percentiles.clone()))
            }
        })
    }
}

impl PartitionFunction for Sliding {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        slide(partition, &self.window, &self.input, self.start(partition)?)
    }
}

impl PartitionFunction for Aggregate {
    /// A window that begins where the one before began continues with its accumulator; any other
    /// adds all of its documents.
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let start = || self.accumulation.start(&partition.empty_scope());
        let mut growing: Option<Growing> = None;
        let mut results = Vec::with_capacity(partition.len());
        for endpoints in self.window.endpoints(partition)? {
            let Some((first, last)) = endpoints else {
                results.push(start()?.finish()?);
                continue;
            };
            let (mut accumulator, next) = match growing.take() {
                Some(known) if known.endpoints == (first, last) => {
                    results.push(known.result.clone());
                    growing = Some(known);
                    continue;
                }
                Some(known) if continues(known.endpoints, (first, last)) => {
                    (known.accumulator, known.endpoints.1 + 1)
                }
                _ => (start()?, first),
            };
            for index in next..=last {
                self.accumulation.add(accumulator.as_mut(), &partition.scope(index))?;
            }
            let result = accumulator.finish()?;
            results.push(result.clone());
            growing = Some(Growing { endpoints: (first, last), accumulator, result });
        }
        Ok(results)
    }
}

fn continues(known: (usize, usize), next: (usize, usize)) -> bool {
    known.0 == next.0 && known.1 <= next.1
}
