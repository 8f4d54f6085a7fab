//! Who a client is: logging in by a password or a certificate.
//!
//! | file | content |
//! | --- | --- |
//! | `login.rs` | the login of a connection |
//! | `exchange.rs` | the messages of SCRAM, as the server sees them |
//! | `users.rs` | the users of the store, remembered for a moment |
//! | `throttle.rs` | slows down those who try passwords |
//! | `session.rs` | sessions, which are of one user |

mod exchange;
mod login;
mod session;
#[cfg(test)]
mod tests;
mod throttle;
mod users;

pub(crate) use exchange::{Answer, ClientFirst, Exchange};
pub(crate) use login::{Login, Pending, Who};
pub(crate) use session::of_user;
pub(crate) use throttle::Throttle;
pub(crate) use users::Users;
