//! What a store needs of its server, step by step.

use argon_core::Environment;
use argon_core::storage::{Diagnosis, Factory, OpenOptions, StoreUrl};

use super::factory::MongoFactory;

pub(super) async fn diagnose(
    url: &StoreUrl,
    options: &OpenOptions,
    environment: &Environment,
) -> Vec<Diagnosis> {
    vec![match MongoFactory.open(url, options, environment).await {
        Ok(backend) => Diagnosis::good("store", backend.maintenance.info().location),
        Err(error) => Diagnosis::failed("store", &error, None),
    }]
}
