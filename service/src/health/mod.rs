//! The health of a store: checks against thresholds, and alerts that are delivered to receivers.
//!
//! - `report`: the operation that checks a store;
//! - `measured`: the measures of a store;
//! - `checks`, `check`: comparisons of these with their thresholds, and remedies;
//! - `rule`, `alerts`, `deliver`: configured rules, their evaluation and delivery.

mod alerts;
mod check;
mod checks;
mod deliver;
mod measured;
mod report;
mod rule;

pub use self::alerts::{AlertState, Delivery, EvaluateAlerts, EvaluatedAlert, evaluate, values};
pub use self::check::{Check, ShownCheck, Verdict};
pub use self::checks::unopened;
pub use self::report::{CheckHealth, HealthReport, check, head};
pub use self::rule::Rule;
