//! Keys that sign pins: ed25519, in the file format of `openssl genpkey -algorithm ed25519`.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes, spki,
};
use ed25519_dalek::{Signer, VerifyingKey};

use crate::model::codec::put_bytes;
use crate::model::environment::Environment;
use crate::model::{Digest, PinName, ProjectId};
use crate::store::records::{PinRecord, SignatureRecord};
use crate::{Error, Hint, Result};

/// A secret key. It is wiped from memory when dropped, and never displayed.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// The public part of a [`SigningKey`]: 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl SigningKey {
    /// Generates a key from the environment's randomness.
    pub fn generate(environment: &Environment) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&environment.random()))
    }

    /// Reads a private key: PKCS#8 in PEM.
    ///
    /// # Errors
    /// `Invalid` if the text is anything else; the error contains nothing of it.
    pub fn from_pem(text: &str) -> Result<Self> {
        // The cause is omitted on purpose: it might contain parts of the file.
        ed25519_dalek::SigningKey::from_pkcs8_pem(text).map(Self).map_err(|_| {
            Error::invalid(
                "invalid private key: expected an ed25519 key in PKCS#8 PEM, as `openssl genpkey \
                 -algorithm ed25519` writes it",
            )
            .with_hint(Hint::GenerateKey)
        })
    }

    /// Formats the key as [`from_pem`](Self::from_pem) and `openssl` read it: secret.
    pub fn to_pem(&self) -> Result<impl std::ops::Deref<Target = String> + use<>> {
        // Without the public key: openssl 3.0 can't read a file that includes it.
        let key = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        key.to_pkcs8_pem(spki::der::pem::LineEnding::LF)
            .map_err(|_| Error::internal("failed to encode a key"))
    }

    /// The public part.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs the content of a pin.
    pub(crate) fn sign(
        &self,
        project: ProjectId,
        name: &PinName,
        pin: &PinRecord,
    ) -> SignatureRecord {
        let signature = self.0.sign(&message(project, name, pin)).to_bytes();
        SignatureRecord { key: binary(&self.public().0), signature: binary(&signature) }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().fingerprint())
    }
}

impl PublicKey {
    /// Reads a public key: 64 hexadecimal digits, or PEM as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// `Invalid` if the text is neither.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(key) = VerifyingKey::from_public_key_pem(text) {
            return Ok(Self(key.to_bytes()));
        }
        // A digest has the same number of digits.
        match text.parse::<Digest>() {
            Ok(bytes) => Ok(Self(*bytes.as_bytes())),
            Err(_) => Err(Error::invalid(
                "invalid public ed25519 key: expected 64 hex digits, or PEM as `openssl pkey \
                 -pubout` writes it",
            )),
        }
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> Result<String> {
        let key = VerifyingKey::from_bytes(&self.0);
        key.ok()
            .and_then(|key| key.to_public_key_pem(spki::der::pem::LineEnding::LF).ok())
            .ok_or_else(|| Error::invalid(format!("invalid public ed25519 key '{self}'")))
    }

    /// 16 hex digits that identify the key, for people: the first of the BLAKE3 digest of its
    /// bytes.
    pub fn fingerprint(&self) -> String {
        Digest::of(&self.0).to_string()[..16].to_owned()
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl SignatureRecord {
    /// The key in the record.
    pub(crate) fn key(&self) -> Result<PublicKey> {
        let key = self.key.bytes.as_slice().try_into();
        key.map(PublicKey)
            .map_err(|_| Error::corrupt("invalid key in a signature: expected 32 bytes"))
    }

    /// Checks the signature with the key in the record; returns that key.
    ///
    /// # Errors
    /// `Corrupt` if the signature does not match the content of the pin, or the key is invalid.
    pub(crate) fn verify(
        &self,
        project: ProjectId,
        name: &PinName,
        pin: &PinRecord,
    ) -> Result<PublicKey> {
        let wrong = || Error::corrupt("the signature does not match the content");
        let key = self.key()?;
        let verifying = VerifyingKey::from_bytes(&key.0).map_err(|_| wrong())?;
        let signature = ed25519_dalek::Signature::from_slice(&self.signature.bytes);
        let message = message(project, name, pin);
        signature
            .and_then(|signature| verifying.verify_strict(&message, &signature))
            .map(|()| key)
            .map_err(|_| wrong())
    }
}

/// The signed message: `argon 1 pin` and a zero byte; the project's id (16); the pin's name with
/// its length; LSN (u64) and digest (32) of its state, zeros for the empty state; the time of
/// creation (i64, milliseconds); the creator and the note with their lengths. Numbers are little
/// endian, lengths varints.
fn message(project: ProjectId, name: &PinName, pin: &PinRecord) -> Vec<u8> {
    let head = pin.head();
    let mut message = b"argon 1 pin\0".to_vec();
    message.extend_from_slice(project.as_bytes());
    put_bytes(&mut message, name.as_str().as_bytes());
    message.extend_from_slice(&head.lsn.get().to_le_bytes());
    message.extend_from_slice(head.digest.as_bytes());
    message.extend_from_slice(&pin.created.timestamp_millis().to_le_bytes());
    put_bytes(&mut message, pin.actor.as_bytes());
    put_bytes(&mut message, pin.note.as_bytes());
    message
}

fn binary(bytes: &[u8]) -> bson::Binary {
    bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: bytes.to_vec() }
}

