//! The table of accumulators.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use argon_core::Result;
use bson::Bson;

use super::{
    Accumulation, collect, deviation, extremes, merge_objects, percentile, position, ranked, sum,
};
use crate::expression::Compiler;

/// An accumulator of `$group`.
#[derive(Debug)]
pub struct AccumulatorDefinition {
    /// The name with its `$`.
    pub name: &'static str,
    /// Compiles the argument.
    pub compile: fn(&Bson, &Compiler<'_>) -> Result<Accumulation>,
}

const FAMILIES: &[&[AccumulatorDefinition]] = &[
    sum::ACCUMULATORS,
    deviation::ACCUMULATORS,
    percentile::ACCUMULATORS,
    merge_objects::ACCUMULATORS,
    collect::ACCUMULATORS,
    extremes::ACCUMULATORS,
    position::ACCUMULATORS,
    ranked::ACCUMULATORS,
];

impl AccumulatorDefinition {
    pub(super) const fn new(
        name: &'static str,
        compile: fn(&Bson, &Compiler<'_>) -> Result<Accumulation>,
    ) -> Self {
        Self { name, compile }
    }
}

/// All accumulators, by name.
pub fn accumulators() -> &'static BTreeMap<&'static str, &'static AccumulatorDefinition> {
    static ACCUMULATORS: OnceLock<BTreeMap<&'static str, &'static AccumulatorDefinition>> =
        OnceLock::new();
    ACCUMULATORS.get_or_init(|| {
        let all = FAMILIES.iter().flat_map(|family| family.iter());
        all.map(|definition| (definition.name, definition)).collect()
    })
}
