//! Checks the requirements of a store on its server, step by step, without leaving anything there.

use argon_core::storage::{Diagnosis, OpenOptions, StoreUrl};
use argon_core::{Environment, Error, ErrorKind, Hint, Result};
use bson::{Bson, Document, doc, rawdoc};

use super::address::Address;
use super::connection::Connection;
use super::failure;
use super::schema::{self, Contents};

/// The wire version of MongoDB 4.4, the oldest with long index keys, collections created in
/// transactions, and `hello`.
const OLDEST: i64 = 9;

/// The clock differences in seconds from which the check is doubtful, and from which it fails. A commit
/// has the time of the machine that wrote it.
const DOUBTFUL_SKEW: i64 = 1;
const MOST_SKEW: i64 = 60;

/// The actions that the user needs on the database.
const ACTIONS: [&str; 9] = [
    "find",
    "insert",
    "update",
    "remove",
    "createCollection",
    "createIndex",
    "listCollections",
    "listIndexes",
    "dbStats",
];

/// Runs all checks; stops where no further check is possible.
pub(super) async fn diagnose(
    url: &StoreUrl,
    options: &OpenOptions,
    environment: &Environment,
) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if let Err(stopped) = run_checks(url, options, environment, &mut found).await {
        found.push(stopped);
    }
    found
}

/// `Err` is the check that prevents the rest.
async fn run_checks(
    url: &StoreUrl,
    options: &OpenOptions,
    environment: &Environment,
    found: &mut Vec<Diagnosis>,
) -> Result<(), Diagnosis> {
    let address = Address::of(url, options).await;
    let address = address.map_err(|error| Diagnosis::failed("URL", &error, None))?;
    found.push(Diagnosis::good("URL", address.location()));
    let user = address.user().map(|(name, source)| (name.to_owned(), source.to_owned()));
    let server = Connection::new(address, environment)
        .map_err(|error| Diagnosis::failed("URL", &error, None))?;
    let checked = CheckedServer { server: std::sync::Arc::new(server), environment, user };
    let hello = checked.reach(found).await?;
    checked.version(&hello, found).await?;
    found.push(checked.clock(&hello));
    found.push(CheckedServer::replica_set(&hello)?);
    found.push(checked.rights().await?);
    found.push(checked.majority().await?);
    checked.store(found).await;
    Ok(())
}

/// The server under diagnosis.
struct CheckedServer<'a> {
    server: std::sync::Arc<Connection>,
    environment: &'a Environment,
    user: Option<(String, String)>,
}

