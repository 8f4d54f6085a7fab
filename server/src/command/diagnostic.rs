//! Facts about the server.

use bson::{Bson, Document, doc};
use futures::FutureExt;

use super::handshake::SET_NAME;
use super::{Call, Command, Effect, Reply, commands, status, user_info};
use crate::failure::{CommandError, Result};
use crate::options::Topology;
use crate::rights::{Need, Right};

/// A command without effect that answers at once.
macro_rules! fact {
    ($name:literal, $need:expr, $aliases:expr, $fields:expr, $about:literal, $run:expr) => {
        Command {
            name: $name,
            aliases: $aliases,
            about: $about,
            fields: $fields,
            effect: Effect::None,
            need: $need,
            is_stable: false,
            run: |call| async { $run(call) }.boxed(),
        }
    };
}

pub(super) const COMMANDS: &[Command] = &[
    fact!(
        "hostInfo",
        Need::Everything(Right::Monitor),
        &[],
        &[],
        "Says on which machine the server runs.",
        host_info
    ),
    fact!(
        "connectionStatus",
        Need::Login,
        &[],
        &["showPrivileges"],
        "Says who the client is.",
        connection_status
    ),
    fact!(
        "getParameter",
        Need::Login,
        &[],
        &[
            "allParameters",
            "featureCompatibilityVersion",
            "authSchemaVersion",
            "authenticationMechanisms",
            "requireApiVersion",
            "showDetails",
            "setAt"
        ],
        "Gives parameters that drivers and tools ask for.",
        get_parameter
    ),
    fact!(
        "getLog",
        Need::Everything(Right::Monitor),
        &[],
        &[],
        "Gives no lines: the log is where the server's standard error goes.",
        get_log
    ),
    fact!(
        "getCmdLineOpts",
        Need::Everything(Right::Monitor),
        &[],
        &[],
        "Gives the options of the server.",
        get_options
    ),
    fact!(
        "serverStatus",
        Need::Everything(Right::Monitor),
        &[],
        &[
            "repl",
            "metrics",
            "locks",
            "tcmalloc",
            "opcounters",
            "network",
            "connections",
            "mem",
            "storageEngine",
            "wiredTiger",
            "asserts",
            "globalLock",
            "sharding",
            "oplog",
            "recordStats",
            "timing",
            "latchAnalysis",
            "mirroredReads"
        ],
        "Counts connections, operations, bytes, cursors and sessions; says how much memory the server has.",
        status::server_status
    ),
    fact!(
        "top",
        Need::Everything(Right::Monitor),
        &[],
        &[],
        "Gives the number and the times of reads and writes of each collection.",
        status::top
    ),
    fact!("whatsmyuri", Need::Login, &[], &[], "Gives the address of the client.", whats_my_uri),
    fact!("listCommands", Need::Login, &[], &[], "Lists the commands.", list_commands),
    fact!(
        "replSetGetStatus",
        Need::Everything(Right::Monitor),
        &[],
        &["initialSync"],
        "Describes the replica set of one.",
        set_status
    ),
    fact!(
        "replSetGetConfig",
        Need::Everything(Right::Monitor),
        &[],
        &["commitmentStatus"],
        "Gives the configuration of the replica set of one.",
        set_config
    ),
    fact!(
        "profile",
        Need::Everything(Right::Monitor),
        &[],
        &["filter", "ratelimit", "sampleRate", "slowms"],
        "Says that nothing is profiled: slow commands are in the log.",
        profile
    ),
    fact!(
        "fsync",
        Need::Everything(Right::Monitor),
        &[],
        &["async", "lock"],
        "Does nothing: every commit is durable before its reply.",
        fsync
    ),
];

fn host_info(call: &Call<'_>) -> Result<Reply> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Reply::of(&doc! {
        "system": {
            "currentTime": call.environment().now(),
            "hostname": call.connection.local.to_string(),
            "cpuAddrSize": 64,
            "numCores": i32::try_from(cores).unwrap_or(1),
            "cpuArch": std::env::consts::ARCH,
        },
        "os": { "type": std::env::consts::OS, "name": std::env::consts::OS, "version": "" },
        "extra": {},
    })
}

fn connection_status(call: &Call<'_>) -> Result<Reply> {
    let mut info = doc! {
        "authenticatedUsers": Vec::<Bson>::new(), "authenticatedUserRoles": Vec::<Bson>::new(),
    };
    if let Some(user) = &call.held.user {
        let (name, database) = (user.name.name(), user.name.database().to_string());
        info.insert("authenticatedUsers", vec![doc! { "user": name, "db": database }]);
        info.insert("authenticatedUserRoles", user_info::roles_of(user));
    }
    if call.arguments.is_set("showPrivileges")? {
        info.insert("authenticatedUserPrivileges", Vec::<Bson>::new());
    }
    Reply::of(&doc! { "authInfo": info })
}

