//! How stores are opened and created.

use argon_core::model::Actor;
use argon_core::storage::{OpenOptions, StoreUrl};
use argon_core::{Environment, Result, Store};

use crate::backends;

/// What opening and creating a store takes besides its URL.
#[derive(Clone)]
pub struct StoreOpener {
    /// Password, cache and timeout.
    pub options: OpenOptions,
    /// Clock and identifiers.
    pub environment: Environment,
    /// Who signs what is written to the store.
    pub actor: Actor,
}

impl StoreOpener {
    /// Opens a store.
    ///
    /// # Errors
    /// `NotFound` if it does not exist; those of [`Store::open`].
    pub async fn open(&self, url: &StoreUrl) -> Result<Store> {
        let Self { options, environment, actor } = self;
        let registry = backends::registry();
        Store::open(registry, url, options, environment.clone(), actor.clone()).await
    }

    /// Creates a store.
    ///
    /// # Errors
    /// `AlreadyExists` if it exists; those of [`Store::create`].
    pub async fn create(&self, url: &StoreUrl) -> Result<Store> {
        let Self { options, environment, actor } = self;
        let registry = backends::registry();
        Store::create(registry, url, options, environment.clone(), actor.clone()).await
    }
}
