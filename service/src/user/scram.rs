//! The keys of SCRAM (RFC 5802, RFC 7677), computed from a password, and the check of a client's proof.

use std::str::FromStr;

use argon_core::storage::Secret;
use argon_core::users::{Credentials, ScramKeys};
use argon_core::{Environment, Error, Result};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A mechanism by which users log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-1, of a digest of the password, for old clients.
    Sha1,
}

impl Mechanism {
    /// All mechanisms, the best one first.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha1];

    /// The name that drivers use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha1 => "SCRAM-SHA-1",
        }
    }

    /// The iterations for new passwords, as MongoDB has them.
    pub fn iterations(self) -> u32 {
        match self {
            Self::Sha256 => 15_000,
            Self::Sha1 => 10_000,
        }
    }

    /// The bytes of a salt: as many as fit a block of the hash with the counter of PBKDF2.
    pub fn salt_bytes(self) -> usize {
        match self {
            Self::Sha256 => 28,
            Self::Sha1 => 16,
        }
    }

    /// The keys of a user for this mechanism.
    pub fn keys(self, credentials: &Credentials) -> Option<&ScramKeys> {
        match self {
            Self::Sha256 => credentials.scram_sha_256.as_ref(),
            Self::Sha1 => credentials.scram_sha_1.as_ref(),
        }
    }

    /// The keys of a prepared password.
    fn derive(self, prepared: &[u8], salt: Vec<u8>, iterations: u32) -> ScramKeys {
        let salted = match self {
            Self::Sha256 => salted::<32, _>(|out| {
                pbkdf2::pbkdf2::<Hmac<Sha256>>(prepared, &salt, iterations, out)
            }),
            Self::Sha1 => salted::<20, _>(|out| {
                pbkdf2::pbkdf2::<Hmac<Sha1>>(prepared, &salt, iterations, out)
            }),
        };
        let stored_key = self.hash(&self.hmac(&salted, b"Client Key"));
        let server_key = self.hmac(&salted, b"Server Key");
        ScramKeys { salt, iterations, stored_key, server_key }
    }

    /// The password as it is hashed.
    fn prepare(self, user: &str, password: &Secret) -> Result<Vec<u8>> {
        match self {
            // The error is omitted on purpose: it has characters of the password.
            Self::Sha256 => match stringprep::saslprep(password.reveal()) {
                Ok(prepared) => Ok(prepared.into_owned().into_bytes()),
                Err(_) => Err(Error::invalid(
                    "the password has characters that SASLprep (RFC 4013) does not allow, such as control \
                     characters; choose another one",
                )),
            },
            Self::Sha1 => {
                let digest = Md5::digest(format!("{user}:mongo:{}", password.reveal()));
                Ok(HEXLOWER.encode(&digest).into_bytes())
            }
        }
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            }
            Self::Sha1 => {
                let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("a key");
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            }
        }
    }

    fn hash(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha1 => Sha1::digest(data).to_vec(),
        }
    }

    /// Checks the proof of a client, in constant time. Returns the signature of the server; `None` if the proof
    /// is wrong.
    pub fn verify(self, keys: &ScramKeys, messages: &[u8], proof: &[u8]) -> Option<Vec<u8>> {
        let mut client_key = self.hmac(&keys.stored_key, messages);
        if client_key.len() != proof.len() {
            return None;
        }
        for (byte, proof) in client_key.iter_mut().zip(proof) {
            *byte ^= proof;
        }
        let is_right: bool = self.hash(&client_key).ct_eq(&keys.stored_key).into();
        is_right.then(|| self.hmac(&keys.server_key, messages))
    }

    /// Keys that no password has, for a user that does not exist. Those of a name are always the same.
    pub fn decoy(self, secret: &[u8; 32], user: &str) -> ScramKeys {
        let derived = |what: &str| {
            let name = self.name();
            self.hmac(secret, format!("{what}\0{name}\0{user}").as_bytes())
        };
        let mut salt = derived("salt");
        salt.truncate(self.salt_bytes());
        ScramKeys {
            salt,
            iterations: self.iterations(),
            stored_key: derived("stored key"),
            server_key: derived("server key"),
        }
    }
}

impl FromStr for Mechanism {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == text).ok_or_else(|| {
            Error::invalid(format!(
                "unknown mechanism '{text}'; expected SCRAM-SHA-256 or SCRAM-SHA-1"
            ))
        })
    }
}

/// Whether a password is that of a user with these credentials. It takes as long for a user that does not exist, who
/// has none: then keys that no password has are derived from `secret`.
pub fn is_password(
    credentials: &Credentials,
    secret: &[u8; 32],
    user: &str,
    password: &Secret,
) -> bool {
    let known = Mechanism::ALL
        .into_iter()
        .find_map(|mechanism| Some((mechanism, mechanism.keys(credentials)?.clone())));
    let (mechanism, keys) =
        known.unwrap_or_else(|| (Mechanism::Sha256, Mechanism::Sha256.decoy(secret, user)));
    let Ok(prepared) = mechanism.prepare(user, password) else { return false };
    let derived = mechanism.derive(&prepared, keys.salt, keys.iterations);
    derived.stored_key.ct_eq(&keys.stored_key).into()
}

