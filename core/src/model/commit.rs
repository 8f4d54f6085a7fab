//! Commits, the content of a log.

use std::fmt;
use std::sync::Arc;

use bson::DateTime;

use crate::document::key::Key;
use crate::model::codec::{Reader, put_bytes, put_varint};
use crate::model::{CollectionId, Digest, Document, Lsn, Nonce, Origin, Trailers};
use crate::{Error, Result};

/// The maximum total size of the documents of one commit: 256 MiB. A commit is held in memory
/// completely; larger loads are split into several commits.
pub const MAX_COMMIT_BYTES: usize = 256 * 1024 * 1024;

/// The maximum length of an actor's name, in bytes.
pub const MAX_ACTOR_BYTES: usize = 256;

/// The maximum length of a commit message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// The size of the buffer for digests.
const DIGEST_PIECE_BYTES: usize = 32 * 1024;

macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $least:literal, $most:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the length.
            ///
            /// # Errors
            /// `Invalid` if the length is out of bounds.
            pub fn new(text: impl Into<Arc<str>>) -> Result<Self> {
                let text = text.into();
                if ($least..=$most).contains(&text.len()) {
                    Ok(Self(text))
                } else {
                    Err(Error::invalid(format!(
                        "{} has {} bytes; expected {} to {}", $what, text.len(), $least, $most
                    )))
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

bounded_text!(
    /// The actor of a commit: 1 to [`MAX_ACTOR_BYTES`] bytes.
    Actor, "the actor's name", 1, MAX_ACTOR_BYTES
);
bounded_text!(
    /// The message of a commit: up to [`MAX_MESSAGE_BYTES`] bytes, may be empty.
    Message, "the message", 0, MAX_MESSAGE_BYTES
);

impl Default for Message {
    fn default() -> Self {
        Self("".into())
    }
}

/// The metadata of a commit, without its changes and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMeta {
    /// The position.
    pub lsn: Lsn,
    /// The time of the commit, in milliseconds UTC; never before its predecessor's.
    pub time: DateTime,
    /// Distinguishes it from another writer's commit at the same position.
    pub nonce: Nonce,
    /// The actor.
    pub actor: Actor,
    /// The message.
    pub message: Message,
    /// The origin.
    pub origin: Origin,
    /// The trailers of programs.
    pub trailers: Trailers,
}

/// Added to the number of an origin if trailers follow. Without trailers, the bytes of a commit,
/// and so its digest, are the same as before trailers existed.
const TRAILERS_FOLLOW: u8 = 0x80;

/// The state of a document after a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Image {
    /// The whole document.
    Document(Document),
    /// The document was deleted.
    Deleted,
}

impl Image {
    /// The document, unless it was deleted.
    pub fn into_document(self) -> Option<Document> {
        match self {
            Image::Document(document) => Some(document),
            Image::Deleted => None,
        }
    }
}

/// The change of one document in a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The collection.
    pub collection: CollectionId,
    /// The document's `_id`.
    pub key: Key,
    /// The document after the change.
    pub image: Image,
}

/// A [`Change`] without the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The collection.
    pub collection: CollectionId,
    /// The document's `_id`.
    pub key: Key,
    /// Whether the document was deleted.
    pub deleted: bool,
}

/// An atomic group of changes on one timeline; with `C =` [`Touched`] it only names the changed
/// documents.
///
/// No two changes of a commit are of the same document.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit<C = Change> {
    /// Position, time, actor, message, origin.
    pub meta: CommitMeta,
    /// BLAKE3 of the predecessor's digest, the metadata and the changes (see
    /// [`Commit::compute_digest`]).
    pub digest: Digest,
    /// The changes, in the order of the request.
    pub changes: Vec<C>,
}

impl CommitMeta {
    /// Appends the metadata in the form that is digested and stored.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.lsn.get());
        put_varint(out, self.time.timestamp_millis().cast_unsigned());
        out.extend_from_slice(&self.nonce.0.to_le_bytes());
        put_bytes(out, self.actor.as_str().as_bytes());
        put_bytes(out, self.message.as_str().as_bytes());
        let origin = out.len();
        self.origin.encode(out);
        if !self.trailers.is_empty() {
            out[origin] |= TRAILERS_FOLLOW;
            self.trailers.encode(out);
        }
    }

    /// Decodes the output of [`CommitMeta::encode`].
    ///
    /// # Errors
    /// `Corrupt` if the bytes are malformed.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let lsn = reader.lsn()?;
        let time = DateTime::from_millis(reader.varint()?.cast_signed());
        let nonce = Nonce(u32::from_le_bytes(reader.array()?));
        let actor =
            Actor::new(reader.text()?).map_err(|_| reader.corrupt("has an invalid actor"))?;
        let message = Message::new(reader.text()?);
        let message = message.map_err(|_| reader.corrupt("has an invalid message"))?;
        let kind = reader.byte()?;
        let origin = Origin::decode(kind & !TRAILERS_FOLLOW, reader)?;
        let trailers = match kind & TRAILERS_FOLLOW {
            0 => Trailers::default(),
            _ => Trailers::decode(reader)?,
        };
        Ok(Self { lsn, time, nonce, actor, message, origin, trailers })
    }
}

impl Commit {
    /// Creates a commit with its digest.
    pub(crate) fn sealed(meta: CommitMeta, previous: &Digest, changes: Vec<Change>) -> Self {
        let mut commit = Self { meta, digest: Digest::ZERO, changes };
        commit.digest = commit.compute_digest(previous);
        commit
    }

