//! Figures, the bars they are held to, and what is made of them: tables, charts, a file.

mod bar;
mod chart;
mod compare;
mod engine;
mod quantity;
mod saved;
mod svg;
mod table;

pub use bar::Bar;
pub use chart::chart;
pub use compare::{Comparison, Verdict, compare, comparison_table};
pub use engine::AnyEngine;
pub use quantity::{Quantity, Unit, rounded};
pub use saved::Saved;
pub use svg::svg;
pub use table::table;

use serde::{Deserialize, Serialize};

/// One line of the report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Of which engine.
    pub engine: AnyEngine,
    /// What Argon needs.
    pub measured: Quantity,
    /// What the bare engine, or the server's own driver, needs for the same bytes; `None` where there
    /// is nothing to compare.
    pub floor: Option<Quantity>,
    /// `measured / floor`.
    pub ratio: Option<f64>,
    /// What the figure is held to.
    pub bars: Vec<Bar>,
    /// Which of the bars are met, in their order.
    pub met: Vec<bool>,
}

impl Row {
    /// A line without floor and bars.
    pub fn new(what: impl Into<String>, engine: impl Into<AnyEngine>, measured: Quantity) -> Self {
        let (what, engine, floor, ratio) = (what.into(), engine.into(), None, None);
        Self { what, engine, measured, floor, ratio, bars: Vec::new(), met: Vec::new() }
    }

    /// What it costs in terms of the floor: 1 is as good as the bare engine, 2 takes twice as much of
    /// time or space. `None` without a floor.
    pub fn cost(&self) -> Option<f64> {
        let per_second = self.measured.unit == Unit::PerSecond;
        let cost = self.ratio.map(|ratio| if per_second { 1.0 / ratio } else { ratio });
        cost.filter(|cost| cost.is_finite() && *cost > 0.0)
    }

    /// Adds the floor; before the bars, which may be about the ratio.
    pub fn floor(mut self, floor: Option<Quantity>) -> Self {
        self.floor = floor;
        self.ratio = floor.map(|floor| self.measured.value / floor.value);
        self
    }

    /// Adds a bar; one about the ratio means nothing without a floor, and is left out then.
    pub fn bar(mut self, bar: Bar) -> Self {
        if let Some(met) = bar.is_met(self.measured, self.ratio) {
            self.bars.push(bar);
            self.met.push(met);
        }
        self
    }

    /// Adds a bar that is set for one engine only.
    pub fn bar_on(self, engine: impl Into<AnyEngine>, bar: Bar) -> Self {
        if self.engine == engine.into() { self.bar(bar) } else { self }
    }
}

/// The rows that have a floor and what they cost, those of one workload side by side.
fn costs(rows: &[Row]) -> Vec<(&Row, f64)> {
    let mut costs: Vec<(&Row, f64)> =
        rows.iter().filter_map(|row| Some((row, row.cost()?))).collect();
    let first = |what: &str| rows.iter().position(|row| row.what == what);
    costs.sort_by_key(|(row, _)| first(&row.what));
    costs
}
