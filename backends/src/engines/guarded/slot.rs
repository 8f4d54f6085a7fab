//! Where an engine is while it is open, so that another can take its place.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use argon_core::{Error, Result};

use crate::ordered::engine::Engine;

/// Holds an engine, or none for the moment in which its files are exchanged, and once it is closed.
pub(super) struct Slot(RwLock<Option<Arc<dyn Engine>>>);

impl Slot {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Some(engine))))
    }

    /// Uses the engine, which stays until `call` has ended; `None` if there is none.
    pub(super) fn with<T>(&self, call: impl FnOnce(&dyn Engine) -> T) -> Option<T> {
        self.read().as_deref().map(call)
    }

    /// The engine, which stays as long as this is held.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Option<Arc<dyn Engine>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the engine away after those calls that use it have ended.
    pub(super) fn take(&self) -> Option<Arc<dyn Engine>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn put(&self, engine: Arc<dyn Engine>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(engine);
    }

    /// Whether there is none; does not wait.
    pub(super) fn is_empty(&self) -> bool {
        self.0.try_read().is_ok_and(|engine| engine.is_none())
    }

    /// How the engine has failed in the background, if it has; does not wait.
    pub(super) fn failure(&self) -> Option<Error> {
        self.0.try_read().ok()?.as_deref()?.failure()
    }
}

/// The error where there is no engine any more.
pub(super) fn closed() -> Error {
    Error::internal("the store is closed")
}

/// The result of a call, or that the store is closed.
pub(super) fn or_closed<T>(called: Option<Result<T>>) -> Result<T> {
    called.unwrap_or_else(|| Err(closed()))
}
