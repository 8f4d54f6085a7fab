//! A store that one process has open, and that others use through it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use crate::model::{Point, View};

/// What the process that has a store open and its users tell each other beyond the traits of storage.
#[derive(Default)]
pub struct Sharing {
    /// Notified after each write of another process.
    pub writes: Arc<Notify>,
    open: OnceLock<Box<dyn Fn() -> Vec<Point> + Send + Sync>>,
    /// How often each state is read by another process now.
    held: Mutex<HashMap<Point, usize>>,
}

/// Keeps a state that another process reads from being collected, as long as it exists.
pub struct HeldState {
    sharing: Arc<Sharing>,
    point: Option<Point>,
}

impl Drop for HeldState {
    fn drop(&mut self) {
        let Some(point) = self.point else { return };
        let mut held = self.sharing.held_states();
        if let Some(count) = held.get_mut(&point) {
            *count -= 1;
            if *count == 0 {
                held.remove(&point);
            }
        }
    }
}

impl Sharing {
    /// The states that the process which has the store has open.
    pub fn open_states(&self) -> Vec<Point> {
        self.open.get().map(|open| open()).unwrap_or_default()
    }

    /// Holds the state of a view.
    pub fn hold(self: &Arc<Self>, view: &View) -> HeldState {
        let point = view.point();
        if let Some(point) = point {
            *self.held_states().entry(point).or_default() += 1;
        }
        HeldState { sharing: self.clone(), point }
    }

    /// The states that are held.
    pub fn held(&self) -> Vec<Point> {
        self.held_states().keys().copied().collect()
    }

    fn held_states(&self) -> MutexGuard<'_, HashMap<Point, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which states are open. The first call counts.
    pub(crate) fn set_open_states(&self, open: impl Fn() -> Vec<Point> + Send + Sync + 'static) {
        let _ = self.open.set(Box::new(open));
    }
}