#[cfg(test)]
mod tests {
    use bson::DateTime;

    use super::*;
    use crate::model::TimelineId;
    use crate::store::records::BaseRecord;

    /// The first test vector of RFC 8032, as openssl writes its secret key.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
                       MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
                       -----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn pin() -> PinRecord {
        PinRecord {
            state: Some(BaseRecord {
                timeline: TimelineId::from_bytes([1; 16]),
                lsn: 7,
                digest: Digest::from_bytes([2; 32]),
                time: DateTime::from_millis(3),
            }),
            branch: "main".into(),
            created: DateTime::from_millis(4),
            actor: "ada".into(),
            note: "why".into(),
            signature: None,
        }
    }

    fn name(name: &str) -> PinName {
        PinName::new(name).unwrap()
    }

    #[test]
    fn what_is_signed_does_not_change_between_versions() {
        let message = message(ProjectId::from_bytes([5; 16]), &name("v1"), &pin());
        let hex: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
        let (fives, twos) = ("05".repeat(16), "02".repeat(32));
        let golden = format!(
            "6172676f6e20312070696e00{fives}0276310700000000000000{twos}\
             04000000000000000361646103776879"
        );
        assert_eq!(hex, golden);
    }

    #[test]
    fn a_signature_holds_for_what_was_signed_and_nothing_else() {
        let key = SigningKey::from_pem(PEM).unwrap();
        assert_eq!(key.public().to_string(), PUBLIC);
        let project = ProjectId::from_bytes([5; 16]);
        let signature = key.sign(project, &name("v1"), &pin());
        let check = |project, called: &str, pin: &PinRecord| {
            signature.verify(project, &name(called), pin).map_err(|error| error.kind())
        };
        assert_eq!(check(project, "v1", &pin()), Ok(key.public()));
        let mut others = vec![pin(), pin(), pin(), pin()];
        others[0].note = "else".into();
        others[1].actor = "eve".into();
        others[2].created = DateTime::from_millis(5);
        others[3].state.as_mut().unwrap().digest = Digest::ZERO;
        for other in others {
            assert_eq!(check(project, "v1", &other), Err(crate::ErrorKind::Corrupt));
        }
        assert!(check(project, "v2", &pin()).is_err());
        assert!(check(ProjectId::from_bytes([6; 16]), "v1", &pin()).is_err());
    }

    #[test]
    fn keys_come_back_from_their_files() {
        let key = SigningKey::from_pem(PEM).unwrap();
        assert_eq!(*key.to_pem().unwrap(), PEM);
        let public = key.public();
        assert_eq!(PublicKey::parse(&public.to_pem().unwrap()).unwrap(), public);
        assert_eq!(PublicKey::parse(PUBLIC).unwrap(), public);
        assert!(PublicKey::parse("d75a").is_err());
    }

    #[test]
    fn nothing_of_a_secret_key_is_shown() {
        let key = SigningKey::from_pem(PEM).unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public().fingerprint()));
        let broken = PEM.replace("MC4CAQ", "MC4CAg");
        let error = SigningKey::from_pem(&broken).unwrap_err();
        assert!(!format!("{error:?}").contains("CIEIJ1hsZ3v"), "{error:?}");
    }
}
