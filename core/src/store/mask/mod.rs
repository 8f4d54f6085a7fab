//! Masked branches: reads that never return the originals.
//!
//! A mask belongs to a branch. It has a [`MaskPolicy`], a key, and the position up to which the
//! branch's documents are those of its parent: the originals. Reads return originals transformed by
//! the policy, or hide them; documents written on the masked branch itself are returned unchanged.
//! Nothing is copied: the transformation runs on every read, and is the same on every read, every
//! backend and in every collection, so that equal values stay equal.
//!
//! The mask guards reads through a [`State`], not the store: whoever may read the store's bytes, or
//! the parent branch, reads the originals. Not masked are: `_id`s, names, options and indexes of
//! collections, and the metadata of commits, including their digests.
//!
//! | file | content |
//! | --- | --- |
//! | `policy.rs` | the policy that a user writes |
//! | `hash.rs`, `fake.rs`, `redact.rs` | replacements of values |
//! | `transform.rs` | transforms the values of a document |
//! | `binding.rs` | a policy bound to the collections of a state, in the branch's record |
//! | `materialize.rs` | reads through a mask |
//! | `coverage.rs` | the effect of a policy on a state, for people |

mod binding;
mod coverage;
mod fake;
mod hash;
#[cfg(test)]
mod leaks;
mod materialize;
mod policy;
#[cfg(test)]
mod readings;
mod redact;
#[cfg(test)]
mod tests;
mod transform;

pub(crate) use binding::Mask;
pub use coverage::{Coverage, Covered, Treatment, coverage};
pub(crate) use materialize::Masked;
pub use policy::{CollectionPolicy, Fake, FieldPolicy, MaskPolicy, Transform, Unlisted};

use crate::store::State;
use crate::{Error, Result};

/// Refuses an operation that would move documents of a masked state to another branch or store, or
/// that was computed from them, because they differ from the stored documents.
///
/// # Errors
/// `Denied`, naming the `operation` ("merge from", "undo commits of").
pub fn refuse_masked(state: &State, operation: &str) -> Result<()> {
    if state.is_masked() {
        return Err(Error::denied(format!(
            "argon can't {operation} a masked branch, because its reads differ from the stored \
             documents; use the branch from which it was created"
        )));
    }
    Ok(())
}

/// Refuses to compare two states if one shows documents that the other hides.
///
/// # Errors
/// `Denied` unless both have the same mask, or none.
pub(crate) fn refuse_unlike(before: &State, after: &State) -> Result<()> {
    let problem = match (before.mask(), after.mask()) {
        (None, None) => return Ok(()),
        (Some(mask), Some(other)) if mask.is_like(other) => return Ok(()),
        (Some(_), Some(_)) => "the two states have different masks, so nearly every value differs",
        _ => "one of the two states is masked, and the other would show its originals",
    };
    Err(Error::denied(format!(
        "argon can't compare them: {problem}; compare two states of the masked branch, such as \
         NAME~1 and NAME, or two without a mask"
    )))
}
