//! docs/WIRE.md is made from the table of commands. `ARGON_WRITE_GOLDEN=1` writes it anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

use std::fmt::Write as _;
use std::path::Path;

use argon_server::command::{Effect, commands};

const INTRODUCTION: &str = "\
# The server of MongoDB's protocol

`argon serve` serves a store to any driver of MongoDB. The table of commands is made from the code by
`server/tests/reference.rs`: change that, not this page.

## Databases

The name of a database is a project, or a project, `:` or `@`, and a revision as everywhere (`argon help revisions`):

| name | is |
| --- | --- |
| `shop` | the head of branch `main`, or of the branch that `--branch` names |
| `shop:try` | the head of branch `try` |
| `shop:try@1234`, `shop@v1`, `shop@2026-07-07T09:00:00Z`, `shop:main~3` | a past state |

In a connection string use `:`; a `/` in the name of a branch is `%2F`. Heads take writes; a write to another state is refused
with code 115. The first write to a project creates it, and the first write to a branch creates it from the head of the default
branch. `admin`, `config` and `local` are empty.

## What a write is

Each command that writes is one commit, durable before the reply, whatever the write concern. The name of the application
signs it, and the `comment` of the command is its message. Of a command with several statements, those that succeed are one commit;
if a unique index or a validator refuses one of them, each is a commit. A transaction is one commit.

`bypassDocumentValidation` goes round the validator of a collection, and round no unique index; it needs the role `dbAdmin` besides
that of a writer. The writes of a transaction have it all, or none.

`dropDatabase` drops the collections of a branch in one commit. Nothing is lost: past states keep them, and `argon undo` brings them back.

## Sessions and transactions

- A write that a driver sends again is applied once, and its reply is the same. After a crash, and for replies that do not fit
  64 MiB for all sessions, the commits of the last five minutes are looked through: each has the session and its number as trailers
  (`session`, `txn`). What was done, and can't be told any more, is refused with code 217 instead of done again.
- `endSessions` aborts a transaction. A session that is used again goes on with its numbers, as in MongoDB, which are forgotten
  after 30 minutes without use.
- A transaction reads every branch as it was when it began, writes to one, and is one commit; another one that writes the same
  documents and commits first ends it with code 112. It is aborted after 60 s. `commitTransaction` may be sent again, after a restart
  of the server too.
- A snapshot session reads all branches as they were at one time, `atClusterTime`. States that were collected are refused with
  code 239.

## Commands that take long

- `maxTimeMS` ends a command with code 50, also while it computes; `killOp` and `killSessions` end it with code 11601. A client
  that goes away ends what it reads. A write ends before its commit, or is done; what was committed stays. The `argon` commands
  that write, such as a merge, are not ended once they have begun.
- Commands that compute take a thread of their own, 128 at one time; further ones wait for one of these. `ping` and `hello` are
  answered meanwhile.
- A command that takes longer than `--slow` is in the log, as `slow command` with the fields of MongoDB's log: `ns`, `planSummary`,
  `keysExamined`, `docsExamined`, `nreturned`, `durationMillis`, and the `command` without its values. `RUST_LOG=argon=info` or
  `--log-format` shows it. Commands are counted by `argon metrics`, and are spans for OpenTelemetry; `hello` and the waits of change
  streams are neither slow nor counted.

## Change streams

A change stream is the log of a branch: of a collection or a database, or of all branches by `allChangesForCluster` on `admin`.
Its tokens name commits, so a stream goes on after a restart of the server, on a copy of the store, and as long as the log has
the commits (else code 286).

- The documents before and after a change are always there: `fullDocumentBeforeChange` needs no option of the collection, and
  `updateLookup` gives the document as the change has left it.
- The log says what a document became, and not by which command. An event of a document that existed is `update`, with the
  difference; it is `replace` only if a difference can't say it, since fields have another order.
- A reset, a rename or the deletion of a branch ends its streams with the event `invalidate`.
- Events of several branches have no order among each other. Those of a masked branch show masked documents.

## Capped collections

- New documents displace the oldest ones, in the commit that inserts them. The oldest is the one that was created first, by the log:
  an update keeps the place of a document; one that is deleted and inserted again is a new one, unless one transaction does
  both. Where garbage collection has taken the commit of a creation, the earliest change that is left counts.
- So it is for every writer: the server, the command, Python, Rust programs, and several processes that share a store. Merges,
  undo, patches, imports, and writes to masked branches are committed as they are; the next insertion displaces.
