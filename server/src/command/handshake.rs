//! What drivers ask at first, and again and again.

use std::sync::PoisonError;
use std::time::Duration;

use bson::raw::{RawBsonRef, RawDocumentBuf};
use bson::{Bson, DateTime, Document, doc};
use futures::FutureExt;

use super::{Call, Command, Effect, Reply, authenticate};
use crate::failure::Result;
use crate::options::Topology;
use crate::rights::Need;
use crate::sessions;
use crate::wire::{Compressor, MAX_MESSAGE_BYTES};

/// The version of the server whose behaviour is followed.
pub(crate) const VERSION: [i32; 4] = [8, 0, 0, 0];
/// The newest version of the protocol: that of MongoDB 8.0.
const MAX_WIRE_VERSION: i32 = 25;
/// The largest document.
const MAX_DOCUMENT_BYTES: i32 = 16 * 1024 * 1024;
/// The most statements of a command.
pub(crate) const MAX_BATCH: i32 = 100_000;
/// How long a client that wants to hear of changes waits for the next reply, at least.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
/// The name of the replica set.
pub(crate) const SET_NAME: &str = "argon";

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "hello",
        aliases: &["isMaster", "ismaster"],
        about: "Says what the server is and can do; waits for a change of that, if asked to.",
        fields: &[
            "client",
            "compression",
            "helloOk",
            "hostInfo",
            "internalClient",
            "loadBalanced",
            "maxAwaitTimeMS",
            "saslSupportedMechs",
            "speculativeAuthenticate",
            "topologyVersion",
            "backpressure",
        ],
        effect: Effect::None,
        need: Need::Nothing,
        is_stable: true,
        run: |call| hello(call).boxed(),
    },
    Command {
        name: "ping",
        aliases: &[],
        about: "Answers.",
        fields: &[],
        effect: Effect::None,
        need: Need::Nothing,
        is_stable: true,
        run: |_| async { Reply::of(&Document::new()) }.boxed(),
    },
    Command {
        name: "buildInfo",
        aliases: &["buildinfo"],
        about: "Says which version of MongoDB the server is compatible with, and its own.",
        fields: &[],
        effect: Effect::None,
        need: Need::Login,
        is_stable: false,
        run: |_| async { Reply::of(&build_info()) }.boxed(),
    },
];

async fn hello(call: &Call<'_>) -> Result<Reply> {
    let arguments = call.arguments;
    if let Some(client) = arguments.raw_document("client")? {
        let client = Document::try_from(client)?;
        *call.connection.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }
    let mut next = None;
    if let (Some(_), Some(wait)) =
        (arguments.raw_document("topologyVersion")?, arguments.integer("maxAwaitTimeMS")?)
    {
        // The topology never changes while the server runs.
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0)).max(SHORTEST_WAIT);
        let mut stopping = call.shared.stopping();
        let _ = tokio::time::timeout(wait, stopping.wait()).await;
        next = Some(call.request.body.clone());
    }
    let mut reply = described(call);
    if let Some(asked) = arguments.array("compression")? {
        let asked: Vec<_> = asked
            .into_iter()
            .filter_map(|name| match name {
                Ok(RawBsonRef::String(name)) => Compressor::named(name),
                _ => None,
            })
            .map(|compressor| Bson::from(compressor.name()))
            .collect();
        if !asked.is_empty() {
            reply.insert("compression", asked);
        }
    }
    if arguments.value("saslSupportedMechs")?.is_some() {
        reply.insert("saslSupportedMechs", authenticate::mechanisms());
    }
    if let Some(command) = arguments.raw_document("speculativeAuthenticate")?
        && let Ok(answer) = authenticate::speculative(call, command).await
    {
        reply.insert("speculativeAuthenticate", answer);
    }
    let body = RawDocumentBuf::try_from(&reply)?;
    Ok(Reply { body, next })
}

fn described(call: &Call<'_>) -> Document {
    let shared = call.shared;
    let me = call.me();
    let minutes = i32::try_from(sessions::IDLE.as_secs() / 60).unwrap_or(30);
    let mut reply = Document::new();
    if call.name == "hello" {
        reply.insert("isWritablePrimary", true);
    } else {
        reply.insert("ismaster", true);
    }
    if call.arguments.is_set("helloOk").unwrap_or(false) {
        reply.insert("helloOk", true);
    }
    reply.insert("topologyVersion", doc! { "processId": shared.process, "counter": 0_i64 });
    if shared.options.topology == Topology::ReplicaSet {
        reply.extend(doc! {
            "setName": SET_NAME,
            "setVersion": 1,
            "secondary": false,
            "hosts": [&me],
            "me": &me,
            "primary": &me,
            "electionId": shared.process,
            "lastWrite": {
                "opTime": { "ts": shared.clock.latest(call.environment()), "t": 1_i64 },
                "lastWriteDate": call.environment().now(),
            },
        });
    }
    reply.extend(doc! {
        "maxBsonObjectSize": MAX_DOCUMENT_BYTES,
        "maxMessageSizeBytes": i32::try_from(MAX_MESSAGE_BYTES).unwrap_or(i32::MAX),
        "maxWriteBatchSize": MAX_BATCH,
        "localTime": DateTime::from_millis(call.environment().now().timestamp_millis()),
        "logicalSessionTimeoutMinutes": minutes,
        "connectionId": call.connection.id,
        "minWireVersion": 0,
        "maxWireVersion": MAX_WIRE_VERSION,
        "readOnly": shared.options.read_only,
    });
    reply
}

/// The reply of `buildInfo`.
pub(crate) fn build_info() -> Document {
    let [major, minor, patch, _] = VERSION;
    doc! {
        "version": format!("{major}.{minor}.{patch}"),
        "versionArray": VERSION.as_slice(),
        "gitVersion": "",
        "modules": [],
        "allocator": "system",
        "javascriptEngine": "none",
        "sysInfo": "deprecated",
        "openssl": { "running": "rustls" },
        "bits": 64,
        "debug": cfg!(debug_assertions),
        "maxBsonObjectSize": MAX_DOCUMENT_BYTES,
        "storageEngines": ["argon"],
        "argonVersion": env!("CARGO_PKG_VERSION"),
    }
}
