//! The backends on a network, measured against a server next to the server's own driver.
//!
//! - [`workloads`]: what is measured, a module each;
//! - [`remote`]: a server under measurement; [`place`]: where on it the stores go; [`filled`]: a
//!   store with data in it, which workloads share;
//! - [`raw`]: the drivers without Argon, which give the floors;
//! - [`meter`]: what an operation sends and gets, by the store's own counts;
//! - [`distance`]: a proxy that answers late, by which round trips are told apart from work;
//! - [`servers`]: the servers that are started if none is named.
//!
//! The floor of MongoDB is its driver writing and reading the same documents in a plain collection,
//! in the same batch sizes and with the same write concern. The floor of S3 is one object of as many
//! bytes as the store sends or gets for the same.

pub mod distance;
pub mod filled;
pub mod meter;
pub mod place;
pub mod raw;
pub mod remote;
#[cfg(feature = "servers")]
pub mod servers;
pub mod workloads;

pub use place::{RemoteLocation, ServerName};
pub use remote::Remote;
