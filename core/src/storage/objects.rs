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
    /// Its size.
    pub bytes: u64,
    /// The time of its last write by the clock of its store, to the second or finer.
    pub modified: DateTime,
}

/// A flat space of objects, such as a prefix of a bucket or a directory. Names are relative paths
/// with slashes, without `.` and `..`.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Stores an object, and replaces one of the same name. The object is durable and visible to
    /// every later call when this returns; a reader sees the old one or the new one, never a part.
    /// After an error the object may be stored.
    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()>;

    /// Reads an object; `None` if it does not exist.
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Lists the objects whose names begin with `prefix`, by name.
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>>;

    /// Removes an object; a missing one is no error.
    async fn delete(&self, name: &str) -> Result<()>;

    /// Returns their location for people, without credentials.
    fn location(&self) -> String;

    /// Returns the network that they are on; `None` for objects on this machine.
    fn network(&self) -> Option<&dyn Network> {
        None
    }
}
