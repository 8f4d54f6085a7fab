//! The three [`Engine`](crate::ordered::engine::Engine)s: sled, fjall and memory, each behind the
//! cargo feature of its name.

#[cfg(any(feature = "sled", feature = "fjall"))]
pub(crate) mod files;
#[cfg(any(feature = "sled", feature = "fjall"))]
mod recovery;

#[cfg(any(feature = "sled", feature = "fjall"))]
pub(crate) mod guarded;

#[cfg(feature = "fjall")]
mod fjall;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "sled")]
mod sled;

#[cfg(test)]
mod contract;

#[cfg(feature = "fjall")]
pub use self::fjall::FjallEngine;
#[cfg(feature = "memory")]
pub use self::memory::MemoryEngine;
#[cfg(feature = "sled")]
pub use self::sled::SledEngine;
