//! What the server has done, and what it uses.

use std::sync::atomic::Ordering;

use bson::{Bson, Document, doc};

use super::handshake::{SET_NAME, build_info};
use super::{Call, Reply};
use crate::failure::Result;
use crate::options::Topology;

pub(super) fn server_status(call: &Call<'_>) -> Result<Reply> {
    let shared = call.shared;
    let counters = &shared.counters;
    let uptime = shared.started.elapsed();
    let open = counters.connections.load(Ordering::Relaxed);
    let number = |number: usize| Bson::Int32(i32::try_from(number).unwrap_or(i32::MAX));
    let long = |number: u64| Bson::Int64(number.cast_signed());
    let version = build_info();
    let seconds = i64::try_from(uptime.as_secs()).unwrap_or(i64::MAX);
    let mut status = doc! {
        "host": call.connection.local.to_string(),
        "version": version.get_str("version").unwrap_or_default(),
        "process": "argon",
        "pid": i64::from(std::process::id()),
        // Whole, since mongostat reads it as an integer.
        "uptime": uptime.as_secs_f64().floor(),
        "uptimeMillis": i64::try_from(uptime.as_millis()).unwrap_or(i64::MAX),
        "uptimeEstimate": seconds,
        "localTime": call.environment().now(),
        "connections": {
            "current": number(open),
            "available": number(shared.options.connections.saturating_sub(open)),
            "totalCreated": long(counters.connected.load(Ordering::Relaxed)),
            "active": number(open),
        },
        "network": {
            "bytesIn": long(counters.bytes_in.load(Ordering::Relaxed)),
            "bytesOut": long(counters.bytes_out.load(Ordering::Relaxed)),
            "numRequests": long(counters.requests.load(Ordering::Relaxed)),
        },
        "opcounters": shared.operation_counts.counts(),
        "mem": memory(),
        "logicalSessionRecordCache": { "activeSessionsCount": number(shared.sessions.count()) },
        "metrics": { "cursor": { "open": { "total": number(shared.cursors.count()) } } },
        "storageEngine": { "name": "argon", "persistent": true, "readOnly": shared.options.read_only },
    };
    if shared.options.topology == Topology::ReplicaSet {
        let me = call.me();
        status.insert("repl", doc! {
            "setName": SET_NAME, "isWritablePrimary": true, "ismaster": true, "secondary": false,
            "me": &me, "hosts": [&me],
        });
    }
    Reply::of(&status)
}

/// The memory of the process in MiB, as far as the system says.
fn memory() -> Document {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mebibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: i32 =
            line.trim_start_matches(':').trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes / 1024)
    };
    match (mebibytes("VmRSS"), mebibytes("VmSize")) {
        (Some(resident), Some(size)) => {
            doc! { "bits": 64, "resident": resident, "virtual": size, "supported": true }
        }
        _ => doc! { "bits": 64, "supported": false },
    }
}

pub(super) fn top(call: &Call<'_>) -> Result<Reply> {
    let mut totals = doc! { "note": "all times in microseconds" };
    totals.extend(call.shared.operation_counts.times());
    Reply::of(&doc! { "totals": totals })
}
