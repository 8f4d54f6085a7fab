//! The settings in the URL of a legacy store.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use argon_core::storage::{SnapshotPolicy, StoreUrl, UrlOption};
use argon_core::{Error, Result};
use percent_encoding::percent_decode_str;

use crate::workers::MOST_WORKERS;

/// The location of the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObjectLocation {
    Directory(PathBuf),
    S3(StoreUrl),
}

/// The settings in a URL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) place: ObjectLocation,
    /// The URL or the directory of the queue's store; `None` for the default.
    pub(crate) queue: Option<String>,
    /// The level of zstd for deltas.
    pub(crate) level: i32,
    /// The ratio that compression should reach; below it, a higher level is tried.
    pub(crate) ratio: f64,
    /// The number of changes at which a batch is full.
    pub(crate) batch_changes: usize,
    /// The age at which a batch is ended.
    pub(crate) batch_time: Duration,
    pub(crate) workers: u32,
    /// The URL for notifications of jobs.
    pub(crate) notify: Option<String>,
    pub(crate) snapshots: SnapshotPolicy,
}

pub(crate) const PARAMETERS: &[UrlOption] = &[
    UrlOption {
        name: "queue",
        value: "URL|DIR",
        expected: "the URL of a store, percent-encoded, or a directory",
        about: "the queue, percent-encoded: mongodb%3A%2F%2F… is shared by machines; default: a sled store, in DIR/queue or on this machine",
    },
    UrlOption {
        name: "batch_changes",
        value: "N",
        expected: "a number of 1 or more",
        about: "make a delta every N changes; default: 100",
    },
    UrlOption {
        name: "batch_seconds",
        value: "SECONDS",
        expected: "a number of seconds",
        about: "or of changes that are that old; default: 5",
    },
    UrlOption {
        name: "zstd_level",
        value: "N",
        expected: "1 to 22",
        about: "of deltas, 1 (fast) to 22 (small); default: 3",
    },
    UrlOption {
        name: "ratio",
        value: "N",
        expected: "a number of 1 or more",
        about: "the factor by which deltas should become smaller; default: 2",
    },
    UrlOption { name: "workers", value: "N", expected: "1 to 20", about: "1 to 20; default: 5" },
    UrlOption {
        name: "notify",
        value: "URL",
        expected: "a URL that begins with https:// or http://, percent-encoded",
        about: "a webhook that receives the outcome of jobs; a URL that is a secret itself belongs in ARGON_WEBHOOK_URL instead, and the secret that signs the messages in ARGON_WEBHOOK_SECRET",
    },
    UrlOption {
        name: "snapshot_commits",
        value: "N",
        expected: "a number, 0 for never",
        about: "as for S3",
    },
    UrlOption {
        name: "snapshot_bytes",
        value: "N",
        expected: "a number of bytes, 0 for never",
        about: "as for S3",
    },
];

