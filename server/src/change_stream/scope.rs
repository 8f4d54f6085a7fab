//! Which events a stream has, and which of them end it.

use argon_core::model::CollectionName;

use super::event::{Event, Operation};

/// What a stream is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A collection.
    Collection(CollectionName),
    /// A database.
    Database,
    /// All databases.
    Cluster,
}

impl Scope {
    /// Whether a stream has an event.
    pub(super) fn has(&self, event: &Event) -> bool {
        match self {
            Self::Collection(name) => {
                event.collection.as_ref() == Some(name) || event.renamed_to.as_ref() == Some(name)
            }
            Self::Database | Self::Cluster => true,
        }
    }

    /// Whether an event that the stream has is its last: what it was of is gone.
    pub(super) fn ends_with(&self, event: &Event) -> bool {
        match self {
            Self::Collection(_) => matches!(event.operation, Operation::Drop | Operation::Rename),
            Self::Database => event.operation == Operation::DropDatabase,
            Self::Cluster => false,
        }
    }
}
