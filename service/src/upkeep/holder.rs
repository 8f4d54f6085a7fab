use argon_core::gc;
use schemars::JsonSchema;
use serde::Serialize;

/// The kind of a holder of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A branch.
    Branch,
    /// A backup that is younger than the retention time.
    Backup,
    /// A pin.
    Pin,
    /// An open plan.
    Plan,
    /// A branch that merged the state, which is the base of its next merge.
    MergeBase,
    /// A state that this process has open.
    Reader,
    /// A young branch whose project was deleted.
    Orphan,
}

impl From<gc::HolderKind> for HolderKind {
    fn from(kind: gc::HolderKind) -> Self {
        match kind {
            gc::HolderKind::Branch => Self::Branch,
            gc::HolderKind::Backup => Self::Backup,
            gc::HolderKind::Pin => Self::Pin,
            gc::HolderKind::Plan => Self::Plan,
            gc::HolderKind::MergeBase => Self::MergeBase,
            gc::HolderKind::Open => Self::Reader,
            gc::HolderKind::Orphan => Self::Orphan,
        }
    }
}

/// A holder of states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StateHolder {
    /// Its kind.
    pub kind: HolderKind,
    /// Its name, after that of its project: `shop/main`.
    pub name: String,
}

impl From<gc::Holder> for StateHolder {
    fn from(holder: gc::Holder) -> Self {
        Self { kind: holder.kind.into(), name: holder.name }
    }
}
