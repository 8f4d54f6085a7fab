//! A store with many documents and some branches, which workloads share.

use argon_core::model::BranchName;
use argon_core::write::Precondition;
use argon_core::{Branch, Store};

use crate::Result;
use crate::documents::{DOCUMENT_BYTES, checked, raw};
use crate::network::Remote;
use crate::subject::collection;
use crate::workloads::large::{branch_with, changed};
use crate::writing::{as_history, commit, import};

/// The name of the store.
pub const NAME: &str = "filled";

/// So many documents of the branch `changed` differ from `main`, each by a commit of its
/// own.
pub const CHANGES: u64 = 100;

/// How many timelines make up `deep`, that of `main` among them.
pub const DEPTH: u64 = 8;

/// The store, opened again after it was filled.
pub struct Filled {
    /// The store.
    pub store: Store,
    /// Its branch `main`, which has the documents.
    pub main: Branch,
    /// How many there are, with the numbers from 0.
    pub documents: u64,
}

impl Filled {
    /// Imports the documents, for the driver too, and makes the branches.
    pub async fn make(remote: &Remote) -> Result<Self> {
        let documents = remote.size(50_000, 10_000);
        let (store, main) = remote.create(NAME).await?;
        import(&main, (0..documents).map(|number| raw(number, 0, DOCUMENT_BYTES))).await?;
        remote.raw().fill(documents).await?;

        let head = main.head().await?;
        let name = branch_with(CHANGES)?;
        let branch = main.project().create_branch(&name, &head, Some(main.name())).await?;
        as_history(&branch, revised(documents, 0, 1)?.into_iter()).await?;

        let mut tip = main.clone();
        for depth in 2..=DEPTH {
            let head = tip.head().await?;
            tip = tip.project().create_branch(&name_of(depth)?, &head, Some(tip.name())).await?;
            let revised = revised(documents, depth, u32::try_from(depth)?)?;
            commit(&tip, &collection()?, revised, Precondition::Any).await?;
        }
        drop((store, main, branch, tip));
        let (store, main) = remote.open(NAME).await?;
        Ok(Self { store, main, documents })
    }
}

/// The branch that so many timelines make up, of the store that `main` is in.
pub async fn at_depth(main: &Branch, depth: u64) -> Result<Branch> {
    Ok(main.project().branch(&name_of(depth)?).await?)
}

fn name_of(depth: u64) -> Result<BranchName> {
    Ok(BranchName::new(match depth {
        1 => Store::FIRST_BRANCH.to_owned(),
        depth => format!("depth-{depth}"),
    })?)
}

/// New forms of [`CHANGES`] documents, spread evenly.
fn revised(documents: u64, from: u64, revision: u32) -> Result<Vec<crate::writing::Ready>> {
    let numbers = changed(documents, CHANGES);
    numbers.map(|number| checked(number + from, revision, DOCUMENT_BYTES)).collect()
}
