//! Identifiers that Argon generates.

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::model::Digest;

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The identifier with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes of the identifier.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let expected = || {
                    Error::invalid(format!("invalid identifier '{text}': expected 32 hex digits"))
                };
                let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| expected())?;
                bytes.try_into().map(Self).map_err(|_| expected())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

random_id!(
    /// Identifies a timeline permanently, in every store with a copy of it: 128 random bits.
    TimelineId
);
random_id!(
    /// Identifies a project inside its store, whatever its name: 128 random bits.
    ProjectId
);

/// Distinguishes two commits of equal content that race for one position in the log: 32 random
/// bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub u32);

/// Identifies a collection permanently, also after renames.
///
/// It is derived from the name under which the collection was created and from the number of
/// earlier uses of that name on the same chain. So it is a function of the log alone, and two
/// branches that create a collection of one name refer to the same collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionId(u64);

impl CollectionId {
    /// The collection whose documents describe all others (see [`Catalog`](crate::Catalog)).
    pub const CATALOG: CollectionId = CollectionId(0);

    /// The identifier with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this identifier.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The identifier of the `incarnation`-th collection that is created under `name`.
    pub(crate) fn derive(name: &str, incarnation: u32) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("argon 1 collection id");
        hasher.update(&incarnation.to_le_bytes());
        hasher.update(name.as_bytes());
        let digest = Digest::from(hasher.finalize());
        let number = digest.as_bytes().first_chunk().map_or(1, |bytes| u64::from_le_bytes(*bytes));
        // Numbers below 16 are reserved for collections of Argon itself. The top bit is cleared so
        // that the number is a positive BSON Int64.
        Self((number & (u64::MAX >> 1)).max(16))
    }
}

impl fmt::Display for CollectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
