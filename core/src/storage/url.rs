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

    /// The same without the password and without secret parameters, but with the user: what may be
    /// written down. `None` when it can't be told where the password ends, as the `@` or `/` in it
    /// is not escaped.
    pub fn without_secrets(&self) -> Option<StoreUrl> {
        let without_password = without_password(&self.rest)?;
        let (place, query) = split_query(&without_password);
        let parameters = query.into_iter().flat_map(|query| query.split('&'));
        let kept = parameters.filter(|parameter| !is_secret(name_before(parameter, '=')));
        let rest = kept.enumerate().fold(place.to_owned(), |rest, (at, parameter)| {
            rest + if at == 0 { "?" } else { "&" } + parameter
        });
        Some(Self { scheme: self.scheme.clone(), rest })
    }

    /// Whether it holds a password or another secret, so that it must not be shown as it is.
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
            _ => Err(Error::invalid(
                "that is no store URL: SCHEME:WHERE is expected, such as sled:./data",
            )),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        let (place, query) = match without_credentials(&self.rest) {
            Some(rest) => {
                f.write_str("//…@")?;
                split_query(rest)
            }
            None => split_query(&self.rest),
        };
        f.write_str(place)?;
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

/// What stands before the first `?`, and what follows it.
fn split_query(rest: &str) -> (&str, Option<&str>) {
    rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)))
}

/// What stands before the first `separator`, or all.
fn name_before(text: &str, separator: char) -> &str {
    text.split_once(separator).map_or(text, |(name, _)| name)
}

/// Whether a user, with or without a password, may stand before the host.
fn may_have_credentials(rest: &str) -> bool {
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next());
    authority.is_some_and(|authority| authority.contains(['@', ':']))
}

/// What follows the credentials in `//user:password@host/…`. A password may hold an `@`, a `/` or a
/// `?` that should have been escaped, so the last `@` counts where a user may stand before the host:
/// it is better to show too little.
fn without_credentials(rest: &str) -> Option<&str> {
    if !may_have_credentials(rest) {
        return None;
    }
    rest.rsplit_once('@').map(|(_, after)| after)
}

/// The same with `//user@` in place of `//user:password@`; `None` if these can't be told apart.
fn without_password(rest: &str) -> Option<String> {
    let Some((before, after)) = rest.split_once('@').filter(|_| may_have_credentials(rest)) else {
        return Some(rest.to_owned());
    };
    let credentials = before.strip_prefix("//").unwrap_or(before);
    if credentials.contains(['/', '?']) || after.contains('@') {
        return None;
    }
    let user = name_before(credentials, ':');
    Some(format!("//{user}@{after}"))
}

/// Whether a parameter of this name is not to be shown.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "credential", "properties", "access_key"]
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
    fn a_url_without_a_scheme_is_refused() {
        for text in ["", "data", "/a/b", "C:\\x", ":x"] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }
}