- A scan is in the order of insertion, and `{$natural: -1}` in its reverse. Each branch goes on with the order of its base, and
  a merge inserts what it brings. A past state has what the collection had then: nothing that was displaced is lost.
- As in MongoDB 8, documents may be deleted, and grow beyond the bound until the next insertion; `$out` is refused (17152). Beyond
  it, transactions may write to them. `convertToCapped` keeps the indexes.
- Change streams show what was displaced as deletions.
- A tailable cursor gives what is inserted later; with `awaitData` a `getMore` waits for it, as long as its `maxTimeMS` says (1 s by
  default). It ends with code 136 when the last document that it read is gone, with 175 when the collection is. On a past state
  it is an ordinary cursor.
- The order is kept in memory, about 300 bytes a document. It is read when it is used first after a start, and each time for a past
  state: the collection, and the headers of the commits since the creation of the oldest document.

## Clients

The tests have sessions with the server by these clients, on a project and on a branch (`cli/tests/cli/clients`): pymongo 4.20,
sync and async, Node's driver 7.9, mongoose 9.12, mongosh 2.12, the Go driver 2.10, the Java driver 5.14, and the Rust driver 3.9.

## MongoDB's tools

mongodump, mongorestore, mongoexport, mongoimport, mongofiles, mongostat and mongotop work with the names of databases above.
`mongodump --db shop:try@1234` dumps a past state. What is particular:

- There is no oplog, so `mongodump --oplog` fails. A dump of a past state is one of one moment. `mongorestore --oplogReplay`
  replays the oplog of a dump of MongoDB.
- mongorestore and mongofiles read before they write, so a branch must be there before they write to it; a project need not.
- A time series is dumped and restored by the name of its buckets (`system.buckets.NAME`), as the documents that are stored.
  MongoDB takes only buckets there: bring a series to MongoDB by mongoexport and mongoimport. Buckets that are restored from a
  dump of MongoDB are kept as documents, as `argon import` does.
- Users and roles are neither dumped nor restored; with a dump that has them, use `mongorestore --nsExclude 'admin.*'`.
- `mongorestore --preserveUUID` is refused, since the store gives collections their UUIDs.

## As a service

A unit of systemd, with a store in `/var/lib/argon`. SIGTERM ends the server once its commands have ended, which takes ten
seconds at most:

```ini
[Unit]
Description=Argon, a server of MongoDB's protocol
After=network.target

[Service]
User=argon
StateDirectory=argon
ExecStart=/usr/local/bin/argon --store fjall:/var/lib/argon serve --auth
Restart=on-failure
TimeoutStopSec=30
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
```

`argon --store fjall:/var/lib/argon init` and `argon user create` come first. While the server has a local store, other commands
and programs of the same user use it through the server, by the socket `serve.sock` in its directory, so `argon branch create`
beside it works as always. A health check is a `ping`, which needs no login, such as
`mongosh --quiet --eval 'db.adminCommand({ping: 1}).ok'`.

## Differences to MongoDB

- Without a sort, documents come in the order of their `_id`, not in that of their insertion, unless the collection is capped.
- `_id` is unique in time series collections too. Buckets are not needed; documents are stored as they are.
- There are no record ids (`showRecordId`), search indexes, map-reduce, or JavaScript.
- The collation of a collection counts for its queries and indexes, not for the uniqueness of `_id`. An index with a collation is
  kept as a definition, and can't be unique.
- There are no text and geo queries; these indexes are definitions.
- `collStats` and `dbStats` read all documents.
- What only a cluster of MongoDB can show is not there: elections, majorities of several nodes, sharding.
";

#[test]
fn the_reference_is_what_the_code_has() {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Commands\n\nAny other command is refused with code 59, and an unknown field with code 40415. ");
    page.push_str("✓ marks the commands of version 1 of the Stable API.\n\n");
    page.push_str(
        "| command | stable | effect | what it does | fields |\n| --- | --- | --- | --- | --- |\n",
    );
    for command in commands() {
        let effect = match command.effect {
            Effect::None => "",
            Effect::Read => "reads",
            Effect::Write => "writes",
        };
        let stable = if command.is_stable { "✓" } else { "" };
        let mut fields = command.fields.to_vec();
        fields.sort_unstable();
        let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
        let _ = writeln!(
            page,
            "| `{}` | {stable} | {effect} | {} | {} |",
            command.name,
            command.about,
            fields.join(" ")
        );
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/WIRE.md");
    if std::env::var_os("ARGON_WRITE_GOLDEN").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/WIRE.md is not what the code has; ARGON_WRITE_GOLDEN=1 writes it anew"
    );
}
