//! Ending what is evaluated, from outside.

use std::sync::{Arc, OnceLock};

use argon_core::Result;

use crate::Code;

/// Ends what is evaluated in a [`Context`](crate::expression::Context), from another thread: its time is up, or
/// nobody waits for it any more. Clones share it.
///
/// Expressions, filters and stages look at it as they go on, so what runs ends soon after. A commit that was
/// submitted is completed.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<OnceLock<(Code, &'static str)>>);

impl Interrupt {
    /// Ends what runs with this error. Of several calls, the first counts.
    pub fn set(&self, code: Code, message: &'static str) {
        let _ = self.0.set((code, message));
    }

    /// Goes on, unless the interrupt is set.
    ///
    /// # Errors
    /// The error that it was set with.
    pub fn check(&self) -> Result<()> {
        match self.0.get() {
            None => Ok(()),
            Some((code, message)) => Err(code.error(*message)),
        }
    }
}
