use argon_core::Branch;
use argon_core::model::{Actor, BranchName, CollectionName, Message};
use argon_core::write::{CollectionChange, WriteRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Result, json};

/// How a commit is signed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Signature {
    /// Who makes the commit; without it, the actor of the session.
    #[serde(default, deserialize_with = "json::actor")]
    #[schemars(with = "Option<String>")]
    pub actor: Option<Actor>,
    /// Why it is made.
    #[serde(default, deserialize_with = "json::message")]
    #[schemars(with = "Option<String>")]
    pub message: Option<Message>,
}

impl Signature {
    /// An empty request with this signature.
    pub fn request(&self, branch: &Branch) -> WriteRequest {
        let mut request = branch.request_as(self.actor.clone());
        request.set_message(self.message.clone().unwrap_or_default());
        request
    }
}

/// Make an empty collection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateCollection {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// Drop a collection with its documents.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DropCollection {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// Give a collection another name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct RenameCollection {
    /// What it is called.
    #[schemars(with = "String")]
    pub from: CollectionName,
    /// What it shall be called.
    #[schemars(with = "String")]
    pub to: CollectionName,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// A commit that changed a collection itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangedCollections {
    /// The branch that has the commit.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The collection as it is called after the commit, or was when it was dropped.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The commit.
    pub lsn: u64,
}

/// Makes an empty collection; writing a document makes its collection too.
///
/// # Errors
/// `AlreadyExists` if it is there.
pub async fn create(branch: &Branch, request: CreateCollection) -> Result<ChangedCollections> {
    let CreateCollection { collection, signature } = request;
    let change = CollectionChange::Create { name: collection.clone() };
    commit(branch, collection, &signature, change).await
}

/// Drops a collection with its documents; past states keep it.
///
/// # Errors
/// `NotFound` if it is not there.
pub async fn drop(branch: &Branch, request: DropCollection) -> Result<ChangedCollections> {
    let DropCollection { collection, signature } = request;
    let change = CollectionChange::Drop { name: collection.clone() };
    commit(branch, collection, &signature, change).await
}

/// Gives a collection another name; its documents and their history go with it.
///
/// # Errors
/// `NotFound` if it is not there; `AlreadyExists` if the name is taken.
pub async fn rename(branch: &Branch, request: RenameCollection) -> Result<ChangedCollections> {
    let RenameCollection { from, to, signature } = request;
    let change = CollectionChange::Rename { from, to: to.clone() };
    commit(branch, to, &signature, change).await
}

async fn commit(
    branch: &Branch,
    collection: CollectionName,
    signature: &Signature,
    change: CollectionChange,
) -> Result<ChangedCollections> {
    let mut request = signature.request(branch);
    request.change_collection(change);
    let receipt = branch.commit(request).await?.committed()?;
    Ok(ChangedCollections { branch: branch.name().clone(), collection, lsn: receipt.lsn.get() })
}
