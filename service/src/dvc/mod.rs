//! Lock files that make collections dependencies of DVC's pipelines.
//!
//! A lock file such as `users.argon` has the project, branch, position and the digest of a collection's content. It
//! changes only when that content does, so a stage that depends on it runs again only then. `argon.yaml` beside
//! the lock files has their positions as parameters. Neither names a store.
//!
//! | file | content |
//! | --- | --- |
//! | `lock.rs` | what a lock file says, and its text |
//! | `parameters.rs` | `argon.yaml`, and which lock files there are |
//! | `pin.rs`, `update.rs`, `check.rs` | the operations, each on one lock file |
//! | `content.rs` | the digest of a collection in a state |

mod check;
mod content;
mod lock;
mod parameters;
mod pin;
mod update;

#[cfg(test)]
mod tests;

pub use self::check::{CheckLock, CheckedLock, LockStatus, check};
pub use self::lock::Lock;
pub use self::parameters::lock_files;
pub use self::pin::{PinCollection, PinnedLock, pin};
pub use self::update::{UpdateLock, UpdatedLock, update};
