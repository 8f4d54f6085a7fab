//! Figures, the bars they are held to, and the table.

mod bar;
mod engine;
mod quantity;
mod table;

pub use bar::Bar;
pub use engine::AnyEngine;
pub use quantity::{Quantity, Unit, rounded};
pub use table::table;

use serde::Serialize;

/// One line of the report.
#[derive(Debug, Clone, Serialize)]
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