fn get_parameter(call: &Call<'_>) -> Result<Reply> {
    // mongodump and mongorestore ask for it before they read or write users.
    if call.arguments.is_set("authSchemaVersion")? {
        return Err(CommandError::new(
            115,
            "users can't be dumped or restored, since their credentials are not shown to anyone: leave the \
             database admin out, and create them by createUser",
        ));
    }
    let version = doc! { "version": "8.0" };
    let parameters = doc! {
        "featureCompatibilityVersion": version,
        "authenticationMechanisms": ["SCRAM-SHA-256", "SCRAM-SHA-1"],
        "requireApiVersion": false,
    };
    let all = call.arguments.text("getParameter").ok().flatten() == Some("*")
        || call.arguments.is_set("allParameters").unwrap_or(false);
    let mut asked = Document::new();
    for (name, value) in parameters {
        if all || call.arguments.is_set(&name)? {
            asked.insert(name, value);
        }
    }
    if asked.is_empty() {
        return Err(CommandError::new(72, "no option found to get"));
    }
    Reply::of(&asked)
}

fn get_log(call: &Call<'_>) -> Result<Reply> {
    let none = Vec::<Bson>::new();
    match call.arguments.required_text("getLog")? {
        "*" => Reply::of(&doc! { "names": ["global", "startupWarnings"] }),
        "global" | "startupWarnings" => Reply::of(&doc! { "totalLinesWritten": 0, "log": none }),
        other => Err(CommandError::illegal(format!("No log named '{other}'"))),
    }
}

fn get_options(call: &Call<'_>) -> Result<Reply> {
    let address = call.connection.local;
    Reply::of(&doc! {
        "argv": ["argon", "serve"],
        "parsed": {
            "net": { "bindIp": address.ip().to_string(), "port": i32::from(address.port()) },
            "storage": { "engine": "argon" },
        },
    })
}

fn whats_my_uri(call: &Call<'_>) -> Result<Reply> {
    Reply::of(&doc! { "you": call.connection.peer.to_string() })
}

fn list_commands(_: &Call<'_>) -> Result<Reply> {
    let all = commands().map(|command| {
        let about = doc! {
            "help": command.about,
            "requiresAuth": !matches!(command.need, Need::Nothing),
            "secondaryOk": command.effect != Effect::Write,
            "adminOnly": false,
            "apiVersions": if command.is_stable { vec!["1"] } else { Vec::new() },
        };
        (command.name.to_owned(), Bson::Document(about))
    });
    Reply::of(&doc! { "commands": all.collect::<Document>() })
}

fn in_set(call: &Call<'_>) -> Result<()> {
    if call.shared.options.topology == Topology::ReplicaSet {
        return Ok(());
    }
    Err(CommandError::new(76, "not running with --replSet"))
}

fn set_status(call: &Call<'_>) -> Result<Reply> {
    in_set(call)?;
    let me = call.me();
    let time = call.shared.clock.latest(call.environment());
    Reply::of(&doc! {
        "set": SET_NAME,
        "date": call.environment().now(),
        "myState": 1,
        "term": 1_i64,
        "members": [{
            "_id": 0, "name": me, "health": 1.0, "state": 1, "stateStr": "PRIMARY", "self": true,
            "uptime": i64::try_from(call.shared.started.elapsed().as_secs()).unwrap_or(i64::MAX),
            "optime": { "ts": time, "t": 1_i64 },
        }],
    })
}

fn set_config(call: &Call<'_>) -> Result<Reply> {
    in_set(call)?;
    let me = call.me();
    Reply::of(&doc! {
        "config": {
            "_id": SET_NAME,
            "version": 1,
            "term": 1_i64,
            "protocolVersion": 1_i64,
            "writeConcernMajorityJournalDefault": true,
            "members": [{ "_id": 0, "host": me, "arbiterOnly": false, "priority": 1.0, "votes": 1 }],
            "settings": { "replicaSetId": call.shared.process },
        },
    })
}

fn profile(call: &Call<'_>) -> Result<Reply> {
    let level = call.arguments.integer("profile")?.unwrap_or(0);
    if level > 0 {
        return Err(CommandError::new(
            115,
            "nothing is profiled: slow commands are in the server's log",
        ));
    }
    let millis = i32::try_from(call.shared.options.slow.as_millis()).unwrap_or(i32::MAX);
    Reply::of(&doc! { "was": 0, "slowms": millis, "sampleRate": 1.0 })
}

fn fsync(call: &Call<'_>) -> Result<Reply> {
    if call.arguments.is_set("lock")? {
        return Err(CommandError::new(
            115,
            "fsync with lock is not supported: a past state does not change, so back that up",
        ));
    }
    Reply::of(&doc! { "numFiles": 1 })
}
