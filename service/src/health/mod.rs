//! Whether a store works as it should: checks against thresholds, and alerts whose receivers are told.
//!
//! - `measured`: what a store is like now;
//! - `checks`, `check`: that against what it should be, and what to do where it is not;
//! - `rule`, `alerts`, `deliver`: rules that are configured, whether they hold, and telling their
//!   receivers.

mod alerts;
mod check;
mod checks;
mod deliver;
mod measured;
mod rule;

pub use self::alerts::{Delivery, Evaluated, evaluate, values};
pub use self::check::{Check, Remedy, Verdict};
pub use self::checks::{head, of, unopened};
pub use self::measured::Measured;
pub use self::rule::{Rule, severity_text};
