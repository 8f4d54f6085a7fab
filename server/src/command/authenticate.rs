//! Logging in and out.

use argon_core::users::{User, UserDatabase, UserName};
use argon_service::user::scram::Mechanism;
use bson::raw::{RawBsonRef, RawDocument};
use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use data_encoding::BASE64;
use futures::FutureExt;
use tokio::time::Instant;

use super::{Call, Command, Effect, Reply, user_database};
use crate::arguments::Arguments;
use crate::auth::{Answer, ClientFirst, Exchange, Login, Pending, Who};
use crate::failure::{CommandError, Result};
use crate::rights::Need;

/// The mechanism of certificates.
const X509: &str = "MONGODB-X509";

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "saslStart",
        aliases: &[],
        about: "Begins to log in by a password: SCRAM-SHA-256, or SCRAM-SHA-1.",
        fields: &["autoAuthorize", "mechanism", "options", "payload"],
        effect: Effect::None,
        need: Need::Nothing,
        is_stable: true,
        run: |call| async { Reply::of(&start(call, call.arguments, call.database).await?) }.boxed(),
    },
    Command {
        name: "saslContinue",
        aliases: &[],
        about: "Goes on with it.",
        fields: &["conversationId", "payload"],
        effect: Effect::None,
        need: Need::Nothing,
        is_stable: true,
        run: |call| async { Reply::of(&go_on(call).await?) }.boxed(),
    },
    Command {
        name: "authenticate",
        aliases: &[],
        about: "Logs in by the certificate of the connection: MONGODB-X509.",
        fields: &["db", "mechanism", "user"],
        effect: Effect::None,
        need: Need::Nothing,
        is_stable: true,
        run: |call| async { Reply::of(&by_certificate(call, call.arguments).await?) }.boxed(),
    },
    Command {
        name: "logout",
        aliases: &[],
        about: "Logs out.",
        fields: &[],
        effect: Effect::None,
        need: Need::Nothing,
        is_stable: true,
        run: |call| {
            async {
                *call.connection.login() = Login::default();
                Reply::of(&Document::new())
            }
            .boxed()
        },
    },
];

/// The names of the mechanisms that every user with a password may be asked for. They do not depend on the user,
/// and so do not show whether there is one.
pub(super) fn mechanisms() -> Vec<&'static str> {
    Mechanism::ALL.map(Mechanism::name).into()
}

/// Begins to log in with the first message of a connection, which saves a round trip.
///
/// # Errors
/// As when it is sent by itself; `hello` leaves them out.
pub(super) async fn speculative(call: &Call<'_>, command: &RawDocument) -> Result<Document> {
    let arguments = Arguments::new("speculativeAuthenticate", command);
    if arguments.value("authenticate")?.is_some() {
        return by_certificate(call, arguments).await;
    }
    let database = arguments.text("db")?.unwrap_or("admin");
    start(call, arguments, database).await
}

async fn start(call: &Call<'_>, arguments: Arguments<'_>, database: &str) -> Result<Document> {
    let name = arguments.required_text("mechanism")?;
    let mechanism: Mechanism = name.parse().map_err(|_| unsupported(name))?;
    let options =
        arguments.raw_document("options")?.map(|options| Arguments::new("options", options));
    let skips_empty = options.map(|options| options.is_set("skipEmptyExchange")).transpose()?;
    call.connection.login().pending = None;
    let Ok(first) = ClientFirst::parse(payload(arguments)?) else {
        return Err(failed(call, "a malformed message"));
    };
    let user = find(call, database, &first.user).await?;
    let keys = user.as_ref().and_then(|user| mechanism.keys(&user.credentials));
    let decoy = mechanism.decoy(call.shared.users.secret().await?, &first.user);
    let who = keys.and(user.as_deref()).map(Who::of);
    let keys = keys.cloned().unwrap_or(decoy);
    let nonce = BASE64.encode(&call.environment().random::<24>());
    let named = first.user.clone();
    let (exchange, answer) =
        Exchange::begin(mechanism, keys, first, &nonce, skips_empty.unwrap_or(false));
    let mut login = call.connection.login();
    login.exchanges = login.exchanges.wrapping_add(1);
    let conversation = login.exchanges;
    login.pending = Some(Pending { conversation, exchange, user: who, named });
    Ok(reply(conversation, answer))
}

