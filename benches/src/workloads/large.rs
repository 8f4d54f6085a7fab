//! Stores with many documents and branches that changed some of them, shared by several workloads.

use argon_core::model::BranchName;
use argon_core::{Branch, State, Store};
use tokio::sync::MutexGuard;

use crate::Result;
use crate::documents::{DOCUMENT_BYTES, checked, raw};
use crate::filled::Filled;
use crate::subject::Subject;
use crate::writing::{as_history, import};

/// How many documents the branches of [`with_changes`] have changed. Their timelines get the short
/// numbers from 1, in this order.
pub const CHANGES: [u64; 3] = [100, 1_000, 10_000];

/// The name of the store with many documents.
pub const MANY: &str = "many-documents";

/// A store with a million documents, made when it is first asked for.
pub struct Many<'a> {
    guard: MutexGuard<'a, Option<Filled>>,
    /// How many documents it has.
    pub documents: u64,
}

impl<'a> Many<'a> {
    /// The one of this subject.
    pub async fn of(subject: &'a Subject) -> Result<Self> {
        let documents = subject.size(1_000_000, 100_000);
        let mut guard = subject.many_documents.lock().await;
        if guard.is_none() {
            *guard = Some(with_changes(subject, MANY, documents).await?);
        }
        Ok(Self { guard, documents })
    }

    /// The store.
    pub fn filled(&self) -> Result<&Filled> {
        Ok(self.guard.as_ref().ok_or("the store with many documents is closed")?)
    }

    /// Closes it; the next who asks for it has it opened again.
    pub fn close(&mut self) {
        *self.guard = None;
    }

    /// Puts it back.
    pub fn keep(&mut self, filled: Filled) {
        *self.guard = Some(filled);
    }
}

/// A store with so many documents on `main`, and a [branch](branch_with) for each of [`CHANGES`].
pub async fn with_changes(subject: &Subject, name: &str, documents: u64) -> Result<Filled> {
    let (store, main) = imported(subject, name, documents).await?;
    for changes in CHANGES {
        let branch = main
            .project()
            .create_branch(&branch_with(changes)?, &main.head().await?, Some(main.name()))
            .await?;
        let mut revised = Vec::new();
        for number in changed(documents, changes) {
            revised.push(checked(number, 1, DOCUMENT_BYTES)?);
        }
        as_history(&branch, revised.into_iter()).await?;
    }
    Filled::from(subject, name, store, main).await
}

/// A store with so many documents on `main`.
pub async fn imported(subject: &Subject, name: &str, documents: u64) -> Result<(Store, Branch)> {
    let (store, main) = subject.create(name).await?;
    import(&main, (0..documents).map(|number| raw(number, 0, DOCUMENT_BYTES))).await?;
    Ok((store, main))
}

/// The branch that changed so many documents, each in a commit of its own.
pub fn branch_with(changes: u64) -> Result<BranchName> {
    Ok(BranchName::new(format!("changes-{changes}"))?)
}

/// The numbers of those documents: spread evenly.
pub fn changed(documents: u64, changes: u64) -> impl Iterator<Item = u64> {
    let apart = documents / changes;
    (0..changes).map(move |change| change * apart)
}

/// The heads of `main` and of the branch that changed so many documents.
pub async fn before_and_after(filled: &Filled, changes: u64) -> Result<(State, State)> {
    let main = &filled.branch;
    let branch = main.project().branch(&branch_with(changes)?).await?;
    Ok((main.head().await?, branch.head().await?))
}
