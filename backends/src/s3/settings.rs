//! The URL of a store: `s3://BUCKET/PREFIX?PARAMETER=VALUE&…`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use argon_core::storage::{SnapshotPolicy, StoreUrl, UrlOption};
use argon_core::{Error, Result};

/// The parameters and their values.
pub(super) const PARAMETERS: &[UrlOption] = &[
    UrlOption {
        name: "region",
        value: "NAME",
        expected: "the region of the bucket",
        about: "default: as for every AWS tool (AWS_REGION, ~/.aws/config)",
    },
    UrlOption {
        name: "endpoint",
        value: "URL",
        expected: "the URL of a server that is not Amazon's",
        about: "another server, such as http://localhost:9000; default: Amazon's",
    },
    UrlOption {
        name: "path_style",
        value: "true",
        expected: "true or false",
        about: "the bucket in the path instead of the host name; default: false",
    },
    UrlOption {
        name: "profile",
        value: "NAME",
        expected: "a profile of the AWS files",
        about: "of ~/.aws; default: AWS_PROFILE, or default",
    },
    UrlOption {
        name: "sse",
        value: "AES256|aws:kms",
        expected: "AES256 or aws:kms",
        about: "encryption at rest; default: as the bucket says",
    },
    UrlOption {
        name: "sse_kms_key_id",
        value: "ID",
        expected: "a key of KMS",
        about: "the key for aws:kms; default: the bucket's",
    },
    UrlOption {
        name: "snapshot_commits",
        value: "N",
        expected: "a count, 0 for never",
        about: "make a snapshot of a branch every N commits; 0 for never; default: 1000",
    },
    UrlOption {
        name: "snapshot_bytes",
        value: "N",
        expected: "a count, 0 for never",
        about: "or every N bytes of documents; 0 for never; default: 67108864",
    },
    UrlOption {
        name: "zstd_level",
        value: "N",
        expected: "1 to 22",
        about: "of snapshots, 1 (fast) to 22 (small); default: 3",
    },
    UrlOption {
        name: "compaction_grace",
        value: "SECONDS",
        expected: "seconds, at least 1",
        about: "how long merged segments stay for other readers; default: 3600",
    },
    UrlOption {
        name: "cache",
        value: "on|off",
        expected: "on or off",
        about: "whether copies are kept on this machine; default: on",
    },
];

/// The longest prefix, so that the names below it stay under the 1,024 bytes of S3.
const MOST_PREFIX_BYTES: usize = 256;

/// The encryption at rest, if not the bucket's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Keys of S3.
    Aes256,
    /// Keys of KMS: the one with this name, or the bucket's.
    Kms(Option<String>),
}

/// A store's location and options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) bucket: String,
    /// The beginning of all names: empty, or with a slash at its end.
    pub(super) prefix: String,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) path_style: bool,
    pub(super) profile: Option<String>,
    pub(super) encryption: Option<Encryption>,
    pub(super) snapshots: SnapshotPolicy,
    /// How long an object stays after another replaced it.
    pub(super) grace: Duration,
    pub(super) cache: bool,
}

impl Settings {
    /// Reads a URL.
    ///
    /// # Errors
    /// `Invalid`, naming the wrong part and the expected one; credentials are not repeated.
    pub(super) fn parse(url: &StoreUrl) -> Result<Self> {
        let (place, query) = url.rest().split_once('?').unwrap_or((url.rest(), ""));
        let (bucket, prefix) = parse_place(place)?;
        let mut settings = Self {
            bucket,
            prefix,
            region: None,
            endpoint: None,
            path_style: false,
            profile: None,
            encryption: None,
            snapshots: SnapshotPolicy {
                after_commits: Some(1000),
                after_bytes: Some(64 * 1024 * 1024),
                level: 3,
            },
            grace: Duration::from_hours(1),
            cache: true,
        };
        let mut kms_key = None;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sse_kms_key_id" => kms_key = Some(value.into_owned()),
                name => settings.set(name, &value)?,
            }
        }
        settings.add_key(kms_key)?;
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "region" => self.region = Some(value.to_owned()),
            "endpoint" => self.endpoint = Some(checked_endpoint(value)?),
            "path_style" => self.path_style = parse(name, value)?,
            "profile" => self.profile = Some(value.to_owned()),
            "sse" => self.encryption = Some(parse_encryption(value)?),
            "zstd_level" => {
                self.snapshots.level = parse(name, value)?;
                if !(1..=22).contains(&self.snapshots.level) {
                    return Err(wrong(name, value));
                }
            }
            "snapshot_commits" => self.snapshots.after_commits = parse_count(name, value)?,
            "snapshot_bytes" => self.snapshots.after_bytes = parse_count(name, value)?,
            "compaction_grace" => {
                let seconds: u64 = parse(name, value)?;
                if seconds == 0 {
                    return Err(wrong(name, value));
                }
                self.grace = Duration::from_secs(seconds);
            }
            "cache" => {
                self.cache = match value {
                    "on" => true,
                    "off" => false,
                    _ => return Err(wrong(name, value)),
                }
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn add_key(&mut self, key: Option<String>) -> Result<()> {
        match (&mut self.encryption, key) {
            (_, None) => Ok(()),
            (Some(Encryption::Kms(of_bucket)), key) => {
                *of_bucket = key;
                Ok(())
            }
            _ => Err(Error::invalid("sse_kms_key_id needs sse=aws:kms beside it")),
        }
    }

    /// Whether the server is one without TLS.
    pub(super) fn is_plain_http(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"))
    }
}

