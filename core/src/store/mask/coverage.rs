//! The effect of a policy on a state.

use crate::model::CollectionName;
use crate::store::State;
use crate::store::mask::{MaskPolicy, Unlisted};

/// The effect of a policy on a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The collections of the state, by name.
    pub collections: Vec<Covered>,
    /// The names of entries that apply to no collection of the state.
    pub unused: Vec<String>,
}

/// The effect of a policy on a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The name.
    pub collection: CollectionName,
    /// The effect.
    pub treatment: Treatment,
}

/// The effect of a policy on a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Its documents are masked by an entry of the policy.
    Masked {
        /// The number of rules for fields.
        fields: usize,
        /// Whether only allowed fields are shown unchanged.
        allow_list: bool,
        /// Whether only documents that match a query are shown.
        filtered: bool,
    },
    /// Hidden by an entry of the policy.
    Hidden,
    /// Hidden, because the policy does not list it.
    HiddenUnlisted,
    /// Shown, although the policy does not list it.
    ShownUnlisted,
}

/// Computes the effect of a policy on a state. Reads no document.
pub fn coverage(policy: &MaskPolicy, state: &State) -> Coverage {
    let mut used = vec![false; policy.collections.len()];
    let collections = state
        .collections()
        .map(|info| {
            let at = policy.entry_for(info.name.as_str());
            if let Some(at) = at {
                used[at] = true;
            }
            let treatment = match at.and_then(|at| policy.collections.get(at)) {
                None if policy.unlisted == Unlisted::Show => Treatment::ShownUnlisted,
                None => Treatment::HiddenUnlisted,
                Some(entry) if entry.hide => Treatment::Hidden,
                Some(entry) => Treatment::Masked {
                    fields: entry.fields.len(),
                    allow_list: entry.otherwise().is_some(),
                    filtered: entry.keep.is_some(),
                },
            };
            Covered { collection: info.name.clone(), treatment }
        })
        .collect();
    let entries = policy.collections.iter().zip(used);
    let unused = entries.filter(|(_, used)| !used).map(|(entry, _)| entry.name.clone()).collect();
    Coverage { collections, unused }
}
