//! Where a store is.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// Where a store is: `scheme:rest`, such as `sled:./data` or `memory:`.
///
/// It may hold credentials, so `Debug` and `Display` leave out what stands between `//` and `@`, and
/// the values of parameters that are secret by their names.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl {
    scheme: String,
    rest: String,
}

impl StoreUrl {
    /// A URL of this scheme.
    pub fn new(scheme: impl Into<String>, rest: impl Into<String>) -> Self {
        Self { scheme: scheme.into(), rest: rest.into() }
    }

    /// What stands before the first colon: names the backend.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What stands after the first colon; the backend knows what it means.
    pub fn rest(&self) -> &str {
        &self.rest
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let scheme = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b"+-0123456789".contains(&b))
        };
        match text.split_once(':') {
            Some((before, rest)) if scheme(before) => Ok(Self::new(before, rest)),
            // The text may hold a password, so it is not repeated here.
            _ => Err(Error::invalid(
                "that is no store URL: SCHEME:WHERE is expected, such as sled:./data",
            )),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, query) = match self.rest.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (self.rest.as_str(), None),
        };
        write!(f, "{}:", self.scheme)?;
        match without_credentials(place) {
            Some(rest) => write!(f, "//…@{rest}")?,
            None => f.write_str(place)?,
        }
        for (at, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
            f.write_str(if at == 0 { "?" } else { "&" })?;
            match parameter.split_once('=') {
                Some((name, _)) if is_secret(name) => write!(f, "{name}=…")?,
                _ => f.write_str(parameter)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// What follows the credentials in `//user:password@host/…`. A password may hold an `@` or a `/` that
/// should have been escaped, so the last `@` counts where a user stands before the host.
fn without_credentials(place: &str) -> Option<&str> {
    let place = place.strip_prefix("//")?;
    let authority = place.split('/').next().unwrap_or(place);
    if authority.contains('@') || authority.contains(':') {
        return place.rsplit_once('@').map(|(_, rest)| rest);
    }
    None
}

/// Whether a parameter of this name is not to be shown.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "credential", "properties", "key_id"]
        .iter()
        .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_never_shown() {
        let url: StoreUrl = "mongodb://ada:s3cret@db.example/shop".parse().unwrap();
        assert_eq!(url.to_string(), "mongodb://…@db.example/shop");
        assert!(!format!("{url:?}").contains("s3cret"));
        let error = "ada:s3cret@db".replace(':', "").parse::<StoreUrl>().unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn what_follows_a_host_is_shown_but_for_secrets() {
        let shown = |text: &str| text.parse::<StoreUrl>().unwrap().to_string();
        assert_eq!(
            shown("s3://bucket/a@b?region=x&Session_Token=abc"),
            "s3://bucket/a@b?region=x&Session_Token=…"
        );
        assert_eq!(
            shown("mongodb://ada:s3@cr/et@db/shop?tls=true"),
            "mongodb://…@db/shop?tls=true"
        );
        assert_eq!(shown("sled:./a?b"), "sled:./a?b");
        assert!(!shown("mongodb://db/shop?tlsCertificateKeyFilePassword=p").contains("=p"));
    }

    #[test]
    fn a_url_without_a_scheme_is_refused() {
        for text in ["", "data", "/a/b", "C:\\x", ":x"] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }
}