/// Where the store is, for a person.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix.trim_end_matches('/'))?;
        match &self.endpoint {
            Some(endpoint) => write!(f, " at {endpoint}"),
            None => Ok(()),
        }
    }
}

fn parse_place(place: &str) -> Result<(String, String)> {
    let place = place
        .strip_prefix("//")
        .ok_or_else(|| Error::invalid("an S3 store is named s3://BUCKET/PREFIX"))?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.contains(['@', ':']) {
        return Err(Error::invalid(
            "the URL of an S3 store holds no credentials; put them into the environment \
             (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or into a profile",
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if bucket.len() < 3 || bucket.len() > 255 || !bucket.chars().all(allowed) {
        return Err(Error::invalid(format!("'{bucket}' is no name of a bucket")));
    }
    if bucket.ends_with("--x-s3") {
        return Err(Error::unsupported(format!(
            "'{bucket}' is a directory bucket, which lists its objects in no order; Argon needs a \
             general purpose bucket"
        )));
    }
    Ok((bucket.to_owned(), checked_prefix(prefix)?))
}

fn checked_prefix(prefix: &str) -> Result<String> {
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() {
        return Ok(String::new());
    }
    let odd = |part: &str| matches!(part, "" | "." | "..") || part.chars().any(char::is_control);
    if prefix.len() > MOST_PREFIX_BYTES || prefix.split('/').any(odd) {
        return Err(Error::invalid(format!(
            "'{prefix}' can't be a prefix: at most {MOST_PREFIX_BYTES} bytes are allowed, and \
             between slashes neither nothing nor '.' nor '..'"
        )));
    }
    Ok(format!("{prefix}/"))
}

fn checked_endpoint(value: &str) -> Result<String> {
    let endpoint = url::Url::parse(value).ok().filter(|endpoint| {
        matches!(endpoint.scheme(), "http" | "https")
            && endpoint.host().is_some()
            && endpoint.username().is_empty()
            && endpoint.password().is_none()
            && endpoint.query().is_none()
    });
    // The value may hold a password, so the message does not repeat it.
    endpoint.map(|endpoint| endpoint.as_str().trim_end_matches('/').to_owned()).ok_or_else(|| {
        Error::invalid("endpoint= takes a URL such as https://minio.example:9000, without a user")
    })
}

fn parse_encryption(value: &str) -> Result<Encryption> {
    match value {
        "AES256" => Ok(Encryption::Aes256),
        "aws:kms" => Ok(Encryption::Kms(None)),
        _ => Err(wrong("sse", value)),
    }
}

fn parse<T: FromStr>(name: &str, value: &str) -> Result<T> {
    value.parse().map_err(|_| wrong(name, value))
}

fn parse_count(name: &str, value: &str) -> Result<Option<u64>> {
    parse(name, value).map(|count: u64| (count > 0).then_some(count))
}

fn wrong(name: &str, value: &str) -> Error {
    let expected = UrlOption::expected(PARAMETERS, name);
    Error::invalid(format!("{name}={value} in the URL of an S3 store: {expected} is expected"))
}

fn unknown(name: &str) -> Error {
    let known = UrlOption::names(PARAMETERS);
    Error::invalid(format!(
        "unknown parameter '{name}' of the URL of an S3 store; known parameters: {known}"
    ))
}

#[cfg(test)]
mod tests {
    use argon_core::ErrorKind;

    use super::*;

    fn settings(rest: &str) -> Result<Settings> {
        Settings::parse(&StoreUrl::new("s3", rest))
    }

    #[test]
    fn a_url_says_where_and_how() {
        let found = settings(
            "//bucket/a/b/?region=eu-west-1&endpoint=http%3A%2F%2Flocalhost:9000/&path_style=true\
             &profile=p&sse=aws:kms&sse_kms_key_id=k&zstd_level=9&snapshot_commits=0\
             &snapshot_bytes=5&compaction_grace=2&cache=off",
        )
        .unwrap();
        assert_eq!((found.bucket.as_str(), found.prefix.as_str()), ("bucket", "a/b/"));
        assert_eq!(found.region.as_deref(), Some("eu-west-1"));
        assert_eq!(found.endpoint.as_deref(), Some("http://localhost:9000"));
        assert_eq!(found.encryption, Some(Encryption::Kms(Some("k".into()))));
        let expected = SnapshotPolicy { after_commits: None, after_bytes: Some(5), level: 9 };
        assert_eq!(found.snapshots, expected);
        assert_eq!((found.grace, found.cache), (Duration::from_secs(2), false));
        assert!(found.path_style && found.is_plain_http());
        assert_eq!(found.to_string(), "s3://bucket/a/b at http://localhost:9000");
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_those_that_there_are() {
        let error = settings("//bucket/p?regoin=x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        for part in ["'regoin'", "region", "compaction_grace"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_repeated() {
        for url in
            ["//key:s3cret@bucket/p", "//s3cret@bucket/p", "//b/p?endpoint=http://u:s3cret@h"]
        {
            let error = settings(url).unwrap_err();
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for url in [
            "bucket/p",
            "//b",
            "//bucket/a//b",
            "//bucket/a/../b",
            "//bucket/p?path_style=yes",
            "//bucket/p?zstd_level=23",
            "//bucket/p?compaction_grace=0",
            "//bucket/p?sse_kms_key_id=k",
            "//bucket/p?endpoint=localhost:9000",
        ] {
            assert_eq!(settings(url).unwrap_err().kind(), ErrorKind::Invalid, "{url}");
        }
        let error = settings("//bucket--use1-az4--x-s3/p").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
