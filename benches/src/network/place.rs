//! Where the stores of a run go.

use std::fmt;
use std::net::SocketAddr;

use argon_core::storage::StoreUrl;

use crate::Result;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerName {
    /// `mongodb:`.
    MongoDb,
    /// `s3:`.
    S3,
}

impl ServerName {
    /// Those that there are.
    pub const ALL: [Self; 2] = [Self::MongoDb, Self::S3];

    /// Its URL's scheme.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::MongoDb => "mongodb",
            Self::S3 => "s3",
        }
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.scheme())
    }
}

/// A place for stores on a server, from a URL like that of a store. Each store is a database of
/// MongoDB whose name begins with that of the URL, or a prefix of S3 below that of the URL; this
/// process has names of its own, and what they name is removed in the end.
///
/// The URL may hold credentials, so `Debug` shows the server only.
#[derive(Clone)]
pub struct RemoteLocation {
    /// Which kind of server it is.
    pub server: ServerName,
    before: String,
    options: String,
}

impl RemoteLocation {
    /// The place that a URL names.
    pub fn new(server: ServerName, url: &str) -> Result<Self> {
        let run = std::process::id();
        let (path, options) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = path.split_once("://").unwrap_or_default();
        let named = rest.split_once('/').is_some_and(|(_, name)| !name.is_empty());
        if scheme != server.scheme() || !named {
            let expected = match server {
                ServerName::MongoDb => "mongodb://HOST/DATABASE",
                ServerName::S3 => "s3://BUCKET/PREFIX",
            };
            return Err(format!("the URL of {server} should be like {expected}").into());
        }
        let before = match server {
            ServerName::MongoDb => format!("{path}-{run}-"),
            ServerName::S3 => format!("{}/{run}/", path.trim_end_matches('/')),
        };
        Ok(Self { server, before, options: options.to_owned() })
    }

    /// The URL of the store of this name.
    pub fn store(&self, name: &str) -> Result<StoreUrl> {
        let (before, options) = (&self.before, &self.options);
        let query = if options.is_empty() { "" } else { "?" };
        Ok(format!("{before}{name}{query}{options}").parse()?)
    }

    /// What the names of this run's databases or objects begin with.
    pub fn prefix(&self) -> &str {
        let rest = self.before.split_once("://").map_or("", |(_, rest)| rest);
        rest.split_once('/').map_or("", |(_, prefix)| prefix)
    }

    /// The bucket of S3.
    pub fn bucket(&self) -> &str {
        self.before.split('/').nth(2).unwrap_or_default()
    }

    /// The value of an option of the URL.
    pub fn option(&self, name: &str) -> Option<&str> {
        let mut options = self.options.split('&').filter_map(|option| option.split_once('='));
        options.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Where the server listens, if a proxy can stand before it: a single server at a numeric
    /// address, without TLS.
    pub fn address(&self) -> Option<SocketAddr> {
        match self.server {
            ServerName::MongoDb => {
                self.option("directConnection").filter(|direct| *direct == "true")?;
                let host = self.before.split('/').nth(2)?;
                host.rsplit_once('@').map_or(host, |(_, host)| host).parse().ok()
            }
            ServerName::S3 => self.option("endpoint")?.strip_prefix("http://")?.parse().ok(),
        }
    }

    /// The same place by way of a proxy; only if it has an [`address`](Self::address).
    pub fn by(&self, proxy: SocketAddr) -> Self {
        let mut place = self.clone();
        if let Some(address) = self.address() {
            let (address, proxy) = (address.to_string(), proxy.to_string());
            place.before = self.before.replace(&address, &proxy);
            place.options = self.options.replace(&address, &proxy);
        }
        place
    }
}

impl fmt::Debug for RemoteLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteLocation").field("server", &self.server).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_have_names_below_the_urls() {
        let run = std::process::id();
        let url = "mongodb://me:secret@127.0.0.1:9/shop?directConnection=true";
        let place = RemoteLocation::new(ServerName::MongoDb, url).unwrap();
        let expected = format!("//me:secret@127.0.0.1:9/shop-{run}-append?directConnection=true");
        assert_eq!(place.store("append").unwrap().rest(), expected);
        assert_eq!(place.prefix(), format!("shop-{run}-"));
        assert!(!format!("{place:?}").contains("secret"));

        let place = RemoteLocation::new(ServerName::S3, "s3://bucket/a/b/").unwrap();
        assert_eq!(place.store("append").unwrap().rest(), format!("//bucket/a/b/{run}/append"));
        assert_eq!((place.bucket(), place.prefix()), ("bucket", format!("a/b/{run}/").as_str()));
    }

    #[test]
    fn a_proxy_can_stand_before_a_single_server_without_tls() {
        let proxy = "127.0.0.1:7".parse().unwrap();
        for (server, url) in [
            (ServerName::MongoDb, "mongodb://127.0.0.1:9/a?directConnection=true"),
            (ServerName::S3, "s3://b/c?region=r&endpoint=http://127.0.0.1:9&path_style=true"),
        ] {
            let place = RemoteLocation::new(server, url).unwrap();
            assert_eq!(place.address(), "127.0.0.1:9".parse().ok());
            assert_eq!(place.by(proxy).address(), Some(proxy));
        }
        for (server, url) in [
            (ServerName::MongoDb, "mongodb://127.0.0.1:9/a"),
            (ServerName::MongoDb, "mongodb://a:1,b:2/a?directConnection=true"),
            (ServerName::S3, "s3://b/c?endpoint=https://127.0.0.1:9"),
        ] {
            assert_eq!(RemoteLocation::new(server, url).unwrap().address(), None, "{url}");
        }
    }

    #[test]
    fn a_url_that_names_no_place_is_refused() {
        for url in ["mongodb://h", "mongodb://h/?a=b", "s3://bucket/prefix"] {
            assert!(RemoteLocation::new(ServerName::MongoDb, url).is_err(), "{url}");
        }
    }
}
