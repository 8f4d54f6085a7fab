#!/usr/bin/env bash
# pymongo ends a tailable cursor without an exception if the server has lost its position or killed it.
#
# Expected: a getMore that fails with code 136, CappedPositionLost, raises OperationFailure, as it does for
#   a cursor that is not tailable, and as Node's driver does: documents were removed before they were read.
# Seen: the loop ends as if the collection had nothing more, and alive is False. It is the same for code
#   43, 175 and 237 (the cursor is unknown, its collection is gone, somebody killed it), and for 96, which
#   is the general OperationFailed. The reply to the find itself is treated alike: a find that the server
#   refuses with 96 gives no document and no error. Code 292 raises. Only alive shows that the cursor is dead,
#   and not why; it is False after a find of an empty collection, too.
# Why it matters: the loop of the manual, `while cursor.alive: for document in cursor`, ends without a sign
#   of the loss; a program that then starts behind its last document never learns of the gap.
# Versions: pymongo 4.20.0, Python 3.11; mongodb 7.9.0 (npm), Node 20. Date: 2026-12-01.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pymongo==4.20.0
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mongodb@7.9.0

cat > stub.py <<'PYTHON'
"""A server of MongoDB's protocol: its finds give one document, and then fail with the code in the filter."""
import socketserver
import struct
import threading

import bson

HELLO = {"ok": 1, "helloOk": True, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 25,
         "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000}


def failure(code):
    return {"ok": 0, "code": code, "errmsg": "the next documents are gone"}


def answer(command):
    if "find" in command:
        wanted = command["filter"]
        if "at_once" in wanted:
            return failure(wanted["at_once"])
        # The code is the cursor's id, too.
        cursor = {"id": bson.Int64(wanted["later"]), "ns": "t.c", "firstBatch": [{"_id": 1}]}
        return {"ok": 1, "cursor": cursor}
    if "getMore" in command:
        return failure(int(command["getMore"]))
    return HELLO


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        while header := self.rfile.read(16):
            length, number, _, kind = struct.unpack("<4i", header)
            body = self.rfile.read(length - 16)
            is_query = kind == 2004  # the first hello
            start = body.index(0, 4) + 9 if is_query else 5
            size = int.from_bytes(body[start:start + 4], "little")
            reply = bson.encode(answer(bson.decode(body[start:start + size])))
            before = struct.pack("<iqii", 0, 0, 0, 1) if is_query else bytes(5)
            kind = 1 if is_query else 2013
            self.wfile.write(struct.pack("<4i", 16 + len(before) + len(reply), 0, number, kind) + before + reply)


def start():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
PYTHON

cat > try.mjs <<'JS'
import { MongoClient } from "mongodb";

const client = new MongoClient(`mongodb://127.0.0.1:${process.argv[2]}/?directConnection=true`);
for (const [how, code] of JSON.parse(process.argv[3])) {
    let read = 0;
    try {
        for await (const _ of client.db("t").collection("c").find({ [how]: code }, { tailable: true })) read += 1;
        console.log(`${read} read, the end`);
    } catch (error) {
        console.log(`${read} read, error ${error.code}`);
    }
}
await client.close();
JS

cat > try.py <<'PYTHON'
import json
import subprocess
import sys

import pymongo
from pymongo.cursor import CursorType

import stub

CASES = [("later", code) for code in (43, 96, 136, 175, 237, 292)] + [("at_once", 96), ("at_once", 292)]
SILENT = {43, 96, 136, 175, 237}

port = stub.start()
rows = pymongo.MongoClient("127.0.0.1", port, directConnection=True).t.c


def outcome(case, kind):
    cursor = rows.find(dict([case]), cursor_type=kind)
    read = 0
    try:
        for _ in cursor:
            read += 1
        return f"{read} read, the end" + (", alive" if cursor.alive else "")
    except pymongo.errors.OperationFailure as error:
        return f"{read} read, error {error.code}"


node = subprocess.run(["node", "try.mjs", str(port), json.dumps(CASES)], check=True, text=True, stdout=subprocess.PIPE)
as_recorded = True
print(f"{'the code comes':<22} {'pymongo, tailable':<22} {'pymongo, not tailable':<22} Node, tailable")
for case, in_node in zip(CASES, node.stdout.splitlines(), strict=True):
    how, code = case
    seen = outcome(case, CursorType.TAILABLE), outcome(case, CursorType.NON_TAILABLE), in_node
    read = 1 if how == "later" else 0
    raised = f"{read} read, error {code}"
    as_recorded &= seen == (f"{read} read, the end" if code in SILENT else raised, raised, raised)
    print(f"{how.replace('_', ' '):<8} {code:<13} {seen[0]:<22} {seen[1]:<22} {seen[2]}")
print("as recorded" if as_recorded else "CHANGED")
sys.exit(not as_recorded)
PYTHON
venv/bin/python try.py
