//! Whole objects by name, for backends that keep their data in a store of objects.

use async_trait::async_trait;
use bson::DateTime;

use crate::Result;
use crate::storage::Network;

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its whole name.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// When it was written, by the clock of whoever keeps it; in whole seconds at least.
    pub modified: DateTime,
}

/// A flat space of objects, such as a prefix of a bucket or a directory. Names are paths with slashes,
/// neither absolute nor with `.` or `..` in them.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Stores an object, in place of one that is there. It is durable and visible to every later call
    /// when this returns; a reader sees the old one or the new one, never a part. After an error it may
    /// have happened.
    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()>;

    /// An object, or `None`.
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// The objects whose names begin with `prefix`, by name.
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>>;

    /// Removes an object; one that is not there is no error.
    async fn delete(&self, name: &str) -> Result<()>;

    /// Where they are, for a person, without credentials.
    fn location(&self) -> String;

    /// The network that they are on; `None` for objects on this machine.
    fn network(&self) -> Option<&dyn Network> {
        None
    }
}
