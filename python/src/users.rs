//! Cursors, transactions and watches, which keep a store open and end with it.

use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use argon_core::Error;
use futures::future::BoxFuture;

/// What keeps a store open longer than a call.
pub(crate) trait StoreUser: Send + Sync {
    /// Gives up what keeps the store open. Later uses are errors.
    fn end(&self) -> BoxFuture<'_, ()>;
}

/// The users of a store; `None` once it is closed for good.
pub(crate) struct StoreUsers(Mutex<Option<Vec<Weak<dyn StoreUser>>>>);

impl StoreUsers {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    /// Adds a user.
    ///
    /// # Errors
    /// `Invalid` if the store is closed.
    pub(crate) fn add(&self, user: Weak<dyn StoreUser>) -> argon_core::Result<()> {
        let mut users = self.users();
        let users = users.as_mut().ok_or_else(closed)?;
        // Those that are gone are removed whenever there are twice as many as before.
        if users.len() == users.capacity() {
            users.retain(|user| user.strong_count() > 0);
        }
        users.push(user);
        Ok(())
    }

    /// Ends all users, and refuses later ones.
    pub(crate) async fn end(&self) {
        let users = self.users().take();
        for user in users.unwrap_or_default() {
            if let Some(user) = user.upgrade() {
                user.end().await;
            }
        }
    }

    fn users(&self) -> MutexGuard<'_, Option<Vec<Weak<dyn StoreUser>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error for a use of a store that is closed.
pub(crate) fn closed() -> Error {
    Error::invalid("the store is closed; open it again")
}
