use argon_core::PublicKey;
use argon_core::pins::Pin;
use schemars::JsonSchema;
use serde::Serialize;

use crate::json::Time;

/// A pin.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownPin {
    /// Its name.
    pub pin: String,
    /// The branch of which it is a state.
    pub branch: String,
    /// The position of the state.
    pub lsn: u64,
    /// The timeline of the state; none if it is empty.
    pub timeline: Option<String>,
    /// The digest of its last commit, which covers all before.
    pub digest: String,
    /// When the pin was made.
    pub created: Time,
    /// Who made it.
    pub actor: String,
    /// Why.
    pub note: String,
    /// The public key that verifies its signature, if it is signed.
    pub key: Option<String>,
    /// The fingerprint of that key.
    pub fingerprint: Option<String>,
    #[serde(skip)]
    short_digest: String,
}

impl ShownPin {
    /// The digest as people are shown it.
    pub fn short_digest(&self) -> &str {
        &self.short_digest
    }
}

impl From<Pin> for ShownPin {
    fn from(pin: Pin) -> Self {
        let Pin { name, head, point, branch, created, actor, note, signed_by } = pin;
        Self {
            pin: name.to_string(),
            branch,
            lsn: head.lsn.get(),
            timeline: point.map(|point| point.timeline.to_string()),
            digest: head.digest.to_string(),
            short_digest: head.digest.short(),
            created: Time(created),
            actor,
            note,
            key: signed_by.map(|key| key.to_string()),
            fingerprint: signed_by.as_ref().map(PublicKey::fingerprint),
        }
    }
}
