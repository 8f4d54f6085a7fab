//! The queue and the workers of a store of the legacy system.

mod jobs;
mod workers;

use argon_core::storage::OpenOptions;
use argon_core::{Environment, Error};

pub use self::jobs::{
    ListJobs, PurgeJobs, PurgedJobs, RetriedJobs, RetryJobs, ShowJob, ShownJob, list_jobs, purge,
    retry, show_job,
};
pub use self::workers::{
    RunWorkers, ScaleWorkers, ScaledWorkers, ShowWorkers, WorkersState, run, scale, workers,
};
use crate::Result;
use crate::backends::{self, LegacyStore};
use crate::discover::Place;

/// Opens the legacy store at a place.
///
/// # Errors
/// `Unsupported` for a store of another kind.
pub async fn open(
    place: &Place,
    options: &OpenOptions,
    environment: &Environment,
) -> Result<LegacyStore> {
    if !place.url.scheme().starts_with("legacy+") {
        let error = Error::unsupported(format!(
            "{} has no queue and no workers; only stores of the legacy system have them",
            place.url
        ));
        return Err(error.into());
    }
    Ok(backends::legacy().open_store(&place.url, options, environment).await?)
}
