//! The numbered contracts of `Wal`.

mod append;
mod read;
mod seal;

use crate::case::Case;

pub(crate) fn cases() -> Vec<Case> {
    [append::cases(), read::cases(), seal::cases()].concat()
}
