//! The address of a store: server, database and credentials.

use std::time::Duration;

use argon_core::storage::{OpenOptions, StoreUrl};
use argon_core::{Error, Result};
use mongodb::options::{
    Acknowledgment, AuthMechanism, ClientOptions, ReadPreference, SelectionCriteria, WriteConcern,
};

/// The longest that the server waits until a majority has a write in its journal. After that it
/// reports the outcome as unknown, and the store reads it back.
const WRITE_CONCERN_TIMEOUT: Duration = Duration::from_secs(20);

/// The longest that connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server, a database on it, and the credentials.
pub(super) struct Address {
    pub(super) options: ClientOptions,
    pub(super) database: String,
}

impl Address {
    /// Parses a URL; for `mongodb+srv` it looks the hosts up in DNS.
    ///
    /// The driver's message about an invalid URL is dropped, because it may quote the password.
    pub(super) async fn of(url: &StoreUrl, open: &OpenOptions) -> Result<Self> {
        let text = format!("{}:{}", url.scheme(), url.rest());
        let parsed = tokio::time::timeout(CONNECT_TIMEOUT, ClientOptions::parse(text)).await;
        let mut options = match parsed {
            Ok(Ok(options)) => options,
            Ok(Err(error)) if is_of_names(&error) => return Err(no_hosts(url)),
            Err(_) => return Err(no_hosts(url)),
            Ok(Err(_)) => {
                return Err(Error::invalid(format!(
                    "invalid URL {url}: expected \
                     {}://[USER@]HOST[:PORT]/DATABASE[?OPTION=VALUE&…], with special characters of \
                     user and password written as %XX",
                    url.scheme()
                )));
            }
        };
        let database = options.default_database.clone().ok_or_else(|| {
            Error::invalid(format!(
                "the URL {url} lacks a database; expected {}://HOST/DATABASE",
                url.scheme()
            ))
        })?;
        add_password(&mut options, open)?;
        set_guarantees(&mut options, open);
        Ok(Self { options, database })
    }

    /// Hosts and database, for messages.
    pub(super) fn location(&self) -> String {
        let hosts: Vec<String> = self.options.hosts.iter().map(ToString::to_string).collect();
        format!("mongodb://{}/{}", hosts.join(","), self.database)
    }

    /// The user and its authentication database; `None` without credentials.
    pub(super) fn user(&self) -> Option<(&str, &str)> {
        let credential = self.options.credential.as_ref()?;
        let source = credential.source.as_deref().unwrap_or(&self.database);
        credential.username.as_deref().map(|name| (name, source))
    }
}

fn is_of_names(error: &mongodb::error::Error) -> bool {
    matches!(*error.kind, mongodb::error::ErrorKind::DnsResolve { .. })
}

fn no_hosts(url: &StoreUrl) -> Error {
    Error::unavailable(format!("DNS did not resolve the hosts of {url}; try again later"))
}

/// Completes the credentials with the password that was given outside the URL.
fn add_password(options: &mut ClientOptions, open: &OpenOptions) -> Result<()> {
    let Some(credential) = &mut options.credential else { return Ok(()) };
    let takes_password = match &credential.mechanism {
        None => true,
        Some(mechanism) => matches!(
            mechanism,
            AuthMechanism::ScramSha1 | AuthMechanism::ScramSha256 | AuthMechanism::Plain
        ),
    };
    if !takes_password || credential.username.is_none() || credential.password.is_some() {
        return Ok(());
    }
    let password = open
        .password
        .as_ref()
        .ok_or_else(|| Error::denied("missing password of the user that the URL names"))?;
    credential.password = Some(password.reveal().to_owned());
    Ok(())
}

/// Sets the options that the store's guarantees depend on, over those of the URL.
///
/// The driver repeats a write that is one command once. The server recognizes it by session and
/// number, also after a change of the primary, so it is never applied twice. Statements of a
/// transaction are never repeated alone.
fn set_guarantees(options: &mut ClientOptions, open: &OpenOptions) {
    options.app_name.get_or_insert_with(|| "argon".to_owned());
    options.server_selection_timeout.get_or_insert(open.lock_timeout);
    options.connect_timeout.get_or_insert(CONNECT_TIMEOUT.min(open.lock_timeout));
    options.retry_writes = Some(true);
    options.retry_reads = Some(true);
    options.write_concern = Some(write_concern());
    // `Connection` sets that of reads. A transaction of writes has none: the first statement would send
    // it, and a server of the protocol may not accept it in a `bulkWrite`.
    options.read_concern = None;
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
}

/// A write is acknowledged when it is in the journals of a majority.
pub(super) fn write_concern() -> WriteConcern {
    WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .journal(true)
        .w_timeout(WRITE_CONCERN_TIMEOUT)
        .build()
}

#[cfg(test)]
mod tests {
    use argon_core::ErrorKind;
    use argon_core::storage::Secret;

    use super::*;

    async fn address(url: &str, password: Option<&str>) -> Result<Address> {
        let open = OpenOptions { password: password.map(Secret::new), ..OpenOptions::default() };
        Address::of(&url.parse().unwrap(), &open).await
    }

    #[tokio::test]
    async fn a_password_from_elsewhere_completes_a_user_without_one() {
        let found = address("mongodb://ada@db.example/shop", Some("s3cret")).await.unwrap();
        assert_eq!(found.options.credential.unwrap().password.as_deref(), Some("s3cret"));
        let found = address("mongodb://ada:own@db.example/shop", Some("s3cret")).await.unwrap();
        assert_eq!(found.options.credential.unwrap().password.as_deref(), Some("own"));
        let error = address("mongodb://ada@db.example/shop", None).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Denied);
        let found = address("mongodb://db.example/shop", Some("s3cret")).await.unwrap();
        assert!(found.options.credential.is_none(), "nobody asked for a password");
    }

    #[tokio::test]
    async fn what_is_shown_of_an_address_holds_no_credentials() {
        let found = address("mongodb://ada:s3cret@a.example,b.example:7/shop", None).await.unwrap();
        assert_eq!(found.location(), "mongodb://a.example:27017,b.example:7/shop");
        assert_eq!(found.user(), Some(("ada", "shop")));
        let broken = [
            "mongodb://ada:s3cret@db.example",
            "mongodb://ada:s3cret/x@db.example/shop",
            "mongodb://ada:s3cret@db.example:s3cret/shop",
            "mongodb://ada:s3cret@db.example/shop?authMechanism=s3cret",
            "mongodb://ada:s3cret@db.example/s3cret$shop",
        ];
        for url in broken {
            let Err(error) = address(url, None).await else { panic!("{url} was taken") };
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let text =
                format!("{error:?}").replace("db.example:s3cret", "").replace("/s3cret$shop", "");
            assert!(!text.contains("ada:s3cret") && !text.contains("w=s3cret&w"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_url_does_not_weaken_the_guarantees() {
        let url = "mongodb://db.example/shop?w=1&journal=false&readConcernLevel=local\
                   &readPreference=nearest&retryWrites=false";
        let options = address(url, None).await.unwrap().options;
        assert_eq!(options.write_concern, Some(write_concern()));
        assert_eq!(options.read_concern, None);
        assert_eq!(options.retry_writes, Some(true));
        assert!(matches!(
            options.selection_criteria,
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        ));
    }
}
