//! What a policy means for a state.

use crate::model::CollectionName;
use crate::store::State;
use crate::store::mask::{MaskPolicy, Unlisted};

/// What a policy means for a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The collections of the state, by name.
    pub collections: Vec<Covered>,
    /// The names of entries that no collection of the state goes by.
    pub unused: Vec<String>,
}

/// What is shown of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// Its name.
    pub collection: CollectionName,
    /// What is shown of it.
    pub treatment: Treatment,
}

/// What is shown of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Its documents, as an entry of the policy says.
    Masked {
        /// How many rules for fields there are.
        fields: usize,
        /// Whether only what is allowed is shown as it is.
        allow_list: bool,
        /// Whether only documents that match a query are shown.
        filtered: bool,
    },
    /// Nothing, as an entry of the policy says.
    Hidden,
    /// Nothing, since the policy does not list it.
    HiddenUnlisted,
    /// Everything, though the policy does not list it.
    ShownUnlisted,
}

/// Says what a policy means for a state. Reads no document.
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