/// The credentials of a new password, for these mechanisms; for all if there are none. SCRAM-SHA-256 is always
/// one of them: it is what a server offers to a client that asks, whether the user exists or not.
///
/// # Errors
/// `Invalid` for a password that is empty or that can't be prepared, and without SCRAM-SHA-256.
pub fn credentials(
    environment: &Environment,
    user: &str,
    password: &Secret,
    mechanisms: &[Mechanism],
) -> Result<Credentials> {
    if password.reveal().is_empty() {
        return Err(Error::invalid("the password is empty"));
    }
    if !mechanisms.is_empty() && !mechanisms.contains(&Mechanism::Sha256) {
        return Err(Error::invalid("mechanisms without SCRAM-SHA-256: add it"));
    }
    let keys = |mechanism: Mechanism| -> Result<Option<ScramKeys>> {
        if !mechanisms.is_empty() && !mechanisms.contains(&mechanism) {
            return Ok(None);
        }
        let random: [u8; 28] = environment.random();
        let salt = random[..mechanism.salt_bytes()].to_vec();
        let prepared = mechanism.prepare(user, password)?;
        Ok(Some(mechanism.derive(&prepared, salt, mechanism.iterations())))
    };
    Ok(Credentials { scram_sha_256: keys(Mechanism::Sha256)?, scram_sha_1: keys(Mechanism::Sha1)? })
}

fn salted<const N: usize, E>(
    derive: impl FnOnce(&mut [u8]) -> std::result::Result<(), E>,
) -> Vec<u8> {
    let mut salted = [0; N];
    // HMAC takes keys of any length, so this can't fail.
    let _ = derive(&mut salted);
    salted.to_vec()
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    fn keys(mechanism: Mechanism, salt: &str) -> ScramKeys {
        mechanism.derive(b"pencil", BASE64.decode(salt.as_bytes()).unwrap(), 4096)
    }

    /// The example of RFC 5802, section 5, and that of RFC 7677, section 3.
    #[test]
    fn the_examples_of_the_rfcs_are_verified() {
        for (mechanism, salt, nonce, proof, signature) in [
            (
                Mechanism::Sha1,
                "QSXCR+Q6sek8bf92",
                ("fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j"),
                "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
            (
                Mechanism::Sha256,
                "W22ZaJ0SNY7soEsUEjb6gQ==",
                ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
                "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ] {
            let keys = keys(mechanism, salt);
            let (client, server) = nonce;
            let messages = format!(
                "n=user,r={client},r={client}{server},s={salt},i=4096,c=biws,r={client}{server}"
            );
            let mut proof = BASE64.decode(proof.as_bytes()).unwrap();
            let signed = mechanism.verify(&keys, messages.as_bytes(), &proof).unwrap();
            assert_eq!(BASE64.encode(&signed), signature, "{mechanism:?}");
            assert_eq!(mechanism.verify(&keys, messages.as_bytes(), &proof[1..]), None);
            assert_eq!(mechanism.verify(&keys, &messages.as_bytes()[1..], &proof), None);
            proof[0] ^= 1;
            assert_eq!(mechanism.verify(&keys, messages.as_bytes(), &proof), None);
        }
    }

    /// The examples of RFC 4013, section 3.
    #[test]
    fn a_password_is_prepared_by_saslprep() {
        let prepared = |text: &str| Mechanism::Sha256.prepare("user", &Secret::new(text));
        for (text, expected) in
            [("I\u{ad}X", "IX"), ("USER", "USER"), ("\u{aa}", "a"), ("\u{2168}", "IX")]
        {
            assert_eq!(prepared(text).unwrap(), expected.as_bytes());
        }
        for text in ["\u{7}", "\u{627}1"] {
            let error = prepared(text).unwrap_err().to_string();
            assert!(!error.contains(text), "{error}");
        }
    }

    #[test]
    fn the_password_of_an_old_client_is_the_digest_of_mongodb() {
        let prepared = Mechanism::Sha1.prepare("user", &Secret::new("pencil")).unwrap();
        assert_eq!(String::from_utf8(prepared).unwrap(), "1c33006ec1ffd90f9cadcbcc0e118200");
    }

    #[test]
    fn a_user_that_does_not_exist_always_looks_the_same_and_has_no_password() {
        let decoy = |user| Mechanism::Sha256.decoy(&[7; 32], user);
        assert_eq!(decoy("ada"), decoy("ada"));
        assert_ne!(decoy("ada").salt, decoy("bob").salt);
        assert_eq!(decoy("ada").salt.len(), 28);
        assert_eq!(Mechanism::Sha1.decoy(&[7; 32], "ada").stored_key.len(), 20);
        assert_ne!(Mechanism::Sha256.decoy(&[8; 32], "ada").salt, decoy("ada").salt);
    }
}
