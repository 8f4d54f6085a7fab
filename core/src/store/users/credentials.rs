//! What verifies a password, and does not contain it.

use std::fmt;

/// What verifies the password of a user. A user without any logs in by a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// For SCRAM-SHA-256.
    pub scram_sha_256: Option<ScramKeys>,
    /// For SCRAM-SHA-1, with the digest of the password that MongoDB's drivers use.
    pub scram_sha_1: Option<ScramKeys>,
}

/// The keys of a salted password (RFC 5802). Neither the password nor what a client needs to log in can
/// be computed from them, but passwords can be tried on them.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// The salt.
    pub salt: Vec<u8>,
    /// The number of iterations.
    pub iterations: u32,
    /// Verifies the proof of the client.
    pub stored_key: Vec<u8>,
    /// Signs the answer of the server.
    pub server_key: Vec<u8>,
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}
