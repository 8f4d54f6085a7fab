use argon_core::mask::{MaskPolicy, Treatment, coverage};
use argon_core::model::BranchName;
use argon_core::{Error, ErrorKind, Revision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::count;
use crate::{Failure, Hint, Result, Watcher, Workspace, json};

/// Make a branch of any state.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateBranch {
    /// Its name: letters, digits, `-`, `_`, `.` and `/`.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The state it starts from; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Revision>,
    /// Whether it takes no commits.
    #[serde(default)]
    pub read_only: bool,
}

/// A branch that was made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CreatedBranch {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The branch of which it was made.
    #[schemars(with = "String")]
    pub parent: BranchName,
    /// The position at which it left its parent.
    pub lsn: u64,
    /// Whether it takes no commits.
    pub read_only: bool,
}

/// Makes a branch; it costs one write, whatever the size of the data.
///
/// # Errors
/// `AlreadyExists` if there is a branch or a pin of that name; `NotFound` if the state is not there.
pub async fn create(workspace: &Workspace, request: CreateBranch) -> Result<CreatedBranch> {
    let CreateBranch { branch, from, read_only } = request;
    let (state, parent) = workspace.named_state(from.as_ref()).await?;
    let project = &workspace.project;
    let made = if read_only {
        project.create_read_only_branch(&branch, &state, Some(&parent)).await
    } else {
        project.create_branch(&branch, &state, Some(&parent)).await
    };
    if let Err(error) = made {
        return Err(refused(workspace, branch, error).await?);
    }
    Ok(CreatedBranch { branch, parent, lsn: state.lsn().get(), read_only })
}

async fn refused(workspace: &Workspace, branch: BranchName, error: Error) -> Result<Failure> {
    if error.kind() != ErrorKind::AlreadyExists {
        return Ok(error.into());
    }
    let pin = Revision::head(branch.clone()).pin(&workspace.project).await?;
    let name = branch.to_string();
    let hint = if pin.is_some() {
        Hint::UsePin { pin: name }
    } else {
        Hint::SwitchBranch { branch: name }
    };
    Ok(Failure::from(error).hint(hint))
}

/// Make a branch whose documents are changed or left out on every read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateMaskedBranch {
    /// Its name: letters, digits, `-`, `_`, `.` and `/`.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The state it starts from; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Revision>,
    /// What is changed and what is left out.
    #[schemars(with = "serde_json::Value")]
    pub policy: MaskPolicy,
}

/// A masked branch that was made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CreatedMaskedBranch {
    /// Its name.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The branch of which it was made.
    #[schemars(with = "String")]
    pub parent: BranchName,
    /// The position at which it left its parent.
    pub lsn: u64,
    /// Always true.
    pub masked: bool,
    /// What becomes of each collection.
    pub collections: Vec<MaskedCollection>,
}

/// What becomes of a collection on a masked branch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MaskedCollection {
    /// The collection.
    pub collection: String,
    /// How it is shown, in words.
    pub shown: String,
}

/// Makes a masked branch. Entries of the policy that name no collection are noted.
///
/// # Errors
/// `AlreadyExists` if there is a branch of that name, which gets no mask.
pub async fn create_masked(
    workspace: &Workspace,
    request: CreateMaskedBranch,
    watcher: &dyn Watcher,
) -> Result<CreatedMaskedBranch> {
    let CreateMaskedBranch { branch, from, policy } = request;
    let (state, parent) = workspace.named_state(from.as_ref()).await?;
    let coverage = coverage(&policy, &state);
    let project = &workspace.project;
    let made = project.create_masked_branch(&branch, &state, Some(&parent), policy).await;
    made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::from(error).hint(Hint::MaskNewBranch),
        _ => error.into(),
    })?;
    for entry in &coverage.unused {
        watcher.notes(&format!("the policy's entry '{entry}' names no collection"));
    }
    let collections = coverage.collections.into_iter().map(|covered| MaskedCollection {
        collection: covered.collection.to_string(),
        shown: in_words(covered.treatment),
    });
    let collections = collections.collect();
    Ok(CreatedMaskedBranch { branch, parent, lsn: state.lsn().get(), masked: true, collections })
}

/// How a collection is shown.
pub fn in_words(treatment: Treatment) -> String {
    match treatment {
        Treatment::Hidden => "hidden".to_owned(),
        Treatment::HiddenUnlisted => "hidden, since the policy has no entry for it".to_owned(),
        Treatment::ShownUnlisted => "shown as it is, since unlisted = \"show\"".to_owned(),
        Treatment::Masked { fields, allow_list, filtered } => {
            let mut parts = vec![count(fields as u64, "rule")];
            parts.extend(allow_list.then(|| "only what is allowed is shown".to_owned()));
            parts.extend(filtered.then(|| "only documents that match".to_owned()));
            parts.join(", ")
        }
    }
}
