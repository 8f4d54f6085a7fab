//! Trailers of commits: short facts that programs add, like git's trailers.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::model::codec::{Reader, put_bytes, put_varint};
use crate::{Error, Result};

/// The maximum number of trailers of a commit.
pub const MAX_TRAILERS: usize = 32;

/// The maximum length of a trailer's key, in bytes.
pub const MAX_TRAILER_KEY_BYTES: usize = 64;

/// The maximum length of a trailer's value, in bytes.
pub const MAX_TRAILER_VALUE_BYTES: usize = 1024;

/// A small map of facts about a commit, ordered by key: the session or transaction that requested
/// it, the run of an experiment, a ticket.
///
/// At most [`MAX_TRAILERS`]; a key has 1 to [`MAX_TRAILER_KEY_BYTES`] bytes, letters, digits and `._-/`; a
/// value has up to [`MAX_TRAILER_VALUE_BYTES`] bytes. The commit's digest covers them. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Trailers(Arc<BTreeMap<Box<str>, Box<str>>>);

/// One trailer, written as `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trailer {
    key: Box<str>,
    value: Box<str>,
}

impl Trailer {
    /// Checks key and value.
    ///
    /// # Errors
    /// `Invalid` if one of them violates the rules of [`Trailers`].
    pub fn new(key: &str, value: &str) -> Result<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if !(1..=MAX_TRAILER_KEY_BYTES).contains(&key.len()) || !key.chars().all(allowed) {
            return Err(Error::invalid(format!(
                "invalid key '{key}' of a trailer: expected 1 to {MAX_TRAILER_KEY_BYTES} letters, digits, '.', \
                 '_', '-' and '/'"
            )));
        }
        if value.len() > MAX_TRAILER_VALUE_BYTES {
            return Err(Error::invalid(format!(
                "invalid value of the trailer '{key}': it has {} bytes, expected up to \
                 {MAX_TRAILER_VALUE_BYTES}",
                value.len()
            )));
        }
        Ok(Self { key: key.into(), value: value.into() })
    }
}

impl FromStr for Trailer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Error::invalid(format!("invalid trailer '{text}': expected KEY=VALUE")));
        };
        Self::new(key, value)
    }
}

impl Trailers {
    /// Adds a trailer, or replaces the one with its key.
    ///
    /// # Errors
    /// `Invalid` if there would be more than [`MAX_TRAILERS`].
    pub fn with(mut self, trailer: Trailer) -> Result<Self> {
        let map = Arc::make_mut(&mut self.0);
        map.insert(trailer.key, trailer.value);
        if map.len() > MAX_TRAILERS {
            return Err(Error::invalid(format!(
                "too many trailers: a commit has at most {MAX_TRAILERS}"
            )));
        }
        Ok(self)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| &**value)
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends their number, then each key and value.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.len() as u64);
        for (key, value) in self.iter() {
            put_bytes(out, key.as_bytes());
            put_bytes(out, value.as_bytes());
        }
    }

    /// Decodes the output of [`encode`](Self::encode); there is at least one, and keys ascend.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let count = reader.varint()?;
        let mut trailers = BTreeMap::new();
        for _ in 0..count {
            let (key, value) = (reader.text()?, reader.text()?);
            let bad = |_| reader.corrupt("has an invalid trailer");
            let Trailer { key, value } = Trailer::new(key, value).map_err(bad)?;
            if trailers.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(reader.corrupt("has unordered trailers"));
            }
            trailers.insert(key, value);
        }
        if !(1..=MAX_TRAILERS).contains(&trailers.len()) {
            return Err(reader.corrupt("has an invalid number of trailers"));
        }
        Ok(Self(Arc::new(trailers)))
    }
}

impl fmt::Display for Trailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_outside_the_bounds_is_refused_by_name() {
        for (text, problem) in [
            ("ticket", "expected KEY=VALUE"),
            ("=7", "invalid key ''"),
            ("a key=7", "invalid key 'a key'"),
            (&format!("{}=7", "k".repeat(65)), "expected 1 to 64"),
            (&format!("k={}", "v".repeat(1025)), "'k': it has 1025 bytes"),
        ] {
            let error = text.parse::<Trailer>().unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
        }
        let mut trailers = Trailers::default();
        for number in 0..MAX_TRAILERS {
            trailers = trailers.with(Trailer::new(&format!("k{number}"), "").unwrap()).unwrap();
        }
        assert!(trailers.clone().with("k0=again".parse().unwrap()).is_ok());
        assert!(trailers.with("another=1".parse().unwrap()).is_err());
    }

    #[test]
    fn a_value_may_hold_an_equals_sign() {
        let trailers = Trailers::default().with("run=a=b".parse().unwrap()).unwrap();
        assert_eq!(trailers.get("run"), Some("a=b"));
    }
}
