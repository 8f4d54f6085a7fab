//! The URL of a store.

mod secrets;

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The location of a store: `scheme:rest`, such as `sled:./data` or `memory:`.
///
/// It may have credentials, so `Debug` and `Display` omit the text between `//` and `@`, the text
/// between `:` and `@` anywhere else, and the values of all parameters except those known to hold
/// no secret. URLs in parameters are shown by the same rules.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl {
    scheme: String,
    rest: String,
}

impl StoreUrl {
    /// Creates a URL.
    pub fn new(scheme: impl Into<String>, rest: impl Into<String>) -> Self {
        Self { scheme: scheme.into(), rest: rest.into() }
    }

    /// Returns the part before the first colon, which names the backend.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Returns the part after the first colon, which the backend interprets.
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// Returns the URL as it may be stored: without the password and without secret parameters, but
    /// with the user. This includes URLs in parameters, such as `queue=`. `None` when the end of a
    /// password is unknown, because an `@` or `/` in it is not escaped.
    pub fn without_secrets(&self) -> Option<StoreUrl> {
        let rest = secrets::removed(&self.rest)?;
        Some(Self { scheme: self.scheme.clone(), rest })
    }

    /// Returns whether it has a password or another secret, so that it must not be shown.
    pub fn has_secrets(&self) -> bool {
        self.without_secrets().is_none_or(|without| without != *self)
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
            _ => {
                Err(Error::invalid("invalid store URL: expected SCHEME:WHERE, such as sled:./data"))
            }
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme, secrets::shown(&self.rest))
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
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
        assert_eq!(shown("sled:./a?b"), "sled:./a?b=…");
        assert!(!shown("mongodb://db/shop?tlsCertificateKeyFilePassword=p").contains("=p"));
    }

    #[test]
    fn what_is_not_escaped_in_a_password_is_not_shown_either() {
        for password in ["s3?cr", "s3/cr?et", "s3@cr?et", "s3#cr", "s3?a=b&c", "s3:cr"] {
            let url: StoreUrl = format!("mongodb://ada:{password}@db/shop").parse().unwrap();
            assert_eq!(url.to_string(), "mongodb://…@db/shop");
            assert!(url.has_secrets(), "{password}");
            let kept = url.without_secrets().map(|kept| format!("{}:{}", kept.scheme, kept.rest));
            assert!(kept.is_none_or(|kept| kept == "mongodb://ada@db/shop"), "{password}");
        }
    }

    #[test]
    fn what_may_be_written_down_has_the_user_and_no_secret() {
        for (url, kept) in [
            ("mongodb://ada:s3@db:1,db:2/shop?tls=true", "mongodb://ada@db:1,db:2/shop?tls=true"),
            ("mongodb://ada@db/shop", "mongodb://ada@db/shop"),
            ("mongodb://db:27017/shop?appName=a@b", ""),
            ("mongodb://db/shop?Password=x&a=b", "mongodb://db/shop?a=b"),
            ("s3://bucket/a@b:c?session_token=x", "s3://bucket/a@b:c"),
            ("s3://bucket/a:b@c/d", "s3://bucket/a:b@c/d"),
            ("s3://b/c?sse_kms_key_id=x", "s3://b/c?sse_kms_key_id=x"),
            ("s3://b/c?access_key_id=x&secret_access_key=y", "s3://b/c"),
            ("sled:./a@b", "sled:./a@b"),
        ] {
            let url: StoreUrl = url.parse().unwrap();
            let found = url.without_secrets();
            let text = found.as_ref().map(|kept| format!("{}:{}", kept.scheme, kept.rest));
            assert_eq!(text.as_deref().unwrap_or_default(), kept, "{url:?}");
            assert_eq!(url.has_secrets(), found != Some(url.clone()));
        }
    }

    #[test]
    fn a_password_in_a_url_within_a_parameter_is_neither_shown_nor_written_down() {
        for (text, shown, kept) in [
            (
                "legacy+file:old?queue=mongodb://ada:s3cret@h:1/q&workers=2",
                "legacy+file:old?queue=mongodb://…@h:1/q&workers=2",
                Some("legacy+file:old?queue=mongodb%3A%2F%2Fada%40h%3A1%2Fq&workers=2"),
            ),
            (
                "legacy+file:old?queue=mongodb%3A%2F%2Fada%3As3cret%40h%2Fq%3Ftls%3Dtrue",
                "legacy+file:old?queue=mongodb://…@h/q?tls=true",
                Some("legacy+file:old?queue=mongodb%3A%2F%2Fada%40h%2Fq%3Ftls%3Dtrue"),
            ),
            (
                "legacy+file:old?queue=mongodb%3A%2F%2Fh%2Fq",
                "legacy+file:old?queue=mongodb://h/q",
                Some("legacy+file:old?queue=mongodb%3A%2F%2Fh%2Fq"),
            ),
            (
                "s3://b/c?endpoint=http://u:s3cret@h:9000&region=x",
                "s3://b/c?endpoint=http://…@h:9000&region=x",
                Some("s3://b/c?endpoint=http%3A%2F%2Fu%40h%3A9000&region=x"),
            ),
            (
                "legacy+file:old?notify=https%3A%2F%2Fu%3As3cret%40hooks.example%2Fa",
                "legacy+file:old?notify=…",
                Some("legacy+file:old?notify=https%3A%2F%2Fu%40hooks.example%2Fa"),
            ),
            ("mongodb:/ada:s3cret@h/x", "mongodb:/…@h/x", None),
            ("mongodb:ada:s3cret@h/x", "mongodb:…@h/x", None),
            ("sled:data?who=ada:s3cret@h", "sled:data?who=…", None),
        ] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            let found = url.without_secrets().map(|kept| format!("{}:{}", kept.scheme, kept.rest));
            assert_eq!(found.as_deref(), kept, "{text}");
            assert_eq!(url.has_secrets(), text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn only_parameters_that_are_known_to_hold_no_secret_are_shown() {
        let url: StoreUrl = "mongodb://h/d?replicaSet=rs0&sesame=open&w=majority".parse().unwrap();
        assert_eq!(url.to_string(), "mongodb://h/d?replicaSet=rs0&sesame=…&w=majority");
    }

    #[test]
    fn a_url_without_a_scheme_is_refused() {
        for text in ["", "data", "/a/b", "C:\\x", ":x"] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }
}