impl Settings {
    pub(crate) fn parse(url: &StoreUrl) -> Result<Self> {
        let (place, query) = url.rest().split_once('?').unwrap_or((url.rest(), ""));
        let mut settings = Self {
            place: ObjectLocation::Directory(PathBuf::from(place)),
            queue: None,
            level: 3,
            ratio: 2.0,
            batch_changes: 100,
            batch_time: Duration::from_secs(5),
            workers: 5,
            notify: None,
            snapshots: SnapshotPolicy {
                after_commits: Some(1000),
                after_bytes: Some(64 * 1024 * 1024),
                level: 3,
            },
        };
        let mut others = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            if !settings.set(parameter)? {
                others.push(parameter);
            }
        }
        if url.scheme() == "legacy+s3" {
            // Other parameters belong to S3, which checks them.
            let query =
                if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
            settings.place = ObjectLocation::S3(StoreUrl::new("s3", format!("{place}{query}")));
            return Ok(settings);
        }
        if place.is_empty() {
            return Err(Error::invalid(format!(
                "missing directory in {url}; write legacy+file:DIR"
            )));
        }
        match others.first() {
            None => Ok(settings),
            Some(other) => {
                let name = other.split_once('=').map_or(*other, |(name, _)| name);
                let known = UrlOption::names(PARAMETERS);
                Err(Error::invalid(format!(
                    "unknown parameter '{name}' in the URL of a legacy store; known parameters: \
                     {known}"
                )))
            }
        }
    }

    /// Sets a parameter; false if it is not one of the legacy system.
    fn set(&mut self, parameter: &str) -> Result<bool> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let decoded = percent_decode_str(value).decode_utf8().map_err(|_| wrong(name, value))?;
        let value = decoded.as_ref();
        match name {
            "queue" => {
                // The URL of a store is stored and shown.
                if value.parse::<StoreUrl>().is_ok_and(|url| url.has_secrets()) {
                    return Err(Error::invalid(
                        "invalid queue: expected a URL without a password; set the password by \
                         ARGON_STORE_PASSWORD or ARGON_STORE_PASSWORD_FILE",
                    ));
                }
                self.queue = Some(value.to_owned());
            }
            "zstd_level" => self.level = number(name, value, 1, 22)?,
            "ratio" => self.ratio = number(name, value, 1.0, f64::MAX)?,
            "batch_changes" => self.batch_changes = number(name, value, 1, usize::MAX)?,
            "batch_seconds" => {
                let seconds = number(name, value, 0.0, 86_400.0)?;
                self.batch_time = Duration::from_secs_f64(seconds);
            }
            "workers" => self.workers = number(name, value, 1, MOST_WORKERS)?,
            "notify" if value.starts_with("https://") || value.starts_with("http://") => {
                self.notify = Some(value.to_owned());
            }
            "notify" => return Err(wrong(name, value)),
            "snapshot_commits" => {
                let count: u64 = number(name, value, 0, u64::MAX)?;
                self.snapshots.after_commits = (count > 0).then_some(count);
            }
            "snapshot_bytes" => {
                let count: u64 = number(name, value, 0, u64::MAX)?;
                self.snapshots.after_bytes = (count > 0).then_some(count);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn number<T: FromStr + PartialOrd + Copy>(name: &str, value: &str, least: T, most: T) -> Result<T> {
    let number: T = value.parse().map_err(|_| wrong(name, value))?;
    // NaN is not in order with any number.
    if number >= least && number <= most { Ok(number) } else { Err(wrong(name, value)) }
}

fn wrong(name: &str, value: &str) -> Error {
    let expected = UrlOption::expected(PARAMETERS, name);
    Error::invalid(format!(
        "invalid {name}={value} in the URL of a legacy store: expected {expected}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        let url = "legacy+s3://bucket/p?zstd_level=9&region=eu&batch_changes=3&batch_seconds=0.5\
                   &queue=mongodb%3A%2F%2Fh%2Fd&workers=20&snapshot_commits=0&notify=https%3A%2F%2Fx";
        let found = Settings::parse(&url.parse().unwrap()).unwrap();
        assert_eq!(found.place, ObjectLocation::S3(StoreUrl::new("s3", "//bucket/p?region=eu")));
        assert_eq!((found.level, found.batch_changes, found.workers), (9, 3, 20));
        assert_eq!(found.queue.as_deref(), Some("mongodb://h/d"));
        assert_eq!(found.batch_time, Duration::from_millis(500));
        assert_eq!(found.snapshots.after_commits, None);
    }

    #[test]
    fn an_invalid_parameter_is_refused_and_named() {
        for (parameter, part) in [
            ("zstd_level=23", "1 to 22"),
            ("workers=0", "1 to 20"),
            ("batch_seconds=-1", "seconds"),
            ("batch_seconds=NaN", "seconds"),
            ("notify=ftp://x", "https://"),
            ("regoin=x", "'regoin'"),
        ] {
            let url = StoreUrl::new("legacy+file", format!("dir?{parameter}"));
            let error = Settings::parse(&url).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(Settings::parse(&StoreUrl::new("legacy+file", "")).is_err());
        let url = StoreUrl::new("legacy+file", "dir?queue=mongodb%3A%2F%2Fada%3As3cret%40h%2Fd");
        let error = Settings::parse(&url).unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}
