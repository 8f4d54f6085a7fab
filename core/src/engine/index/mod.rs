//! The indexes of collections: which entries an append changes, and which values must be unique.
//!
//! Entries and unique values are computed where commits are sequenced, so that nothing that is
//! written goes round them.
//!
//! | module | content |
//! | --- | --- |
//! | `kept` | the indexes whose entries the appends to a timeline keep |
//! | `lookup` | what must be read before commits are sequenced |
//! | `indexing` | the changes of entries, and the check of unique values, commit by commit |
//! | `build` | makes the entries of a state, and those of the commits since |
//! | `defaults` | what MongoDB adds to definitions of text and geo indexes |
//! | `definitions` | checks definitions, and whether they contradict each other |
//! | `readable` | the indexes that a state can be read by |

pub(crate) mod build;
mod defaults;
pub(crate) mod definitions;
mod indexing;
mod kept;
mod lookup;
pub(crate) mod readable;

pub(crate) use indexing::Indexing;
pub(crate) use kept::{KeptIndexes, compile, determining};
pub(crate) use lookup::{StateBefore, prepare};
