//! The numbered contracts of `Wal`.

mod append;
mod prune;
mod read;
mod seal;

use crate::case::Case;

pub(crate) fn cases() -> Vec<Case> {
    [append::cases(), prune::cases(), read::cases(), seal::cases()].concat()
}
