//! The users of the store, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::users::{User, UserName};
use argon_core::{Result, Store};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Who;

/// How long a change that another process made may go unnoticed.
const FRESH: Duration = Duration::from_secs(3);
/// The most users that are remembered.
const MOST: usize = 10_000;

/// The users of a store.
pub(crate) struct Users {
    store: Store,
    known: Mutex<HashMap<UserName, (Instant, Arc<User>)>>,
    secret: OnceCell<[u8; 32]>,
}

impl Users {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, known: Mutex::default(), secret: OnceCell::new() }
    }

    /// The user of a name as it is stored now; `None` if there is none.
    pub(crate) async fn find(&self, name: &UserName) -> Result<Option<Arc<User>>> {
        let found = self.store.find_user(name).await?.map(Arc::new);
        let mut known = self.known();
        match &found {
            Some(user) => {
                if known.len() >= MOST {
                    known.clear();
                }
                known.insert(name.clone(), (Instant::now(), user.clone()));
            }
            None => drop(known.remove(name)),
        }
        drop(known);
        Ok(found)
    }

    /// A user who has logged in, as it was a moment ago; `None` if the user was dropped.
    pub(crate) async fn current(&self, who: &Who) -> Result<Option<Arc<User>>> {
        let known = self.known().get(&who.name).cloned();
        let user = match known {
            Some((read, user)) if read.elapsed() < FRESH => Some(user),
            _ => self.find(&who.name).await?,
        };
        Ok(user.filter(|user| user.id == who.id))
    }

    /// Forgets all users, after a change.
    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    /// What the salts of users that do not exist are derived from.
    pub(crate) async fn secret(&self) -> Result<&[u8; 32]> {
        self.secret.get_or_try_init(|| self.store.users_secret()).await
    }

    fn known(&self) -> MutexGuard<'_, HashMap<UserName, (Instant, Arc<User>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
