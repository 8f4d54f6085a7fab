#!/usr/bin/env bash
# SecantusDB refuses a bulkWrite that begins a transaction which has a read concern.
#
# Expected: a driver sends the read concern of a transaction with its first statement, whichever that
#   is, and a server that announces bulkWrite (MongoDB 8.0 and later) takes it there as it takes it in an
#   insert.
# Seen: with snapshot, majority and local the insert succeeds and the bulkWrite fails: "BSON field
#   'bulkWrite.readConcern' is an unknown field". Without a read concern both succeed. A read concern of
#   the client alone is enough, as transactions inherit it.
# Why it matters: code that falls back to single statements where bulkWrite fails never uses it on this
#   server, without a sign of it; and what is measured there is the fallback.
# Versions: SecantusDB 0.7.0b3 (announces 8.2.11), pymongo 4.20.0, Python 3.11. Date: 2026-11-29.
set -euo pipefail

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf -- "$work"' EXIT

cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet SecantusDB==0.7.0b3 pymongo==4.20.0

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
: > empty.toml
venv/bin/python venv/bin/secantusd-py --config empty.toml --host 127.0.0.1 --storage-path data \
    --port "$port" > server.log 2>&1 &
server=$!

cat > try.py <<'PYTHON'
import sys

import pymongo
from pymongo.read_concern import ReadConcern

client = pymongo.MongoClient(f"mongodb://127.0.0.1:{sys.argv[1]}/?directConnection=true")
print("server", client.server_info()["version"], "pymongo", pymongo.version)
client.t.rows.insert_one({"x": 0})


def insert(session):
    client.t.rows.insert_one({"x": 1}, session=session)


def bulk_write(session):
    row = pymongo.InsertOne({"x": 2}, namespace="t.rows")
    client.bulk_write([row], session=session)


def outcome(statement, concern):
    with client.start_session() as session:
        try:
            with session.start_transaction(read_concern=concern):
                statement(session)
            return "ok"
        except pymongo.errors.PyMongoError as error:
            refused = "bulkWrite.readConcern" in str(error)
            return "readConcern is an unknown field" if refused else str(error)


as_recorded = True
for level in (None, "snapshot", "majority", "local"):
    concern = ReadConcern(level) if level else None
    seen = outcome(insert, concern), outcome(bulk_write, concern)
    print(f"read concern {level!s:<9} insert: {seen[0]:<5} bulkWrite: {seen[1]}")
    as_recorded &= seen == ("ok", "readConcern is an unknown field" if level else "ok")
print("as recorded" if as_recorded else "CHANGED")
sys.exit(not as_recorded)
PYTHON
venv/bin/python try.py "$port"