    /// Computes the digest of the commit after a predecessor with the digest `previous`.
    ///
    /// It is BLAKE3 in key derivation mode with the context `argon 1 commit`, over: the previous
    /// digest; the encoded metadata with its length; then for each change the collection's number
    /// (u64, little endian), the key with its length, and the document with its length, which is 0
    /// for a deletion. Lengths are varints.
    pub fn compute_digest(&self, previous: &Digest) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("argon 1 commit");
        let mut buffer = Vec::with_capacity(256);
        buffer.extend_from_slice(previous.as_bytes());
        let mut meta = Vec::with_capacity(64);
        self.meta.encode(&mut meta);
        put_bytes(&mut buffer, &meta);
        for change in &self.changes {
            buffer.extend_from_slice(&change.collection.get().to_le_bytes());
            put_bytes(&mut buffer, change.key.as_bytes());
            match &change.image {
                Image::Deleted => put_varint(&mut buffer, 0),
                Image::Document(document) => put_bytes(&mut buffer, document.as_bytes()),
            }
            // BLAKE3 is several times faster on large inputs.
            if buffer.len() >= DIGEST_PIECE_BYTES {
                hasher.update(&buffer);
                buffer.clear();
            }
        }
        hasher.update(&buffer);
        hasher.finalize().into()
    }

    /// The total size of the documents of the commit, which bounds group commits.
    pub fn document_bytes(&self) -> usize {
        self.changes
            .iter()
            .map(|change| match &change.image {
                Image::Document(document) => document.as_bytes().len(),
                Image::Deleted => 0,
            })
            .sum()
    }

    /// The same commit with the documents only named.
    pub fn without_documents(self) -> Commit<Touched> {
        let touched = |change: Change| Touched {
            collection: change.collection,
            key: change.key,
            deleted: change.image == Image::Deleted,
        };
        let Self { meta, digest, changes } = self;
        Commit { meta, digest, changes: changes.into_iter().map(touched).collect() }
    }
}

impl<C> Commit<C> {
    /// The head on which the next commit builds.
    pub fn head(&self) -> crate::model::Head {
        crate::model::Head { lsn: self.meta.lsn, digest: self.digest, time: self.meta.time }
    }
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    fn meta() -> CommitMeta {
        CommitMeta {
            lsn: Lsn::new(7),
            time: DateTime::from_millis(1_700_000_000_123),
            nonce: Nonce(0xdead_beef),
            actor: Actor::new("ada").unwrap(),
            message: Message::new("why not").unwrap(),
            origin: Origin::Import { source: "dump/zips.bson".into() },
            trailers: Trailers::default(),
        }
    }

    #[test]
    fn meta_data_comes_back_and_its_bytes_do_not_change_between_versions() {
        let mut bytes = Vec::new();
        meta().encode(&mut bytes);
        let golden =
            "07fbd095ffbc31efbeadde036164610777687920 6e6f74010e64756d702f7a6970732e62736f6e";
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden.replace(' ', ""));
        let mut reader = Reader::new("commit", &bytes);
        assert_eq!(CommitMeta::decode(&mut reader).unwrap(), meta());
        assert!(reader.finish().is_ok());
    }

    #[test]
    fn trailers_come_back_and_their_bytes_do_not_change_between_versions() {
        let trailers = Trailers::default().with("txn=7".parse().unwrap()).unwrap();
        let trailers = trailers.with("run=a".parse().unwrap()).unwrap();
        let meta = CommitMeta { origin: Origin::Write, trailers, ..meta() };
        let mut bytes = Vec::new();
        meta.encode(&mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex.ends_with("776879206e6f7480020372756e01610374786e0137"), "{hex}");
        let mut reader = Reader::new("commit", &bytes);
        assert_eq!(CommitMeta::decode(&mut reader).unwrap(), meta);
        assert!(reader.finish().is_ok());
        crate::model::codec::for_each_damage(&bytes, |damaged| {
            let read = CommitMeta::decode(&mut Reader::new("commit", damaged));
            let kind = read.err().map(|error| error.kind());
            assert!(kind.is_none_or(|kind| kind == crate::ErrorKind::Corrupt), "{kind:?}");
        });
    }

    #[test]
    fn the_digest_covers_predecessor_meta_data_and_changes() {
        let (key, document) = Document::checked(rawdoc! { "_id": 1, "a": 2 }).unwrap();
        let change =
            Change { collection: CollectionId::new(99), key, image: Image::Document(document) };
        let commit = Commit::sealed(meta(), &Digest::ZERO, vec![change.clone()]);
        let mut others = vec![
            Commit::sealed(meta(), &Digest::of(b"x"), vec![change.clone()]),
            Commit::sealed(
                CommitMeta { nonce: Nonce(1), ..meta() },
                &Digest::ZERO,
                vec![change.clone()],
            ),
            Commit::sealed(
                CommitMeta {
                    trailers: Trailers::default().with("a=b".parse().unwrap()).unwrap(),
                    ..meta()
                },
                &Digest::ZERO,
                vec![change.clone()],
            ),
            Commit::sealed(meta(), &Digest::ZERO, vec![]),
        ];
        let deleted = Change { image: Image::Deleted, ..change };
        others.push(Commit::sealed(meta(), &Digest::ZERO, vec![deleted]));
        for other in others {
            assert_ne!(other.digest, commit.digest);
        }
        assert_eq!(
            commit.digest.to_string(),
            "6a0b8f343f2fb3f2cc42f620f1d68c14c470ff9d5addefd6417f0a0d8b0717ce",
            "golden"
        );
    }
}
