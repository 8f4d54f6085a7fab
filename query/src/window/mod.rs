//! The functions of `$setWindowFields`.
//!
//! A [`WindowFunction`] compiles once from `{$sum: "$price", window: {documents: [-1, 0]}}`. It is
//! evaluated over a whole partition, which is sorted already.
//!
//! | file | content |
//! | --- | --- |
//! | `function.rs` | [`WindowFunction`]: compiles the function of a field |
//! | `bounds.rs` | the windows of documents, by position or by range |
//! | `unit.rs` | units of time |
//! | `partition.rs` | the sorted documents that windows are in |
//! | `aggregate.rs` | accumulators over windows |
//! | `removable.rs`, `sliding.rs` | accumulators that take back what was added, over windows that move |
//! | `rank.rs` | `$rank`, `$denseRank`, `$documentNumber` |
//! | `endpoint.rs` | `$first`, `$last`, `$shift` |
//! | `change.rs` | `$derivative`, `$integral` |
//! | `fill.rs` | `$linearFill`, `$locf` |
//! | `moving_average.rs` | `$expMovingAvg` |
//! | `covariance.rs` | `$covariancePop`, `$covarianceSamp` |
//! | `scale.rs` | `$minMaxScaler` |

mod aggregate;
mod bounds;
mod change;
mod covariance;
mod endpoint;
mod fill;
mod function;
mod moving_average;
mod partition;
mod rank;
mod removable;
mod scale;
mod sliding;
pub(crate) mod unit;

pub use function::{WindowFunction, window_functions};