impl CheckedServer<'_> {
    /// Connects: checks that the server answers and accepts the credentials.
    async fn reach(&self, found: &mut Vec<Diagnosis>) -> Result<Document, Diagnosis> {
        let greet = || self.server.database().run_command(doc! { "hello": 1 });
        let first = self.server.read("be reached", greet()).await;
        let began = self.environment.now().timestamp_millis();
        let answer = match first {
            // The first request connected; the second measures one round trip.
            Ok(_) => self.server.read("be reached", greet()).await,
            refused => refused,
        };
        let took = self.environment.now().timestamp_millis() - began;
        match answer {
            Ok(hello) => {
                found.push(Diagnosis::good("server", format!("answers in {took} ms")));
                found.push(match &self.user {
                    Some((name, source)) => Diagnosis::good(
                        "credentials",
                        format!("user {name} of {source} is accepted"),
                    ),
                    None => {
                        Diagnosis::good("credentials", "none; the server has required none so far")
                    }
                });
                Ok(hello)
            }
            Err(error) if error.kind() == ErrorKind::Denied => {
                found.push(Diagnosis::good("server", "answers"));
                let remedy = "check user, password and authSource of the URL; authSource is the database in \
                              which the user is defined";
                Err(Diagnosis::failed("credentials", &error, Some(remedy.into())))
            }
            Err(error) => {
                let remedy = "start it, or check host, port and tls of the URL and the firewall";
                Err(Diagnosis::failed("server", &error, Some(remedy.into())))
            }
        }
    }

    async fn version(&self, hello: &Document, found: &mut Vec<Diagnosis>) -> Result<(), Diagnosis> {
        let build = self.server.database().run_command(doc! { "buildInfo": 1 });
        let build = self.server.read("report its version", build).await;
        let named = build.ok().and_then(|build| build.get_str("version").map(str::to_owned).ok());
        let named = named.unwrap_or_else(|| "of unknown version".to_owned());
        if number(hello, "maxWireVersion").unwrap_or(0) >= OLDEST {
            found.push(Diagnosis::good("version", format!("MongoDB {named}")));
            return Ok(());
        }
        let error = Error::unsupported(format!("MongoDB {named} is too old"));
        let remedy = "upgrade the server to MongoDB 4.4 or later".to_owned();
        Err(Diagnosis::failed("version", &error, Some(remedy.into())))
    }

    fn clock(&self, hello: &Document) -> Diagnosis {
        let Ok(theirs) = hello.get_datetime("localTime") else {
            return Diagnosis::doubtful(
                "clock",
                "the server does not report its time",
                "compare the clocks by hand",
            );
        };
        let ours = self.environment.clock_time().timestamp_millis();
        let skew = (ours - theirs.timestamp_millis()) / 1000;
        let found = format!("this machine's clock is {skew} s ahead of the server's");
        let remedy = "set both clocks, for example by NTP (on Linux: timedatectl set-ntp true)";
        match skew.abs() {
            0..=DOUBTFUL_SKEW => Diagnosis::good("clock", "agrees with the server's"),
            off if off <= MOST_SKEW => Diagnosis::doubtful("clock", found, remedy),
            _ => Diagnosis::failed("clock", &Error::invalid(found), Some(remedy.into())),
        }
    }

    fn replica_set(hello: &Document) -> Result<Diagnosis, Diagnosis> {
        const CHECK: &str = "replica set";
        if hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid") {
            return Ok(Diagnosis::good(CHECK, "reached through mongos"));
        }
        let Ok(name) = hello.get_str("setName") else {
            let error = Error::unsupported(
                "the server is not a member of a replica set, so it lacks transactions",
            );
            let remedy = "start mongod with --replSet rs0, then in mongosh: rs.initiate()";
            return Err(Diagnosis::failed(CHECK, &error, Some(remedy.into())));
        };
        let writable = ["isWritablePrimary", "ismaster"]
            .iter()
            .any(|field| hello.get_bool(field).unwrap_or(false));
        if !writable {
            let error = Error::unavailable(format!("this member of {name} is not its primary"));
            let remedy = "remove directConnection=true from the URL and name all members in it; if \
                          the set has no primary, see rs.status() in mongosh";
            return Err(Diagnosis::failed(CHECK, &error, Some(remedy.into())));
        }
        let members = hello.get_array("hosts").map_or(1, Vec::len);
        Ok(match members {
            1 => Diagnosis::good(CHECK, format!("{name}, of one member: as durable as its disk")),
            members => Diagnosis::good(CHECK, format!("{name}, of {members} members")),
        })
    }

    /// Writes a document in a transaction, aborts it, and reads the other rights of the user.
    async fn rights(&self) -> Result<Diagnosis, Diagnosis> {
        const CHECK: &str = "rights";
        if let Err(error) = self.try_transaction().await {
            let denied = error.kind() == ErrorKind::Denied;
            return Err(Diagnosis::failed(CHECK, &error, denied.then(|| self.grant().into())));
        }
        let lacking = self.lacking().await;
        if lacking.is_empty() {
            return Ok(Diagnosis::good(CHECK, "documents can be written in transactions"));
        }
        let error = Error::denied(format!("the user lacks the rights {}", lacking.join(", ")));
        Err(Diagnosis::failed(CHECK, &error, Some(self.grant().into())))
    }

    async fn try_transaction(&self) -> Result<()> {
        const WHAT: &str = "write in a transaction";
        let server = &self.server;
        let mut session = server.read(WHAT, server.client().start_session()).await?;
        server.read(WHAT, session.start_transaction()).await?;
        let collection = server.collection(schema::VERSIONS);
        let row = rawdoc! { "_id": self.environment.object_id(), "t": "doctor" };
        let inserted = server.read(WHAT, collection.insert_one(row).session(&mut session)).await;
        let aborted = server.read(WHAT, session.abort_transaction()).await;
        inserted.and(aborted)
    }

    /// The actions that the user lacks, as far as the server reports them.
    async fn lacking(&self) -> Vec<&'static str> {
        let status = doc! { "connectionStatus": 1, "showPrivileges": true };
        let status = self.server.database().run_command(status);
        let Ok(status) = self.server.read("report the user's rights", status).await else {
            return Vec::new();
        };
        let database = self.server.database().name();
        let privileges = status
            .get_document("authInfo")
            .and_then(|info| info.get_array("authenticatedUserPrivileges"));
        let Ok(privileges) = privileges else { return Vec::new() };
        if privileges.is_empty() {
            return Vec::new();
        }
        let allowed: Vec<&str> = privileges
            .iter()
            .filter_map(Bson::as_document)
            .filter(|privilege| is_of_database(privilege, database))
            .filter_map(|privilege| privilege.get_array("actions").ok())
            .flatten()
            .filter_map(Bson::as_str)
            .collect();
        let missing = |action: &&str| !allowed.contains(action) && !allowed.contains(&"anyAction");
        ACTIONS.into_iter().filter(missing).collect()
    }

    fn grant(&self) -> String {
        let database = self.server.database().name();
        match &self.user {
            Some((name, source)) => format!(
                "in mongosh: db.getSiblingDB(\"{source}\").grantRolesToUser(\"{name}\", [{{role: \
                 \"readWrite\", db: \"{database}\"}}])"
            ),
            None => format!(
                "name a user in the URL; in mongosh: db.getSiblingDB(\"admin\").createUser({{user: \
                 \"argon\", pwd: passwordPrompt(), roles: [{{role: \"readWrite\", db: \"{database}\"}}]}})"
            ),
        }
    }

    /// Checks that a majority acknowledges writes, by removing a document that does not exist.
    async fn majority(&self) -> Result<Diagnosis, Diagnosis> {
        const CHECK: &str = "majority";
        let nothing = doc! { "_id": self.environment.object_id(), "t": "doctor" };
        let began = self.environment.now().timestamp_millis();
        let versions = self.server.collection(schema::VERSIONS);
        let wrote = self.server.write("write to a majority", versions.delete_one(nothing)).await;
        let took = self.environment.now().timestamp_millis() - began;
        match wrote.map_err(failure::Failure::into_error) {
            Ok(_) => {
                Ok(Diagnosis::good(CHECK, format!("has a write in its journals in {took} ms")))
            }
            Err(error) => {
                let remedy = "in mongosh: rs.status() shows the members that are down";
                Err(Diagnosis::failed(CHECK, &error, Some(remedy.into())))
            }
        }
    }

    async fn store(&self, found: &mut Vec<Diagnosis>) {
        const CHECK: &str = "store";
        match schema::contents(&self.server).await {
            Ok(Contents::Store(record)) => {
                let format = record.format;
                let text = format!("exists; format {format}, identity {}", record.id);
                found.push(Diagnosis::good(CHECK, text));
                self.indexes(record.format, found).await;
            }
            Ok(Contents::Nothing) => {
                found.push(Diagnosis::doubtful(CHECK, "none yet", Hint::CreateStore { url: None }));
            }
            Ok(Contents::Other(names)) => {
                let error = Error::invalid(format!(
                    "the database has other content ({})",
                    names.join(", ")
                ));
                let remedy = "name another database in the URL".to_owned();
                found.push(Diagnosis::failed(CHECK, &error, Some(remedy.into())));
            }
            Err(error) => found.push(Diagnosis::failed(CHECK, &error, None)),
        }
    }

    async fn indexes(&self, format: u32, found: &mut Vec<Diagnosis>) {
        const CHECK: &str = "indexes";
        match schema::missing_indexes(&self.server, format).await {
            Ok(missing) if missing.is_empty() => {
                found.push(Diagnosis::good(CHECK, "all exist"));
            }
            Ok(missing) => found.extend(missing.iter().map(|index| {
                let (collection, name) = (index.collection, index.name);
                let error = Error::invalid(format!("{collection} lacks the index {name}"));
                Diagnosis::failed(CHECK, &error, Some(index.remedy().into()))
            })),
            Err(error) => found.push(Diagnosis::failed(CHECK, &error, None)),
        }
    }
}

/// Returns whether a privilege covers all collections of the database.
fn is_of_database(privilege: &Document, database: &str) -> bool {
    let Ok(resource) = privilege.get_document("resource") else { return false };
    let named = |field: &str, name: &str| resource.get_str(field).is_ok_and(|found| found == name);
    resource.get_bool("anyResource").unwrap_or(false)
        || named("collection", "") && (named("db", database) || named("db", ""))
}

fn number(document: &Document, field: &str) -> Option<i64> {
    let value = document.get(field)?;
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}