async fn go_on(call: &Call<'_>) -> Result<Document> {
    let conversation = call.arguments.integer("conversationId")?;
    let payload = payload(call.arguments)?;
    // It is taken: after an error there is nothing to go on with.
    let pending = call.connection.login().pending.take();
    let Some(mut pending) =
        pending.filter(|pending| conversation == Some(pending.conversation.into()))
    else {
        return Err(CommandError::new(17, "No SASL session state found"));
    };
    let named = pending.named.clone();
    let (throttle, address) = (&call.shared.throttle, call.connection.peer.ip());
    let has_proof = pending.exchange.awaits_proof();
    if has_proof {
        let Some(wait) = throttle.turn(address, &named, Instant::now()) else {
            tracing::warn!(%address, user = named, "a login was not tried: too many fail");
            return Err(failed(call, &named));
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
    let (Ok(answer), Some(who)) = (pending.exchange.go_on(payload), pending.user.clone()) else {
        throttle.failed(address, &named, Instant::now());
        call.shared.audit_login("mongodb", call.connection.peer, &named, false);
        return Err(failed(call, &named));
    };
    if has_proof {
        throttle.succeeded(address, &named, Instant::now());
    }
    let conversation = pending.conversation;
    let mut login = call.connection.login();
    if answer.done {
        tracing::debug!(connection = call.connection.id, user = %who.name, "logged in");
        call.shared.audit_login("mongodb", call.connection.peer, &who.name.to_string(), true);
        login.user = Some(who);
    } else {
        login.pending = Some(pending);
    }
    Ok(reply(conversation, answer))
}

async fn by_certificate(call: &Call<'_>, arguments: Arguments<'_>) -> Result<Document> {
    let mechanism = arguments.text("mechanism")?.unwrap_or_default();
    if mechanism != X509 {
        return Err(unsupported(mechanism));
    }
    let Some(subject) = &call.connection.subject else {
        return Err(failed(call, "no certificate"));
    };
    if arguments.text("user")?.is_some_and(|user| user != subject) {
        return Err(failed(call, subject));
    }
    let name = UserName::new(UserDatabase::External, subject.as_str())?;
    let Some(user) = call.shared.users.find(&name).await? else {
        call.shared.audit_login("mongodb", call.connection.peer, subject, false);
        return Err(failed(call, subject));
    };
    call.shared.audit_login("mongodb", call.connection.peer, subject, true);
    *call.connection.login() = Login { user: Some(Who::of(&user)), ..Login::default() };
    Ok(doc! { "dbname": "$external", "user": subject })
}

/// The user of a name: of the database, or otherwise of `admin`.
async fn find(call: &Call<'_>, database: &str, name: &str) -> Result<Option<std::sync::Arc<User>>> {
    let own = user_database(call, database).unwrap_or(UserDatabase::Admin);
    let mut databases = vec![own];
    if databases[0] != UserDatabase::Admin {
        databases.push(UserDatabase::Admin);
    }
    for database in databases {
        let Ok(name) = UserName::new(database, name) else { return Ok(None) };
        if let Some(user) = call.shared.users.find(&name).await? {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

fn payload(arguments: Arguments<'_>) -> Result<&[u8]> {
    match arguments.value("payload")? {
        Some(RawBsonRef::Binary(payload)) => Ok(payload.bytes),
        Some(_) => Err(CommandError::type_mismatch("the payload of SASL must be of type binData")),
        None => Err(arguments.missing("payload")),
    }
}

fn reply(conversation: i32, answer: Answer) -> Document {
    let payload = Binary { subtype: BinarySubtype::Generic, bytes: answer.payload };
    doc! { "conversationId": conversation, "done": answer.done, "payload": payload }
}

/// The one error of a login that failed: it does not say why.
fn failed(call: &Call<'_>, user: &str) -> CommandError {
    let (connection, peer) = (call.connection.id, call.connection.peer);
    tracing::warn!(connection, %peer, user, "a login failed");
    CommandError::new(18, "Authentication failed.")
}

fn unsupported(mechanism: &str) -> CommandError {
    CommandError::new(
        334,
        format!(
            "Unsupported mechanism '{mechanism}'; expected SCRAM-SHA-256, SCRAM-SHA-1 or {X509}"
        ),
    )
}
