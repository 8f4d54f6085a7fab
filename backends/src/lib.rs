//! The storage backends of Argon, each behind a cargo feature of its name.
//!
//! | URL | engine | features |
//! | --- | --- | --- |
//! | `sled:DIR` | [sled](https://docs.rs/sled) 0.34 | `sled` |
//! | `fjall:DIR` | [fjall](https://docs.rs/fjall) 3 | `fjall` |
//! | `memory:` | a map in this process | `memory` |
//! | `mongodb://HOST/DATABASE` | a MongoDB replica set | `mongodb` |
//! | `s3://BUCKET/PREFIX` | Amazon S3 or what speaks its protocol | `s3` |
//!
//! The first three share one layout (the module `ordered`, described in docs/FORMAT.md) over a small
//! trait for ordered keys and values (`ordered::engine`), which `engines` implements.

#[cfg(all(test, feature = "sled", feature = "fjall", feature = "memory"))]
mod damage;
#[cfg(any(feature = "sled", feature = "fjall"))]
mod directory;
#[cfg_attr(not(any(feature = "sled", feature = "fjall")), allow(dead_code))]
mod disk;
#[cfg(any(feature = "sled", feature = "fjall", feature = "memory"))]
mod engines;
#[cfg(all(test, feature = "sled", feature = "fjall", feature = "memory"))]
mod golden;
#[cfg(any(feature = "sled", feature = "fjall"))]
mod local;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(any(feature = "sled", feature = "fjall", feature = "memory"))]
mod ordered;
#[cfg_attr(not(any(feature = "sled", feature = "fjall")), allow(dead_code))]
mod panics;
#[cfg(any(feature = "sled", feature = "fjall"))]
#[cfg_attr(not(unix), path = "relay/without_sockets.rs")]
mod relay;
#[cfg(feature = "s3")]
mod s3;
mod system;
#[cfg(feature = "tls")]
mod tls;

#[cfg(any(feature = "sled", feature = "fjall"))]
pub use directory::{StoreInfo as DirectoryInfo, inspect};
#[cfg(any(feature = "sled", feature = "fjall"))]
pub use engines::guarded::ReadWatch;
#[cfg(feature = "memory")]
pub use memory::{memory_branch, memory_store};
pub use panics::{error_of_panic, note_panic, take_troubles};
#[cfg(feature = "s3")]
pub use s3::s3_objects;
pub use system::environment;

use argon_core::storage::Registry;

/// The backends that this build has.
pub fn registry() -> Registry {
    let registry = Registry::new();
    #[cfg(feature = "memory")]
    let registry = registry.with("memory", std::sync::Arc::new(memory::MemoryFactory));
    #[cfg(feature = "sled")]
    let registry = registry.with("sled", std::sync::Arc::new(local::SLED));
    #[cfg(feature = "fjall")]
    let registry = registry.with("fjall", std::sync::Arc::new(local::FJALL));
    #[cfg(feature = "mongodb")]
    let registry = registry
        .with("mongodb", std::sync::Arc::new(mongodb::MongoFactory))
        .with("mongodb+srv", std::sync::Arc::new(mongodb::MongoFactory));
    #[cfg(feature = "s3")]
    let registry = registry.with("s3", std::sync::Arc::new(s3::S3Factory));
    registry
}

/// What benches measure the layout against: the engines without it.
#[doc(hidden)]
#[cfg(any(feature = "sled", feature = "fjall", feature = "memory"))]
pub mod raw {
    pub use crate::engines::*;
    pub use crate::ordered::engine::*;
}
