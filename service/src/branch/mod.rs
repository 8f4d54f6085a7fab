//! Branches of a project.

mod create;
mod delete;
mod list;
mod mask;
mod protect;
mod read_only;
mod rename;
mod stats;
mod switch;

pub use self::create::{
    CreateBranch, CreateMaskedBranch, CreatedBranch, CreatedMaskedBranch, MaskedCollection, create,
    create_masked, in_words,
};
pub use self::delete::{BranchDeleted, DeleteBranch, delete};
pub use self::list::{ListBranches, ListedBranch, list};
pub use self::mask::{BranchMask, ShowMask, mask};
pub use self::protect::{BranchProtection, ProtectBranch, protect};
pub use self::read_only::{BranchWritability, MakeReadOnly, set_read_only};
pub use self::rename::{RenameBranch, RenamedBranch, rename};
pub use self::stats::{BranchStats, CountBranch, stats};
pub use self::switch::{CurrentBranch, SwitchBranch, switch};
