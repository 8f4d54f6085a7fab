//! Proofs of histories.

use argon_core::model::Digest;
use argon_core::verify::{self, Demands};
use argon_core::{Error, PublicKey, Revision, State};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Result, Workspace, json};

/// Verify the digests of a history, and its pins and their signatures.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct VerifyHistory {
    /// The state; default: the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
    /// Trust the history up to this earlier state.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Revision>,
    /// The expected digest of the state: 64 hexadecimal digits.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub expect: Option<Digest>,
    /// Public keys of 64 hexadecimal digits; one of them must have signed the whole history. If the state is given
    /// as a pin, that pin must be signed, else any pin of the state.
    #[serde(default, deserialize_with = "keys")]
    #[schemars(with = "Vec<String>")]
    pub keys: Vec<PublicKey>,
}

fn keys<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<PublicKey>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    texts.iter().map(|text| PublicKey::parse(text).map_err(D::Error::custom)).collect()
}

/// A verified history.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct VerifiedHistory {
    /// The number of verified commits.
    pub commits: u64,
    /// The position after which they begin.
    pub from: u64,
    /// Whether garbage collection removed the commits up to there.
    pub collected: bool,
    /// The position of the state.
    pub lsn: u64,
    /// The digest of its last commit.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// The pins on the history.
    pub pins: Vec<VerifiedPin>,
}

/// A pin on a verified history.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct VerifiedPin {
    /// Its name.
    pub pin: String,
    /// The position of its state.
    pub lsn: u64,
    /// The public key of its valid signature, if it is signed.
    pub key: Option<String>,
    /// The fingerprint of that key.
    pub fingerprint: Option<String>,
}

/// Verifies a history by computing the digest of each commit from its content and the digest before. Calls `progress`
/// with the number of verified commits.
///
/// # Errors
/// `Corrupt` with the first commit, pin or signature that does not match; `Invalid` if `from` is not an earlier state
/// of the same history.
pub async fn verify(
    workspace: &Workspace,
    request: VerifyHistory,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<VerifiedHistory> {
    let state = workspace.state(request.revision.as_ref()).await?;
    let mut from = None;
    if let Some(revision) = &request.from {
        let begin = workspace.state(Some(revision)).await?;
        if state.at(begin.lsn()).await.ok().as_ref().map(State::view) != Some(begin.view()) {
            let error = format!("'{revision}' is not an earlier state of the same history");
            return Err(Error::invalid(error).into());
        }
        from = Some(begin.lsn());
    }
    let pin = match &request.revision {
        Some(revision) => revision.pin(&workspace.project).await?,
        None => None,
    };
    let demands = Demands { from, expect: request.expect, keys: &request.keys, pin: pin.as_ref() };
    Ok(verify::verify(&workspace.project, &state, demands, progress).await?.into())
}

impl From<verify::Verified> for VerifiedHistory {
    fn from(verified: verify::Verified) -> Self {
        let verify::Verified { from, collected, commits, head, pins } = verified;
        let pins = pins.into_iter().map(|met| VerifiedPin {
            pin: met.name.to_string(),
            lsn: met.lsn.get(),
            key: met.signed_by.map(|key| key.to_string()),
            fingerprint: met.signed_by.as_ref().map(PublicKey::fingerprint),
        });
        Self {
            commits,
            from: from.get(),
            collected,
            lsn: head.lsn.get(),
            digest: head.digest,
            pins: pins.collect(),
        }
    }
}
